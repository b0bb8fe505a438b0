"""The given picture with the line below which the model paints; drag the line or the slider."""

from __future__ import annotations

from genviz.ui.widget import Widget


class Complete(Widget):
    """The given picture with the line below which the model paints; drag the line or the slider."""

    folder = "families/autoregressive/page/complete"
