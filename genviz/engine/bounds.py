"""How much of a film may be asked for, by medium. The only place in the engine that tells a medium by the rank of an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 2  # shots of a film: the first and the last
MOST = 1000  # shots that may be asked for


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a film of a medium is at most."""

    most: int  # samples
    frames: int  # shots that are delivered where no number is asked for
    steps: int  # of a walk
    sliced: bool  # a network is asked about AT_ONCE (genviz.model) of them in a turn; otherwise there are never too many for one


IMAGE = Bounds(most=64, frames=60, steps=5000, sliced=True)
POINTS = Bounds(most=2000, frames=60, steps=5000, sliced=False)


def bounds(shape: Sequence[int]) -> Bounds:
    """The bounds of samples of this shape (without the batch)."""
    return IMAGE if len(shape) == 3 else POINTS
