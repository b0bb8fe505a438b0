"""In the plane: a small model of the family learns points instead of pictures, and the truth stands beside it.

To the left the data, whose density is known, to the right the model: its points on their way from noise to data, and under them what
it can say about every place. What can be drawn follows from what the model can do:

- `log_prob`, `importance_weighted`: a density, or a bound on one;
- `energy`: the landscape, and the density exp(-E) / Z, for in the plane Z is a sum over a grid;
- `odds`: where a discriminator expects real points;
- `score`: arrows along the gradient of the noisy log-density, over the true ones;
- `decode` from two latent numbers: the latent plane's mesh, bent into the plane of the data.

A model with neither a density nor an energy is told apart by the words "no density". Grids are computed once and remembered; the film is
the player's.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import Annotated, Any

import gradio as gr
import numpy as np

from genviz.catalogue import data_of
from genviz.data.plane import CELLS, HALF, lattice, noisy, truth
from genviz.ui.card import ModelCard
from genviz.ui.controls import Controls
from genviz.ui.field import Choice, Model, Number, PointData
from genviz.ui.lab import Lab
from genviz.ui.player import Player
from genviz.ui.start import first_trained
from genviz.ui.widget import Widget

POINTS = 1000  # of a film
ARROWS = 24  # on a side
NOISE = (0.1, 2.0)  # least and largest sigma of the arrows
MESH = (21, 121)  # lines of the latent plane each way, and points of a line
REACH = 2.5  # the mesh covers [-REACH, REACH] squared of the latent plane
PART = 1200  # places that are asked for at a time: films go on in between
KEPT = 64  # answers that the server remembers

LAYERS = {"log_prob": {}, "importance_weighted": {"k": 32, "seed": 0}, "energy": {}, "odds": {}}  # a number for each place; the options
Layer = Annotated[str, Choice(tuple(LAYERS), "layer")]


def layers(entry: dict) -> list[str]:
    """What can be drawn under the points of a model (its dictionary in the catalogue), best first."""
    has = {*entry["abilities"], *entry["answers"]}
    found = [name for name in LAYERS if name in has]
    return found + ["score"] * ("score" in has) + ["decode"] * ("decode" in has and entry["z_dim"] == 2)


def _sent(x: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(x, np.float32)).decode()


class Plane(Widget):
    """Data and model side by side, with layers, arrows, paths, and a cut through both densities under the pointer."""

    folder = "ui/web/plane"

    def __init__(self, engine: Any, player: str, models: list[dict]):
        """`player` is the name of the player whose points are drawn, `models` their dictionaries in the catalogue."""
        super().__init__({
            "player": player, "layers": {m["name"]: layers(m) for m in models}, "half": HALF, "cells": CELLS, "arrows": ARROWS,
            "noise": NOISE, "mesh": MESH,
        }, server=[self.data, self.grid, self.score, self.mesh])  # fmt: skip
        self.engine = engine
        self._answers: OrderedDict[tuple, str] = OrderedDict()

    async def data(self, data: PointData) -> dict:
        """Test points x1, x2, x1, x2 ... and log p on the grid, float32 in base64."""
        x, log_p = truth(data)
        return {"points": _sent(x), "log_prob": _sent(log_p)}

    async def grid(self, model: Model, data: PointData, method: Layer) -> dict:
        """A number of the model for the centre of every cell, row by row, in base64."""
        return {"grid": await self._ask((model, data, method), lattice(), **LAYERS[method])}

    async def score(self, model: Model, data: PointData, sigma: Annotated[float, Number(*NOISE)]) -> dict:
        """Score of the model and of the data with noise sigma on a coarse grid, s1, s2, s1, s2 ..., and the noisy density (120, 120)."""
        x = lattice(ARROWS)
        return {
            "model": await self._ask((model, data, "score"), x, np.full(len(x), sigma, np.float32)),
            "true": _sent(noisy(data, sigma, ARROWS)[1]), "density": _sent(noisy(data, sigma, CELLS)[0]),
        }  # fmt: skip

    async def mesh(self, model: Model, data: PointData) -> dict:
        """Where lines of equal z1, then lines of equal z2, land when they are decoded, x1, x2, x1, x2 ... in base64."""
        lines, places = MESH
        a, b = np.meshgrid(np.linspace(-REACH, REACH, lines), np.linspace(-REACH, REACH, places), indexing="ij")
        z = np.concatenate([np.stack([a, b], -1), np.stack([b, a], -1)]).reshape(-1, 2).astype(np.float32)
        return {"lines": await self._ask((model, data, "decode"), z)}

    async def _ask(self, key: tuple[str, str, str], x: np.ndarray, *more: np.ndarray, **options: Any) -> str:
        """The method's answers for the rows of x, remembered by what was asked."""
        known = (*key, *(m.tobytes() for m in more))
        if known not in self._answers:
            parts = [
                await self.engine.call(*key, x[i : i + PART], *(m[i : i + PART] for m in more), **options) for i in range(0, len(x), PART)
            ]
            self._answers[known] = _sent(np.concatenate(parts))
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        return self._answers[known]


def panel(lab: Lab) -> None:
    """Menus and knobs to the left; plane, film and card to the right, inside the tab that is being built."""
    family = {**lab.family, "models": lab.family["planes"]}
    titles = {name: d["title"] for name, d in data_of(lab.catalogue, "points").items()}
    catalogue = {**lab.catalogue, "data": {name: {"title": title, "classes": []} for name, title in titles.items()}}
    first, trained_on = first_trained(family)
    assert first is not None  # there would be no panel without
    names = dict.fromkeys(d for m in family["models"] for d in m["data"])
    player = f"{family['name']}.plane"
    with gr.Row(elem_classes="gv-work", equal_height=False):
        with gr.Column(scale=1, min_width=280, elem_classes="gv-controls"):
            with gr.Row(elem_classes="gv-menus"):
                model = gr.Dropdown([(m["title"], m["name"]) for m in family["models"]], value=first["name"], label="Model",
                                    interactive=True, filterable=False, visible=len(family["models"]) > 1)  # fmt: skip
                data = gr.Dropdown([(titles[d], d) for d in names], value=trained_on, label="Data set", interactive=True, filterable=False)
            here = Lab(lab.engine, catalogue, family, model, data, lab.seed)
            here.follow(Controls(family, player))
        with gr.Column(scale=3, min_width=320):
            here.follow(Plane(lab.engine, player, family["models"]))
            Player(lab.engine, player, stage=False, empty="Press Sample and watch the points arrive.")
            here.follow(ModelCard(catalogue, family))
