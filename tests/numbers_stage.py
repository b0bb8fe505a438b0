"""A stage without torch, whose films are numbers; a test can hold it in the middle of a step and count what it makes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from genviz.catalogue import described
from genviz.data import DATA
from genviz.engine.job import Order, Shot

NAME = ("toys/count", "mnist")
KNOBS = [
    {"name": "steps", "type": "int", "default": 4, "low": 1, "high": 100, "choices": (), "step": None, "kind": "", "help": ""},
    {"name": "fails", "type": "bool", "default": False, "low": None, "high": None, "choices": (), "step": None, "kind": "", "help": ""},
]


class Numbers:
    """`HOLD` keeps every film before its second step until it is set; `MADE` lists the orders of films that were begun."""

    HOLD: ClassVar[threading.Event] = threading.Event()
    MADE: ClassVar[list[Order]] = []

    def __init__(self, device: str):
        self.device = "cpu"

    def catalogue(self) -> dict:
        model = {"name": NAME[0], "model": NAME[0], "title": "Count", "abilities": [], "walks": ["sample", "branch"],
                 "shape": [1, 2, 2], "medium": "image",
                 "answers": ["open", "length"], "knobs": KNOBS, "data": ["mnist"], "cards": {"mnist": {}}}  # fmt: skip
        return {"families": [{"name": "toys", "models": [model]}], "data": {"mnist": described(DATA["mnist"])}, "device": self.device}

    def film(self, order: Order) -> Iterator[Shot | None]:
        self.MADE.append(order)
        steps = order.knobs["steps"]
        for step in range(steps + 1):
            if step == 2:
                self.HOLD.wait(120)
            if step == 3 and order.knobs["fails"]:
                raise RuntimeError("it was asked to")
            yield Shot(np.full((order.n, 1, 2, 2), 100 * order.seed + step, np.float32), step, steps, step, 0.1)

    def answering(self, model: str, data: str, method: str, arrays: tuple, options: dict) -> Iterator[None]:
        """`open` ends the hold, at once; `length` takes its turns."""
        if method == "open":
            self.HOLD.set()
            return "open"
        for _ in range(options["turns"]):
            yield
        return self.said(method)

    def said(self, method: str) -> Any:
        return method
