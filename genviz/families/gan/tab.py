"""What only a GAN can show: its training as a game, its discriminator, its latent space on the move, and whether it copies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import gradio as gr
import numpy as np
from anyio.to_thread import run_sync

from genviz.data.exhibit import exhibit
from genviz.data.idx import training_images
from genviz.families.gan.nearest import nearest
from genviz.families.gan.watched import bins, history
from genviz.plots import pictures
from genviz.ui.field import Data, Model, Picture, Seed, Whole
from genviz.ui.lab import Lab
from genviz.ui.panels.interpolation import STEPS, linear, spherical
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget

CROWD = 500  # test images, and as many samples, that a score is compared with
TYPICAL = 200  # test images whose own nearest training images say what is near
SHOWN = 6  # neighbours of a picture
CHUNK = 256  # images in one question to the worker: films go on in between
Class = Annotated[int, Whole(0, 9)]


class Once:
    """Answers that take a while and are the same for everybody: made when first asked for, then remembered; a failure is not."""

    def __init__(self):
        self.made: dict[tuple, asyncio.Future] = {}

    async def __call__(self, key: tuple, make: Callable[[], Awaitable[Any]]) -> Any:
        if key not in self.made:
            self.made[key] = asyncio.ensure_future(make())
        try:
            return await asyncio.shield(self.made[key])
        except Exception:
            self.made.pop(key, None)
            raise


class Asking(Widget):
    """A widget that asks the engine about the models of this family."""

    def __init__(self, engine: Any, value: dict, server: list[Callable]):
        super().__init__(value, server=server)
        self.engine, self.once, self.conditional, self.sizes = engine, Once(), value.get("conditional", []), value.get("z_dim", {})

    def z_dim(self, model: str) -> int:
        """How many latent numbers a model of this family has. ValueError for a model of another one."""
        if model not in self.sizes:
            raise ValueError(f"There is no model '{model}' in this tab; there are {', '.join(self.sizes)}.")
        return self.sizes[model]

    def told(self, model: str, label: np.ndarray) -> dict[str, np.ndarray]:
        """The option that tells a model of classes the labels (B,); nothing for the others."""
        return {"label": label.astype(np.int64)} if model in self.conditional else {}


class Watched(Asking):
    """The game watched: moments of the training under a slider."""

    folder = "families/gan/page/watched"

    def __init__(self, engine: Any, value: dict, cards: dict[tuple[str, str], dict]):
        super().__init__(engine, value, [self.watched])
        self._cards = cards

    async def watched(self, model: Model, data: Data) -> dict:
        """The history of a training: a sprite with a row of pictures for each moment, and the curves and histograms beside it."""
        if (model, data) not in self._cards:
            raise ValueError(f"{model} is not trained on {data} yet; train it with: python -m genviz.train {model} {data}")
        return await self.once((model, data), lambda: run_sync(_moments, self._cards[model, data]))


def _moments(card: dict) -> dict:
    kept = history(card)
    span, real, fake = bins(kept["real"].astype(np.float32), kept["fake"].astype(np.float32))
    moments, count = kept["pictures"].shape[:2]
    rows = kept["pictures"].transpose(0, 2, 1, 3).reshape(moments * 28, count * 28)
    loss = kept["loss"].T
    return {
        "sprite": pictures.data_url(pictures.png(np.ascontiguousarray(rows))),
        "step": kept["step"].tolist(), "frechet": kept["frechet"].tolist(),
        "range": span, "real": real.round(4).tolist(), "fake": fake.round(4).tolist(), "loss_step": kept["loss_step"].tolist(),
        "loss": loss.round(3).tolist(), "top": float(max(1.0, 1.1 * np.percentile(loss, 98))),
    }  # fmt: skip


class Expert(Asking):
    """The discriminator's score of a picture among those of many, its gradient, and for a model of classes the score as each class."""

    folder = "families/gan/page/discriminator"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.judge, self.crowd])

    async def judge(self, image: Picture, model: Model, data: Data, label: Class) -> dict:
        """One image in base64 -> its score and gradient (784); judged as `label` by a model of classes, with its score as each."""
        x = pictures.from_base64(image)
        if model not in self.conditional:
            score, gradient = await self.engine.call(model, data, "judge", x)
            return {"score": float(score[0]), "gradient": _short(gradient[0])}
        score, gradient = await self.engine.call(model, data, "judge", x.repeat(10, 0), **self.told(model, np.arange(10)))
        return {"score": float(score[label]), "gradient": _short(gradient[label]), "classes": _short(score)}

    async def crowd(self, model: Model, data: Data) -> dict:
        """Scores of CROWD test images and of as many samples: histograms, where halfway between their means lies, all test scores."""
        return await self.once((model, data), lambda: self._crowd(model, data))

    async def _crowd(self, model: str, data: str) -> dict:
        images, labels = exhibit(data)
        told = self.told(model, labels[:CROWD])
        z = np.random.default_rng(0).standard_normal((CROWD, self.z_dim(model))).astype(np.float32)
        fake = await self.engine.call(model, data, "decode", z, **told)
        real, _ = await self.engine.call(model, data, "judge", images[:CROWD, None].astype(np.float32) / 127.5 - 1, **told)
        fake, _ = await self.engine.call(model, data, "judge", fake, **told)
        zero = float(real.mean() + fake.mean()) / 2
        span, real_bins, fake_bins = bins(real[None] - zero, fake[None] - zero)
        return {"zero": zero, "range": span, "real": _short(real_bins[0]), "fake": _short(fake_bins[0]), "sorted": _short(np.sort(real))}


