"""Several models walk at once: the same seed, the same class, one bar that moves all films together.

By share of the way all walks begin and end together, however many steps each takes. By network evaluations every walk gets the same
number of calls of its network: a VAE is done after one, diffusion after tens, PixelCNN after one for each pixel. The films are the ones
that the players show (genviz/ui/film.py); everything after their arrival happens in the browser, but for the files that the Save menu
makes of them (genviz/ui/export.py).
"""

from __future__ import annotations

from typing import Any

from genviz import compare
from genviz.catalogue import data_of
from genviz.ui.widget import Widget

FEWEST, MOST = 2, 6  # models at once


class SideBySide(Widget):
    """Two to six films under one transport bar."""

    folder = "ui/web/side_by_side"

    def __init__(self, catalogue: dict, **options: Any):
        super().__init__({
            "families": [{"title": f["title"], "models": [model(m) for m in f["models"]]} for f in catalogue["families"]],
            "data": [
                {"name": name, "title": d["title"], "classes": d["classes"]} for name, d in data_of(catalogue, "image").items()
            ], "fewest": FEWEST, "most": MOST,
            "first": {data: first(catalogue["families"], data) for data in data_of(catalogue, "image")},
        }, **options)  # fmt: skip


def model(entry: dict) -> dict:
    """What the script must know of a model: where it is trained, the name of its knob for a class, and whether pixels are painted one
    after another, so that few frames hold the whole film."""
    label = next((k["name"] for k in entry["knobs"] if k["kind"] == "label"), "")
    return {"name": entry["name"], "title": entry["title"], "trained": list(entry["cards"]), "data": entry["data"], "label": label,
            "raster": entry["grows"] == "pixels"}  # fmt: skip


def first(families: list[dict], data: str) -> list[str]:
    """The models that are chosen when the page opens: of each family the trained one whose pictures were measured to be best."""
    ratio = {row.name: row.ratio for row in sorted(compare.read(), key=lambda row: -row.ratio) if row.data == data}
    trained = [[m["name"] for m in f["models"] if data in m["cards"]] for f in families]
    return [min(names, key=lambda name: ratio.get(name, float("inf"))) for names in trained if names]
