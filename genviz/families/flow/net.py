"""The networks inside the couplings: convolutions that read the pixels at rest and say how the others shall move.

Nothing here needs to be invertible: a coupling never inverts its network, it only asks it again. So these are ordinary residual
networks, shaped for CPUs: at 14 x 14 only the first and the last layer work, everything deep works at 7 x 7, where a channel costs a
quarter. The last layer starts at almost zero, so that every coupling starts out the same at all places.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(inside: int, outside: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, size, stride=stride, padding=size // 2)


def quiet(layer: nn.Conv2d | nn.Linear, bias: Tensor) -> nn.Conv2d | nn.Linear:
    """A last layer that answers `bias` (outside,) at the start of training, and hardly anything else."""
    nn.init.normal_(layer.weight, std=1e-3)
    with torch.no_grad():
        layer.bias.copy_(bias)
    return layer


class Residual(nn.Module):
    """h (B, width, H, W) -> h + conv(silu(conv(silu(h)))), the identity at the start of training."""

    def __init__(self, width: int):
        super().__init__()
        self.a, self.b = conv(width, width), conv(width, width)
        nn.init.zeros_(self.b.weight)
        nn.init.zeros_(self.b.bias)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.b(F.silu(self.a(F.silu(h))))


class FineNet(nn.Module):
    """(B, inside, 14, 14) -> (B, len(bias), 14, 14): a shallow way at 14 x 14 beside a deep one at 7 x 7."""

    def __init__(self, inside: int, bias: Tensor, fine: int, coarse: int, depth: int):
        super().__init__()
        self.stem = conv(inside, fine)
        self.fold = conv(fine, coarse, stride=2)
        self.deep = nn.Sequential(*(Residual(coarse) for _ in range(depth)))
        self.unfold = conv(coarse, 4 * fine, 1)
        self.head = quiet(conv(fine, len(bias)), bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        deep = self.deep(self.fold(F.silu(h)))
        h = h + F.pixel_shuffle(self.unfold(F.silu(deep)), 2)
        return self.head(F.silu(h))


class CoarseNet(nn.Module):
    """(B, inside, 7, 7) -> (B, len(bias), 7, 7)."""

    def __init__(self, inside: int, bias: Tensor, coarse: int, depth: int):
        super().__init__()
        self.stem = conv(inside, coarse)
        self.deep = nn.Sequential(*(Residual(coarse) for _ in range(depth)))
        self.head = quiet(conv(coarse, len(bias), 1), bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.silu(self.deep(self.stem(x))))


class FlatNet(nn.Module):
    """(B, inside) -> (B, len(bias), outside): two hidden layers, for a few numbers without places of their own."""

    def __init__(self, inside: int, outside: int, bias: Tensor, width: int):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(inside, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.head = quiet(nn.Linear(width, outside * len(bias)), bias.repeat(outside))
        self.outside = outside

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden(x)).view(len(x), self.outside, -1).transpose(1, 2)
