"""What only an autoregressive model can show: its next guess, the rest of a half-given picture, and what a pixel may look at.

Every question is short: one pass of the network gives the distributions of all 784 pixels, so a hover asks nothing of the server.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, Any

import gradio as gr
import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture, Whole
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player
from genviz.ui.widget import Widget

Place = Annotated[int, Whole(0, 27)]  # of a pixel in its row or column


class Paint(Widget):
    """The few controls above the film of "What does it expect?"."""

    folder = "families/autoregressive/page/paint"


class Expect(Widget):
    """A picture, what the model expected of each pixel, how uncertain it was, how surprised, and the distribution of the pixel under the
    pointer."""

    folder = "families/autoregressive/page/expect"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.expect])
        self.engine = engine

    async def expect(self, image: Picture, model: Model, data: Data) -> dict:
        """One image in base64 -> p(level | earlier pixels) of every pixel: float32 (levels, 784) in base64, and the number of levels."""
        p = await self.engine.call(model, data, "conditional", pictures.from_base64(image))
        return {"p": base64.b64encode(np.ascontiguousarray(p[0], np.float32).tobytes()).decode(), "levels": p.shape[1]}


class Complete(Widget):
    """The given picture with the line below which the model paints; drag the line or the slider."""

    folder = "families/autoregressive/page/complete"


class Field(Widget):
    """Click a pixel: which pixels could change the model's mind about it, for two stacks and for the naive mask."""

    folder = "families/autoregressive/page/field"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.field])
        self.engine = engine

    async def field(self, row: Place, column: Place, model: Model, data: Data) -> dict:
        """|d logit / d input| of a pixel, 784 numbers each: "gated" of the model, "naive" of the naively masked stack; largest is 1."""
        answer = {}
        for name, gated in (("gated", True), ("naive", False)):
            field = await self.engine.call(model, data, "receptive_field", row=row, column=column, gated=gated)
            answer[name] = [float(f"{v:.3g}") for v in np.asarray(field).ravel()]
        return answer


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of the family's own panels."""

    def expect() -> None:
        name = f"{lab.family['name']}.expect"
        with gr.Row(elem_classes="gv-work", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                lab.follow(Paint({"player": name}))
                Player(lab.engine, name, empty="Press Paint to begin.")
            with gr.Column(scale=3, min_width=320):
                lab.follow(Expect(lab.engine, {"player": name, "tool": lab.tool("expect", "What does it expect?")}))

    def complete() -> None:
        name = f"{lab.family['name']}.complete"
        with gr.Row(elem_classes="gv-work", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(tool=lab.tool("complete", "Complete")))
            with gr.Column(scale=3, min_width=320):
                lab.follow(Complete({"player": name, "pick": pick.to()}))
                Player(lab.engine, name, walk="complete", empty="Press Complete: the lower part will be painted in several ways.")

    def field() -> None:
        lab.follow(Field(lab.engine, {}))

    return [("What does it expect?", expect), ("Complete", complete), ("Receptive field", field)]
