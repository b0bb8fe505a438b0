"""What the samplers of this family share: the energy as they see it, and what a step of a chain leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Slope = Callable[[Tensor], tuple[Tensor, Tensor]]  # x (B, *shape) -> E(x) (B,) and dE/dx, like x


class State(NamedTuple):
    """Where B chains stand after a step."""

    x: Tensor  # (B, *shape)
    energy: Tensor  # (B,), E(x)
    gradient: Tensor  # like x, dE/dx at x
    accepted: Tensor  # (B,) bool, whether the last proposal was taken; true at the start


def every(x: Tensor) -> Tensor:
    """True for each of the B chains."""
    return torch.ones(len(x), dtype=torch.bool, device=x.device)


def accept(cost: Tensor, temperature: float, u: Tensor) -> Tensor:
    """Metropolis et al. 1953: take a proposal with probability min(1, exp(-cost / temperature)), given u (B,) uniform in [0, 1)."""
    return temperature * torch.log1p(-u) <= -cost


def choose(accepted: Tensor, new: State, old: State) -> State:
    """The new state where it was accepted, the old one elsewhere."""
    wide = accepted.view(-1, *[1] * (new.x.ndim - 1))
    return State(
        torch.where(wide, new.x, old.x),
        torch.where(accepted, new.energy, old.energy),
        torch.where(wide, new.gradient, old.gradient),
        accepted,
    )


def squares(v: Tensor) -> Tensor:
    """Squared length of every row: (B, *shape) -> (B,)."""
    return v.square().flatten(1).sum(1)
