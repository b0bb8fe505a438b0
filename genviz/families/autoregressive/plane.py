r"""The chain rule in the plane, where it has two links: $p(x) = p(x_1)\, p(x_2 \mid x_1)$.

Both factors are mixtures of K Gaussians. The first needs no input, so its mixture is a table of 3 K numbers; the mixture of the second
is the answer of a small network that reads $x_1$. There is nothing to approximate: the log-density is a sum of two numbers, and training
is maximum likelihood. Sampling takes two steps, first where across, then how high up: with two pixels instead of 784, that is PixelCNN.

A network that reads waves of $x_1$ (Tancik et al. 2020) learns conditionals that change suddenly from one column to the next. Mixture
density networks are from Bishop 1994; the temperature of a mixture, which divides its logits and scales its variances, is Sketch-RNN's
(Ha and Eck 2018).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, rand, randn
from genviz.nn.embedding import waves

SMALLEST = 0.02  # standard deviation of a component, so that no point can be given an endless density


class PlanePixels(Model):
    """Two numbers, one after the other; `components` in each mixture, `width` of the network, `inputs` waves of x1 that it reads."""

    @dataclass(frozen=True)
    class Knobs:
        temperature: float = knob(1.0, 0.1, 2.0, step=0.05, help="Below 1 likely places get likelier; above 1 chance rules.")

    medium, shape, levels = "points", (2,), 0
    likelihoods = (Likelihood("exact", "log_prob", levels=0),)

    def __init__(self, components: int = 24, width: int = 96, inputs: int = 32):
        super().__init__()
        self.inputs = inputs
        self.first = nn.Parameter(torch.cat([torch.zeros(components), torch.linspace(-2, 2, components), torch.full((components,), -1.5)]))
        self.second = nn.Sequential(
            nn.Linear(inputs + 1, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 3 * components)
        )
        with torch.no_grad():  # at the start every conditional is one and the same broad mixture
            self.second[-1].weight.mul_(0.1)
            self.second[-1].bias.copy_(self.first)

    def conditional(self, x1: Tensor) -> Tensor:
        """x1 (B,) -> the mixture of x2 given x1 (B, 3 K): logits, means, log standard deviations."""
        return self.second(torch.cat([x1[:, None], waves(x1, self.inputs, 1.0, 24.0)], 1))

    def log_prob(self, x: Tensor) -> Tensor:
        """x (B, 2) -> exact log p(x) in nats (B,): log p(x1) + log p(x2 | x1)."""
        return log_mixture(x[:, 0], self.first) + log_mixture(x[:, 1], self.conditional(x[:, 0]))

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Mean of -log p(x) in nats per point."""
        return -self.log_prob(x).mean()

    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        """Two steps, one coordinate each; what is not drawn yet is 0."""
        x = torch.zeros(n, 2, device=self.device)
        yield Frame(x, 0, 2, 0, "nothing drawn yet")
        x1 = draw(self.first.expand(n, -1), knobs.temperature, rng)
        yield Frame(torch.stack([x1, torch.zeros_like(x1)], 1), 1, 2, 0, "x1 drawn from p(x1)")
        x2 = draw(self.conditional(x1), knobs.temperature, rng)
        yield Frame(torch.stack([x1, x2], 1), 2, 2, 1, "x2 drawn from p(x2 | x1)")


def log_mixture(x: Tensor, mixture: Tensor) -> Tensor:
    """log of the mixture's density at x (B,), for mixtures (3 K,) or (B, 3 K)."""
    logits, mean, log_std = mixture.chunk(3, -1)
    std = log_std.exp() + SMALLEST
    log_parts = logits.log_softmax(-1) - 0.5 * ((x[:, None] - mean) / std).square() - std.log()
    return log_parts.logsumexp(-1) - 0.5 * math.log(2 * math.pi)


def draw(mixture: Tensor, temperature: float, rng: torch.Generator) -> Tensor:
    """One number from each mixture (n, 3 K) -> (n,): a component by its weight, then a point of it."""
    logits, mean, log_std = mixture.chunk(3, -1)
    weight = (logits / temperature).softmax(-1)
    u = rand(len(mixture), 1, rng=rng, device=mixture.device)
    chosen = (weight.cumsum(-1) < u).sum(-1, keepdim=True).clamp(max=weight.shape[-1] - 1)
    mean, std = mean.gather(-1, chosen)[:, 0], (log_std.exp() + SMALLEST).gather(-1, chosen)[:, 0]
    return mean + std * temperature**0.5 * randn(len(mixture), rng=rng, device=mixture.device)
