r"""A multi-scale coupling flow with variational dequantisation: a picture and its z are two readings of the same thing.

    bytes x -- noise --> x + u -- logit --> y -- 14 x 14 --> -- 7 x 7 --> -- 49 numbers --> z,     z from N(0, I)

Every arrow after the noise can be undone, so by the change of variables

    log p(x + u) = log N(z; 0, I) + ladj,    ladj = log |det dz / d(x + u)|,    log p(x) >= E_u [log p(x + u) - log q(u | x)].

Every pixel has its number in z: z is kept in the shape of a picture. Three quarters of it, the pixels that do not lie on every
second row and column, are settled at 14 x 14 and left alone from there; the thumbnail that remains is folded again, and three quarters of
it are settled at 7 x 7; the last 49 pixels are bent by halves.

References: Dinh et al. 2017 (RealNVP), Kingma and Dhariwal 2018 (Glow), Ho et al. 2019 (Flow++).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from genviz.families.flow import mixture as curve
from genviz.families.flow.dequantise import Noise, brightness, to_levels
from genviz.families.flow.layers import Block, Halves, Scale, log_normal
from genviz.families.flow.net import CoarseNet, FineNet, FlatNet
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, breathing_answer, breathing_walk, last, randn
from genviz.noise import spherical

ORDER = (2, 1, 3)  # corners of a fold that move, the one below, the one beside, the one across; the first stays for the next scale


@dataclass(frozen=True)
class Knobs:
    """How to draw from the prior."""

    temperature: float = knob(1.0, 0.0, 1.5, step=0.05, help="Scale of the prior draw z: 1 is the model; 0 is the picture of z = 0.")


class Flow(Model):
    """`fine` and `coarse` are the channels of the networks at 14 x 14 and 7 x 7, `depth` their residual blocks, `rounds` how often every
    corner moves at each of the two scales, `pieces` the logistics of a curve."""

    Knobs = Knobs
    walks = ("sample", "layers", "interpolate")
    answers = ("invert", "restore")
    z_dim = 784
    measured = ({}, {"temperature": 0.85})  # the colder one has the best pictures, chosen on held-out images
    likelihoods = (Likelihood("iw", "importance_weighted", {"k": 16}), Likelihood("elbo", "elbo"))

    def __init__(self, fine: int = 32, coarse: int = 64, depth: int = 2, rounds: int = 1, pieces: int = 4):
        super().__init__()
        bias = curve.start(pieces)
        self.noise = Noise(fine)
        self.fine = Scale([Block(c, FineNet(3, bias, fine, coarse, depth)) for _ in range(rounds) for c in ORDER])
        self.coarse = Scale([Block(c, CoarseNet(3, bias, coarse, depth)) for _ in range(rounds) for c in ORDER])
        self.last = Scale([Halves(moved, FlatNet(24 + moved, 25 - moved, bias, 256)) for moved in (1, 0)])

    # What it learns

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Minus the bound on log p(x), in bits per pixel."""
        return -self.elbo(x, rng).mean() / (math.log(2) * self.z_dim)

    def elbo(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Lower bound on log p of the bytes of x (B, 1, 28, 28), in nats (B,): one draw of the noise."""
        y, ladj, log_q = self.dequantise(x, rng)
        z, more = self.to_z(y)
        return log_normal(z) + more.sum(1) + ladj - log_q

    @breathing_answer
    def importance_weighted(self, x: Tensor, k: int, rng: torch.Generator) -> Generator[None, None, Tensor]:
        """A tighter bound, in nats (B,): the mean of p(x + u) / q(u | x) over k draws of the noise, inside the logarithm."""
        bounds = []
        for _ in range(k):
            bounds.append(self.elbo(x, rng))
            yield
        return torch.logsumexp(torch.stack(bounds), 0) - math.log(k)

    def dequantise(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, 1, 28, 28) -> y with noise between the bytes; ladj (B,) of x + u -> y in units of bytes; log q(u | x) (B,)."""
        return self.noise(((x + 1) * 127.5).round(), randn(*x.shape, rng=rng, device=x.device))

    # There and back

    def to_z(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """y (B, 1, 28, 28) -> z like y, and the ladj of every layer (B, layers)."""
        h, ladj = self.fine(fold(y))
        c, more = self.coarse(fold(h[:, :1]))
        v, rest = self.last(c[:, 0].flatten(1))
        return whole(h, c, v), torch.cat([ladj, more, rest], 1)

    def from_z(self, z: Tensor) -> Iterator[Tensor]:
        """z (B, 1, 28, 28) -> what it was before each layer, the last layer first, each like z; the last of them is y."""
        h = fold(z)
        c = fold(h[:, :1])
        for v in self.last(c[:, 0].flatten(1), back=True):
            yield whole(h, c, v)
        for earlier in self.coarse(torch.cat([v.view(-1, 1, *c.shape[2:]), c[:, 1:]], 1), back=True):
            yield whole(h, earlier)
        yield from map(unfold, self.fine(torch.cat([unfold(earlier), h[:, 1:]], 1), back=True))

    @property
    def names(self) -> list[str]:
        """Names of the layers on the way to z: the side of the pictures that they work at, and their number there."""
        scales = ("14 x 14", self.fine), ("7 x 7", self.coarse), ("49", self.last)
        return [f"{side}, {i + 1}" for side, scale in scales for i in range(len(scale.blocks))]

    # Walks

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """From n prior draws, laid out as pictures, back through every layer; each network is asked once, which makes one evaluation."""
        yield from self._draw(knobs.temperature * randn(n, *self.shape, rng=rng, device=self.device))

    @breathing_walk
    @torch.no_grad()
    def interpolate(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor, linear: Tensor | float = 0) -> Iterator[Frame | None]:
        """The same from n points z on the way between those of two pictures x (2, 1, 28, 28): an arc, or a line where `linear` is 1."""
        if x.shape != (2, *self.shape):
            raise ValueError("Two pictures are needed to go from one to the other.")
        yield None
        _, z, _ = yield from last(self.steps(self.dequantise(x.to(self.device), rng)[0]))
        share = torch.linspace(0, 1, n, device=z.device)
        yield from self._draw(torch.lerp(*z, share.view(-1, 1, 1, 1)) if int(linear) else spherical(*z, share))

    def _draw(self, z: Tensor) -> Iterator[Frame | None]:
        steps = len(self.names)
        yield Frame(brightness(z), 0, steps, 0, "z, one number for every pixel", {"z": z})
        for step, (name, y) in enumerate(zip(reversed(self.names), self.from_z(z), strict=True), 1):
            x = to_levels(y) if step == steps else brightness(y)
            yield Frame(x, step, steps, int(step == steps), f"layer {name} undone", {"z": z})

    @breathing_walk
    @torch.no_grad()
    def layers(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor, back: Tensor | float = 0) -> Iterator[Frame | None]:
        """The other way: the picture x (1, 1, 28, 28), with n draws of the noise between its bytes, layer by layer to z; or, where `back`
        is 1, from that z back to the picture."""
        yield None  # the noise between the bytes is a network's, too
        y, total, _ = self.dequantise(x.to(self.device).expand(n, *self.shape), rng)
        if int(back):
            _, z, _ = yield from last(self.steps(y))
            yield from self._draw(z)
            return
        steps = len(self.names)
        yield Frame(brightness(y), 0, steps, 0, "x + u, the picture with noise between its bytes")
        for step, (name, h, ladj) in enumerate(self.steps(y), 1):
            total = total + ladj
            yield Frame(brightness(h), step, steps, int(step == steps), f"layer {name}: ladj so far {total.mean():.1f} nats")

    def steps(self, y: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
        """`to_z` layer by layer: the name, the picture behind the layer and its ladj (B,)."""
        h, names = fold(y), iter(self.names)
        for block in self.fine.blocks:
            h, ladj = block(h)
            yield next(names), unfold(h), ladj
        c = fold(h[:, :1])
        for block in self.coarse.blocks:
            c, ladj = block(c)
            yield next(names), whole(h, c), ladj
        v = c[:, 0].flatten(1)
        for block in self.last.blocks:
            v, ladj = block(v)
            yield next(names), whole(h, c, v), ladj

    # Answers

    @breathing_answer
    def invert(self, x: Tensor, rng: torch.Generator) -> Generator[None, None, dict[str, Tensor | list[str]]]:
        """A picture x (B, 1, 28, 28) to z and back, and its log-density as a sum.

        "noisy" x + u, "z", "back" the picture that z gives, each like x; "error" (B,) the largest difference of "back" and "noisy"; "same"
        (B,) whether the bytes are the same again; "log_prior" (B, 3), log p(z) of the three scales; "ladj" (B, 1 + layers), of the logit
        and of every layer, "names" of these; "log_prob" (B,), the sum, log p(x + u) in units of bytes; "log_q" (B,), log q(u | x).
        """
        y, first, log_q = self.dequantise(x, rng)
        z, more = self.to_z(y)
        back = yield from last(self.from_z(z))
        ladj, noisy = torch.cat([first[:, None], more], 1), brightness(y)
        log_prior = torch.stack([log_normal(part) for part in scales(z)], 1)
        return {
            "noisy": noisy, "z": z, "back": brightness(back), "error": (brightness(back) - noisy).abs().flatten(1).amax(1),
            "same": (to_levels(back) == to_levels(y)).flatten(1).all(1), "log_prior": log_prior, "ladj": ladj,
            "names": ["logit", *self.names], "log_prob": log_prior.sum(1) + ladj.sum(1), "log_q": log_q,
        }  # fmt: skip

    @breathing_answer
    def restore(self, z: Tensor) -> Generator[None, None, Tensor]:
        """Points z (B, 784) -> their pictures (B, 1, 28, 28), in bytes."""
        return to_levels((yield from last(self.from_z(z.view(-1, *self.shape)))))


# The shapes of a picture


def fold(x: Tensor) -> Tensor:
    """(B, 1, 2 H, 2 W) -> (B, 4, H, W): the four corners of each 2 x 2 fold become channels."""
    return F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)


def unfold(h: Tensor) -> Tensor:
    """(B, 4, H, W) -> (B, 1, 2 H, 2 W), the inverse of `fold`."""
    return F.pixel_shuffle(h, 2)


def whole(h: Tensor, c: Tensor, v: Tensor | None = None) -> Tensor:
    """The picture (B, 1, 28, 28) that consists of h (B, 4, 14, 14), but c (B, 4, 7, 7) in its first corners, but v (B, 49) in theirs."""
    if v is not None:
        c = torch.cat([v.view(-1, 1, *c.shape[2:]), c[:, 1:]], 1)
    return unfold(torch.cat([unfold(c), h[:, 1:]], 1))


def scales(z: Tensor) -> list[Tensor]:
    """z (B, 1, 28, 28) -> its numbers settled at 14 x 14 (B, 588), at 7 x 7 (B, 147), and the last (B, 49)."""
    h = fold(z)
    c = fold(h[:, :1])
    return [h[:, 1:].flatten(1), c[:, 1:].flatten(1), c[:, 0].flatten(1)]
