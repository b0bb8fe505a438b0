"""What genviz.sample returns: a tensor that shows itself in a notebook."""

from __future__ import annotations

from torch import Tensor

from genviz import notebook


class Samples(Tensor):
    """A tensor as any other: slices and sums of it are Samples too. Images and points are shown, everything else is printed."""

    def _repr_html_(self) -> str | None:
        if not self.is_floating_point():
            return None
        return notebook.html(self.detach().cpu().float().numpy())
