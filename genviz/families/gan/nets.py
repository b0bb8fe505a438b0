"""The two networks of the game, shaped for small pictures and for CPUs.

Both work on folded pictures: each 2 x 2 patch is four channels (space-to-depth), so that the finest map is 14 x 14 and a convolution
there costs a quarter of what it costs at 28 x 28. Widths are multiples of 16 and memory is channels-last. The generator is that
of DCGAN (Radford et al. 2016): a linear layer to a 7 x 7 map, then convolutions, each normalised over the batch (Ioffe and Szegedy 2015),
which keeps its pictures varied while it learns. Once its weights rest, a batch norm is a scale and a shift that never change, and they
are folded into the layer before it: the same pictures in fewer operations. The discriminator has no normalisation, because its
gradient penalty asks about single pictures, and a batch norm would make every answer depend on the whole batch (Gulrajani et al. 2017).

Both can be made deeper by residual blocks (He et al. 2016) that begin as nothing: their last weights are zero, so that a game that has
settled goes on from where it stood (Zhang et al. 2019, "Fixup initialization").
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Weights = list[tuple[Tensor, Tensor | None]]  # weight and bias of each layer


class Block(nn.Module):
    """Two convolutions beside the map that they add to; at first they add nothing."""

    def __init__(self, width: int, norm: bool = False):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=not norm)
        self.norm = nn.BatchNorm2d(width) if norm else None
        self.last = nn.Conv2d(width, width, 3, padding=1, bias=False)
        nn.init.zeros_(self.last.weight)


class Generator(nn.Module):
    """z (B, z_dim), and for `classes` > 0 a label (B,) or shares of all (B, classes) -> x (B, 1, 28, 28) in [-1, 1].

    `coarse` and `fine` are the channels at 7 x 7 and 14 x 14, `blocks` the residual blocks at each. A class is told as one more number
    per class at the input, 1 for the class that is asked for: the first layer keeps a whole 7 x 7 map for each.
    """

    def __init__(self, z_dim: int, classes: int = 0, coarse: int = 64, fine: int = 48, blocks: int = 0):
        super().__init__()
        self.classes, self.coarse = classes, coarse
        self.layers = nn.ModuleList([
            nn.Linear(z_dim + classes, 49 * coarse, bias=False),
            nn.Conv2d(coarse, coarse, 3, padding=1, bias=False),
            nn.Conv2d(coarse, 4 * fine, 1, bias=False),
            nn.Conv2d(fine, fine, 3, padding=1, bias=False),
        ])  # fmt: skip
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in (coarse, coarse, 4 * fine, fine))
        self.blocks = nn.ModuleList(Block(width, norm=True) for width in (coarse, fine) for _ in range(blocks))
        self.head = nn.Conv2d(fine, 4, 3, padding=1)
        self._folded: tuple[list[tuple[Tensor, int]], Weights] | None = None

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        if self.classes:
            label = z.new_zeros(len(z), self.classes) if label is None else label
            told = label if label.ndim == 2 else F.one_hot(label, self.classes).to(z.dtype)
            z = torch.cat([z, told], 1)
        if self.training or self.head.weight.requires_grad:
            layers, norms = self.normalised()
            return self.paint(z, [(layer.weight, None) for layer in layers], norms)
        weights = self.folded()
        return self.paint(z, weights, [_as_it_is] * len(weights))

    def normalised(self) -> tuple[list, list]:
        """Every layer that a batch norm follows, and these: first the four of the trunk, then those of the blocks."""
        return [*self.layers, *(block.first for block in self.blocks)], [*self.norms, *(block.norm for block in self.blocks)]

    def paint(self, z: Tensor, weights: Weights, norms: list) -> Tensor:
        """Four layers, each followed by its norm and ReLU, the blocks at 7 x 7 and at 14 x 14, and the head."""
        (w0, b0), (w1, b1), (w2, b2), (w3, b3) = weights[:4]
        blocks = list(zip(self.blocks, weights[4:], norms[4:], strict=True))
        half = len(blocks) // 2
        h = F.linear(z, w0, b0).view(-1, 7, 7, self.coarse).permute(0, 3, 1, 2)  # (B, coarse, 7, 7), channels-last without a copy
        h = F.relu_(norms[0](h))
        h = F.relu_(norms[1](F.conv2d(h, w1, b1, padding=1)))
        for block, (w, b), norm in blocks[:half]:
            h = block.last(F.relu_(norm(F.conv2d(h, w, b, padding=1)))).add_(h)
        h = F.relu_(norms[2](F.conv2d(h, w2, b2)))
        h = F.pixel_shuffle(h, 2)  # (B, fine, 14, 14)
        h = F.relu_(norms[3](F.conv2d(h, w3, b3, padding=1)))
        for block, (w, b), norm in blocks[half:]:
            h = block.last(F.relu_(norm(F.conv2d(h, w, b, padding=1)))).add_(h)
        return F.pixel_shuffle(F.conv2d(h, self.head.weight, self.head.bias, padding=1), 2).tanh_()

    def folded(self) -> Weights:
        """Weights and biases with the batch norms folded in; made once, and anew when a weight has changed since."""
        if self._folded is None or any(t._version != version for t, version in self._folded[0]):
            layers, norms = self.normalised()
            tensors = [layer.weight for layer in layers] + [norm.running_var for norm in norms]
            with torch.inference_mode(False), torch.no_grad():
                weights = [fold(layer.weight, norm) for layer, norm in zip(layers, norms, strict=True)]
            self._folded = [(t, t._version) for t in tensors], weights
        return self._folded[1]

    def _apply(self, *args, **options) -> Generator:  # to another device or type
        self._folded = None
        return super()._apply(*args, **options)

    def _load_from_state_dict(self, *args) -> None:  # weights may be put in the place of others
        self._folded = None
        super()._load_from_state_dict(*args)


def _as_it_is(h: Tensor) -> Tensor:
    return h


def fold(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the layer that equals `weight` followed by `norm` at rest: norm(w x) = (s w) x + (b - s mean), s = g / std.

    A linear layer to a map holds the channels of one place after those of another, so its scales repeat.
    """
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - scale * norm.running_mean
    places = len(weight) // len(scale)
    return weight * scale.repeat(places).view(-1, *[1] * (weight.ndim - 1)), shift.repeat(places)


