r"""The 4-neighbour counting model as plain arrays, and a full density for models of few grey levels. Numpy only: the page asks it live.

It is the model of counting.py: p(pixel | left, up, up-left, up-right) read from a table of counts. All that it knows is which pixels stand
beside each other, the *background* of a picture, as rain on the window of a photograph. What a deep model adds to it is left over in the
likelihood ratio log p(x) - log p_counting(x) (Ren et al. 2019, "Likelihood ratios for out-of-distribution detection", arXiv 1906.02845).

A model of 16 grey levels becomes a density of all 256 by a second factor, p(byte) = p(level) p(byte | level), the last counted as well:
`fill`. It is exact, because a byte has one level, and it puts the likelihood where the PNG file is: at the picture with all its grey.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # (rows up, columns left), the most telling first
STRENGTH = 16  # of the prior; the 5,000 held-out images of both data sets prefer it to 1 and 4


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

    def __init__(self, counts: np.ndarray, levels: int, filled: np.ndarray | None = None):
        self.counts, self.levels, self.filled = counts, levels, filled

    @cached_property
    def table(self) -> np.ndarray:
        """log2 p(value | context) (levels**4, levels) float32; a context that is rare leans on the one without its last neighbour."""
        levels, table = self.levels, np.full((1, self.levels), 1 / self.levels)
        for k in range(len(NEIGHBOURS) + 1):
            n = self.counts.reshape(levels**k, -1, levels).sum(1)  # shorter contexts are sums over longer ones
            shorter = table if k == 0 else table.repeat(levels, 0)
            table = (n + STRENGTH * shorter) / (n.sum(1, keepdims=True) + STRENGTH)
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
