r"""PixelCNN: an image painted pixel by pixel, each one drawn from what its predecessors make likely.

$p(x) = \prod_i p(x_i \mid x_{<i})$ in raster order, each factor a softmax over K levels. One network gives all 784 factors at once,
because its convolutions are masked: no output sees its own pixel or a later one. Two stacks share the work, so that there is no blind
spot (van den Oord et al. 2016, "Conditional image generation with PixelCNN decoders", arXiv 1606.05328):

- the *vertical* stack reads the rows above (20 of them), to the left and to the right. It works on pairs of columns (14 sites a row) and
  on rows 1, 2, 4 and 8 apart, which makes the far past cheap;
- the *horizontal* stack reads all pixels to the left in the same row, and what the vertical stack says about its column.

Masks are made by shifting the picture, not by multiplying kernels with zeros, so nothing is computed in vain. Residual blocks with ReLU
stand where the paper has tanh-sigmoid gates: on a CPU they learn more per minute. Sampling is in `painter.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genviz.families.autoregressive.blind_spot import naive_stack
from genviz.families.autoregressive.painter import Painter, choose, cumulative, mean
from genviz.frame import Frame, knob
from genviz.likelihood import Likelihood
from genviz.model import Model, binarize, breathing_walk, rand

SIDE = 28
LOOK_UP, LOOK_LEFT = 5, 18  # rows above and pixels to the left that the first convolutions see


class RowsAbove(nn.Module):
    """Residual block of the vertical stack: its own row of features and the one `up` rows higher, a site and those `aside` of it."""

    def __init__(self, channels: int, inner: int, up: int, aside: int):
        super().__init__()
        self.up, self.aside = up, aside
        self.conv = nn.Conv2d(channels, inner, (2, 3), dilation=(up, aside))
        self.out = nn.Conv2d(inner, channels, 1)
        nn.init.zeros_(self.out.weight)  # a block starts as the identity, which allows a high learning rate

    def forward(self, v: Tensor) -> Tensor:
        y = self.conv(F.pad(F.relu(v), (self.aside, self.aside, self.up, 0)))  # (B, inner, 28, 14)
        return v + self.out(F.relu(y))


class PixelsLeft(nn.Module):
    """Residual block of the horizontal stack: a pixel's own features and those of its `reach - 1` left neighbours."""

    def __init__(self, channels: int, inner: int, reach: int):
        super().__init__()
        self.reach = reach
        self.conv = nn.Conv2d(channels, inner, (1, reach))
        self.out = nn.Conv2d(inner, channels, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, h: Tensor) -> Tensor:
        y = self.conv(F.pad(F.relu(h), (self.reach - 1, 0)))  # (B, inner, 28, 28)
        return h + self.out(F.relu(y))


