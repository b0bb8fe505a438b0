r"""GANs of pictures, without and with labels.

The game (game.py) is played in pairs: the discriminator sees a real and a generated picture side by side and says which is which,

    discriminator:  down on  E softplus(D(G(z)) - D(x))        generator:  down on  E softplus(D(x) - D(G(z)))

(Jolicoeur-Martineau 2019). Alone, the generator could be content to place all its pictures where the discriminator is lenient; in
pairs it must hold its own beside every real picture, so that no kind of picture may be left out. With the penalty on the slope
of D and little else, so plain a game reaches what used to need a dozen tricks (Huang et al. 2024, "The GAN is dead; long live the GAN!").
At its best the discriminator knows D(x) = log p_data(x) - log p_g(x) + a constant: only differences of scores mean something.

The class is told to both players (Mirza and Osindero 2014). Where nobody wrote labels down, kinds that are found by clustering help
too (Liu et al. 2020): a generator that is told which island of pictures to paint need not tear its map apart between them.

z has 49 numbers, so that a draw can be shown as 7 x 7 squares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genviz.families.gan.game import Game
from genviz.families.gan.nets import Discriminator, Eye, Generator
from genviz.families.gan.wander import wander
from genviz.frame import Frame, knob
from genviz.model import breathing_walk, randn

FIXED = 60  # latents whose pictures every snapshot of a training keeps, ten to a row
JUDGED = 1000  # held-out and generated pictures whose scores a snapshot keeps
WALKED = 48  # pictures of one stretch of a latent walk
KINDS = 512  # found without labels, of about a hundred training pictures each
PASS = 55_000  # pictures of the training set
ALONE = 20  # passes of the game before kinds are looked for
FURTHEST = 10_000.0  # way points: hours of walking, and still within what a float can tell apart


@dataclass(frozen=True)
class Knobs:
    """How to draw the latent."""

    truncation: float = knob(4.0, 0.0, 4.0, step=0.1, help="Numbers of z beyond this size are drawn again. Small: typical and alike.")


@dataclass(frozen=True)
class ConditionalKnobs(Knobs):
    """How to draw the latent, and of which class."""

    label: int = knob(-1, -1, 9, kind="label", help="Which class to draw; -1 takes every class in turn.")


@dataclass(frozen=True)
class KindKnobs(Knobs):
    """How to draw the latent, and of which kind."""

    kind: int = knob(-1, -1, KINDS - 1, help="Which of the kinds that were found to draw; -1 draws each as often as it occurs.")


class GAN(Game):
    """Generator and discriminator of 28 x 28 pictures, without labels.

    `coarse` and `fine` shape the generator, `widths` the discriminator. Both have `blocks` residual blocks at each of two sizes, the
    generator `deeper` more. `gamma` weighs the gradient penalty.
    """

    Knobs = Knobs
    walks = ("sample", "latent_walk")
    answers = ("judge", "features")
    z_dim = 49  # seven times seven, so that z can be shown as a picture

    def __init__(
        self,
        coarse: int = 64,
        fine: int = 48,
        widths: tuple[int, int, int] = (32, 64, 128),
        blocks: int = 1,
        deeper: int = 0,
        gamma: float = 0.1,
    ):
        super().__init__()
        self.gamma = gamma
        self.generator = Generator(self.z_dim, self.classes, coarse, fine, blocks + deeper)
        self.discriminator = Discriminator(self.classes, tuple(widths), blocks=blocks)

    def expert_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(fake - real).mean()

    def forger_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(real - fake).mean()

    def snapshot(self, x: Tensor, label: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Pictures (60, 28, 28) uint8 of latents that never change, and the scores (1000,) of held-out and of generated pictures.

        Scores count from halfway between the two means, since the game in pairs leaves their zero open.
        """
        turn = (torch.arange(FIXED, device=x.device) % self.classes,) if self.classes else ()
        pictures = self.generator(self.latents(FIXED, rng), *turn)[:, 0]
        x = x[:JUDGED]
        told = self.told(x, label[:JUDGED])
        real, fake = self.scores(x, self.generator(self.latents(len(x), rng), *told), *told)
        zero = (real.mean() + fake.mean()) / 2
        return {"pictures": ((pictures + 1) * 127.5).round().to(torch.uint8), "real": (real - zero).half(), "fake": (fake - zero).half()}

    # What it can be asked

    def features(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28) in [-1, 1], or bytes -> what the discriminator reads its score from, (B, 128)."""
        return self.discriminator.features(self.prepare(x, torch.Generator()))

    def seen(self, z: Tensor) -> Tensor:
        """z (B, 49) as a picture (B, 1, 28, 28): one square of 4 x 4 pixels a number, black at -3, white at 3."""
        squares = (z / 3).clamp(-1, 1).view(-1, 1, 7, 7)
        return squares.repeat_interleave(4, 2).repeat_interleave(4, 3)

    # Walks

    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame]:
        """One step from z to x. z is shown as noise, one number a square: it is all that the picture is made of."""
        z = truncate(randn(n, self.z_dim, rng=rng), knobs.truncation).to(self.device)
        yield Frame(self.seen(z), 0, 1, 0, "z drawn from N(0, I), one number a square", {"z": z})
        yield Frame(self.paint(z, self.turn(n, knobs, rng)), 1, 1, 1, "x = G(z)", {"z": z})

    @breathing_walk
    @torch.no_grad()
    def latent_walk(
        self, n: int, knobs: Knobs, rng: torch.Generator, position: Tensor | float = 0.0, speed: Tensor | float = 0.05
    ) -> Iterator[Frame | None]:
        """A stretch of n endless walks through the latent space: 48 pictures each, `speed` way points apart, from `position` on.

        Where a walk is at a position depends on the seed alone, so the next stretch goes on where this one ended, at any speed.
        """
        yield from self._stretch(1, self.turn(n, knobs, rng), n, knobs, rng, float(position), float(speed))

    def _stretch(
        self, rows: int, label: Tensor | None, columns: int, knobs: Knobs, rng: torch.Generator, position: float, speed: float
    ) -> Iterator[Frame | None]:
        if not (0 <= position <= FURTHEST and 0 < speed <= 1):
            raise ValueError(f"A walk has positions from 0 to {FURTHEST:,.0f} and speeds above 0 up to 1, not {position:g} and {speed:g}.")
        yield None  # the first picture is a network's, too
        for step in range(WALKED):
            here = position + step * speed
            z = truncate(wander(here, columns, self.z_dim, rng.initial_seed()), knobs.truncation).repeat(rows, 1).to(self.device)
            yield Frame(self.paint(z, label), step, WALKED - 1, step + 1, f"way point {here:.2f}", {"z": z})

    def paint(self, z: Tensor, label: Tensor | None) -> Tensor:
        """Pictures of latents and, where the model knows classes, of their labels."""
        return self.generator(z)

    def turn(self, n: int, knobs: Knobs, rng: torch.Generator) -> Tensor | None:
        """The class of each of n pictures; None for a model without classes."""
        return None


class ConditionalGAN(GAN):
    """The same game with the class told to both players: whoever is asked for a seven must paint one, and is judged as one."""

    Knobs = ConditionalKnobs
    walks = ("sample", "latent_walk", "class_grid")
    classes = 10

    def decode(self, z: Tensor, label: Tensor | int = 0) -> Tensor:
        """z (B, 49), label (B,) or one class for all -> x (B, 1, 28, 28) in [-1, 1]."""
        return self.generator(z, torch.as_tensor(label, device=z.device).expand(len(z)))

    paint = decode

    def turn(self, n: int, knobs: ConditionalKnobs, rng: torch.Generator) -> Tensor:
        if knobs.label >= 0:
            return torch.full((n,), knobs.label, device=self.device)
        return torch.arange(n, device=self.device) % self.classes

    @breathing_walk
    @torch.no_grad()
    def class_grid(
        self, n: int, knobs: ConditionalKnobs, rng: torch.Generator, position: Tensor | float = 0.0, speed: Tensor | float = 0.05
    ) -> Iterator[Frame | None]:
        """A latent walk of n = 10 k pictures: a class to each row of k, the same z down each column. What stays the same is style."""
        columns, over = divmod(n, self.classes)
        if over:
            raise ValueError(f"A class grid has {self.classes} rows, so {n} pictures do not fill one.")
        label = torch.arange(self.classes, device=self.device).repeat_interleave(columns)
        yield from self._stretch(self.classes, label, columns, knobs, rng, float(position), float(speed))


class SelfConditionedGAN(GAN):
    """The same game with kinds in place of classes, found without labels in what the discriminator sees (Liu et al. 2020).

    A discriminator that has played for a while sees a shirt and a coat as different, though their pixels are alike. So the game is
    played without kinds first; then the discriminator's convolutions are kept as they are, an eye, and the kinds are the cells around the
    means of clusters of what it sees in the training pictures. The means settle during one pass over the data (MacQueen 1967): each
    picture moves the one nearest to it, by ever less. From then on both players are told the kind. Fine kinds help more than coarse ones
    (Casanova et al. 2021 make every picture one): within a small one, few pictures are left that look like two things at once.
    """

    Knobs = KindKnobs
    classes = KINDS
    played: Tensor  # (), passes so far
    means: Tensor  # (KINDS, 16 c)
    met: Tensor  # (KINDS,), pictures of about the last pass that belonged to each

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 128), blocks: int = 1, **shape):
        super().__init__(widths=widths, blocks=blocks, **shape)
        nn.init.zeros_(self.generator.layers[0].weight[:, self.z_dim :])  # as long as no kind is told, none is learned
        self.eye = Eye(tuple(widths), blocks).requires_grad_(False)
        self.register_buffer("played", torch.zeros(()))
        self.register_buffer("means", torch.zeros(self.classes, 16 * widths[-1]))
        self.register_buffer("met", torch.zeros(self.classes))

    def told(self, x: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        if self.training:
            self.played += len(x) / PASS
            if ALONE < self.played <= ALONE + 1:
                self.meet(x)
        if self.played <= ALONE + 1:
            return ()
        kind = self.kind(x)
        if self.training:
            self.met += torch.bincount(kind, minlength=self.classes) - self.met * len(x) / PASS
        return (kind,)

    def see(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28) -> what the eye sees of it, (B, 16 c) of length 1."""
        return F.normalize(self.eye.see(x).float())

    def kind(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28) -> the kind (B,) whose mean is nearest."""
        return torch.cdist(self.see(x), self.means).argmin(1)

    @torch.no_grad()
    def meet(self, x: Tensor) -> None:
        """Let pictures x (B, 1, 28, 28) move the means; the first of all become the means."""
        if not self.met.any():
            self.eye.load_state_dict(self.discriminator.state_dict(), strict=False)
        seen = self.see(x)
        empty = (self.met == 0).nonzero()[:, 0][: len(seen)]
        self.means[empty], self.met[empty] = seen[: len(empty)], 1.0
        seen = seen[len(empty) :]
        kind = torch.cdist(seen, self.means).argmin(1)
        came = torch.bincount(kind, minlength=self.classes).to(seen)
        self.met += came
        self.means += (torch.zeros_like(self.means).index_add_(0, kind, seen) - came[:, None] * self.means) / self.met[:, None]

    def decode(self, z: Tensor, kind: Tensor | int | None = None) -> Tensor:
        """z (B, 49), kind (B,) or one for all, or shares of every kind (B, KINDS), since the first layer can blend their maps
        -> x (B, 1, 28, 28); with no kind given, one for each that its first number stands for."""
        if kind is None:
            kind = self.at(torch.special.ndtr(z[:, 0].contiguous()))
        kind = torch.as_tensor(kind, device=z.device)
        return self.generator(z, kind if kind.ndim else kind.expand(len(z)))

    paint = decode

    def judge(self, x: Tensor, label: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As every GAN; what it is not told, it finds: the kind of x."""
        return super().judge(x, self.kind(x) if label is None else label)

    def turn(self, n: int, knobs: KindKnobs, rng: torch.Generator) -> Tensor:
        if knobs.kind >= 0:
            return torch.full((n,), knobs.kind, device=self.device)
        places = (torch.arange(n) + torch.rand(1, generator=rng)) / n  # one in each n-th of all that occurs (Kitagawa 1996)
        return self.at(places.to(self.device))

    def at(self, place: Tensor) -> Tensor:
        """The kind (B,) that owns a place (B,) in [0, 1], where each kind owns as much as it occurs."""
        return torch.searchsorted(self.shares().cumsum(0), place).clamp(max=self.classes - 1)

    def shares(self) -> Tensor:
        """How often each kind occurs, (KINDS,)."""
        met = self.met.clamp(min=1e-3)  # before training, all alike
        return met / met.sum()


def truncate(z: Tensor, size: float) -> Tensor:
    """The draw z from N(0, 1) made one of N(0, 1) held within -size and size, number by number: what stood at a share of the one
    distribution stands at the same share of the other (the same distribution as drawing again what is too large, Brock et al. 2019)."""
    low = torch.special.ndtr(torch.tensor(-size, dtype=torch.float64))
    return torch.special.ndtri(low + (1 - 2 * low) * torch.special.ndtr(z.double())).to(z.dtype)
