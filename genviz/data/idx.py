"""The files of MNIST and Fashion-MNIST as their makers pack them, checked before they are believed; numpy alone.

An IDX file is a head (two zero bytes, the type 8 = bytes, the number of axes, and the length of each axis as a big-endian integer), then
the values. They lie in the folder that GENVIZ_DATA names, by default ./data, as torchvision lays them out: MNIST/raw/... ; packed by gzip
is as good.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np

from genviz import file
from genviz.file import FileError

FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}
COUNTS = {"train": 60_000, "t10k": 10_000}  # images, by the first word of a file's name
HELD_OUT = 5_000  # of the training images, the last ones, which no model is trained on
SIDE = 28


class Missing(FileError):
    """A data set that is not on this machine."""


def folder(data: str) -> Path:
    """Where the files of a data set are, or would be."""
    return Path(os.environ.get("GENVIZ_DATA", "data")) / FOLDERS[data] / "raw"


def at_hand(data: str) -> bool:
    """Whether all four files of a data set are there, of the size that they should have; they are not read."""
    if data not in FOLDERS:
        return False
    for part, count in COUNTS.items():
        for name, size in ((_named(part, "images"), 16 + count * SIDE * SIDE), (_named(part, "labels"), 8 + count)):
            plain = folder(data) / name
            if not (plain.is_file() and plain.stat().st_size == size) and not packed(plain).is_file():
                return False
    return True


def _named(part: str, what: str) -> str:
    return f"{part}-{what}-idx{3 if what == 'images' else 1}-ubyte"


def packed(plain: Path) -> Path:
    return plain.with_name(plain.name + ".gz")


def images(data: str, part: str) -> np.ndarray:
    """The images (N, 28, 28) uint8 of part "train" (60,000) or "t10k" (10,000). FileError for a file that is not what it should be,
    Missing where there is none."""
    return _read(folder(data) / _named(part, "images"), (COUNTS[part], SIDE, SIDE))


def labels(data: str, part: str) -> np.ndarray:
    """Their labels (N,) uint8, 0 to 9. Errors as `images`."""
    found = _read(folder(data) / _named(part, "labels"), (COUNTS[part],))
    if found.max() > 9:
        raise _damaged(folder(data) / _named(part, "labels"), f"there is no class {found.max()}")
    return found


def training_images(data: str) -> np.ndarray | None:
    """The images (55000, 28, 28) that models are trained on; None where they are not on this machine. FileError for a damaged file."""
    try:
        return images(data, "train")[:-HELD_OUT]
    except Missing:
        return None


def _read(plain: Path, shape: tuple[int, ...]) -> np.ndarray:
    wanted = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    size = len(wanted) + int(np.prod(shape))
    if plain.exists():
        held = file.content(plain)
    elif packed(plain).exists():
        try:
            held = zlib.decompressobj(31).decompress(file.content(packed(plain)), size + 1)  # no more than it should be
        except zlib.error as error:
            raise _damaged(packed(plain), f"it cannot be unpacked, {error}") from None
    else:
        where = f"GENVIZ_DATA names the folder that holds {plain.parent.parent.name}/raw"
        raise Missing(f"There is no {plain.name} in {plain.parent}; {where}.")
    if not held.startswith(wanted[:4]):
        raise _damaged(plain, "it does not begin as such a file does")
    if not held.startswith(wanted):
        raise _damaged(plain, f"it is not of {shape[0]:,} {'images of 28 x 28' if len(shape) == 3 else 'labels'}")
    if len(held) != size:
        raise _damaged(plain, f"it has {len(held):,} bytes in place of {size:,}")
    return np.frombuffer(held, np.uint8, offset=len(wanted)).reshape(shape)


def _damaged(path: Path, why: str) -> FileError:
    return FileError(f"{path.parent.parent.name}/raw/{path.name} is damaged ({why}): delete it, and it is downloaded again.")
