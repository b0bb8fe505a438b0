"""The game watched: moments of the training under a slider."""

from __future__ import annotations

from typing import Any

import numpy as np
from anyio.to_thread import run_sync

from genviz.families.gan.page.shared import Asking
from genviz.families.gan.watched import bins, history
from genviz.plots import pictures
from genviz.ui.field import Data, Model


class Watched(Asking):
    """The game watched: moments of the training under a slider."""

    folder = "families/gan/page/watched"

    def __init__(self, engine: Any, value: dict, cards: dict[tuple[str, str], dict]):
        super().__init__(engine, value, [self.watched])
        self._cards = cards

    async def watched(self, model: Model, data: Data) -> dict:
        """The history of a training: a sprite with a row of pictures for each moment, and the curves and histograms beside it."""
        if (model, data) not in self._cards:
            raise ValueError(f"{model} is not trained on {data} yet; train it with: python -m genviz.train {model} {data}")
        return await self.once((model, data), lambda: run_sync(_moments, self._cards[model, data]))


def _moments(card: dict) -> dict:
    kept = history(card)
    span, real, fake = bins(kept["real"].astype(np.float32), kept["fake"].astype(np.float32))
    moments, count = kept["pictures"].shape[:2]
    rows = kept["pictures"].transpose(0, 2, 1, 3).reshape(moments * 28, count * 28)
    loss = kept["loss"].T
    return {
        "sprite": pictures.data_url(pictures.png(np.ascontiguousarray(rows))),
        "step": kept["step"].tolist(), "frechet": kept["frechet"].tolist(),
        "range": span, "real": real.round(4).tolist(), "fake": fake.round(4).tolist(), "loss_step": kept["loss_step"].tolist(),
        "loss": loss.round(3).tolist(), "top": float(max(1.0, 1.1 * np.percentile(loss, 98))),
    }  # fmt: skip