def deepened(h: Tensor, blocks: nn.ModuleList) -> Tensor:
    for block in blocks:
        h = h + block.last(F.leaky_relu(block.first(h), 0.2))
    return h


class Eye(nn.Module):
    """The convolutions of a discriminator: x (B, 1, 28, 28) -> what it sees of x, (B, 16 c), c channels at 4 x 4.

    `widths` are the channels at 14 x 14, 7 x 7 and 4 x 4, `blocks` the residual blocks at the first two.
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 128), blocks: int = 0):
        super().__init__()
        a, b, c = widths
        self.stem = nn.Conv2d(4, a, 3, padding=1)
        self.layers = nn.ModuleList([
            nn.Conv2d(a, b, 3, stride=2, padding=1), nn.Conv2d(b, b, 3, padding=1), nn.Conv2d(b, c, 3, stride=2, padding=1),
        ])  # fmt: skip
        self.fine, self.middle = (nn.ModuleList(Block(width) for _ in range(blocks)) for width in (a, b))

    def see(self, x: Tensor) -> Tensor:
        """x (B, 1, 28, 28) in [-1, 1] -> (B, 16 c)."""
        h = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)  # (B, 4, 14, 14)
        fold, middle, down = self.layers
        h = deepened(F.leaky_relu(self.stem(h), 0.2), self.fine)
        h = deepened(F.leaky_relu(middle(F.leaky_relu(fold(h), 0.2)), 0.2), self.middle)
        return F.leaky_relu(down(h), 0.2).flatten(1)


class Discriminator(Eye):
    """x (B, 1, 28, 28), and for `classes` > 0 a label (B,) -> score (B,), the higher the more real.

    A class adds the product of its own vector with the features: "does this look like a picture" plus "does it look like a seven"
    (projection discriminator, Miyato and Koyama 2018).
    """

    def __init__(self, classes: int = 0, widths: tuple[int, int, int] = (32, 64, 128), features: int = 128, blocks: int = 0):
        super().__init__(widths, blocks)
        self.last = nn.Linear(16 * widths[-1], features)
        self.head = nn.Linear(features, 1)
        self.label = nn.Embedding(classes, features) if classes else None
        if self.label is not None:
            nn.init.zeros_(self.label.weight)

    def features(self, x: Tensor) -> Tensor:
        """What the score is read from: x (B, 1, 28, 28) -> (B, features)."""
        return F.leaky_relu(self.last(self.see(x)), 0.2)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        h = self.features(x)
        score = self.head(h)[:, 0]
        if self.label is None or label is None:
            return score
        return score + (self.label(label) * h).sum(1) / h.shape[1] ** 0.5
