"""Hugging Face's ZeroGPU: a GPU that a function borrows for a few seconds, in a fork of the web process.

The engine keeps torch in a process of its own, which never sees that GPU, so there as anywhere without one every film comes from the CPU.
What is worth the borrowing is many samples at once: on such a Space, and nowhere else, there is one verb more, /sample_gpu. It also is the
function that ZeroGPU insists on before it lets an app start. The package `spaces` is the Space's own; elsewhere nothing is imported.
"""

from __future__ import annotations

import importlib
import inspect
import os
from typing import Any

import gradio as gr

import genviz
from genviz.data import DATA
from genviz.engine import request as asked_for
from genviz.ui.api import made, sentences

SECONDS = 10  # declared: the shorter, the sooner a GPU is found; 1024 samples take one or two
MOST = 1024


def here() -> bool:
    """Is this a ZeroGPU Space?"""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def register() -> None:
    """Add the verb to the Blocks that is being built, on a ZeroGPU Space; nothing elsewhere."""
    if here():
        gr.api(borrowing(importlib.import_module("spaces")), api_name="sample_gpu", concurrency_limit=1)


def borrowing(spaces: Any) -> Any:
    """The verb, decorated as the package `spaces` wants it: declared with its seconds, and called in a fork that has the GPU."""

    @spaces.GPU(duration=SECONDS)
    def sample_gpu(model: str, data: str, n: int = 256, seed: int = 0, knobs: dict | None = None) -> dict:
        """Draw many samples of a deep generative model at once, on a GPU that is borrowed for the call.

        Args:
            model: A trained model, as in "diffusion/ddpm".
            data: What it was trained on, as in "mnist".
            n: How many samples, from 1 to 1024.
            seed: A whole number from 0 to 4294967295. The noise is that of the CPU, so pictures differ from its in the last digits only.
            knobs: Settings of the sampler by name, as in {"steps": 20}; what is not given keeps its default.
        Returns:
            {"images": n PNG files in base64 (or "points": n pairs of numbers)}
        """
        with sentences():
            try:
                n, seed = asked_for.whole("n", n, 1, MOST), asked_for.whole("seed", seed, 0, asked_for.SEEDS)
                model, data, named = asked_for.text("model", model), asked_for.text("data", data), asked_for.named("knobs", knobs)
                if taken := named.keys() & inspect.signature(genviz.film).parameters.keys():
                    raise ValueError(f"There is no knob '{min(taken)}'.")
                return made(DATA[data], genviz.sample(model, data, n=n, seed=seed, **named).numpy())
            except KeyError as error:
                raise ValueError(str(error.args[0])) from None

    return sample_gpu
