r"""The probability flow: the reverse SDE's twin without chance (Song et al. 2021).

Both pass through the same densities p_sigma, but here every x moves on one smooth curve,

    dx / d sigma = -sigma score(x, sigma),

so that each noise belongs to one picture, solvers may take long steps, and log p can be carried along (flow.py). Heun's method averages the
slopes at the two ends of a step (Karras et al. 2022); the last step, to sigma = 0, is Euler's, so 18 steps are 35 calls of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor


@torch.no_grad()
def probability_flow(
    score: Callable[[Tensor, float], Tensor],
    x: Tensor,
    sigmas: list[float],
    rng: torch.Generator | None = None,
    corrector: int = 0,
    snr: float = 0.0,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields (x, x0_hat) at every noise of `sigmas`, which fall to 0. No fresh noise, no corrector."""
    for sigma, s in pairwise(sigmas):
        gradient = score(x, sigma)
        yield x, x + sigma**2 * gradient
        slope = -sigma * gradient
        end = x + (s - sigma) * slope
        if s > 0:
            end = x + (s - sigma) * (slope - s * score(end, s)) / 2
        x = end
    yield x, x
