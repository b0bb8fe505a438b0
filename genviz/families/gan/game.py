r"""The game of a generative adversarial network: a forger and an expert who learn from each other.

The generator G turns a draw z from N(0, I) into an x. The discriminator D gives every x a score, the log-odds that it is real, so that
sigma(D(x)) is the probability. In one training step each player moves once:

    discriminator:  up on    E log sigma(D(x)) + E log(1 - sigma(D(G(z)))) - gamma / 2 (E |grad D(x)|^2 + E |grad D(G(z))|^2)
    generator:      up on    E log sigma(D(G(z)))

The first two terms are the game of Goodfellow et al. (2014). At its best the discriminator knows sigma(D(x)) = p_data(x) / (p_data(x)
+ p_g(x)), and the best generator against it has p_g = p_data, where nothing is left to tell. The generator is not paid by minus the
discriminator's gain, which is flat where it is losing, but by the log-odds of passing for real (the non-saturating form of the same paper).
The penalty on the slope of D, at real and at generated x, makes the game settle instead of turning in circles (Roth et al. 2017;
Mescheder et al. 2018).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genviz.model import Model, randn

PENALIZED = 8  # one x in so many feels the penalty: second derivatives cost as much as the rest of the step


class Game(Model):
    """Two players that a subclass builds. `gamma` weighs the penalty; with `classes` > 0 both are told the label."""

    generator: nn.Module
    discriminator: nn.Module
    gamma: float
    z_dim: int
    classes = 0

    def players(self, stage: str = "") -> tuple[nn.Module, ...]:
        return self.discriminator, self.generator

    def losses(self, x: Tensor, label: Tensor, rng: torch.Generator, stage: str = "") -> Iterator[Tensor]:
        """One step: the discriminator's loss and then, when it has moved, the generator's; x (B, *shape), label (B,)."""
        told = self.told(x, label)
        fake = self.generator(self.latents(len(x), rng), *told)
        seen = fake.detach()
        some = -(-len(x) // PENALIZED)
        slope = self.slope(torch.cat([x[:some], seen[:some]]), *(y[:some].repeat(2) for y in told))
        yield self.expert_loss(*self.scores(x, seen, *told)) + self.gamma * slope  # the mean over both kinds is half of their sum
        self.discriminator.requires_grad_(False)  # now it only hands the gradient on to the picture
        try:
            with torch.no_grad():
                real = self.discriminator(x, *told)
            yield self.forger_loss(real, self.discriminator(fake, *told))
        finally:
            self.discriminator.requires_grad_(True)

    def told(self, x: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """What both players are told about each real x beside x itself: its label, or nothing."""
        return (label,) if self.classes else ()

    def expert_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss for scores (B,) of real and of generated x."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def forger_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The generator's loss for the same scores."""
        return F.softplus(-fake).mean()

    def scores(self, real: Tensor, fake: Tensor, *told: Tensor) -> tuple[Tensor, Tensor]:
        """D (B,) of real and of generated x of the same classes, asked in one call."""
        real, fake = self.discriminator(torch.cat([real, fake]), *(y.repeat(2) for y in told)).chunk(2)
        return real, fake

    def slope(self, x: Tensor, *told: Tensor) -> Tensor:
        """Mean squared length of the gradient of D at x, a scalar that can itself be differentiated."""
        x = x.detach().requires_grad_()
        score = self.discriminator.forward(x, *told)  # past torch.compile, which has no second derivatives
        return torch.autograd.grad(score.sum(), x, create_graph=True)[0].square().flatten(1).sum(1).mean()

    def latents(self, n: int, rng: torch.Generator) -> Tensor:
        """z (n, z_dim) drawn from N(0, I)."""
        return randn(n, self.z_dim, rng=rng, device=self.device)

    def decode(self, z: Tensor) -> Tensor:
        """z (B, z_dim) -> x = G(z) (B, *shape)."""
        return self.generator(z)

    def judge(self, x: Tensor, label: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The score D(x) (B,) and its gradient by x, like x: what would make it look more real. A model of classes needs the label (B,)."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            score = self.discriminator(x) if label is None else self.discriminator(x, label)
            gradient = torch.autograd.grad(score.sum(), x)[0]
        return score.detach(), gradient
