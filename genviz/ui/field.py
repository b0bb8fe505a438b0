"""What a value from outside may be: every parameter of a server function says so, and is read here before the function runs.

    async def at(self, z: Latent, model: Model, data: Data, told: Annotated[int, Whole(0, 4095)] = 0) -> dict:

A page sends JSON, and so may anybody: a list where a name should be, a million where a ten should be, a number that is none. A `Field`
makes a typed value within bounds of what came, or a ValueError with one sentence that names the parameter; so that no function looks up
what is no name, and none lets a stranger say how much it computes. A function with a parameter that has no field is not taken into a
widget at all (`fields_of`).
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from genviz.data import of
from genviz.engine import request
from genviz.plots import pictures

WIDEST = 4096  # latent numbers of one point


class Field(ABC):
    """How a value is read."""

    @abstractmethod
    def read(self, name: str, value: Any) -> Any:
        """What the function gets; ValueError with one sentence."""


@dataclass(frozen=True)
class Whole(Field):
    low: int
    high: int

    def read(self, name: str, value: Any) -> int:
        return request.whole(name, value, self.low, self.high)


@dataclass(frozen=True)
class Number(Field):
    low: float
    high: float

    def read(self, name: str, value: Any) -> float:
        return request.number(name, value, self.low, self.high)


@dataclass(frozen=True)
class Text(Field):
    """Any text of at most so many characters; the function knows what it may say."""

    most: int

    def read(self, name: str, value: Any) -> str:
        return request.text(name, value, self.most)


@dataclass(frozen=True)
class Choice(Field):
    """One of the names that are known; `what` says in the sentence what they are names of."""

    known: tuple[str, ...]
    what: str = ""

    def read(self, name: str, value: Any) -> str:
        if request.text(name, value) not in self.known:
            raise ValueError(f"There is no {self.what or name} '{value:.40}'; there are {', '.join(self.known)}.")
        return value


@dataclass(frozen=True)
class Switch(Field):
    def read(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"'{name}' must be true or false, not {request.short(value)}.")
        return value


@dataclass(frozen=True)
class Image(Field):
    """784 grey bytes in base64, as `encode` of core/arrays.js makes them and `pictures.from_base64` reads them."""

    def read(self, name: str, value: Any) -> str:
        try:
            pictures.from_base64(value)
        except ValueError as error:
            raise ValueError(f"'{name}': {error}") from None
        return value


@dataclass(frozen=True)
class Many(Field):
    """A list of 1 to `most` values of one kind."""

    kind: Field
    most: int

    def read(self, name: str, value: Any) -> list:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            raise ValueError(f"'{name}' must be a list of 1 to {self.most} values.")
        return [self.kind.read(name, one) for one in value]


Model = Annotated[str, Text(100)]  # a name; whether there is such a model the engine's catalogue says (`request.trained`)
Data = Annotated[str, Choice(of("image"), "data set")]
PointData = Annotated[str, Choice(of("points"), "data set in the plane")]
Seed = Annotated[int, Whole(0, request.SEEDS)]
Picture = Annotated[str, Image()]
Job = Annotated[str, Text(100)]
Latent = Annotated[list, Many(Number(-request.FURTHEST, request.FURTHEST), WIDEST)]


def fields_of(f: Callable) -> dict[str, tuple[Field, bool, bool]]:
    """Of each parameter of a server function its field, whether it must be given, and whether it may be null. TypeError without a field."""
    hints, read = get_type_hints(f, include_extras=True), {}
    for name, parameter in inspect.signature(f).parameters.items():
        hint = hints.get(name)
        kinds = (hint,) if get_origin(hint) is Annotated else get_args(hint)
        field = next((m for kind in kinds if get_origin(kind) is Annotated for m in kind.__metadata__ if isinstance(m, Field)), None)
        if field is None:
            raise TypeError(f"The parameter '{name}' of {f.__qualname__} does not say what it may be; see genviz.ui.field.")
        read[name] = field, parameter.default is parameter.empty, type(None) in kinds
    return read


def read(f: str, fields: Mapping[str, tuple[Field, bool, bool]], asked: Any) -> dict[str, Any]:
    """What a function named `f` is called with: every value that was sent, read by its field. ValueError with one sentence."""
    if not isinstance(asked, dict):
        raise ValueError(f"'{f}' takes one object of named values, not {request.short(asked)}.")
    if unknown := [name for name in asked if name not in fields]:
        raise ValueError(f"'{f}' takes no {request.short(unknown[0])}; it takes {', '.join(fields) or 'nothing'}.")
    if missing := [name for name, (_, needed, _) in fields.items() if needed and name not in asked]:
        raise ValueError(f"'{f}' needs {', '.join(missing)} too.")
    return {name: None if value is None and fields[name][2] else fields[name][0].read(name, value) for name, value in asked.items()}
