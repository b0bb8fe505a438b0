"""The verbs over the Model Context Protocol: described, answered as in Python, and imported only when somebody asks."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client
from PIL import Image

import genviz
from genviz.data.exhibit import exhibit
from genviz.engine import Engine
from genviz.plots import pictures
from genviz.ui import api, theme, verbs
from genviz.ui.mcp import Tools, brief

VERBS = ["sample", "film", "encode", "decode", "likelihood", "models", "energy", "score", "complete"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("mcp", reason="the package mcp is not installed")
    with Engine("cpu", backend="inline") as engine:
        with gr.Blocks() as demo:
            api.register(engine)
            verbs.register(engine)
        _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **theme.page(demo))
        yield address
        demo.close()


@pytest.fixture(scope="module")
def client(url: str) -> Client:
    return Client(url, verbose=False)


def fetch(address: str) -> object:
    with urllib.request.urlopen(address, timeout=300) as answer:
        return json.loads(answer.read())


def ask(url: str, name: str, **arguments: Any) -> Any:
    """What a tool answers to a program that speaks the protocol."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def call() -> Any:
        async with streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            assert [tool.name for tool in (await session.list_tools()).tools] == VERBS
            return await session.call_tool(name, arguments)

    return asyncio.run(call())


def test_every_verb_is_described_and_says_which_models_there_are(url: str) -> None:
    tools = {tool["name"]: tool for tool in fetch(f"{url}gradio_api/mcp/schema")}
    assert list(tools) == VERBS
    for tool in tools.values():
        assert len(tool["description"]) > 80 and "Returns: " in tool["description"]
        fields = tool["inputSchema"]["properties"]
        assert "who" not in fields
        assert tool["name"] == "models" or {"model", "data"} <= set(tool["inputSchema"]["required"])
        assert all(f["description"].endswith(".") and f.keys() & {"type", "oneOf", "anyOf"} for f in fields.values()), tool["name"]
    trained = {(c.name, c.data) for c in genviz.cards()}
    models, data = ({n for n in tools["sample"]["inputSchema"]["properties"][f]["enum"]} for f in ("model", "data"))
    assert models == {name for name, _ in trained} and data == {name for _, name in trained}
    assert tools["complete"]["inputSchema"]["properties"]["model"]["enum"] == ["autoregressive/pixel_cnn", "autoregressive/pixel_cnn_grey"]
    assert all(name.startswith("ebm/") for name in tools["energy"]["inputSchema"]["properties"]["model"]["enum"])
    assert "energy" in tools["models"]["inputSchema"]["properties"]["ability"]["enum"]


def test_the_page_says_that_there_are_an_api_and_mcp(url: str) -> None:
    config = fetch(f"{url}config")
    assert config["mcp_server"] is True and "api" in config["footer_links"]


def test_a_call_shows_a_picture_and_returns_what_python_gives(url: str) -> None:
    answer = ask(url, "sample", model="vae/vae_2d", data="mnist", n=3, seed=5)
    x = genviz.sample("vae/vae_2d", "mnist", n=3, seed=5, device="cpu").numpy()
    assert answer.structuredContent["images"] == [base64.b64encode(pictures.png(pictures.grid(one[None]))).decode() for one in x]
    seen, text = answer.content
    assert seen.type == "image" and seen.mimeType == "image/png"
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(seen.data))))
    assert sheet.shape == (8 * (28 + 2 + 28), 8 * (28 + 2 + 28), 3)
    assert (sheet[: 8 * 28, : 8 * 28, 0] == pictures.grid(x[:1]).repeat(8, 0).repeat(8, 1)).all()
    told = json.loads(text.text)
    assert told["steps"] == answer.structuredContent["steps"] and told["images"].startswith("3, shown here")
    refused = ask(url, "decode", model="vae/vae_2d", data="mnist", z=[[0.0] * 9])
    assert refused.isError and "(B, 2)" in refused.content[0].text
    unknown = ask(url, "energy", model="vae/vae", data="mnist", images=[[[0.0] * 28] * 28])
    assert unknown.isError and "'ebm/ebm'" in unknown.content[0].text, "the schema says which models have an energy"


