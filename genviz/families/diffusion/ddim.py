r"""DDIM: the same network, far fewer steps, and as much fresh noise as you like (Song, Meng and Ermon 2021).

Guess the picture and the noise, x_t = alpha_t x0_hat + sigma_t eps_hat, then mix them again for the earlier time s, a part n of the
noise being replaced by new:

    x_s = alpha_s x0_hat + sqrt(sigma_s^2 - n^2) eps_hat + n eps,    n = eta sigma_s sqrt(1 - (sigma_s alpha_t / (alpha_s sigma_t))^2).

With eta = 0 nothing is random after the first draw: each noise belongs to one picture, so that noises may be interpolated. With
eta = 1 the step has the mean and the variance of DDPM.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from genviz.model import randn
from genviz.noise import COSINE, Schedule


@torch.no_grad()
def ddim(
    denoise: Callable[[Tensor, Tensor], Generator[None, None, Tensor]],
    x_t: Tensor,
    times: Tensor,
    rng: torch.Generator,
    eta: float = 0.0,
    schedule: Schedule = COSINE,
) -> Iterator[Tensor | None]:
    """Yields x_t at every time of `times`, which fall to 0, and breaths; the network's x0_hat is `yield from denoise(x_t, t)`."""
    for t, s in pairwise(times):
        yield x_t
        x0_hat = yield from denoise(x_t, t)
        eps = randn(*x_t.shape, rng=rng, device=x_t.device) if eta > 0 else torch.zeros_like(x_t)
        x_t = step(x_t, x0_hat, t, s, eps, eta, schedule)
    yield x_t


def step(x_t: Tensor, x0_hat: Tensor, t: Tensor, s: Tensor, eps: Tensor, eta: float, schedule: Schedule) -> Tensor:
    """x_s from x_t and the guess x0_hat; eps is the new noise of which eta says how much is used. Times and all that is worked out from
    them are float64 on the CPU, and plain numbers where they meet a picture: not every device has float64."""
    alpha_t, sigma_t = schedule.alpha(t), schedule.sigma(t)
    alpha_s, sigma_s = schedule.alpha(s), schedule.sigma(s)
    eps_hat = (x_t - float(alpha_t) * x0_hat) / float(sigma_t)
    n = eta * sigma_s * torch.sqrt(1 - (sigma_s * alpha_t / (alpha_s * sigma_t)) ** 2)
    return float(alpha_s) * x0_hat + float(torch.sqrt(sigma_s**2 - n**2)) * eps_hat + float(n) * eps
