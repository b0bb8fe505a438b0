"""The few controls above the film of "What does it expect?"."""

from __future__ import annotations

from genviz.ui.widget import Widget


class Paint(Widget):
    """The few controls above the film of "What does it expect?"."""

    folder = "families/autoregressive/page/paint"
