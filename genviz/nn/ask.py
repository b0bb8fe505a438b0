"""A network as a sampler sees it: one question at a time, remembered while its picture is on stage, and asked in breaths."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import Tensor

from genviz.model import AT_ONCE, pieces


class Question:
    """What a network is asked about x, and its answer once there is one."""

    def __init__(self, x: Tensor, noise: Any):
        self.x, self.noise, self.answer = x, noise, None


class Ask:
    """`answer = yield from ask(x, noise)` in a sampler.

    `network(x, noise, part)` answers about some of the pictures, those in the slice `part`, with a tensor or a tuple of tensors, each
    (B, ...). Each answer takes `calls` evaluations of the network per picture, which are counted in `nfe`. Before a second call in one
    turn a breath is taken, and many pictures are asked about in parts.
    """

    def __init__(self, network: Callable[[Tensor, Any, slice], Any], calls: int = 1, nfe: int = 0):
        self.network, self.calls, self.nfe = network, calls, nfe
        self.tired = False  # something was asked in this turn
        self.question: Question | None = None

    def on_stage(self, x: Tensor, noise: Any) -> Question:
        """x is about to be shown: a turn ends, and whether a viewer or the sampler asks about it first, it is asked once."""
        self.tired, self.question = False, Question(x, noise)
        return self.question

    def __call__(self, x: Tensor, noise: Any) -> Generator[None, None, Any]:
        question = self.question if self.question is not None and self.question.x is x else Question(x, noise)
        return (yield from self.about(question))

    def about(self, question: Question) -> Generator[None, None, Any]:
        """The answer to a question, worked out where it is not known yet."""
        if question.answer is None:
            x, answers = question.x, []
            for part in pieces(len(x), max(1, AT_ONCE // self.calls) if x.ndim > 2 else len(x)):  # of points there are never too many
                if self.tired:
                    yield
                self.tired = True
                answers.append(self.network(x[part], question.noise, part))
            self.nfe += self.calls
            question.answer = _joined(answers)
        return question.answer


def _joined(answers: list[Any]) -> Any:
    if len(answers) == 1:
        return answers[0]
    return tuple(map(torch.cat, zip(*answers, strict=True))) if isinstance(answers[0], tuple) else torch.cat(answers)
