"""What the door (door.py) has let in, read before anybody believes it: JSON, and the questions that Gradio's own endpoints are asked.

Gradio takes a question as it comes. An index that is none, a list too short or a name in the wrong place then ends as status 500, as
`{"error": null}`, or as a stream in which nothing ever comes. Here each such question is answered at once with one sentence and a status
from 400 to 499; what is passed on is of the shape that Gradio expects.

Server functions of widgets are called without Gradio: for each page that asks one it would copy all components (50 ms, 0.6 MB), which ours
never look at.
"""

from __future__ import annotations

import inspect
import json
import logging
import math
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio.routes import ORJSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genviz.engine import Refused
from genviz.engine import request as asked_for

log = logging.getLogger("genviz.ui")

VALUES, DEEP = 100_000, 32  # values in a question, and how deep they may lie in one another
BROKEN = "This did not work, and the fault is the app's: its log says more."
SESSION = re.compile(r"[\w-]{1,80}", re.ASCII)


class Wrong(Refused):
    """A question that cannot be answered: one sentence, and the status that goes with it."""

    def __init__(self, sentence: str, status: int = 400):
        super().__init__(sentence)
        self.status = status


def parse(body: bytes) -> Any:
    """JSON -> plain values: every number finite and of at most 64 bits, all text Unicode, not too many values and not too deep in one
    another. ValueError with one sentence."""
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > VALUES:
        raise Wrong(f"This question holds more than {VALUES:,} values.", 413)
    try:
        value = json.loads(body.decode(), parse_constant=_no_number)
    except Wrong:
        raise
    except (ValueError, RecursionError):
        raise Wrong("This question is no JSON that can be read here.") from None
    waiting = [(value, 1, "This question")]  # and what it belongs to
    while waiting:
        here, depth, name = waiting.pop()
        if depth > DEEP:
            raise Wrong(f"This question holds lists in lists, more than {DEEP} deep.")
        if isinstance(here, str):
            if not here.isascii() and any("\ud800" <= c <= "\udfff" for c in here):
                raise Wrong("This question holds text that is no Unicode.")
        elif isinstance(here, int | float):
            if not (math.isfinite(here) if isinstance(here, float) else abs(here) < 2**63):  # 1e400 is read as infinity
                raise Wrong(f"{name} holds a number that is too large.")
        elif isinstance(here, dict):
            waiting += [(v, depth + 1, f"'{key:.40}'") for key, v in here.items()]
            waiting += [(key, depth + 1, name) for key in here]  # read before what they name, which may quote them
        elif here is not None:
            waiting += [(v, depth + 1, name) for v in here]
    return value


def _no_number(name: str) -> None:
    raise Wrong(f"This question holds {name}, which is no number of JSON.")


def refusal(error: ValueError) -> JSONResponse:
    """A sentence as the answer of a route of our own."""
    return JSONResponse({"error": str(error)}, getattr(error, "status", 400))


def routes(demo: gr.Blocks) -> list[Route]:
    """The server functions of all widgets of a page, at the address where the page's script asks them."""

    async def ask(request: Request) -> JSONResponse:
        body = parse(await request.body())
        return ORJSONResponse(await _server_function(demo, body)(body.get("data")))

    return [Route(f"/gradio_api/component_server{end}", ask, methods=["POST"]) for end in ("", "/")]


def _server_function(demo: gr.Blocks, body: dict) -> Callable:
    block = demo.blocks.get(_whole("component_id", body))
    found = {f.__name__: f for f in getattr(block, "server_fns", ())}
    if (name := _text("fn_name", body)) not in found:
        raise Wrong(f"This page has no function '{name:.40}' there.", 404)
    return found[name]


