r"""Six densities in the plane, each known exactly, at every noise level.

Five are mixtures of round Gaussians, all components alike: a curve (the moons, the rings, the roll) is a mixture whose centres follow it
closely. Gaussian noise of size sigma makes the same mixture with wider components,

    p_sigma(x) = 1/K sum_k N(x; c_k, (s^2 + sigma^2) I),

so the density, its logarithm and its gradient, the score, have one formula for all noise levels. The checkerboard is uniform on eight
squares; with noise, each square becomes a product of differences of normal distribution functions. All have a standard deviation near 1 in
both directions and lie within [-2.5, 2.5].
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from genviz.data import of

SIZES = {"train": (50_000, 1), "held_out": (5_000, 2), "test": (10_000, 3)}  # points, seed


def _circle(radius: float, count: int) -> Tensor:
    angle = torch.arange(count) * (2 * math.pi / count)
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


@lru_cache(maxsize=8)
def _mixture(data: str) -> tuple[Tensor, float]:
    """Centres (K, 2) and the standard deviation s of a component."""
    if data == "two_moons":
        angle = torch.linspace(0, math.pi, 100)
        upper = torch.stack([angle.cos(), angle.sin()], 1)
        lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
        return 1.4 * (torch.cat([upper, lower]) - torch.tensor([0.5, 0.25])), 0.11
    if data == "rings":
        return torch.cat([_circle(0.6 * k, 50 * k) for k in (1, 2, 3)]), 0.08
    if data == "swiss_roll":
        angle = torch.linspace(1.5, 4.5, 300) * math.pi
        return torch.stack([angle * angle.cos(), angle * angle.sin()], 1) / 7, 0.08
    if data == "eight_gaussians":
        return _circle(1.4, 8), 0.13
    if data == "twenty_five_gaussians":
        return 0.7 * (torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0)) - 2), 0.07
    raise KeyError(f"There is no data set '{data}' in the plane; there are {', '.join(of('points'))}.")


@lru_cache(maxsize=1)
def _corners() -> Tensor:
    """Lower left corners (8, 2) of the squares of side 1 that the checkerboard fills."""
    return torch.tensor([[a - 2.0, b - 2.0] for a in range(4) for b in range(4) if (a + b) % 2 == 0])


def draw(data: str, n: int, rng: torch.Generator) -> Tensor:
    """n points (n, 2), float32; KeyError for an unknown name."""
    if data == "checkerboard":
        return _corners()[torch.randint(8, (n,), generator=rng)] + torch.rand(n, 2, generator=rng)
    centres, s = _mixture(data)
    return centres[torch.randint(len(centres), (n,), generator=rng)] + s * torch.randn(n, 2, generator=rng)


@lru_cache(maxsize=18)
def points(data: str, split: str) -> tuple[Tensor, Tensor]:
    """x (N, 2) and label (N,), all 0, of split "train" (50,000), "held_out" (5,000) or "test" (10,000); always the same points."""
    if split not in SIZES:
        raise KeyError(f"There is no split '{split}'; there are train, held_out and test.")
    n, seed = SIZES[split]
    return draw(data, n, torch.Generator().manual_seed(seed)), torch.zeros(n, dtype=torch.int64)


def log_prob(data: str, x: Tensor, sigma: float = 0.0) -> Tensor:
    """log p_sigma(x) in nats (B,) of x (B, 2): the density of the data with noise of standard deviation sigma added; -inf where it is 0."""
    if data == "checkerboard":
        return _squares(x.double(), sigma)[0].log().to(x.dtype)
    centres, s = _mixture(data)
    var = s * s + sigma * sigma
    distance = (x[:, None] - centres.to(x)).square().sum(2)  # (B, K)
    return torch.logsumexp(-distance / (2 * var), 1) - math.log(2 * math.pi * var * len(centres))


def score(data: str, x: Tensor, sigma: float) -> Tensor:
    """Gradient of log p_sigma at x (B, 2); ValueError for the checkerboard without noise, whose density has edges."""
    if data == "checkerboard":
        if sigma <= 0:
            raise ValueError("The checkerboard has a score only with noise: its density jumps at the edges.")
        p, gradient = _squares(x.double(), sigma)
        return (gradient / p.clamp(min=1e-300)[:, None]).to(x.dtype)
    centres, s = _mixture(data)
    var = s * s + sigma * sigma
    share = torch.softmax(-(x[:, None] - centres.to(x)).square().sum(2) / (2 * var), 1)  # (B, K): whose point is this
    return (share @ centres.to(x) - x) / var


def _squares(x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Density (B,) and its gradient (B, 2) of the checkerboard with noise, at x (B, 2) float64."""
    low = _corners().to(x)
    if sigma <= 0:
        inside = ((x[:, None] >= low) & (x[:, None] < low + 1)).all(2)
        return inside.any(1).to(x) / 8, torch.zeros_like(x)
    a, b = (x[:, None] - low) / sigma, (x[:, None] - low - 1) / sigma  # (B, 8, 2)
    swap = a + b > 0  # Phi(a) - Phi(b) = Phi(-b) - Phi(-a), which is exact in the upper tail
    upper, lower = torch.where(swap, -b, a), torch.where(swap, -a, b)
    mass = torch.special.ndtr(upper) - torch.special.ndtr(lower)
    slope = (torch.exp(-a * a / 2) - torch.exp(-b * b / 2)) / (sigma * math.sqrt(2 * math.pi))
    return mass.prod(2).mean(1), (slope * mass.flip(2)).mean(1)
