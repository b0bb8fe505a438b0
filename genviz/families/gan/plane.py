r"""The game in the plane: the generator bends a sheet of Gaussian latents until it lies on the data.

Here z has two dimensions and so has x: the whole generator can be seen as a mesh that is warped, the whole discriminator as a map. The
game is the original one, so that the map means something exact: at its best sigma(D(x)) = p_data(x) / (p_data(x) + p_g(x)), one half
everywhere once the generator has the data. A smooth map cannot tear a sheet, so between clusters it leaves thin threads.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from genviz.families.gan.game import Game
from genviz.frame import Frame
from genviz.model import NoKnobs


def mlp(width: int, layers: int, outputs: int) -> nn.Sequential:
    """Two numbers -> `outputs` numbers, through so many hidden layers."""
    widths = [2, *[width] * layers]
    hidden = [part for a, b in zip(widths, widths[1:], strict=False) for part in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


class Plane(Game):
    """Generator and discriminator of points in the plane, both small; `gamma` weighs the penalty on the slope of D."""

    answers = ("judge", "odds")
    medium, shape, levels = "points", (2,), 0
    z_dim = 2

    def __init__(self, width: int = 96, layers: int = 2, gamma: float = 0.1):
        super().__init__()
        self.gamma = gamma
        self.generator = mlp(width, layers, 2)
        self.discriminator = nn.Sequential(mlp(width, layers, 1), nn.Flatten(0))

    def odds(self, x: Tensor) -> Tensor:
        """sigma(D(x)) (B,) at points x (B, 2), of a grid for example: the probability that a point there is real."""
        return torch.sigmoid(self.discriminator(x))

    @torch.no_grad()
    def sample(self, n: int, knobs: NoKnobs, rng: torch.Generator) -> Iterator[Frame]:
        """One step from z to x, both points in the plane."""
        z = self.latents(n, rng)
        yield Frame(z, 0, 1, 0, "z drawn from N(0, I)", {"z": z})
        yield Frame(self.decode(z), 1, 1, 1, "x = G(z)", {"z": z})
