"""Menus and buttons above the film of x_t, x0_hat, eps_hat and score, and of the branches."""

from __future__ import annotations

from genviz.ui.widget import Widget


class Microscope(Widget):
    """Menus and buttons above the film of x_t, x0_hat, eps_hat and score, and of the branches."""

    folder = "families/diffusion/page/microscope"
