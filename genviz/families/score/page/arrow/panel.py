"""A noisy picture under a slider, its score and what it is taken for; the length of the score at all noises."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genviz.families.score.page.shared import LARGEST, SMALLEST, Noise, noisy, short, text_of
from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture, Seed
from genviz.ui.widget import Widget

CURVE = 25  # noises at which the length of the score is asked for


class Arrow(Widget):
    """A noisy picture under a slider, its score and what it is taken for; the length of the score at all noises."""

    folder = "families/score/page/arrow"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.look, self.curve])
        self.engine = engine

    async def look(self, image: Picture, sigma: Noise, model: Model, data: Data, seed: Seed) -> dict:
        """An image in base64 -> x (at unit size) and x0_hat as bytes, the score as 784 numbers, and its length."""
        x = noisy(image, sigma, seed)
        x0_hat = await self.engine.call(model, data, "denoise", x, sigma=np.float32([sigma]))
        score = (x0_hat - x) / np.float32(sigma) ** 2
        norm = float(np.linalg.norm(score))
        return {"x": text_of(x / math.sqrt(1 + sigma**2)), "x0_hat": text_of(x0_hat), "score": short(score), "norm": norm}

    async def curve(self, image: Picture, model: Model, data: Data, seed: Seed) -> dict:
        """An image in base64 -> noises from the least to the largest, and the length of the score at each."""
        sigmas = np.geomspace(SMALLEST, LARGEST, CURVE, dtype=np.float32)
        norms = await self.engine.call(model, data, "norms", pictures.from_base64(image), sigmas, seed=seed)
        return {"sigmas": short(sigmas), "norms": short(norms)}
