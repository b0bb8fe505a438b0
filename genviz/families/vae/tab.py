"""What only a VAE can show: the price of beta, and its bound taken apart picture by picture and latent by latent.

Pictures are made black and white first, as in training (each pixel white with probability grey / 255, drawn with the seed above), because
the model has a likelihood for no others. Averages over test pictures are computed here, from the shipped exhibit, and say so.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from genviz.data.exhibit import exhibit
from genviz.families.vae import FAMILY
from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture, Seed
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget

BETAS = [(f"{FAMILY.name}/{e.name}", e.args["beta"]) for e in FAMILY.models if "beta" in e.args]
AVERAGED = 1000  # test pictures behind an average
DRAWS = 64  # draws of z behind the reconstruction term of one picture
IW = 500  # draws of the tighter bound of one picture
ACTIVE = 0.01  # nats that a latent dimension must carry on average to count as active


class Parts(Widget):
    """Server functions that both widgets share."""

    def __init__(self, engine: Any, value: dict, server: list[Callable]):
        super().__init__(value, server=server)
        self.engine = engine
        self.averages: dict[tuple[str, str], asyncio.Future] = {}

    async def black_and_white(self, x: np.ndarray, model: str, data: str, seed: int) -> np.ndarray:
        """Grey pictures (B, 1, 28, 28) uint8 -> -1 or 1, float32, as in training."""
        return await self.engine.call(model, data, "prepare", x, seed=seed)

    async def average(self, model: str, data: str) -> dict:
        """Means over the first AVERAGED pictures of the exhibit, in nats: reconstruction, kl, each (z_dim). Computed once per model."""
        key = (model, data)
        if key not in self.averages:
            self.averages[key] = asyncio.ensure_future(self._average(model, data))
        try:
            return await asyncio.shield(self.averages[key])
        except Exception:
            self.averages.pop(key, None)  # a refusal may have passed by the next time
            raise

    async def _average(self, model: str, data: str) -> dict:
        grey = np.ascontiguousarray(exhibit(data)[0][:AVERAGED, None])
        x = await self.black_and_white(grey, model, data, 0)
        reconstruction, kl, each = await self.engine.call(model, data, "parts", x, seed=0)
        return {"reconstruction": float(reconstruction.mean()), "kl": float(kl.mean()), "each": each.mean(0).round(4).tolist()}

    async def one(self, x: np.ndarray, model: str, data: str, seed: int) -> dict:
        """A black and white picture (1, 1, 28, 28) -> y (the mean picture, at z = mu), reconstruction (mean of DRAWS draws), kl, each."""
        many = np.broadcast_to(x, (DRAWS, *x.shape[1:]))
        (reconstruction, kl, each), y = await asyncio.gather(
            self.engine.call(model, data, "parts", many, seed=seed), self.engine.call(model, data, "reconstruct", x)
        )
        return {"y": y, "reconstruction": float(reconstruction.mean()), "kl": float(kl[0]), "each": each[0].round(4).tolist()}


def _grey(image: str) -> np.ndarray:
    """An image in base64 -> (1, 1, 28, 28) uint8."""
    return np.round((pictures.from_base64(image) + 1) * 127.5).astype(np.uint8)


def _bytes(x: np.ndarray) -> str:
    return base64.b64encode(pictures.grid(x)).decode()


class Beta(Parts):
    """Three networks, alike but for beta: copies of one picture, samples of the same draws, rate against distortion."""

    folder = "families/vae/page/beta"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.copies, self.samples, self.curve])

    async def copies(self, image: Picture, data: Data, seed: Seed) -> dict:
        """One image in base64 -> x as the models see it, and for every beta y and the parts of its bound, or why there are none."""
        first, x = _grey(image), None
        answers = []
        for name, _ in BETAS:
            try:
                x = await self.black_and_white(first, name, data, seed) if x is None else x
                one = await self.one(x, name, data, seed)
                answers.append({**one, "y": _bytes(one["y"])})
            except ValueError as error:
                answers.append({"missing": str(error)})
        return {"x": None if x is None else _bytes(x), "copies": answers}

    async def samples(self, data: Data, seed: Seed) -> list[dict]:
        """Sixteen samples of every beta as a sprite, all from the same draws of z."""
        answers = []
        for name, _ in BETAS:
            try:
                answers.append({"sprite": pictures.sprite(await self.engine.call(name, data, "draw", n=16, seed=seed), 4)})
            except ValueError as error:
                answers.append({"missing": str(error)})
        return answers

    async def curve(self, data: Data) -> list[dict | None]:
        """Averages over test pictures for every beta; None where it is not trained."""
        answers = await asyncio.gather(*(self.average(name, data) for name, _ in BETAS), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, ValueError):
                raise answer
        return [None if isinstance(a, ValueError) else a for a in answers]


class Split(Parts):
    """The bound of one picture: reconstruction, KL, the gap that more draws close, and the nats of every latent and pixel."""

    folder = "families/vae/page/split"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.split, self.mean])

    async def split(self, image: Picture, model: Model, data: Data, seed: Seed) -> dict:
        """One image in base64 -> x, y, the parts of its bound, its IW-500 bound, and -log p of every pixel (784) given z = mu."""
        x = await self.black_and_white(_grey(image), model, data, seed)
        one, tight = await asyncio.gather(
            self.one(x, model, data, seed), self.engine.call(model, data, "importance_weighted", x, k=IW, seed=seed)
        )
        right = np.clip((1 + x * one["y"]) / 2, 1e-7, 1)  # probability given to what the pixel is
        return {
            **one, "x": _bytes(x), "y": _bytes(one["y"]), "tight": float(tight[0]), "k": IW, "draws": DRAWS, "active": ACTIVE,
            "pixels": (-np.log(right)).ravel().round(4).tolist(),
        }  # fmt: skip

    async def mean(self, model: Model, data: Data) -> dict:
        """Averages over test pictures, to compare one picture with."""
        return {**await self.average(model, data), "n": AVERAGED}


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of the family's own panels."""

    def beta() -> None:
        pick = lab.follow(Pick(tool=lab.tool("beta", "Compare betas on")))
        value = {"pick": pick.to(), "betas": [b for _, b in BETAS], "n": AVERAGED, "active": ACTIVE}
        lab.follow(Beta(lab.engine, value))

    def split() -> None:
        pick = lab.follow(Pick(tool=lab.tool("split", "Split the ELBO of")))
        lab.follow(Split(lab.engine, {"pick": pick.to()}))

    return [("Beta", beta), ("ELBO split", split)]
