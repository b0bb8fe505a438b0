"""The strips of the standard panel, with z in place of an encoder's latent, and a button for the film of their coming out of z."""

from __future__ import annotations

import asyncio

import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture
from genviz.ui.panels import interpolation


class Along(interpolation.Interpolation):
    """The strips of the standard panel, with z in place of an encoder's latent, and a button for the film of their coming out of z."""

    folder = "families/flow/page/along"

    async def between(self, a: Picture, b: Picture, model: Model, data: Data) -> dict:
        """Two images in base64 -> a sprite of three rows (line, arc, pixel blend), and how the two z lie; as in the standard panel."""
        x = np.concatenate([pictures.from_base64(a), pictures.from_base64(b)])
        z = (await self.engine.call(model, data, "invert", x, seed=0))["z"].reshape(2, -1)
        t = np.linspace(0, 1, interpolation.STEPS, dtype=np.float32)
        paths = (interpolation.linear(*z, t), interpolation.spherical(*z, t))
        line, arc = await asyncio.gather(*(self.engine.call(model, data, "restore", path) for path in paths))
        lengths = np.linalg.norm(z, axis=1)
        sprite = pictures.sprite(np.concatenate([line, arc, interpolation.linear(*x, t)]), interpolation.STEPS)
        return {
            "sprite": sprite, "steps": interpolation.STEPS, "angle": float(np.degrees(np.arccos(z[0] @ z[1] / lengths.prod()))),
            "lengths": lengths.tolist(), "middle": float(np.linalg.norm(z.mean(0))),
        }  # fmt: skip
