"""What the score tab adds: the score of a picture, its likelihood by the flow, and the diffusion model as the same object."""

from __future__ import annotations

import asyncio
import base64
import math
from collections.abc import Callable
from typing import Annotated, Any

import gradio as gr
import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Choice, Data, Model, Number, Picture, Seed, Whole
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player, Row
from genviz.ui.widget import Widget

SMALLEST, LARGEST = 0.01, 50.0  # noises that may be chosen
CURVE = 25  # noises at which the length of the score is asked for
BITS = 28 * 28 * math.log(2)  # nats that are one bit per dimension
DIFFUSION, SCORE = "diffusion/ddpm", "score/score"
SOLVERS = {
    "rk4-5": {"steps": 5}, "rk4-10": {"steps": 10}, "rk4-20": {"steps": 20}, "rk4-40": {"steps": 40},
    "dopri5-2": {"tolerance": 1e-2}, "dopri5-3": {"tolerance": 1e-3}, "dopri5-4": {"tolerance": 1e-4}, "dopri5-5": {"tolerance": 1e-5},
}  # fmt: skip
Noise = Annotated[float, Number(SMALLEST, LARGEST)]
Solver = Annotated[str, Choice(tuple(SOLVERS))]
Probes = Annotated[int, Whole(1, 8)]


def noisy(image: str, sigma: float, seed: int) -> np.ndarray:
    """An image in base64 with noise of size sigma, float32 (1, 1, 28, 28); a seed stands for one eps."""
    x = pictures.from_base64(image)
    return x + np.float32(sigma) * np.random.default_rng(seed).standard_normal(x.shape, np.float32)


def _bytes(x: np.ndarray) -> str:
    return base64.b64encode(pictures.grid(x)).decode()


def _short(x: np.ndarray) -> list[float]:
    return [float(f"{v:.3g}") for v in x.ravel()]


def _rms(x: np.ndarray) -> float:
    return float(f"{np.sqrt(np.square(x).mean()):.3g}")


class Arrow(Widget):
    """A noisy picture under a slider, its score and what it is taken for; the length of the score at all noises."""

    folder = "families/score/page/arrow"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.look, self.curve])
        self.engine = engine

    async def look(self, image: Picture, sigma: Noise, model: Model, data: Data, seed: Seed) -> dict:
        """An image in base64 -> x (at unit size) and x0_hat as bytes, the score as 784 numbers, and its length."""
        x = noisy(image, sigma, seed)
        x0_hat = await self.engine.call(model, data, "denoise", x, sigma=np.float32([sigma]))
        score = (x0_hat - x) / np.float32(sigma) ** 2
        norm = float(np.linalg.norm(score))
        return {"x": _bytes(x / math.sqrt(1 + sigma**2)), "x0_hat": _bytes(x0_hat), "score": _short(score), "norm": norm}

    async def curve(self, image: Picture, model: Model, data: Data, seed: Seed) -> dict:
        """An image in base64 -> noises from the least to the largest, and the length of the score at each."""
        sigmas = np.geomspace(SMALLEST, LARGEST, CURVE, dtype=np.float32)
        norms = await self.engine.call(model, data, "norms", pictures.from_base64(image), sigmas, seed=seed)
        return {"sigmas": _short(sigmas), "norms": _short(norms)}


class Likelihood(Widget):
    """log p of one picture in bits per dimension, measured as often as wanted; every probe is a dot."""

    folder = "families/score/page/likelihood"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.measure])
        self.engine = engine

    async def measure(self, image: Picture, solver: Solver, probes: Probes, model: Model, data: Data, seed: Seed) -> dict:
        """An image in base64 -> bits per dimension by each probe, and the network evaluations that each of them took."""
        answer = await self.engine.call(
            model, data, "likelihood", pictures.from_base64(image), probes=probes, seed=seed, timeout=120.0, **SOLVERS[solver]
        )
        return {"bits": (-answer["nats"][:, 0] / BITS).round(5).tolist(), "nfe": int(answer["nfe"])}


class Familiar(Widget):
    """One noisy picture, asked of a diffusion model and of a score-based one: three views of each, and their difference."""

    folder = "families/score/page/familiar"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.both])
        self.engine = engine

    async def both(self, image: Picture, sigma: Noise, label: Annotated[int, Whole(-1, 9)], data: Data, seed: Seed) -> dict:
        """An image in base64 -> x as bytes; of "diffusion", "score" and "difference" the views x0_hat, eps_hat and score, 784 numbers
        each; and the root mean squares "size" of the diffusion model's views and "apart" of the differences."""
        x, sigmas = noisy(image, sigma, seed), np.float32([sigma])
        told = {} if label < 0 else {"label": np.int64([label])}
        guesses = await asyncio.gather(*(self.engine.call(name, data, "denoise", x, sigma=sigmas, **told) for name in (DIFFUSION, SCORE)))
        views = [{"x0_hat": g, "eps_hat": (x - g) / sigmas, "score": (g - x) / sigmas**2} for g in guesses]
        difference = {name: views[1][name] - views[0][name] for name in views[0]}
        rows = {"diffusion": views[0], "score": views[1], "difference": difference}
        return {
            "x": _bytes(x / math.sqrt(1 + sigma**2)),
            **{row: {name: _short(view) for name, view in one.items()} for row, one in rows.items()},
            "size": {name: _rms(view) for name, view in views[0].items()},
            "apart": {name: _rms(view) for name, view in difference.items()},
        }


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of this family's own panels."""
    noises = {"smallest": SMALLEST, "largest": LARGEST}
    classes = {"classes": {name: data["classes"] for name, data in lab.catalogue["data"].items()}}

    def arrow() -> None:
        pick = lab.follow(Pick(tool=lab.tool("arrow", "Score of")))
        lab.follow(Arrow(lab.engine, {**noises, "pick": pick.to(), "player": "score.back"}))
        rows = (Row("x0_hat", "x0_hat, the guess"), Row("score", "score", "signed"))
        Player(lab.engine, "score.back", walk="diffuse", rows=rows, label="x", empty="Press Walk back: from this noise, in four ways.")

    def likelihood() -> None:
        with gr.Row(elem_classes="gv-work", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(tool=lab.tool("likelihood", "Likelihood of")))
            with gr.Column(scale=3, min_width=320):
                lab.follow(Likelihood(lab.engine, {"pick": pick.to()}))

    def familiar() -> None:
        pick = lab.follow(Pick(tool=lab.tool("familiar", "Ask both networks about")))
        lab.follow(Familiar(lab.engine, {**noises, **classes, "pick": pick.to()}))

    return [("Score of an image", arrow), ("Likelihood by the ODE", likelihood), ("Sounds familiar?", familiar)]
