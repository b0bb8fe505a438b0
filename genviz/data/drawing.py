"""From a drawing or a picture file to the 28 x 28 pixels of a data set, prepared as the data set itself was.

A model has only ever seen pictures that went through its data set's preparation; a drawing that skips it looks foreign to the model.

- MNIST (LeCun, Bottou, Bengio and Haffner 1998, section III): crop to the ink, scale the longer side to 20 pixels with anti-aliasing,
  and place the result in 28 x 28 so that its centre of mass lies in the middle.
- Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, section 2): trim the background, scale the longest edge to 28 pixels, centre it,
  grey levels negated where the background is bright. (Their sharpening of photographs is left out: a drawing has no blur to undo.)

Everywhere ink is bright on black, uint8. Numpy and Pillow only.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

SIDE = 28
EMPTY = "The drawing is empty: draw something first."
NO_PICTURE = "This file is no picture that can be read here; choose a PNG, JPEG, WebP or GIF file."
LARGEST = 8 * 2**20  # bytes of a file


def read(file: bytes) -> np.ndarray:
    """The bytes of a picture file -> uint8 (H, W), ink bright on a black background.

    A bright background (the median of the border) is negated, and what differs from the background by less than 5 % becomes black.
    Raises ValueError with one sentence for what is no picture, is larger than 8 MB, or has no ink.
    """
    if len(file) > LARGEST:
        raise ValueError("This file is larger than 8 MB; choose a smaller picture.")
    try:
        with Image.open(io.BytesIO(file)) as picture:
            if max(picture.size) > 8000:
                raise ValueError("This picture has more than 8,000 pixels on a side; choose a smaller one.")
            picture.draft("L", (1024, 1024))
            alpha = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        raise ValueError(NO_PICTURE) from None
    alpha.thumbnail((1024, 1024))
    grey = np.asarray(Image.alpha_composite(Image.new("RGBA", alpha.size, "white"), alpha).convert("L"))
    if grey.shape == (SIDE, SIDE) and np.median(_border(grey)) == 0:
        return grey.copy()  # already as the data sets are
    background = np.median(_border(grey))
    ink = grey - background if background < 128 else background - grey
    most = ink.max()
    if most < 0.05 * 255:
        raise ValueError(EMPTY)
    return np.where(ink < 0.05 * most, 0, ink * (255 / most) + 0.5).astype(np.uint8)


def _border(grey: np.ndarray) -> np.ndarray:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def fit(ink: np.ndarray, data: str) -> np.ndarray:
    """Bright ink (H, W) uint8 on black -> (28, 28) uint8, prepared as `data` was. ValueError where there is no ink."""
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows):
        raise ValueError(EMPTY)
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if data == "fashion_mnist":
        scaled = _scale(cropped, SIDE)
        top, left = ((SIDE - length + 1) // 2 for length in scaled.shape)
    else:
        scaled = _scale(cropped, 20)
        top, left = _middle(scaled.sum(1, dtype=np.int64)), _middle(scaled.sum(0, dtype=np.int64))
        top, left = (min(max(at, 0), SIDE - length) for at, length in zip((top, left), scaled.shape, strict=True))
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return picture


def _middle(ink: np.ndarray) -> int:
    """The offset that puts the centre of mass of ink (length,) into [13.5, 14.5), where the data set has it (first pixel = 0)."""
    return int(np.floor(14.5 - ink @ np.arange(len(ink)) / ink.sum()))


def _scale(ink: np.ndarray, longest: int) -> np.ndarray:
    """Scale so that the longer side has `longest` pixels, the other at least one."""
    height, width = ink.shape
    factor = longest / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    if size == (width, height):
        return ink
    return np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.LANCZOS))
