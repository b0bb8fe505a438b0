"""The address of the page holds the view, so that a link shows another person the same thing, down to the step of the film.

    ?tab=diffusion&panel=sample&model=diffusion/ddpm&data=mnist&seed=7&n=16&steps=20&guidance=2&step=9

The browser writes it while somebody works (web/link/panel.js; no request) and reads it when the page opens, and when somebody goes back or
forward: each tab and each panel is an entry of the history. Names are those of the menus and of the model's knobs; knobs at their default
are left out. `step` says that a film is on stage and where it stands ("play": it runs). It
is made again from the same seed, so it is the same film, bit for bit. What a film differs in from the menus beside it stands under the name
of its player, as in `sample.seed=3`; so does all of a film that a panel made with its own buttons, such as

    ?tab=autoregressive&panel=complete&...&complete.walk=complete&complete.n=9&complete.x=~Y2Bgb...&complete.rows=12&complete.at=300

where a tilde marks a picture (784 bytes, deflated, in base64 for addresses). Sliders, menus and pressed buttons of a panel stand under
their own names as soon as somebody has moved them, `image` is the chosen picture (the place of a test image, or a picture), and `at` says
that films stand side by side, and where. Each value that cannot be is answered with one sentence, and the rest still holds.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qsl

import segno

from genviz.catalogue import model_in
from genviz.engine import request
from genviz.engine.job import Refused
from genviz.frame import read_knobs
from genviz.inventory import every
from genviz.medium import MEDIA
from genviz.ui.field import Model, Seed, Text, Whole
from genviz.ui.widget import Widget

LONGEST = 2**16  # characters of a link
STEPS = 5000  # of a film
LARGEST_CODE = 2300  # bytes: what a QR code holds that still survives a scratch (error correction L: 2953)
Query = Annotated[str, Text(2 * LONGEST)]  # longer ones are refused in words of their own
Name = Annotated[str, Text(100)]
Count = Annotated[int, Whole(1, max(m.most for m in MEDIA.values()))]
SWITCH = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class Link(Widget):
    """Two buttons: the link goes to the clipboard, or on the wall as a QR code."""

    folder = "ui/web/link"

    def __init__(self, catalogue: dict, **options: Any):
        self.catalogue = catalogue
        super().__init__({"knobs": {m["name"]: {k["name"]: k["default"] for k in m["knobs"]} for m in every(catalogue)}},
                         server=[self.read, self.code], **options)  # fmt: skip

    def read(self, query: Query, model: Model, data: Name, seed: Seed | None, n: Count | None, own: Name) -> dict:
        """See the function of the same name."""
        _one_of("model", model, [m["name"] for m in every(self.catalogue)])
        return read(self.catalogue, query, model, data, seed, n, own)

    def code(self, text: Query) -> str:
        """A QR code of an address as SVG, for an <img>."""
        return qr(text)


def qr(text: str) -> str:
    """A QR code of an address as an SVG data URL, black on white with its quiet zone. ValueError with one sentence where it is too long."""
    if not re.match("https?://", text):
        raise ValueError("A QR code holds an address of this page.")
    if len(text.encode()) > LARGEST_CODE:
        raise ValueError("This link is too long for a QR code, because it holds a picture; copy the link instead.")
    return segno.make(text, error="l", micro=False).svg_data_uri(border=4, dark="#000", light="#fff", omitsize=True)


def read(catalogue: dict, query: str, model: str, data: str, seed: int, n: int, own: str) -> dict:
    """What a link says, for the page to take on; `model`, `data`, `seed` and `n` are what the menus show without it.

    `own` is the short name of the player that the panel's knobs belong to ("sample"), "" in a panel without knobs. The answer:

    {"model", "data", "seed", "n": the menus, "knobs": all of the model's, "films": {player: {"order", "step": a number, or None for a film
    that plays}}, "rest": {name: text} what belongs to the panel or to nobody, "wrong": [sentences]}
    """
    if len(query) > LONGEST:
        raise ValueError("This link is too long to be one of GenViz.")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    named = set(asked)  # names that the link holds
    wrong: list[str] = []

    def take(name: str, check: Callable[[str], Any], fallback: Any) -> Any:
        try:
            return check(asked.pop(name)) if name in asked else fallback
        except ValueError as error:
            wrong.append(str(error))
            return fallback

    groups = [[m["name"] for m in group] for f in catalogue["families"] for group in (f["models"], f["planes"])]
    asked.pop("tab", None), asked.pop("panel", None)
    model = take("model", lambda text: _one_of("model", text, next(g for g in groups if model in g)), model)
    entry = model_in(catalogue, model)
    data = take("data", lambda text: _one_of("data set", text, entry["data"]), data if data in entry["data"] else entry["data"][0])
    if {"model", "data"} & named:
        try:
            request.trained(catalogue, model, data)
        except Refused as error:
            wrong.append(str(error))
    seed = take("seed", lambda text: request.whole("seed", text, 0, request.SEEDS), seed)
    menus = {"model": model, "data": data, "seed": seed}
    knobs, films = {k["name"]: k["default"] for k in entry["knobs"]}, {}

    players: dict[str, dict[str, str]] = {}  # what stands under the name of a player
    for name in [name for name in asked if re.fullmatch(r"[a-z0-9_-]+\.\w+", name)]:
        player, _, field = name.partition(".")
        players.setdefault(player, {})[field] = asked.pop(name)
    if own:
        n = take("n", lambda text: _many(entry, text), n)
        names = {k["name"] for m in every(catalogue) for k in m["knobs"]}
        for name in [name for name in asked if name in names]:
            knobs |= take(name, lambda text, name=name: _knob(entry, name, text), {})
        if "step" in asked:
            players[own] = {"at": asked.pop("step"), **players.get(own, {})}
    for player, fields in players.items():
        base = {**menus, "n": n, "knobs": knobs if player == own else {}}
        if "at" not in fields:
            wrong.append(f"This link does not say where the film '{player}' stands, so it is not shown.")
        elif film := _film(catalogue, base, fields, wrong):
            films[player] = film
    return {**menus, "n": n, "knobs": knobs, "films": films, "rest": asked, "wrong": list(dict.fromkeys(wrong))}


def _film(catalogue: dict, order: dict, fields: dict[str, str], wrong: list[str]) -> dict | None:
    """The order of a film and its step; None where there is no such film, with the reason in `wrong`."""
    order = {**order, "walk": "sample", "given": {}, "knobs": dict(order["knobs"])}
    try:
        order["model"], order["data"] = fields.pop("model", order["model"]), fields.pop("data", order["data"])
        entry, step = request.trained(catalogue, order["model"], order["data"]), None
    except ValueError as error:
        wrong.append(str(error))
        return None
    order["walk"] = fields.pop("walk", "sample")
    if order["walk"] not in entry["walks"]:
        wrong.append(f"{order['model']} has no walk '{order['walk']}'; it has {', '.join(entry['walks'])}.")
        return None
    for name, text in fields.items():
        try:
            if name == "at":
                step = None if text == "play" else request.whole("step", text, 0, STEPS)
            elif name == "n":
                order["n"] = _many(entry, text)
            elif name == "seed":
                order["seed"] = request.whole("seed", text, 0, request.SEEDS)
            elif any(k["name"] == name for k in entry["knobs"]):
                order["knobs"] |= _knob(entry, name, text)
            else:
                order["given"][name] = _given(name, text)
        except ValueError as error:
            wrong.append(str(error))
    order["knobs"] = read_knobs(entry["knobs"], {k: v for k, v in order["knobs"].items() if any(k == e["name"] for e in entry["knobs"])})
    return {"order": order, "step": step}


def _one_of(name: str, text: str, known: list[str]) -> str:
    if text not in known:
        raise Refused(f"There is no {name} '{text:.40}' here; there is {', '.join(known)}.")
    return text


def _many(entry: dict, text: str) -> int:
    return request.whole("n", text, 1, MEDIA[entry["medium"]].most)


def _knob(entry: dict, name: str, text: str) -> dict[str, Any]:
    """One knob of a model, typed and bounded; text is all that an address has."""
    switch = any(k["name"] == name and k["type"] == "bool" for k in entry["knobs"])
    return {name: read_knobs(entry["knobs"], {name: SWITCH.get(text.lower(), text) if switch else text})[name]}


def _given(name: str, text: str) -> Any:
    """What a walk is given, as the page gives it: a number, a picture, or a list of either."""
    parts = [_picture(name, part[1:]) if part.startswith("~") else _number(name, part) for part in text.rstrip(",").split(",")]
    return parts if "," in text else parts[0]


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Refused(f"'{name}' must be a number, not {text!r:.40}.") from None


def _picture(name: str, text: str) -> str:
    """784 grey bytes, deflated, in base64 for addresses -> in plain base64, as `encode` of core/arrays.js makes it."""
    try:
        pixels = zlib.decompressobj(-15).decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), 785)
    except (ValueError, zlib.error):
        pixels = b""
    if len(pixels) != 784:
        raise Refused(f"The picture '{name}' in this link is damaged.")
    return base64.b64encode(pixels).decode()
