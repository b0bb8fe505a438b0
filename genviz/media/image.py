"""Pictures: grey (1, H, W) or in colour (3, H, W), numbers in [-1, 1]. They travel as lossless PNG files of their own size.

The page sends a picture as its bytes, row by row, colours side by side, in base64 (`genviz.bytes64`).
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from genviz.data import Data
from genviz.data.exhibit import exhibit
from genviz.media import PICTURES, numbers
from genviz.plots import film as files
from genviz.plots import pictures

KINDS = PICTURES
WIDEST = {"png": 2000, "gif": 900, "mp4": 1280}  # pixels
LARGEST = {"png": 8, "gif": 6, "mp4": 8}  # enlargement of many images; one alone is shown twice as large
PAINTS = ("grey", "signed", "heat")


def read(name: str, value: Any, data: Data) -> np.ndarray:
    """A picture or a list of pictures as the page sends them -> (k, *shape) float32 in [-1, 1]; numbers, alone or in lists -> float32.

    ValueError with one sentence for anything else.
    """
    if isinstance(value, str):
        return pictures.from_base64(value, data.shape)
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return np.concatenate([pictures.from_base64(v, data.shape) for v in value])
    try:
        return np.array(value, np.float32)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"'{name}' must be images or numbers.") from None


def wire(shot: Any, before: Any, paints: dict[str, str], data: Data) -> dict:
    """One picture of all samples, and one more for each extra that is painted."""
    aux = {name: paint(shot.aux[name], how) for name, how in paints.items() if name in shot.aux and shot.aux[name].ndim >= 3}
    return {"sprite": pictures.sprite(shot.x), "side": shot.x.shape[-1], "aux": aux}


def plain(x: np.ndarray, data: Data) -> dict:
    """x (n, C, H, W) in [-1, 1] -> {"images": n PNG files in base64}."""
    return {"images": [base64.b64encode(pictures.png(pictures.grid(one[None]))).decode() for one in x]}


def call(value: Any, data: Data) -> str:
    """What a walk was given as Python: a number, or a test image by its place in the exhibit. ValueError for a picture without a name."""
    if not isinstance(value, str):
        return numbers(value)
    pixels = np.rint((pictures.from_base64(value, data.shape)[0, 0] + 1) * 127.5).astype(np.uint8)
    try:
        places = np.flatnonzero((exhibit(data.name)[0] == pixels).all((1, 2)))
    except KeyError:  # a data set of one's own has no exhibit
        places = []
    if not len(places):
        raise ValueError("This film starts from a picture that is no test image, such as a drawing; no call in Python can name it.")
    return f'exhibit({json.dumps(data.name)})[0][{places[0]}, None, None].astype("float32") / 127.5 - 1'


def panes(
    shot: Any, rows: list[tuple[str, str, str]], only: int | None, columns: int, kind: str, abreast: int, data: Data
) -> list[tuple[str, np.ndarray]]:
    """The samples and the extras that `rows` name (name, paint, label), each as one picture, enlarged by a whole number.

    `only` is one sample alone, `columns` how the samples stand, `abreast` how many films share the width.
    """
    found = []
    for name, how, label in rows:
        x = shot.aux.get(name) if name else shot.x
        if x is None or x.ndim != 4:
            raise ValueError(f"This film has no pictures '{name:.40}'.")
        cells = painted(x, how, columns=1)
        cells = cells.reshape(len(x), *x.shape[-2:], *cells.shape[2:])
        cells, across = (cells, min(columns, len(cells))) if only is None else (cells[only : only + 1], 1)
        wide = max(across, -(-len(cells) // across)) * (cells.shape[2] + files.GAP) - files.GAP
        zoom = max(1, min(LARGEST[kind] * (2 if len(cells) == 1 else 1), WIDEST[kind] // (wide * max(abreast, min(len(rows), 4)))))
        found.append((label, files.lay(cells, across, zoom)))
    return found


def paint(x: np.ndarray, how: str) -> str:
    """Numbers as a picture that a page shows at once; see `painted`."""
    return pictures.data_url(pictures.png(painted(x, how)))


def painted(x: np.ndarray, how: str, columns: int | None = None) -> np.ndarray:
    """Numbers (n, C, H, W) as one picture (rows * H, columns * W) uint8, with three colours behind it where it has any.

    "grey" for [-1, 1], in its colours where there are three; "signed" or "signed:3" for a heat map with a sign (full colour at 3), "heat"
    or "heat:0.69" for one from 0 up.
    """
    kind, _, limit = how.partition(":")
    bound = float(limit) if limit else None
    if kind == "signed":
        return pictures.signed(x, columns, bound)
    if kind == "heat":
        return pictures.heat(x, columns, bound)
    return pictures.grid(x, columns)
