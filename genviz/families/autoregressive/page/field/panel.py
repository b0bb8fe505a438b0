"""Click a pixel: which pixels could change the model's mind about it, for two stacks and for the naive mask."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from genviz.ui.field import Data, Model, Whole
from genviz.ui.widget import Widget

Place = Annotated[int, Whole(0, 27)]  # of a pixel in its row or column


class Field(Widget):
    """Click a pixel: which pixels could change the model's mind about it, for two stacks and for the naive mask."""

    folder = "families/autoregressive/page/field"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.field])
        self.engine = engine

    async def field(self, row: Place, column: Place, model: Model, data: Data) -> dict:
        """|d logit / d input| of a pixel, 784 numbers each: "gated" of the model, "naive" of the naively masked stack; largest is 1."""
        answer = {}
        for name, gated in (("gated", True), ("naive", False)):
            field = await self.engine.call(model, data, "receptive_field", row=row, column=column, gated=gated)
            answer[name] = [float(f"{v:.3g}") for v in np.asarray(field).ravel()]
        return answer
