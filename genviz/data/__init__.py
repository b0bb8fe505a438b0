"""Data sets by name. Images come through torchvision from the folder that GENVIZ_DATA names, points in the plane from their formula;
nothing is imported before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Data:
    """A data set as menus show it: its name, title and classes in the order of their labels."""

    name: str
    title: str
    classes: tuple[str, ...]
    licence: str


DATASETS = {
    "mnist": Data("mnist", "MNIST", tuple("0123456789"), "LeCun, Cortes and Burges"),
    "fashion_mnist": Data(
        "fashion_mnist",
        "Fashion-MNIST",
        ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        "MIT, Zalando SE",
    ),
}

POINTS = {
    "two_moons": "Two moons",
    "rings": "Rings",
    "swiss_roll": "Swiss roll",
    "eight_gaussians": "Eight Gaussians",
    "twenty_five_gaussians": "Twenty-five Gaussians",
    "checkerboard": "Checkerboard",
}  # titles of the data sets in the plane


def examples(data: str, split: str) -> tuple[Tensor, Tensor]:
    """x and label of split "train", "held_out" or "test": images (N, 1, 28, 28) uint8 or points (N, 2). KeyError for other names."""
    if data in POINTS:
        from genviz.data.points import points

        return points(data, split)
    if data not in DATASETS:
        from genviz.data.own import images as own_images

        return own_images(data, split)
    from genviz.data.images import images

    return images(data, split)
