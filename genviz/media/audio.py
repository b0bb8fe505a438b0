"""Sound: one channel of numbers (L,) in [-1, 1], `rate` a second. It travels as 16-bit numbers, and only what is new; files are WAV."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import numpy as np

from genviz.data import Data
from genviz.media import PICTURES, numbers

KINDS = {"wav": "audio/wav", **PICTURES}
LONGEST = 10  # seconds that are handed in
WIDE, TALL, LINE, PAPER, AXIS = 900, 140, (214, 84, 20), 255, (200, 208, 216)  # of a picture of a sound


def read(name: str, value: Any, data: Data) -> np.ndarray:
    """A WAV file in base64 -> (1, L) float32 at the data set's rate; numbers, alone or in lists -> float32. Else a ValueError."""
    if isinstance(value, str):
        return heard(name, value, data.rate)[None]
    try:
        return np.array(value, np.float32)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"'{name}' must be a WAV file or numbers.") from None


def heard(name: str, text: str, rate: int) -> np.ndarray:
    """A WAV file of 8 or 16 bits in base64 -> (L,) float32 in [-1, 1], its channels averaged, at `rate` samples a second."""
    try:
        with wave.open(io.BytesIO(base64.b64decode(text.rpartition(",")[2], validate=True)), "rb") as file:
            width, channels, own, count = file.getsampwidth(), file.getnchannels(), file.getframerate(), file.getnframes()
            if width not in (1, 2) or not 1 <= channels <= 8 or not 1000 <= own <= 200_000:
                raise ValueError
            held = file.readframes(min(count, LONGEST * own))
    except (ValueError, EOFError, wave.Error, MemoryError):
        raise ValueError(f"'{name}' must be a WAV file of 8 or 16 bits, in base64.") from None
    x = np.frombuffer(held[: len(held) // (width * channels) * width * channels], np.uint8 if width == 1 else "<i2").astype(np.float32)
    x = (x - 128) / 128 if width == 1 else x / 32768
    x = x.reshape(-1, channels).mean(1)
    if not len(x):
        raise ValueError(f"There is no sound in '{name}'.")
    if own == rate:
        return x
    times = np.arange(max(1, round(len(x) * rate / own))) / rate
    return np.interp(times, np.arange(len(x)) / own, x).astype(np.float32)


def _numbers(x: np.ndarray) -> np.ndarray:
    """[-1, 1] -> 16-bit numbers; what lies outside is clipped."""
    return (np.clip(np.nan_to_num(x), -1, 1) * 32767).round().astype("<i2")


def wire(shot: Any, before: Any, paints: dict[str, str], data: Data) -> dict:
    """{"audio": 16-bit numbers of what is new, sample by sample, in base64, "from": how many stand before that, "length", "rate"}."""
    same = 0
    if before is not None and before.x.shape[0] == shot.x.shape[0] and before.x.shape[1] <= shot.x.shape[1]:
        least = before.x.shape[1]
        same = least if (before.x == shot.x[:, :least]).all() else 0
    told = {"audio": base64.b64encode(_numbers(shot.x[:, same:]).tobytes()).decode(), "from": same}
    told |= {"length": int(shot.x.shape[1]), "rate": data.rate}
    if "next" in shot.aux:  # (n, K) probabilities of the next value
        told["next"] = np.asarray(shot.aux["next"][0], np.float64).round(4).tolist()
    return told


def plain(x: np.ndarray, data: Data) -> dict:
    """x (n, L) -> {"sounds": n WAV files in base64}."""
    return {"sounds": [base64.b64encode(file("wav", one[None], data)).decode() for one in x]}


def call(value: Any, data: Data) -> str:
    """What a walk was given as Python."""
    if isinstance(value, str):
        raise ValueError("This film starts from a sound; no call in Python can name it.")
    return numbers(value)


def file(kind: str, x: np.ndarray, data: Data) -> bytes:
    """The sounds one after the other as a WAV file, a quarter of a second between two."""
    pause = np.zeros(data.rate // 4, np.float32)
    parts = [part for one in x for part in (pause, one)][1:]
    box = io.BytesIO()
    with wave.open(box, "wb") as out:
        out.setnchannels(1), out.setsampwidth(2), out.setframerate(data.rate)
        out.writeframes(_numbers(np.concatenate(parts)).tobytes())
    return box.getvalue()


def panes(
    shot: Any, rows: list[tuple[str, str, str]], only: int | None, columns: int, kind: str, abreast: int, data: Data
) -> list[tuple[str, np.ndarray]]:
    """The wave of each sample, or of the chosen one, from the lowest to the highest number that each column of pixels covers."""
    chosen = shot.x if only is None else shot.x[only : only + 1]
    return [("", np.concatenate([waveform(x) for x in chosen]))]


def waveform(x: np.ndarray) -> np.ndarray:
    """(L,) -> (TALL, WIDE, 3) uint8."""
    picture = np.full((TALL, WIDE, 3), PAPER, np.uint8)
    picture[TALL // 2] = AXIS
    if not len(x):
        return picture
    edges = np.linspace(0, len(x), WIDE + 1).astype(int)
    y = ((1 - np.clip(np.nan_to_num(x), -1, 1)) / 2 * (TALL - 1)).round().astype(int)
    for column in range(WIDE):
        part = y[max(0, edges[column] - 1) : max(edges[column + 1], edges[column] + 1)]  # joined to the column before
        picture[part.min() : part.max() + 1, column] = LINE
    return picture
