"""The call in Python that makes what a player shows, bit for bit: the way from the screen to a notebook."""

from __future__ import annotations

import json
from typing import Any

from genviz import media
from genviz.catalogue import data_in, model_in
from genviz.engine import request
from genviz.engine.job import Order


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
        data = data_in(catalogue, order.data)
        named = {name: media.of(data.medium).call(value, data) for name, value in given.items()}
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
