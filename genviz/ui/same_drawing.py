"""One picture and one seed for every family: each answers with what it can, and says what its answer means.

A VAE copies, a flow inverts, an energy-based model names an energy and walks on from the picture, diffusion takes it halfway into noise and
back, a PixelCNN completes it, a discriminator judges it. What a family answers stands in its `Family.replies`; nothing here knows a family
by name. Short answers are asked of the engine (`answer`), walks are films that the page fetches as the player does (genviz/ui/film.py).
They arrive one by one, and one that fails says its sentence while the others go on.
"""

from __future__ import annotations

from typing import Annotated, Any

import gradio as gr
import numpy as np

from genviz.catalogue import data_of, model_in
from genviz.data.exhibit import exhibit
from genviz.media.image import paint
from genviz.plots import pictures
from genviz.ui.field import Data, Picture, Seed, Text, Whole
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget

TOOL = {"tool": "compare.drawing", "label": "Ask every family about", "family": "Compare"}  # how players send a sample here
Name, Number = Annotated[str, Text(100)], Annotated[int, Whole(0, 99)]
MANY = 100  # test images that a number is set against
SILENT = "This family cannot be asked about a picture that it did not make: it has no way into the model, and no number for it."
TURN = "(drawing, pick) => ({...pick, data: drawing.data})"


def build(engine: Any, catalogue: dict, tabs: list[str]) -> list[dict]:
    """Chooser and answers, inside the tab that is being built; returns the tools that a player may send a sample to."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            pick = Pick(tool=TOOL["tool"])
        with gr.Column(scale=5, min_width=320):
            drawing = SameDrawing(engine, catalogue, pick.to())
    drawing.turn(None, [drawing, pick], pick, js=TURN, show_progress="hidden", queue=False)
    return [{**TOOL, "tabs": tabs}]


class SameDrawing(Widget):
    """A card for each family; `channel` brings the picture. "turn" says that another data set was chosen."""

    events_sent = ("turn",)
    folder = "ui/web/same_drawing"

    def __init__(self, engine: Any, catalogue: dict, channel: str, **options: Any):
        self.engine, self.families = engine, catalogue["families"]
        images = data_of(catalogue, "image")
        self.entries = {r["model"]: model_in(catalogue, r["model"]) for f in self.families for r in f["replies"]}
        super().__init__({
            "pick": channel, "silent": SILENT, "data": [{"name": name, "title": d["title"]} for name, d in images.items()],
            "families": [{"name": f["name"], "title": f["title"], "replies": [self._told(r) for r in f["replies"]]} for f in self.families],
        }, server=[self.answer], **options)  # fmt: skip

    def _told(self, reply: dict) -> dict:
        """What the script must know of a reply."""
        entry = self.entries[reply["model"]]
        return {**reply, "title": entry["title"], "trained": list(entry["cards"]), "walk": reply["ask"] in entry["walks"]}

    async def answer(self, family: Name, reply: Number, image: Picture, data: Data, seed: Seed) -> dict:
        """A short answer about one image in base64: {"pictures": [{"url", "label"}], "says": what it means}."""
        replies = next((f["replies"] for f in self.families if f["name"] == family), [])
        if reply not in range(len(replies)):
            raise ValueError(f"There is no reply {reply} of a family '{family:.40}'.")
        told, x = replies[reply], pictures.from_base64(image)
        if told["ranked"]:
            x = np.concatenate([x, exhibit(data)[0][:MANY, None].astype(np.float32) / 127.5 - 1])
        came = await self.engine.call(told["model"], data, told["ask"], x, seed=seed, **told["given"])
        parts = came if isinstance(came, dict) else dict(zip(told["parts"], came if isinstance(came, tuple) else (came,), strict=True))
        numbers = {name: float(part[0]) for name, part in parts.items() if isinstance(part, np.ndarray) and part.ndim == 1}
        if told["ranked"]:
            ranked = parts[told["ranked"]]
            numbers |= {"below": int((ranked[1:] < ranked[0]).sum()), "many": MANY}
        shown = [{"url": paint(parts[name][:1], how), "label": label} for name, label, how in told["shows"]]
        return {"pictures": shown, "says": told["says"].format(**numbers, z_dim=self.entries[told["model"]]["z_dim"] or 0)}
