"""Interpolation: the way from one picture to another, in the latent space and, as the contrast, in pixels.

Halfway between two pictures in pixel space lies a double exposure. Halfway between their latent points lies, if the model has learnt
the data, another picture of the data. The straight line a + t (b - a) passes through the thin middle of a Gaussian prior; the arc
sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b, w the angle between a and b, keeps the distance from the origin (Shoemake 1985,
"Animating rotation with quaternion curves"; White 2016, "Sampling generative networks").
"""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr
import numpy as np

from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget

STEPS = 41  # of the slider; every fourth stands in the strips


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

    folder = "ui/web/interpolation"

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
