"""What models and screen have in common: a frame of a film, and a knob of a sampler.

To sample is to walk from noise to data. Every walk is a generator of `Frame`s: step 0 is the prior draw, step == steps is the
sample. This file imports nothing heavy, so that the web process can read it without torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the walk from noise (step 0) to data (step == steps)."""

    x: Tensor  # (B, *shape), what is on stage; images in [-1, 1]
    step: int  # 0 = prior draw ... steps = sample
    steps: int
    nfe: int  # network evaluations so far
    caption: str = ""  # "sigma = 2.51", "row 7"
    aux: Mapping[str, Tensor] = field(default_factory=dict)  # "x0_hat", "eps_hat", "score", "logits", ... each (B, ...)


class Later(Mapping):
    """Extras of a frame that cost network calls: they are computed when somebody looks at one of them, and kept.

    `compute` is a generator function that takes breaths (genviz.model) and returns the extras of these `names`.
    """

    def __init__(self, names: tuple[str, ...], compute: Callable[[], Generator[None, None, Mapping[str, Tensor]]]):
        self._names, self._compute, self._values = names, compute, None

    def breaths(self) -> Generator[None, None, None]:
        """Compute them, a call at a time."""
        if self._values is None:
            self._values = yield from self._compute()

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise KeyError(name)
        for _ in self.breaths():
            pass
        return self._values[name]  # type: ignore[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def knob(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    choices: tuple = (),
    step: float | None = None,
    kind: str = "",
    help: str,
) -> Any:
    """Field of a model's `Knobs` dataclass; the screen draws a slider, menu or switch from it and `read_knobs` checks against it.

    `low` and `high` bound a number (both inclusive), `choices` lists the values of a menu, `kind="label"` marks a class of the data
    set (-1 = every class in turn), `help` is the sentence a student reads.
    """
    return field(default=default, metadata={"low": low, "high": high, "choices": tuple(choices), "step": step, "kind": kind, "help": help})


def describe_knobs(knobs: type) -> list[dict]:
    """The knobs of a `Knobs` dataclass as plain dictionaries: name, type, default, low, high, choices, step, kind, help."""
    return [{"name": f.name, "type": type(f.default).__name__, "default": f.default, **f.metadata} for f in dataclasses.fields(knobs)]


def read_knobs(knobs: list[dict], given: Mapping[str, Any]) -> dict[str, Any]:
    """Typed, bounded values for every knob in `describe_knobs` form; what is not given keeps its default.

    Raises ValueError with one sentence that names the knob: JavaScript sends 1 for 1.0 and people type text into number fields.
    """
    known = {k["name"]: k for k in knobs}
    for name in given:
        if name not in known:
            raise ValueError(f"There is no knob '{name!s:.40}' here; the knobs are: {', '.join(known) or 'none'}.")
    return {name: _read_knob(k, given.get(name, k["default"])) for name, k in known.items()}


def _read_knob(k: dict, value: Any) -> Any:
    name, kind = k["name"], k["type"]
    if k["choices"]:
        for choice in k["choices"]:
            if str(choice) == str(value):
                return choice
        raise ValueError(f"'{name}' must be one of {', '.join(map(str, k['choices']))}, not {value!r:.40}.")
    if kind == "bool":
        if value in (True, False):
            return bool(value)
        raise ValueError(f"'{name}' must be on or off, not {value!r:.40}.")
    if kind == "str":
        return str(value)
    try:
        number = float(value)
        if kind == "int" and number != int(number):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"'{name}' must be a {'whole ' if kind == 'int' else ''}number, not {value!r:.40}.") from None
    low, high = k["low"], k["high"]
    if not number == number or (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"'{name}' must lie between {low} and {high}, not {value!r:.40}.")
    return int(number) if kind == "int" else number
