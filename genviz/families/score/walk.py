"""How every sampler of this family is put on stage: levels of noise, counted questions, frames."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from genviz.families.score.annealed_langevin import annealed_langevin
from genviz.families.score.predictor_corrector import predictor_corrector
from genviz.families.score.probability_flow import probability_flow
from genviz.frame import Frame, Later
from genviz.nn.ask import Ask, Question
from genviz.noise import karras

SAMPLERS = {"probability_flow": probability_flow, "predictor_corrector": predictor_corrector, "annealed_langevin": annealed_langevin}


def levels(steps: int, smallest: float, largest: float) -> list[float]:
    """Noises from the largest down to 0, steps + 1 of them; the last but one comes near the smallest."""
    return karras(steps, min(smallest, largest / 2), largest).tolist()


def walk(
    score: Callable[[Tensor, Tensor, slice], Tensor], x: Tensor, sigmas: list[float], knobs: Any, rng: torch.Generator, calls: int = 1
) -> Iterator[Frame | None]:
    """The walk of x = data + sigma eps along `sigmas`. On stage is x / sqrt(1 + sigma^2), whose size does not change on the way.

    `score(x, sigma, part)` of the examples in `part` takes `calls` evaluations of the network. Frame.aux: x0_hat, the score at x, and
    its length `norm` (B,). At the end, where sigma = 0, the last score stays.
    """
    ask = Ask(lambda x, sigma, part: score(x, torch.full((len(x),), sigma, device=x.device), part), calls)
    question, step, steps = None, 0, len(sigmas) - 1
    for there in SAMPLERS[knobs.sampler](ask, x, sigmas, rng, knobs.corrector, knobs.snr):
        if there is None:
            yield None
            continue
        sigma, end = sigmas[step], there if step == steps else None
        question = question if step == steps else ask.on_stage(there, sigma)
        aux = Later(("x0_hat", "score", "norm"), partial(_extras, ask, question, end))
        yield Frame(there / (1 + sigma**2) ** 0.5, step, steps, ask.nfe, f"sigma = {sigma:.3g}", aux)
        step += 1


@torch.no_grad()
def _extras(ask: Ask, question: Question, end: Tensor | None) -> Generator[None, None, dict[str, Tensor]]:
    """What a frame shows beside x: x0_hat and the score that was asked about it; `end` is x0_hat where the noise is 0."""
    x0_hat = question.x + question.noise**2 * (yield from ask.about(question))
    gradient = (x0_hat - question.x) / question.noise**2
    return {"x0_hat": x0_hat if end is None else end, "score": gradient, "norm": gradient.flatten(1).norm(dim=1)}
