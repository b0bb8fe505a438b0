r"""An energy in the plane: a landscape that can be looked at from above, chains that can be watched in it, and a Z that can be computed.

    p(x) = exp(-E(x)) / Z,    E(x) = h tanh(f(x) / h) + |x|^2 / (2 r^2)

f is a small network; h bounds how deep a valley can be below the plateau between them, so that no slope grows without end, and the bowl
|x|^2 / (2 r^2) keeps chains from leaving. It is learnt by its two phases alone: data against chains from a buffer. Points need no noise on
them and no cooling, but chains have to move: by MALA, which does not lose its way where the valleys are narrow, and with steps of all
lengths, the short ones for the valleys and the long ones for the plateau.

In two dimensions the integral Z is a sum over a grid, and the density can be held against the true one; in 784 dimensions that grid would
have more points than there are atoms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from genviz.families.ebm.buffer import Buffer
from genviz.families.ebm.hmc import hmc
from genviz.families.ebm.langevin import langevin
from genviz.families.ebm.mala import mala
from genviz.families.ebm.nets import Hill
from genviz.frame import Frame, knob
from genviz.model import Model, breathing_answer, breathing_walk, breaths, pieces, rand

SAMPLERS = {"langevin": langevin, "mala": mala, "hmc": hmc}
SCALE, HEIGHT, BOWL = 10.0, 8.0, 2.0  # of the network's output; h, half of the way from the deepest valley to the plateau; r of the bowl
HALF = 3.0  # chains begin evenly spread over the square of this half side
SHORTEST, LONGEST = 0.05, 1.5  # step of a chain in training, a new one whenever it is taken from the buffer
CHAINS, LIFE, MOVES = 4096, 40, 10  # chains in the buffer; how often one is taken before it begins anew; its steps each time
EDGE, CELLS, PART = 4.0, 400, 20_000  # the square and the cells per side of the grid for Z; points of it that are asked about in one turn


@dataclass(frozen=True)
class Knobs:
    """How a chain walks."""

    sampler: str = knob("langevin", choices=tuple(SAMPLERS), help="Langevin takes every step; MALA and HMC refuse some that climb.")
    steps: int = knob(200, 1, 1000, help="Steps of a chain. One of HMC is a roll of eight network evaluations.")
    step_size: float = knob(0.08, 0.005, 0.5, step=0.005, help="Length s of a step; large ones go further and are refused more often.")
    noise: float = knob(1.0, 0.0, 3.0, step=0.05, help="Factor on the noise: 1 samples exp(-E), 0 walks straight downhill, 2 is hot.")


class Plane(Model):
    """Energy of points in the plane; `width` and `layers` shape its network."""

    Knobs = Knobs
    walks = ("sample", "chains")
    answers = ("slope", "partition")
    shape = (2,)

    def __init__(self, width: int = 64, layers: int = 3):
        super().__init__()
        self.net = Hill(width, layers)
        self.buffer: Buffer | None = None  # made when training begins; not part of the weights

    # What it learns

    def losses(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Iterator[Tensor]:
        """Mean energy of data minus mean energy of the chains, a scalar in nats; its gradient is that of -log p."""
        yield self.energy(x).mean() - self.energy(self.negatives(len(x), rng)).mean()

    @torch.no_grad()
    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """-log p of points x (B, 2) in nats, with Z from the grid: what is reported. Learning knows the two phases alone."""
        return self.energy(x).mean() + self.partition()

    @torch.no_grad()
    def negatives(self, n: int, rng: torch.Generator) -> Tensor:
        """n samples of the model as it is, (n, 2): chains from the buffer, a few steps further."""
        if self.buffer is None:
            self.buffer = Buffer(self.start(CHAINS, rng), LIFE, rng)
        x, _ = self.buffer.take(n, self.start, rng)
        length = SHORTEST * (LONGEST / SHORTEST) ** rand(n, 1, rng=rng, device=x.device)
        *_, state = mala(self.slope, x, MOVES, length, rng)
        self.buffer.put(state.x)
        return state.x

    def start(self, n: int, rng: torch.Generator) -> Tensor:
        """Where chains begin: (n, 2), evenly spread over a square that holds the data."""
        return HALF * (2 * rand(n, 2, rng=rng, device=self.device) - 1)

    # What it can be asked

    def energy(self, x: Tensor) -> Tensor:
        """E(x) in nats (B,), up to log Z, of x (B, 2); differentiable."""
        return self._energy(x, self.net(x)[0])

    def slope(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 2) -> E(x) (B,) and dE/dx (B, 2), without autograd."""
        with torch.no_grad():
            value, along = self.net(x, slope=True)
            steep = SCALE * (1 - torch.tanh(value * SCALE / HEIGHT) ** 2)
            return self._energy(x, value), steep[:, None] * along + x / BOWL**2

    def _energy(self, x: Tensor, value: Tensor) -> Tensor:
        return HEIGHT * torch.tanh(value * SCALE / HEIGHT) + x.square().sum(1) / (2 * BOWL**2)

    @breathing_answer
    def partition(self) -> Generator[None, None, Tensor]:
        """log Z, one number, so that log p(x) = -E(x) - log Z."""
        return (yield from log_partition.breaths(self.energy, device=self.device))

    # Walks

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """n chains from points spread over the square. Frame.aux: "score" = -dE/dx (n, 2), "energy" (n,), "accepted" (n,), 1 or 0."""
        yield from self._walk(self.start(n, rng), knobs, rng)

    @breathing_walk
    @torch.no_grad()
    def chains(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor) -> Iterator[Frame | None]:
        """n chains from the one point x (2,); frames as those of `sample`."""
        yield from self._walk(x.to(self.device).view(1, 2).repeat(n, 1), knobs, rng)

    def _walk(self, x: Tensor, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        nfe, taken = 0, 0.0

        def slope(x: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal nfe
            nfe += 1
            return self.slope(x)

        place, sampler = 0, SAMPLERS[knobs.sampler]
        yield None  # the first frame tells the energy, too
        for state in (breaths(sampler) or sampler)(slope, x, knobs.steps, knobs.step_size, rng, knobs.noise):
            if state is None:
                yield None
                continue
            taken += state.accepted.float().mean().item() if place else 0.0
            rate = f", {100 * taken / place:.0f} % of steps taken" if place else ""
            aux = {"score": -state.gradient, "energy": state.energy, "accepted": state.accepted.float()}
            yield Frame(state.x, place, knobs.steps, nfe, f"mean energy = {state.energy.mean():.2f}{rate}", aux)
            place += 1


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
