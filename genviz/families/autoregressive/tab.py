"""What only an autoregressive model can show: its next guess, the rest of a half-given picture, and what a pixel may look at.

Every question is short: one pass of the network gives the distributions of all 784 pixels, so a hover asks nothing of the server.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import gradio as gr
import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture, Whole
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player
from genviz.ui.widget import Widget

HERE = Path(__file__).parent
Place = Annotated[int, Whole(0, 27)]  # of a pixel in its row or column

LOOK = """
    & { color: var(--body-text-color); }
    .row { display: flex; flex-wrap: wrap; gap: clamp(.5rem, 1.2vw, 1rem); }
    figure { margin: 0; width: clamp(96px, 30%, 240px); }
    figure canvas { width: 100%; aspect-ratio: 1; display: block; border-radius: 4px; background: var(--gv-stage); }
    canvas.live { cursor: crosshair; }
    figcaption { font-size: .9em; margin-top: .3rem; line-height: 1.35; }
    .go { display: flex; flex-wrap: wrap; gap: .5rem 1.4rem; align-items: center; margin: 0 0 .8rem; }
    .go label { display: flex; gap: .5rem; align-items: center; max-width: 100%; white-space: nowrap; }
    .go input[type="range"] { width: 9rem; min-width: 4rem; accent-color: var(--color-accent); }
    output { min-width: 2.4em; font-variant-numeric: tabular-nums; }
    .start { font: inherit; font-weight: 600; color: #fff; background: var(--color-accent); border: 0; border-radius: 6px;
      padding: .4em 1.2em; cursor: pointer; }
    .start:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 2px; }
    .say { margin: .6rem 0; } .say b { font-variant-numeric: tabular-nums; }
    .swatch { display: inline-block; width: .85em; height: .85em; border-radius: 2px; vertical-align: -.08em; }
    .ramp { display: inline-block; width: 5em; height: .7em; border-radius: 2px; vertical-align: -.02em;
      background: linear-gradient(90deg, rgb(68 1 84), rgb(59 82 139), rgb(33 145 140), rgb(94 201 98), rgb(253 231 37)); }
    body.projector & figure { width: clamp(132px, 31%, 400px); }"""


class Paint(Widget):
    """The few controls above the film of "What does it expect?"."""

    template = """
        <div class="go"><button type="button" class="start">Paint</button>
          <label>pictures <input type="range" class="n" min="1" max="16" value="4"><output></output></label>
          <label>temperature <input type="range" class="t" min="0.1" max="2" step="0.05" value="1"><output></output></label></div>"""
    css = LOOK
    js = """
        const find = s => element.querySelector(s), n = find(".n"), t = find(".t");
        const read = () => { n.nextSibling.textContent = n.value; t.nextSibling.textContent = (+t.value).toFixed(2); };
        for (const slider of [n, t]) slider.addEventListener("input", read);
        find(".start").addEventListener("click", () => {
          const {player, model, data, seed} = props.value;
          genviz.film(player, {model, data, seed, n: +n.value, knobs: {temperature: +t.value}});
        });
        read();"""


class Expect(Widget):
    """A picture, what the model expected of each pixel, how uncertain it was, how surprised, and the distribution of the pixel under the
    pointer."""

    template = """
        <p class="say" role="status">Press Paint, then point at a painted pixel of the film.</p>
        <div class="row">
          <figure><canvas class="x live" width="280" height="280"></canvas><figcaption>the picture</figcaption></figure>
          <figure><canvas class="e live" width="280" height="280"></canvas>
            <figcaption>what was expected: the mean of each pixel, given those before it, at temperature 1</figcaption></figure>
          <figure><canvas class="h live" width="280" height="280"></canvas>
            <figcaption>entropy before each pixel was drawn, at temperature 1:
              <span class="ramp"></span> 0 to <span class="most">1</span> bits</figcaption></figure>
          <figure><canvas class="s live" width="280" height="280"></canvas>
            <figcaption>surprise at what was drawn: <span class="ramp"></span> 0 to <span class="top">4</span> bits</figcaption></figure>
        </div>
        <canvas class="bars"></canvas>"""
    css = (
        LOOK
        + """
    figure { width: clamp(132px, 23%, 240px); }
    .bars { width: 100%; max-width: 720px; height: 190px; display: block; image-rendering: auto; margin-top: .4rem; }"""
    )
    js = (HERE / "expect.js").read_text(encoding="utf-8")

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.expect])
        self.engine = engine

    async def expect(self, image: Picture, model: Model, data: Data) -> dict:
        """One image in base64 -> p(level | earlier pixels) of every pixel: float32 (levels, 784) in base64, and the number of levels."""
        p = await self.engine.call(model, data, "conditional", pictures.from_base64(image))
        return {"p": base64.b64encode(np.ascontiguousarray(p[0], np.float32).tobytes()).decode(), "levels": p.shape[1]}


class Complete(Widget):
    """The given picture with the line below which the model paints; drag the line or the slider."""

    template = """
        <div class="row"><figure><canvas class="x live" width="280" height="280"></canvas>
          <figcaption>kept above the line, painted below: drag it</figcaption></figure>
        <div class="side"><div class="go">
          <label>rows given <input type="range" class="rows" min="0" max="27" value="12"><output></output></label>
          <label>ways <input type="range" class="n" min="1" max="16" value="9"><output></output></label>
          <label>temperature <input type="range" class="t" min="0.1" max="2" step="0.05" value="1"><output></output></label></div>
          <button type="button" class="start">Complete</button></div></div>"""
    css = (
        LOOK
        + """
    figure { width: clamp(132px, 34%, 180px); } .side { flex: 1; min-width: 240px; } .row { margin-bottom: .6rem; }
    canvas.x { cursor: row-resize; }"""
    )
    js = (HERE / "complete.js").read_text(encoding="utf-8")


class Field(Widget):
    """Click a pixel: which pixels could change the model's mind about it, for two stacks and for the naive mask."""

    template = """
        <p class="say" role="status"></p>
        <div class="row">
          <figure><canvas class="gated live" width="280" height="280"></canvas>
            <figcaption><b>Two stacks</b>, this model<br><span class="count"></span></figcaption></figure>
          <figure><canvas class="naive live" width="280" height="280"></canvas>
            <figcaption><b>Naive mask</b>, 27 layers of 3 x 3, untrained: weights do not matter here<br>
              <span class="count"></span></figcaption></figure>
          <div class="key">
            <p><span class="ramp"></span> size of d logit / d pixel, from a millionth of the largest to the largest</p>
            <p><span class="swatch own"></span> the pixel asked about; the arrow keys move it</p>
            <p><span class="swatch blind"></span> painted before it, to the upper right, and never seen: the blind spot</p>
            <p><span class="swatch far"></span> painted before it, but further than the network reaches</p>
            <p><span class="swatch later"></span> painted later: must not be seen, and is not</p>
          </div></div>"""
    css = (
        LOOK
        + """
    figure { width: clamp(150px, 34%, 340px); } .key { flex: 1; min-width: 220px; max-width: 26rem; font-size: .95em; }
    .own { background: #fff; border: 2px solid #e11d48; } .blind { background: #e11d48; } .far { background: #d9a441; }
    .key p { margin: 0 0 .5rem; line-height: 1.4; } .later { background: var(--gv-stage); border: 1px solid var(--border-color-primary); }
    canvas:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 2px; }"""
    )
    js = (HERE / "field.js").read_text(encoding="utf-8")

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.field])
        self.engine = engine

    async def field(self, row: Place, column: Place, model: Model, data: Data) -> dict:
        """|d logit / d input| of a pixel, 784 numbers each: "gated" of the model, "naive" of the naively masked stack; largest is 1."""
        answer = {}
        for name, gated in (("gated", True), ("naive", False)):
            field = await self.engine.call(model, data, "receptive_field", row=row, column=column, gated=gated)
            answer[name] = [float(f"{v:.3g}") for v in np.asarray(field).ravel()]
        return answer


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of the family's own panels."""

    def expect() -> None:
        name = f"{lab.family['name']}.expect"
        with gr.Row(elem_classes="gv-work", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                lab.follow(Paint({"player": name}))
                Player(lab.engine, name, empty="Press Paint to begin.")
            with gr.Column(scale=3, min_width=320):
                lab.follow(Expect(lab.engine, {"player": name, "tool": lab.tool("expect", "What does it expect?")}))

    def complete() -> None:
        name = f"{lab.family['name']}.complete"
        with gr.Row(elem_classes="gv-work", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(tool=lab.tool("complete", "Complete")))
            with gr.Column(scale=3, min_width=320):
                lab.follow(Complete({"player": name, "pick": pick.to()}))
                Player(lab.engine, name, walk="complete", empty="Press Complete: the lower part will be painted in several ways.")

    def field() -> None:
        lab.follow(Field(lab.engine, {}))

    return [("What does it expect?", expect), ("Complete", complete), ("Receptive field", field)]
