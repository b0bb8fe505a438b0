r"""The reverse SDE with predictor and corrector (Song, Sohl-Dickstein, Kingma, Kumar, Ermon and Poole 2021).

Adding noise little by little is a stochastic differential equation, and so is taking it away: time runs back, and the score gives the
drift. A predictor takes one step of it, from the noise sigma down to s,

    x <- x + (sigma^2 - s^2) score(x, sigma) + s sqrt(sigma^2 - s^2) / sigma z,

which is exact for data that are known (ancestral sampling). Its errors would add up over the walk; the corrector lets Langevin dynamics
stay at the new noise for some steps, which pulls x back to where p_s has its mass. The last step, to s = 0, has no noise and no corrector.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from genviz.families.score.annealed_langevin import step
from genviz.model import randn


@torch.no_grad()
def predictor_corrector(
    score: Callable[[Tensor, float], Generator[None, None, Tensor]], x: Tensor, sigmas: list[float], rng: torch.Generator,
    corrector: int = 1, snr: float = 0.16,
) -> Iterator[Tensor | None]:  # fmt: skip
    """Yields x at each of `sigmas`, which fall to 0, and breaths; `corrector` Langevin steps of ratio `snr` follow each prediction."""
    for sigma, s in pairwise(sigmas):
        yield x
        gradient = yield from score(x, sigma)
        x = x + (sigma**2 - s**2) * gradient
        if s > 0:
            x = x + s * (sigma**2 - s**2) ** 0.5 / sigma * randn(*x.shape, rng=rng, device=x.device)
            for _ in range(corrector):
                gradient = yield from score(x, s)
                x = step(x, gradient, s, snr, rng)
    yield x
