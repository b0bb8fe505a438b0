"""How every sampler of this family is put on stage: levels of noise, counted questions, frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from genviz.families.score.annealed_langevin import annealed_langevin
from genviz.families.score.predictor_corrector import predictor_corrector
from genviz.families.score.probability_flow import probability_flow
from genviz.frame import Frame
from genviz.noise import karras

SAMPLERS = {"probability_flow": probability_flow, "predictor_corrector": predictor_corrector, "annealed_langevin": annealed_langevin}


class Ask:
    """A score as a sampler sees it, (x, sigma) -> score with one number sigma. Counts the network's `calls` per example."""

    def __init__(self, score: Callable[[Tensor, Tensor], Tensor], calls: int = 1):
        self.score, self.calls, self.nfe = score, calls, 0

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        self.nfe += self.calls
        return self.score(x, torch.full((len(x),), sigma, device=x.device))


def levels(steps: int, smallest: float, largest: float) -> list[float]:
    """Noises from the largest down to 0, steps + 1 of them; the last but one comes near the smallest."""
    return karras(steps, min(smallest, largest / 2), largest).tolist()


def walk(
    score: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigmas: list[float], knobs: Any, rng: torch.Generator, calls: int = 1
) -> Iterator[Frame]:
    """The walk of x = data + sigma eps along `sigmas`. On stage is x / sqrt(1 + sigma^2), whose size does not change on the way.

    Each score takes `calls` evaluations of the network. Frame.aux: x0_hat, the score at x, and its length `norm` (B,). At the end,
    where sigma = 0, the last score stays.
    """
    ask, steps, aux = Ask(score, calls), len(sigmas) - 1, {}
    frames = SAMPLERS[knobs.sampler](ask, x, sigmas, rng, knobs.corrector, knobs.snr)
    for step, (x, x0_hat) in enumerate(frames):
        sigma = sigmas[step]
        if step < steps:
            gradient = (x0_hat - x) / sigma**2
            aux = {"score": gradient, "norm": gradient.flatten(1).norm(dim=1)}
        yield Frame(x / (1 + sigma**2) ** 0.5, step, steps, ask.nfe, f"sigma = {sigma:.3g}", {"x0_hat": x0_hat, **aux})
