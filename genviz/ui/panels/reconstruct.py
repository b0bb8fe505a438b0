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

    folder = "ui/web/reconstruct"

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
