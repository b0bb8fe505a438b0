"""The replay buffer: chains that outlive a training step, so that each needs only a few moves per batch (Du and Mordatch 2019)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from genviz.model import rand


class Buffer:
    """Chains x (N, *shape). A share `fresh` of those that are taken starts anew, which is how a chain's length is bounded on average."""

    def __init__(self, x: Tensor, fresh: float):
        self.x, self.fresh = x, fresh
        self.taken = torch.empty(0, dtype=torch.int64)

    def take(self, n: int, start: Callable[[int, torch.Generator], Tensor], rng: torch.Generator) -> Tensor:
        """n different chains at random, (n, *shape); `start(k, rng)` makes the k that begin anew."""
        if n > len(self.x):
            raise ValueError(f"The buffer holds {len(self.x)} chains, {n} were asked for.")
        self.taken = torch.randperm(len(self.x), generator=rng)[:n]
        x = self.x[self.taken]
        anew = rand(n, rng=rng) < self.fresh
        x[anew] = start(int(anew.sum()), rng)
        return x

    def put(self, x: Tensor) -> None:
        """Where the chains that were taken last have come to."""
        self.x[self.taken] = x
