"""One picture to z and back: error, z per scale, the sum that is its log-density, and the share of every layer."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np

from genviz.plots import pictures
from genviz.ui.card import leading
from genviz.ui.field import Data, Model, Picture, Seed
from genviz.ui.widget import Widget

K = 16  # draws of the noise for the tighter bound, as in the tables
CLOSE = 1.05  # likelihoods are called alike up to here


def lesson(catalogue: dict, name: str, data: str) -> str:
    """Good likelihood, poor pictures: what a flow pays for a test picture, and of those that count the same grey levels the model with the
    best pictures, and how far the draws of both are from the data, as their cards say; "" where one of the figures is not there."""
    found = []
    for m in (m for f in catalogue["families"] for m in f["models"] if m["likelihoods"] and m["likelihoods"][0]["levels"] == 256):
        lines = leading(m["cards"][data]) if data in m["cards"] else []
        bits = next((x for x in lines if x["name"].startswith("Bits per dimension")), None)
        ratio = next((x for x in lines if x["name"].startswith("Frechet distance")), None)
        if bits and ratio:
            paid = f"{bits['value']:.3f} bits a pixel ({bits['name'].partition(', ')[2]})"
            found.append((ratio["value"], m["name"], m["title"], paid, bits["value"]))
    own = next((one for one in found if one[1] == name), None)
    others = sorted(one for one in found if one[1] != name)
    if own is None or not others or others[0][0] >= own[0] or own[4] > CLOSE * others[0][4]:
        return ""
    (ratio, _, _, bits, mine), (best, _, title, paid, theirs) = own, others[0]
    than = "no more than" if mine <= theirs else "hardly more than"
    return (
        f"Good likelihood, poor pictures. For a picture of the test set this flow pays {bits}, {than} '{title}': {paid}. "
        f"Yet its draws lie {ratio:.0f} times as far from the test pictures as training pictures do, those of the other {best:.1f} times. "
        "A likelihood is a sum over all pixels: shades and edges fill it, and a torn shape, which the eye sees first, costs hardly a thing."
    )


class Inside(Widget):
    """One picture to z and back: error, z per scale, the sum that is its log-density, and the share of every layer."""

    folder = "families/flow/page/inside"

    def __init__(self, engine: Any, catalogue: dict, value: dict):
        names = [m["name"] for f in catalogue["families"] for m in f["models"] if m["name"].startswith("flow/")]
        told = {f"{name} {data}": lesson(catalogue, name, data) for name in names for data in catalogue["data"]}
        super().__init__({**value, "lesson": {key: text for key, text in told.items() if text}}, server=[self.invert])
        self.engine = engine

    async def invert(self, image: Picture, model: Model, data: Data, seed: Seed) -> dict:
        """One image in base64 -> pictures in base64, z (784), and the sum in nats; see Flow.invert for the names."""
        x = pictures.from_base64(image)
        found, tight = await asyncio.gather(
            self.engine.call(model, data, "invert", x, seed=seed), self.engine.call(model, data, "importance_weighted", x, k=K, seed=seed)
        )
        log_prior, ladj = found["log_prior"][0], found["ladj"][0]
        dims = x.size
        return {
            **{name: base64.b64encode(pictures.grid(found[name])).decode() for name in ("noisy", "back")},
            "z": found["z"].ravel().round(3).tolist(), "error": str(found["error"][0]), "same": bool(found["same"][0]),
            "log_prior": log_prior.tolist(), "prior": float(log_prior.sum()), "typical": -dims / 2 * float(np.log(2 * np.pi) + 1),
            "ladj": ladj.tolist(), "names": found["names"], "ladj_sum": float(ladj.sum()), "log_prob": float(found["log_prob"][0]),
            "log_q": float(found["log_q"][0]), "tight": float(tight[0]), "k": K, "dims": dims,
        }  # fmt: skip
