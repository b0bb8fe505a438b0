"""From a drawing or a picture file to the 28 x 28 pixels of a data set, prepared as the data set itself was.

A model has only ever seen pictures that went through its data set's preparation; a drawing that skips it looks foreign to the model.

- MNIST (LeCun, Bottou, Bengio and Haffner 1998, section III): crop to the ink, scale the longer side to 20 pixels with anti-aliasing,
  and place the result in 28 x 28 so that its centre of mass lies in the middle.
- Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, section 2): trim the background, scale the longest edge to 28 pixels, centre it,
  grey levels negated where the background is bright. (Their sharpening of photographs is left out: a drawing has no blur to undo.)

Everywhere ink is bright on black, uint8. What was drawn here and clean files have an even background and are read as they are; a photograph
goes through genviz.data.photograph first. Numpy and Pillow only.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from genviz.data import photograph
from genviz.data.picture import border, open_picture

SIDE = 28
EMPTY = "The drawing is empty: draw something first."


def prepared(file: bytes, data: str) -> np.ndarray:
    """The bytes of a picture file -> (28, 28) uint8 as a model of `data` sees it; ValueError with one sentence.

    28 x 28 grey levels that are no dark ink on paper are taken as they are: images of a data set and samples of a model.
    """
    grey = open_picture(file)
    return grey if grey.shape == (SIDE, SIDE) and not _on_paper(grey) else fit(ink_of(grey, data), data)


def read(file: bytes, data: str = "mnist") -> np.ndarray:
    """The bytes of a picture file -> its ink (h, w) uint8, bright on black; ValueError with one sentence for no picture and for no ink."""
    return ink_of(open_picture(file), data)


def ink_of(grey: np.ndarray, data: str = "mnist") -> np.ndarray:
    """Grey levels (H, W) uint8 -> ink (h, w) uint8, bright on black. ValueError where there is no ink.

    An even background (its level is the median of the border) is black or is made so by negation, and what differs from it by less than
    5 % becomes black. What has no even background is a photograph, of handwriting or of what else `data` shows.
    """
    edge = border(grey).astype(np.float32)
    background = np.median(edge)
    if grey.shape == (SIDE, SIDE) and background == 0:
        return grey.copy()  # already as the data sets are
    if not _even(edge, background, background <= 2 or data == "fashion_mnist"):
        ink = photograph.garment_of(grey) if data == "fashion_mnist" else photograph.ink_of(grey)
        if ink is None:
            raise ValueError(EMPTY)
        return ink
    ink = grey - background if background < 128 else background - grey
    most = ink.max()
    if most < 0.05 * 255:
        raise ValueError(EMPTY)
    return np.where(ink < 0.05 * most, 0, ink * (255 / most) + 0.5).astype(np.uint8)


def _even(edge: np.ndarray, background: float, crossed: bool) -> bool:
    """Whether a border shows no light, noise, lines or shadow. Clothes and ink on black may cross it; on paper, a shadow would."""
    off = np.abs(edge - background)
    between, far = np.mean((off > 2) & (off < 25)), np.mean(off >= 25)
    return bool(between <= 0.1 if crossed else between + far <= 0.002)


def _on_paper(grey: np.ndarray) -> bool:
    """Whether the border is bright all around, as paper is around ink; what a model drew has a border of any kind."""
    return bool(np.quantile(border(grey), 0.05) >= 100)


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
