"""The call in Python that makes what a player shows, bit for bit: the way from the screen to a notebook."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from genviz.catalogue import model_in
from genviz.data import DATA
from genviz.data.exhibit import exhibit
from genviz.engine import request
from genviz.engine.job import Order
from genviz.plots import pictures


def python(catalogue: dict, order: Order, given: dict[str, Any], step: int | None = None, only: int | None = None, name: str = "x") -> str:
    """The lines that make what is on screen with `import genviz`, bit for bit; `step` None is the end of the film, `only` one image of it,
    `name` the variable.

    Knobs at their default are left out. ValueError with one sentence for a film that starts from a picture which has no name.
    """
    usual = {k["name"]: k["default"] for k in model_in(catalogue, order.model)["knobs"]}
    lines, terms = ["import genviz"], [_word(order.model), _word(order.data), f"n={order.n}", f"seed={order.seed}"]
    if order.walk != "sample":
        terms.append(f"walk={_word(order.walk)}")
    if given:
        named = {name: _named(order.data, value) for name, value in given.items()}
        if any("exhibit(" in text for text in named.values()):
            lines.append("from genviz.data.exhibit import exhibit")
        terms.append(f"given={{{', '.join(f'{_word(name)}: {text}' for name, text in named.items())}}}")
    terms += [f"{name}={_word(value)}" for name, value in order.knobs.items() if value != usual[name]]
    part = "" if only is None else f"[{request.whole('only', only, 0, order.n - 1)}]"
    if step is None:
        return "\n".join([*lines, "", f"{name} = genviz.sample({', '.join(terms)}){part}", ""])
    step = request.whole("step", step, 0, 5000)
    lines += ["", f"film = genviz.film({', '.join(terms)})", f"{name} = next(frame.x for frame in film if frame.step == {step}){part}", ""]
    return "\n".join(lines)


def _word(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _named(data: str, value: Any) -> str:
    """What a walk was given as Python: a number, or a test image by its place in the exhibit."""
    if isinstance(value, str):
        if DATA[data].medium != "image":
            raise ValueError("This film starts from a picture, of which there are none among points.")
        pixels = np.rint((pictures.from_base64(value)[0, 0] + 1) * 127.5).astype(np.uint8)
        places = np.flatnonzero((exhibit(data)[0] == pixels).all((1, 2)))
        if not len(places):
            raise ValueError("This film starts from a picture that is no test image, such as a drawing; no call in Python can name it.")
        return f'exhibit({_word(data)})[0][{places[0]}, None, None].astype("float32") / 127.5 - 1'
    if isinstance(value, list):
        if any(isinstance(v, str) for v in value):
            raise ValueError("This film starts from several pictures; no call in Python can name them.")
        return repr(np.array(value, np.float32).tolist())  # lists of lists too
    return repr(float(value))
