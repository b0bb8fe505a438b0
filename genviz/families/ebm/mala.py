r"""MALA, Langevin dynamics that refuses bad steps (Metropolis-adjusted Langevin; Besag 1994, Roberts and Tweedie 1996).

The Langevin step from x is a draw from q(y | x) = N(y; x - (s^2 / 2) dE/dx, s^2 I). It is taken with probability

    min(1, exp(-E(y)) q(x | y) / (exp(-E(x)) q(y | x))),

otherwise the chain stays where it is for a step. That makes exp(-E) exactly stationary, whatever the step size; a large one is paid for in
refusals, a small one in slowness. About 57 % of taken steps is best in many dimensions (Roberts and Rosenthal 1998).

With the noise scaled by tau the chain samples exp(-E / tau^2), as Langevin does.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from genviz.families.ebm.chain import Slope, State, accept, choose, every, squares
from genviz.families.ebm.langevin import step
from genviz.model import rand, randn


@torch.no_grad()
def mala(slope: Slope, x: Tensor, steps: int, step_size: Tensor | float, rng: torch.Generator, noise: float = 1.0) -> Iterator[State]:
    """Yields the state of B chains from x (B, *shape), steps + 1 times. One evaluation per state, of the proposal.

    `step_size` is one for all, or one for each chain, (B, 1, ...).
    """
    state = State(x, *slope(x), every(x))
    yield state
    for _ in range(steps):
        x = state.x
        y = step(x, state.gradient, step_size, noise * randn(*x.shape, rng=rng, device=x.device))
        new = State(y, *slope(y), every(y))
        cost = new.energy - state.energy + back(x, new, step_size) - back(y, state, step_size)
        taken = accept(cost, noise**2, rand(len(x), rng=rng, device=x.device))
        state = choose(taken, new, state)
        yield state


def back(y: Tensor, at: State, step_size: Tensor | float) -> Tensor:
    """-log q(y | at.x) of a step from `at` to y, up to a constant that both directions share: (B,)."""
    return squares((y - at.x) / step_size + step_size / 2 * at.gradient) / 2
