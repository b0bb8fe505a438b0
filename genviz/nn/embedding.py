"""Numbers and classes as vectors that a network can read."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def waves(value: Tensor, width: int, slowest: float = 0.5, fastest: float = 32.0) -> Tensor:
    """value (B,) of order one -> (B, width): cosines and sines of `width / 2` geometrically spaced frequencies.

    Near values get near vectors and far ones do not (Vaswani et al. 2017); made on use, so that nothing of it needs storing.
    """
    share = torch.linspace(0, 1, width // 2, device=value.device)
    angle = value[:, None] * (slowest * (fastest / slowest) ** share)  # (B, width / 2)
    return torch.cat([torch.cos(angle), torch.sin(angle)], dim=1) * math.sqrt(2)
