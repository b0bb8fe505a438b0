"""log p of one picture in bits per dimension, measured as often as wanted; every probe is a dot."""

from __future__ import annotations

import math
from typing import Annotated, Any

from genviz.plots import pictures
from genviz.ui.field import Choice, Data, Model, Picture, Seed, Whole
from genviz.ui.widget import Widget

BITS = 28 * 28 * math.log(2)  # nats that are one bit per dimension
SOLVERS = {
    "rk4-5": {"steps": 5}, "rk4-10": {"steps": 10}, "rk4-20": {"steps": 20}, "rk4-40": {"steps": 40},
    "dopri5-2": {"tolerance": 1e-2}, "dopri5-3": {"tolerance": 1e-3}, "dopri5-4": {"tolerance": 1e-4}, "dopri5-5": {"tolerance": 1e-5},
}  # fmt: skip
Solver = Annotated[str, Choice(tuple(SOLVERS))]
Probes = Annotated[int, Whole(1, 8)]


class Likelihood(Widget):
    """log p of one picture in bits per dimension, measured as often as wanted; every probe is a dot."""

    folder = "families/score/page/likelihood"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.measure])
        self.engine = engine

    async def measure(self, image: Picture, solver: Solver, probes: Probes, model: Model, data: Data, seed: Seed) -> dict:
        """An image in base64 -> bits per dimension by each probe, and the network evaluations that each of them took."""
        answer = await self.engine.call(
            model, data, "likelihood", pictures.from_base64(image), probes=probes, seed=seed, timeout=120.0, **SOLVERS[solver]
        )
        return {"bits": (-answer["nats"][:, 0] / BITS).round(5).tolist(), "nfe": int(answer["nfe"])}
