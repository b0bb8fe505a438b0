"""A picture dissolving under a slider, computed in the page, beside its schedule; and the button that walks back."""

from __future__ import annotations

from genviz.ui.widget import Widget


class Forward(Widget):
    """A picture dissolving under a slider, computed in the page, beside its schedule; and the button that walks back."""

    folder = "families/diffusion/page/forward"
