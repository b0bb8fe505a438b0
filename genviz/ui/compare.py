"""The tab that sets the families side by side: what their pictures are worth, what a picture costs, and what each can tell.

"Figures" shows the shipped measurements of `genviz.compare`, each with its protocol, and measures a row again on this machine where
somebody asks for it (genviz/remeasure.py). What is measured here is shown beside the shipped row and written nowhere. "Side by side"
plays films of several models in lock-step (genviz/ui/side_by_side.py), "Same drawing" shows one picture to every family
(genviz/ui/same_drawing.py), and "Likelihood lab" asks every model that has a likelihood how likely a picture is
(genviz/ui/likelihood_lab.py).
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, Any

import gradio as gr

from genviz import compare
from genviz.catalogue import data_of
from genviz.compare import Row
from genviz.data.idx import at_hand
from genviz.remeasure import Remeasures
from genviz.ui import likelihood_lab, same_drawing
from genviz.ui.field import Data, Job, Model, Text, Whole
from genviz.ui.side_by_side import SideBySide
from genviz.ui.widget import Widget

PROTOCOLS = {"ratio": "frechet_ratio", "floor": "frechet_floor"} | {
    name: name for name in ("frechet", "kid", "precision", "recall", "density", "coverage", "agreement", "nfe", "ms_1", "ms_64")
}  # the figures of the page and their names in `compare.metrics`
SIZES = (0, 1000, compare.SAMPLES)  # pictures of a measurement here; 0 = times only


def build(engine: Any, catalogue: dict) -> list[dict]:
    """Everything inside the tab (call it inside its gr.Tab); returns the tools that players may send a sample to."""
    with gr.Tabs(elem_classes="gv-panels", overflow_behavior="wrap"):
        with gr.Tab("Figures", elem_id="tab-compare-figures"):
            Figures(catalogue)
        with gr.Tab("Side by side", elem_id="tab-compare-side-by-side"):
            SideBySide(catalogue)
        with gr.Tab("Same drawing", elem_id="tab-compare-same-drawing"):
            tools = same_drawing.build(engine, catalogue, ["tab-compare", "tab-compare-same-drawing"])
        with gr.Tab("Likelihood lab", elem_id="tab-compare-likelihood-lab"):
            likelihood_lab.panel(engine, catalogue)
    return tools


class Figures(Widget):
    """A table and a scatter of every measured model of a data set."""

    folder = "ui/web/compare"

    def __init__(self, catalogue: dict, **options: Any):
        self.families = catalogue["families"]
        super().__init__({
            "data": [{"name": name, "title": d["title"]} for name, d in data_of(catalogue, "image").items()],
            "families": [{"name": f["name"], "title": f["title"]} for f in self.families], "sizes": list(SIZES),
        }, server=[self.figures, self.remeasure, self.progress, self.halt], **options)  # fmt: skip
        self._remeasures = Remeasures()

    def figures(self, data: Data) -> dict:
        """What was measured on a data set: lines (see `line`), the models without figures of their present weights, and whether the
        data set is on this machine."""
        rows = self._rows(data)
        known = {row.name for row in rows}
        missing = [
            {"name": m["name"], "title": m["title"], "family": f["name"], **reason(m["name"], data, data in m["cards"])}
            for f in self.families for m in f["models"] if data in m["data"] and m["name"] not in known
        ]  # fmt: skip
        return {"lines": [line(row) for row in rows], "missing": missing, "at_hand": at_hand(data)}

    def remeasure(self, name: Model, data: Data, setting: Annotated[str, Text(200)], samples: Annotated[int, Whole(0, max(SIZES))]) -> dict:
        """Begin to measure a row again on this machine; `samples` is one of SIZES."""
        row = next((row for row in self._rows(data) if (row.name, row.setting) == (name, setting)), None)
        if row is None:
            raise ValueError(f"There are no figures of {name} on {data}.")
        if samples not in SIZES:
            raise ValueError(f"The number of pictures is one of {', '.join(map(str, SIZES))}.")
        return {"job": self._remeasures.start(row, samples)}

    def progress(self, job: Job) -> dict:
        """Stage, done, total, seconds, final, error and, when done, the line that was measured."""
        state = self._remeasures.look(job)
        return {**state, "found": state["found"] and line(state["found"])}

    def halt(self, job: Job) -> dict:
        """Cancel a measurement."""
        self._remeasures.cancel(job)
        return {}

    def _rows(self, data: str) -> list[Row]:
        """The rows that tell of the weights and the classifier that are here now."""
        weights = {m["name"]: m["cards"][data]["sha256"] for f in self.families for m in f["models"] if data in m["cards"]}
        seen_by = compare.eye(data)
        return [r for r in compare.read() if r.data == data and r.sha256 == weights.get(r.name) and r.classifier == seen_by]


def reason(name: str, data: str, trained: bool) -> dict:
    """Why a model has no figures, and the command that makes them."""
    if trained:
        return {"why": "trained, not measured", "command": f"python -m genviz.compare --only {name} {data}"}
    return {"why": "not trained yet", "command": f"python -m genviz.train {name} {data}"}


def line(row: Row) -> dict:
    """A row as the page reads it: its fields, its family, what its pictures are, and the protocol of each figure."""
    levels = re.search(r"of (\d+) grey levels", row.pictures)
    kind = "black and white" if row.pictures.startswith("black and white") else f"{levels[1] if levels else 256} grey levels"
    told = {m["name"].removesuffix(row.tail): m["protocol"] for m in compare.metrics(row)}
    protocols = {key: told[metric] for key, metric in PROTOCOLS.items() if metric in told}
    return {**asdict(row), "family": row.name.partition("/")[0], "shown": kind, "protocols": protocols}
