"""Plain routes that carry films to the page: ask, wait, cancel, and the stored one that a tab opens with.

    POST genviz/submit   {model, data, walk, knobs, n, seed, given, aux, frames, viewer}   -> {"job"} or {"error": one sentence}
    GET  genviz/wait     ?job=...&have=12&viewer=...&paint=x0_hat:grey,score:signed          -> {"status", "place", "message", "shots"}
    POST genviz/cancel   {"jobs": [...], "viewer"}                                          -> {}
    POST genviz/premiere {"family"}                                                         -> {"job", "order"}, {} where there is none

A plain route costs a fraction of a server function or a queued event, can be sent while a page closes, and is asked again after a
dropped connection with what the page already has, so that nothing is lost and nothing sent twice. A `job` is a ticket, one for each submit;
equal orders share one film (genviz.engine). A `viewer` is one loaded page: a ticket that several use, as after a tab was duplicated, is
given back when the last of them has cancelled it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from genviz import media, premiere
from genviz.catalogue import data_in
from genviz.data import Data
from genviz.engine import Full
from genviz.engine import request as asked_for
from genviz.engine.job import Shot, View
from genviz.media.image import PAINTS
from genviz.ui.reading import parse, refusal

PAINTED = 32 * 2**20  # bytes of shots that are kept as they were sent, with the numbers they show
AT_ONCE = 12  # shots in one answer: the first pictures are on screen while the rest is on its way


def routes(engine: Any) -> list[Route]:
    """The routes, for the `app_kwargs` of launch()."""

    painted = Painted()

    async def submit(request: Request) -> JSONResponse:
        try:
            order = await read_body(request)
            fields = {k: order[k] for k in ("walk", "knobs", "n", "seed", "frames") if k in order}
            given = given_arrays(engine.catalogue(), order)
            job = engine.submit(order.get("model"), order.get("data"), given=given, aux=order.get("aux") or (),
                                client=visitor(request), viewer=_viewer(order), **fields)  # fmt: skip
            return JSONResponse({"job": job})
        except Full as error:
            return JSONResponse({"error": str(error)}, 503)
        except ValueError as error:
            return refusal(error)

    async def wait(request: Request) -> JSONResponse:
        query = request.query_params
        try:
            have = asked_for.whole("have", query.get("have", "0"), 0, 2**31)
            paints, viewer = paints_of(query.get("paint", "")), _viewer(query)
        except ValueError as error:
            return JSONResponse({"error": str(error), "status": "error", "place": 0, "message": str(error), "shots": []}, 400)
        view = await engine.wait(query.get("job", ""), have, timeout=10, viewer=viewer)
        some = view.shots[:AT_ONCE]
        shots = await run_in_threadpool(painted.shots, some, view, paints, data_in(engine.catalogue(), view.order.data)) if some else []
        final = len(some) == len(view.shots)  # the last pictures come before the word that it is done
        return JSONResponse({"status": view.status if final else "running", "place": view.place, "message": view.message, "shots": shots})

    async def cancel(request: Request) -> JSONResponse:
        try:
            body = await read_body(request)
            jobs, viewer = body.get("jobs"), _viewer(body)
            if not isinstance(jobs, list) or not all(isinstance(job, str) for job in jobs):
                raise ValueError("'jobs' must be a list of the names of films.")
            for job in jobs[:64]:
                engine.cancel(job, viewer)
        except ValueError as error:
            return refusal(error)
        return JSONResponse({})

    premieres: dict[str, dict] = {}  # by family: the same film for everybody

    async def opening(request: Request) -> JSONResponse:
        try:
            name = asked_for.text("family", (await read_body(request)).get("family"))
        except ValueError as error:
            return refusal(error)
        catalogue = engine.catalogue()
        family = next((f for f in catalogue["families"] if f["name"] == name), None)
        known = premieres.get(name)
        if family and (not known or engine.look(known["job"]).status != "done"):  # never shown, or forgotten by the engine
            try:
                film = await run_in_threadpool(premiere.read, catalogue, family)
            except ValueError as error:  # the tab opens without it
                return JSONResponse({"error": str(error)})
            told = ("model", "data", "walk", "n", "seed", "frames")
            known = film and {"job": engine.keep(*film), "order": {k: getattr(film[0], k) for k in told} | {"knobs": dict(film[0].knobs)}}
            premieres[name] = known or {}
        return JSONResponse(known or {})

    return [
        Route("/genviz/premiere", opening, methods=["POST"]),
        Route("/genviz/submit", submit, methods=["POST"]),
        Route("/genviz/wait", wait),
        Route("/genviz/cancel", cancel, methods=["POST"]),
    ]


def visitor(request: Any) -> str:
    """Whose films are counted together, as the door says (genviz.ui.visitor); nobody's where there is no door."""
    return getattr(request.state, "visitor", "")


