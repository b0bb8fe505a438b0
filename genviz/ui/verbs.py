"""Further verbs over HTTP and MCP: /models says what there is, /energy and /score ask about images, /complete goes on from one.

    client.predict(api_name="/models")["models"][0]["knobs"]
    client.predict("ebm/ebm", "mnist", images, api_name="/energy")["energy"]            # E(x) in nats, up to a constant
    client.predict("score/score", "mnist", images, 0.5, api_name="/score")["score"]     # gradient of log p_sigma, like the images
    client.predict("autoregressive/pixel_cnn", "mnist", images[0], 14, api_name="/complete")["images"]

Images come and go as those of genviz.ui.api; of a model in the plane they are points, rows of two numbers.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from genviz import inventory
from genviz.engine import request as asked_for
from genviz.plots import pictures
from genviz.ui import api

NOISE = (0.001, 1000.0)  # bounds of sigma


def register(engine: Any) -> None:
    """Add the four endpoints to the Blocks that is being built."""

    async def models(ability: str = "", data: str = "") -> dict:
        """Every trained model: what it was trained on, what it can do, and the settings of its sampler. Ask this first.

        Args:
            ability: Only models that can do this, as in "energy", "encode" or "complete"; empty for all.
            data: Only models trained on this, as in "mnist"; empty for all.
        Returns:
            {"models": [{"name", "title", "family", "data": trained on, "shape": of a sample, "abilities", "walks", "knobs", ...}],
            "data": [{"name", "title", "classes", "models"}]}
        """
        with api.sentences():
            ability, data = asked_for.text("ability", ability), asked_for.text("data", data)
            there = engine.catalogue()
            return {"models": inventory.models(there, ability, data), "data": inventory.data(there)}

    async def energy(model: str, data: str, images: list, seed: int = 0) -> dict:
        """The energy of each image to an energy-based model: the lower, the likelier, up to a constant that all images share.

        Args:
            model: A trained model with an energy, as in "ebm/ebm".
            data: What it was trained on, as in "mnist".
            images: 1 to 64 images: picture files in base64, or nested lists (n, 28, 28) of numbers in [-1, 1]; or n points.
            seed: A model that is trained on noisy pixels draws the noise with it.
        Returns:
            {"energy": n numbers in nats}
        """
        with api.sentences():
            x = await _seen(engine, model, data, images, seed)
            return {"energy": (await engine.call(model, data, "energy", x)).tolist()}

    async def score(model: str, data: str, images: list, sigma: float = 0.5, seed: int = 0) -> dict:
        """The score at each image, grad log p_sigma(x): where an image with noise of size sigma becomes likelier, and how fast.

        Args:
            model: A trained model with a score, as in "score/score" or "diffusion/ddpm".
            data: What it was trained on, as in "mnist".
            images: 1 to 64 images: picture files in base64, or nested lists (n, 28, 28) of numbers in [-1, 1]; or n points.
            sigma: The noise that the image is taken to have, 0.001 to 1000; images have the range -1 to 1.
            seed: A model that is trained on noisy pixels draws the noise with it.
        Returns:
            {"score": numbers in the shape of the images, "norm": the length of each, "images": of each a heat map as PNG in base64,
            blue where darker is likelier and orange where brighter is}
        """
        with api.sentences():
            sigma = asked_for.number("sigma", sigma, *NOISE)
            x = await _seen(engine, model, data, images, seed)
            found = await engine.call(model, data, "score", x, np.full(len(x), sigma, np.float32))
            answer = {
                "score": (found[:, 0] if found.ndim == 4 else found).tolist(),
                "norm": np.sqrt((found**2).reshape(len(x), -1).sum(1)).tolist(),
            }
            if found.ndim == 4:
                answer["images"] = [api.base64_of(pictures.png(pictures.signed(one[None]))) for one in found]
            return answer

    async def complete(
        model: str, data: str, image: str | list, rows: int = 14, n: int = 4, seed: int = 0, knobs: dict | None = None,
        who: gr.Request | None = None,
    ) -> dict:  # fmt: skip
        """Keep the upper rows of an image and let a model paint the rest, in n ways.

        Args:
            model: A trained model that completes, as in "autoregressive/pixel_cnn".
            data: What it was trained on, as in "mnist".
            image: One image: a picture file in base64, or (28, 28) numbers in [-1, 1].
            rows: How many rows are kept, from 0 to 27.
            n: In how many ways, from 1 to 64.
            seed: A whole number from 0 to 4294967295.
            knobs: Settings of the sampler by name, as in {"temperature": 0.8}; what is not given keeps its default.
        Returns:
            {"images": n PNG files in base64, "steps": pixels painted, "nfe": network evaluations}
        """
        with api.sentences():
            rows = asked_for.whole("rows", rows, 0, pictures.SIDE - 1)
            asked_for.trained(engine.catalogue(), model, data)
            x = (await api.bytes_of([image], data)).astype(np.float32) / 127.5 - 1
            given = {"x": x, "rows": np.array(rows)}
        return await api.last(engine, model, data, n, seed, knobs, who, "complete", given)

    can = {"energy": "energy", "score": "score", "complete": "complete"}
    for verb in (models, energy, score, complete):
        api.publish(engine, verb, can.get(verb.__name__, ""))
    models.choices["ability"] = ["", *sorted({a for m in inventory.every(engine.catalogue()) for a in inventory.abilities(m)})]  # type: ignore[attr-defined]
    models.choices["data"].insert(0, "")  # type: ignore[attr-defined]


async def _seen(engine: Any, model: str, data: str, images: Any, seed: int) -> np.ndarray:
    """Images as a model sees them (n, 1, 28, 28), or points (n, 2); ValueError with one sentence."""
    if len(asked_for.trained(engine.catalogue(), model, data)["shape"]) > 1:
        return await engine.call(model, data, "prepare", await api.bytes_of(images, data), seed=seed)
    x = api.numbers("images", images)
    if x.ndim != 2 or x.shape[1] != 2 or not 1 <= len(x) <= api.IMAGES:
        raise ValueError(f"images must be 1 to {api.IMAGES} points here, pairs of numbers.")
    return x
