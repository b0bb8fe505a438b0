"""The verbs over HTTP, for gradio_client and anything that speaks HTTP: /sample, /film, /encode, /decode, /likelihood.

    from gradio_client import Client
    client = Client("http://127.0.0.1:7860")
    answer = client.predict("vae/vae", "mnist", 4, 0, {"temperature": 0.8}, api_name="/sample")
    png = base64.b64decode(answer["images"][0])            # one grey 28 x 28 PNG file for each image

Images leave as base64 PNG files, one each. They may come in the same way, or as nested lists (n, 28, 28) of numbers in [-1, 1]. Any other
picture file that the page takes is taken too: a drawing of any size, a photograph, in JPEG, WebP, GIF or BMP, with line breaks or as a
data URL. Whatever comes, a model sees it as its training images were prepared. Every error is one sentence.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
import numpy as np
from anyio.to_thread import run_sync

from genviz import inventory, media
from genviz.data import Data, drawing, picture
from genviz.engine import request as asked_for
from genviz.likelihood import find, read
from genviz.ui.film import data_of, visitor
from genviz.ui.reading import BROKEN

log = logging.getLogger("genviz.ui")
IMAGES = 64
DRAWS = 64  # of a bound


def register(engine: Any) -> None:
    """Add the five endpoints to the Blocks that is being built. They wait for the engine only, so any number may run at once."""

    async def sample(model: str, data: str, n: int = 16, seed: int = 0, knobs: dict | None = None, who: gr.Request | None = None) -> dict:
        """Draw n samples of a deep generative model: small grey pictures, or points in the plane. The same seed draws the same ones.

        Args:
            model: A trained model, as in "vae/vae", "diffusion/ddpm" or "autoregressive/pixel_cnn".
            data: What it was trained on: "mnist" or "fashion_mnist"; of a model in the plane its points, such as "two_moons".
            n: How many samples, from 1 to 64.
            seed: A whole number from 0 to 4294967295.
            knobs: Settings of the sampler by name, as in {"temperature": 0.8}; what is not given keeps its default.
        Returns:
            {"images": n PNG files in base64 (or "points": n pairs of numbers), "steps": of the walk, "nfe": network evaluations}
        """
        return await last(engine, model, data, n, seed, knobs, who)

    async def film(
        model: str, data: str, n: int = 4, seed: int = 0, knobs: dict | None = None, frames: int = 60, who: gr.Request | None = None
    ) -> AsyncIterator[dict]:
        """The walk of n samples from noise to data, one answer a frame, streamed while they are computed.

        Args:
            model: A trained model, as in "diffusion/ddpm".
            data: What it was trained on, as in "mnist".
            n: How many samples, from 1 to 64.
            seed: A whole number from 0 to 4294967295.
            knobs: Settings of the sampler by name, as in {"steps": 20}; what is not given keeps its default.
            frames: At most so many frames, evenly chosen, from 2 to 1000; the first and the last always.
        Returns:
            of each frame {"images": n PNG files in base64 (or "points"), "step", "steps", "nfe", "ms": milliseconds a step took, "caption"}
        """
        async for shot in _shots(engine, model, data, n, seed, knobs, frames, who):
            told = {name: getattr(shot, name) for name in ("step", "steps", "nfe", "ms", "caption")}
            yield {**made(data_of(engine.catalogue(), data), shot.x), **told}

    async def encode(model: str, data: str, images: list, seed: int = 0) -> dict:
        """Where images lie in the latent space of a model that has an encoder, such as a VAE: the posterior of each image.

        Args:
            model: A trained model with an encoder, as in "vae/vae_2d".
            data: What it was trained on, as in "mnist".
            images: 1 to 64 images: picture files in base64 (PNG, JPEG, WebP, GIF, BMP), or nested lists (n, 28, 28) of numbers in [-1, 1].
            seed: A model of black and white pixels draws each pixel from its grey value with it, as in training.
        Returns:
            {"mu": n rows of z_dim numbers, "log_var": the same, logarithms of variances}
        """
        with sentences():
            x = await engine.call(model, data, "prepare", await bytes_of(images, data), seed=seed)
            mu, log_var = await engine.call(model, data, "encode", x)
            return {"mu": mu.tolist(), "log_var": log_var.tolist()}

    async def decode(model: str, data: str, z: list) -> dict:
        """The mean picture of each point of the latent space of a model that has a decoder.

        Args:
            model: A trained model with a decoder, as in "vae/vae_2d".
            data: What it was trained on, as in "mnist".
            z: 1 to 64 rows of z_dim numbers, as in [[0.5, -1.0]].
        Returns:
            {"images": n PNG files in base64}
        """
        with sentences():
            if isinstance(z, list) and len(z) > IMAGES:
                raise ValueError(f"At most {IMAGES} rows at a time, not {len(z)}.")
            return made(data_of(engine.catalogue(), data), await engine.call(model, data, "decode", numbers("z", z)))

    async def likelihood(model: str, data: str, images: list, seed: int = 0, kind: str = "") -> dict:
        """How likely each image is to a model that has a likelihood or a bound on it.

        A bound is never shown as if it were a likelihood, and only models with the same `levels` can be compared.

        Args:
            model: A trained model, as in "autoregressive/pixel_cnn".
            data: What it was trained on, as in "mnist".
            images: 1 to 64 images: picture files in base64 (PNG, JPEG, WebP, GIF, BMP), or nested lists (n, 28, 28) of numbers in [-1, 1].
            seed: Of whatever is drawn by chance: pixels of a model of black and white, from grey values, and draws of a bound.
            kind: One of its likelihoods, "exact", "ODE", "ELBO" or "IW-k" with k up to 64; if none is named, its own.
        Returns:
            {"kind": "exact" (log p(x)) or "lower bound", "name": which it is, "nats": n numbers, "levels": of a pixel, "pixels": in a word}
        """
        with sentences():
            every = [m for f in engine.catalogue()["families"] for m in f["models"]]
            entry = next((m for m in every if m["name"] == model), None) or asked_for.trained(engine.catalogue(), model, data)
            if not entry["likelihoods"]:
                raise ValueError(f"{model} has neither a likelihood nor a bound on it.")
            known = [read(one) for one in entry["likelihoods"]]
            one = find(known, asked_for.text("kind", kind)) if kind else known[0].quick()
            if one.options.get("k", 1) > DRAWS:
                raise ValueError(f"A bound takes at most {DRAWS} draws here, not {one.options['k']:,}.")
            x = await engine.call(model, data, "prepare", await bytes_of(images, data), seed=seed)
            nats = await engine.call(model, data, one.method, x, seed=seed, **one.options)
            return {"kind": "lower bound" if one.bound else one.name, "name": one.name, "nats": nats.tolist(), "levels": one.levels,
                    "pixels": entry["pixels"]}  # fmt: skip

    for verb, can in ((sample, ""), (film, ""), (encode, "encode"), (decode, "decode"), (likelihood, "")):
        publish(engine, verb, can)


def publish(engine: Any, verb: Any, can: str = "") -> None:
    """Make a verb an endpoint of the Blocks that is being built. `verb.choices` tells MCP which models and data there are: those trained,
    and where `can` names an ability, an answer or a walk, those that have it."""
    models = inventory.trained(engine.catalogue(), can)
    verb.choices = {"model": [m["name"] for m in models], "data": list(dict.fromkeys(d for m in models for d in m["cards"]))}
    gr.api(verb, api_name=verb.__name__, concurrency_limit=None)


def made(data: Data, x: np.ndarray) -> dict:
    """What a model of a data set drew, as its medium tells it: "images", "points", "texts" or "sounds"."""
    return media.of(data.medium).plain(x, data)


async def last(
    engine: Any, model: str, data: str, n: int, seed: int, knobs: dict | None, who: gr.Request | None, walk: str = "sample",
    given: dict | None = None,
) -> dict:  # fmt: skip
    """The end of a walk, as an answer."""
    end = None
    async for shot in _shots(engine, model, data, n, seed, knobs, 2, who, walk, given):
        end = shot
    assert end is not None
    return {**made(data_of(engine.catalogue(), data), end.x), "steps": end.steps, "nfe": end.nfe}


async def _shots(
    engine: Any, model: str, data: str, n: int, seed: int, knobs: dict | None, frames: int, who: gr.Request | None, walk: str = "sample",
    given: dict | None = None,
) -> AsyncIterator[Any]:  # fmt: skip
    """The shots of a film; who hangs up stops it. It is counted with the visitor's other films."""
    client = visitor(who.request) if who is not None and who.request is not None else ""
    with sentences():
        job, have = engine.submit(model, data, walk=walk, knobs=knobs, n=n, seed=seed, client=client, frames=frames, given=given), 0
    try:
        while True:
            view = await engine.wait(job, have)
            have += len(view.shots)
            for shot in view.shots:
                yield shot
            if view.status in ("error", "cancelled"):
                raise gr.Error(view.message)
            if view.status == "done":
                return
    finally:
        engine.cancel(job)


