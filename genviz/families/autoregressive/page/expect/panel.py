"""A picture, what the model expected of each pixel, how uncertain it was, how surprised, and the distribution of the pixel under the
pointer.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture
from genviz.ui.widget import Widget


class Expect(Widget):
    """A picture, what the model expected of each pixel, how uncertain it was, how surprised, and the distribution of the pixel under the
    pointer."""

    folder = "families/autoregressive/page/expect"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.expect])
        self.engine = engine

    async def expect(self, image: Picture, model: Model, data: Data) -> dict:
        """One image in base64 -> p(level | earlier pixels) of every pixel: float32 (levels, 784) in base64, and the number of levels."""
        p = await self.engine.call(model, data, "conditional", pictures.from_base64(image))
        return {"p": base64.b64encode(np.ascontiguousarray(p[0], np.float32).tobytes()).decode(), "levels": p.shape[1]}