def _viewer(said: Mapping) -> str:
    """The page that asks, as it calls itself; "" where it does not. ValueError with one sentence."""
    return asked_for.text("viewer", said.get("viewer", ""))


async def read_body(request: Request) -> dict:
    """The JSON object of a request; ValueError with one sentence. (The door sees to it that it is not too large.)"""
    body = parse(await request.body())
    if not isinstance(body, dict):
        raise ValueError("This question is no JSON object.")
    return body


def given_arrays(catalogue: dict, order: dict) -> dict[str, np.ndarray]:
    """What a page gives a walk, by name, as the medium of its data set reads it; ValueError with one sentence."""
    given = asked_for.named("given", order.get("given"))
    if not given:
        return {}
    data = data_of(catalogue, asked_for.text("data", order.get("data")))
    return {name: media.of(data.medium).read(name, value, data) for name, value in given.items()}


def data_of(catalogue: dict, name: str) -> Data:
    """The entry of a data set; ValueError with one sentence where there is none."""
    try:
        return data_in(catalogue, name)
    except KeyError as error:
        raise ValueError(error.args[0]) from None


def paints_of(text: str) -> dict[str, str]:
    """How extras are painted: "x0_hat:grey,score:signed:3" -> {"x0_hat": "grey", "score": "signed:3"}. ValueError with one sentence."""
    paints = dict(part.split(":", 1) for part in text.split(",") if ":" in part)
    for how in paints.values():
        kind, _, limit = how.partition(":")
        if kind not in PAINTS:
            raise ValueError(f"There is no way to paint {asked_for.short(kind)}; there are {', '.join(PAINTS)}.")
        if limit:
            asked_for.number("paint", limit, 1e-6, 1e6)
    return paints


class Painted:
    """Shots as the page reads them, the last ones kept: a hall that watches one film asks for each of them many times."""

    def __init__(self, most: int = PAINTED):
        self._most, self._bytes, self._lock = most, 0, threading.Lock()
        self._kept: OrderedDict[tuple, tuple[Any, dict, int]] = OrderedDict()

    def shots(self, shots: list[Shot], view: View, paints: dict[str, str], data: Data) -> list[dict]:
        """Shots of a view, from its first on."""
        return [self._shot(shot, last, paints, data) for last, shot in zip([view.before, *shots], shots, strict=False)]

    def _shot(self, shot: Shot, before: Shot | None, paints: dict[str, str], data: Data) -> dict:
        key = (id(shot), id(before), data.name, *paints.items())  # no others have these ids while these are kept
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        made = wired(shot, before, paints, data)
        size = shot.bytes + sum(len(v) for v in (*made.values(), *made.get("aux", {}).values()) if isinstance(v, str))
        with self._lock:
            if key not in self._kept:
                self._kept[key], self._bytes = ((shot, before), made, size), self._bytes + size
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1][2]
        return made


def wired(shot: Shot, before: Shot | None, paints: dict[str, str], data: Data) -> dict:
    """A shot as the page reads it: what all media share, and what the medium of the data set makes of x and the extras."""
    told = {"medium": data.medium, "n": len(shot.x), "step": shot.step, "steps": shot.steps, "nfe": shot.nfe, "ms": round(shot.ms, 3),
            "caption": shot.caption}  # fmt: skip
    return told | media.of(data.medium).wire(shot, before, paints, data)
