r"""The variational autoencoder: two networks trained by one bound.

The encoder turns a picture into a Gaussian cloud of latent points, $q(z|x) = N(\mu(x), \mathrm{diag}\, \sigma^2(x))$; the decoder
turns a latent point into the probability of every pixel to be white, $p(x|z) = \prod_i \mathrm{Bernoulli}(x_i; \pi_i(z))$. Because
$z = \mu + \sigma \epsilon$ with $\epsilon \sim N(0, I)$, the gradient of a sampled reconstruction flows into the encoder (Kingma and
Welling 2014, "Auto-encoding variational Bayes"). The loss is the negative evidence lower bound, with the KL term times beta (Higgins
et al. 2017, "beta-VAE"). With k > 1 draws per picture it is the tighter importance-weighted bound (Burda, Grosse and Salakhutdinov
2016, "Importance weighted autoencoders").
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from genviz.families.vae.nets import NETS
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, binarize, breathing_answer, randn


@dataclass(frozen=True)
class VAEKnobs:
    temperature: float = knob(1.0, 0.0, 2.0, step=0.05, help="Scale of the prior draw: 0 is always z = 0, 1 is the model, more is bolder.")
    show: str = knob("mean", choices=("mean", "sample"), help="Show the probability of every pixel, or a draw of black and white pixels.")


def gaussian_kl(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, exp(log_var)) || N(0, 1)) of every latent dimension in nats, in the shape of mu."""
    return 0.5 * (mu.square() + log_var.exp() - 1 - log_var)


def log_normal(z: Tensor, mu: Tensor | float = 0.0, log_var: Tensor | float = 0.0) -> Tensor:
    """log N(z; mu, exp(log_var)), summed over the last dimension."""
    log_var = torch.as_tensor(log_var, device=z.device)
    return -0.5 * (math.log(2 * math.pi) + log_var + (z - mu).square() / log_var.exp()).sum(-1)


