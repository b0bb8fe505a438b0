"""What the diffusion tab adds: the forward process and the way back from it, the microscope with its branches, and two noises."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from genviz.families.diffusion.page.forward.panel import Forward
from genviz.families.diffusion.page.microscope.panel import Microscope
from genviz.families.diffusion.page.noises.panel import Noises
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player, Row


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of this family's own panels."""
    classes = {"classes": {name: data["classes"] for name, data in lab.catalogue["data"].items()}}

    def forward() -> None:
        pick = lab.follow(Pick(tool=lab.tool("diffuse", "Diffuse from here")))
        lab.follow(Forward({**classes, "pick": pick.to(), "player": "diffusion.back"}))
        Player(lab.engine, "diffusion.back", walk="diffuse", empty="Press Walk back: the same noisy moment, denoised in several ways.")

    def microscope() -> None:
        rows = (Row("x0_hat", "x0_hat, the guess"), Row("eps_hat", "eps_hat, the noise", "signed:2.5"), Row("score", "score", "signed"))
        lab.follow(Microscope({**classes, "player": "diffusion.microscope", "branches": "diffusion.branches"}))
        Player(lab.engine, "diffusion.microscope", rows=rows, label="x_t", frames=120, empty="Press Walk, then stop at a step and branch.")
        gr.HTML("<h3>Branches</h3>")
        Player(
            lab.engine, "diffusion.branches", walk="branch", rows=(Row("x0_hat", "x0_hat, the guesses"),), label="x_t",
            empty="Branch here takes the moment shown above and goes on in nine ways, each with new noise.",
        )  # fmt: skip

    def noises() -> None:
        lab.follow(Noises(classes))

    return [("Forward and back", forward), ("Microscope", microscope), ("Two noises", noises)]
