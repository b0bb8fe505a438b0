"""The bound of one picture: reconstruction, KL, the gap that more draws close, and the nats of every latent and pixel."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from genviz.families.vae.page.shared import AVERAGED, DRAWS, Parts, grey_of, text_of
from genviz.ui.field import Data, Model, Picture, Seed

IW = 500  # draws of the tighter bound of one picture
ACTIVE = 0.01  # nats that a latent dimension must carry on average to count as active


class Split(Parts):
    """The bound of one picture: reconstruction, KL, the gap that more draws close, and the nats of every latent and pixel."""

    folder = "families/vae/page/split"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.split, self.mean])

    async def split(self, image: Picture, model: Model, data: Data, seed: Seed) -> dict:
        """One image in base64 -> x, y, the parts of its bound, its IW-500 bound, and -log p of every pixel (784) given z = mu."""
        x = await self.black_and_white(grey_of(image), model, data, seed)
        one, tight = await asyncio.gather(
            self.one(x, model, data, seed), self.engine.call(model, data, "importance_weighted", x, k=IW, seed=seed)
        )
        right = np.clip((1 + x * one["y"]) / 2, 1e-7, 1)  # probability given to what the pixel is
        return {
            **one, "x": text_of(x), "y": text_of(one["y"]), "tight": float(tight[0]), "k": IW, "draws": DRAWS, "active": ACTIVE,
            "pixels": (-np.log(right)).ravel().round(4).tolist(),
        }  # fmt: skip

    async def mean(self, model: Model, data: Data) -> dict:
        """Averages over test pictures, to compare one picture with."""
        return {**await self.average(model, data), "n": AVERAGED}
