"""The door: what every request passes before Gradio sees it, and what every answer carries.

    Host, Origin      who may ask: see `Rules`
    path              what the page does not need is shut; what lies below a subpath is found, whether a proxy took the subpath off or not
    body              whole, of bounded size and within bounded time
    visitor           a name for whoever asks (visitor.py); `request.state.visitor`
    what is kept      the page and its files, zipped (kept.py)
    headers           what the browser may load and who may frame the page

Every refusal is one sentence: {"error": sentence, "detail": sentence}, as this page and Gradio's clients read it.

`Door.lifespan` goes into the `app_kwargs` of launch(). It puts the door around Gradio's own middleware, which would open the app to the
scripts of every site (CORS) and zip every answer anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genviz.ui import sessions
from genviz.ui.kept import Kept
from genviz.ui.visitor import Visitors, sent

LARGEST = 12 * 2**20  # bytes of a question: a picture file of 8 MB in base64, and room around it
OURS = 2**20  # and of one to a route of our own
SPARE = 32 * 2**20  # bytes more that are read and thrown away, so that who sends too much can read why it was refused
HELD = 256 * 2**20  # bytes of bodies that are being received
PATIENCE = 20.0  # seconds without a byte of a body
OPEN = 2000  # requests under way, streams among them
RETRY = "5"  # seconds until a full house is worth asking again

NAME = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")  # a host, perhaps a port
PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){1,8}")
USED = ("info", "openapi.json", "startup-events", "heartbeat", "call", "queue", "component_server", "cancel", "reset", "mcp", "app_id",
        "theme.css", "user", "login_check", "token")  # the ways into Gradio that something here needs, beside files  # fmt: skip
JOIN = ("/gradio_api/queue/join", "/gradio_api/call/")


class Refusal(Exception):
    """A request that is not let in: a status and one sentence."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may ask, and who may show the page in a frame.

    **Host**: an app that only this computer can reach answers to the names of this computer and to `hosts`. Otherwise a stranger's page
    could give its own name this computer's address (DNS rebinding) and then ask as if it belonged here. An app that is open to others
    (`anywhere`: bound to another address, or shared) has nothing to hide from them and answers to every well-formed name.
    **Origin** of whatever is no GET: a browser says whose script asks. None (no browser) and the app's own pass, all others and "null" do
    not. The app's own is one whose host is the one asked for (Host, X-Forwarded-Host) or listed, without regard to the port, which
    proxies lose; or one of which the browser itself says `Sec-Fetch-Site: same-origin`, whatever a proxy made of the Host.
    """

    hosts: tuple[str, ...] = ()
    anywhere: bool = False
    embed: tuple[str, ...] = ("https://huggingface.co", "https://*.hf.space")

    @classmethod
    def of(cls, host: str = "127.0.0.1", share: bool = False, allow: str = "", embed: str = "") -> Rules:
        """From what app.py was told: lists with commas or blanks, added to those of GENVIZ_ALLOW_HOST and GENVIZ_EMBED."""
        hosts = f"{allow} {os.environ.get('GENVIZ_ALLOW_HOST', '')}".replace(",", " ").lower().split()
        sites = f"{embed} {os.environ.get('GENVIZ_EMBED', '')}".replace(",", " ").split()
        if wrong := next((h for h in hosts if not NAME.fullmatch(h)), None) or next((s for s in sites if re.search(r"[;\s]", s)), None):
            raise ValueError(f"{wrong!r:.80} is no name of a host.")
        return cls(tuple(map(name_of, hosts)), share or not local(name_of(host)), (*cls().embed, *sites))

    def policy(self) -> str:
        """Content-Security-Policy. Gradio writes its configuration as an inline script and makes functions of texts ("unsafe-eval")."""
        return ("default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
                "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
                "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
                f"frame-ancestors 'self' {' '.join(self.embed)}")  # fmt: skip

    def check(self, method: str, headers: Headers) -> None:
        """Raises Refusal."""
        asked = [headers.get("host", ""), *(headers.get("x-forwarded-host", "").split(",")[:1] if "x-forwarded-host" in headers else ())]
        if not all(NAME.fullmatch(name.strip()) for name in asked):
            raise Refusal(400, "This request names no host.")
        names = [name_of(name.strip()) for name in asked]
        if not (self.anywhere or local(names[0]) or names[0] in self.hosts):
            raise Refusal(403, f"This app answers to the names of its own computer only; whoever runs it can let it answer to "
                               f"{names[0]} with --allow-host {names[0]}.")  # fmt: skip
        origin = headers.get("origin")
        if method in ("GET", "HEAD") or origin is None and headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            return
        theirs = name_of(urlsplit(origin or "").netloc) if (origin or "").startswith(("http://", "https://")) else ""
        own = theirs in names or theirs in self.hosts or local(theirs) and any(map(local, names))
        if not theirs or not own and headers.get("sec-fetch-site") != "same-origin":
            raise Refusal(403, "Pages of other sites may not ask this app; open its own page.")


def name_of(host: str) -> str:
    """A host without its port, in lower case."""
    return re.sub(r":\d*$", "", host.lower()) if not host.endswith("]") else host.lower()


def local(name: str) -> bool:
    """Is this a name of this computer itself?"""
    return name in ("localhost", "[::1]", "::1") or name.endswith(".localhost") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", name))


def below(path: str, root: str, known: set[str]) -> str:
    """The path below the subpath `root`, which a proxy took off or did not.

    /genviz/wait below /genviz is the app's own /genviz/wait if the subpath was taken off, and nothing otherwise; /genviz/genviz/wait is the
    same where it was not. `known` first parts of the app's routes tell the cases apart, so that a subpath may be named like a route.
    """
    if not root or not (path == root or path.startswith(root + "/")):
        return path
    rest = path[len(root) :] or "/"
    return rest if first(rest) in known or first(path) not in known else path


def shut(path: str) -> bool:
    """Is this a way into Gradio that nothing here needs, as for uploads or other computers' files?"""
    _, gradio, way = path.partition("/gradio_api/")
    way = way.split("/")[0]
    return bool(gradio) and way not in USED and (not way.startswith("file=") or way.lower() in ("file=http:", "file=https:"))


