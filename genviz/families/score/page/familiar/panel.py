"""One noisy picture, asked of a diffusion model and of a score-based one: three views of each, and their difference."""

from __future__ import annotations

import asyncio
import math
from typing import Annotated, Any

import numpy as np

from genviz.families.score.page.shared import Noise, noisy, short, text_of
from genviz.ui.field import Data, Picture, Seed, Whole
from genviz.ui.widget import Widget

DIFFUSION, SCORE = "diffusion/ddpm", "score/score"


def _rms(x: np.ndarray) -> float:
    return float(f"{np.sqrt(np.square(x).mean()):.3g}")


class Familiar(Widget):
    """One noisy picture, asked of a diffusion model and of a score-based one: three views of each, and their difference."""

    folder = "families/score/page/familiar"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.both])
        self.engine = engine

    async def both(self, image: Picture, sigma: Noise, label: Annotated[int, Whole(-1, 9)], data: Data, seed: Seed) -> dict:
        """An image in base64 -> x as bytes; of "diffusion", "score" and "difference" the views x0_hat, eps_hat and score, 784 numbers
        each; and the root mean squares "size" of the diffusion model's views and "apart" of the differences."""
        x, sigmas = noisy(image, sigma, seed), np.float32([sigma])
        told = {} if label < 0 else {"label": np.int64([label])}
        guesses = await asyncio.gather(*(self.engine.call(name, data, "denoise", x, sigma=sigmas, **told) for name in (DIFFUSION, SCORE)))
        views = [{"x0_hat": g, "eps_hat": (x - g) / sigmas, "score": (g - x) / sigmas**2} for g in guesses]
        difference = {name: views[1][name] - views[0][name] for name in views[0]}
        rows = {"diffusion": views[0], "score": views[1], "difference": difference}
        return {
            "x": text_of(x / math.sqrt(1 + sigma**2)),
            **{row: {name: short(view) for name, view in one.items()} for row, one in rows.items()},
            "size": {name: _rms(view) for name, view in views[0].items()},
            "apart": {name: _rms(view) for name, view in difference.items()},
        }
