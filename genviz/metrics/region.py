"""Whether points of a model in the plane have arrived: the share of them that lie where the data are not.

The data's region at level q is where their density, known exactly (genviz.data.points), is above the q-quantile of itself over points of
the data: the smallest set that holds all but a share q of them (its highest-density region, Hyndman 1996). With q = 0.2 % a perfect
model has 0.2 % of its points outside. The density of the checkerboard has one value; its region is the eight squares themselves.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from genviz.data.points import draw, log_prob

LEFT_OUT = 0.002
DRAWN = 100_000  # points of the data that the quantile is taken of: 200 lie below it


@lru_cache(maxsize=8)
def threshold(data: str) -> float:
    """The log-density at the edge of the region of a data set in the plane; KeyError for an unknown name."""
    return torch.quantile(log_prob(data, draw(data, DRAWN, torch.Generator().manual_seed(0))), LEFT_OUT).item()


def outside(data: str, x: Tensor) -> float:
    """Share of the points x (n, 2) that lie outside the region of the data."""
    return (log_prob(data, x.float().cpu()) < threshold(data)).double().mean().item()
