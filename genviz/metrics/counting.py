r"""The model to beat: predict a pixel from its four neighbours by counting, without a network.

$p(x_i \mid \text{left}, \text{up}, \text{up-left}, \text{up-right})$ is read from a table of how often each value followed each
context in the training images. A context seen rarely leans on the shorter context without its last neighbour, and that on a shorter
one, down to equal chances (a Dirichlet prior whose mean is the shorter context's prediction; MacKay and Peto 1995):

$$p_k(v \mid c_k) = \frac{n(v, c_k) + a\, p_{k-1}(v \mid c_{k-1})}{n(c_k) + a}$$

Its bits per dimension are what local smoothness alone is worth; a deep model earns its keep below them. All that it knows is which pixels
stand beside each other, the *background* of a picture, as rain on the window of a photograph. What a deep model adds to it is left over in
the likelihood ratio log p(x) - log p_counting(x) (Ren et al. 2019, arXiv 1906.02845).

A model of 16 grey levels becomes a density of all 256 by a second factor, p(byte) = p(level) p(byte | level), the last counted as well:
`fill`. It is exact, because a byte has one level, and it puts the likelihood where the PNG file is: at the picture with all its grey.

    python -m genviz.metrics.counting     # both data sets at 16 grey levels
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from genviz.argument import Command

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # (rows up, columns left), the most telling first
STRENGTH = 16  # a of the prior; the 5,000 held-out images of both data sets prefer it to 1 and 4


def contexts(index: np.ndarray, levels: int) -> np.ndarray:
    """Levels (N, 28, 28) -> number of each pixel's context, 0 ... levels**4 - 1; level 0 lies outside."""
    height, width = index.shape[1:]
    padded, code = np.pad(index, ((0, 0), (1, 0), (1, 1))), np.zeros_like(index)
    for up, left in NEIGHBOURS:
        code = code * levels + padded[:, 1 - up : 1 - up + height, 1 - left : 1 - left + width]
    return code


def count(x: np.ndarray, levels: int, chunk: int = 2000) -> np.ndarray:
    """How often each value followed each context in bytes x (N, 28, 28): (levels**5,) int64."""
    total = np.zeros(levels**5, np.int64)
    for i in range(0, len(x), chunk):
        index = x[i : i + chunk].astype(np.int64) * levels // 256
        total += np.bincount((contexts(index, levels) * levels + index).ravel(), minlength=levels**5)
    return total


def fill(frequency: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Counts of the bytes (256,) and the level of every byte (256,) -> log2 p(byte | its level) (256,) float32."""
    n = frequency + 1.0
    return np.log2(n / np.bincount(level, n)[level]).astype(np.float32)


class Counted:
    """p(picture) from the counts (levels**5,) of its neighbours and, where `filled` (256,) is given, of the bytes within a level."""

    def __init__(self, counts: np.ndarray, levels: int, filled: np.ndarray | None = None, strength: float = STRENGTH):
        self.counts, self.levels, self.filled, self.strength = counts, levels, filled, strength

    @cached_property
    def table(self) -> np.ndarray:
        """log2 p(value | context) (levels**4, levels) float32; a context that is rare leans on the one without its last neighbour."""
        levels, a, table = self.levels, self.strength, np.full((1, self.levels), 1 / self.levels)
        for k in range(len(NEIGHBOURS) + 1):
            n = self.counts.reshape(levels**k, -1, levels).sum(1)  # shorter contexts are sums over longer ones
            shorter = table if k == 0 else table.repeat(levels, 0)
            table = (n + a * shorter) / (n.sum(1, keepdims=True) + a)
        return np.log2(table).astype(np.float32)

    def log2_prob(self, x: np.ndarray, chunk: int = 1000) -> np.ndarray:
        """Bytes (N, 28, 28) uint8 -> log2 p in bits (N,) float64."""
        return np.concatenate([self._chunk(x[i : i + chunk]) for i in range(0, len(x), chunk)])

    def _chunk(self, x: np.ndarray) -> np.ndarray:
        index = x.astype(np.int64) * self.levels // 256
        bits = self.table[contexts(index, self.levels), index]
        if self.filled is not None:
            bits = bits + self.filled[x]
        return bits.sum((1, 2), dtype=np.float64)


def _seen(x: np.ndarray, levels: int) -> np.ndarray:
    """Bytes as a model of so many levels sees them: black and white by chance, always the same draw, other levels by cutting."""
    return np.where(np.random.default_rng(0).random(x.shape, np.float32) < x / 255, 255, 0).astype(np.uint8) if levels == 2 else x


def score(data: str, levels: int = 16, strengths: tuple[float, ...] = (1, 4, 16)) -> tuple[float, float]:
    """Mean bits per test image and the prior strength, which the 5,000 held-out images chose. FileError where the data are not."""
    from genviz.data.images import images  # brings torch, which the page has no need of

    train, held_out, test = (_seen(images(data, part)[0][:, 0].numpy(), levels) for part in ("train", "held_out", "test"))
    fits = [Counted(count(train, levels), levels, strength=a) for a in strengths]
    best = max(fits, key=lambda fit: fit.log2_prob(held_out).mean())
    return -float(best.log2_prob(test).mean()), best.strength


def main() -> None:
    command = Command("python -m genviz.metrics.counting", "Score the test images with the counting model.")
    command.parse_args()
    with command.sentences():
        for data in command.bar(("mnist", "fashion_mnist"), "counting"):
            bits, strength = score(data)
            print(f"{data}: 4-neighbour counting model, 16 levels: {bits * np.log(2):.2f} nats per image = {bits / 784:.4f} bits/dim "
                  f"on 10,000 test images (prior strength {strength:g} chosen on 5,000 held-out)")  # fmt: skip


if __name__ == "__main__":
    main()