@contextmanager
def sentences() -> Iterator[None]:
    """Refusals become gr.Error, whose sentence reaches the client; so does what went wrong here, of which Gradio would tell nothing."""
    try:
        yield
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from None
    except gr.Error:
        raise
    except Exception as error:
        log.exception("a verb failed")
        raise gr.Error(BROKEN, print_exception=False) from error


def base64_of(file: bytes) -> str:
    return base64.b64encode(file).decode()


async def bytes_of(images: Any, data: str) -> np.ndarray:
    """Images as they came in -> uint8 (n, 1, 28, 28), picture files prepared as `data` was; ValueError with one sentence for anything else.

    Files are decoded in a thread: meanwhile others are served.
    """
    if not isinstance(images, list) or not 1 <= len(images) <= IMAGES:
        raise ValueError(f"images must be a list of 1 to {IMAGES} images.")
    if all(isinstance(image, str) for image in images):
        return np.stack([await run_sync(_prepared, image, data) for image in images])[:, None]
    x = numbers("images", images)
    if x.shape[-2:] != (28, 28) or x.shape not in ((len(x), 28, 28), (len(x), 1, 28, 28)):
        raise ValueError(f"images must have the shape (n, 28, 28), not {x.shape}.")
    if not (np.abs(x) <= 1).all():
        raise ValueError("The numbers of an image must lie between -1 (black) and 1 (white).")
    return np.rint((x.reshape(-1, 1, 28, 28) + 1) * 127.5).astype(np.uint8)


def _prepared(text: str, data: str) -> np.ndarray:
    """A picture file in base64 -> (28, 28) uint8, by the road of the page."""
    try:
        return drawing.prepared(picture.from_text(text), data)
    except ValueError as error:
        wrong = "An image must be a picture file in base64, or rows of numbers." if str(error) == picture.NO_PICTURE else str(error)
        raise ValueError(wrong) from None


def numbers(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value, np.float32)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be rows of numbers, all of one length.") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a value that is no finite number.")
    return array
