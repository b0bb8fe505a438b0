"""The map of the test images: walk over it, see pictures, decode their latent points, find your own drawing on it.

The chart is plotly.js from the installed plotly package (WebGL, nothing from the internet), loaded when the panel opens. The map
itself is a shipped file (genviz/map.py); a two-dimensional latent space is shown plainly beside it, and a part of the points can be
laid out anew with other parameters (genviz/remap.py).
"""

from __future__ import annotations

import base64
import importlib.util
import time
from collections import OrderedDict
from pathlib import Path
from typing import Annotated, Any

import gradio as gr
import numpy as np
from anyio.to_thread import run_sync

from genviz import map as maps
from genviz.catalogue import data_of
from genviz.data import exhibit
from genviz.map import Map
from genviz.plots import pictures
from genviz.remap import Remaps
from genviz.ui.field import Data, Job, Number, Picture, Text, Whole
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget

SHIPPED = "map"  # the view of the shipped file; other views are a model's name or a layout's
HELD_OUT = 200  # images placed on a live layout in both ways
View = Annotated[str, Text(100)]
Neighbours, Distance = Annotated[int, Whole(2, 100)], Annotated[float, Number(0, 0.99)]
Images = Annotated[int, Whole(500, 2000)]


class MapPane(Widget):
    """The chart with hover, click, own drawing, and the form of a live layout."""

    folder = "ui/web/map"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.open, self.near, self.drop, self.remap, self.progress, self.halt])
        self.engine = engine
        self._plain: OrderedDict[tuple[str, str], Map] = OrderedDict()
        self._remaps = Remaps()

    async def open(self, view: View, data: Data) -> dict:
        """A view: xy float32 (N, 2) and the places in the exhibit int32 (N,) in base64, classes as digits, and a sentence about it."""
        shown, index = await self._view(view, data)
        about, n = shown.about, f"{len(index):,}"
        if "n_neighbors" in about:
            how = f"UMAP of {n} test images by mu of {about['model']}, {shown.mu.shape[1]} dimensions; "
            how += f"n_neighbors = {about['n_neighbors']}, min_dist = {about['min_dist']}."
        else:
            how = f"mu of {n} test images in the latent plane of {about['model']}, as it is."
        return {"xy": _text(shown.xy), "index": _text(index.astype(np.int32)), "labels": "".join(map(str, shown.labels)), "about": how}

    async def near(self, point: Annotated[int, Whole(0, 2**31)], view: View, data: Data) -> dict:
        """The picture decoded from a point's latent, in base64, and its ten nearest neighbours: exhibit places, points, distances."""
        shown, index = await self._view(view, data)
        point %= len(shown.mu)
        mu = shown.mu[point]
        near, distance = shown.neighbours(mu, 11)
        other = near != point
        x = await self.engine.call(shown.about["model"], data, "decode", mu[None])
        return {"y": _text(pictures.grid(x)), "near": _near(near[other][:10], distance[other][:10], index)}

    async def drop(self, image: Picture, view: View, data: Data) -> dict:
        """Where an image lands on a view: xy (2,), the milliseconds of placing it (0 where it has a place of its own), its
        reconstruction and its nearest neighbours."""
        shown, index = await self._view(view, data)
        mu, _ = await self.engine.call(shown.about["model"], data, "encode", pictures.from_base64(image))
        begun, flat = time.perf_counter(), "n_neighbors" not in shown.about
        xy = mu[0] if flat else shown.place(mu[0])
        ms = 0.0 if flat else (time.perf_counter() - begun) * 1000
        x = await self.engine.call(shown.about["model"], data, "decode", mu)
        return {"xy": [float(v) for v in xy], "ms": ms, "y": _text(pictures.grid(x)), "near": _near(*shown.neighbours(mu[0], 10), index)}

    async def remap(self, data: Data, n_neighbors: Neighbours, min_dist: Distance, images: Images, image: Picture | None = None) -> dict:
        """Begin a live layout of the first `images` points of the shipped map; `image` is placed by umap.transform at its end."""
        whole, n = maps.read(data), images
        own = np.zeros((0, whole.mu.shape[1]), np.float32)
        if image:
            own, _ = await self.engine.call(whole.about["model"], data, "encode", pictures.from_base64(image))
        points = {
            "mu": whole.mu[:n], "labels": whole.labels[:n], "index": np.arange(n), "rest": whole.mu[-HELD_OUT:], "own": own,
            "rest_labels": whole.labels[-HELD_OUT:], "n_neighbors": np.int64(n_neighbors), "min_dist": np.float64(min_dist),
        }  # fmt: skip
        about = whole.about | {"n_neighbors": str(n_neighbors), "min_dist": f"{min_dist:g}"}
        return {"job": await run_sync(self._remaps.start, points, about)}  # a process is begun: not on the event loop

    def progress(self, job: Job) -> dict:
        """Stage, share, seconds, final, error and, when done, the comparison of the two ways to place a point."""
        return self._remaps.look(job)

    def halt(self, job: Job) -> dict:
        """Cancel a live layout."""
        self._remaps.cancel(job)
        return {}

    async def _view(self, view: str, data: str) -> tuple[Map, np.ndarray]:
        """A view's map and the places of its points in the exhibit."""
        if view.startswith("remap-"):
            return self._remaps.map(view)
        if view == SHIPPED:
            shown = maps.read(data)
            return shown, np.arange(len(shown.mu))
        known = self._plain.get((view, data))
        if known is None:
            images, labels = exhibit.exhibit(data)
            x = images[:, None].astype(np.float32) / 127.5 - 1
            parts = [(await self.engine.call(view, data, "encode", x[i : i + 500]))[0] for i in range(0, len(x), 500)]
            mu = np.concatenate(parts).astype(np.float32)
            known = self._plain[view, data] = Map(mu, mu[:, :2], labels, {"model": view})
            while len(self._plain) > 8:
                self._plain.popitem(last=False)
        return known, np.arange(len(known.mu))


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _near(near: np.ndarray, distance: np.ndarray, index: np.ndarray) -> list[dict]:
    return [{"point": int(p), "index": int(index[p]), "distance": round(float(d), 3)} for p, d in zip(near, distance, strict=True)]


def panel(lab: Lab) -> None:
    """Chooser and chart, inside the tab that is being built."""
    plotly = Path(importlib.util.find_spec("plotly").submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    gr.set_static_paths([plotly, exhibit.FOLDER])
    plain = [{"view": m["name"], "title": f"{m['title']}, as it is"} for m in lab.having("encode") if m["z_dim"] == 2]
    data = data_of(lab.catalogue, "image")
    value = {
        "views": [{"view": SHIPPED, "title": "UMAP"}, *plain], "plotly": str(plotly),
        "exhibits": {d: f"{exhibit.FOLDER / d}.png" for d in data},
        "classes": {name: d["classes"] for name, d in data.items()},
    }  # fmt: skip
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            pane = lab.follow(MapPane(lab.engine, value))
        with gr.Column(scale=1, min_width=300):
            pick = lab.follow(Pick(tool=lab.tool("map", "Find on the map")))
    pane.value = {**pane.value, "pick": pick.to()}
