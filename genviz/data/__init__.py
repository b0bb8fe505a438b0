"""Data sets by name: one registry says of each what it is made of, where its examples come from, and what stands beside it.

Images come through torchvision from the folder that GENVIZ_DATA names, points in the plane from their formula; nothing is imported before
it is used.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Data:
    """A data set as menus show it, and the function behind it.

    `shape` is that of one example as a model sees it, where a trailing None is any length; `source` names a function (name, split) ->
    (x, label) as "module:function"; `classes` stand in the order of their labels, `alphabet` in that of its characters' numbers, `rate` is
    samples a second. `foil` is the set that is foreign to this one, of the same medium.
    """

    name: str
    title: str
    medium: str  # of genviz.medium.MEDIA
    shape: tuple[int | None, ...]
    source: str
    classes: tuple[str, ...] = ()
    alphabet: str = ""
    rate: int = 0
    foil: str = ""
    trained_on: str = ""  # which part of it, as a card says it
    licence: str = ""


IMAGES = "55,000 of the 60,000 training images; 5,000 held out for selection"
CLOTHES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def _images(name: str, title: str, classes: tuple[str, ...], foil: str, licence: str) -> Data:
    return Data(name, title, "image", (1, 28, 28), "genviz.data.images:images", classes, "", 0, foil, IMAGES, licence)


def _points(name: str, title: str) -> Data:
    made = "50,000 points; 5,000 more held out for selection"
    return Data(name, title, "points", (2,), "genviz.data.points:points", trained_on=made, licence="a formula")


DATA = {
    d.name: d
    for d in (
        _images("mnist", "MNIST", tuple("0123456789"), "fashion_mnist", "LeCun, Cortes and Burges"),
        _images("fashion_mnist", "Fashion-MNIST", CLOTHES, "mnist", "MIT, Zalando SE"),
        _points("two_moons", "Two moons"),
        _points("rings", "Rings"),
        _points("swiss_roll", "Swiss roll"),
        _points("eight_gaussians", "Eight Gaussians"),
        _points("twenty_five_gaussians", "Twenty-five Gaussians"),
        _points("checkerboard", "Checkerboard"),
    )
}


def of(medium: str) -> tuple[str, ...]:
    """The names of the data sets of a medium."""
    return tuple(name for name, data in DATA.items() if data.medium == medium)


def examples(data: str, split: str) -> tuple[Tensor, Tensor]:
    """x and label of split "train", "held_out" or "test", as the set's own function gives them: images (N, 1, 28, 28) uint8, points (N, 2).
    KeyError for other names."""
    from genviz.data import own

    known = {**DATA, **own.found()} if data not in DATA else DATA
    if data not in known:
        raise KeyError(f"There is no data set '{data}'; there are {', '.join(known)}. {own.place()}")
    module, function = known[data].source.split(":")
    return getattr(importlib.import_module(module), function)(data, split)