class PixelCNN(Model):
    """Two-stack causal network over pixels of `levels` equally spaced values in [-1, 1]."""

    @dataclass(frozen=True)
    class Knobs:
        temperature: float = knob(1.0, 0.1, 2.0, step=0.05, help="Below 1 the likely value of a pixel gets likelier; above 1 chance rules.")

    walks: ClassVar[tuple[str, ...]] = ("sample", "complete")
    answers: ClassVar[tuple[str, ...]] = ("conditional", "receptive_field")
    beside = (("expected", "expected, before it was drawn", "grey"),)
    levels = 2
    grows = "pixels"
    likelihoods = (Likelihood("exact", "log_prob", levels=2),)

    def __init__(
        self,
        levels: int = 2,
        context: int = 64,
        width: int = 32,
        inner: int = 32,
        blocks: int = 3,
        reach: int = 4,
        dilations: Sequence[tuple[int, int]] = ((1, 1), (2, 1), (4, 2), (8, 4)),
    ):
        super().__init__()
        self.levels, self.width = levels, width
        self.likelihoods = (Likelihood("exact", "log_prob", levels=levels),)
        self.above = nn.Conv2d(1, context, (LOOK_UP, 10), stride=(1, 2))
        self.row = nn.Parameter(torch.zeros(1, context, SIDE, 1))  # where a site is, as a learnt code of its row and column
        self.column = nn.Parameter(torch.zeros(1, context, 1, SIDE // 2))
        self.vertical = nn.Sequential(*(RowsAbove(context, inner, up, aside) for up, aside in dilations))
        self.across = nn.Conv2d(context, 2 * width, 1)  # from the vertical to the horizontal stack: one site, two pixels
        self.left = nn.Conv2d(1, width, (1, LOOK_LEFT))
        self.horizontal = nn.Sequential(*(PixelsLeft(width, inner, reach) for _ in range(blocks)))
        self.head = nn.Conv2d(width, levels, 1)
        nn.init.zeros_(self.head.weight)

    def logits(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28) -> unnormalised log p(x_i = level | x_<i), (B, K, 1, 28, 28)."""
        v = self.above(F.pad(x, (4, 4, LOOK_UP, -1))) + self.row + self.column  # (B, context, 28, 14), rows above only
        v = self.across(F.relu(self.vertical(v)))  # (B, 2 width, 28, 14)
        v = v.unflatten(1, (2, self.width)).permute(0, 2, 3, 4, 1).flatten(3)  # (B, width, 28, 28): a site's two pixels side by side
        h = self.left(F.pad(x, (LOOK_LEFT, -1))) + v  # pixels to the left only
        return self.head(F.relu(self.horizontal(h))).unsqueeze(2)

    def index(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28) in [-1, 1] -> level 0 ... K - 1 of every pixel, int64."""
        return ((x + 1) * (0.5 * (self.levels - 1))).round().long()

    def value(self, index: Tensor) -> Tensor:
        """Level 0 ... K - 1 -> its value in [-1, 1], float32."""
        return index * (2 / (self.levels - 1)) - 1

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Mean of -log p(x) in nats per image."""
        return -self.log_prob(x).mean()

    def log_prob(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28) -> exact log p(x) in nats (B,), summed over the 784 pixels, each of K values."""
        return -F.cross_entropy(self.logits(x), self.index(x), reduction="none").flatten(1).sum(1)

    def prepare(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Bytes -> -1 or 1, drawn anew each time."""
        return binarize(x, rng)

    @breathing_walk
    @torch.no_grad()
    def sample(self, n: int, knobs: Knobs, rng: torch.Generator) -> Iterator[Frame | None]:
        """784 steps, one pixel each; what is not painted yet is 0, mid-grey. nfe counts one per pixel.

        aux "expected" is the picture of the means E[x_i | x_<i] at this temperature: of black and white pixels 2 p - 1, p the probability
        of white that pixel i was drawn with.
        """
        yield from self._paint(torch.zeros(n, 1, SIDE, SIDE), 0, knobs.temperature, rng)

    @breathing_walk
    @torch.no_grad()
    def complete(self, n: int, knobs: Knobs, rng: torch.Generator, x: Tensor, rows: Tensor) -> Iterator[Frame | None]:
        """Keep the first `rows` rows of x (1, 1, 28, 28) and paint the rest in n ways. ValueError unless 0 <= rows <= 27."""
        kept = int(rows)
        if not 0 <= kept < SIDE:
            raise ValueError(f"The number of given rows must lie between 0 and {SIDE - 1}, not {kept}.")
        canvas = torch.zeros(n, 1, SIDE, SIDE)
        canvas[:, :, :kept] = self.value(self.index(x[:, :, :kept].cpu()))  # as levels, whatever came
        yield from self._paint(canvas, kept, knobs.temperature, rng)

    def _paint(self, canvas: Tensor, first: int, temperature: float, rng: torch.Generator) -> Iterator[Frame | None]:
        """Fill the canvas (n, 1, 28, 28) from row `first` on, by inverting the cumulative distribution of each pixel at a uniform draw.
        Given rows are expected as they are."""
        u = rand(len(canvas), SIDE * SIDE, rng=rng).numpy()
        values = self.value(torch.arange(self.levels)).numpy()
        expected, steps, step = canvas.numpy().copy(), (SIDE - first) * SIDE, 0
        yield Frame(canvas, 0, steps, 0, f"{first} rows given" if first else "empty canvas", {"expected": canvas})
        painter = Painter(self, canvas.numpy())
        for r in range(SIDE):
            painter.look_up(r)
            yield None  # that takes as long as many pixels
            for c in range(SIDE if r >= first else 0):
                below = cumulative(painter.logits(r, c), temperature)
                painter.put(r, c, values[choose(below, u[:, r * SIDE + c])])
                expected[:, 0, r, c] = mean(below)
                step += 1
                x, means = (torch.from_numpy(now.copy()) for now in (painter.x, expected))
                yield Frame(x, step, steps, step, f"row {r}, column {c}", {"expected": means})

    @torch.no_grad()
    def conditional(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28), rounded to levels -> p(x_i = level | x_<i) for every pixel and level, (B, K, 28, 28)."""
        return self.logits(self.value(self.index(x))).softmax(1).squeeze(2)

    def receptive_field(self, row: int, column: int, gated: bool = True) -> Tensor:
        """|d logit / d input| of one pixel, (28, 28), largest value 1, averaged over 4 random images.

        `gated=False` asks an untrained stack of naively masked 3 x 3 convolutions instead, whose blind spot no training would change.
        """
        row, column = int(row), int(column)
        if not (0 <= row < SIDE and 0 <= column < SIDE):
            raise ValueError(f"Row and column must lie between 0 and {SIDE - 1}, not {row} and {column}.")
        net = self.logits if gated else naive_stack().to(self.device)
        x = torch.rand(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)).to(self.device) * 2 - 1
        with torch.enable_grad():
            x.requires_grad_()
            logit = net(x).flatten(1, -3)[:, -1, row, column]
            field = torch.autograd.grad(logit.sum(), x)[0].abs().mean((0, 1))
        return field / field.max().clamp(min=1e-12)


class GreyPixelCNN(PixelCNN):
    """The same over grey levels: bytes are cut to 16 (byte // 16), equally spaced in [-1, 1]."""

    levels = 16
    likelihoods = (Likelihood("exact", "log_prob", levels=16),)

    def __init__(self, levels: int = 16, **sizes: int):
        super().__init__(levels, **sizes)

    def prepare(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Bytes -> levels in [-1, 1]."""
        return self.value(x.int() * self.levels // 256)
