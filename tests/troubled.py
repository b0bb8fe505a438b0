"""A toy model for the tests of the engine: it needs no weights and can be told to misbehave."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genviz.catalogue import describe, described
from genviz.data import DATA
from genviz.engine.stage import Stage
from genviz.family import Entry
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, randn


class Toy(Model):
    """A walk that shrinks noise through a small convolution; `trouble` happens at step `at`."""

    @dataclass(frozen=True)
    class Knobs:
        steps: int = knob(10, 1, 1000, help="Steps of the walk.")
        pace: float = knob(0.0, 0.0, 1.0, help="Seconds of sleep in a step.")
        trouble: str = knob("none", choices=("none", "raise", "nan", "exit", "kill", "short", "hang"), help="What goes wrong.")
        at: int = knob(3, 0, 1000, help="Step at which it goes wrong.")

    walks = ("sample", "branch")
    answers = ("twice", "crash", "slow", "draw")

    def __init__(self, z_dim: int = 4):
        super().__init__()
        self.z_dim = z_dim
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.out = nn.Linear(z_dim, 784)

    @torch.no_grad()
    def sample(self, n: int, knobs: Any, rng: torch.Generator) -> Iterator[Frame]:
        yield from self.branch(n, knobs, rng, randn(n, 1, 28, 28, rng=rng, device=self.device))

    @torch.no_grad()
    def branch(self, n: int, knobs: Any, rng: torch.Generator, x: Tensor) -> Iterator[Frame]:
        if x.shape != (n, 1, 28, 28):
            raise ValueError(f"x must have the shape ({n}, 1, 28, 28).")
        yield Frame(x, 0, knobs.steps, 0, "noise", {"eps": x, "other": x})
        for step in range(1, knobs.steps + 1):
            if step == knobs.at and knobs.trouble != "none":
                if knobs.trouble == "raise":
                    raise RuntimeError("the toy broke")
                if knobs.trouble == "exit":
                    os._exit(3)
                if knobs.trouble == "kill":
                    os.kill(os.getpid(), signal.SIGSEGV)
                if knobs.trouble == "hang":
                    time.sleep(1000)
                if knobs.trouble == "short":
                    return
                x = x * float("nan")
            time.sleep(knobs.pace)
            x = torch.tanh(self.conv(x)) + 0.1 * randn(*x.shape, rng=rng, device=x.device)
            yield Frame(x, step, knobs.steps, step, f"step {step}", {"eps": x, "other": x})

    def decode(self, z: Tensor) -> Tensor:
        return torch.tanh(self.out(z)).view(-1, 1, 28, 28)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1)[:, : self.z_dim], torch.zeros(len(x), self.z_dim)

    likelihoods = (Likelihood("elbo", "elbo"),)

    def elbo(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return -x.square().flatten(1).sum(1) + randn(len(x), rng=rng)

    def twice(self, x: Tensor, times: float = 2.0) -> dict:
        return {"x": times * x, "times": times}

    def crash(self) -> None:
        os._exit(4)

    def slow(self, seconds: float = 0.2) -> float:
        time.sleep(seconds)
        return seconds

    def draw(self, rng: torch.Generator) -> Tensor:
        return randn(3, rng=rng)


class ToyStage(Stage):
    """A stage that knows one family with the toy in it."""

    def load(self, name: str, data: str) -> Model:
        state, built = torch.get_rng_state(), torch.manual_seed(1)
        model = Toy()
        torch.set_rng_state(state)
        assert built is not None
        return model

    def catalogue(self) -> dict:
        entry = Entry("toy", "Toy", "troubled:Toy")
        card = {"family": "toys", "model": "toy", "data": "mnist", "title": "Toy", "parameters": 1, "metrics": []}
        models = [describe("toys/toy", entry, {"mnist": card})]
        family = {"name": "toys", "title": "Toys", "line": "", "story": "", "has_tab": False, "models": models, "scenes": []}
        data = {name: described(DATA[name]) for name in ("mnist", "fashion_mnist")}
        return {"families": [family], "data": data, "device": self.device}
