"""Buttons above the film of one picture on its way to z, or back."""

from __future__ import annotations

from genviz.ui.widget import Widget


class Layerwise(Widget):
    """Buttons above the film of one picture on its way to z, or back."""

    folder = "families/flow/page/layers"
