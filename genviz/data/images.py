"""MNIST and Fashion-MNIST as byte tensors: 55,000 images to train on, 5,000 held out for selection, 10,000 to test once."""

from __future__ import annotations

import os
from functools import lru_cache

import torch
from torch import Tensor

from genviz.data import idx
from genviz.data.idx import HELD_OUT, Missing


@lru_cache(maxsize=4)
def images(data: str, split: str) -> tuple[Tensor, Tensor]:
    """x (N, 1, 28, 28) uint8 and label (N,) int64 of split "train" (55,000), "held_out" (5,000) or "test" (10,000).

    The root is GENVIZ_DATA, by default ./data; torchvision downloads what is not there. FileError for a damaged file, Missing where there
    is none and none can be had.
    """
    if data not in idx.FOLDERS:
        raise KeyError(f"There is no image data set '{data}'; there are {', '.join(idx.FOLDERS)}.")
    if split not in ("train", "held_out", "test"):
        raise KeyError(f"There is no split '{split}'; there are train, held_out and test.")
    whole = "t10k" if split == "test" else "train"
    try:
        x, label = idx.images(data, whole), idx.labels(data, whole)
    except Missing as missing:
        download(data, missing)
        x, label = idx.images(data, whole), idx.labels(data, whole)
    part = slice(None) if split == "test" else slice(None, -HELD_OUT) if split == "train" else slice(-HELD_OUT, None)
    return torch.from_numpy(x[part, None].copy()), torch.from_numpy(label[part].astype("int64"))


def download(data: str, missing: Missing) -> None:
    """Fetch a data set into the folder that GENVIZ_DATA names; Missing with one sentence where that fails."""
    from torchvision import datasets

    kind = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}[data]
    try:
        kind(os.environ.get("GENVIZ_DATA", "data"), download=True)
    except (RuntimeError, OSError) as error:
        last = " ".join(str(error).split()[-12:])
        raise Missing(f"{missing} It cannot be downloaded: {last}") from None


def batches(x: Tensor, label: Tensor, batch: int, rng: torch.Generator):
    """One pass over the data in random order: yields (x, label) of `batch` images; a last, smaller batch is left out."""
    order = torch.randperm(len(x), generator=rng)
    for i in range(0, len(x) - batch + 1, batch):
        index = order[i : i + batch]
        yield x[index], label[index]
