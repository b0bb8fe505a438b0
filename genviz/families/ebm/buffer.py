"""The replay buffer: chains that outlive a training step, so that each needs only a few moves per batch (Du and Mordatch 2019)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class Buffer:
    """Chains x (N, *shape) and their ages: how often each was taken. One that was taken `life` times is over, and
    a new chain takes its place.

    All begin at age 0. The first ones are over after anything from 1 to `life` times, so that chains of every age are soon there.
    """

    def __init__(self, x: Tensor, life: int, rng: torch.Generator):
        self.x, self.life = x, life
        self.age = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        self.end = torch.randint(1, life + 1, (len(x),), generator=rng).to(x.device)
        self.taken = torch.empty(0, dtype=torch.int64)

    def take(self, n: int, start: Callable[[int, torch.Generator], Tensor], rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """n different chains at random, (n, *shape), and their ages (n,); `start(k, rng)` makes the k that begin anew."""
        if n > len(self.x):
            raise ValueError(f"The buffer holds {len(self.x)} chains, {n} were asked for.")
        self.taken = torch.randperm(len(self.x), generator=rng)[:n]
        x, age = self.x[self.taken], self.age[self.taken]
        over = age >= self.end[self.taken]
        x[over], age[over] = start(int(over.sum()), rng), 0
        self.age[self.taken], self.end[self.taken[over]] = age, self.life
        return x, age

    def put(self, x: Tensor) -> None:
        """Where the chains that were taken last have come to."""
        self.x[self.taken] = x
        self.age[self.taken] += 1
