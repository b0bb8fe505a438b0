"""Panels that every family gets for what its models can do; no model is named here.

    for title, build in standard(lab):
        with gr.Tab(title):
            build()

A family adds its own panels in families/<family>/page in the same form.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from genviz.ui import map
from genviz.ui.lab import Lab
from genviz.ui.panels import interpolation, latent_plane, plane, reconstruct

NEEDS = (  # title, abilities that one model of the family must have together, the function that builds the panel
    ("Reconstruct", {"encode", "decode"}, reconstruct.panel),
    ("Latent plane", {"decode"}, latent_plane.panel),
    ("Interpolation", {"encode", "decode"}, interpolation.panel),
    ("Map", {"encode", "decode"}, map.panel),
)


def standard(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of the panels that at least one model of the family can fill, in teaching order; points come before pictures."""
    able = [set(m["abilities"]) for m in lab.models]
    planes = [("In the plane", partial(plane.panel, lab))] if any(m["cards"] for m in lab.family["planes"]) else []
    return planes + [(title, partial(build, lab)) for title, needed, build in NEEDS if any(needed <= has for has in able)]
