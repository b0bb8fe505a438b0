"""Which training images lie nearest to a picture? numpy alone, in blocks, so that it can stand beside the page.

A generator could win its game by learning the training images by heart; its nearest training images, and how near they are compared
with those of test images, show whether it did.
"""

from __future__ import annotations

import numpy as np

BLOCK = 5_000


def nearest(among: np.ndarray, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` rows among (N, ...) nearest to each row of x (B, ...): distances and indices, (B, count) each, nearest first."""
    x = x.reshape(len(x), -1).astype(np.float32)
    blocks = []
    for start in range(0, len(among), BLOCK):
        y = among[start : start + BLOCK].reshape(-1, x.shape[1]).astype(np.float32)
        blocks.append((y * y).sum(1) - 2 * x @ y.T)
    squared = np.concatenate(blocks, 1) + (x * x).sum(1, keepdims=True)
    index = np.argpartition(squared, count - 1, axis=1)[:, :count]
    index = np.take_along_axis(index, np.take_along_axis(squared, index, 1).argsort(1), 1)
    return np.sqrt(np.maximum(np.take_along_axis(squared, index, 1), 0)), index
