"""What the panels of this family share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from genviz.data.exhibit import exhibit
from genviz.ui.once import Once
from genviz.ui.widget import Widget

TESTED = 300  # test images on a scale


class Remembering(Widget):
    """A widget with answers that are computed once for every model and data set."""

    def __init__(self, engine: Any, value: dict, server: list[Callable]):
        super().__init__(value, server=server)
        self.engine = engine
        self.once = Once()


def tested(data: str) -> np.ndarray:
    """The first TESTED images of the exhibit, (TESTED, 1, 28, 28) in [-1, 1]."""
    return exhibit(data)[0][:TESTED, None].astype(np.float32) / 127.5 - 1
