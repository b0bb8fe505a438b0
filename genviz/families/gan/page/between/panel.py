"""The ways between two draws of z: along a line, along an arc, and, as the contrast, in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from genviz.families.gan.page.shared import Asking, Class
from genviz.plots import pictures
from genviz.ui.field import Data, Model, Seed
from genviz.ui.panels.interpolation import STEPS, linear, spherical


class Between(Asking):
    """The ways between two draws of z: along a line, along an arc, and, as the contrast, in pixels."""

    folder = "families/gan/page/between"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.between])

    async def between(self, model: Model, data: Data, seed: Seed, other: Seed, label: Class) -> dict:
        """A sprite of three rows (line, arc, pixel blend) with STEPS columns between the draws of two seeds, their lengths and angle."""
        z_dim, t = self.z_dim(model), np.linspace(0, 1, STEPS, dtype=np.float32)
        a, b = (np.random.default_rng(s).standard_normal(z_dim).astype(np.float32) for s in (seed, other))
        told = self.told(model, np.full(STEPS, label))
        if kinds := self.value["kinds"].get(model):  # from the kind that the one seed says to that of the other
            of = [s % kinds for s in (seed, other)]
            told = {"kind": linear(*np.eye(kinds, dtype=np.float32)[of], t)}
        line, arc = [await self.engine.call(model, data, "decode", way(a, b, t).astype(np.float32), **told) for way in (linear, spherical)]
        lengths = np.linalg.norm([a, b], axis=1)
        angle = np.degrees(np.arccos(np.clip(a @ b / lengths.prod(), -1, 1)))
        sprite = pictures.sprite(np.concatenate([line, arc, linear(line[0], line[-1], t)]), STEPS)
        return {
            "sprite": sprite,
            "steps": STEPS,
            "lengths": lengths.tolist(),
            "angle": float(angle),
            "middle": float(np.linalg.norm(a + b) / 2),
            "kinds": of if kinds else [],
        }