class Reading:
    """The middleware around a page; HANDLERS go with it."""

    def __init__(self, app: ASGIApp, demo: gr.Blocks):
        self.app, self.demo = app, demo
        self._verbs: dict[int, tuple[str, list[str]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, await self._read(scope, receive), watched)
        except Exception as error:
            if started:
                raise
            if not isinstance(error, Refused):
                log.exception("%s %s failed", scope["method"], scope["path"])
                error = Wrong(BROKEN, 500)
            await refusal(error)(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive) -> Receive:
        """Look at a question for Gradio; what receives it in its place. Wrong with one sentence where it is none."""
        path = _below(scope)
        if not path.isprintable():
            raise Wrong("This address holds characters that no address has.")
        before, ours, rest = path.partition("/gradio_api/")
        if before or not ours:
            _forget(scope, "page", "deep_link")  # links to pages that Gradio might have: a strange link opens ours
            return receive
        place, *more = rest.strip("/").split("/")
        if scope["method"] != "POST":
            if scope["method"] == "GET":
                self._follow(place, more, Request(scope).query_params.get("session_hash", ""))
            return receive
        if not Request(scope).headers.get("content-type", "").startswith("application/json"):
            raise Wrong("A question is sent as JSON, with the header 'Content-Type: application/json'.", 415)
        body = await Request(scope, receive).body()
        self._check(place, more, parse(body))

        async def again() -> Message:
            nonlocal body
            if body is not None:
                body, sent = None, body
                return {"type": "http.request", "body": sent, "more_body": False}
            return await receive()

        return again

    def _check(self, place: str, more: list[str], body: Any) -> None:
        """Is this what the endpoint is asked?"""
        if not isinstance(body, dict):
            raise Wrong("This question is no JSON object.")
        session = body.get("session_hash")
        if session is not None and not (isinstance(session, str) and SESSION.fullmatch(session)):
            raise Wrong("'session_hash' must be 1 to 80 letters and digits.")
        if place == "component_server":
            _server_function(self.demo, body)
        elif place == "mcp":
            if body.get("jsonrpc") != "2.0" or not isinstance(body.get("params", {}), dict) or not isinstance(body.get("method", ""), str):
                raise Wrong('A question for MCP is an object with "jsonrpc": "2.0", a method and params.')
            if not isinstance(body.get("id"), int | str | None) or not body.keys() & {"method", "result", "error"}:
                raise Wrong("A question for MCP has a method, and an id that is a number or text.")
        elif place in ("cancel", "reset"):
            wanted = ("event_id",) if place == "reset" else ("event_id", "session_hash")
            for name in wanted:
                _text(name, body)
            if place == "cancel":
                _whole("fn_index", body)
        elif place == "call":
            named = more[:1] == ["v2"]
            id = next((id for id, (verb, _) in self._known().items() if more[int(named) :] == [verb]), None)
            if id is None:
                raise Wrong(f"There is no verb '{'/'.join(more):.40}'; there are {', '.join(v for v, _ in self._known().values())}.", 404)
            if not named:
                self._values(id, body)
            elif unknown := body.keys() - {*self._known()[id][1]}:
                raise Wrong(f"'{more[1]}' takes no {asked_for.short(min(unknown))}; it takes {', '.join(self._known()[id][1])}.")
            elif missing := [name for name in self._needed(id) if name not in body]:
                raise Wrong(f"'{more[1]}' needs {', '.join(missing)} too.")
        elif place == "queue":
            if session is None:
                raise Wrong("'session_hash' must say who asks.")
            id = _whole("fn_index", body)
            if id not in self._known():
                raise Wrong("This page has no function of that index.", 404)
            self._values(id, body)

    def _values(self, id: int, body: dict) -> None:
        """The values of a verb in a list, one for each parameter, and what may stand beside them."""
        verb, names = self._known()[id]
        data = body.get("data")
        if not isinstance(data, list) or len(data) != len(names):
            came = len(data) if isinstance(data, list) else "no list"
            raise Wrong(f"'{verb}' takes a list 'data' of {len(names)} values, {', '.join(names)}; {came} came.")
        if not all(isinstance(body.get(name), str | None) for name in ("event_id", "oauth_token")):
            raise Wrong("'event_id' and 'oauth_token' are text, where they are given at all.")
        if any(body.get(name) for name in ("trigger_id", "simple_format", "batched")):
            raise Wrong("Verbs are asked one at a time, and by nothing on the page: no 'trigger_id', 'simple_format' or 'batched'.")

    def _known(self) -> dict[int, tuple[str, list[str]]]:
        """Of each verb its index, name and parameters."""
        if not self._verbs:
            asked = {id: fn for id, fn in self.demo.fns.items() if fn.fn}
            self._verbs = {id: (str(fn.api_name), list(inspect.signature(fn.fn).parameters)[: len(fn.inputs)]) for id, fn in asked.items()}
        return self._verbs

    def _needed(self, id: int) -> list[str]:
        return [name for name, p in inspect.signature(self.demo.fns[id].fn).parameters.items() if p.default is p.empty]

    def _follow(self, place: str, more: list[str], session: str) -> None:
        """Is there anything under way, where somebody wants to hear how it goes on?"""
        queue = self.demo._queue
        if place == "call" and len(more) > 1:
            sessions = (queue.pending_event_ids_session or {}).values()
            if more[-1] not in queue.event_ids_to_events and not any(more[-1] in ids for ids in sessions):
                raise Wrong("There is no such question here; ask it again.", 404)
        elif place == "queue" and more == ["data"] and session not in queue.pending_messages_per_session:
            raise Wrong("Nobody of this session has asked anything.", 404)


def _below(scope: Scope) -> str:
    """The path below the subpath at which the app is served."""
    path, root = scope["path"], scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root + "/") else path


def _forget(scope: Scope, *names: str) -> None:
    """Take parameters out of an address."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if any(name in names for name, _ in pairs):
        scope["query_string"] = urlencode([(k, v) for k, v in pairs if k not in names]).encode()


def _text(name: str, body: dict) -> str:
    return asked_for.text(name, body.get(name))


def _whole(name: str, body: dict) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**6:
        raise Wrong(f"'{name}' must be a whole number, not {asked_for.short(value)}.")
    return value


async def _unread(request: Request, error: Exception) -> JSONResponse:
    """What FastAPI itself refuses: which field, in a sentence, beside its own list."""
    assert isinstance(error, RequestValidationError)
    where = ", ".join(sorted({str(e["loc"][-1]) for e in error.errors()}))
    return JSONResponse({"error": f"This question is not well formed: {where:.80} cannot be read."}, 422)


async def _turned_away(request: Request, error: Exception) -> JSONResponse:
    """Everything else that has a status: its phrase, or the sentence that Gradio has for it."""
    assert isinstance(error, HTTPException)
    told = error.detail if isinstance(error.detail, str) and error.detail else HTTPStatus(error.status_code).phrase
    return JSONResponse({"error": told, "detail": error.detail}, error.status_code, error.headers)


HANDLERS = {RequestValidationError: _unread, HTTPException: _turned_away}
