"""The user's own data sets: pictures in folders, or a data set of torchvision that is on disk.

A folder of pictures `data/<name>/` in the user's own folder (GENVIZ_HOME, by default `runs`) is a data set; each sub-folder is a class,
and pictures without one are all of one class. They are read as the page reads pictures, the middle square of each as 28 x 28 grey levels.
Of torchvision's data sets those below are known by name where GENVIZ_DATA holds them; nothing is downloaded. One picture in ten is held
out for selection and one in ten kept for tests, by a fixed shuffle.

`found()` lists what there is without torch; `images` reads.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genviz import file
from genviz.data import DATA, Data
from genviz.file import FileError

if TYPE_CHECKING:
    from torch import Tensor

NAME = re.compile("[a-z][a-z0-9_]{0,39}")
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
TORCHVISION = {  # name -> title, class in torchvision.datasets, what lies in GENVIZ_DATA where it is on disk
    "kmnist": ("KMNIST", "KMNIST", "KMNIST/raw"),
    "qmnist": ("QMNIST", "QMNIST", "QMNIST/raw"),
    "usps": ("USPS", "USPS", "usps.bz2"),
    "cifar10": ("CIFAR-10", "CIFAR10", "cifar-10-batches-py"),
    "cifar100": ("CIFAR-100", "CIFAR100", "cifar-100-python"),
}
SIDE = 28
FEWEST = 10  # pictures of a set
SHARES = {"train": (0.0, 0.8), "held_out": (0.8, 0.9), "test": (0.9, 1.0)}  # of the shuffled pictures


def found() -> dict[str, Data]:
    """Every own data set by name, as the registry has them; reads names of folders only."""
    root = file.home() / "data"
    sets = {}
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if folder.is_dir() and NAME.fullmatch(folder.name) and folder.name not in DATA:
            sets[folder.name] = _entry(folder.name, folder.name.replace("_", " "), _classes(folder))
    for name, (title, _, inside) in TORCHVISION.items():
        if name not in sets and (_root() / inside).exists():
            sets[name] = _entry(name, title, ())
    return sets


def _classes(folder: Path) -> tuple[str, ...]:
    """The sub-folders, a class each; one class where there are none."""
    return tuple(sorted(f.name for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))) or ("all",)


def _entry(name: str, title: str, classes: tuple[str, ...]) -> Data:
    return Data(name, title, "image", (1, SIDE, SIDE), "genviz.data.own:images", classes, trained_on="8 in 10 pictures; 1 in 10 held out")


def place() -> str:
    """Where an own data set would be, as a sentence."""
    return f"A folder of pictures in {file.home() / 'data'} would be one."


def names() -> tuple[str, ...]:
    return tuple(found())


def _root() -> Path:
    return Path(os.environ.get("GENVIZ_DATA", "data"))


def images(data: str, split: str) -> tuple[Tensor, Tensor]:
    """x (N, 1, 28, 28) uint8 and label (N,) int64 of split "train" (8 in 10), "held_out" or "test". KeyError for other names, FileError
    for a folder without pictures or with one that cannot be read."""
    import torch

    known = found()
    if data not in known:
        raise KeyError(f"There is no data set '{data}'; there are {', '.join((*DATA, *known))}. {place()}")
    if split not in SHARES:
        raise KeyError(f"There is no split '{split}'; there are train, held_out and test.")
    folder = file.home() / "data" / data
    x, label = _folder(folder, known[data].classes) if folder.is_dir() else _torchvision(data)
    if len(x) < FEWEST:
        raise FileError(f"The data set '{data}' has {len(x)} pictures; it takes {FEWEST} at least.")
    order = np.random.default_rng(0).permutation(len(x))
    low, high = (round(share * len(x)) for share in SHARES[split])
    part = order[low:high]
    return torch.from_numpy(x[part, None]), torch.from_numpy(label[part].astype(np.int64))


@lru_cache(maxsize=2)
def _folder(folder: Path, classes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Every picture (N, 28, 28) of a folder, in the order of their names, and its class (N,)."""
    from genviz.data.picture import open_picture

    x, label = [], []
    for number, name in enumerate(classes):
        inside = folder / name if (folder / name).is_dir() else folder
        for path in sorted(p for p in inside.iterdir() if p.suffix.lower() in ENDINGS):
            try:
                x.append(fitted(open_picture(file.content(path))))
            except FileError:
                raise
            except ValueError as error:
                raise FileError(f"{file.shown(path)} cannot be learnt from: {error}") from None
            label.append(number)
    return np.stack(x) if x else np.zeros((0, SIDE, SIDE), np.uint8), np.array(label, np.int64)


def fitted(grey: np.ndarray) -> np.ndarray:
    """Grey levels (H, W) uint8 -> the middle square of them, (28, 28) uint8."""
    from PIL import Image

    side = min(grey.shape)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    square = Image.fromarray(np.ascontiguousarray(grey[top : top + side, left : left + side]))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS if side > SIDE else Image.Resampling.BICUBIC))


@lru_cache(maxsize=2)
def _torchvision(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Every training picture (N, 28, 28) and class (N,) of a data set of torchvision that is on disk."""
    from torchvision import datasets

    title, kind, _ = TORCHVISION[data]
    try:
        held = getattr(datasets, kind)(str(_root()), train=True, download=False)
        x, label = np.asarray(held.data), np.asarray(held.targets)
    except Exception as error:
        raise FileError(f"{title} in {_root()} cannot be read ({' '.join(str(error).split())[:200] or type(error).__name__}).") from None
    if label.ndim > 1:  # QMNIST tells the writer beside the class
        label = label[:, 0]
    grey = x @ np.array([0.299, 0.587, 0.114]) if x.ndim == 4 else x
    return np.stack([fitted(one) for one in np.rint(grey).astype(np.uint8)]), label.astype(np.int64)
