"""An endless walk through the latent space, any stretch of which can be computed alone."""

from __future__ import annotations

import torch
from torch import Tensor

from genviz.model import randn


def wander(position: float, n: int, z_dim: int, seed: int) -> Tensor:
    """z (n, z_dim) at a position of n smooth walks: way points w_k from N(0, I), blended by a bell over the four nearest,

        z = sum_k b(position - k) w_k / |b|,    b(u) = cos^2(pi u / 4)

    so that at every position z is itself a draw from N(0, I), which a straight line between way points is not.
    """
    near = torch.arange(4) + int(position) - 1
    seeds = [((seed << 20) + k + 1) % 2**63 for k in near.tolist()]
    points = torch.stack([randn(n, z_dim, rng=torch.Generator().manual_seed(s)) for s in seeds])
    bell = torch.cos(torch.pi / 4 * (position - near)) ** 2
    return torch.einsum("k,kbd->bd", bell / bell.norm(), points)
