r"""DPM-Solver++(2M): second order for the price of one call per step, because the last guess is remembered (Lu et al. 2022).

Written in lambda = log(alpha_t / sigma_t), the exact way from t to s, h = lambda_s - lambda_t apart, is

    x_s = (sigma_s / sigma_t) x_t + sigma_s * integral of exp(lambda) x0_hat(lambda) d lambda.

Holding x0_hat still gives DDIM. Drawing a straight line through this guess and the previous one, h' apart, gives the method:

    D = x0_hat + h / (2 h') (x0_hat - previous),    x_s = (sigma_s / sigma_t) x_t - alpha_s (exp(-h) - 1) D.

Ten steps, ten calls, make a good picture. The first step has no previous guess and the last goes to infinite lambda: both hold still.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from genviz.noise import COSINE, Schedule


@torch.no_grad()
def dpm_solver(
    denoise: Callable[[Tensor, Tensor], Generator[None, None, Tensor]],
    x_t: Tensor,
    times: Tensor,
    rng: torch.Generator | None = None,
    eta: float = 0.0,
    schedule: Schedule = COSINE,
) -> Iterator[Tensor | None]:
    """Yields x_t at every time of `times`, which fall to 0, and breaths; the network's x0_hat is `yield from denoise(x_t, t)`.

    No fresh noise.
    """
    previous = None
    for t, s in pairwise(times):
        yield x_t
        x0_hat = yield from denoise(x_t, t)
        h = torch.log(schedule.ratio(t) / schedule.ratio(s))  # infinite for s = 0
        x_t = step(x_t, x0_hat, previous, t, s, h, schedule)
        previous = x0_hat, h
    yield x_t


def step(
    x_t: Tensor, x0_hat: Tensor, previous: tuple[Tensor, Tensor] | None, t: Tensor, s: Tensor, h: Tensor, schedule: Schedule
) -> Tensor:
    """x_s from x_t and x0_hat; `previous` holds the guess of the step before and that step's length in lambda."""
    line = x0_hat
    if previous is not None and torch.isfinite(h):
        guess, h_before = previous
        line = x0_hat + float(h / (2 * h_before)) * (x0_hat - guess)
    return float(schedule.sigma(s) / schedule.sigma(t)) * x_t - float(schedule.alpha(s) * torch.expm1(-h)) * line
