"""What the panels of this family share."""

from __future__ import annotations

import base64
from typing import Annotated

import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Number

SMALLEST, LARGEST = 0.01, 50.0  # noises that may be chosen
Noise = Annotated[float, Number(SMALLEST, LARGEST)]


def noisy(image: str, sigma: float, seed: int) -> np.ndarray:
    """An image in base64 with noise of size sigma, float32 (1, 1, 28, 28); a seed stands for one eps."""
    x = pictures.from_base64(image)
    return x + np.float32(sigma) * np.random.default_rng(seed).standard_normal(x.shape, np.float32)


def text_of(x: np.ndarray) -> str:
    return base64.b64encode(pictures.grid(x)).decode()


def short(x: np.ndarray) -> list[float]:
    return [float(f"{v:.3g}") for v in x.ravel()]