def _short(numbers: np.ndarray) -> list[float]:
    return [float(f"{v:.4g}") for v in numbers.ravel()]


class Walk(Asking):
    """Pictures that change without end, as they come or in a grid of classes."""

    folder = "families/gan/page/walk"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [])


class Between(Asking):
    """The ways between two draws of z: along a line, along an arc, and, as the contrast, in pixels."""

    folder = "families/gan/page/between"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.between])

    async def between(self, model: Model, data: Data, seed: Seed, other: Seed, label: Class) -> dict:
        """A sprite of three rows (line, arc, pixel blend) with STEPS columns between the draws of two seeds, their lengths and angle."""
        z_dim, t = self.z_dim(model), np.linspace(0, 1, STEPS, dtype=np.float32)
        a, b = (np.random.default_rng(s).standard_normal(z_dim).astype(np.float32) for s in (seed, other))
        told = self.told(model, np.full(STEPS, label))
        if kinds := self.value["kinds"].get(model):  # from the kind that the one seed says to that of the other
            of = [s % kinds for s in (seed, other)]
            told = {"kind": linear(*np.eye(kinds, dtype=np.float32)[of], t)}
        line, arc = [await self.engine.call(model, data, "decode", way(a, b, t).astype(np.float32), **told) for way in (linear, spherical)]
        lengths = np.linalg.norm([a, b], axis=1)
        angle = np.degrees(np.arccos(np.clip(a @ b / lengths.prod(), -1, 1)))
        sprite = pictures.sprite(np.concatenate([line, arc, linear(line[0], line[-1], t)]), STEPS)
        return {
            "sprite": sprite,
            "steps": STEPS,
            "lengths": lengths.tolist(),
            "angle": float(angle),
            "middle": float(np.linalg.norm(a + b) / 2),
            "kinds": of if kinds else [],
        }


