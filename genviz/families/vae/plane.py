r"""The VAE in the plane: two latent numbers, a point, and noise.

Prior and encoder are as for pictures, $p(z) = N(0, I)$ and $q(z \mid x) = N(\mu(x), \operatorname{diag} \sigma^2(x))$, both in two
dimensions, so that the latent plane can be drawn beside the plane of the data, or bent into it by the decoder. The observation model is a
Gaussian with a spread that is learnt and differs from place to place,

$$p(x \mid z) = N\big(x;\, m(z), \operatorname{diag} s^2(z)\big),$$

for with a fixed spread the weight of the reconstruction against the KL term would be fixed by hand, as beta does it
(Rybkin, Daniilidis and Levine 2021). At the start z is x but for a little noise: a VAE of so few numbers that begins without using z
may never find out what it is good for. The loss is the negative importance-weighted bound of k draws of z (Burda et al. 2016), the
evidence lower bound where k is 1: that one asks for posteriors as round as q, and pays for it with points between the islands of the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genviz.families.vae.vae import gaussian_kl, log_normal
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, randn
from genviz.nn.embedding import waves

LOG_VAR = (-7.0, 2.0)  # of the observation: standard deviations from 0.03 to 2.7
START = -4.0  # log-variances before training


class Net(nn.Module):
    """Two numbers and `inputs` waves of each -> mean and log-variance of two others; at the start the same two and a little noise."""

    def __init__(self, width: int, inputs: int):
        super().__init__()
        self.inputs = inputs
        self.layers = nn.Sequential(
            nn.Linear(2 + 2 * inputs, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 4),
        )
        with torch.no_grad():
            self.layers[-1].weight.mul_(0.1)
            self.layers[-1].bias.copy_(torch.tensor([0.0, 0.0, START, START]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (..., 2) -> mean and log-variance, each like x."""
        read = waves(x.flatten(), self.inputs, 1.0, 8.0).view(*x.shape[:-1], -1)
        shift, log_var = self.layers(torch.cat([x, read], -1)).chunk(2, -1)
        return x + shift, log_var


class PlaneVAE(Model):
    """VAE of points with a standard normal prior; `width` of its two networks, `inputs` waves of each number that they read, `k` draws of z
    in the bound that it learns by."""

    @dataclass(frozen=True)
    class Knobs:
        temperature: float = knob(
            1.0, 0.0, 2.0, step=0.05, help="Scale of the prior draw: 0 is always z = 0, 1 is the model, more is bolder."
        )

    medium, shape, levels = "points", (2,), 0
    z_dim = 2
    likelihoods = (Likelihood("iw", "importance_weighted", {"k": 32}, levels=0), Likelihood("elbo", "elbo", levels=0))

    def __init__(self, width: int = 64, inputs: int = 16, k: int = 1):
        super().__init__()
        self.k = k
        self.encoder, self.decoder = Net(width, inputs), Net(width, inputs)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 2) -> mu, log_var of q(z|x), each (B, 2)."""
        mu, log_var = self.encoder(x)
        return mu, log_var.clamp(-12, 6)

    def observe(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (..., 2) -> mean and log-variance of p(x|z), each like z."""
        mean, log_var = self.decoder(z)
        return mean, log_var.clamp(*LOG_VAR)

    def decode(self, z: Tensor) -> Tensor:
        """z (B, 2) -> mean point (B, 2)."""
        return self.observe(z)[0]

    def elbo(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Evidence lower bound on log p(x) in nats (B,) with one draw of z: reconstruction minus KL."""
        mu, log_var = self.encode(x)
        z = mu + (log_var / 2).exp() * randn(*mu.shape, rng=rng, device=mu.device)
        return log_normal(x, *self.observe(z)) - gaussian_kl(mu, log_var).sum(1)

    def importance_weighted(self, x: Tensor, k: int, rng: torch.Generator) -> Tensor:
        """The bound log 1/k sum_j p(x, z_j) / q(z_j|x) on log p(x) in nats (B,), z_j from q(z|x); k = 1 is an ELBO (Burda et al. 2016)."""
        mu, log_var = self.encode(x)
        z = mu + (log_var / 2).exp() * randn(k, *mu.shape, rng=rng, device=mu.device)  # (k, B, 2)
        log_w = log_normal(x, *self.observe(z)) + log_normal(z) - log_normal(z, mu, log_var)
        return log_w.logsumexp(0) - math.log(k)

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Negative importance-weighted bound in nats per point; with k = 1 the evidence lower bound, whose KL term is known exactly."""
        return -(self.importance_weighted(x, self.k, rng) if self.k > 1 else self.elbo(x, rng)).mean()

    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        """z, which is a point of a plane too; the mean that is decoded from it; and x, drawn around the mean."""
        z = knobs.temperature * randn(n, 2, rng=rng, device=self.device)
        yield Frame(z, 0, 2, 0, "z drawn from N(0, I)", {"z": z})
        mean, log_var = self.observe(z)
        yield Frame(mean, 1, 2, 1, "the mean of p(x | z)", {"z": z})
        x = mean + (log_var / 2).exp() * randn(n, 2, rng=rng, device=self.device)
        yield Frame(x, 2, 2, 1, "x drawn from p(x | z)", {"z": z})
