r"""Diffusion in the plane: the network of the pictures shrinks to a few layers, everything else stays.

Forward process, v-prediction, distribution of the noise levels and the four samplers are those of `diffusion.py`. What the plane adds is
that the truth is known: at every noise level the score of the data has a formula, so the arrows of the network can be laid over
the right ones.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genviz.families.diffusion.diffusion import SAMPLERS, SCHEDULE
from genviz.frame import Frame, Later, knob
from genviz.model import Model, breathing_walk, rand, randn
from genviz.nn.ask import Ask, Question
from genviz.nn.embedding import waves
from genviz.noise import karras

LARGEST, SMALLEST = 100.0, 0.01  # noise-to-signal ratios between which a walk runs
LEVEL_MEAN, LEVEL_STD = -1.0, 1.4  # of the log ratio in training: finer than for pictures, since the plane has finer detail


class PlaneDiffusion(Model):
    """Diffusion of points; `width` of the network's layers."""

    @dataclass(frozen=True)
    class Knobs:
        sampler: str = knob("heun", choices=tuple(SAMPLERS), help="Rule that takes one step: DPM-Solver++(2M), Heun (EDM), DDIM or DDPM.")
        steps: int = knob(30, 1, 1000, help="Steps from noise to data. Heun asks the network twice per step; DDPM wants hundreds.")
        eta: float = knob(0.0, 0.0, 1.0, step=0.05, help="DDIM only: fresh noise in every step. 0 is deterministic, 1 is DDPM.")

    medium, shape, levels = "points", (2,), 0

    def __init__(self, width: int = 96, inputs: int = 16, levels: int = 16):
        super().__init__()
        self.inputs, self.noise_levels = inputs, levels
        self.net = nn.Sequential(
            nn.Linear(2 + 2 * inputs + levels, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 2),
        )

    def v(self, x_t: Tensor, t: Tensor) -> Tensor:
        """One call of the network: x_t (B, 2), t (B,) -> v_hat like x_t."""
        level = torch.log(SCHEDULE.ratio(t)) / 4  # of order one
        place = waves(x_t.flatten(), self.inputs, 1.0, 8.0).view(len(x_t), -1)
        return self.net(torch.cat([x_t, place, waves(level, self.noise_levels, 0.5, 8.0)], 1))

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Mean squared error of v_hat, a scalar; noise levels are spread evenly over their distribution within the batch."""
        n = len(x)
        place = (torch.randperm(n, generator=rng) + rand(n, rng=rng)) / n
        ratio = torch.exp(LEVEL_MEAN + LEVEL_STD * torch.special.ndtri(place.clamp(1e-4, 1 - 1e-4))).to(x.device)
        t, eps = SCHEDULE.time(ratio), randn(*x.shape, rng=rng, device=x.device)
        return F.mse_loss(self.v(SCHEDULE.mix(x, eps, t), t), SCHEDULE.mix(eps, -x, t))

    def score(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Gradient of log p_sigma at x = data + sigma eps (B, 2), sigma (B,) > 0: (E[data | x] - x) / sigma^2 (Tweedie's formula)."""
        t = SCHEDULE.time(sigma.to(x))
        a, s, sigma = SCHEDULE.alpha(t)[:, None], SCHEDULE.sigma(t)[:, None], sigma.to(x)[:, None]
        x0_hat = a * (a * x) - s * self.v(a * x, t)
        return (x0_hat - x) / sigma**2

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """From n noises to n points; Frame.x is x_t, Frame.aux its x0_hat."""

        def denoise(x_t: Tensor, t: Tensor, part: slice) -> Tensor:
            v_hat = self.v(x_t, x_t.new_full((len(x_t),), float(t)))
            return float(SCHEDULE.alpha(t)) * x_t - float(SCHEDULE.sigma(t)) * v_hat

        times, ask, step = grid(knobs.sampler, knobs.steps), Ask(denoise), 0
        for x in SAMPLERS[knobs.sampler](ask, randn(n, 2, rng=rng, device=self.device), times, rng, knobs.eta):
            if x is None:
                yield None
                continue
            t = times[step]
            aux = {"x0_hat": x} if step == knobs.steps else Later(("x0_hat",), partial(_extras, ask, ask.on_stage(x, t)))
            yield Frame(x, step, knobs.steps, ask.nfe, f"t = {t:.2f}, sigma = {SCHEDULE.ratio(t):.3g}", aux)
            step += 1


@torch.no_grad()
def _extras(ask: Ask, question: Question) -> Generator[None, None, dict[str, Tensor]]:
    return {"x0_hat": (yield from ask.about(question))}


def grid(sampler: str, steps: int) -> Tensor:
    """Times of a walk (steps + 1,), falling to 0: equal in t for DDPM and DDIM, the rho grid of Karras et al. for the solvers."""
    if sampler in ("ddpm", "ddim"):
        start = SCHEDULE.time(torch.tensor(LARGEST, dtype=torch.float64))
        return torch.linspace(float(start), 0, steps + 1, dtype=torch.float64)
    return SCHEDULE.time(karras(steps, SMALLEST, LARGEST))
