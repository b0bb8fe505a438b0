"""What the panels of this family share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from genviz.ui.field import Whole
from genviz.ui.once import Once
from genviz.ui.widget import Widget

Class = Annotated[int, Whole(0, 9)]


class Asking(Widget):
    """A widget that asks the engine about the models of this family."""

    def __init__(self, engine: Any, value: dict, server: list[Callable]):
        super().__init__(value, server=server)
        self.engine, self.once, self.conditional, self.sizes = engine, Once(), value.get("conditional", []), value.get("z_dim", {})

    def z_dim(self, model: str) -> int:
        """How many latent numbers a model of this family has. ValueError for a model of another one."""
        if model not in self.sizes:
            raise ValueError(f"There is no model '{model}' in this tab; there are {', '.join(self.sizes)}.")
        return self.sizes[model]

    def told(self, model: str, label: np.ndarray) -> dict[str, np.ndarray]:
        """The option that tells a model of classes the labels (B,); nothing for the others."""
        return {"label": label.astype(np.int64)} if model in self.conditional else {}


def short(numbers: np.ndarray) -> list[float]:
    return [float(f"{v:.4g}") for v in numbers.ravel()]
