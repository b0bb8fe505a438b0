"""Reading what was asked for, before it reaches a worker: every refusal is one sentence that names the field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from genviz import argument
from genviz.argument import SEEDS
from genviz.catalogue import model_in
from genviz.engine.job import Order, Refused
from genviz.frame import read_knobs

IMAGES = 64
POINTS = 2000  # of a film in the plane
GIVEN = 2**20  # bytes of arrays that come with a film
SENT = 4 * 2**20  # and with a question


def trained(catalogue: dict, model: str, data: str) -> dict:
    """The catalogue's entry of a model that has weights for a data set."""
    try:
        entry = model_in(catalogue, model)
    except KeyError as error:
        raise Refused(str(error.args[0])) from None
    if data not in entry["data"]:
        raise Refused(f"{model} knows no data set '{data}'; it knows {', '.join(entry['data'])}.")
    if data not in entry["cards"]:
        raise Refused(f"{model} is not trained on {data} yet; train it with: python -m genviz.train {model} {data}")
    return entry


def film(catalogue: dict, model: str, data: str, walk: str, knobs: Mapping[str, Any] | None, n: Any, seed: Any,
         given: Mapping[str, Any] | None, aux: Iterable[str], frames: Any) -> Order:  # fmt: skip
    """The order of a film: typed and bounded, complete enough to be made again."""
    entry = trained(catalogue, model, data)
    if walk not in entry["walks"]:
        raise Refused(f"{model} has no walk '{walk}'; it has {', '.join(entry['walks'])}.")
    try:
        typed = read_knobs(entry["knobs"], knobs or {})
    except ValueError as error:
        raise Refused(str(error)) from None
    extras = (aux,) if isinstance(aux, str) else tuple(map(str, aux))
    most = IMAGES if len(entry["shape"]) == 3 else POINTS
    return Order(model, data, walk, typed, whole("n", n, 1, most), whole("seed", seed, 0, SEEDS), arrays(given or {}, GIVEN), extras,
                 whole("frames", frames, 2, 1000))  # fmt: skip


def question(catalogue: dict, model: str, data: str, method: str, sent: tuple, options: dict[str, Any]) -> tuple[tuple, dict]:
    """Arrays and options of a short answer, checked."""
    entry = trained(catalogue, model, data)
    can = [*entry["abilities"], *entry["answers"], "prepare"]
    if method not in can:
        raise Refused(f"{model} has no answer '{method}'; it has {', '.join(can) or 'none'}.")
    if "seed" in options:
        options["seed"] = whole("seed", options["seed"], 0, SEEDS)
    numbered = arrays({f"array {i + 1}": a for i, a in enumerate(sent)}, SENT)
    options |= arrays({k: v for k, v in options.items() if isinstance(v, np.ndarray)}, SENT)
    return tuple(numbered.values()), options


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number within bounds, both inclusive; 3.0 and "3" count as 3."""
    try:
        return argument.whole(name, value, low, high)
    except ValueError as error:
        raise Refused(str(error)) from None


def arrays(given: Mapping[str, Any], limit: int) -> dict[str, np.ndarray]:
    """Finite numbers as float32, integer or bool arrays of at most `limit` bytes together."""
    read = {}
    for name, value in given.items():
        try:
            array = np.asarray(value)
        except ValueError:
            raise Refused(f"'{name}' must be an array of numbers with rows of one length.") from None
        if array.dtype.kind not in "fiub":
            raise Refused(f"'{name}' must be an array of numbers.")
        if array.dtype.kind == "f":
            if not np.isfinite(array).all():
                raise Refused(f"'{name}' holds a value that is no finite number.")
            array = array.astype(np.float32)
        read[str(name)] = array
    if sum(a.nbytes for a in read.values()) > limit:
        raise Refused(f"What was sent is larger than {limit // 2**20} MB.")
    return read
