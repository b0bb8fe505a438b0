"""Strips of pictures from the noises between two, along the sphere and straight, scrubbed through time together."""

from __future__ import annotations

from genviz.ui.widget import Widget


class Noises(Widget):
    """Strips of pictures from the noises between two, along the sphere and straight, scrubbed through time together."""

    folder = "families/diffusion/page/noises"
