r"""An energy-based model: one number for every picture and class, low where the two are likely together.

    p(y, c) = exp(-E(y, c)) / Z,    p(y) = exp(-E(y)) / Z  with  E(y) = -log sum_c exp(-E(y, c))

Any network that ends in one number will do; nobody knows Z, and nobody needs it, neither for learning nor for sampling. The gradient of the
log-likelihood is a difference of two averages,

    -d log p / d theta = E_data[ dE / d theta ] - E_model[ dE / d theta ],

so a step of learning lowers the energy of data (positive phase) and raises it where the model believes data to be (negative phase).
Samples of the model come from Langevin chains that are kept in a buffer from step to step, so that a chain needs few moves per batch.

The densities are those of noisy pictures y = x + sigma eps, one for every sigma between LARGEST and SMALLEST. With much noise the
landscape is a bowl, with little it has a valley for every kind of picture, and a chain that cools down from the first to the last finds
its way into the valleys as often as it should (simulated annealing, Kirkpatrick et al. 1983; in learning, Gao et al. 2021). The
picture under the noise is not lost: Tweedie's formula reads the expected one off the slope, x0_hat = y - sigma^2 dE/dy, which is the last
step of every walk. The energy is written as

    E(y, c, sigma) = |y|^2 / (2 (sigma^2 + UNIT^2)) - (SCALE UNIT / sigma) f_c(y / (sigma^2 + UNIT^2)^(1/2), sigma),

what it would be if pixels were independent numbers of size UNIT, less what the network f knows better. Far away it grows like |y|^2,
and no chain runs off. One more thing is known about the slope: x0_hat is the mean of the pictures that may lie under y, so its distance
from the picture that does is least (denoising score matching, Vincent 2011). That teaches the surroundings of data in few steps, and
the chains teach the rest: both losses are added.

**A classifier inside.** Bayes' rule makes one of any such energy, p(c | y) = softmax of -E(y, c) over c: read the other way, every
classifier with its logits -E holds an energy (Grathwohl et al. 2020). That it should be right about labels is the third and smallest part
of the loss. And a walk toward a class may count it more than once, downhill on E(y) - w log p(c | y): the guidance of diffusion models
(Dhariwal and Nichol 2021), here without a second network or a second call, since the slope of any mixture of the E(y, c) is one walk back.

A Langevin step of size s sigma goes s^2 / 2 of the way to x0_hat, and its noise is a little too large: a valley of width sigma would settle
wider than it is (langevin.py). Here the width of the valleys is known, that of the noise, and so is the one that is wanted next, so the
noise is what leads from the one to the other,

    y' = y - (s sigma)^2 / 2 dE/dy + n eps,    n^2 = sigma'^2 - (1 - s^2 / 2)^2 sigma^2,

which is Langevin's for small s, and with which the chains and the jumps ask for the same energy (Jolicoeur-Martineau et al. 2021).

**How long an energy holds.** It was raised only where chains of training went, and those were over after LENGTH moves. A chain that is held
at one noise for longer gets to where nobody ever looked: its picture grows bolder and bolder, a cartoon that the energy holds for likelier
than any picture. So a chain at one noise ends where those of training did; how far one drifts goes with the square of its step (`held`).

References: Hinton 2002 (contrastive divergence); Tieleman 2008 (persistent chains); Xie et al. 2016; Du and Mordatch 2019 (replay buffer);
Nijkamp et al. 2020 (what makes it stable); Saremi and Hyvarinen 2019 (walk and jump); Li et al. 2019 (energies from score matching);
Grathwohl et al. 2020 ("Your classifier is secretly an energy based model").
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from genviz.families.ebm.buffer import Buffer
from genviz.families.ebm.langevin import langevin
from genviz.families.ebm.nets import Potential
from genviz.frame import Frame, Later, knob
from genviz.model import Model, breathing_answer, breathing_walk, last, rand, randn
from genviz.nn.ask import Ask, Question

LARGEST, SMALLEST = 10.0, 0.25  # noise on the pictures, which are numbers in [-1, 1]
UNIT = 0.6  # root mean square of a pixel, roughly
SCALE = 10.0  # of the network's output: how fast f may change with the weights
LENGTH, STEP = 192, 0.5  # moves of a chain in training, and the step of each in units of sigma
CHAINS, MOVED, MOVES = 1024, 32, 4  # chains in the buffer; those that move in a training step; moves of each
CLASSES = 10
HIDDEN = 0.5  # share of training pictures whose class is not told
NAMING = 0.02  # weight of the classifier's loss in nats, beside two that count nats per pixel
GUIDANCE = 2.0  # chosen on held-out images


@dataclass(frozen=True)
class Knobs:
    """How a chain walks."""

    steps: int = knob(193, 1, 1000, help="Network evaluations of a chain; the last one jumps from the noisy picture to a clean one.")
    step_size: float = knob(
        0.5, 0.05, 1.9, step=0.05, help="s, in units of sigma: a step goes s^2 / 2 of the way to x0_hat, and adds about s sigma of noise."
    )
    noise: float = knob(1.0, 0.0, 3.0, step=0.05, help="Factor on the noise of a step: 1 is Langevin, 0 walks straight downhill.")
    guidance: float = knob(
        GUIDANCE, 0.0, 8.0, step=0.25, help="How often log p(class | x) counts. 0 tells no class, above 1 exaggerates it."
    )
    label: int = knob(-1, -1, 9, kind="label", help="Which class to walk to; -1 takes every class in turn, and none for a picture.")


class EBM(Model):
    """Energies of noisy 28 x 28 pictures; the arguments shape the network (nets.Potential)."""

    Knobs = Knobs
    walks = ("sample", "chains")
    answers = ("slope", "clean", "blur", "phases", "classify")

    def __init__(self, fine: int = 32, middle: int = 64, coarse: int = 128, blocks: int = 2):
        super().__init__()
        self.net = Potential(fine, middle, coarse, blocks, CLASSES)
        self.buffer: Buffer | None = None  # made when training begins; not part of the weights

    # What it learns

    def losses(self, x: Tensor, label: Tensor, rng: torch.Generator, stage: str = "") -> Iterator[Tensor]:
        """All losses, per pixel: a scalar."""
        matching, naming = self.matching(x, label, rng)
        yield matching + NAMING * naming + self.contrast(x[:MOVED], label[:MOVED], rng)

    def matching(self, x: Tensor, label: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mean squared distance of x0_hat from x (B, 1, 28, 28), in units of what the network has to add, at B noises; and there the mean
        of -log p(label | y) in nats."""
        n = len(x)
        share = (torch.arange(n, device=x.device) + rand(n, rng=rng, device=x.device)) / n  # evenly spread, less noise in the loss
        sigma = LARGEST * (SMALLEST / LARGEST) ** share
        y = self.blur(x, rng, sigma).requires_grad_()
        logits = _logits(self.net.forward(*_inputs(y, sigma))[0], sigma)  # past torch.compile, which has no second derivatives
        told = (rand(n, rng=rng, device=x.device) >= HIDDEN).to(x.dtype)
        slope = torch.autograd.grad(_energy(y, sigma, logits, label, told).sum(), y, create_graph=True)[0]
        error = self.jump(y, slope, sigma) - x
        return (error.square().flatten(1).mean(1) * (1 / sigma**2 + 1 / UNIT**2)).mean(), F.cross_entropy(logits, label)

    def contrast(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Mean energy of data minus that of chains with the same noises, per pixel; its gradient is that of -log p(x, label)."""
        chains, kind, sigma = self.negatives(len(x), rng)
        energy = self.energy(torch.cat([self.blur(x, rng, sigma), chains]), sigma.repeat(2), torch.cat([label, kind]))
        return (energy[: len(x)] - energy[len(x) :]).mean() / x[0].numel()

    @torch.no_grad()
    def negatives(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """n samples of the model as it is, (n, 1, 28, 28), their classes and noises (n,): chains from the buffer, a few moves colder."""
        if self.buffer is None:
            self.buffer = Buffer(self.start(CHAINS, rng), LENGTH // MOVES, rng)
        way = cooling(LENGTH, self.device)
        x, age = self.buffer.take(n, self.start, rng)
        label = self.buffer.taken.to(x.device) % CLASSES  # a place in the buffer keeps its class
        for move in range(MOVES):
            at = age * MOVES + move
            x = cool(x, self.pull(x, way[at], label)[1], STEP, way[at], way[at + 1], randn(*x.shape, rng=rng, device=x.device))
        self.buffer.put(x)
        return x, label, way[at + 1]

    def blur(self, x: Tensor, rng: torch.Generator, sigma: Tensor | float = SMALLEST) -> Tensor:
        """Clean pictures to noisy ones y = x + sigma eps; sigma (B,) or one for all."""
        return x + wide(sigma) * randn(*x.shape, rng=rng, device=x.device)

    def start(self, n: int, rng: torch.Generator) -> Tensor:
        """Where chains begin: pure noise (n, 1, 28, 28) of the size of a picture with the noise LARGEST."""
        return math.hypot(LARGEST, UNIT) * randn(n, *self.shape, rng=rng, device=self.device)

    # What it can be asked

    def energy(self, x: Tensor, sigma: Tensor | float = SMALLEST, label: Tensor | None = None, guidance: float = 1.0) -> Tensor:
        """E(x) in nats (B,), or with a label (B,) int64 E(x) - guidance log p(label | x); up to a constant for each sigma.

        x (B, 1, 28, 28), sigma (B,) or one for all; differentiable.
        """
        sigma = self._each(x, sigma)
        return _energy(x, sigma, self.logits(x, sigma), label, guidance)

    def logits(self, x: Tensor, sigma: Tensor) -> Tensor:
        """log p(x, class) at the noises sigma (B,) less what is the same for all classes, (B, 10)."""
        return _logits(self.net(*_inputs(x, sigma))[0], sigma)

    @torch.no_grad()
    def classify(self, x: Tensor) -> Tensor:
        """p(class | x), (B, 10), of clean pictures x (B, 1, 28, 28): what the energies say of the classes."""
        return self.logits(x, self._each(x, SMALLEST)).softmax(1)

    def slope(
        self, x: Tensor, sigma: Tensor | float = SMALLEST, label: Tensor | None = None, guidance: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """`energy` of the same arguments and its gradient, like x, by hand: no autograd, so no gradient of a weight is ever computed."""
        with torch.no_grad():
            sigma = self._each(x, sigma)
            f, along = self.net(*_inputs(x, sigma), mix=lambda f: _mixture(_logits(f, sigma), label, guidance))
            total = sigma**2 + UNIT**2
            slope = x / wide(total) - wide(SCALE * UNIT / (sigma * total.sqrt())) * along
            return _energy(x, sigma, _logits(f, sigma), label, guidance), slope

    def pull(self, x: Tensor, sigma: Tensor | float, label: Tensor | None = None, guidance: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """What a cooling chain goes by: `energy`, its gradient and x0_hat, the last held within [-1, 1] and the gradient made to agree.

        Pictures lie there, so the true slope needs no holding; one that is being learnt does, or a chain runs off and learning with it.
        """
        energy, gradient = self.slope(x, sigma, label, guidance)
        x0_hat = self.jump(x, gradient, sigma).clamp(-1, 1)
        return energy, (x - x0_hat) / wide(sigma) ** 2, x0_hat

    def clean(self, x: Tensor, gradient: Tensor) -> Tensor:
        """x0_hat, the expected clean picture of x with the noise SMALLEST, from dE/dx at x (Tweedie's formula); held within [-1, 1]."""
        return self.jump(x, gradient, SMALLEST).clamp(-1, 1)

    @staticmethod
    def jump(x: Tensor, gradient: Tensor, sigma: Tensor | float) -> Tensor:
        """The expected clean picture of a noisy x."""
        return x - wide(sigma) ** 2 * gradient

    def _each(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        return torch.as_tensor(sigma, dtype=x.dtype, device=x.device).expand(len(x))

    @breathing_answer
    def phases(self, x: Tensor, knobs: Knobs, rng: torch.Generator) -> Generator[None, None, dict[str, Tensor]]:
        """Both phases for pictures x (B, 1, 28, 28) at the noise SMALLEST: noisy data and the ends of chains that start there.

        "y_data", "y_model": where the energy is lowered and where it is raised; "energy_..." (B,), "slope_..." and "x0_hat_..." there.
        """
        y = self.blur(x, rng)
        noise = knobs.noise * math.sqrt(1 - knobs.step_size**2 / 4)  # as in `cool`, at one noise
        end = yield from last(langevin(self.slope, y, held(knobs), knobs.step_size * SMALLEST, rng, noise))
        answer = {}
        for name, at, (energy, gradient) in (("data", y, self.slope(y)), ("model", end.x, end[1:3])):
            answer |= {f"y_{name}": at, f"energy_{name}": energy, f"slope_{name}": gradient, f"x0_hat_{name}": self.clean(at, gradient)}
        return answer

    # Walks

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """n chains that cool down from noise; Frame.x is y / (1 + sigma^2)^(1/2), so that it can be seen. Frame.aux: "x0_hat" and "score" =
        -dE/dy like x, "energy" (n,) of the noisy picture, with what guidance adds to it."""
        label = torch.arange(n, device=self.device) % CLASSES if knobs.label < 0 else self._all(n, knobs.label)
        yield from self._walk(self.start(n, rng), cooling(knobs.steps - 1, self.device), label, knobs, rng)

    @breathing_walk
    @torch.no_grad()
    def chains(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor) -> Iterator[Frame | None]:
        """n chains at the noise SMALLEST from the picture x (1, 28, 28), each with noise of its own; frames as those of `sample`, and
        the label -1 is no class at all. However many steps are asked for, a chain goes no further than those of training did."""
        way = torch.full((held(knobs),), SMALLEST, device=self.device)
        label = None if knobs.label < 0 else self._all(n, knobs.label)
        yield from self._walk(self.blur(x.to(self.device).expand(n, *self.shape), rng), way, label, knobs, rng)

    def _all(self, n: int, label: int) -> Tensor:
        return torch.full((n,), label, device=self.device)

    def _walk(self, x: Tensor, way: Tensor, label: Tensor | None, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        def pull(x: Tensor, sigma: float, part: slice) -> tuple[Tensor, Tensor, Tensor]:
            return self.pull(x, sigma, None if label is None else label[part], knobs.guidance)

        ask, steps = Ask(pull), len(way)
        for place, (sigma, colder) in enumerate(pairwise([*way.tolist(), SMALLEST])):
            shown = x / math.hypot(1, sigma)
            if place == 0:  # shown before anything is asked, so without its energy
                later = Later(("x0_hat", "score", "energy"), partial(_extras, ask, ask.on_stage(x, sigma)))
                yield Frame(shown, 0, steps, 0, f"sigma = {sigma:.2f}", later)
            energy, gradient, x0_hat = yield from ask(x, sigma)
            aux = _named(energy, gradient, x0_hat)
            caption = f"sigma = {sigma:.2f}, mean energy = {energy.mean():.0f}"
            if place:
                ask.on_stage(x, sigma)
                yield Frame(shown, place, steps, ask.nfe, caption, aux)
            x = cool(x, gradient, knobs.step_size, sigma, colder, knobs.noise * randn(*x.shape, rng=rng, device=x.device))
        yield Frame(x0_hat, steps, steps, ask.nfe, f"{caption}, then the jump", aux)  # aux as before the jump


def held(knobs: Knobs) -> int:
    """Steps of a chain at one noise: those that are asked for, but no more than take it as far as LENGTH moves of STEP, and the jump."""
    return min(knobs.steps, round(LENGTH * (STEP / knobs.step_size) ** 2) + 1)


@torch.no_grad()
def _extras(ask: Ask, question: Question) -> Generator[None, None, dict[str, Tensor]]:
    return _named(*(yield from ask.about(question)))


def _named(energy: Tensor, gradient: Tensor, x0_hat: Tensor) -> dict[str, Tensor]:
    return {"x0_hat": x0_hat, "score": -gradient, "energy": energy}


def cooling(moves: int, device: torch.device | str = "cpu") -> Tensor:
    """Noises (moves + 1,) of a chain that cools down from LARGEST to SMALLEST, evenly spaced on a logarithmic scale."""
    return SMALLEST * (LARGEST / SMALLEST) ** torch.linspace(1, 0, moves + 1, device=device)


def cool(x: Tensor, gradient: Tensor, size: float, sigma: Tensor | float, colder: Tensor | float, eps: Tensor) -> Tensor:
    """From x with the noise sigma to x' with the noise `colder`: Langevin's step of `size` sigma, its noise eps scaled to end up there."""
    kept = (1 - size**2 / 2) * wide(sigma)
    return x - (size * wide(sigma)) ** 2 / 2 * gradient + _root(wide(colder) ** 2 - kept**2) * eps


def _root(square: Tensor | float) -> Tensor | float:
    """Square root; 0 where a step is too short to cool that far, so that even without noise it ends up warmer."""
    return square.clamp(min=0).sqrt() if isinstance(square, Tensor) else math.sqrt(max(square, 0.0))


def wide(sigma: Tensor | float) -> Tensor | float:
    """A number per picture (B,) so that it multiplies pictures; one for all stays as it is."""
    return sigma.view(-1, 1, 1, 1) if isinstance(sigma, Tensor) and sigma.ndim else sigma


def _inputs(x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """What the network sees of x (B, 1, 28, 28) with the noises sigma (B,): pictures of unit size, and log sigma."""
    return x / wide((sigma**2 + UNIT**2).sqrt()), sigma.log()


def _logits(f: Tensor, sigma: Tensor) -> Tensor:
    return (SCALE * UNIT / sigma)[:, None] * f


def _energy(x: Tensor, sigma: Tensor, logits: Tensor, label: Tensor | None, guidance: Tensor | float) -> Tensor:
    """E(x) - guidance log p(label | x), guidance (B,) or one for all."""
    known = logits.logsumexp(1)
    if label is not None:
        known = known + guidance * (logits.gather(1, label[:, None])[:, 0] - known)
    return x.square().flatten(1).sum(1) / (2 * (sigma**2 + UNIT**2)) - known


def _mixture(logits: Tensor, label: Tensor | None, guidance: float) -> Tensor:
    """How much of the slope of each logit (B, 10) is in that of -E(x) + guidance log p(label | x)."""
    share = logits.softmax(1)
    return share if label is None else share + guidance * (F.one_hot(label, CLASSES) - share)
