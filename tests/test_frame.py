"""Knobs: what the screen draws and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from genviz.frame import describe_knobs, knob, read_knobs


@dataclass(frozen=True)
class Knobs:
    steps: int = knob(18, 1, 1000, help="steps")
    eta: float = knob(0.0, 0, 1, help="noise")
    sampler: str = knob("ddim", choices=("ddpm", "ddim"), help="sampler")
    clip: bool = knob(True, help="clip")


KNOBS = describe_knobs(Knobs)


def test_defaults_and_types() -> None:
    assert read_knobs(KNOBS, {}) == {"steps": 18, "eta": 0.0, "sampler": "ddim", "clip": True}
    typed = read_knobs(KNOBS, {"eta": 1, "steps": 20.0})
    assert type(typed["eta"]) is float and type(typed["steps"]) is int
    assert read_knobs(KNOBS, {"eta": "0.5"})["eta"] == 0.5


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"steps": "many"}, "'steps' must be a whole number"),
        ({"steps": 2.5}, "'steps' must be a whole number"),
        ({"steps": 0}, "between 1 and 1000"),
        ({"steps": 10**400}, "'steps'"),
        ({"steps": None}, "'steps'"),
        ({"eta": float("nan")}, "'eta'"),
        ({"eta": float("inf")}, "'eta'"),
        ({"sampler": "euler"}, "one of ddpm, ddim"),
        ({"clip": "maybe"}, "on or off"),
        ({"colour": 1}, "no knob 'colour'"),
    ],
)
def test_refusals_name_the_knob(given: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        read_knobs(KNOBS, given)
