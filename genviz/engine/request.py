"""Reading what was asked for, before it reaches a worker: every refusal is one sentence that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genviz import argument
from genviz.argument import SEEDS, short
from genviz.catalogue import model_in
from genviz.engine.job import Order, Refused
from genviz.frame import read_knobs
from genviz.medium import MEDIA

LEAST, MOST = 2, 1000  # shots of a film: the first and the last at least
GIVEN = 2**20  # bytes of arrays that come with a film
SENT = 4 * 2**20  # and with a question
NAMED = 64  # knobs, or things given
EXTRAS = 16  # of a frame
FURTHEST = 1000.0  # of a latent number


def trained(catalogue: dict, model: Any, data: Any) -> dict:
    """The catalogue's entry of a model that has weights for a data set."""
    model, data = text("model", model), text("data", data)
    try:
        entry = model_in(catalogue, model)
    except KeyError as error:
        raise Refused(str(error.args[0])) from None
    if data not in entry["data"]:
        raise Refused(f"{model} knows no data set '{data}'; it knows {', '.join(entry['data'])}.")
    if data not in entry["cards"]:
        raise Refused(f"{model} is not trained on {data} yet; train it with: python -m genviz.train {model} {data}")
    return entry


def film(catalogue: dict, model: Any, data: Any, walk: Any, knobs: Any, n: Any, seed: Any, given: Any, aux: Any, frames: Any) -> Order:
    """The order of a film: typed and bounded, complete enough to be made again."""
    entry = trained(catalogue, model, data)
    if text("walk", walk) not in entry["walks"]:
        raise Refused(f"{model} has no walk '{walk}'; it has {', '.join(entry['walks'])}.")
    try:
        typed = read_knobs(entry["knobs"], named("knobs", knobs))
    except ValueError as error:
        raise Refused(str(error)) from None
    extras = (aux,) if isinstance(aux, str) else aux
    if not isinstance(extras, list | tuple) or len(extras) > EXTRAS:
        raise Refused(f"'aux' must be a list of at most {EXTRAS} names.")
    medium = MEDIA[entry["medium"]]
    shown = dict.fromkeys((*(text("aux", name) for name in extras), *medium.extras))
    return Order(model, data, walk, typed, whole("n", n, 1, medium.most), whole("seed", seed, 0, SEEDS),
                 arrays(named("given", given), GIVEN), tuple(shown),
                 whole("frames", medium.frames if frames is None else frames, LEAST, MOST))  # fmt: skip


def question(catalogue: dict, model: Any, data: Any, method: str, sent: tuple, options: dict[str, Any]) -> tuple[tuple, dict]:
    """Arrays and options of a short answer, checked."""
    entry = trained(catalogue, model, data)
    can = [*entry["abilities"], *entry["answers"], "prepare"]
    if method not in can:
        raise Refused(f"{model} has no answer '{method}'; it has {', '.join(can) or 'none'}.")
    if "seed" in options:
        options["seed"] = whole("seed", options["seed"], 0, SEEDS)
    numbered = arrays({f"array {i + 1}": a for i, a in enumerate(sent)}, SENT)
    if method == "decode" and any(np.abs(z).max(initial=0) > FURTHEST for z in numbered.values()):
        raise Refused(f"z lies between -{FURTHEST:g} and {FURTHEST:g}: draws from N(0, I) lie within 10, and further out is no picture.")
    options |= arrays({k: v for k, v in options.items() if isinstance(v, np.ndarray)}, SENT)
    return tuple(numbered.values()), options


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number within bounds, both inclusive; 3.0 and "3" count as 3."""
    try:
        return argument.whole(name, value, low, high)
    except ValueError as error:
        raise Refused(str(error)) from None


def number(name: str, value: Any, low: float, high: float) -> float:
    """A finite number within bounds, both inclusive; "0.5" counts as 0.5."""
    try:
        return argument.number(name, value, low, high)
    except ValueError as error:
        raise Refused(str(error)) from None


def text(name: str, value: Any, most: int = 100) -> str:
    """One line of at most so many characters; names of models, data sets and walks are shorter than the usual bound."""
    if not isinstance(value, str) or not value.isprintable():
        raise Refused(f"'{name}' must be text of one line, not {short(value)}.")
    if len(value) > most:
        raise Refused(f"'{name}' must have at most {most:,} characters, not {len(value):,}.")
    return value


def named(name: str, value: Any) -> Mapping[str, Any]:
    """Values by name, as knobs are; nothing is none of them."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > NAMED or not all(isinstance(k, str) and len(k) <= 100 for k in value):
        raise Refused(f"{name} must be an object of named values, not {short(value)}.")
    return value


def arrays(given: Mapping[str, Any], limit: int) -> dict[str, np.ndarray]:
    """Finite numbers as float32, integer or bool arrays of at most `limit` bytes together."""
    read = {}
    for name, value in given.items():
        try:
            array = np.asarray(value)
        except (ValueError, OverflowError, RecursionError):
            raise Refused(f"'{name}' must be an array of numbers with rows of one length.") from None
        if array.dtype.kind not in "fiub":
            raise Refused(f"'{name}' must be an array of numbers.")
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):
                array = array.astype(np.float32)
            if not np.isfinite(array).all():
                raise Refused(f"'{name}' holds a value that is no finite number.")
        read[str(name)] = array
    if sum(a.nbytes for a in read.values()) > limit:
        raise Refused(f"What was sent is larger than {limit // 2**20} MB.")
    return read
