"""The energy of a picture on the scale of test images, samples, pictures of another kind, and noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from genviz.data import DATA
from genviz.families.ebm.page.shared import Remembering, tested
from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture

DRAWN = 36  # samples on it
NOISES = 100  # pictures of noise on it


class Scale(Remembering):
    """The energy of a picture on the scale of test images, samples, pictures of another kind, and noise."""

    folder = "families/ebm/page/scale"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.one, self.scale])

    async def one(self, image: Picture, model: Model, data: Data) -> dict:
        """One image in base64 -> its energy, the slope there (784), the picture that the model would rather see (784), and p(class | x)."""
        x = pictures.from_base64(image)
        energy, slope = await self.engine.call(model, data, "slope", x)
        guess = await self.engine.call(model, data, "clean", x, slope)
        shares = await self.engine.call(model, data, "classify", x)
        return {
            "energy": float(energy[0]), "slope": slope.ravel().round(3).tolist(), "guess": guess.ravel().round(3).tolist(),
            "shares": shares[0].round(4).tolist(),
        }  # fmt: skip

    async def scale(self, model: Model, data: Data) -> dict:
        """Energies of several kinds of pictures, all without noise on them; "near" says which lie near each other."""
        return await self.once((model, data), lambda: self._scale(model, data))

    async def _scale(self, model: str, data: str) -> dict:
        await self.engine.call(model, data, "energy", tested(data)[:1])  # refuses what has no energy before samples are drawn for it
        other = DATA[data].foil
        noise = np.random.default_rng(0).uniform(-1, 1, (NOISES, 1, 28, 28)).astype(np.float32)
        kinds = {
            "test images": tested(data), f"samples of the model ({DRAWN})": await self._samples(model, data),
            f"test images of {DATA[other].title}": tested(other), "noise, every grey equally likely": noise,
        }  # fmt: skip
        energies = [await self.engine.call(model, data, "energy", x) for x in kinds.values()]
        return {
            "rows": [
                {"title": title, "energies": e.round(1).tolist(), "near": x is not noise}
                for (title, x), e in zip(kinds.items(), energies, strict=True)
            ]
        }

    async def _samples(self, model: str, data: str) -> np.ndarray:
        """Fresh samples (DRAWN, 1, 28, 28) at the default knobs."""
        job, have = self.engine.submit(model, data, n=DRAWN, frames=2), 0
        while True:
            view = await self.engine.wait(job, have)
            if view.status in ("error", "cancelled"):
                raise ValueError(view.message or "The samples for the scale were not finished; open the panel again.")
            if view.status == "done":
                return self.engine.look(job).shots[-1].x
            have += len(view.shots)
