"""Pictures that change without end, as they come or in a grid of classes."""

from __future__ import annotations

from typing import Any

from genviz.families.gan.page.shared import Asking


class Walk(Asking):
    """Pictures that change without end, as they come or in a grid of classes."""

    folder = "families/gan/page/walk"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [])
