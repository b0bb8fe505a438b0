"""What the stage keeps of models, and what it does when two threads ask for one."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from toy import Toy

from genviz.engine.job import Refused
from genviz.engine.stage import Stage, size
from genviz.model import Model


class Shelf(Stage):
    """A stage whose models are all alike; it notes down which were loaded."""

    def __init__(self, weights: int):
        super().__init__("cpu", weights)
        self.loaded: list[str] = []

    def load(self, name: str, data: str) -> Model:
        self.loaded.append(name)
        if name == "none":
            raise KeyError("There is no model 'none'.")
        return Toy()


ONE = size(Toy())


def test_models_least_used_are_unloaded_beyond_a_bound() -> None:
    stage = Shelf(3 * ONE)
    for name in "abcabdab":
        stage.model(name, "mnist")
    assert stage.loaded == list("abcd"), "what is in use stays, and d took the place of c"
    stage.model("c", "mnist")
    assert stage.loaded == list("abcdc") and [name for name, _ in stage._models] == ["a", "b", "c"]
    assert sum(map(size, stage._models.values())) <= 3 * ONE


def test_a_model_larger_than_the_bound_is_used_all_the_same() -> None:
    stage = Shelf(ONE // 2)
    for name in "aabb":
        stage.model(name, "mnist")
    assert stage.loaded == ["a", "b"] and len(stage._models) == 1


def test_a_film_keeps_its_model_while_others_push_it_out() -> None:
    stage = Shelf(ONE)
    film = stage.frames("a", "mnist", n=2, seed=3, knobs={"steps": 4})
    weights = stage.model("a", "mnist").decoder.weight  # type: ignore[union-attr]
    pictures = [next(film).x]
    stage.model("b", "mnist")
    pictures += [frame.x for frame in film]
    assert [name for name, _ in stage._models] == ["b"] and stage.loaded == ["a", "b"]
    assert len(pictures) == 5 and weights.isfinite().all() and all(x.isfinite().all() for x in pictures)


def test_two_who_ask_for_a_model_at_once_get_the_same() -> None:
    stage, began, found = Shelf(ONE), threading.Barrier(2), []

    def ask() -> None:
        began.wait(60)
        found.append(stage.model("a", "mnist"))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert stage.loaded == ["a"] and found[0] is found[1]


def test_a_model_that_cannot_be_loaded_is_tried_again_by_the_next() -> None:
    stage = Shelf(ONE)
    for _ in range(2):
        with pytest.raises(Refused, match="There is no model 'none'"):
            stage.model("none", "mnist")
    assert stage.loaded == ["none", "none"]


def test_short_answers_take_no_breath_and_others_take_one_before_they_begin() -> None:
    stage = Shelf(ONE)

    def breaths(rows: int) -> int:
        return sum(1 for _ in stage.answering("a", "mnist", "decode", (np.zeros((rows, 4), np.float32),), {}))

    assert breaths(32) == 0 and breaths(33) == 1 + 2, "one before it begins, and one after each part"
