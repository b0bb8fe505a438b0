r"""Langevin dynamics: a step downhill on the energy and a little noise, again and again.

    x' = x - (s^2 / 2) dE/dx + s eps,    eps ~ N(0, I)

As the step size s goes to 0 the chain visits x as often as exp(-E(x)) says. With a finite s it does not quite: on a Gaussian of variance v
it settles at v / (1 - s^2 / (4 v)), and for s^2 > 4 v it flies off. MALA and HMC correct that by refusing some steps.

Scaling the noise by tau samples exp(-E / tau^2): 0 walks straight downhill, above 1 the chain heats up.

References: Langevin 1908; Rossky, Doll and Friedman 1978; Grenander and Miller 1994; Roberts and Tweedie 1996.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from genviz.families.ebm.chain import Slope, State, every
from genviz.model import randn


@torch.no_grad()
def langevin(slope: Slope, x: Tensor, steps: int, step_size: float, rng: torch.Generator, noise: float = 1.0) -> Iterator[State]:
    """Yields the state of B chains from x (B, *shape), steps + 1 times; every step is taken. One evaluation per state."""
    for _ in range(steps):
        energy, gradient = slope(x)
        yield State(x, energy, gradient, every(x))
        x = step(x, gradient, step_size, noise * randn(*x.shape, rng=rng, device=x.device))
    yield State(x, *slope(x), every(x))


def step(x: Tensor, gradient: Tensor, step_size: Tensor | float, eps: Tensor) -> Tensor:
    """x' from x, dE/dx at x and the noise eps, all (B, *shape); the step size is one for all or fits x."""
    return x - step_size**2 / 2 * gradient + step_size * eps
