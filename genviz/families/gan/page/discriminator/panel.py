"""The discriminator's score of a picture among those of many, its gradient, and for a model of classes the score as each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from genviz.data.exhibit import exhibit
from genviz.families.gan.page.shared import Asking, Class, short
from genviz.families.gan.watched import bins
from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture

CROWD = 500  # test images, and as many samples, that a score is compared with


class Expert(Asking):
    """The discriminator's score of a picture among those of many, its gradient, and for a model of classes the score as each class."""

    folder = "families/gan/page/discriminator"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.judge, self.crowd])

    async def judge(self, image: Picture, model: Model, data: Data, label: Class) -> dict:
        """One image in base64 -> its score and gradient (784); judged as `label` by a model of classes, with its score as each."""
        x = pictures.from_base64(image)
        if model not in self.conditional:
            score, gradient = await self.engine.call(model, data, "judge", x)
            return {"score": float(score[0]), "gradient": short(gradient[0])}
        score, gradient = await self.engine.call(model, data, "judge", x.repeat(10, 0), **self.told(model, np.arange(10)))
        return {"score": float(score[label]), "gradient": short(gradient[label]), "classes": short(score)}

    async def crowd(self, model: Model, data: Data) -> dict:
        """Scores of CROWD test images and of as many samples: histograms, where halfway between their means lies, all test scores."""
        return await self.once((model, data), lambda: self._crowd(model, data))

    async def _crowd(self, model: str, data: str) -> dict:
        images, labels = exhibit(data)
        told = self.told(model, labels[:CROWD])
        z = np.random.default_rng(0).standard_normal((CROWD, self.z_dim(model))).astype(np.float32)
        fake = await self.engine.call(model, data, "decode", z, **told)
        real, _ = await self.engine.call(model, data, "judge", images[:CROWD, None].astype(np.float32) / 127.5 - 1, **told)
        fake, _ = await self.engine.call(model, data, "judge", fake, **told)
        zero = float(real.mean() + fake.mean()) / 2
        span, real_bins, fake_bins = bins(real[None] - zero, fake[None] - zero)
        return {"zero": zero, "range": span, "real": short(real_bins[0]), "fake": short(fake_bins[0]), "sorted": short(np.sort(real))}
