"""Where one step of learning lowers the energy and where it raises it, and the difference of the two."""

from __future__ import annotations

from typing import Annotated, Any

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture, Seed, Whole
from genviz.ui.widget import Widget

LONGEST = 400  # steps of the chain between the two phases


class Phases(Widget):
    """Where one step of learning lowers the energy and where it raises it, and the difference of the two."""

    folder = "families/ebm/page/phases"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.phases])
        self.engine = engine

    async def phases(self, image: Picture, model: Model, data: Data, seed: Seed, steps: Annotated[int, Whole(1, LONGEST)]) -> dict:
        """One image in base64 -> for "data" and "model": energy, and y, slope, x0_hat with 784 numbers each."""
        x = pictures.from_base64(image)
        answer = await self.engine.call(model, data, "phases", x, knobs={"steps": steps}, seed=seed)
        sides = {
            side: {"energy": float(answer[f"energy_{side}"][0])}
            | {kind: answer[f"{kind}_{side}"].ravel().round(3).tolist() for kind in ("y", "slope", "x0_hat")}
            for side in ("data", "model")
        }
        return {**sides, "steps": steps}
