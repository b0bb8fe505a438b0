"""What only an autoregressive model can show: its next guess, the rest of a half-given picture, and what a pixel may look at.

Every question is short: one pass of the network gives the distributions of all 784 pixels, so a hover asks nothing of the server.
"""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from genviz.families.autoregressive.page.complete.panel import Complete
from genviz.families.autoregressive.page.expect.panel import Expect
from genviz.families.autoregressive.page.field.panel import Field
from genviz.families.autoregressive.page.paint.panel import Paint
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player


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