def first(path: str) -> str:
    return path.split("/")[1]


class Door:
    """The door of one page; `inside` is what also lives as long as the app (the lifespan of genviz.ui.mcp.Tools), `own` what the
    page has of its own in <head> and <body>."""

    def __init__(self, demo: Any, rules: Rules, inside: Callable, own: tuple[str, str] = ("", "")):
        self._rules, self._inside, self._own = rules, inside, own
        self._bounds = sessions.Bounds(demo)
        self._visitors = Visitors()
        self._open = self._held = 0
        self._same = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Content-Security-Policy": rules.policy()}

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Put the door around the app for as long as it runs."""
        told = app.root_path or ""
        self._absolute = "://" in told  # then it says the host too
        self._root = f"/{(urlsplit(told).path if self._absolute else told).strip('/')}".rstrip("/")
        app.root_path = told if self._absolute else self._root
        self._known = {first(route.path) for route in app.routes if hasattr(route, "path")}
        self._app: ASGIApp = app.middleware_stack
        self._kept = Kept(app, self._app, self._root, self._own)
        app.middleware_stack = self
        async with self._bounds.kept(app), self._inside(app):
            warming = asyncio.create_task(self._kept.warm())
            yield
            warming.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers, size = MutableHeaders(scope=scope), [0]
        self._open += 1
        try:
            send = self._signed(scope, headers, send)
            try:
                answer, receive = await self._pass(scope, headers, receive, size)
            except Refusal as refusal:
                answer = JSONResponse({"error": str(refusal), "detail": str(refusal)}, refusal.status)
            await (answer or self._app)(scope, receive, send)
        finally:
            self._open -= 1
            self._held -= size[0]

    async def _pass(self, scope: Scope, headers: MutableHeaders, receive: Receive, size: list[int]) -> tuple[Response | None, Receive]:
        """An answer where the door has one, and otherwise what the app receives; Refusal for what is not let in."""
        method = scope["method"]
        self._rules.check(method, headers)
        if self._open > OPEN:
            raise Refusal(503, "The house is full: too many people are asking just now; try again in a moment.")
        for name in ("origin", "x-gradio-server"):  # Gradio would let any origin read the answer, and believe the other
            del headers[name]
        if "," in headers.get("range", ""):  # a file in several pieces at once; the whole of it is a right answer too
            del headers["range"]
        path = self._find(scope, headers)
        if path is None:
            return RedirectResponse(self._root + "/"), receive
        if shut(path) or headers.get("content-type", "").lower().startswith("multipart/"):
            raise Refusal(404, "Nothing here needs this way into Gradio, so it is shut; a verb is asked at gradio_api/call/sample.")
        scope.setdefault("state", {})["visitor"] = self._visitors.name(scope, headers)
        if method in ("GET", "HEAD"):
            return await self._kept.answer(path, scope, headers), receive
        if path.startswith(JOIN) and self._bounds.full():
            raise Refusal(503, f"The house is full: {sessions.ROOM} questions are under way; try again in a minute.")
        return None, await self._whole(headers, receive, size, OURS if path.startswith("/genviz/") else LARGEST)

    def _find(self, scope: Scope, headers: Headers) -> str | None:
        """The path below the subpath, also set in `scope` so that the routes find it; None for the subpath without its last /."""
        told = headers.get("x-forwarded-prefix", "").rstrip("/")
        root = self._root or (told if PREFIX.fullmatch(told) else "")
        if root and scope["path"] == root and first(root) not in self._known:
            return None
        path = below(scope["path"], root, self._known)
        if root:
            scope["path"] = path if self._absolute else root + path
            scope["root_path"] = scope.get("root_path", "") if self._absolute else root
        return path

    async def _whole(self, headers: Headers, receive: Receive, size: list[int], most: int) -> Receive:
        """Read the body; what the app then receives. `size` counts the bytes that are held."""
        large = Refusal(413, f"This question is too large: at most {most / 2**20:g} MB are read.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > most + SPARE:
            raise large
        parts, read, more = [], 0, True
        while more:
            try:
                message = await asyncio.wait_for(receive(), PATIENCE)
            except TimeoutError:
                raise Refusal(408, "The rest of this question did not arrive.") from None
            if message["type"] != "http.request":
                raise Refusal(400, "The rest of this question did not arrive.")
            part, more = message.get("body", b""), message.get("more_body", False)
            read += len(part)
            if read > most + SPARE:
                raise large
            if read <= most:
                parts.append(part)
                size[0] += len(part)
                self._held += len(part)
            if self._held > HELD:
                raise Refusal(503, "The house is full: many large questions are arriving just now; try again in a moment.")
        if read > most:
            raise large
        first_one = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def again() -> Message:
            return first_one.pop() if first_one else await receive()

        return again

    def _signed(self, scope: Scope, headers: Headers, send: Send) -> Send:
        """Every answer says what a browser may do with it; the page, and an answer to a cookie that is not ours, bring a new cookie."""
        values, path = sent(headers), scope["path"]
        secure = "https" in (scope.get("scheme"), headers.get("x-forwarded-proto", "").split(",")[0].strip())

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                for name, value in self._same.items():
                    told[name] = value
                if message["status"] == 503:
                    told.setdefault("Retry-After", RETRY)
                page, unknown = path.endswith("/"), scope.get("state", {}).get("visitor", "").startswith("@")
                if unknown and (page or values):
                    told.append("Set-Cookie", self._visitors.cookie(secure))
            await send(message)

        return signed
