r"""The probability flow: the reverse SDE's twin without chance (Song et al. 2021).

Both pass through the same densities p_sigma, but here every x moves on one smooth curve,

    dx / d sigma = -sigma score(x, sigma),

so that each noise belongs to one picture, solvers may take long steps, and log p can be carried along (flow.py). Heun's method averages the
slopes at the two ends of a step (Karras et al. 2022); the last step, to sigma = 0, is Euler's, so 18 steps are 35 calls of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import pairwise

import torch
from torch import Tensor


@torch.no_grad()
def probability_flow(
    score: Callable[[Tensor, float], Generator[None, None, Tensor]],
    x: Tensor,
    sigmas: list[float],
    rng: torch.Generator | None = None,
    corrector: int = 0,
    snr: float = 0.0,
) -> Iterator[Tensor | None]:
    """Yields x at every noise of `sigmas`, which fall to 0, and breaths. No fresh noise, no corrector."""
    for sigma, s in pairwise(sigmas):
        yield x
        gradient = yield from score(x, sigma)
        slope = -sigma * gradient
        end = x + (s - sigma) * slope
        if s > 0:
            gradient = yield from score(end, s)
            end = x + (s - sigma) * (slope - s * gradient) / 2
        x = end
    yield x
