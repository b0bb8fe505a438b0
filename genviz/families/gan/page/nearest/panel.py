"""The training images nearest to a picture; where the training set is not on this machine, the nearest shipped test images, said so."""

from __future__ import annotations

from typing import Any

import numpy as np
from anyio.to_thread import run_sync

from genviz.data.exhibit import exhibit
from genviz.data.idx import training_images
from genviz.families.gan.nearest import nearest
from genviz.families.gan.page.shared import Asking, short
from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture

TYPICAL = 200  # test images whose own nearest training images say what is near
SHOWN = 6  # neighbours of a picture
CHUNK = 256  # images in one question to the worker: films go on in between


class Nearest(Asking):
    """The training images nearest to a picture; where the training set is not on this machine, the nearest shipped test images, said so."""

    folder = "families/gan/page/nearest"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.neighbours])

    async def neighbours(self, image: Picture, model: Model, data: Data) -> dict:
        """One image in base64 -> a sprite of its SHOWN nearest images by pixels and by features, their distances, and what is typical."""
        x = ((pictures.from_base64(image) + 1) * 127.5).round().astype(np.uint8)
        among, typical, about = await self.once((data,), lambda: run_sync(_library, data))
        features, typical_features = await self.once((model, data), lambda: self._library(model, data, among))
        by_pixels = await run_sync(nearest, among, x, SHOWN)
        by_features = await run_sync(nearest, features, await self.engine.call(model, data, "features", x), SHOWN)
        found = [among[index[0]] for _, index in (by_pixels, by_features)]
        return {
            "sprite": pictures.sprite(np.concatenate(found) / np.float32(127.5) - 1, SHOWN), "count": SHOWN, "about": about,
            "rows": [{"by": "pixels", "distance": short(by_pixels[0] / 255), "typical": short(typical)},
                     {"by": "what the discriminator sees", "distance": short(by_features[0]), "typical": short(typical_features)}],
        }  # fmt: skip

    async def _library(self, model: str, data: str, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features of all images that are searched, and the distance of each typical test image to its nearest one."""
        test = exhibit(data)[0][:TYPICAL]
        parts = [np.ascontiguousarray(x[:, None]) for x in (test, *(among[i : i + CHUNK] for i in range(0, len(among), CHUNK)))]
        typical, *many = [await self.engine.call(model, data, "features", part) for part in parts]
        features = np.concatenate(many)
        return features, (await run_sync(nearest, features, typical, 1))[0][:, 0]


def _library(data: str) -> tuple[np.ndarray, np.ndarray, str]:
    """The images that are searched, the distance in pixels of each typical test image to its nearest one, and a sentence about them."""
    test, among = exhibit(data)[0], training_images(data)
    if among is None:
        among = test[TYPICAL:]
        about = f"The training set is not here (GENVIZ_DATA names no folder with it): these are the nearest of {len(among):,} test images."
    else:
        about = f"Searched were all {len(among):,} images that the model was trained on."
    return among, nearest(among, test[:TYPICAL], 1)[0][:, 0] / 255, about + " Distances by pixels count black as 0 and white as 1."
