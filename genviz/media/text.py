"""Text: numbers of characters (L,) in the alphabet of its data set, as long as it has become. It travels as text, and only what is new.

A number outside the alphabet is a place that is not written yet (a mask) and shows as BLANK.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from genviz.data import Data
from genviz.media import PICTURES, numbers

KINDS = {"txt": "text/plain; charset=utf-8", **PICTURES}
BLANK = "\u2591"
LONGEST = 2000  # characters that are handed in
COLUMNS, LINES = 64, 36  # of a picture of text
SIZE, ROW, INK, PAPER = 16, 21, 40, 255


def read(name: str, value: Any, data: Data) -> np.ndarray:
    """A text -> (1, L) float32, the numbers of its characters; numbers, alone or in lists -> float32. ValueError with one sentence for a
    character that the data set does not have."""
    if isinstance(value, str):
        text = value.replace("\r\n", "\n")
        if not 1 <= len(text) <= LONGEST:
            raise ValueError(f"'{name}' must have 1 to {LONGEST:,} characters, not {len(text):,}.")
        strange = sorted(set(text) - set(data.alphabet))
        if strange:
            raise ValueError(f"{data.title} has no {strange[0]!r}; it is written in {shown(data.alphabet)}.")
        return np.array([[data.alphabet.index(c) for c in text]], np.float32)
    try:
        return np.array(value, np.float32)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"'{name}' must be text or numbers.") from None


def shown(alphabet: str) -> str:
    """An alphabet in a sentence."""
    return " ".join({"\n": "line breaks", " ": "blanks"}.get(c, c) for c in alphabet)


def write(x: np.ndarray, data: Data) -> list[str]:
    """x (n, L) -> n texts."""
    letters = [*data.alphabet, BLANK]
    index = np.nan_to_num(np.rint(np.asarray(x, np.float64)), nan=-1)
    index = np.where((index >= 0) & (index < len(data.alphabet)), index, len(data.alphabet)).astype(int)
    return ["".join(letters[i] for i in row) for row in index]


def wire(shot: Any, before: Any, paints: dict[str, str], data: Data) -> dict:
    """{"text": what is new of each sample, "from": how many of its characters stand before that}, and the extras that the view shows:
    "next", the likeliest next characters of the first sample with their probabilities, and "attention" as a heat of its characters."""
    same = 0
    if before is not None and before.x.shape[0] == shot.x.shape[0]:
        least = min(before.x.shape[1], shot.x.shape[1])
        same = int(np.append((before.x[:, :least] == shot.x[:, :least]).all(0), False).argmin())
    told: dict[str, Any] = {"text": write(shot.x[:, same:], data), "from": same, "length": int(shot.x.shape[1])}
    if "next" in shot.aux:  # (n, K) probabilities
        p = np.asarray(shot.aux["next"][0], np.float64)
        told["next"] = [[data.alphabet[i], round(float(p[i]), 4)] for i in np.argsort(-p)[:8] if p[i] > 0]
    if "attention" in shot.aux:  # (n, L) weights of the places before
        told["attention"] = np.asarray(shot.aux["attention"][0], np.float64).round(3).tolist()
    return told


def plain(x: np.ndarray, data: Data) -> dict:
    """x (n, L) -> {"texts": n strings}."""
    return {"texts": write(x, data)}


def call(value: Any, data: Data) -> str:
    """What a walk was given as Python: a text is its own name."""
    return json.dumps(value) if isinstance(value, str) else numbers(value)


def file(kind: str, x: np.ndarray, data: Data) -> bytes:
    """The texts as a file, a line of dashes between two."""
    return ("\n" + "-" * 40 + "\n").join(write(x, data)).encode() + b"\n"


def panes(
    shot: Any, rows: list[tuple[str, str, str]], only: int | None, columns: int, kind: str, abreast: int, data: Data
) -> list[tuple[str, np.ndarray]]:
    """The first sample, or the chosen one, in type; of a long text the last lines."""
    lines = broken(write(shot.x, data)[only or 0])[-LINES:]
    font = ImageFont.load_default(SIZE)
    tall = LINES if kind != "png" else max(len(lines), 4)  # all pictures of a film have one size
    image = Image.new("L", (COLUMNS * SIZE * 6 // 10, tall * ROW), PAPER)
    pen = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        pen.text((4, row * ROW), line, INK, font)
    return [("", np.asarray(image)[..., None].repeat(3, 2))]


def broken(text: str) -> list[str]:
    """Lines of at most COLUMNS characters."""
    return [line[i : i + COLUMNS] for line in text.split("\n") for i in range(0, max(len(line), 1), COLUMNS)]
