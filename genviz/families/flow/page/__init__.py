"""What only a flow can show: the exact way there and back with its sum, every layer as a film, z between two pictures, and the mesh."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from genviz.data import DATA, of
from genviz.families.flow.page.along.panel import Along
from genviz.families.flow.page.inside.panel import Inside
from genviz.families.flow.page.layers.panel import Layerwise
from genviz.families.flow.page.mesh.panel import Mesh
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player

BETWEEN = 11  # pictures of a film from one picture to another


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of the family's own panels."""

    def inside() -> None:
        pick = lab.follow(Pick(tool=lab.tool("invert", "Invert")))
        lab.follow(Inside(lab.engine, lab.catalogue, {"pick": pick.to()}))

    def layers() -> None:
        pick = lab.follow(Pick(tool=lab.tool("layers", "Layer by layer from")))
        lab.follow(Layerwise({"pick": pick.to(), "player": "flow.layers"}))
        Player(lab.engine, "flow.layers", walk="layers", empty="Choose a picture and a direction.")

    def between() -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(slots=("from", "to"), tool=lab.tool("interpolate", "Interpolate from")))
            with gr.Column(scale=3, min_width=320):
                lab.follow(Along(lab.engine, {"pick": pick.to(), "player": "flow.along", "n": BETWEEN}))
        Player(lab.engine, "flow.along", walk="interpolate", empty="Press Film: all pictures of the way come out of their z together.")

    def mesh() -> None:
        Mesh(lab.engine, {"sets": [(name, DATA[name].title) for name in of("points")]})

    return [("Inside the flow", inside), ("Layer by layer", layers), ("Interpolate in z", between), ("Mesh", mesh)]
