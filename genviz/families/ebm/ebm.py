r"""An energy-based model: one number for every picture, low where pictures are likely.

    p(y) = exp(-E(y)) / Z

Any network that ends in one number will do; nobody knows Z, and nobody needs it, neither for learning nor for sampling. The gradient of the
log-likelihood is a difference of two averages,

    -d log p / d theta = E_data[ dE / d theta ] - E_model[ dE / d theta ],

so a step of learning lowers the energy of data (positive phase) and raises it where the model believes data to be (negative phase).
Samples of the model come from Langevin chains that are kept in a buffer from step to step, so that a chain needs only a few moves per
batch; now and then one is thrown away and begun anew from noise.

The density is learnt of noisy pictures y = x + sigma eps. That makes the landscape smooth enough to walk on, and the picture is not lost:
Tweedie's formula gives the expected clean picture from the slope, x0_hat = y - sigma^2 dE/dy. A sample is a walk among noisy pictures, and
one jump to a clean one at the end. The energy is written as

    E(y) = (|y|^2 / 2 - G(y)) / sigma^2,    so that    x0_hat = dG / dy,

because that is the form which the true one has: for data x_i, G(y) = sigma^2 log sum_i exp((x_i y - |x_i|^2 / 2) / sigma^2), smooth, with
a slope that stays within the pictures. Far away E grows like |y|^2, and no chain runs off. One correction: Langevin steps of the size s
widen a valley (langevin.py), and learning answers with one that is narrower by as much, so `width`^2 stands for sigma^2 in both formulas.

References: Hinton 2002 (contrastive divergence); Tieleman 2008 (persistent chains); Xie et al. 2016; Du and Mordatch 2019 (replay buffer);
Nijkamp et al. 2020 (what makes it stable); Saremi and Hyvarinen 2019 (walk and jump; the form of the energy from Tweedie's formula).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from genviz.families.ebm.buffer import Buffer
from genviz.families.ebm.langevin import langevin, step
from genviz.families.ebm.nets import Potential
from genviz.frame import Frame, knob
from genviz.model import Model, randn

SCALE = 10.0  # of the network's output: how fast G may change with the weights
STEP = 0.7  # of a Langevin step in training, in units of sigma; the narrowest direction has the width sigma
CHAINS, FRESH, MOVES = 2048, 0.04, 5  # chains in the buffer; share begun anew; steps of a chain per training step


@dataclass(frozen=True)
class Knobs:
    """How a chain walks."""

    steps: int = knob(150, 1, 1000, help="Network evaluations of a chain; the last one jumps from the noisy picture to a clean one.")
    step_size: float = knob(
        0.175, 0.01, 0.6, step=0.005, help="s: a step goes s^2 / 2 times the slope of the energy downhill, and s times noise."
    )
    noise: float = knob(1.0, 0.0, 3.0, step=0.05, help="Factor on the noise of a step: 1 is Langevin, 0 walks straight downhill.")


class EBM(Model):
    """Energy of 28 x 28 pictures at the noise `sigma`; the other arguments shape the network (nets.Potential)."""

    Knobs = Knobs
    walks = ("sample", "chains")
    answers = ("slope", "clean", "blur", "phases")

    def __init__(self, sigma: float = 0.25, fine: int = 32, middle: int = 64, coarse: int = 128, blocks: int = 2):
        super().__init__()
        self.sigma = sigma
        self.width = sigma * math.sqrt((1 + math.sqrt(1 - STEP**2)) / 2)  # from it, steps of STEP sigma make chains as wide as sigma
        self.net = Potential(fine, middle, coarse, blocks)
        self.buffer: Buffer | None = None  # made when training begins; not part of the weights

    # What it learns

    def losses(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Iterator[Tensor]:
        """Mean energy of data minus mean energy of the chains, a scalar in nats; its gradient is that of -log p."""
        yield (self.energy(self.blur(x, rng)) - self.energy(self.negatives(len(x), rng))).mean()

    @torch.no_grad()
    def negatives(self, n: int, rng: torch.Generator) -> Tensor:
        """n samples of the model as it is, (n, 1, 28, 28): chains from the buffer, a few steps further."""
        if self.buffer is None:
            self.buffer = Buffer(self.start(CHAINS, rng), FRESH)
        x = self.buffer.take(n, self.start, rng)
        for _ in range(MOVES):
            x = step(x, self.slope(x)[1], STEP * self.sigma, randn(*x.shape, rng=rng, device=x.device))
        self.buffer.put(x)
        return x

    def blur(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Clean pictures to the noisy ones whose density is learnt."""
        return x + self.sigma * randn(*x.shape, rng=rng, device=x.device)

    def start(self, n: int, rng: torch.Generator) -> Tensor:
        """Where chains begin: standard normal noise (n, 1, 28, 28)."""
        return randn(n, *self.shape, rng=rng, device=self.device)

    # What it can be asked

    def energy(self, x: Tensor) -> Tensor:
        """E(x) in nats (B,) up to one constant for all x (B, 1, 28, 28); differentiable."""
        return self._energy(x, self.net(x)[0])

    def slope(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 1, 28, 28) -> E(x) (B,) and dE/dx like x, by hand: no autograd, so no gradient of a weight is ever computed."""
        with torch.no_grad():
            value, along = self.net(x, slope=True)
            return self._energy(x, value), (x - SCALE * along) / self.width**2

    def _energy(self, x: Tensor, value: Tensor) -> Tensor:
        return (x.square().flatten(1).sum(1) / 2 - SCALE * value) / self.width**2

    def clean(self, x: Tensor, gradient: Tensor) -> Tensor:
        """x0_hat, the expected clean picture of a noisy x, from dE/dx at x (Tweedie's formula); held within [-1, 1]."""
        return (x - self.width**2 * gradient).clamp(-1, 1)

    def phases(self, x: Tensor, knobs: Knobs, rng: torch.Generator) -> dict[str, Tensor]:
        """Both phases for pictures x (B, 1, 28, 28): noisy data and the ends of chains that start there.

        "y_data", "y_model": where the energy is lowered and where it is raised; "energy_..." (B,), "slope_..." and "x0_hat_..." there.
        """
        y = self.blur(x, rng)
        *_, end = langevin(self.slope, y, knobs.steps, knobs.step_size, rng, knobs.noise)
        answer = {}
        for name, at, (energy, gradient) in (("data", y, self.slope(y)), ("model", end.x, end[1:3])):
            answer |= {f"y_{name}": at, f"energy_{name}": energy, f"slope_{name}": gradient, f"x0_hat_{name}": self.clean(at, gradient)}
        return answer

    # Walks

    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        """n chains from noise. Frame.aux: "x0_hat" and "score" = -dE/dx like x, "energy" (n,) of the noisy picture."""
        yield from self._walk(self.start(n, rng), knobs, rng)

    @torch.no_grad()
    def chains(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor) -> Iterator[Frame]:
        """n chains from the picture x (1, 28, 28), each with noise of its own on it; frames as those of `sample`."""
        yield from self._walk(self.blur(x.to(self.device).expand(n, *self.shape), rng), knobs, rng)

    def _walk(self, x: Tensor, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        x0_hat, aux, caption = x, {}, ""
        for place, state in enumerate(langevin(self.slope, x, knobs.steps - 1, knobs.step_size, rng, knobs.noise)):
            x0_hat = self.clean(state.x, state.gradient)
            aux = {"x0_hat": x0_hat, "score": -state.gradient, "energy": state.energy}
            caption = f"mean energy = {state.energy.mean():.0f}"
            yield Frame(state.x, place, knobs.steps, place + 1, caption, aux)
        yield Frame(x0_hat, knobs.steps, knobs.steps, knobs.steps, f"{caption}, then the jump", aux)  # aux as before the jump
