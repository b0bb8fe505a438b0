r"""What a noisy pixel says about itself, in closed form: the part of the score that a small network cannot learn.

Bytes with uniform noise between the grey levels lie in boxes that are w = 2 / 255 wide in [-1, 1], and most pixels of these pictures lie
in one box, black. Near it the score at noise sigma is about (-1 - x) / sigma^2: at sigma = w a network whose inputs are of order one
would have to enlarge them hundreds of times. But at so little noise the neighbours have hardly anything to add, and what one pixel
alone can tell is elementary. Let its density be a histogram, with narrow bins at the two ends where these data crowd. Then noise
makes differences of normal distribution functions of it,

    p_sigma(x) = sum_j q_j / (h_j - l_j) [ Phi((x - l_j) / sigma) - Phi((x - h_j) / sigma) ],

the expected grey is x + sigma^2 d log p_sigma / dx (Tweedie's formula), and the probability flow keeps every pixel at its quantile,
x_sigma = F_sigma^{-1}(F_0(x)). So the last stretch of the way to noise 0, where a solver would need many steps, is walked exactly.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

BYTE = 2 / 255  # width of a grey level
BINS = (0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 193, 225, 241, 247, 250, 251, 252, 253, 254, 255, 256)  # first byte of each, and the end


def flat() -> Tensor:
    """The shares of the bins before anything was counted: half of the pixels black, the other half evenly over the bytes."""
    width = torch.tensor(BINS).diff().float()
    return 0.5 * width / 256 + 0.5 * (torch.arange(len(width)) == 0)


def count(x: Tensor) -> Tensor:
    """Shares of the bins among pixels x, bytes in [-1, 1] with or without noise of less than half a level."""
    place = torch.bucketize(x.flatten(), _edges(x)[1:-1].contiguous())
    return torch.bincount(place, minlength=len(BINS) - 1).to(x) / x.numel()


def density(x: Tensor, sigma: Tensor | float, shares: Tensor) -> tuple[Tensor, Tensor]:
    """p_sigma and its derivative at x, elementwise; sigma > 0 broadcasts, shares (bins,)."""
    p, slope, right = torch.zeros_like(x), torch.zeros_like(x), None
    edges, heights = _edges(x), _heights(shares.to(x))
    for k in range(len(BINS)):
        z = (x - edges[k]) / sigma
        upper = torch.special.ndtr(-z.abs())  # the smaller tail, so that differences far from an edge stay exact
        left, right = right, (z, upper)
        jump = (heights[k] if k < len(heights) else 0.0) - (heights[k - 1] if k else 0.0)
        slope = slope + jump * torch.exp(-z * z / 2) / (sigma * math.sqrt(2 * math.pi))
        if left is not None:
            (a, tail_a), (b, tail_b) = left, right  # a >= b
            p = p + heights[k - 1] * torch.where(b >= 0, tail_b - tail_a, torch.where(a < 0, tail_a - tail_b, 1 - tail_a - tail_b))
    return p, slope


def denoise(x: Tensor, sigma: Tensor | float, shares: Tensor) -> Tensor:
    """E[grey | x] of every pixel by itself; beyond the reach of the density, where p_sigma is 0, x itself."""
    p, slope = density(x, sigma, shares)
    return x + sigma**2 * slope / p.clamp(min=1e-20)


def below(x: Tensor, sigma: float, shares: Tensor) -> Tensor:
    """F_sigma(x), elementwise; sigma may be 0."""
    total, edges, heights = torch.zeros_like(x), _edges(x), _heights(shares.to(x))
    for k in range(len(BINS)):
        jump = (heights[k] if k < len(heights) else 0.0) - (heights[k - 1] if k else 0.0)
        z = x - edges[k]
        if sigma == 0:
            total = total + jump * z.clamp(min=0)
        else:  # the integral of Phi(z / sigma)
            total = total + jump * (z * torch.special.ndtr(z / sigma) + sigma * torch.exp(-((z / sigma) ** 2) / 2) / math.sqrt(2 * math.pi))
    return total


def lift(x: Tensor, sigma: float, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Along the flow from noise 0 to sigma: x (B, ...) within the bins -> x_sigma, and log |d x_sigma / d x| in nats (B,).

    Every pixel is found by bisection at the quantile that it had; the densities at the two ends give the derivative. Bisection needs the
    digits of float64, which not every device has, so it works on the CPU.
    """
    given, x, shares = x, x.cpu().double(), shares.cpu()
    quantile = below(x, 0.0, shares)
    low, high = x - 7 * sigma, x + 7 * sigma
    for _ in range(26):
        middle = (low + high) / 2
        further = below(middle, sigma, shares) < quantile
        low, high = torch.where(further, middle, low), torch.where(further, high, middle)
    lifted = (low + high) / 2
    before = _heights(shares.to(x)).log()[torch.bucketize(x, _edges(x)[1:-1].contiguous())]
    after = density(lifted, sigma, shares)[0].log()
    stretch = (before - after).flatten(1).sum(1)
    return tuple(found.to(given.dtype).to(given.device) for found in (lifted, stretch))  # type: ignore[return-value]


def _edges(x: Tensor) -> Tensor:
    return (x.new_tensor(BINS) - 0.5) * BYTE - 1


def _heights(shares: Tensor) -> Tensor:
    return shares / shares.sum() / (shares.new_tensor(BINS).diff() * BYTE)
