"""What only a GAN can show: its training as a game, its discriminator, its latent space on the move, and whether it copies."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from genviz.families.gan.page.between.panel import Between
from genviz.families.gan.page.discriminator.panel import Expert
from genviz.families.gan.page.nearest.panel import Nearest
from genviz.families.gan.page.shared import Asking
from genviz.families.gan.page.walk.panel import Walk
from genviz.families.gan.page.watched.panel import Watched
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of this family's own panels."""
    conditional = [m["name"] for m in lab.having("class_grid")]
    value = {
        "conditional": conditional,
        "kinds": {m["name"]: k["high"] + 1 for m in lab.models for k in m["knobs"] if k["name"] == "kind"},
        "z_dim": {m["name"]: m["z_dim"] for m in lab.models},
        "classes": {name: data["classes"] for name, data in lab.catalogue["data"].items()},
    }
    walking = {**value, "grid": False, "walk": "latent_walk", "able": [m["name"] for m in lab.having("latent_walk")], "unable": ""}
    walking["about"] = (
        "Twelve walks through the latent space, each along a smooth curve that is a draw from N(0, I) at every moment; they never end, and "
        "the seed says where they lead."
    )
    grid = {
        **value,
        "grid": True,
        "walk": "class_grid",
        "able": conditional,
        "unable": "This model knows no classes; choose the class-conditional one in the menu.",
    }
    grid["about"] = (
        "A class to each row, the same z down each column: what a column keeps is style, slant and weight, which the generator has "
        "learnt to hold apart from the class. Let it walk, and all rows move together."
    )

    def watched() -> None:
        cards = {(m["name"], data): card for m in lab.models for data, card in m["cards"].items()}
        lab.follow(Watched(lab.engine, value, cards))

    def beside(widget: type[Asking], name: str, line: str) -> None:
        with gr.Row(elem_classes="gv-work", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(tool=lab.tool(name, line)))
            with gr.Column(scale=4, min_width=320):
                lab.follow(widget(lab.engine, {**value, "pick": pick.to()}))

    return [
        ("The game watched", watched),
        ("Discriminator", lambda: beside(Expert, "judge", "Judge")),
        ("Class grid", lambda: lab.follow(Walk(lab.engine, grid))),
        ("Latent walk", lambda: lab.follow(Walk(lab.engine, walking))),
        ("Interpolation", lambda: lab.follow(Between(lab.engine, value))),
        ("Nearest", lambda: beside(Nearest, "nearest", "Nearest training images of")),
    ]
