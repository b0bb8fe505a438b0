r"""The same idea in the plane, where it can be seen whole: couplings that bend one coordinate by the other.

    z_1 = curve(x_1; net(x_2)),    z_2 = x_2,    then the other way round, and so on,

each with the curves of genviz/families/flow/mixture.py. Every coupling slides the points of the plane along parallel lines, up or down in
one, left or right in the next; nothing tears or folds. That is also its limit: a flow cannot change the topology, so between the
islands of a data set there stay bridges of thin density. log p(x) = log N(z; 0, I) + ladj is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from genviz.families.flow import mixture as curve
from genviz.families.flow.layers import Halves, Scale, log_normal
from genviz.families.flow.net import FlatNet
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, randn


@dataclass(frozen=True)
class Knobs:
    """How to draw from the prior."""

    temperature: float = knob(1.0, 0.0, 1.5, step=0.05, help="Scale of the prior draw z: 1 is the model, less keeps to its middle.")


class Plane(Model):
    """A flow of points (B, 2): `couplings` in turn over the two coordinates, networks of `width`, curves of `pieces` logistics."""

    Knobs = Knobs
    answers = ("warp",)
    medium, shape, levels = "points", (2,), 0
    z_dim = 2
    likelihoods = (Likelihood("exact", "log_prob", levels=0),)

    def __init__(self, couplings: int = 6, width: int = 48, pieces: int = 8):
        super().__init__()
        bias = curve.start(pieces, spread=2.0)
        self.couplings = Scale([Halves(1 - i % 2, FlatNet(1, 1, bias, width)) for i in range(couplings)])

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Minus log p(x), in nats per point."""
        return -self.log_prob(x).mean()

    def log_prob(self, x: Tensor) -> Tensor:
        """x (B, 2) -> exact log p(x) in nats (B,)."""
        z, ladj = self.couplings(x)
        return log_normal(z) + ladj.sum(1)

    def decode(self, z: Tensor) -> Tensor:
        """z (B, 2) -> the x (B, 2) that belongs to it."""
        *_, x = self.couplings(z, back=True)
        return x

    def warp(self, x: Tensor, back: bool = False) -> Tensor:
        """Where points x (B, 2) are behind every coupling on the way to z, (couplings + 1, B, 2), themselves first; `back`: points z on the
        way to x. The corners of a mesh, so taken along, show what each coupling does to the plane."""
        if back:
            return torch.stack([x, *self.couplings(x, back=True)])
        way = [x]
        for block in self.couplings.blocks:
            way.append(block(way[-1])[0])
        return torch.stack(way)

    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        """From n prior draws back through every coupling; all networks together are asked once, which makes one evaluation."""
        z = knobs.temperature * randn(n, 2, rng=rng, device=self.device)
        steps = len(self.couplings.blocks)
        yield Frame(z, 0, steps, 0, "z drawn from N(0, I)")
        for step, x in enumerate(self.couplings(z, back=True), 1):
            yield Frame(x, step, steps, int(step == steps), f"coupling {steps + 1 - step} undone")
