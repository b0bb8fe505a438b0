"""The passport of a trained model on the screen: parameters, what training cost, and every metric with its protocol."""

from __future__ import annotations

import re
from typing import Annotated, Any

from genviz.ui.field import Model, Text
from genviz.ui.widget import Widget

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
    """The card of the model and data set that the menus name, fetched when they name it; made to follow them with `lab.follow`."""

    folder = "ui/web/card"

    def __init__(self, catalogue: dict, family: dict, **options: Any):
        self.cards = {m["name"]: m["cards"] for m in family["models"]}
        self.titles = {name: data["title"] for name, data in catalogue["data"].items()}
        super().__init__(server=[self.card], **options)

    def card(self, model: Model, data: Annotated[str, Text(100)]) -> dict:
        """The card of a model on a data set, with its leading figures as short lines; {"card": None} where it is not trained."""
        card = self.cards.get(model, {}).get(data)
        if card is None:
            return {"card": None}
        lead = [f"{line['name']} {line['text']}" for line in leading(card)]
        return {"card": card, "lead": lead, "title": self.titles.get(data, data)}
