r"""Diffusion: learn to take a little noise away, then start from pure noise and do it again and again.

The forward process needs no learning: x_t = alpha_t x + sigma_t eps with alpha_t = cos(pi t / 2), sigma_t = sin(pi t / 2) takes a
picture at t = 0 to pure noise at t = 1. The network learns the way back. It is shown x_t, the noise level and the class, and predicts

    v = alpha_t eps - sigma_t x,    trained by    E || v_hat(x_t, t, label) - v ||^2,

from which both the picture and the noise follow by a rotation:

    x0_hat = alpha_t x_t - sigma_t v_hat,    eps_hat = sigma_t x_t + alpha_t v_hat,    score = (alpha_t x0_hat - x_t) / sigma_t^2.

For one training picture in ten the class is hidden, so that the same network also knows pictures of any class; at sampling time the two
answers may be stretched apart (guidance). v-prediction is what the preconditioning of Karras et al. becomes for data of unit
size, and noise levels are drawn as there: log(sigma_t / alpha_t) is normal, so that the levels where pictures take shape come up most.

References: Sohl-Dickstein et al. 2015; Ho et al. 2020; Salimans and Ho 2022 (v); Ho and Salimans 2022 (guidance); Karras et al. 2022.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from genviz.families.diffusion.ddim import ddim
from genviz.families.diffusion.ddpm import ddpm
from genviz.families.diffusion.dpm_solver import dpm_solver
from genviz.families.diffusion.heun import heun
from genviz.frame import Frame, Later, knob
from genviz.model import Model, breathing_walk, rand, randn
from genviz.nn.ask import Ask, Question
from genviz.nn.unet import UNet
from genviz.noise import COSINE, karras, spherical

SAMPLERS = {"dpm_solver": dpm_solver, "heun": heun, "ddim": ddim, "ddpm": ddpm}
SCHEDULE = COSINE
LARGEST, SMALLEST = 1000.0, 0.003  # noise-to-signal ratios between which a walk runs
LEVEL_MEAN, LEVEL_STD = -0.2, 1.5  # of the log ratio in training, wide enough to reach down to a grey level
HIDDEN = 0.1  # share of training pictures whose class is not told
NO_CLASS = 10


@dataclass(frozen=True)
class Knobs:
    """How to walk from noise to a picture."""

    sampler: str = knob("dpm_solver", choices=tuple(SAMPLERS), help="Rule that takes one step: DPM-Solver++(2M), Heun (EDM), DDIM or DDPM.")
    steps: int = knob(17, 1, 1000, help="Steps from noise to data. Heun asks the network twice per step; DDPM wants hundreds.")
    eta: float = knob(0.0, 0.0, 1.0, step=0.05, help="DDIM only: fresh noise in every step. 0 is deterministic, 1 is DDPM.")
    guidance: float = knob(
        1.25, 1.0, 8.0, step=0.25, help="1 is the plain model; above, the class is exaggerated, at twice the network calls."
    )
    label: int = knob(-1, -1, 9, kind="label", help="Which class to draw; -1 takes every class in turn.")


class Diffusion(Model):
    """Class-conditional diffusion of 28 x 28 images; `fine`, `coarse`, `fine_blocks`, `coarse_blocks` shape the U-Net, `smallest` is the
    ratio from which a walk jumps to the picture, chosen on held-out images of each data set."""

    Knobs = Knobs
    walks = ("sample", "forward_process", "diffuse", "branch", "interpolate")
    answers = ("denoise",)
    measured = (  # 34 and 10 network calls; chosen on held-out images
        {"sampler": "dpm_solver", "steps": 17, "guidance": 1.25},
        {"sampler": "dpm_solver", "steps": 10, "guidance": 1.0},
    )

    def __init__(self, fine: int = 32, coarse: int = 96, fine_blocks: int = 1, coarse_blocks: int = 3, smallest: float = SMALLEST):
        super().__init__()
        self.smallest = smallest
        self.net = UNet(fine, coarse, fine_blocks, coarse_blocks)

    # What it learns

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Mean squared error of v_hat, a scalar; noise levels are spread evenly over their distribution within the batch."""
        n = len(x)
        place = (torch.randperm(n, generator=rng) + rand(n, rng=rng)) / n
        ratio = torch.exp(LEVEL_MEAN + LEVEL_STD * torch.special.ndtri(place.clamp(1e-4, 1 - 1e-4))).to(x.device)
        t = SCHEDULE.time(ratio)
        eps = randn(*x.shape, rng=rng, device=x.device)
        hidden = (rand(n, rng=rng) < HIDDEN * self.training).to(x.device)
        v_hat = self.v(SCHEDULE.mix(x, eps, t), t, torch.where(hidden, NO_CLASS, label))
        return F.mse_loss(v_hat, SCHEDULE.mix(eps, -x, t))

    def v(self, x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        """One call of the network: x_t (B, 1, 28, 28), t (B,), label (B,) with NO_CLASS for any -> v_hat like x_t."""
        level = torch.log(SCHEDULE.ratio(t)) / 4  # of order one
        return self.net(x_t, level.to(x_t.dtype), label)

    # What it can be asked

    def guess(self, x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        """x0_hat like x_t, held within the range of pictures; t is a single time."""
        v_hat = self.v(x_t, torch.full((len(x_t),), float(t), device=x_t.device), label)
        return (float(SCHEDULE.alpha(t)) * x_t - float(SCHEDULE.sigma(t)) * v_hat).clamp(-1, 1)

    def denoise(self, x: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
        """x = data + sigma eps (B, 1, 28, 28), sigma (B,) > 0 -> the expected data given x; label (B,) int64, None for any class."""
        t = SCHEDULE.time(sigma.to(x.device, x.dtype))
        a, s = (f(t).view(-1, 1, 1, 1) for f in (SCHEDULE.alpha, SCHEDULE.sigma))
        label = torch.full((len(x),), NO_CLASS, device=x.device) if label is None else label
        return (a * a * x - s * self.v(a * x, t, label)).clamp(-1, 1)

    def score(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Gradient of log p_sigma at x = data + sigma eps: (E[data | x] - x) / sigma^2 (Tweedie's formula); sigma (B,)."""
        return (self.denoise(x, sigma) - x) / sigma.to(x).view(-1, 1, 1, 1) ** 2

    # Walks

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """From n noises to n pictures; Frame.x is x_t, Frame.aux its x0_hat, eps_hat and score (of log p_t at x_t)."""
        x_t = randn(n, *self.shape, rng=rng, device=self.device)
        yield from self._walk(x_t, self._grid(knobs.sampler, knobs.steps), knobs.sampler, self._labels(n, knobs), knobs, rng)

    @breathing_walk
    @torch.no_grad()
    def forward_process(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor) -> Iterator[Frame | None]:
        """The other way: the picture x (1, 28, 28) dissolves into n different noises along equally spaced times. Asks no network."""
        x = x.to(self.device).expand(n, *self.shape)
        eps = randn(n, *self.shape, rng=rng, device=self.device)
        for step, t in enumerate(torch.linspace(0, 1, knobs.steps + 1, dtype=torch.float64)):
            yield Frame(SCHEDULE.mix(x, eps, float(t)), step, knobs.steps, 0, f"t = {t:.2f}", {"eps": eps})

    @breathing_walk
    @torch.no_grad()
    def diffuse(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor, t: Tensor) -> Iterator[Frame | None]:
        """Noise the picture x (1, 28, 28) up to the time t in (0, 1), in n ways, and denoise each; label -1 tells the network no class."""
        t = torch.tensor(float(t), dtype=torch.float64)  # on the CPU, wherever it came from: not every device has float64
        if not 0 < t < 1:
            raise ValueError(f"t must lie between 0 and 1, not {float(t):g}.")
        x = x.to(self.device).expand(n, *self.shape)
        x_t = SCHEDULE.mix(x, randn(n, *self.shape, rng=rng, device=self.device), float(t))
        times = self._grid(knobs.sampler, knobs.steps, float(SCHEDULE.ratio(t)))
        yield from self._walk(x_t, times, knobs.sampler, self._labels(n, knobs, every=False), knobs, rng)

    @breathing_walk
    @torch.no_grad()
    def branch(
        self, n: int, knobs: Knobs, rng: torch.Generator, step: Tensor, draw: Tensor | float = 0, x_t: Tensor | None = None
    ) -> Iterator[Frame | None]:
        """What else could a walk have become, seen at `step`? n continuations with new noise, which the number `draw` stands for.

        The walk is x_t (1, 28, 28) of a film with these knobs; without it, the film of one picture that this seed makes is walked again
        up to the step. Continuations are drawn by DDPM, whatever the sampler was, since a deterministic one would repeat itself; they
        take 20 steps at least. Label -1 means class 0, as in a film of one picture, and no class where x_t is given.
        """
        step = int(step)
        if not 0 <= step < knobs.steps:
            raise ValueError(f"A walk of {knobs.steps} steps can branch at step 0 to {knobs.steps - 1}, not {step}.")
        nfe = 0
        if x_t is None:
            for trunk in Diffusion.sample.breaths(self, 1, knobs, rng):
                if trunk is not None and trunk.step == step:
                    break
                yield None
            x_t, nfe = trunk.x, trunk.nfe
            knobs = dataclasses.replace(knobs, label=max(knobs.label, 0))
        ratio = float(SCHEDULE.ratio(self._grid(knobs.sampler, knobs.steps)[step]))
        times = self._grid("ddpm", max(20, knobs.steps - step), ratio)
        x_t, rng = x_t.to(self.device).expand(n, *self.shape), torch.Generator().manual_seed(int(draw))
        yield from self._walk(x_t, times, "ddpm", self._labels(n, knobs, every=False), knobs, rng, nfe)

    @breathing_walk
    @torch.no_grad()
    def interpolate(
        self, n: int, knobs: Knobs, rng: torch.Generator, other: Tensor | float, linear: Tensor | float = 0
    ) -> Iterator[Frame | None]:
        """n pictures from noises between two: the one that this seed draws first and the one of the seed `other`.

        The way goes along the sphere, or straight where `linear` is 1. Label -1 tells the network no class. With samplers that add fresh
        noise neighbours part; the deterministic ones keep them together.
        """
        a, b = (randn(*self.shape, rng=r, device=self.device) for r in (rng, torch.Generator().manual_seed(int(other))))
        share = torch.linspace(0, 1, n, device=self.device)
        x_t = torch.lerp(a, b, share.view(-1, 1, 1, 1)) if int(linear) else spherical(a, b, share)
        yield from self._walk(x_t, self._grid(knobs.sampler, knobs.steps), knobs.sampler, self._labels(n, knobs, every=False), knobs, rng)

    def _walk(
        self, x_t: Tensor, times: Tensor, sampler: str, label: Tensor, knobs: Knobs, rng: torch.Generator, nfe: int = 0
    ) -> Iterator[Frame | None]:
        ask, question, step, steps = guess(self, label, knobs.guidance, nfe), None, 0, len(times) - 1
        for x in SAMPLERS[sampler](ask, x_t, times, rng, knobs.eta):
            if x is None:
                yield None
                continue
            t, end = times[step], x if step == steps else None
            question = question if step == steps else ask.on_stage(x, t)
            aux = Later(("x0_hat", "eps_hat", "score"), partial(_extras, ask, question, end))
            yield Frame(x, step, steps, ask.nfe, f"t = {t:.2f}, sigma = {SCHEDULE.ratio(t):.3g}", aux)
            step += 1

    def _grid(self, sampler: str, steps: int, largest: float = LARGEST) -> Tensor:
        return grid(sampler, steps, largest, self.smallest)

    def _labels(self, n: int, knobs: Knobs, every: bool = True) -> Tensor:
        """Class of each picture (n,): the knob's, or every class in turn, or NO_CLASS."""
        if knobs.label >= 0:
            return torch.full((n,), knobs.label, device=self.device)
        return torch.arange(n, device=self.device) % 10 if every else torch.full((n,), NO_CLASS, device=self.device)


def guess(model: Diffusion, label: Tensor, guidance: float, nfe: int = 0) -> Ask:
    """The network as a sampler sees it: (x_t, t) -> x0_hat for fixed classes and guidance.

    Where no class is told, there is none to exaggerate, and guidance is left out.
    """
    guidance = 1.0 if bool((label == NO_CLASS).all()) else guidance

    def network(x_t: Tensor, t: Tensor, part: slice) -> Tensor:
        if guidance == 1:
            return model.guess(x_t, t, label[part])
        both = torch.cat([label[part], torch.full_like(label[part], NO_CLASS)])  # in one call, which costs less than one by one
        told, untold = model.guess(x_t.repeat(2, 1, 1, 1), t, both).chunk(2)
        return (untold + guidance * (told - untold)).clamp(-1, 1)

    return Ask(network, 1 if guidance == 1 else 2, nfe)


@torch.no_grad()
def _extras(ask: Ask, question: Question, end: Tensor | None) -> Generator[None, None, dict[str, Tensor]]:
    """What a frame shows beside x_t: the guesses about it and the score; at t = 0 x0_hat is the `end` itself, and the others stay."""
    x0_hat = yield from ask.about(question)
    alpha_t, sigma_t = float(SCHEDULE.alpha(question.noise)), float(SCHEDULE.sigma(question.noise))
    eps_hat = (question.x - alpha_t * x0_hat) / sigma_t
    return {"x0_hat": x0_hat if end is None else end, "eps_hat": eps_hat, "score": -eps_hat / sigma_t}


def grid(sampler: str, steps: int, largest: float = LARGEST, smallest: float = SMALLEST) -> Tensor:
    """Times of a walk (steps + 1,), falling to 0: equal in t for DDPM and DDIM, the rho grid of Karras et al. for the solvers."""
    if sampler in ("ddpm", "ddim"):
        start = SCHEDULE.time(torch.tensor(largest, dtype=torch.float64))
        return torch.linspace(float(start), 0, steps + 1, dtype=torch.float64)
    return SCHEDULE.time(karras(steps, min(smallest, largest / 2), largest))
