"""The history of a training as its file holds it, read with numpy alone: the page that shows it has no torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genviz import file as files


def history(card: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What genviz.training.history kept of the training of a card (a Card as a dictionary); ValueError where there is nothing."""
    root = files.home() / "models" if card.get("own") else Path(os.environ.get("GENVIZ_PRETRAINED", files.shipped()))
    file = root / card["family"] / f"{card['model']}-{card['data']}.history.safetensors"
    if not card["history_sha256"] or not file.exists():
        raise ValueError(
            f"No history was kept of the training of {card['family']}/{card['model']} on {card['data']}; train it again to see one."
        )
    if hashlib.sha256(files.content(file)).hexdigest() != card["history_sha256"]:
        raise ValueError(f"{file.name} does not have the sha256 of its card: it is damaged or was replaced.")
    return files.read_arrays(file)[0]


def bins(real: np.ndarray, fake: np.ndarray, count: int = 48) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Histograms of scores (moments, N) on one axis: its ends, and shares (moments, count) of the real and of the generated pictures.

    The axis leaves out one score in a hundred at each end, which are counted in the outermost bins.
    """
    low, high = np.percentile(np.concatenate([real, fake]), [1, 99])
    edges = np.linspace(low, max(high, low + 1e-6), count + 1)
    shares = [np.stack([np.histogram(row.clip(edges[0], edges[-1]), edges)[0] / len(row) for row in scores]) for scores in (real, fake)]
    return [float(edges[0]), float(edges[-1])], *shares
