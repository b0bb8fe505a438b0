"""What the panels of this family share."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from genviz.data.exhibit import exhibit
from genviz.plots import pictures
from genviz.ui.once import Once
from genviz.ui.widget import Widget

AVERAGED = 1000  # test pictures behind an average
DRAWS = 64  # draws of z behind the reconstruction term of one picture


class Parts(Widget):
    """Server functions that both widgets share."""

    def __init__(self, engine: Any, value: dict, server: list[Callable]):
        super().__init__(value, server=server)
        self.engine = engine
        self.once = Once()

    async def black_and_white(self, x: np.ndarray, model: str, data: str, seed: int) -> np.ndarray:
        """Grey pictures (B, 1, 28, 28) uint8 -> -1 or 1, float32, as in training."""
        return await self.engine.call(model, data, "prepare", x, seed=seed)

    async def average(self, model: str, data: str) -> dict:
        """Means over the first AVERAGED pictures of the exhibit, in nats: reconstruction, kl, each (z_dim). Computed once per model."""
        return await self.once((model, data), lambda: self._average(model, data))

    async def _average(self, model: str, data: str) -> dict:
        grey = np.ascontiguousarray(exhibit(data)[0][:AVERAGED, None])
        x = await self.black_and_white(grey, model, data, 0)
        reconstruction, kl, each = await self.engine.call(model, data, "parts", x, seed=0)
        return {"reconstruction": float(reconstruction.mean()), "kl": float(kl.mean()), "each": each.mean(0).round(4).tolist()}

    async def one(self, x: np.ndarray, model: str, data: str, seed: int) -> dict:
        """A black and white picture (1, 1, 28, 28) -> y (the mean picture, at z = mu), reconstruction (mean of DRAWS draws), kl, each."""
        many = np.broadcast_to(x, (DRAWS, *x.shape[1:]))
        (reconstruction, kl, each), y = await asyncio.gather(
            self.engine.call(model, data, "parts", many, seed=seed), self.engine.call(model, data, "reconstruct", x)
        )
        return {"y": y, "reconstruction": float(reconstruction.mean()), "kl": float(kl[0]), "each": each[0].round(4).tolist()}


def grey_of(image: str) -> np.ndarray:
    """An image in base64 -> (1, 1, 28, 28) uint8."""
    return np.round((pictures.from_base64(image) + 1) * 127.5).astype(np.uint8)


def text_of(x: np.ndarray) -> str:
    return base64.b64encode(pictures.grid(x)).decode()
