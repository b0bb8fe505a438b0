"""Knobs, number of samples, Sample and Stop: drawn from what a model says about its knobs, so that a model needs no screen code.

A number has a slider and a field side by side, a choice a menu, a switch a box, kind "label" a menu of the data set's classes with "each in
turn" first. The engine types and bounds what was entered (`genviz.frame.read_knobs`); its one sentence of refusal appears here.
"""

from __future__ import annotations

from typing import Any

from genviz.medium import MEDIA
from genviz.ui.widget import Widget


class Controls(Widget):
    """Controls of one family's player; made to follow the menus with `lab.follow`, and to set them where a link says what they hold."""

    events_sent = ("restore",)

    folder = "ui/web/controls"

    def __init__(self, family: dict, player: str, **options: Any):
        """`family` is its dictionary in the catalogue, `player` the name of the player that shows the film."""
        of = {m["name"]: MEDIA[m["medium"]] for m in family["models"]}
        self.models = {
            m["name"]: {"knobs": m["knobs"], "trained": list(m["cards"]), "first": of[m["name"]].first, "most": of[m["name"]].most}
            for m in family["models"]
        }
        self.scenes = family["scenes"]
        super().__init__({"player": player}, server=[self.settings], **options)

    def settings(self) -> dict:
        """Knobs of every model, the data sets it is trained on, and the family's scenes."""
        return {"models": self.models, "scenes": self.scenes}
