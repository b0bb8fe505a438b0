"""Reconstruction: what survives the way through the latent space.

The encoder reads a picture and answers with a cloud of latent points, mean mu and spread sigma per dimension; the decoder turns the
middle of the cloud back into a picture. What the two pictures do not share is what the latent space has no word for.
"""

from __future__ import annotations

import base64
from typing import Any

import gradio as gr
import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget


class Reconstruct(Widget):
    """A picture, its reconstruction, their difference, and mu with sigma for every latent dimension."""

    template = """
        <div class="row">
          <figure><canvas class="x" width="28" height="28"></canvas><figcaption>x, the picture</figcaption></figure>
          <figure><canvas class="y" width="28" height="28"></canvas><figcaption>decoded from mu(x)</figcaption></figure>
          <figure><canvas class="d" width="28" height="28"></canvas>
            <figcaption>difference <span class="less">less</span>, <span class="more">more</span> ink</figcaption></figure>
        </div>
        <div class="latent"><p class="about"></p><canvas class="bars"></canvas></div>"""

    css = """
        & { color: var(--body-text-color); }
        .row { display: flex; flex-wrap: wrap; gap: 1rem; }
        figure { margin: 0; width: clamp(96px, 26%, 224px); }
        figure canvas { width: 100%; aspect-ratio: 1; border-radius: 4px; background: #000; }
        figcaption { font-size: .9em; margin-top: .3rem; line-height: 1.3; }
        .less { color: #2166ac; font-weight: 700; } .more { color: #d65414; font-weight: 700; }
        body.dark & .less { color: #7db2e8; } body.dark & .more { color: #f08c50; }
        .latent { margin-top: .8rem; max-width: 720px; } .about { margin: 0 0 .3rem; font-size: .95em; }
        .bars { width: 100%; height: 150px; image-rendering: auto; display: block; }
        body.projector & figure { width: clamp(96px, 30%, 340px); }"""

    js = """
        const find = s => element.querySelector(s), bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
        let image = null, shown = null;
        const draw = genviz.latest(ask.reconstruct, (answer, asked) => {
          const x = bytes(asked.image), y = bytes(answer.y);
          genviz.paint(find(".x"), x); genviz.paint(find(".y"), y);
          genviz.heat(find(".d"), [...y].map((v, i) => v - x[i]), 28, {signed: true, low: -255, high: 255});
          shown = answer; bars();
        });
        const again = () => { if (image) draw({image: image.base64, model: props.value.model, data: props.value.data}); };
        const bars = () => {
          if (!shown) return;
          const canvas = find(".bars"), ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
          if (!w) return;
          canvas.width = w * ratio; canvas.height = h * ratio;
          const pen = canvas.getContext("2d"), {mu, sigma} = shown, n = mu.length, top = Math.max(3, ...mu.map(Math.abs));
          pen.scale(ratio, ratio);
          const y = v => h / 2 - v / top * (h / 2 - 10), step = (w - 30) / n, wide = Math.min(step * .7, 40);
          pen.font = "12px system-ui, sans-serif"; pen.fillStyle = genviz.css("--body-text-color-subdued"); pen.textBaseline = "middle";
          for (const v of [-Math.floor(top), 0, Math.floor(top)]) {
            pen.fillText(v, 0, y(v)); pen.fillRect(22, y(v), w - 22, v ? .3 : 1);
          }
          mu.forEach((m, i) => {
            const x = 30 + step * (i + .5);
            pen.fillStyle = genviz.css("--color-accent");
            pen.fillRect(x - wide / 2, Math.min(y(0), y(m)), wide, Math.max(1, Math.abs(y(m) - y(0))));
            pen.fillStyle = genviz.css("--body-text-color");
            pen.fillRect(x - .75, y(m + sigma[i]), 1.5, y(m - sigma[i]) - y(m + sigma[i]));
          });
          find(".about").textContent = `mu (bars) and sigma (lines) of the ${n} latent dimensions; ` +
            `the pictures differ by ${(100 * shown.error).toFixed(1)} % of full scale per pixel on average`;
        };
        genviz.receive(props.value.pick, taken => { image = taken; again(); });
        watch("value", again);
        new ResizeObserver(bars).observe(element);"""

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.reconstruct])
        self.engine = engine

    async def reconstruct(self, image: Picture, model: Model, data: Data) -> dict:
        """One image in base64 -> its reconstruction in base64, mu and sigma (z_dim,), mean absolute error in [0, 1]."""
        x = pictures.from_base64(image)
        mu, log_var = await self.engine.call(model, data, "encode", x)
        y = await self.engine.call(model, data, "decode", mu)
        sigma = np.exp(log_var[0] / 2)
        return {
            "y": base64.b64encode(pictures.grid(y)).decode(), "mu": mu[0].round(4).tolist(), "sigma": sigma.round(4).tolist(),
            "error": float(np.abs(x - y).mean() / 2),
        }  # fmt: skip


def panel(lab: Lab) -> None:
    """Chooser and widget, inside the tab that is being built."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            pick = lab.follow(Pick(tool=lab.tool("reconstruct", "Reconstruct")))
        with gr.Column(scale=3, min_width=320):
            lab.follow(Reconstruct(lab.engine, {"pick": pick.to()}))
