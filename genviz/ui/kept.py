"""What everybody gets alike, asked of Gradio once and kept zipped: the page, its scripts and styles, its configuration.

Gradio draws up the page anew for every view: 1.4 MB of configuration and about 100 ms of computing, sent unzipped. Nothing of it belongs
to a visitor (a session is named by the browser, nobody logs in); only the app's own address stands in it, taken from the request. So the
page is asked for once, at the address NOWHERE, and where that stands in a script, the address takes its place that the browser itself sees:

    "root":"http://nowhere.invalid"   ->   "root":""+genviz_root+""        genviz_root = new URL(".", document.baseURI), without the last /

One page for every host, scheme and subpath, with one ETag; nothing that a request says gets into it, and no proxy has to say anything.
Programs read /config and /gradio_api/info, where the address must be plain text: those are kept too and filled in for each request.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from typing import Any

from gradio import route_utils
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Scope

from genviz.ui import about

NOWHERE = "nowhere.invalid"  # a name that cannot exist (RFC 2606)
PAGE, TOLD = "/", ("/gradio_api/info", "/config")
FILES = ("/assets/", "/static/", "/svelte/", "/theme.css", "/favicon.ico")
MOST = 64 * 2**20  # bytes of files kept; all that Gradio has are 20 MB zipped
FOREVER = "public, max-age=31536000, immutable"  # the name of a script says which version it is
AGAIN = "private, no-cache"  # ask whether it is still the same: after a restart it is not
ICON = b'<link rel="icon" href="./favicon.ico">'
HERE = b'<script>const genviz_root = new URL(".", document.baseURI).href.slice(0, -1)</script>'


@dataclass(frozen=True, slots=True)
class Thing:
    """An answer that is kept: `body` is zipped where that makes it smaller."""

    kind: str
    body: bytes
    zipped: bool
    tag: str
    cache: str


class Kept:
    """`app` is Gradio's, which is asked; `stack` what it has behind its own middleware; `root` the subpath it was told, or ""; `own` what
    the page has of its own in <head> and <body>."""

    def __init__(self, app: Any, stack: ASGIApp, root: str, own: tuple[str, str] = ("", "")):
        self._app, self._stack, self._root, self._own = app, stack, root, own
        self._things: dict[str, Thing] = {}
        self._asked: dict[str, asyncio.Task] = {}  # by path: everybody who comes meanwhile waits for the same answer
        self._bytes = 0

    async def answer(self, path: str, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a GET or HEAD of a path below the root, None where nothing is kept of it."""
        told = path in TOLD and not scope["query_string"]
        if not (told or path == PAGE or path.startswith(FILES)):
            return None
        thing = self._things.get(path) or await self._get(path)
        if thing is None:
            return None
        sent = {"Cache-Control": thing.cache, "Vary": "Accept-Encoding", "ETag": thing.tag}
        if told:
            root = route_utils.get_root_url(Request(scope), path, self._app.root_path or scope.get("root_path"))
            body = (await run_in_threadpool(gzip.decompress, thing.body)).replace(self._nowhere, root.encode())
            return answer_with(body, scope, {"Content-Type": thing.kind, "Cache-Control": "private, no-store"})
        if thing.tag in headers.get("if-none-match", ""):
            return Response(status_code=304, headers=sent)
        body = thing.body
        if thing.zipped and "gzip" in headers.get("accept-encoding", ""):
            sent["Content-Encoding"] = "gzip"
        elif thing.zipped:
            body = await run_in_threadpool(gzip.decompress, body)
        return answer_with(body, scope, {**sent, "Content-Type": thing.kind})

    async def warm(self) -> None:
        """Ask for the page before anybody comes, the list of verbs first: Gradio keeps that with the address of who asks first."""
        for path in (*TOLD, PAGE):
            await self._get(path)

    @property
    def _nowhere(self) -> bytes:
        return f"http://{NOWHERE}{self._root}".encode()

    async def _get(self, path: str) -> Thing | None:
        if path not in self._asked:
            self._asked[path] = asyncio.create_task(self._make(path))
            self._asked[path].add_done_callback(lambda _: self._asked.pop(path, None))
        return await asyncio.shield(self._asked[path])

    async def _make(self, path: str) -> Thing | None:
        status, headers, body = await self._ask(path)
        if status != 200:
            return None
        if path == PAGE:
            body = anywhere(body, self._nowhere, *self._own)
        kind = headers.get("content-type", "application/octet-stream")
        tag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
        small = await run_in_threadpool(gzip.compress, body, 9, mtime=0)
        zipped = path in TOLD or len(small) < 0.9 * len(body)
        thing = Thing(kind, small if zipped else body, zipped, tag, FOREVER if path.startswith("/assets/") else AGAIN)
        if self._bytes + len(thing.body) <= MOST:
            self._things[path] = thing
            self._bytes += len(thing.body)
        return thing

    async def _ask(self, path: str) -> tuple[int, Headers, bytes]:
        """What Gradio answers to a plain GET at NOWHERE."""
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "app": self._app,
                 "path": self._root + path, "raw_path": (self._root + path).encode(), "root_path": self._root, "query_string": b"",
                 "headers": [(b"host", NOWHERE.encode())], "client": ("127.0.0.1", 0), "server": (NOWHERE, 80), "state": {}}  # fmt: skip
        answer: list[Message] = []
        body = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            return body.pop() if body else await asyncio.Future()  # we do not hang up

        async def send(message: Message) -> None:
            answer.append(message)

        await self._stack(scope, receive, send)
        start = answer[0]
        return start["status"], Headers(raw=list(start["headers"])), b"".join(part.get("body", b"") for part in answer[1:])


def anywhere(page: bytes, nowhere: bytes, head: str = "", body: str = "") -> bytes:
    """The page with the browser's own address in place of NOWHERE, which stands in strings of its scripts only.

    What a browser would look for at the root of the host (manifest, icon) is looked for beside the page; links show GenViz (about.py).
    `head` and `body` are what it has of its own there; Gradio would put it in only once its own scripts run.
    """
    page = page.replace(nowhere, b'"+genviz_root+"').replace(b'href="/manifest.json"', b'href="./manifest.json"')
    page = about.introduced(page.replace(b"<script>", ICON + HERE + head.encode() + b"<script>", 1))
    start = page.find(b">", page.find(b"<body")) + 1
    return page[:start] + body.encode() + page[start:] if start else page


def answer_with(body: bytes, scope: Scope, headers: dict[str, str]) -> Response:
    """A whole answer; of a HEAD its headers, with the length that the body would have."""
    if scope["method"] != "HEAD":
        return Response(body, headers=headers)
    return Response(headers={**headers, "Content-Length": str(len(body))})
