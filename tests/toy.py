"""A smallest model for tests: a linear decoder whose walk takes three steps."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genviz.family import Entry, Family, Recipe
from genviz.frame import Frame, knob
from genviz.model import Model, randn


def asked(answer: Callable) -> Callable:
    """A plain function as a sampler asks it, `yield from`."""

    def ask(*question: Any) -> Generator[None, None, Any]:
        return answer(*question)
        yield

    return ask


@dataclass(frozen=True)
class ToyKnobs:
    scale: float = knob(1.0, 0.0, 2.0, help="scale of the prior draw")
    steps: int = knob(3, 1, 200, help="steps")


class Toy(Model):
    Knobs = ToyKnobs

    def __init__(self, z_dim: int = 4):
        super().__init__()
        self.z_dim = z_dim
        self.decoder = nn.Linear(z_dim, 784)
        self.place = nn.Conv2d(1, 1, 3, padding=1)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z).tanh().view(-1, 1, 28, 28)

    @torch.no_grad()
    def sample(self, n: int, knobs: ToyKnobs, rng: torch.Generator) -> Iterator[Frame]:
        z = knobs.scale * randn(n, self.z_dim, rng=rng)
        for step in range(knobs.steps + 1):
            z = z + 0.1 * randn(n, self.z_dim, rng=rng)
            yield Frame(self.decode(z), step, knobs.steps, step + 1, f"step {step}")

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        noisy = x + 0.1 * randn(*x.shape, rng=rng, device=x.device)
        return (self.place(noisy) - x).square().mean() + 0 * self.decoder.weight.sum()


ENTRY = Entry("toy", "Toy", "toy:Toy", {"z_dim": 4}, Recipe(epochs=0.5, batch=32))
FAMILY = Family("test", "Test", "Test", "", "", (ENTRY,))
