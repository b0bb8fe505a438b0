"""Points in the plane (2,). They travel as float32 numbers, x, y, x, y, ..."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from genviz.data import Data
from genviz.media import PICTURES, numbers
from genviz.plots import film as files

KINDS = PICTURES
HALF = 3.0  # points are drawn in [-3, 3] squared
PICTURE = "This film starts from a picture, of which there are none among points."


def read(name: str, value: Any, data: Data) -> np.ndarray:
    """Numbers, alone or in lists -> float32; ValueError with one sentence for anything else."""
    if isinstance(value, str):
        raise ValueError(PICTURE)
    try:
        return np.array(value, np.float32)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"'{name}' must be points or numbers.") from None


def wire(shot: Any, before: Any, paints: dict[str, str], data: Data) -> dict:
    return {"points": base64.b64encode(shot.x.tobytes()).decode()}


def plain(x: np.ndarray, data: Data) -> dict:
    """x (n, 2) -> {"points": n pairs of numbers}."""
    return {"points": x.tolist()}


def call(value: Any, data: Data) -> str:
    """What a walk was given as Python."""
    if isinstance(value, str):
        raise ValueError(PICTURE)
    return numbers(value)


def panes(
    shot: Any, rows: list[tuple[str, str, str]], only: int | None, columns: int, kind: str, abreast: int, data: Data
) -> list[tuple[str, np.ndarray]]:
    """All points as dots on one picture."""
    return [("", files.scatter(shot.x, HALF))]
