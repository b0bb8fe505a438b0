r"""DDPM, the first sampler that worked: undo one small step of noise at a time, and add fresh noise after each (Ho et al. 2020).

If the data x were known, the way back from x_t to an earlier time s would be a Gaussian in closed form,

    q(x_s | x_t, x) = N( (a sigma_s^2 x_t + alpha_s b^2 x) / sigma_t^2,  (sigma_s b / sigma_t)^2 ),
    a = alpha_t / alpha_s,    b^2 = sigma_t^2 - a^2 sigma_s^2    (one step of the forward process: x_t = a x_s + b eps).

The sampler puts its guess x0_hat in place of x. That is right for small steps only, hence hundreds of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from genviz.model import randn
from genviz.noise import COSINE, Schedule


@torch.no_grad()
def ddpm(
    denoise: Callable[[Tensor, Tensor], Generator[None, None, Tensor]],
    x_t: Tensor,
    times: Tensor,
    rng: torch.Generator,
    eta: float = 0.0,
    schedule: Schedule = COSINE,
) -> Iterator[Tensor | None]:
    """Yields x_t at every time of `times`, which fall to 0, and breaths; the network's x0_hat is `yield from denoise(x_t, t)`.

    `eta` is not used.
    """
    for t, s in pairwise(times):
        yield x_t
        x0_hat = yield from denoise(x_t, t)
        x_t = step(x_t, x0_hat, t, s, randn(*x_t.shape, rng=rng, device=x_t.device), schedule)
    yield x_t


def step(x_t: Tensor, x0_hat: Tensor, t: Tensor, s: Tensor, eps: Tensor, schedule: Schedule) -> Tensor:
    """x_s drawn from q(x_s | x_t, x = x0_hat) with the noise eps; at s = 0 it is x0_hat itself."""
    alpha_t, sigma_t = schedule.alpha(t), schedule.sigma(t)
    alpha_s, sigma_s = schedule.alpha(s), schedule.sigma(s)
    a = alpha_t / alpha_s
    b2 = sigma_t**2 - a**2 * sigma_s**2
    mean = (float(a * sigma_s**2) * x_t + float(alpha_s * b2) * x0_hat) / float(sigma_t**2)
    return mean + float(sigma_s * b2.sqrt() / sigma_t) * eps
