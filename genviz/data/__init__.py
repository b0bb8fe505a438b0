"""Data sets by name. Images come through torchvision from the folder that GENVIZ_DATA names; nothing is imported before it is used."""

from __future__ import annotations

from dataclasses import dataclass


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
