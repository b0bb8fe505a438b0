"""The verbs of genviz.ui.api for programs that speak the Model Context Protocol, at /gradio_api/mcp/.

Gradio makes a tool of every verb out of its docstring, and answers as it answers a client. The library behind it takes 0.7 s to import,
which nobody who opens a page should wait for: so it is imported when somebody first asks here, and `genviz.ui.quick` keeps gradio from
doing it before.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from typing import Any

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/gradio_api/mcp"


class Tools:
    """The endpoint of one page, an ASGI app; `lifespan` closes what it opened."""

    def __init__(self, demo: Any):
        self.demo = demo
        self._app: ASGIApp | None = None
        self._first = asyncio.Lock()
        self._end, self._keeper = asyncio.Event(), None
        demo.mcp_server = True  # the page's API view and a Space's own page say so

    def mount(self) -> Mount:
        """The route, for the `app_kwargs` of launch()."""
        return Mount(PATH, app=self)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """For the `app_kwargs` of launch(): sessions end before the server does."""
        try:
            yield
        finally:
            self._end.set()
            if self._keeper is not None:
                await self._keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._first:
                self._app = self._app or await self._open()
        except ImportError:
            self._app = JSONResponse({"error": "This app speaks no MCP, because the package 'mcp' is not installed."}, 501)
        await self._app(scope, receive, send)

    async def _open(self) -> ASGIApp:
        """Gradio's own endpoint for this page, with its sessions running."""
        server = await run_sync(_server, self.demo)
        ready = asyncio.Event()

        async def keep() -> None:  # a task group is left by the task that entered it
            async with server.manager.run():
                ready.set()
                await self._end.wait()

        self._keeper = asyncio.create_task(keep())
        await ready.wait()
        around = Starlette()
        server.launch_mcp_on_sse(around, PATH, self.demo.root_path)
        return around.routes[0].app  # type: ignore[attr-defined]


def _server(demo: Any) -> Any:
    """gradio.mcp.GradioMCPServer for a page; ImportError where the library is not installed."""
    importlib.import_module("mcp")
    module = importlib.import_module("gradio.mcp")
    if not hasattr(module.GradioMCPServer, "Server"):  # it was imported without the library
        module = importlib.reload(module)
    server = module.GradioMCPServer(demo)
    server._local_url = demo.local_url
    return server
