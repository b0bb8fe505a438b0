"""The exhibit: 5,000 test images of each data set, shipped with the app so that it never needs the data sets themselves.

The first 500 test images of every class, shuffled once with a fixed seed, stand 50 to a row in one lossless grey PNG. Their labels
are a string of 5,000 digits inside the same file. The command makes the files again from the folder that GENVIZ_DATA names:

    python -m genviz.data.exhibit
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from genviz import file
from genviz.argument import Command
from genviz.data import of
from genviz.file import FileError

FOLDER = file.shipped() / "exhibit"
PER_CLASS, COLUMNS, SIDE = 500, 50, 28
REMAKE = "make it again with: python -m genviz.data.exhibit"


@lru_cache(maxsize=4)
def exhibit(data: str) -> tuple[np.ndarray, np.ndarray]:
    """The test images (5000, 28, 28) uint8 and their labels (5000,) int64, read once; the arrays are read-only.

    Raises KeyError for a name that is no data set and FileError with the command where the file is missing or damaged.
    """
    where, count = path(data), 10 * PER_CLASS
    held = file.content(where, f"{where.name} is missing in pretrained/exhibit; {REMAKE}")
    try:
        with Image.open(io.BytesIO(held), formats=("PNG",)) as sprite:
            if (sprite.mode, sprite.size) != ("L", (COLUMNS * SIDE, count // COLUMNS * SIDE)):
                raise ValueError(f"a picture of {sprite.size}, {sprite.mode}")
            pixels, digits = np.asarray(sprite), sprite.text["labels"]
        if len(digits) != count or not (digits.isascii() and digits.isdigit()):
            raise ValueError("its labels are no digits")
    except Exception as error:
        raise FileError(f"{file.shown(where)} is damaged ({error}); {REMAKE}") from None
    images = pixels.reshape(-1, SIDE, COLUMNS, SIDE).transpose(0, 2, 1, 3).reshape(-1, SIDE, SIDE)
    labels = np.frombuffer(digits.encode(), np.uint8).astype(np.int64) - ord("0")
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


def path(data: str) -> Path:
    """The PNG of a data set: image i stands in row i // 50, column i % 50."""
    if data not in of("image"):
        raise KeyError(f"There is no data set '{data}'; there are {', '.join(of('image'))}.")
    return FOLDER / f"{data}.png"


def choose(labels: np.ndarray) -> np.ndarray:
    """Indices (5000,) of the exhibit in the test set: the first 500 of each class, in a fixed shuffled order."""
    first = [np.flatnonzero(labels == c)[:PER_CLASS] for c in range(10)]
    return np.random.default_rng(0).permutation(np.sort(np.concatenate(first)))


def _filtered(pixels: np.ndarray, kind: int) -> np.ndarray:
    """Rows (H, W + 1) uint8 after PNG's filter 0 (none), 1 (left), 2 (up) or 4 (Paeth), each row led by the filter's number."""
    a = pixels.astype(np.int16)
    left, up = np.pad(a, ((0, 0), (1, 0)))[:, :-1], np.pad(a, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(a, ((1, 0), (1, 0)))[:-1, :-1]
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
    guess = {0: 0, 1: left, 2: up, 4: paeth}[kind]
    return np.pad(((a - guess) % 256).astype(np.uint8), ((0, 0), (1, 0)), constant_values=kind)


def _smallest_png(pixels: np.ndarray, labels: str) -> bytes:
    """A grey PNG of pixels (H, W) uint8 with a text "labels": one filter for all rows, the one that packs best."""
    packed = []
    for kind in (0, 1, 2, 4):
        raw = _filtered(pixels, kind).tobytes()
        for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED):
            packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
            packed.append(packer.compress(raw) + packer.flush())
    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    text = b"labels\0\0" + zlib.compress(labels.encode(), 9)
    chunks = [(b"IHDR", header), (b"zTXt", text), (b"IDAT", min(packed, key=len)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks:
        png += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return png


def main() -> None:
    command = Command("python -m genviz.data.exhibit", "Make the exhibit again from the data sets.")
    command.parse_args()
    with command.sentences():
        from genviz.data.images import images  # torch and torchvision are needed to make the exhibit, never to show it

        for data in command.bar(of("image"), "test images"):
            x, label = (t.numpy() for t in images(data, "test"))
            chosen = choose(label)
            sprite = x[chosen, 0].reshape(-1, COLUMNS, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(-1, COLUMNS * SIDE)
            png = _smallest_png(sprite, "".join(map(str, label[chosen])))
            file.write(FOLDER / f"{data}.png", png)
            print(f"wrote pretrained/exhibit/{data}.png: {len(chosen):,} images, {len(png):,} bytes")


if __name__ == "__main__":
    main()
