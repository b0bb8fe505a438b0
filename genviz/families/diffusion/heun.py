r"""Heun's method on the probability-flow equation, the deterministic sampler of EDM (Karras et al. 2022, algorithm 1).

In the scale y = x_t / alpha_t with the ratio r = sigma_t / alpha_t, all schedules follow one ordinary differential equation,

    dy/dr = (y - x0_hat) / r = eps_hat.

Euler's method takes the slope at the start of a step (that is DDIM); Heun's takes the mean of the slopes at the start and at the
end, which costs a second call of the network and makes the error of a step third order. The last step, to r = 0, is Euler's:
18 steps are 35 calls.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from genviz.noise import COSINE, Schedule


@torch.no_grad()
def heun(
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
    for t, s in pairwise(times):
        yield x_t
        x0_hat = yield from denoise(x_t, t)
        x_t = yield from step(denoise, x_t, x0_hat, t, s, schedule)
    yield x_t


def step(
    denoise: Callable[[Tensor, Tensor], Generator[None, None, Tensor]],
    x_t: Tensor,
    x0_hat: Tensor,
    t: Tensor,
    s: Tensor,
    schedule: Schedule,
) -> Generator[None, None, Tensor]:
    """x_s from x_t and its guess x0_hat; asks the network once more unless s = 0."""
    y, r_t, r_s, alpha_s = x_t / float(schedule.alpha(t)), float(schedule.ratio(t)), float(schedule.ratio(s)), float(schedule.alpha(s))
    slope = (y - x0_hat) / r_t
    end = y + (r_s - r_t) * slope
    if r_s > 0:
        x0_hat = yield from denoise(alpha_s * end, s)
        slope_end = (end - x0_hat) / r_s
        end = y + (r_s - r_t) * (slope + slope_end) / 2
    return alpha_s * end
