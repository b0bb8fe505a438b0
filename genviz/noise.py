"""How noise is mixed into data, for diffusion and score-based models alike.

Every forward process here has the closed form

    x_t = alpha_t x + sigma_t eps,    eps ~ N(0, I),    t in [0, 1], 0 = data, 1 = noise,

so a picture of any noise level is made in one line. Schedules differ in alpha_t and sigma_t only, and up to the scale of x_t all
of them say the same thing: what matters is the noise-to-signal ratio sigma = sigma_t / alpha_t, because x_t / alpha_t = x + sigma eps.
That is why one network serves every schedule and every sampler: it is asked about a ratio.

References: Ho et al. 2020 (linear), Nichol and Dhariwal 2021 (cosine), Song et al. 2021 (VP, VE), Kingma et al. 2021 (the ratio is all
that matters), Karras et al. 2022 (VE with the rho grid).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


class Schedule(ABC):
    """alpha_t and sigma_t as functions of t in [0, 1]; t may be a tensor of any shape, results have its shape."""

    @abstractmethod
    def alpha(self, t: Tensor) -> Tensor: ...

    @abstractmethod
    def sigma(self, t: Tensor) -> Tensor: ...

    def ratio(self, t: Tensor) -> Tensor:
        """Noise-to-signal ratio sigma_t / alpha_t, the sigma of Karras et al."""
        return self.sigma(t) / self.alpha(t)

    @abstractmethod
    def time(self, ratio: Tensor) -> Tensor:
        """The t at which the noise-to-signal ratio has this value, the inverse of `ratio`."""

    def log_snr(self, t: Tensor) -> Tensor:
        """log(alpha_t^2 / sigma_t^2)."""
        return -2 * torch.log(self.ratio(t))

    def mix(self, x: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """x_t = alpha_t x + sigma_t eps for x, eps (B, ...) and t (B,) or a single number."""
        t = torch.as_tensor(t, dtype=x.dtype, device=x.device)
        t = t.view(-1, *[1] * (x.ndim - 1)) if t.ndim else t
        return self.alpha(t) * x + self.sigma(t) * eps


@dataclass(frozen=True)
class Cosine(Schedule):
    """Variance preserving, a quarter of a circle: alpha_t = cos(pi t / 2), sigma_t = sin(pi t / 2), ratio tan(pi t / 2)."""

    def alpha(self, t: Tensor) -> Tensor:
        return torch.cos(math.pi / 2 * t)

    def sigma(self, t: Tensor) -> Tensor:
        return torch.sin(math.pi / 2 * t)

    def ratio(self, t: Tensor) -> Tensor:
        return torch.tan(math.pi / 2 * t)

    def time(self, ratio: Tensor) -> Tensor:
        return 2 / math.pi * torch.atan(torch.as_tensor(ratio))


@dataclass(frozen=True)
class Linear(Schedule):
    """Variance preserving with a rate of noise beta(t) that rises linearly: alpha_t = exp(-(b0 t + (b1 - b0) t^2 / 2) / 2)."""

    b0: float = 0.1
    b1: float = 20.0

    def alpha(self, t: Tensor) -> Tensor:
        return torch.exp(-0.5 * (self.b0 * t + 0.5 * (self.b1 - self.b0) * t**2))

    def sigma(self, t: Tensor) -> Tensor:
        return torch.sqrt(-torch.expm1(-(self.b0 * t + 0.5 * (self.b1 - self.b0) * t**2)))

    def time(self, ratio: Tensor) -> Tensor:
        area = torch.log1p(torch.as_tensor(ratio) ** 2)  # = b0 t + (b1 - b0) t^2 / 2
        slope = self.b1 - self.b0
        return (torch.sqrt(self.b0**2 + 2 * slope * area) - self.b0) / slope


@dataclass(frozen=True)
class Exploding(Schedule):
    """Variance exploding: alpha_t = 1 and sigma_t grows geometrically from sigma_min to sigma_max."""

    sigma_min: float = 0.01
    sigma_max: float = 80.0

    def alpha(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def sigma(self, t: Tensor) -> Tensor:
        return self.sigma_min * (self.sigma_max / self.sigma_min) ** t

    def time(self, ratio: Tensor) -> Tensor:
        return torch.log(torch.as_tensor(ratio) / self.sigma_min) / math.log(self.sigma_max / self.sigma_min)


COSINE = Cosine()  # the one on stage and in training
SCHEDULES: dict[str, Schedule] = {"cosine": COSINE, "linear": Linear(), "exploding": Exploding()}


def karras(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    """Falling noise-to-signal ratios (steps + 1,): (max^(1/rho) + i / steps (min^(1/rho) - max^(1/rho)))^rho, the last one 0.

    A large rho spends more of the steps near the data (Karras et al. 2022, equation 5, where one step more leads from sigma_min to 0; with
    few steps it is better to jump from where they have come). float64, for small differences matter.
    """
    if steps < 1:
        raise ValueError(f"A walk needs at least 1 step, not {steps}.")
    share = torch.arange(steps, dtype=torch.float64) / steps
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return torch.cat([(high + share * (low - high)) ** rho, torch.zeros(1, dtype=torch.float64)])


def spherical(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Points on the great circle from a to b, (n, *shape) for share (n,) in [0, 1] and a, b (*shape).

    Between two draws of N(0, I) it keeps the length that such draws have in many dimensions; a straight line would pass through
    points that are too short to be noise (Shoemake 1985; White 2016).
    """
    cosine = torch.dot(a.flatten(), b.flatten()) / (a.norm() * b.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    share = share.view(-1, *[1] * a.ndim)
    if torch.sin(angle).abs() < 1e-6:
        return torch.lerp(a, b, share)
    return (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
