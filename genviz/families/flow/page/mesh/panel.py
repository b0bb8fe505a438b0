"""The mesh of the prior, taken back through the couplings of the flow in the plane."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from genviz.data.plane import truth
from genviz.ui.field import PointData
from genviz.ui.widget import Widget

LINES, PLACES, REACH, HALF = 25, 97, 2.4, 3.0  # of the mesh: lines each way, points of a line, how far they go in z, half of what is seen
SHOWN = 1000  # test points under the mesh


class Mesh(Widget):
    """The mesh of the prior, taken back through the couplings of the flow in the plane."""

    folder = "families/flow/page/mesh"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.mesh])
        self.engine = engine

    async def mesh(self, data: PointData) -> dict:
        """x of the corners of the mesh before any and after every coupling undone, float32 in base64, and test points."""
        a, b = np.meshgrid(np.linspace(-REACH, REACH, LINES), np.linspace(-REACH, REACH, PLACES), indexing="ij")
        z = np.concatenate([np.stack([a, b], -1), np.stack([b, a], -1)]).reshape(-1, 2).astype(np.float32)
        x = await self.engine.call("flow/plane", data, "warp", z, back=True)
        points = truth(data)[0][:SHOWN]
        sent = {name: base64.b64encode(np.ascontiguousarray(v, np.float32)).decode() for name, v in (("x", x), ("points", points))}
        return {**sent, "steps": len(x) - 1, "lines": LINES, "places": PLACES, "half": HALF}