class Nearest(Asking):
    """The training images nearest to a picture; where the training set is not on this machine, the nearest shipped test images, said so."""

    folder = "families/gan/page/nearest"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.neighbours])

    async def neighbours(self, image: Picture, model: Model, data: Data) -> dict:
        """One image in base64 -> a sprite of its SHOWN nearest images by pixels and by features, their distances, and what is typical."""
        x = ((pictures.from_base64(image) + 1) * 127.5).round().astype(np.uint8)
        among, typical, about = await self.once((data,), lambda: run_sync(_library, data))
        features, typical_features = await self.once((model, data), lambda: self._library(model, data, among))
        by_pixels = await run_sync(nearest, among, x, SHOWN)
        by_features = await run_sync(nearest, features, await self.engine.call(model, data, "features", x), SHOWN)
        found = [among[index[0]] for _, index in (by_pixels, by_features)]
        return {
            "sprite": pictures.sprite(np.concatenate(found) / np.float32(127.5) - 1, SHOWN), "count": SHOWN, "about": about,
            "rows": [{"by": "pixels", "distance": _short(by_pixels[0] / 255), "typical": _short(typical)},
                     {"by": "what the discriminator sees", "distance": _short(by_features[0]), "typical": _short(typical_features)}],
        }  # fmt: skip

    async def _library(self, model: str, data: str, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features of all images that are searched, and the distance of each typical test image to its nearest one."""
        test = exhibit(data)[0][:TYPICAL]
        parts = [np.ascontiguousarray(x[:, None]) for x in (test, *(among[i : i + CHUNK] for i in range(0, len(among), CHUNK)))]
        typical, *many = [await self.engine.call(model, data, "features", part) for part in parts]
        features = np.concatenate(many)
        return features, (await run_sync(nearest, features, typical, 1))[0][:, 0]


def _library(data: str) -> tuple[np.ndarray, np.ndarray, str]:
    """The images that are searched, the distance in pixels of each typical test image to its nearest one, and a sentence about them."""
    test, among = exhibit(data)[0], training_images(data)
    if among is None:
        among = test[TYPICAL:]
        about = f"The training set is not here (GENVIZ_DATA names no folder with it): these are the nearest of {len(among):,} test images."
    else:
        about = f"Searched were all {len(among):,} images that the model was trained on."
    return among, nearest(among, test[:TYPICAL], 1)[0][:, 0] / 255, about + " Distances by pixels count black as 0 and white as 1."


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of this family's own panels."""
    conditional = [m["name"] for m in lab.having("class_grid")]
    value = {
        "conditional": conditional,
        "kinds": {m["name"]: k["high"] + 1 for m in lab.models for k in m["knobs"] if k["name"] == "kind"},
        "z_dim": {m["name"]: m["z_dim"] for m in lab.models},
        "classes": {name: data["classes"] for name, data in lab.catalogue["data"].items()},
    }
    walking = {**value, "grid": False, "walk": "latent_walk", "able": [m["name"] for m in lab.having("latent_walk")], "unable": ""}
    walking["about"] = (
        "Twelve walks through the latent space, each along a smooth curve that is a draw from N(0, I) at every moment; they never end, and "
        "the seed says where they lead."
    )
    grid = {
        **value,
        "grid": True,
        "walk": "class_grid",
        "able": conditional,
        "unable": "This model knows no classes; choose the class-conditional one in the menu.",
    }
    grid["about"] = (
        "A class to each row, the same z down each column: what a column keeps is style, slant and weight, which the generator has "
        "learnt to hold apart from the class. Let it walk, and all rows move together."
    )

    def watched() -> None:
        cards = {(m["name"], data): card for m in lab.models for data, card in m["cards"].items()}
        lab.follow(Watched(lab.engine, value, cards))

    def beside(widget: type[Asking], name: str, line: str) -> None:
        with gr.Row(elem_classes="gv-work", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                pick = lab.follow(Pick(tool=lab.tool(name, line)))
            with gr.Column(scale=4, min_width=320):
                lab.follow(widget(lab.engine, {**value, "pick": pick.to()}))

    return [
        ("The game watched", watched),
        ("Discriminator", lambda: beside(Expert, "judge", "Judge")),
        ("Class grid", lambda: lab.follow(Walk(lab.engine, grid))),
        ("Latent walk", lambda: lab.follow(Walk(lab.engine, walking))),
        ("Interpolation", lambda: lab.follow(Between(lab.engine, value))),
        ("Nearest", lambda: beside(Nearest, "nearest", "Nearest training images of")),
    ]
