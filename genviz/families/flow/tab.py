"""What only a flow can show: the exact way there and back with its sum, every layer as a film, z between two pictures, and the mesh."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np

from genviz.data.plane import truth
from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture, PointData, Seed
from genviz.ui.lab import Lab
from genviz.ui.panels import interpolation
from genviz.ui.pick import Pick
from genviz.ui.player import Player
from genviz.ui.widget import Widget

K = 16  # draws of the noise for the tighter bound, as in the tables
BETWEEN = 11  # pictures of a film from one picture to another
LINES, PLACES, REACH, HALF = 25, 97, 2.4, 3.0  # of the mesh: lines each way, points of a line, how far they go in z, half of what is seen
SHOWN = 1000  # test points under the mesh


class Inside(Widget):
    """One picture to z and back: error, z per scale, the sum that is its log-density, and the share of every layer."""

    folder = "families/flow/page/inside"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.invert])
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


class Layerwise(Widget):
    """Buttons above the film of one picture on its way to z, or back."""

    folder = "families/flow/page/layers"


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


class Mesh(Widget):
    """The mesh of the prior, taken back through the couplings of the flow in the plane."""

    folder = "families/flow/page/mesh"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.mesh])
        self.engine = engine

    async def mesh(self, data: PointData) -> dict:
        """x of the corners of the mesh before any and after every coupling undone, float32 in base64, and test points."""
        a, b = np.meshgrid(np.linspace(-REACH, REACH, LINES), np.linspace(-REACH, REACH, PLACES), indexing="ij")
        z = np.concatenate([np.stack([a, b], -1), np.stack([b, a], -1)]).reshape(-1, 2).astype(np.float32)
        x = await self.engine.call("flow/plane", data, "warp", z, back=True)
        points = truth(data)[0][:SHOWN]
        sent = {name: base64.b64encode(np.ascontiguousarray(v, np.float32)).decode() for name, v in (("x", x), ("points", points))}
        return {**sent, "steps": len(x) - 1, "lines": LINES, "places": PLACES, "half": HALF}


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of the family's own panels."""

    def inside() -> None:
        pick = lab.follow(Pick(tool=lab.tool("invert", "Invert")))
        lab.follow(Inside(lab.engine, {"pick": pick.to()}))

    def layers() -> None:
        pick = lab.follow(Pick(tool=lab.tool("layers", "Layer by layer from")))
        lab.follow(Layerwise({"pick": pick.to(), "player": "flow.layers"}))
        Player(lab.engine, "flow.layers", walk="layers", empty="Choose a picture and a direction.")

    def between() -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(slots=("from", "to"), tool=lab.tool("interpolate", "Interpolate from")))
            with gr.Column(scale=3, min_width=320):
                lab.follow(Along(lab.engine, {"pick": pick.to(), "player": "flow.along", "n": BETWEEN}))
        Player(lab.engine, "flow.along", walk="interpolate", empty="Press Film: all pictures of the way come out of their z together.")

    def mesh() -> None:
        Mesh(lab.engine, {"sets": list(lab.catalogue["points"].items())})

    return [("Inside the flow", inside), ("Layer by layer", layers), ("Interpolate in z", between), ("Mesh", mesh)]
