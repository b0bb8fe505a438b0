"""Three networks, alike but for beta: copies of one picture, samples of the same draws, rate against distortion."""

from __future__ import annotations

import asyncio
from typing import Any

from genviz.families.vae import FAMILY
from genviz.families.vae.page.shared import Parts, grey_of, text_of
from genviz.plots import pictures
from genviz.ui.field import Data, Picture, Seed

BETAS = [(f"{FAMILY.name}/{e.name}", e.args["beta"]) for e in FAMILY.models if "beta" in e.args]


class Beta(Parts):
    """Three networks, alike but for beta: copies of one picture, samples of the same draws, rate against distortion."""

    folder = "families/vae/page/beta"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.copies, self.samples, self.curve])

    async def copies(self, image: Picture, data: Data, seed: Seed) -> dict:
        """One image in base64 -> x as the models see it, and for every beta y and the parts of its bound, or why there are none."""
        first, x = grey_of(image), None
        answers = []
        for name, _ in BETAS:
            try:
                x = await self.black_and_white(first, name, data, seed) if x is None else x
                one = await self.one(x, name, data, seed)
                answers.append({**one, "y": text_of(one["y"])})
            except ValueError as error:
                answers.append({"missing": str(error)})
        return {"x": None if x is None else text_of(x), "copies": answers}

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
