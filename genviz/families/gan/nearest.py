"""Which training images lie nearest to a picture? numpy alone, in blocks, so that it can stand beside the page.

A generator could win its game by learning the training images by heart; its nearest training images, and how near they are compared
with those of test images, show whether it did.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}
TRAINED_ON = 55_000  # of the 60,000 training images; the rest is held out
BLOCK = 5_000


def training_images(data: str) -> np.ndarray | None:
    """The images (55000, 28, 28) uint8 that models are trained on, from the folder that GENVIZ_DATA names; None where they are not."""
    raw = Path(os.environ.get("GENVIZ_DATA", "data")) / FOLDERS[data] / "raw"
    for file, read in ((raw / "train-images-idx3-ubyte", Path.read_bytes), (raw / "train-images-idx3-ubyte.gz", _unzip)):
        if file.exists():
            return np.frombuffer(read(file), np.uint8, offset=16).reshape(-1, 28, 28)[:TRAINED_ON]
    return None


def _unzip(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes())


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
