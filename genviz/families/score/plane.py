r"""The score-based model in the plane, small enough to be looked at whole: arrows at every noise level, and log p by the flow.

A network of three hidden layers is asked about y = x cos u, u = atan(sigma), and answers v as the large one does: x0_hat = y cos u -
v sin u, and the score is (x0_hat - x) / sigma^2. It reads the point as waves too, without which fine detail would take far longer to learn
(Tancik et al. 2020). In two dimensions the divergence that the likelihood needs is no estimate: two passes backward, one per direction,
give it exactly. The density is that of the data with noise 0.01 added, which is where the flow starts from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genviz.families.score import flow
from genviz.families.score.walk import SAMPLERS, levels, walk
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, breathing_walk, rand, randn
from genviz.nn.embedding import waves

LARGEST, SMALLEST = 20.0, 0.01
LEVEL_MEAN, LEVEL_STD = -1.2, 1.5  # of log sigma in training
WAVES = 16  # of each coordinate, and of the noise level
STEPS = 12  # of the Runge-Kutta method behind log_prob


@dataclass(frozen=True)
class Knobs:
    """How to walk from noise to points."""

    sampler: str = knob("probability_flow", choices=tuple(SAMPLERS), help="Follow the flow, the reverse SDE, or Langevin dynamics.")
    steps: int = knob(24, 1, 1000, help="Noise levels from the largest to none. Langevin dynamics wants a hundred and more.")
    corrector: int = knob(1, 0, 20, help="Langevin steps at each level; the flow takes none, Langevin dynamics at least one.")
    snr: float = knob(0.3, 0.01, 0.9, step=0.01, help="Signal-to-noise ratio of a Langevin step: the larger, the bolder.")


class PlaneScore(Model):
    """Noise-conditional score network of points (2,); `width` is that of its hidden layers."""

    Knobs = Knobs
    medium, shape, levels = "points", (2,), 0
    likelihoods = (Likelihood("ode", "log_prob", levels=0),)

    def __init__(self, width: int = 96):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2 + 3 * WAVES, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 2),
        )

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Mean squared error of v_hat, a scalar; noise levels are spread evenly over their distribution within the batch."""
        n = len(x)
        place = (torch.randperm(n, generator=rng) + rand(n, rng=rng)) / n
        sigma = torch.exp(LEVEL_MEAN + LEVEL_STD * torch.special.ndtri(place)).clamp(SMALLEST, LARGEST).to(x.device)
        u = torch.atan(sigma)
        a, s = torch.cos(u)[:, None], torch.sin(u)[:, None]
        eps = randn(*x.shape, rng=rng, device=x.device)
        return F.mse_loss(self.v(a * x + s * eps, u), a * eps - s * x)

    def v(self, y: Tensor, u: Tensor) -> Tensor:
        """v_hat like y = x cos u (B, 2), u (B,) = atan(sigma)."""
        level = waves(torch.log(torch.tan(u)) / 4, WAVES, fastest=8.0)
        return self.net(torch.cat([y, waves(y[:, 0], WAVES, 1.0, 16.0), waves(y[:, 1], WAVES, 1.0, 16.0), level], 1))

    def score(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Gradient of log p_sigma at x (B, 2), sigma (B,) > 0."""
        u = torch.atan(sigma.to(x.device, x.dtype))
        a, s = torch.cos(u)[:, None], torch.sin(u)[:, None]
        return -(s * a * x + a * self.v(a * x, u)) * a / s  # -eps_hat / sigma

    def log_prob(self, x: Tensor) -> Tensor:
        """log p of x (B, 2) with noise SMALLEST, nats (B,): exact up to the steps of the solver."""

        def v(y: Tensor, u: float) -> Tensor:
            return self.v(y, y.new_full((len(y),), u))

        return flow.log_prob(v, x, flow.units(x), SMALLEST, LARGEST, STEPS)[0].mean(0)

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """From n noises to n points; Frame.x is x / sqrt(1 + sigma^2), Frame.aux has x0_hat, the score at x and its length `norm`."""
        x = math.sqrt(1 + LARGEST**2) * randn(n, 2, rng=rng, device=self.device)
        yield from walk(lambda x, sigma, part: self.score(x, sigma), x, levels(knobs.steps, SMALLEST, LARGEST), knobs, rng)