def test_models_says_what_there_is(client: Client) -> None:
    answer = client.predict(api_name="/models")
    assert {m["name"] for m in answer["models"]} == {c.name for c in genviz.cards()}
    one = next(m for m in answer["models"] if m["name"] == "diffusion/ddpm")
    assert one["data"] == ["mnist", "fashion_mnist"] and "score" in one["abilities"] and one["shape"] == [1, 28, 28]
    assert {k["name"]: k["default"] for k in one["knobs"]}.keys() >= {"steps", "guidance"}
    assert next(d for d in answer["data"] if d["name"] == "mnist")["classes"] == list("0123456789")
    some = client.predict("encode", "two_moons", api_name="/models")
    assert [m["name"] for m in some["models"]] == ["vae/plane"]
    assert client.predict("fly", api_name="/models")["models"] == []


def test_energy_and_score_are_the_models_own(client: Client, url: str) -> None:
    import torch

    pixels = exhibit("mnist")[0][:2]
    lists = (pixels / 127.5 - 1).tolist()
    x = torch.from_numpy(pixels[:, None].astype(np.float32) / 127.5 - 1)
    model = genviz.load("ebm/ebm", "mnist", "cpu")
    answer = client.predict("ebm/ebm", "mnist", lists, api_name="/energy")
    assert np.allclose(answer["energy"], model.energy(x).numpy(), rtol=1e-4)
    model = genviz.load("score/score", "mnist", "cpu")
    answer = client.predict("score/score", "mnist", lists, 0.5, api_name="/score")
    score = model.score(x, torch.full((2,), 0.5))
    assert np.allclose(answer["score"], score[:, 0].numpy(), atol=1e-3) and np.allclose(
        answer["norm"], score.flatten(1).norm(dim=1), rtol=1e-3
    )
    shown = ask(url, "score", model="score/score", data="mnist", images=lists[:1])
    assert [c.type for c in shown.content] == ["image", "text"] and len(shown.content[1].text) < 300
    assert np.shape(shown.structuredContent["score"]) == (1, 28, 28)
    point = client.predict("ebm/plane", "rings", [[0.0, 1.0]], api_name="/energy")
    assert len(point["energy"]) == 1 and np.isfinite(point["energy"]).all()
    for wrong in (("ebm/ebm", "mnist", [[0.0, 1.0]]), ("ebm/plane", "rings", lists), ("vae/vae", "mnist", lists)):
        with pytest.raises(Exception, match=r"\.$"):
            client.predict(*wrong, api_name="/energy")


def test_complete_keeps_the_rows_that_were_given(client: Client) -> None:
    image = (exhibit("mnist")[0][0] / 127.5 - 1).tolist()
    answer = client.predict("autoregressive/pixel_cnn", "mnist", image, 20, 2, 3, api_name="/complete")
    x = np.array(image, np.float32)[None, None]
    python = genviz.sample("autoregressive/pixel_cnn", "mnist", n=2, seed=3, device="cpu", walk="complete", given={"x": x, "rows": 20})
    shown = [np.asarray(Image.open(io.BytesIO(base64.b64decode(i)))) for i in answer["images"]]
    assert (np.stack(shown) == np.stack([pictures.grid(one[None]) for one in python.numpy()])).all()
    assert answer["steps"] == 8 * 28 and (shown[0][:20] == shown[1][:20]).all()
    for wrong in (("vae/vae", "mnist", image), ("autoregressive/pixel_cnn", "mnist", image, 28), ("autoregressive/plane", "rings", image)):
        with pytest.raises(Exception, match=r"\.$"):
            client.predict(*wrong, api_name="/complete")


def test_what_is_long_is_left_out_of_the_text() -> None:
    answer = {"images": ["AAAA"] * 3, "sounds": ["UklG" * 5000], "texts": ["ROMEO: " * 900], "score": [[0.123456789] * 900], "nfe": 3}
    told = brief(answer)
    assert told["nfe"] == 3 and told["texts"] == answer["texts"], "words are read, however many"
    assert len(json.dumps({k: v for k, v in told.items() if k != "texts"})) < 400 and told["score"].startswith("1 rows of numbers")


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
