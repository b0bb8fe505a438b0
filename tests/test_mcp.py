"""The verbs over the Model Context Protocol: described, answered as in Python, and imported only when somebody asks."""

from __future__ import annotations

import ast
import asyncio
import base64
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import gradio as gr
import pytest

import genviz
from genviz.engine import Engine
from genviz.plots import pictures
from genviz.ui import api, theme
from genviz.ui.mcp import Tools

VERBS = ["sample", "film", "encode", "decode", "likelihood"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("mcp", reason="the package mcp is not installed")
    with Engine("cpu", backend="inline") as engine:
        with gr.Blocks() as demo:
            api.register(engine)
        _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **theme.page(demo))
        yield address
        demo.close()


def fetch(address: str) -> object:
    with urllib.request.urlopen(address, timeout=300) as answer:
        return json.loads(answer.read())


def test_five_verbs_are_described(url: str) -> None:
    tools = {tool["name"]: tool for tool in fetch(f"{url}gradio_api/mcp/schema")}
    assert list(tools) == VERBS
    for tool in tools.values():
        assert len(tool["description"]) > 80 and "Returns: " in tool["description"]
        fields = tool["inputSchema"]["properties"]
        assert "who" not in fields and {"model", "data"} <= set(tool["inputSchema"]["required"])
        assert all(field["description"].endswith(".") and ("type" in field or "oneOf" in field) for field in fields.values()), tool["name"]


def test_the_page_says_that_there_are_an_api_and_mcp(url: str) -> None:
    config = fetch(f"{url}config")
    assert config["mcp_server"] is True and "api" in config["footer_links"]


def test_a_call_returns_what_python_gives(url: str) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def ask(name: str, **arguments):
        async with streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            assert [tool.name for tool in (await session.list_tools()).tools] == VERBS
            return await session.call_tool(name, arguments)

    answer = asyncio.run(ask("sample", model="vae/vae_2d", data="mnist", n=3, seed=5))
    images = ast.literal_eval(answer.content[0].text)["images"]
    x = genviz.sample("vae/vae_2d", "mnist", n=3, seed=5, device="cpu").numpy()
    assert images == [base64.b64encode(pictures.png(pictures.grid(one[None]))).decode() for one in x]
    refused = asyncio.run(ask("decode", model="vae/vae_2d", data="mnist", z=[[0.0] * 9]))
    assert refused.isError and "(B, 2)" in refused.content[0].text


def test_nobody_waits_for_the_library_at_the_start() -> None:
    code = "from genviz.ui.quick import import_gradio; import_gradio(); import genviz.ui.app, sys; print('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True).stdout.strip() == "False"


def test_without_the_library_a_sentence_is_the_answer(monkeypatch) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    monkeypatch.setitem(sys.modules, "mcp", None)
    tools = Tools(type("Demo", (), {})())
    answer = TestClient(Starlette(routes=[tools.mount()], lifespan=tools.lifespan)).get("/gradio_api/mcp/schema")
    assert answer.status_code == 501 and "not installed" in answer.json()["error"]
