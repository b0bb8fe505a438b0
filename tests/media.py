"""Toy models of media that the shipped ones do not have yet: a table of bigrams, an oscillator of two tones, a picture in colour.

What they are trained on is written down here, so that a sample can be checked against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from genviz.catalogue import describe, described
from genviz.data import Data
from genviz.engine.stage import Stage
from genviz.family import Entry
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, rand, randn

ALPHABET = "\n abcd"
RATE = 8000
SETS = (
    Data("letters", "Letters", "text", (None,), "media:letters", alphabet=ALPHABET),
    Data("tones", "Tones", "audio", (None,), "media:tones", rate=RATE),
    Data("colours", "Colours", "image", (3, 32, 32), "media:colours", classes=("red", "green", "blue")),
)
NAMED = {data.name: data for data in SETS}
FOLLOWS = torch.tensor(
    [[0, 0, 4, 0, 0, 0], [0, 0, 1, 1, 1, 1], [0, 1, 0, 3, 0, 0], [0, 1, 0, 0, 3, 0], [0, 1, 0, 0, 0, 3], [1, 1, 2, 0, 0, 0.0]]
)


class Bigram(Model):
    """p(c | the character before) = FOLLOWS, a row each; x grows by a character a step. (Shannon 1948)"""

    @dataclass(frozen=True)
    class Knobs:
        length: int = knob(24, 1, 400, help="Characters of a text.")
        temperature: float = knob(1.0, 0.1, 2.0, help="Below 1 the likely becomes likelier.")

    medium, shape, grows, levels = "text", (None,), "places", len(ALPHABET)
    walks = ("sample", "complete")
    likelihoods = (Likelihood("exact", "log_prob", levels=len(ALPHABET), unit="bits/character"),)

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(FOLLOWS / FOLLOWS.sum(1, keepdim=True))

    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        yield from self._write(torch.zeros(n, 1), knobs, rng)

    @torch.no_grad()
    def complete(self, n: int, knobs: Knobs, rng: torch.Generator, prompt: Tensor) -> Iterator[Frame]:
        yield from self._write(prompt.expand(n, -1), knobs, rng)

    def _write(self, x: Tensor, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        for step in range(knobs.length + 1):
            p = self.table[x[:, -1].long()] ** (1 / knobs.temperature)
            p = p / p.sum(1, keepdim=True)
            yield Frame(x, step, knobs.length, step, f"character {x.shape[1]}", {"next": p})
            x = torch.cat([x, torch.multinomial(p, 1, generator=rng).float()], 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """x (B, L) -> log p of every character after the first, in nats (B,)."""
        index = x.long()
        return self.table[index[:, :-1], index[:, 1:]].log().sum(1)


class Tone(Model):
    """Two sines of 440 and 660 Hz in random phase, an eighth of the sound a step."""

    @dataclass(frozen=True)
    class Knobs:
        seconds: float = knob(0.25, 0.05, 2.0, help="Length of the sound.")

    medium, shape, grows, levels = "audio", (None,), "places", 0

    def __init__(self):
        super().__init__()
        self.pitch = torch.nn.Parameter(torch.tensor([440.0, 660.0]))

    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        phase, steps = 2 * math.pi * rand(n, 2, 1, rng=rng), 8
        t = torch.arange(round(knobs.seconds * RATE)) / RATE
        x = 0.4 * torch.sin(2 * math.pi * self.pitch[:, None] * t + phase).sum(1)
        for step in range(steps + 1):
            yield Frame(x[:, : max(1, len(t) * step // steps)], step, steps, step, f"{step} of {steps} parts")


class Colour(Model):
    """A patch of one colour that grows out of noise, in (3, 32, 32)."""

    shape = (3, 32, 32)

    def __init__(self):
        super().__init__()
        self.paint = torch.nn.Parameter(torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1]]))

    @torch.no_grad()
    def sample(self, n: int, knobs: object, rng: torch.Generator) -> Iterator[Frame]:
        noise = randn(n, *self.shape, rng=rng, device=self.device)
        patch = self.paint[torch.arange(n) % 3][:, :, None, None].expand(n, *self.shape)
        for step in range(5):
            yield Frame(torch.lerp(noise, patch, step / 4), step, 4, step, f"step {step}", {"score": patch - noise})


MODELS = {"toys/bigram": (Bigram, "letters"), "toys/tone": (Tone, "tones"), "toys/colour": (Colour, "colours")}


class MediaStage(Stage):
    """A stage that knows these models."""

    def load(self, name: str, data: str) -> Model:
        return MODELS[name][0]()

    def catalogue(self) -> dict:
        models = []
        for name, (kind, data) in MODELS.items():
            entry = Entry(name.split("/")[1], kind.__name__, f"media:{kind.__name__}", data=(data,))
            card = {"family": "toys", "model": entry.name, "data": data, "title": entry.title, "parameters": 1, "metrics": [], "sha256": ""}
            models.append(describe(name, entry, {data: card}))
        family = {"name": "toys", "title": "Toys", "short": "Toys", "line": "", "story": "", "has_tab": False, "models": models,
                  "planes": [], "scenes": [], "replies": []}  # fmt: skip
        return {"families": [family], "data": {d.name: described(d) for d in SETS}, "faults": [], "device": self.device}
