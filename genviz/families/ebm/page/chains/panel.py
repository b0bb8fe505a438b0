"""Knobs and buttons above the film of the chains, and the energy of each over the steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from genviz.families.ebm.page.shared import Remembering, tested
from genviz.ui.field import Data, Job, Model


class Chains(Remembering):
    """Knobs and buttons above the film of the chains, and the energy of each over the steps."""

    folder = "families/ebm/page/chains"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.energies, self.level])

    def energies(self, job: Job) -> dict:
        """Steps of the shots of a film so far, and the energy of every chain at each."""
        shots = [shot for shot in self.engine.look(job).shots if "energy" in shot.aux]
        return {
            "step": [shot.step for shot in shots], "steps": shots[-1].steps if shots else 0,
            "energy": [shot.aux["energy"].round(1).tolist() for shot in shots],
        }  # fmt: skip

    async def level(self, model: Model, data: Data) -> dict:
        """Mean energy of test images with the noise of training on them, and the ends of the middle nine tenths."""
        return await self.once((model, data), lambda: self._level(model, data))

    async def _level(self, model: str, data: str) -> dict:
        y = await self.engine.call(model, data, "blur", tested(data), seed=0)
        energy = await self.engine.call(model, data, "energy", y)
        low, high = np.quantile(energy, [0.05, 0.95])
        return {"mean": float(energy.mean()), "low": float(low), "high": float(high)}
