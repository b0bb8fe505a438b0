r"""A score-based model: one network that knows the gradient of the log density of pictures at every noise level.

The score of noisy data x = data + sigma eps, eps ~ N(0, I), needs no normaliser, and it is learnt by removing noise (Vincent 2011): the
best guess x0_hat of the data in x, a least-squares problem, gives it by Tweedie's formula,

    score(x, sigma) = grad log p_sigma(x) = (x0_hat(x, sigma) - x) / sigma^2.

So the network is that of a diffusion model: asked about y = x cos u with u = atan(sigma), it answers v, from which the guess of the data
and the noise follow by a rotation, x0_hat = y cos u - v sin u and eps_hat = y sin u + v cos u. Weights of one fit the other name for
name. What differs is what is made of it: three samplers, and log p(x) itself, by the probability flow (flow.py).

**The loss and the likelihood.** With every log sigma equally weighted, the squared error of eps_hat is, up to a constant, a bound on
-log p (Song, Durkan, Murray and Ermon 2021; Kingma et al. 2021). As that of v, which is trained here, it would carry the weight 1 / (1 +
sigma^2): the same where noise is small, while large noises keep the weight that pictures want. Noises are drawn with log sigma normal, wide
enough to reach down to a grey level.

**The smallest noise.** Bytes are made continuous by uniform noise between the grey levels, whose boxes are 2 / 255 wide, so that a pixel
that is surely black costs nothing only if the score of a box is known. From TOGETHER = 0.06 down the network therefore shares its say
with what a pixel alone can tell, in closed form (grey.py), and below ALONE = 0.01, about one grey level, it has none left. The histogram
that this needs is counted in training.

**Toward a class.** Scores add up where densities multiply, so Bayes' rule p(x | c) = p(x) p(c | x) / p(c) says what a class adds to the
slope: score(x | c) - score(x). Guidance takes that part `guidance` times, the slope of p(x) p(c | x)^guidance, up to the noise (Ho and
Salimans 2022). Both scores come from the one network, which is not told the class of every other training picture.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genviz.families.score import flow, grey
from genviz.families.score.walk import SAMPLERS, levels, walk
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, breathing_answer, breathing_walk, pieces, rand, randn
from genviz.nn.unet import UNet

LARGEST, SMALLEST = 50.0, 0.03  # noises between which a walk runs
TOGETHER, ALONE = 0.06, 0.01  # noises from which a pixel has a say of its own, and from which it has all of it
LEVEL_MEAN, LEVEL_STD = -0.4, 1.6  # of log sigma in training
HIDDEN = 0.5  # share of training pictures whose class is not told
NO_CLASS = 10
GUIDANCE = 1.5  # chosen on held-out images
STEPS = 10  # of the Runge-Kutta method behind the likelihoods that are compared


@dataclass(frozen=True)
class Knobs:
    """How to walk from noise to a picture."""

    sampler: str = knob("probability_flow", choices=tuple(SAMPLERS), help="Follow the flow, the reverse SDE, or Langevin dynamics.")
    steps: int = knob(18, 1, 1000, help="Noise levels from the largest to none. Langevin dynamics wants a hundred and more.")
    corrector: int = knob(1, 0, 20, help="Langevin steps at each level; the flow takes none, Langevin dynamics at least one.")
    snr: float = knob(0.16, 0.01, 0.9, step=0.01, help="Signal-to-noise ratio of a Langevin step: the larger, the bolder.")
    guidance: float = knob(
        GUIDANCE, 1.0, 8.0, step=0.25, help="How often the class's part of the score counts. Above 1 it is exaggerated, at twice the calls."
    )
    label: int = knob(-1, -1, 9, kind="label", help="Which class to draw; -1 takes every class in turn.")


class Score(Model):
    """Noise-conditional score network of 28 x 28 images; `fine`, `coarse`, `fine_blocks`, `coarse_blocks` shape the U-Net."""

    Knobs = Knobs
    walks = ("sample", "diffuse")
    answers = ("denoise", "norms", "likelihood")
    likelihoods = (Likelihood("ode", "ode_log_prob"),)
    scored = 2000  # forty passes there and back for one likelihood

    def __init__(self, fine: int = 32, coarse: int = 96, fine_blocks: int = 1, coarse_blocks: int = 3):
        super().__init__()
        self.net = UNet(fine, coarse, fine_blocks, coarse_blocks)
        self.register_buffer("greys", grey.flat())
        self.register_load_state_dict_pre_hook(_uncounted)

    # What it learns

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Mean squared error of v_hat, a scalar; noise levels are spread evenly over their distribution within the batch."""
        n = len(x)
        if self.training:
            self.greys.lerp_(grey.count(x), 0.01)
        x = dequantise(x, rng)
        place = (torch.randperm(n, generator=rng) + rand(n, rng=rng)) / n
        sigma = torch.exp(LEVEL_MEAN + LEVEL_STD * torch.special.ndtri(place)).clamp(ALONE, LARGEST).to(x.device)
        u = torch.atan(sigma)
        a, s = _circle(u)
        eps = randn(*x.shape, rng=rng, device=x.device)
        hidden = (rand(n, rng=rng) < (HIDDEN if self.training else 1)).to(x.device)
        v_hat = self.v(a * x + s * eps, u, torch.where(hidden, NO_CLASS, label))
        return (v_hat - (a * eps - s * x)).square().mean()

    def v(self, y: Tensor, u: Tensor, label: Tensor | None = None) -> Tensor:
        """v_hat like y = x cos u, u (B,) = atan(sigma), label (B,) int64 or None for any class; not held within any range."""
        label = torch.full((len(y),), NO_CLASS, device=y.device) if label is None else label
        sigma = torch.tan(u)
        v_hat = self.net(y, torch.log(sigma) / 4, label)
        say = _say(sigma).view(-1, 1, 1, 1)
        if say.any():
            a, s = _circle(u)
            own = (a * y - grey.denoise(y / a, s / a, self.greys)) / s
            v_hat = v_hat + say * (own - v_hat)
        return v_hat

    # What it can be asked

    def denoise(self, x: Tensor, sigma: Tensor, label: Tensor | None = None, guidance: float = 1.0) -> Tensor:
        """x = data + sigma eps (B, 1, 28, 28), sigma (B,) > 0 -> the expected data given x; label (B,) int64, None for any class."""
        u = torch.atan(sigma.to(x.device, x.dtype))
        a, s = _circle(u)
        if guidance == 1 or label is None:
            v_hat = self.v(a * x, u, label)
        else:
            both = torch.cat([label, torch.full_like(label, NO_CLASS)])
            told, untold = self.v((a * x).repeat(2, 1, 1, 1), u.repeat(2), both).chunk(2)
            v_hat = untold + guidance * (told - untold)
        return (a * a * x - s * v_hat).clamp(-1, 1)

    def score(self, x: Tensor, sigma: Tensor, label: Tensor | None = None, guidance: float = 1.0) -> Tensor:
        """Gradient of log p_sigma at x = data + sigma eps: (E[data | x] - x) / sigma^2 (Tweedie's formula); sigma (B,)."""
        return (self.denoise(x, sigma, label, guidance) - x) / sigma.to(x).view(-1, 1, 1, 1) ** 2

    @breathing_answer
    def norms(self, x: Tensor, sigmas: Tensor, rng: torch.Generator) -> Generator[None, None, Tensor]:
        """Length (B, S) of the score of pictures x (B, 1, 28, 28) with the noises `sigmas` (S,), one eps per picture at all levels."""
        eps = randn(*x.shape, rng=rng, device=x.device)
        lengths = []
        for sigma in sigmas:
            parts = []
            for part in pieces(len(x)):
                parts.append(self.score(x[part] + sigma * eps[part], sigma.expand(len(x[part]))).flatten(1).norm(dim=1))
                yield
            lengths.append(torch.cat(parts))
        return torch.stack(lengths, 1)

    @breathing_answer
    def ode_log_prob(self, x: Tensor, rng: torch.Generator) -> Generator[None, None, Tensor]:
        """log p(x) in nats (B,) of bytes x (B, 1, 28, 28) as `prepare` made them, with uniform noise between the grey levels."""
        nats, _ = yield from self._log_prob(x, rng, 1, STEPS, 0.0)
        return nats.mean(0)

    @breathing_answer
    def likelihood(
        self, x: Tensor, rng: torch.Generator, probes: int = 4, steps: int = STEPS, tolerance: float = 0.0
    ) -> Generator[None, None, dict[str, Any]]:
        """Estimates of log p(x) as above: "nats" (probes, B), and "nfe". A tolerance > 0 takes dopri5 in place of fixed steps."""
        if not (1 <= probes <= 16 and 1 <= steps <= 100 and (tolerance == 0 or 1e-6 <= tolerance <= 0.1)):
            raise ValueError("Ask for 1 to 16 probes and for 1 to 100 steps, or a tolerance between 0.000001 and 0.1.")
        nats, nfe = yield from self._log_prob(x, rng, int(probes), int(steps), tolerance)
        return {"nats": nats, "nfe": nfe}

    def _log_prob(
        self, x: Tensor, rng: torch.Generator, probes: int, steps: int, tolerance: float
    ) -> Generator[None, None, tuple[Tensor, int]]:
        x, stretch = grey.lift(dequantise(x, rng), ALONE, self.greys)

        def v(y: Tensor, u: float) -> Tensor:
            return self.v(y, y.new_full((len(y),), u))

        nats, nfe = yield from flow.log_prob.breaths(v, x, flow.signs(probes, x, rng), ALONE, LARGEST, steps, tolerance)
        return nats + stretch + x[0].numel() * math.log(grey.BYTE), nfe

    # Walks

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """From n noises to n pictures; Frame.aux has x0_hat, the score and its length `norm`."""
        x = (1 + LARGEST**2) ** 0.5 * randn(n, *self.shape, rng=rng, device=self.device)
        label = torch.arange(n, device=self.device) % 10 if knobs.label < 0 else torch.full((n,), knobs.label, device=self.device)
        yield from self._walk(x, LARGEST, label, knobs, rng)

    @breathing_walk
    @torch.no_grad()
    def diffuse(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor, sigma: Tensor) -> Iterator[Frame | None]:
        """Add noise `sigma` to the picture x (1, 28, 28) in n ways, and walk back from each; label -1 tells the network no class."""
        sigma = float(sigma)
        if not 0 < sigma <= LARGEST:
            raise ValueError(f"sigma must lie between 0 and {LARGEST:g}, not {sigma:g}.")
        x = x.to(self.device).expand(n, *self.shape)
        x = x + sigma * randn(n, *self.shape, rng=rng, device=self.device)
        label = None if knobs.label < 0 else torch.full((n,), knobs.label, device=self.device)
        yield from self._walk(x, sigma, label, knobs, rng)

    def _walk(self, x: Tensor, sigma: float, label: Tensor | None, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        guidance = 1.0 if label is None else knobs.guidance  # where no class is told, there is none to exaggerate

        def score(x: Tensor, sigma: Tensor, part: slice) -> Tensor:
            return self.score(x, sigma, None if label is None else label[part], guidance)

        yield from walk(score, x, levels(knobs.steps, SMALLEST, sigma), knobs, rng, calls=1 if guidance == 1 else 2)


def dequantise(x: Tensor, rng: torch.Generator) -> Tensor:
    """Bytes in [-1, 1] with uniform noise of one grey level's width."""
    return x + (rand(*x.shape, rng=rng, device=x.device) - 0.5) * grey.BYTE


def _circle(u: Tensor) -> tuple[Tensor, Tensor]:
    """cos u and sin u (B, 1, 1, 1)."""
    return torch.cos(u).view(-1, 1, 1, 1), torch.sin(u).view(-1, 1, 1, 1)


def _say(sigma: Tensor) -> Tensor:
    """How much of the say a pixel has by itself: 0 from TOGETHER up, 1 from ALONE down, smooth between."""
    share = ((math.log(TOGETHER) - torch.log(sigma)) / math.log(TOGETHER / ALONE)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def _uncounted(model: Score, state: dict[str, Tensor], *_: Any) -> None:
    """Weights of a diffusion model come without the histogram of greys: it stays as it is."""
    state.setdefault("greys", model.greys)
