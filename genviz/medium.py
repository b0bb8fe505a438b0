"""What models make: a picture, points in the plane, a text, a sound. A medium is a value that engine, page and models share.

How a sample of each is read, sent, saved and described lies in `genviz.media`, one file a medium; how it is drawn in the browser in one
view a medium. Nothing else asks whether something is a picture: it asks the medium for what it needs to know.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Medium:
    """`first` samples of a film unless somebody asks otherwise, and `most`; at most `frames` shots of it that are kept, and `steps` of the
    walk; `extras` of a frame that its view shows wherever a model gives them."""

    name: str
    first: int
    most: int
    frames: int
    steps: int
    extras: tuple[str, ...] = ()
    sliced: bool = True  # a network is asked about some of them in a turn; of points there are never too many for one


IMAGE = Medium("image", 16, 64, 60, 5000)
POINTS = Medium("points", 1000, 2000, 60, 5000, sliced=False)
TEXT = Medium("text", 1, 8, 1000, 2000, ("next", "attention"))
AUDIO = Medium("audio", 1, 4, 120, 32_000, ("next",))

MEDIA = {m.name: m for m in (IMAGE, POINTS, TEXT, AUDIO)}
