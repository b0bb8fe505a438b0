"""The verbs of genviz.ui.api and genviz.ui.verbs for programs that speak the Model Context Protocol, at /gradio_api/mcp/.

Gradio makes a tool of every verb out of its docstring. Here the fields `model` and `data` of a tool get the list of what they may be
(`choices` of a verb), and an answer becomes three things:

    structuredContent   the whole answer, as over HTTP
    an image            all pictures of it side by side, enlarged, for a model that can see; the first sounds, for one that can hear
    a text              the answer as JSON without pictures and long rows of numbers, which would fill the model's memory

The library behind it takes 0.7 s to import, which nobody who opens a page should wait for: so it is imported when somebody first asks here,
and `genviz.ui.quick` keeps gradio from doing it before.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from anyio.to_thread import run_sync
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from genviz.plots import film, pictures

PATH = "/gradio_api/mcp"
WIDE, MOST = 800, 8  # pixels of the image of an answer, and how many times a pixel is enlarged at most
SHOWN = {"images": "shown here side by side, row by row", "sounds": "the first of them heard here"}
HEARD = 4  # sounds of an answer
LONG, WHOLE = 4000, ("models", "data", "texts")  # characters of a value in the text of an answer, and values that are told whole


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
    """gradio.mcp.GradioMCPServer for a page, that answers as this module says; ImportError where the library is not installed."""
    importlib.import_module("mcp")
    module = importlib.import_module("gradio.mcp")
    if not hasattr(module.GradioMCPServer, "Server"):  # it was imported without the library
        module = importlib.reload(module)
    types = module.GradioMCPServer.types

    class Server(module.GradioMCPServer):  # type: ignore[name-defined, misc]
        def get_input_schema(self, tool_name: str, parameters: dict | None = None) -> tuple[dict, list]:
            schema, files = super().get_input_schema(tool_name, parameters)
            verb = self.get_block_fn_from_endpoint_name(self.tool_to_endpoint[tool_name])
            for field, values in getattr(verb.fn, "choices", {}).items():
                if values and field in schema["properties"]:
                    schema["properties"][field]["enum"] = values
            return schema, files

        def postprocess_output_data(self, data: Any, root_url: str) -> list:
            return [types.TextContent(type="text", text=json.dumps(data[0]))]

        def create_mcp_server(self) -> Any:
            server = super().create_mcp_server()
            answer = server.request_handlers[types.CallToolRequest]

            async def shown(request: Any) -> Any:
                told = await answer(request)
                result = told.root
                if not result.isError:
                    result.structuredContent = whole = json.loads(result.content[0].text)
                    sheets = [await run_sync(sheet, whole["images"])] if whole.get("images") else []
                    result.content = [
                        *(types.ImageContent(type="image", data=seen, mimeType="image/png") for seen in sheets),
                        *(types.AudioContent(type="audio", data=heard, mimeType="audio/wav") for heard in whole.get("sounds", [])[:HEARD]),
                        types.TextContent(type="text", text=json.dumps(brief(whole))),
                    ]
                return told

            server.request_handlers[types.CallToolRequest] = shown
            return server

    server = Server(demo)
    server._local_url = demo.local_url
    return server


def sheet(images: list[str]) -> str:
    """Picture files in base64 -> one PNG in base64 of all of them, enlarged so far that it stays about WIDE pixels wide."""
    cells = [np.asarray(Image.open(io.BytesIO(base64.b64decode(image)), formats=("PNG",)).convert("RGB")) for image in images]
    columns = pictures.columns_of(len(cells))
    zoom = max(1, min(MOST, WIDE // (columns * cells[0].shape[1])))
    return base64.b64encode(pictures.png(film.lay(np.stack(cells), columns, zoom))).decode()


def brief(answer: dict) -> dict:
    """An answer without what is long: pictures are shown beside it, and long rows of numbers are in structuredContent."""
    said = {}
    for name, value in answer.items():
        if name in SHOWN:
            said[name] = f"{len(value)}, {SHOWN[name]}; as files in structuredContent"
        else:
            long = not isinstance(value, str) and name not in WHOLE and len(json.dumps(value)) > LONG
            said[name] = f"{len(value)} rows of numbers, in structuredContent" if long else value
    return said
