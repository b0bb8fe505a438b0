"""One picture to z and back: error, z per scale, the sum that is its log-density, and the share of every layer."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture, Seed
from genviz.ui.widget import Widget

K = 16  # draws of the noise for the tighter bound, as in the tables


class Inside(Widget):
    """One picture to z and back: error, z per scale, the sum that is its log-density, and the share of every layer."""

    folder = "families/flow/page/inside"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.invert])
        self.engine = engine

    async def invert(self, image: Picture, model: Model, data: Data, seed: Seed) -> dict:
        """One image in base64 -> pictures in base64, z (784), and the sum in nats; see Flow.invert for the names."""
        x = pictures.from_base64(image)
        found, tight = await asyncio.gather(
            self.engine.call(model, data, "invert", x, seed=seed), self.engine.call(model, data, "importance_weighted", x, k=K, seed=seed)
        )
        log_prior, ladj = found["log_prior"][0], found["ladj"][0]
        dims = x.size
        return {
            **{name: base64.b64encode(pictures.grid(found[name])).decode() for name in ("noisy", "back")},
            "z": found["z"].ravel().round(3).tolist(), "error": str(found["error"][0]), "same": bool(found["same"][0]),
            "log_prior": log_prior.tolist(), "prior": float(log_prior.sum()), "typical": -dims / 2 * float(np.log(2 * np.pi) + 1),
            "ladj": ladj.tolist(), "names": found["names"], "ladj_sum": float(ladj.sum()), "log_prob": float(found["log_prob"][0]),
            "log_q": float(found["log_q"][0]), "tight": float(tight[0]), "k": K, "dims": dims,
        }  # fmt: skip
