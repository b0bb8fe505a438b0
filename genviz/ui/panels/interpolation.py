"""Interpolation: the way from one picture to another, in the latent space and, as the contrast, in pixels.

Halfway between two pictures in pixel space lies a double exposure. Halfway between their latent points lies, if the model has learnt
the data, another picture of the data. The straight line a + t (b - a) passes through the thin middle of a Gaussian prior; the arc
sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b, w the angle between a and b, keeps the distance from the origin (Shoemake 1985,
"Animating rotation with quaternion curves"; White 2016, "Sampling generative networks").
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget

STEPS = 41  # of the slider; every fourth stands in the strips
ASSETS = Path(__file__).parent.parent / "assets"


def linear(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """a + t (b - a): a, b of one shape (...), t (steps,) -> (steps, ...)."""
    t = t.reshape(-1, *[1] * a.ndim)
    return a + t * (b - a)


def spherical(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The arc from a to b, both (z_dim,), t (steps,) -> (steps, z_dim); the line where the two are parallel and have no arc."""
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    angle = np.arccos(np.clip(a @ b / max(lengths, 1e-12), -1, 1))
    if lengths < 1e-12 or np.sin(angle) < 1e-3:
        return linear(a, b, t)
    t = t[:, None]
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


class Interpolation(Widget):
    """Three strips between two pictures, a slider through them and an animation."""

    template = """
        <div class="big">
          <figure><canvas data-row="0"></canvas><figcaption>latent, straight line</figcaption></figure>
          <figure><canvas data-row="1"></canvas><figcaption>latent, arc</figcaption></figure>
          <figure><canvas data-row="2"></canvas><figcaption>pixel blend</figcaption></figure>
        </div>
        <div class="bar"><button type="button" class="play">Play</button>
          <input type="range" class="t" min="0" max="40" value="20" aria-label="Position between the two pictures">
          <output>t = 0.50</output></div>
        <div class="strips"></div>
        <p class="about"></p>"""

    css = """
        & { color: var(--body-text-color); }
        canvas { image-rendering: pixelated; display: block; width: 100%; background: #000; }
        .big { display: flex; gap: 1rem; flex-wrap: wrap; }
        figure { margin: 0; width: clamp(92px, 26%, 224px); } figure canvas { aspect-ratio: 1; border-radius: 4px; }
        figcaption, .strips span { font-size: .9em; }
        .bar { display: flex; gap: .8rem; align-items: center; margin: .8rem 0; max-width: 760px; }
        .t { flex: 1; min-width: 0; accent-color: var(--color-accent); } output { min-width: 4.6em; font-variant-numeric: tabular-nums; }
        .play { font: inherit; color: #fff; background: var(--color-accent); border: 0; border-radius: 6px; padding: .35em 1em;
          cursor: pointer; min-width: 5.5em; }
        .strips { display: grid; gap: .15rem; max-width: 760px; } .strips canvas { cursor: pointer; margin-bottom: .4rem; }
        .about { font-size: .95em; }
        body.projector & figure { width: clamp(92px, 30%, 340px); }
        body.projector & .strips, body.projector & .bar { max-width: 1100px; }"""

    js = (ASSETS / "interpolation.js").read_text(encoding="utf-8")

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.between])
        self.engine = engine

    async def between(self, a: Picture, b: Picture, model: Model, data: Data) -> dict:
        """Two images in base64 -> a sprite of three rows (line, arc, pixel blend) with STEPS columns, and the angle of the two latents."""
        x = np.concatenate([pictures.from_base64(a), pictures.from_base64(b)])
        mu, _ = await self.engine.call(model, data, "encode", x)
        t = np.linspace(0, 1, STEPS, dtype=np.float32)
        line, arc = await asyncio.gather(*(self.engine.call(model, data, "decode", path(*mu, t)) for path in (linear, spherical)))
        lengths = np.linalg.norm(mu, axis=1)
        angle = float(np.degrees(np.arccos(np.clip(mu[0] @ mu[1] / max(lengths.prod(), 1e-12), -1, 1))))
        sprite = pictures.sprite(np.concatenate([line, arc, linear(*x, t)]), STEPS)
        return {"sprite": sprite, "steps": STEPS, "angle": angle, "lengths": lengths.tolist(), "middle": float(np.linalg.norm(mu.mean(0)))}


def panel(lab: Lab) -> None:
    """Chooser of the two pictures and widget, inside the tab that is being built."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            pick = lab.follow(Pick(slots=("from", "to"), tool=lab.tool("interpolate", "Interpolate from")))
        with gr.Column(scale=3, min_width=320):
            lab.follow(Interpolation(lab.engine, {"pick": pick.to()}))
