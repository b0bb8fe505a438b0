"""The passport of a trained model on the screen: parameters, what training cost, and every metric with its protocol."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from genviz.ui.widget import Widget

ASSETS = Path(__file__).parent / "assets"

LEADING = {  # the metrics that a card leads with, as patterns of their names, and how a short line calls them
    r"nll_exact": "-log p(x), exact",
    r"nll_iw_(\d+)": "-log p(x), IW-{} bound",
    r"bits_per_dim_exact": "Bits per dimension, exact",
    r"bits_per_dim_iw_(\d+)": "Bits per dimension, IW-{} bound",
    r"bits_per_dim_ode": "Bits per dimension, by the ODE",
    r"frechet_ratio": "Frechet distance",
    r"frechet_ratio, (.+)": "Frechet distance ({})",
}


def leading(card: dict) -> list[dict]:
    """The figures that stand for a model: what it pays for test pictures, then how far its own pictures are from them."""
    lines = []
    for pattern, title in LEADING.items():
        found = [(m["value"], m, match) for m in card["metrics"] if (match := re.fullmatch(pattern, m["name"]))]
        if found:
            value, m, match = min(found, key=lambda one: one[0])  # of several settings the best
            name = title.format(*match.groups())
            lines.append({"name": name, "value": value, "text": f"{value:.4g} {m['unit']}", "protocol": m["protocol"]})
    return lines


class ModelCard(Widget):
    """The card of the model and data set that the menus name; made to follow them with `lab.follow`."""

    template = '<details><summary><b></b> <span class="short"></span></summary><dl></dl><table><tbody></tbody></table></details>'
    css = (ASSETS / "card.css").read_text(encoding="utf-8")
    js = (ASSETS / "card.js").read_text(encoding="utf-8")

    def __init__(self, catalogue: dict, family: dict, **options: Any):
        cards = {m["name"]: m["cards"] for m in family["models"]}
        lead = {
            name: {data: [f"{line['name']} {line['text']}" for line in leading(card)] for data, card in c.items()}
            for name, c in cards.items()
        }
        super().__init__({"cards": cards, "lead": lead,
                          "titles": {name: data["title"] for name, data in catalogue["data"].items()}}, **options)  # fmt: skip
