"""What the score tab adds: the score of a picture, its likelihood by the flow, and the diffusion model as the same object."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from genviz.families.score.page.arrow.panel import Arrow
from genviz.families.score.page.familiar.panel import Familiar
from genviz.families.score.page.likelihood.panel import Likelihood
from genviz.families.score.page.shared import LARGEST, SMALLEST
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player, Row


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of this family's own panels."""
    noises = {"smallest": SMALLEST, "largest": LARGEST}
    classes = {"classes": {name: data["classes"] for name, data in lab.catalogue["data"].items()}}

    def arrow() -> None:
        pick = lab.follow(Pick(tool=lab.tool("arrow", "Score of")))
        lab.follow(Arrow(lab.engine, {**noises, "pick": pick.to(), "player": "score.back"}))
        rows = (Row("x0_hat", "x0_hat, the guess"), Row("score", "score", "signed"))
        Player(lab.engine, "score.back", walk="diffuse", rows=rows, label="x", empty="Press Walk back: from this noise, in four ways.")

    def likelihood() -> None:
        with gr.Row(elem_classes="gv-work", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(tool=lab.tool("likelihood", "Likelihood of")))
            with gr.Column(scale=3, min_width=320):
                lab.follow(Likelihood(lab.engine, {"pick": pick.to()}))

    def familiar() -> None:
        pick = lab.follow(Pick(tool=lab.tool("familiar", "Ask both networks about")))
        lab.follow(Familiar(lab.engine, {**noises, **classes, "pick": pick.to()}))

    return [("Score of an image", arrow), ("Likelihood by the ODE", likelihood), ("Sounds familiar?", familiar)]
