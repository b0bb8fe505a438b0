"""Which pictures does a model find likely? Its own, one hopes; often it is those of another data set.

A model trained on clothes gives digits, which it has never seen, a higher likelihood than clothes (Nalisnick et al. 2019, "Do deep
generative models know what they don't know?", arXiv 1810.09136). One command scores training images, test images and the test images of the
other data set with every model that has a likelihood, exact or bounded, and with two that have no network: a table of counts and the PNG
file format. The scores are shipped as plain arrays bound to the weights; the app draws them and scores new pictures beside them.

    python -m genviz.likelihoods                  # everything, some ten minutes on one core
    python -m genviz.likelihoods vae/vae mnist    # one model
    python -m genviz.likelihoods --missing        # models that are new, or trained anew
    python -m genviz.likelihoods --table          # print what is there

Three scores are compared, all in bits per picture, higher = "one of ours": log2 p(x); the same plus the bits of the picture's PNG file
(metrics/complexity.py); the same less log2 p(x) of the counting model (metrics/counting.py). A model of black and white pictures and
both corrections see one draw of the binarised picture; a model of few grey levels is filled in to 256, so that all see the same bytes.

This module reads the scores, and needs no torch; `measure.py` makes them.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from genviz import checkpoint
from genviz import file as files
from genviz.data import DATA, of
from genviz.file import FileError
from genviz.metrics.counting import Counted, fill
from genviz.metrics.detection import auroc

SEED = 0  # of all draws
SETS = ("train", "test", "other")
CORRECTIONS = ("raw", "png", "ratio")
BASELINES = {
    "counting/grey": "Counting, 256 grey levels",
    "counting/binary": "Counting, black and white",
    "counting/png": "PNG, the file format",
}  # models without a network; the last "believes" that p(x) = 2^-bits of the file


@dataclass(frozen=True)
class Scores:
    """What a model says of three sets: `sets[name]` (3, N) float32, rows log2 p(x), PNG bits and log2 p(x) of the counting model.

    `filled` (256,) is log2 p(byte | level), to be added for a picture of bytes; zeros where nothing is filled in. `about` tells the
    protocol: model, data, other, sha256 of the weights, kind, n, seed, seen, ms; all text.
    """

    sets: dict[str, np.ndarray]
    filled: np.ndarray
    about: dict[str, str]

    def score(self, correction: str, which: str) -> np.ndarray:
        return corrected(correction, *self.sets[which])

    def auroc(self, correction: str) -> float:
        """How well a score tells test images from those of the other data set (metrics/detection.py)."""
        return auroc(self.score(correction, "test"), self.score(correction, "other"))


def corrected(correction: str, bits: Any, png: Any, background: Any) -> Any:
    """One of CORRECTIONS of log2 p(x), PNG bits and log2 p of the counting model: numbers or arrays."""
    return bits if correction == "raw" else bits + png if correction == "png" else bits - background


def other(data: str) -> str:
    """The data set that a model of `data` has not seen."""
    return DATA[data].foil


# ---- what is shipped -----------------------------------------------------------------------------------------------------------------


def path(name: str, data: str) -> Path:
    """Where the scores of "family/model" on a data set are kept."""
    return checkpoint.root_of(name, data) / "likelihood" / f"{name.replace('/', '-')}-{data}.safetensors"


def read(name: str, data: str, sha256: str) -> Scores:
    """The shipped scores; ValueError with one sentence where there are none, or where they tell of other weights than `sha256`."""
    file = path(name, data)
    command = "python -m genviz.likelihoods" + ("" if name in BASELINES else f" {name} {data}")
    if not file.exists():
        raise ValueError(f"{name} on {data} is not scored yet; do it with: {command}")
    status = file.stat()
    try:
        found = _read(file, status.st_size, status.st_mtime_ns)
    except FileError as error:
        raise ValueError(f"The scores cannot be read ({error}); make them again with: {command}") from None
    if found.about["sha256"] != sha256:
        raise ValueError(f"{file.name} tells of other weights of {name}; make it again with: {command}")
    return found


@lru_cache(maxsize=64)
def _read(file: Path, size: int, changed: int) -> Scores:
    held, about = files.read_arrays(file)
    try:
        arrays = {key: held[key].astype(np.float32) for key in (*SETS, "filled")}
        whole = arrays["filled"].shape == (256,) and all(arrays[k].ndim == 2 and len(arrays[k]) == 3 and arrays[k].size for k in SETS)
        whole = whole and all(np.isfinite(v).all() for v in arrays.values()) and float(about["ms"]) >= 0
        told = {key: about[key] for key in ("model", "data", "other", "sha256", "n", "seen", "kind")}
    except (KeyError, ValueError, TypeError) as error:
        raise FileError(f"{files.shown(file)} lacks {error}") from None
    if not whole or not all(told.values()):
        raise FileError(f"{files.shown(file)} holds no scores")
    return Scores({key: arrays[key] for key in SETS}, arrays["filled"], about)


def table_path(data: str) -> Path:
    return checkpoint.PRETRAINED / "likelihood" / f"counts-{data}.safetensors"


def table_hash(data: str) -> str:
    """sha256 of the counts of a data set, the "weights" of the models without a network; "" where there are none to be read."""
    try:
        return hashlib.sha256(files.content(table_path(data))).hexdigest()
    except FileError:
        return ""


@lru_cache(maxsize=4)
def counted(data: str) -> tuple[dict[str, Counted], np.ndarray]:
    """The counting models "grey" and "binary" of a data set, and how often it has each byte (256,); FileError without a whole file."""
    command = "make it with: python -m genviz.likelihoods"
    arrays, _ = files.read_arrays(table_path(data), f"{files.shown(table_path(data))} is missing; {command}")
    try:
        planes = np.frombuffer(zlib.decompress(arrays["grey"].tobytes()), np.uint8).reshape(4, -1)
        grey = np.ascontiguousarray(planes.T).view("<u4")[:, 0].astype(np.int64)
        models = {"grey": Counted(grey, 16, fill(arrays["bytes"], np.arange(256) // 16)), "binary": Counted(arrays["binary"], 2)}
    except (KeyError, ValueError, TypeError, IndexError, zlib.error) as error:
        raise FileError(f"{files.shown(table_path(data))} is damaged ({error}); {command}") from None
    return models, arrays["bytes"]


def scored(data: str) -> list[tuple[str, str]]:
    """Name and sha256 of everything that has or could have scores on a data set: the baselines and every trained model of images."""
    return [*((name, table_hash(data)) for name in BASELINES), *((c.name, c.sha256) for c in checkpoint.cards() if c.data == data)]


def table() -> str:
    """AUROC of test images against those of the other data set, for all that is scored."""
    rows = [("model", "trained on", "against", "raw", "+ PNG bits", "ratio", "kind", "images", "pictures")]
    for data, (name, sha256) in ((d, item) for d in of("image") for item in scored(d)):
        try:
            found = read(name, data, sha256)
        except ValueError:
            continue
        figures = [f"{found.auroc(c):.4f}" for c in CORRECTIONS]
        rows.append((name, data, found.about["other"], *figures, found.about["kind"], found.about["n"], found.about["seen"]))
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" | ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], " | ".join("-" * w for w in wide), *lines[1:]])


def has(name: str, data: str, sha256: str) -> bool:
    """Whether there are scores of these weights."""
    try:
        return bool(read(name, data, sha256))
    except ValueError:
        return False