class VAE(Model):
    """VAE with a standard normal prior and Bernoulli pixels.

    `net` names the pair of networks ("mlp" or "conv"), `width` their size; `beta` weighs the KL term in the loss. After `k_from` steps
    of training the loss takes `k` draws per picture; k > 1 needs beta = 1, because the importance-weighted bound has no separate KL term.
    """

    Knobs = VAEKnobs
    answers = ("parts", "importance_weighted", "reconstruct", "interpolate", "draw")
    levels = 2
    likelihoods = (Likelihood("iw", "importance_weighted", {"k": 500}, levels=2), Likelihood("elbo", "elbo", levels=2))

    def __init__(self, z_dim: int = 2, net: str = "mlp", width: int = 256, beta: float = 1.0, k: int = 1, k_from: int = 0):
        super().__init__()
        if k > 1 and beta != 1:
            raise ValueError(f"The importance-weighted loss (k = {k}) has no KL term for beta = {beta} to weigh; set k or beta to 1.")
        self.z_dim, self.beta, self.k, self.k_from = z_dim, beta, k, k_from
        encoder, decoder = NETS[net]
        self.encoder = encoder(z_dim, width)
        self.decoder = decoder(z_dim, width)
        if k > 1:  # steps of training so far, kept with the weights so that a run resumes
            self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def prepare(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return binarize(x, rng)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 1, 28, 28) in [-1, 1] -> mu, log_var of q(z|x), each (B, z_dim)."""
        mu, log_var = self.encoder(x).chunk(2, dim=1)
        return mu, log_var.clamp(-12, 6)

    def logits(self, z: Tensor) -> Tensor:
        """z (B, z_dim) -> log-odds of every pixel to be white (B, 1, 28, 28)."""
        return self.decoder(z)

    def decode(self, z: Tensor) -> Tensor:
        """z (B, z_dim) -> mean picture (B, 1, 28, 28) in [-1, 1]: 2 pi - 1, which is tanh(logit / 2)."""
        return torch.tanh(self.logits(z) / 2)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z) in nats (B,) of binary pictures x (B, 1, 28, 28) in {-1, 1}."""
        return F.logsigmoid(x * self.logits(z)).flatten(1).sum(1)

    def parts(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """The two halves of the ELBO for x (B, 1, 28, 28) in {-1, 1}, with one draw of z.

        Returns reconstruction log p(x|z) (B,), KL (B,) and KL of every latent dimension (B, z_dim), in nats.
        """
        mu, log_var = self.encode(x)
        z = mu + (log_var / 2).exp() * randn(*mu.shape, rng=rng, device=mu.device)
        kl = gaussian_kl(mu, log_var)
        return self.log_likelihood(x, z), kl.sum(1), kl

    def elbo(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Evidence lower bound on log p(x) in nats (B,) with one draw of z: reconstruction minus KL."""
        reconstruction, kl, _ = self.parts(x, rng)
        return reconstruction - kl

    @breathing_answer
    def importance_weighted(self, x: Tensor, k: int, rng: torch.Generator, chunk: int = 250) -> Generator[None, None, Tensor]:
        """The bound log 1/k sum_j p(x, z_j) / q(z_j|x) on log p(x) in nats (B,), z_j from q(z|x); k = 1 is an ELBO.

        x (B, 1, 28, 28) in {-1, 1} is encoded once and decoded k times, about `chunk` pictures at a time.
        """
        mu, log_var = self.encode(x)
        done, total = 0, mu.new_full((len(x),), -math.inf)
        while done < k:
            draws = min(k - done, max(1, chunk // len(x)))
            z = mu + (log_var / 2).exp() * randn(draws, *mu.shape, rng=rng, device=mu.device)  # (draws, B, z_dim)
            log_ratio = log_normal(z) - log_normal(z, mu, log_var)  # (draws, B)
            many = x.expand(draws, *x.shape).flatten(0, 1)
            log_w = self.log_likelihood(many, z.flatten(0, 1)).view(draws, -1) + log_ratio
            total = torch.logaddexp(total, log_w.logsumexp(0))
            done += draws
            yield
        return total - math.log(k)

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Negative bound, a scalar in nats per image: beta-weighted ELBO, or from step `k_from` on the importance-weighted bound."""
        if self.k > 1:
            self.seen += self.training
            if self.seen > self.k_from:
                return -self.importance_weighted(x, self.k, rng, chunk=self.k * len(x)).mean()
        reconstruction, kl, _ = self.parts(x, rng)
        return (self.beta * kl - reconstruction).mean()

    def reconstruct(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28) in [-1, 1] -> mean picture of the middle of its cloud, decode(mu(x)), same shape."""
        return self.decode(self.encode(x)[0])

    def interpolate(self, a: Tensor, b: Tensor, steps: int = 9, spherical: bool = False) -> Tensor:
        """Pictures (B, steps, 1, 28, 28) along the line, or the arc, between the latents of a and b, each (B, 1, 28, 28)."""
        start, end = self.encode(a)[0].unsqueeze(1), self.encode(b)[0].unsqueeze(1)  # (B, 1, z_dim)
        t = torch.linspace(0, 1, steps, device=start.device).view(1, -1, 1)
        path = start + t * (end - start)
        if spherical:
            cosine = F.cosine_similarity(start, end, dim=-1).clamp(-1, 1).unsqueeze(-1)
            angle = torch.arccos(cosine)
            arc = (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / torch.sin(angle)
            path = torch.where(torch.sin(angle) > 1e-3, arc, path)  # no arc between parallel vectors
        return self.decode(path.flatten(0, 1)).view(len(a), steps, *self.shape)

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """The last frame of `sample` with its default knobs and the same rng, in one call: mean pictures (n, 1, 28, 28)."""
        return self.decode(randn(n, self.z_dim, rng=rng, device=self.device))

    @torch.no_grad()
    def sample(self, n: int, knobs: VAEKnobs, rng: torch.Generator) -> Iterator[Frame]:
        """One step from z to x. Step 0 shows an even grey, because z is not a picture; z itself is in aux."""
        z = knobs.temperature * randn(n, self.z_dim, rng=rng, device=self.device)
        yield Frame(z.new_zeros(n, *self.shape), 0, 1, 0, "z drawn from N(0, I), no picture yet", {"z": z})
        x = self.decode(z)
        if knobs.show == "sample":
            x = torch.where(torch.rand(x.shape, generator=rng).to(x.device) < (x + 1) / 2, 1.0, -1.0)
        yield Frame(x, 1, 1, 1, "x decoded from z", {"z": z})
