"""What a player's "Save" menu gives away: the picture or the film as a file, and the call in Python that makes it again.

    POST genviz/save     {job, kind, order, step, columns, only, panes}  -> a file, or {"error": one sentence}
    POST genviz/python   {order, step, only}                             -> {"code"} or {"error"}

Films side by side are asked for at once: {films: [{job, order, step}, ...], columns, clock}; the clock that moves them is "share" or "nfe".

`order` is the film as the page ordered it, `step` what it shows, `columns` how its images stand, `only` the one image that is enlarged, and
`panes` the pictures side by side: [name of the extra ("" for x), how it is painted, label]. Files are made from the shots that the engine
still keeps, in a thread, a few at a time. A film that is painted pixel by pixel is replayed as the player does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from genviz import media
from genviz.catalogue import data_in, model_in
from genviz.engine import request as asked_for
from genviz.engine.job import Order, Shot
from genviz.plots import film as files
from genviz.plots import pictures
from genviz.ui.call import python
from genviz.ui.film import given_arrays, paints_of, read_body
from genviz.ui.reading import Wrong, refusal
from genviz.ui.side_by_side import MOST

FRAMES = 150  # of a film, at most
REST = 1.5  # seconds on the last frame
AT_ONCE, LINE = 2, 12  # files in the making, and waiting


def routes(engine: Any) -> list[Route]:
    """The routes, for the `app_kwargs` of launch()."""
    turn, line = asyncio.Semaphore(AT_ONCE), [0]

    async def save(request: Request) -> Response:
        try:
            body = await read_body(request)
            kind, parts = body.get("kind"), _parts(body)
            orders = [_order(engine, part) for part in parts]
            kinds = media.of(data_in(engine.catalogue(), orders[0].data).medium).KINDS if "films" not in body else media.PICTURES
            if kind not in tuple(kinds):
                raise ValueError(f"A file is one of {', '.join(kinds)}, not {asked_for.short(kind)}.")
            if line[0] >= LINE:
                raise Wrong("Many films are being saved just now; try again in a minute.", 429)
            line[0] += 1
            try:
                async with turn:
                    views = [engine.look(asked_for.text("job", part.get("job"))) for part in parts]
                    for view in views:
                        if not view.shots or (view.status in ("waiting", "running") and kind != "png"):
                            raise ValueError(view.message or "This film is still being made; save it when it is done.")
                    films = [(order, view.shots) for order, view in zip(orders, views, strict=True)]
                    if "films" in body:
                        name, file = await run_in_threadpool(make_together, engine.catalogue(), films, body)
                    else:
                        name, file = await run_in_threadpool(make, engine.catalogue(), *films[0], body)
            finally:
                line[0] -= 1
            return Response(file, media_type=kinds[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'})
        except ValueError as error:
            return refusal(error)

    async def code(request: Request) -> JSONResponse:
        try:
            body = await read_body(request)
            calls = []
            for k, part in enumerate(_parts(body)):
                order, name = _order(engine, part), f"x{k + 1}" if "films" in body else "x"
                given = part["order"].get("given") or {}
                calls.append(python(engine.catalogue(), order, given, part.get("step"), part.get("only"), name))
            return JSONResponse({"code": "\n".join([calls[0], *(call.removeprefix("import genviz\n\n") for call in calls[1:])])})
        except ValueError as error:
            return refusal(error)

    return [Route("/genviz/save", save, methods=["POST"]), Route("/genviz/python", code, methods=["POST"])]


def _parts(body: dict) -> list[dict]:
    """The films that a question is about: itself, or those side by side."""
    parts = body.get("films", [body])
    if not isinstance(parts, list) or not 1 <= len(parts) <= MOST or not all(isinstance(part, dict) for part in parts):
        raise ValueError(f"'films' must be 1 to {MOST} films.")
    return parts


def _order(engine: Any, body: dict) -> Order:
    """The film that a question is about, with every knob typed; ValueError with one sentence."""
    order = body.get("order")
    if not isinstance(order, dict) or not isinstance(order.get("given") or {}, dict):
        raise ValueError("This question names no film.")
    return asked_for.film(engine.catalogue(), order.get("model"), order.get("data"), order.get("walk", "sample"), order.get("knobs"),
                          order.get("n", 16), order.get("seed", 0), given_arrays(engine.catalogue(), order), (), 60)  # fmt: skip


def make(catalogue: dict, order: Order, shots: list[Shot], body: dict) -> tuple[str, bytes]:
    """A file and its name, as `body` asks for it; see the module. ValueError with one sentence."""
    entry, kind, n = model_in(catalogue, order.model), body["kind"], len(shots[0].x)
    only = None if body.get("only") is None else asked_for.whole("only", body["only"], 0, n - 1)
    columns = asked_for.whole("columns", body.get("columns") or pictures.columns_of(n), 1, 64)
    rows = [(name, how, label[:40]) for name, how, label in _panes(body.get("panes"))]
    strip = [f"{entry['title']} on {data_title(catalogue, order.data)}", ", ".join(settings(catalogue, order))]
    name = f"{order.model.replace('/', '-')}-{order.data}-seed{order.seed}" + (f"-image{only + 1}" if only is not None else "")
    raster, data = entry["grows"] == "pixels", data_in(catalogue, order.data)
    medium = media.of(data.medium)

    if kind not in media.PICTURES:
        x = shots[-1].x if only is None else shots[-1].x[only : only + 1]
        return f"{name}.{kind}", medium.file(kind, x, data)
    if kind == "png":
        shot = at_step(shots, asked_for.whole("step", body.get("step", shots[-1].step), 0, shots[-1].steps), raster)
        panes = medium.panes(shot, rows, only, columns, kind, 1, data)
        picture = files.sheet(panes) if len(panes) > 1 else panes[0][1]
        return f"{name}-step{shot.step}.png", files.png(picture, ", ".join([*strip, f"step {shot.step} of {shot.steps}"]))

    moments = replay(shots, raster)
    whole = 3 if moments is shots else 5  # seconds of a film, of one painted pixel by pixel: as in the player
    moments = [moments[i] for i in _spread(len(moments))]
    slow = 1 if data.medium == "points" else 4  # frames a second at least
    rate = max(slow, (len(moments) - 1) / whole)
    pages = (files.sheet(medium.panes(shot, rows, only, columns, kind, 1, data), moment(shot), strip) for shot in moments)
    return f"{name}.{kind}", _film(kind, pages, len(moments), rate)


def make_together(catalogue: dict, films: list[tuple[Order, list[Shot]]], body: dict) -> tuple[str, bytes]:
    """A file of films side by side and its name: where they stand, or all of their way under one clock. ValueError with one sentence."""
    kind, clock, order = body["kind"], body.get("clock"), films[0][0]
    if clock not in ("share", "nfe"):
        raise ValueError("'clock' must be share or nfe.")
    columns = asked_for.whole("columns", body.get("columns") or pictures.columns_of(order.n), 1, 64)
    told = [(model_in(catalogue, order.model), order, shots) for order, shots in films]
    data = data_in(catalogue, order.data)
    medium = media.of(data.medium)
    strip = [f"{data_title(catalogue, order.data)}, the same seed for all"]
    strip += [f"{entry['title']}: {', '.join(settings(catalogue, order))}" for entry, order, _ in told]
    name = f"side-by-side-{order.data}-seed{order.seed}"

    def page(now: list[Shot]) -> np.ndarray:
        panes, lines = [], []
        for (entry, _, _), shot in zip(told, now, strict=True):
            panes += medium.panes(shot, [("", "grey", entry["title"])], None, columns, kind, len(told), data)
            lines.append(f"{entry['title']}: {moment(shot)[0]}")
        return files.sheet(panes, lines, strip)

    rasters = [entry["grows"] == "pixels" for entry, _, _ in told]
    if kind == "png":
        steps = [
            asked_for.whole("step", part.get("step", 0), 0, shots[-1].steps) for part, (_, shots) in zip(body["films"], films, strict=True)
        ]
        now = [at_step(shots, step, raster) for (_, shots), step, raster in zip(films, steps, rasters, strict=True)]
        return f"{name}.png", files.png(page(now), "; ".join(strip))
    end = 1.0 if clock == "share" else max(shots[-1].nfe for _, shots in films)
    most = max(len(replay(shots, raster)) for (_, shots), raster in zip(films, rasters, strict=True))
    times = np.linspace(0, end, min(max(most, 2), FRAMES))
    pages = (page([at_time(shots, t, clock, raster) for (_, shots), raster in zip(films, rasters, strict=True)]) for t in times)
    return f"{name}.{kind}", _film(kind, pages, len(times), max(4, (len(times) - 1) / 5))


def at_time(shots: list[Shot], t: float, clock: str, raster: bool) -> Shot:
    """A film where the clock stands at t: a share of the way, or a number of network evaluations."""
    last = shots[-1]
    if clock == "share":
        return at_step(shots, int(t * last.steps + 1e-9), raster)
    if raster:
        return at_step(shots, min(last.step, int(t * last.step / max(last.nfe, 1) + 1e-9)), raster)
    return next((s for s in reversed(shots) if s.nfe <= t + 1e-9), shots[0])


def _film(kind: str, pages: Iterator[np.ndarray], count: int, rate: float) -> bytes:
    """Pages as a film of `rate` a second that rests on the last one."""
    return (files.gif if kind == "gif" else files.mp4)(pages, [1 / rate] * (count - 1) + [REST])


def data_title(catalogue: dict, data: str) -> str:
    """What the page calls a data set."""
    return catalogue["data"].get(data, {}).get("title", data)


def _panes(value: Any) -> list:
    if not value:
        return [("", "grey", "")]
    if not isinstance(value, list) or len(value) > 6 or not all(isinstance(pane, list) and len(pane) == 3 for pane in value):
        raise ValueError("'panes' must be up to 6 triples of name, paint and label.")
    for name, how, label in value:
        paints_of(f"pane:{asked_for.text('paint', how)}")
        asked_for.text("pane", name), asked_for.text("label", label)
    return value


def settings(catalogue: dict, order: Order) -> list[str]:
    """What a film was made with, as words for the strip: seed, number of samples, every knob."""
    words = [] if order.walk == "sample" else [f"walk {order.walk}"]
    words += [f"seed {order.seed}", f"{order.n} sample{'s' if order.n != 1 else ''}"]
    for k in model_in(catalogue, order.model)["knobs"]:
        value = order.knobs[k["name"]]
        if k["kind"] == "label":
            value = catalogue["data"][order.data]["classes"][value] if value >= 0 else "each in turn"
        words.append(f"{k['name'].replace('_', ' ')} {f'{value:g}' if isinstance(value, float) else value}")
    return words


def moment(shot: Shot) -> tuple[str, str]:
    """Where a film stands, as the player says it."""
    return f"step {shot.step} of {shot.steps}, {shot.nfe} network evaluation{'s' if shot.nfe != 1 else ''}", shot.caption


def _spread(count: int) -> list[int]:
    """At most FRAMES of the numbers 0 ... count - 1, evenly, the first and the last always."""
    return np.unique(np.linspace(0, count - 1, min(count, FRAMES)).round().astype(int)).tolist()


def at_step(shots: list[Shot], step: int, raster: bool) -> Shot:
    """The film at a step: the shot there or the last one before; of a film painted pixel by pixel the exact one, whatever was kept."""
    last = shots[-1]
    if not raster or last.steps > last.x[0].size:
        return next(s for s in reversed(shots) if s.step <= step)
    step, side = min(step, last.step), last.x.shape[-1]
    place = step + side * side - last.steps  # pixels that are there: those given, then those painted
    x = np.where(np.arange(side * side).reshape(side, side) < place, last.x, shots[0].x)
    caption = f"row {(place - 1) // side}, column {(place - 1) % side}" if step else shots[0].caption
    return Shot(x, step, last.steps, round(last.nfe * step / max(last.step, 1)), last.ms, caption, {})


def replay(shots: list[Shot], raster: bool) -> list[Shot]:
    """The moments of a film: its shots, or where pixels are painted one by one more of them than were kept."""
    if not raster or shots[-1].step < len(shots):
        return shots
    return [at_step(shots, step, raster) for step in _spread(shots[-1].step + 1)]
