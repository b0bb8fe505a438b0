r"""DDPM, the first sampler that worked: undo one small step of noise at a time, and add fresh noise after each (Ho et al. 2020).

If the data x were known, the way back from x_t to an earlier time s would be a Gaussian in closed form,

    q(x_s | x_t, x) = N( (a sigma_s^2 x_t + alpha_s b^2 x) / sigma_t^2,  (sigma_s b / sigma_t)^2 ),
    a = alpha_t / alpha_s,    b^2 = sigma_t^2 - a^2 sigma_s^2    (one step of the forward process: x_t = a x_s + b eps).

The sampler puts its guess x0_hat in place of x. That is right for small steps only, hence hundreds of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from genviz.model import randn
from genviz.noise import COSINE, Schedule


@torch.no_grad()
def ddpm(
    denoise: Callable[[Tensor, Tensor], Tensor],
    x_t: Tensor,
    times: Tensor,
    rng: torch.Generator,
    eta: float = 0.0,
    schedule: Schedule = COSINE,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields (x_t, x0_hat) at every time of `times`, which fall to 0; `denoise(x_t, t)` is the network's x0_hat. `eta` is not used."""
    for t, s in pairwise(times):
        x0_hat = denoise(x_t, t)
        yield x_t, x0_hat
        x_t = step(x_t, x0_hat, t, s, randn(*x_t.shape, rng=rng, device=x_t.device), schedule)
    yield x_t, x_t


def step(x_t: Tensor, x0_hat: Tensor, t: Tensor, s: Tensor, eps: Tensor, schedule: Schedule) -> Tensor:
    """x_s drawn from q(x_s | x_t, x = x0_hat) with the noise eps; at s = 0 it is x0_hat itself."""
    alpha_t, sigma_t = schedule.alpha(t), schedule.sigma(t)
    alpha_s, sigma_s = schedule.alpha(s), schedule.sigma(s)
    a = alpha_t / alpha_s
    b2 = sigma_t**2 - a**2 * sigma_s**2
    mean = (a * sigma_s**2 * x_t + alpha_s * b2 * x0_hat) / sigma_t**2
    return mean + sigma_s * b2.sqrt() / sigma_t * eps
