"""The latent plane: every point of it is a picture, and the picture under the pointer is shown at once.

With a latent space of two dimensions the plane is the space. A larger one is cut by the plane through three of its points,
z = a + u (b - a) + v (c - a), here the latent points of three pictures. A model without an encoder has no such points: there the plane
is z = u a + v b, through the origin and two draws from N(0, I) that the seed says. When the panel opens, the server sends an atlas,
the decoded pictures of a regular grid; while the pointer moves, the page blends the four nearest of them (bilinear, at once, whatever
the network does) and asks the server for the exact picture, which replaces the blend where the pointer rests or the network is quick.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import Annotated, Any

import gradio as gr
import numpy as np

from genviz.data.exhibit import exhibit
from genviz.plots import pictures
from genviz.ui.field import WIDEST, Data, Image, Latent, Many, Model, Seed, Whole
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget

CELLS = 24  # the atlas has CELLS x CELLS pictures
Images = Annotated[list, Many(Image(), 3)]
Told = Annotated[int, Whole(0, WIDEST)]  # the number of a class or kind
KEPT = 32  # planes that the server remembers; those of 2-D latent spaces are the same for everybody


def lattice(origin: np.ndarray, p: np.ndarray, q: np.ndarray, low: float, high: float, cells: int = CELLS) -> np.ndarray:
    """Points origin + u p + v q (cells * cells, z_dim) for u and v from low to high; row by row, v falling, u rising, as on a screen."""
    u = np.linspace(low, high, cells, dtype=np.float32)
    return (origin + u[None, :, None] * p + u[::-1, None, None] * q).reshape(cells * cells, -1)


class LatentPlane(Widget):
    """The plane with its atlas and points, and the picture under the pointer."""

    folder = "ui/web/latent_plane"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.plane, self.at, self.points])
        self.engine, self.able = engine, (value or {}).get("able", {})
        self._planes: OrderedDict[tuple, dict] = OrderedDict()

    async def at(self, z: Latent, model: Model, data: Data, told: Told = 0) -> dict:
        """The picture decoded at one latent point: 784 grey bytes in base64."""
        x = await self.engine.call(model, data, "decode", np.array([z], np.float32), **self.told(model, told, 1))
        return {"x": base64.b64encode(pictures.grid(x)).decode()}

    def _able(self, model: str) -> dict:
        """What the catalogue says of a model that has a latent plane: its size is never taken from a question."""
        if model not in self.able:
            raise ValueError(f"There is no latent plane of '{model}' here; there is one of {', '.join(self.able) or 'none'}.")
        return self.able[model]

    def told(self, model: str, number: int, n: int) -> dict[str, np.ndarray]:
        """The option that tells a conditional decoder its class or kind (n,); nothing for the others."""
        told = self._able(model).get("told")
        if not told:
            return {}
        if not 0 <= number < told["count"]:
            raise ValueError(f"There is a {told['name']} 0 to {told['count'] - 1}, but no {number}.")
        return {told["name"]: np.full(n, number, np.int64)}

    async def plane(self, model: Model, data: Data, images: Images | None = None, seed: Seed | None = None, told: Told = 0) -> dict:
        """The plane of a 2-D latent space, of two draws by a seed, or through the latent points of three images in base64, with its
        atlas as a sprite; a conditional decoder is told the class or kind of this number.

        Answers origin, p, q (z_dim,), low and high of u and v, cells, and marks: (u, v) of the draws or images.
        """
        mu, z_dim = None, self._able(model)["z_dim"]
        if images:
            x = np.concatenate([pictures.from_base64(image) for image in images])
            mu, _ = await self.engine.call(model, data, "encode", x)
        if z_dim == 2:
            origin, p, q = np.zeros(2, np.float32), *np.eye(2, dtype=np.float32)
            low, high = -3.0, 3.0
            marks = [] if mu is None else mu.tolist()
        elif seed is not None:
            p, q = np.random.default_rng(seed).standard_normal((2, z_dim)).astype(np.float32)
            origin, low, high, marks = np.zeros(z_dim, np.float32), -1.5, 1.5, [[1, 0], [0, 1]]
        elif mu is None or len(mu) != 3:
            raise ValueError("A plane through a larger latent space needs three pictures, or a seed.")
        else:
            origin, p, q = mu[0], mu[1] - mu[0], mu[2] - mu[0]
            low, high, marks = -0.5, 1.5, [[0, 0], [1, 0], [0, 1]]
        frame = {"origin": origin.tolist(), "p": p.tolist(), "q": q.tolist(), "low": low, "high": high, "cells": CELLS}
        key = (model, data, told, origin.tobytes(), p.tobytes(), q.tobytes())
        atlas = self._planes.get(key)
        if atlas is None:
            z = lattice(origin, p, q, low, high)
            parts = [  # films go on in between
                await self.engine.call(model, data, "decode", part, **self.told(model, told, len(part)))
                for part in (z[i : i + 96] for i in range(0, len(z), 96))
            ]
            atlas = self._keep(key, {"sprite": pictures.sprite(np.concatenate(parts), CELLS)})
        return {**frame, **atlas, "marks": marks}

    async def points(self, model: Model, data: Data) -> dict:
        """mu of the first 2,000 exhibit images in a 2-D latent space, float32 (2000, 2) in base64, and their classes as digits."""
        key = (model, data, "points")
        known = self._planes.get(key)
        if known is None:
            images, labels = exhibit(data)
            x = images[:2000, None].astype(np.float32) / 127.5 - 1
            parts = [(await self.engine.call(model, data, "encode", x[i : i + 250]))[0] for i in range(0, len(x), 250)]
            xy = np.concatenate(parts).astype(np.float32)
            known = self._keep(key, {"xy": base64.b64encode(xy.tobytes()).decode(), "labels": "".join(map(str, labels[:2000]))})
        return known

    def _keep(self, key: tuple, answer: dict) -> dict:
        self._planes[key] = answer
        while len(self._planes) > KEPT:
            self._planes.popitem(last=False)
        return answer


def panel(lab: Lab) -> None:
    """Chooser of the three pictures and the plane, inside the tab that is being built."""
    able = {m["name"]: {"z_dim": m["z_dim"], "encodes": "encode" in m["abilities"], "told": _told(m)} for m in lab.having("decode")}
    classes = {name: d["classes"] for name, d in lab.catalogue["data"].items()}
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            plane = lab.follow(LatentPlane(lab.engine, {"pick": "", "able": able, "classes": classes}))
        if lab.having("encode"):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(slots=("a", "b", "c"), tool=lab.tool("plane", "Latent plane through")))
                plane.value = {**plane.value, "pick": pick.to()}


def _told(model: dict) -> dict | None:
    """Name and count of what the model's decoder is told beside z: classes or kinds."""
    return next(({"name": k["name"], "count": k["high"] + 1} for k in model["knobs"] if k["name"] in ("label", "kind")), None)
