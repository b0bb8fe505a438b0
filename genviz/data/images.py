"""MNIST and Fashion-MNIST as byte tensors: 55,000 images to train on, 5,000 held out for selection, 10,000 to test once."""

from __future__ import annotations

import os
from functools import lru_cache

import torch
from torch import Tensor

HELD_OUT = 5000


@lru_cache(maxsize=4)
def images(data: str, split: str) -> tuple[Tensor, Tensor]:
    """x (N, 1, 28, 28) uint8 and label (N,) int64 of split "train" (55,000), "held_out" (5,000) or "test" (10,000).

    The root is GENVIZ_DATA, by default ./data; torchvision downloads what is not there.
    """
    from torchvision import datasets

    kinds = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}
    if data not in kinds:
        raise KeyError(f"There is no image data set '{data}'; there are {', '.join(kinds)}.")
    if split not in ("train", "held_out", "test"):
        raise KeyError(f"There is no split '{split}'; there are train, held_out and test.")
    root = os.environ.get("GENVIZ_DATA", "data")
    kind = kinds[data]
    try:
        whole = kind(root, train=split != "test", download=False)
    except RuntimeError:
        whole = kind(root, train=split != "test", download=True)
    part = slice(None) if split == "test" else slice(None, -HELD_OUT) if split == "train" else slice(-HELD_OUT, None)
    return whole.data[part].unsqueeze(1).contiguous(), whole.targets[part].long()


def batches(x: Tensor, label: Tensor, batch: int, rng: torch.Generator):
    """One pass over the data in random order: yields (x, label) of `batch` images; a last, smaller batch is left out."""
    order = torch.randperm(len(x), generator=rng)
    for i in range(0, len(x) - batch + 1, batch):
        index = order[i : i + batch]
        yield x[index], label[index]
