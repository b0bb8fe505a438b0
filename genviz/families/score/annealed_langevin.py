r"""Annealed Langevin dynamics, the first sampler of score-based models (Song and Ermon 2019).

Follow the score uphill and shake: with small steps epsilon, after many of them,

    x <- x + epsilon score(x, sigma) + sqrt(2 epsilon) z,    z ~ N(0, I),

makes draws from p_sigma wherever it began, in principle. In practice it finds no way between distant modes, so it is begun at a noise so
large that there is one mode only, and the noise is lowered level by level, with some steps at each. A step must be small beside the
width of p_sigma, which is at least sigma: epsilon = 2 (r sigma)^2, where r is the signal-to-noise ratio of a step, the length of its
first term over that of its second where x is noise mostly. At the end the noise that is left is taken away by one denoising step.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import torch
from torch import Tensor

from genviz.model import randn


@torch.no_grad()
def annealed_langevin(
    score: Callable[[Tensor, float], Generator[None, None, Tensor]], x: Tensor, sigmas: list[float], rng: torch.Generator,
    corrector: int = 1, snr: float = 0.16,
) -> Iterator[Tensor | None]:  # fmt: skip
    """Yields x on reaching each level of `sigmas`, which fall to 0, and breaths; takes `corrector` >= 1 steps there, of ratio `snr`."""
    for sigma in sigmas[:-1]:
        yield x
        gradient = yield from score(x, sigma)
        x = step(x, gradient, sigma, snr, rng)
        for _ in range(corrector - 1):
            gradient = yield from score(x, sigma)
            x = step(x, gradient, sigma, snr, rng)
    gradient = yield from score(x, sigmas[-2])
    x = x + sigmas[-2] ** 2 * gradient
    yield x


def step(x: Tensor, gradient: Tensor, sigma: float, snr: float, rng: torch.Generator) -> Tensor:
    """One step of Langevin dynamics at the noise sigma, x and the score there like x."""
    epsilon = 2 * (snr * sigma) ** 2
    return x + epsilon * gradient + (2 * epsilon) ** 0.5 * randn(*x.shape, rng=rng, device=x.device)
