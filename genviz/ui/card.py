"""The passport of a trained model on the screen: parameters, what training cost, and every metric with its protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genviz.ui.widget import Widget

ASSETS = Path(__file__).parent / "assets"


class ModelCard(Widget):
    """The card of the model and data set that the menus name; made to follow them with `lab.follow`."""

    template = '<details><summary><b></b> <span class="short"></span></summary><dl></dl><table><tbody></tbody></table></details>'
    css = (ASSETS / "card.css").read_text()
    js = (ASSETS / "card.js").read_text()

    def __init__(self, catalogue: dict, family: dict, **options: Any):
        super().__init__({"cards": {m["name"]: m["cards"] for m in family["models"]},
                          "titles": {name: data["title"] for name, data in catalogue["data"].items()}}, **options)  # fmt: skip
