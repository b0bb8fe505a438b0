"""Plain routes that carry films to the page: ask, wait, cancel, and the stored one that a tab opens with.

    POST genviz/submit   {model, data, walk, knobs, n, seed, given, aux, frames, viewer}   -> {"job"} or {"error": one sentence}
    GET  genviz/wait     ?job=...&have=12&viewer=...&paint=x0_hat:grey,score:signed          -> {"status", "place", "message", "shots"}
    POST genviz/cancel   {"jobs": [...], "viewer"}                                          -> {}
    POST genviz/premiere {"family"}                                                         -> {"job", "order"}, {} where there is none

A plain route costs a fraction of a server function or a queued event, can be sent while a page closes, and is asked again after a
dropped connection with what the page already has, so that nothing is lost and nothing sent twice. A `viewer` is one loaded page: a film
that several watch, as after a tab was duplicated, ends when the last of them has cancelled it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from genviz import premiere
from genviz.engine import Full
from genviz.engine import request as asked_for
from genviz.plots import pictures
from genviz.ui.reading import parse, refusal

AT_ONCE = 12  # shots in one answer: the first pictures are on screen while the rest is on its way
PAINTS = ("grey", "signed", "heat")


def routes(engine: Any) -> list[Route]:
    """The routes, for the `app_kwargs` of launch()."""

    async def submit(request: Request) -> JSONResponse:
        try:
            order = await read_body(request)
            fields = {k: order[k] for k in ("walk", "knobs", "n", "seed", "frames") if k in order}
            job = engine.submit(order.get("model"), order.get("data"), given=given_arrays(order), aux=order.get("aux") or (),
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
        shots = await run_in_threadpool(lambda: [_shot(s, paints) for s in some]) if some else []
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


def given_arrays(order: dict) -> dict[str, np.ndarray]:
    """What a page gives a walk, by name; ValueError with one sentence."""
    return {name: given_array(name, value) for name, value in asked_for.named("given", order.get("given")).items()}


def given_array(name: str, value: Any) -> np.ndarray:
    """What a page gives a walk: an image or a list of images (base64 of `genviz.bytes64`) -> (k, 1, 28, 28) in [-1, 1].

    Numbers, alone or in lists -> float32. ValueError with one sentence for anything else.
    """
    if isinstance(value, str):
        return pictures.from_base64(value)
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return np.concatenate([pictures.from_base64(v) for v in value])
    try:
        return np.array(value, np.float32)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"'{name}' must be images or numbers.") from None


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


def _shot(shot: Any, paints: dict[str, str]) -> dict:
    """A shot as the page reads it: one picture of all images, one more for each extra that is painted; points as float32 x, y, x, y ..."""
    x = shot.x
    if x.ndim == 2:
        return {"points": base64.b64encode(x.tobytes()).decode(), "n": len(x), "step": shot.step, "steps": shot.steps, "nfe": shot.nfe,
                "ms": round(shot.ms, 3), "caption": shot.caption}  # fmt: skip
    aux = {name: paint(shot.aux[name], how) for name, how in paints.items() if name in shot.aux and shot.aux[name].ndim >= 3}
    return {"sprite": pictures.sprite(x), "n": len(x), "side": x.shape[-1], "step": shot.step, "steps": shot.steps, "nfe": shot.nfe,
            "ms": round(shot.ms, 3), "caption": shot.caption, "aux": aux}  # fmt: skip


def paint(x: np.ndarray, how: str) -> str:
    """Numbers as a picture that a page shows at once; see `painted`."""
    return pictures.data_url(pictures.png(painted(x, how)))


def painted(x: np.ndarray, how: str, columns: int | None = None) -> np.ndarray:
    """Numbers (n, 1, H, W) as one picture (rows * H, columns * W) uint8, with three colours behind it where it has any.

    "grey" for [-1, 1], "signed" or "signed:3" for a heat map with a sign (full colour at 3), "heat" or "heat:0.69" for one from 0 up.
    """
    kind, _, limit = how.partition(":")
    bound = float(limit) if limit else None
    if kind == "signed":
        return pictures.signed(x, columns, bound)
    if kind == "heat":
        return pictures.heat(x, columns, bound)
    return pictures.grid(x, columns)
