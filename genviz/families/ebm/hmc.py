r"""Hamiltonian Monte Carlo: give the chain a push and let it roll (Duane et al. 1987; Neal 2011).

The energy is a landscape without friction, x a ball in it and p its momentum. A fresh push p ~ N(0, I) starts every step; then the ball
rolls, in `LEAPS` leapfrog moves of size s,

    p <- p - (s / 2) dE/dx,    x <- x + s p,    p <- p - (s / 2) dE/dx.

Rolling keeps the total energy H = E(x) + |p|^2 / 2; leapfrog almost does, and is reversible. So the end is taken with probability
min(1, exp(H - H')), and exp(-E) is exactly stationary. One step costs `LEAPS` evaluations and moves as far as a long walk would.

With the push scaled by tau the chain samples exp(-E / tau^2), as Langevin does.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from genviz.families.ebm.chain import Slope, State, accept, choose, every, squares
from genviz.model import breathing_answer, breathing_walk, rand, randn

LEAPS = 8


@breathing_walk
@torch.no_grad()
def hmc(
    slope: Slope, x: Tensor, steps: int, step_size: float, rng: torch.Generator, noise: float = 1.0, leaps: int = LEAPS
) -> Iterator[State | None]:
    """Yields the state of B chains from x (B, *shape), steps + 1 times, and breaths. `leaps` evaluations per step, one for the start."""
    state = State(x, *slope(x), every(x))
    yield state
    for _ in range(steps):
        push = noise * randn(*state.x.shape, rng=rng, device=x.device)
        new, p = yield from roll.breaths(slope, state, push, step_size, leaps)
        cost = new.energy - state.energy + (squares(p) - squares(push)) / 2
        state = choose(accept(cost, noise**2, rand(len(x), rng=rng, device=x.device)), new, state)
        yield state


@breathing_answer
def roll(slope: Slope, state: State, p: Tensor, step_size: float, leaps: int) -> Generator[None, None, tuple[State, Tensor]]:
    """Where a ball with momentum p (B, *shape) is after `leaps` moves, and its momentum there."""
    x, energy, gradient, _ = state
    for leap in range(leaps):
        if leap:
            yield
        p = p - step_size / 2 * gradient
        x = x + step_size * p
        energy, gradient = slope(x)
        p = p - step_size / 2 * gradient
    return State(x, energy, gradient, every(x)), p
