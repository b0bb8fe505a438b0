r"""The model to beat: predict a pixel from its four neighbours by counting, without a network.

$p(x_i \mid \text{left}, \text{up}, \text{up-left}, \text{up-right})$ is read from a table of how often each value followed each
context in the training images. A context seen rarely leans on the shorter context without its last neighbour, and that on a shorter
one, down to equal chances (a Dirichlet prior whose mean is the shorter context's prediction; MacKay and Peto 1995):

$$p_k(v \mid c_k) = \frac{n(v, c_k) + a\, p_{k-1}(v \mid c_{k-1})}{n(c_k) + a}$$

Its bits per dimension are what local smoothness alone is worth; a deep model earns its keep below them.

    python -m genviz.metrics.counting     # both data sets at 16 grey levels
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from genviz.data.images import images

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # (rows up, columns left), the most telling first


def contexts(index: Tensor, levels: int, neighbours: int) -> Tensor:
    """Levels (B, 28, 28) int64 -> number of each pixel's context of the first `neighbours` neighbours; level 0 lies outside."""
    height, width = index.shape[1:]
    padded, code = F.pad(index, (1, 1, 1, 0)), torch.zeros_like(index)
    for up, left in NEIGHBOURS[:neighbours]:
        code = code * levels + padded[:, 1 - up : 1 - up + height, 1 - left : 1 - left + width]
    return code


class CountingModel:
    """Table of p(value | context), (levels**4, levels), fitted by one pass of counting over bytes (N, 1, 28, 28) uint8."""

    def __init__(self, x: Tensor, levels: int = 16, strength: float = 1.0, chunk: int = 5000):
        self.levels = levels
        table = torch.full((1, levels), 1 / levels, dtype=torch.float64)
        for neighbours in range(len(NEIGHBOURS) + 1):
            counts = torch.zeros(levels**neighbours * levels, dtype=torch.int64)
            for part in x.split(chunk):
                index = self.index(part)
                counts += torch.bincount((contexts(index, levels, neighbours) * levels + index).flatten(), minlength=len(counts))
            n = counts.view(-1, levels).double()
            shorter = table if neighbours == 0 else table.repeat_interleave(levels, 0)
            table = (n + strength * shorter) / (n.sum(1, keepdim=True) + strength)
        self.table = table

    def index(self, x: Tensor) -> Tensor:
        """Bytes (B, 1, 28, 28) -> levels (B, 28, 28) int64."""
        return x[:, 0].long() * self.levels // 256

    def log_prob(self, x: Tensor) -> Tensor:
        """Bytes (B, 1, 28, 28) -> log p of their quantised pixels in nats (B,)."""
        index = self.index(x)
        return self.table[contexts(index, self.levels, len(NEIGHBOURS)), index].log().flatten(1).sum(1)


def score(data: str, levels: int = 16, strengths: tuple[float, ...] = (1, 4, 16)) -> tuple[float, float]:
    """Mean nats per test image and the prior strength, which the 5,000 held-out images chose."""
    train, held_out = images(data, "train")[0], images(data, "held_out")[0]
    fits = [(CountingModel(train, levels, a), a) for a in strengths]
    best, strength = max(fits, key=lambda fit: fit[0].log_prob(held_out).mean().item())
    return -torch.cat([best.log_prob(part) for part in images(data, "test")[0].split(1000)]).mean().item(), strength


def main() -> None:
    for data in ("mnist", "fashion_mnist"):
        nats, strength = score(data)
        print(f"{data}: 4-neighbour counting model, 16 levels: {nats:.2f} nats per image = {nats / 784 / math.log(2):.4f} bits/dim "
              f"on 10,000 test images (prior strength {strength:g} chosen on 5,000 held-out)")  # fmt: skip


if __name__ == "__main__":
    main()
