r"""An energy in the plane: a landscape that can be looked at from above, chains that can be watched in it, and a Z that can be computed.

    p_sigma(x) = exp(-E(x, sigma)) / Z,    E(x, sigma) = |x|^2 / (2 (sigma^2 + 1)) - (SCALE / sigma) f(x / (sigma^2 + 1)^(1/2), sigma)

is the density of the data with the noise sigma on them, as it is for pictures (ebm.py): what it would be if the data were a round Gaussian
of size 1, less what the small network f knows better. `SMALLEST` is so little noise that what the model calls its energy is that one.

**Why noise, in two dimensions?** The valleys of the data are narrow and far apart. Of the high ground between and beyond them the data say
nothing; learning leaves a plateau there, with hollows that nobody made, tens of nats above the data. A chain with steps short enough for
the valleys stays up there for a thousand steps and more. Noise widens the valleys until they meet, so that every place slopes toward one.
A chain therefore begins at `LARGEST` and cools down, with steps that shrink with the noise. The knob `hottest` takes the cooling away.

It is learnt as the one for pictures is, by denoising score matching (the slope where data with noise lie) and by its two phases. The
slope says nothing of how deep one valley lies beside another, and chains that have cooled down do not change from one to another, so they
would not say either: here the second phase needs none. Darts thrown at the square, each counted exp(-E) times, are samples of the
model too (importance sampling), and at 784 dimensions not one would hit.

In two dimensions the integral Z is a sum over a grid, and the density can be held against the true one; in 784 dimensions that grid would
have more points than there are atoms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from genviz.families.ebm.hmc import hmc
from genviz.families.ebm.langevin import langevin
from genviz.families.ebm.mala import mala
from genviz.families.ebm.nets import Hill
from genviz.frame import Frame, knob
from genviz.model import Model, breathing_answer, breathing_walk, breaths, pieces, rand, randn

SAMPLERS = {"langevin": langevin, "mala": mala, "hmc": hmc}
LARGEST, SMALLEST = 1.0, 0.02  # noise on the points, whose standard deviation is near 1
SCALE = 10.0  # of the network's output: how fast f may change with the weights
HALF = 3.0  # chains begin evenly spread over the square of this half side
LEVELS = 20  # noises that a chain passes as it cools down
STEP = 0.8  # of a chain, in units of sigma
LOWERED, DARTS = 64, 256  # data whose energy a training step lowers, darts whose energy it raises
EDGE, CELLS, PART = 4.0, 400, 20_000  # the square and the cells per side of the grid for Z; points of it that are asked about in one turn


@dataclass(frozen=True)
class Knobs:
    """How a chain walks."""

    sampler: str = knob("langevin", choices=tuple(SAMPLERS), help="Langevin takes every step; MALA and HMC refuse some that climb.")
    steps: int = knob(200, 1, 1000, help="Steps of a chain. One of HMC is a roll of eight network evaluations.")
    step_size: float = knob(
        STEP, 0.005, 5.0, step=0.005, help="Length s of a step in units of sigma; large ones go further and are refused more often."
    )
    noise: float = knob(1.0, 0.0, 3.0, step=0.05, help="Factor on the noise: 1 samples exp(-E), 0 walks straight downhill, 2 is hot.")
    hottest: float = knob(
        LARGEST, SMALLEST, LARGEST, step=0.02, help="sigma at which a chain begins to cool down; the smallest one takes the cooling away."
    )


class Plane(Model):
    """Energy of points in the plane; `width` and `layers` shape its network."""

    Knobs = Knobs
    walks = ("sample", "chains")
    answers = ("slope", "partition")
    medium, shape, levels = "points", (2,), 0

    def __init__(self, width: int = 64, layers: int = 3):
        super().__init__()
        self.net = Hill(width, layers)

    # What it learns

    def losses(self, x: Tensor, label: Tensor, rng: torch.Generator, stage: str = "") -> Iterator[Tensor]:
        """Both losses, per coordinate: a scalar."""
        yield self.matching(x, rng) + self.contrast(x[:LOWERED], rng)

    def matching(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Mean squared distance of x0_hat = y - sigma^2 dE/dy from x (B, 2), in units of what the network has to add, at B noises."""
        n = len(x)
        share = (torch.arange(n, device=x.device) + rand(n, rng=rng, device=x.device)) / n  # evenly spread, less noise in the loss
        sigma = (LARGEST * (SMALLEST / LARGEST) ** share)[:, None]
        y = (x + sigma * randn(*x.shape, rng=rng, device=x.device)).requires_grad_()
        slope = torch.autograd.grad(self.energy(y, sigma[:, 0]).sum(), y, create_graph=True)[0]
        return ((y - sigma**2 * slope - x).square() * (1 / sigma**2 + 1)).mean()

    def contrast(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Both phases at one noise, per coordinate: the mean energy of data x (B, 2), and log Z as darts find it, whose gradient is minus
        their mean dE/dtheta, each counted exp(-E) times. Together that of -log p."""
        sigma = LARGEST * (SMALLEST / LARGEST) ** rand(1, rng=rng, device=x.device)
        y = x + sigma * randn(*x.shape, rng=rng, device=x.device)
        darts = (sigma**2 + 1).sqrt() * self.start(DARTS, rng)
        return (self.energy(y, sigma).mean() + torch.logsumexp(-self.energy(darts, sigma), 0)) / 2

    @torch.no_grad()
    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """-log p of points x (B, 2) in nats, with Z from the grid: what is reported. Learning knows no Z."""
        return self.energy(x).mean() + self.partition()

    def start(self, n: int, rng: torch.Generator) -> Tensor:
        """Where chains begin: (n, 2), evenly spread over a square that holds the data."""
        return HALF * (2 * rand(n, 2, rng=rng, device=self.device) - 1)

    # What it can be asked

    def energy(self, x: Tensor, sigma: Tensor | float = SMALLEST) -> Tensor:
        """E(x) in nats (B,), up to log Z, of x (B, 2) with the noise sigma, (B,) or one for all; differentiable."""
        sigma = self._level(x, sigma)
        total = sigma**2 + 1
        return x.square().sum(1) / (2 * total) - SCALE / sigma * self.net(x / total.sqrt()[:, None], sigma.log())[0]

    def slope(self, x: Tensor, sigma: Tensor | float = SMALLEST) -> tuple[Tensor, Tensor]:
        """`energy` of the same arguments and its gradient (B, 2), without autograd."""
        with torch.no_grad():
            sigma = self._level(x, sigma)
            total = sigma**2 + 1
            f, along = self.net(x / total.sqrt()[:, None], sigma.log(), slope=True)
            gradient = x / total[:, None] - (SCALE / (sigma * total.sqrt()))[:, None] * along
            return x.square().sum(1) / (2 * total) - SCALE / sigma * f, gradient

    def _level(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        return torch.as_tensor(sigma, dtype=x.dtype, device=x.device).view(-1)

    @breathing_answer
    def partition(self) -> Generator[None, None, Tensor]:
        """log Z, one number, so that log p(x) = -E(x) - log Z."""
        return (yield from log_partition.breaths(self.energy, device=self.device))

    # Walks

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """n chains that cool down from points spread over the square. Frame.aux: "score" = -dE/dx (n, 2), "energy" (n,), "accepted" (n,),
        1 or 0."""
        yield from self._walk(self.start(n, rng), cooling(knobs.hottest, min(LEVELS, knobs.steps)), knobs, rng)

    @breathing_walk
    @torch.no_grad()
    def chains(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor) -> Iterator[Frame | None]:
        """n chains at the noise SMALLEST from the one point x (2,); frames as those of `sample`."""
        yield from self._walk(x.to(self.device).view(1, 2).repeat(n, 1), [SMALLEST], knobs, rng)

    def _walk(self, x: Tensor, way: list[float], knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """As many steps at each noise of the way, give or take one; what was the last place at one is the first at the next."""
        nfe, taken, place, sampler = 0, 0.0, 0, SAMPLERS[knobs.sampler]
        yield None  # the first frame tells the energy, too
        for level, sigma in enumerate(way, 1):

            def slope(x: Tensor, sigma: float = sigma) -> tuple[Tensor, Tensor]:
                nonlocal nfe
                nfe += 1
                return self.slope(x, sigma)

            steps, move, state = knobs.steps * level // len(way) - place, 0, None
            for told in (breaths(sampler) or sampler)(slope, x, steps, knobs.step_size * sigma, rng, knobs.noise):
                if told is None:
                    yield None
                    continue
                state = told
                if move or level == 1:
                    place += bool(move)
                    taken += state.accepted.float().mean().item() if move else 0.0
                    rate = f", {100 * taken / place:.0f} % of steps taken" if place else ""
                    aux = {"score": -state.gradient, "energy": state.energy, "accepted": state.accepted.float()}
                    caption = f"sigma = {sigma:.2f}, mean energy = {state.energy.mean():.2f}{rate}"
                    yield Frame(state.x, place, knobs.steps, nfe, caption, aux)
                move += 1
            x = state.x


def cooling(hottest: float, levels: int) -> list[float]:
    """Noises from `hottest` down to SMALLEST, evenly spaced on a logarithmic scale; a single one is SMALLEST."""
    return [SMALLEST * (hottest / SMALLEST) ** (1 - k / (levels - 1)) for k in range(levels)] if levels > 1 else [SMALLEST]


@breathing_answer
def log_partition(
    energy: Callable[[Tensor], Tensor], edge: float = EDGE, cells: int = CELLS, device: torch.device | str = "cpu"
) -> Generator[None, None, Tensor]:
    """log of the integral of exp(-energy) over [-edge, edge]^2, by the midpoints of cells^2 equal squares: a tensor without dimensions."""
    side = 2 * edge / cells
    middle = (torch.arange(cells, device=device) + 0.5) * side - edge
    grid, energies = torch.cartesian_prod(middle, middle), []
    for part in pieces(len(grid), PART):
        with torch.no_grad():
            energies.append(energy(grid[part]))
        yield
    return torch.logsumexp(-torch.cat(energies), 0) + 2 * math.log(side)
