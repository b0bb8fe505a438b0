"""A small house with a real door: a widget, the verbs and the routes of films on a toy engine, served over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import gradio as gr
import httpx

from genviz.engine import Engine, Limits
from genviz.ui import api, theme
from genviz.ui.door import Rules
from genviz.ui.field import Text
from genviz.ui.widget import Widget

ORDER = {"model": "toys/toy", "data": "mnist", "n": 2, "seed": 1, "knobs": {"steps": 5}}
SLOW = {**ORDER, "knobs": {"steps": 1000, "pace": 0.05}}


class Echo(Widget):
    def __init__(self) -> None:
        super().__init__(server=[self.echo])

    def echo(self, text: Annotated[str, Text(100_000)]) -> str:
        return text


@contextmanager
def serving(engine: Engine, rules: Rules | None = None, root_path: str = "") -> Iterator[gr.Blocks]:
    """A page on an engine, running on a free port; its address is `local_url`."""
    with gr.Blocks(title="Toy house", analytics_enabled=False) as demo:
        Echo()
        api.register(engine)
    demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", root_path=root_path, **theme.page(demo, engine, rules))
    try:
        yield demo
    finally:
        demo.close(verbose=False)


def toy_engine(**limits: int) -> Engine:
    return Engine("cpu", backend="inline", stage="troubled:ToyStage", limits=Limits(**limits))


def film(web: httpx.Client, base: str = "") -> list[dict]:
    """Order a film below an address and fetch all its shots, as the page does."""
    answer = web.post(base + "genviz/submit", json=ORDER)
    assert answer.status_code == 200 and "job" in answer.json(), answer.text
    shots: list[dict] = []
    while True:
        view = web.get(base + "genviz/wait", params={"job": answer.json()["job"], "have": len(shots)}).json()
        shots += view["shots"]
        assert view["status"] not in ("error", "cancelled"), view
        if view["status"] == "done":
            return shots
