"""Any picture, scored by every model that can: does a high likelihood mean "one of ours"?

The histograms are read from the arrays that `genviz.likelihoods` shipped with the weights; a new picture is scored live, where the model
runs. Three small parts stand side by side: the lab, the chooser of a picture (genviz/ui/pick.py), and between them the `Subject`, which
turns the chosen picture into its negative, or takes noise or an even grey in its place.
"""

from __future__ import annotations

import asyncio
import math
from functools import lru_cache
from typing import Annotated, Any

import gradio as gr
import numpy as np

from genviz import likelihood, likelihoods
from genviz.catalogue import data_of
from genviz.likelihoods import BASELINES, CORRECTIONS, SEED, SETS, Scores
from genviz.metrics.complexity import png_bits
from genviz.metrics.detection import roc
from genviz.plots import pictures
from genviz.ui.field import Data, Picture, Switch
from genviz.ui.pick import Pick
from genviz.ui.widget import Widget

BINS = 64  # of a histogram
SLOW = 100.0  # milliseconds; a model that takes longer for a picture is asked when the hand rests
SEEN = {
    "binary": "black and white, one draw by chance",
    "grey": "256 grey levels",
    "filled": "256 grey levels: those within one of the model's own by counts of the training images",
}


def panel(engine: Any, catalogue: dict) -> None:
    """Everything inside the sub-tab (call it inside its gr.Tab)."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=320):
            LikelihoodLab(engine, catalogue)
        with gr.Column(scale=3, min_width=300):
            pick = Pick(render=False, elem_classes="gv-beside")  # the Subject shows its picture
            subject = Subject({"pick": pick.to(), "data": _titles(catalogue)})
            pick.render()
    subject.switch(None, [subject, pick], pick, js="(mine, value) => ({...value, data: mine.set})", show_progress="hidden", queue=False)


def _titles(catalogue: dict) -> list[dict]:
    return [{"name": name, "title": d["title"]} for name, d in data_of(catalogue, "image").items()]


class Subject(Widget):
    """The picture that is scored: the chosen one, its negative, noise, or an even grey."""

    events_sent = ("switch",)
    folder = "ui/web/likelihood_subject"


class LikelihoodLab(Widget):
    """Histograms, ROC curve and a table of every model; the picture's score stands on all of them."""

    folder = "ui/web/likelihood_lab"

    def __init__(self, engine: Any, catalogue: dict, **options: Any):
        super().__init__({"data": _titles(catalogue)}, server=[self.figures, self.score], **options)
        self.engine, self.families = engine, catalogue["families"]

    def figures(self, data: Data) -> dict:
        """All models of a data set: those with scores, drawn; those without, with the command that makes them."""
        models, missing = [], []
        for name, known in self._known(data).items():
            try:
                if not known["sha256"]:
                    raise ValueError(f"{name} is not trained on {data} yet; train it with: python -m genviz.train {name} {data}")
                models.append({"name": name, "title": known["title"], "family": known["family"], **drawn(name, data, known["sha256"])})
            except ValueError as error:
                why, _, command = str(error).partition("with: ")
                missing.append({"title": known["title"], "why": why, "command": command})
        return {"models": models, "missing": missing, "other": likelihoods.other(data)}

    async def score(self, image: Picture, data: Data, slow: Annotated[bool, Switch()]) -> dict:
        """One image in base64 -> for every model {correction: [bits, share of test images below, share of the other set's below]}; quick
        models or slow ones. A model that cannot answer now is left out."""
        x = np.round((pictures.from_base64(image)[:, 0] + 1) * 127.5).astype(np.uint8)  # (1, 28, 28)
        asked = {}
        for name, known in self._known(data).items():
            try:
                found = likelihoods.read(name, data, known["sha256"])
            except ValueError:
                continue
            if (float(found.about["ms"]) > SLOW) == slow:
                asked[name] = found
        answers = await asyncio.gather(*(self._one(name, data, found, x) for name, found in asked.items()), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, Exception) and not isinstance(answer, ValueError):
                raise answer
        return {
            name: places(found, answer) for (name, found), answer in zip(asked.items(), answers, strict=True) if isinstance(answer, tuple)
        }

    async def _one(self, name: str, data: str, found: Scores, x: np.ndarray) -> tuple[float, float, float]:
        """log2 p(x), PNG bits and log2 p of the counting model of one picture (1, 28, 28) uint8, by the file's own protocol."""
        binary = found.about["seen"] == "binary"
        background = likelihoods.counted(data)[0]["binary" if binary else "grey"]
        if name in BASELINES:
            seen = binarised(x) if binary else x
            counted, png = float(background.log2_prob(seen)[0]), float(png_bits(seen)[0])
            return (-png if name == "counting/png" else counted), png, counted
        prepared = await self.engine.call(name, data, "prepare", x[:, None], seed=SEED)
        one = likelihood.find(map(likelihood.read, self._known(data)[name]["likelihoods"]), found.about["kind"])
        bits = float((await self.engine.call(name, data, one.method, prepared, seed=SEED, **one.options))[0]) / math.log(2)
        seen = np.round((prepared[:, 0] + 1) * 127.5).astype(np.uint8) if binary else x
        if not binary:
            bits += float(found.filled[x].sum(dtype=np.float64))
        return bits, float(png_bits(seen)[0]), float(background.log2_prob(seen)[0])

    def _known(self, data: str) -> dict[str, dict]:
        """Every model of images that has a likelihood, trained or not, and the models without a network."""
        weights = likelihoods.table_hash(data)
        known = {name: {"title": title, "family": "no network", "sha256": weights or "none"} for name, title in BASELINES.items()}
        for family in self.families:
            for m in family["models"]:
                if data in m["data"] and m["likelihoods"]:
                    card = m["cards"].get(data)
                    known[m["name"]] = {"title": m["title"], "family": family["title"], "sha256": card["sha256"] if card else "",
                                        "likelihoods": m["likelihoods"]}  # fmt: skip
        return dict(sorted(known.items(), key=lambda item: item[0] in BASELINES))


def binarised(x: np.ndarray) -> np.ndarray:
    """Bytes -> 0 or 255, each pixel on with probability x / 255; always the same draw."""
    return np.where(np.random.default_rng(SEED).random(x.shape) < x / 255, 255, 0).astype(np.uint8)


@lru_cache(maxsize=128)
def drawn(name: str, data: str, sha256: str) -> dict:
    """What the page draws of a model: its protocol and, for each correction, AUROC, histograms, curve. ValueError as `read` raises it."""
    found = likelihoods.read(name, data, sha256)
    about = {key: found.about[key] for key in ("kind", "n", "seed", "png")}
    return {
        **about, "seen": SEEN[found.about["seen"]], "ms": float(found.about["ms"]), "baseline": name in BASELINES,
        "scores": {c: {"auroc": round(found.auroc(c), 4), **histogram(found, c),
                       "roc": roc(found.score(c, "test"), found.score(c, "other")).round(4).tolist()} for c in CORRECTIONS},
    }  # fmt: skip


def histogram(found: Scores, correction: str) -> dict:
    """Edges of BINS equal bins and, for each set, the share of images in each. What lies far out is counted in the outermost bins, so that
    a set in the far distance does not squeeze the others into one bin."""
    scores = {which: found.score(correction, which) for which in SETS}
    ends = {which: np.quantile(x, (0.003, 0.5, 0.997)) for which, x in scores.items()}
    reach = 5 * max(ends["test"][2] - ends["test"][0], 1.0)
    low = max(min(e[0] for e in ends.values()), ends["test"][1] - reach)
    high = min(max(e[2] for e in ends.values()), ends["test"][1] + reach)
    edges = np.linspace(low, max(high, low + 1), BINS + 1)
    shares = {which: np.histogram(np.clip(x, edges[0], edges[-1]), edges)[0] / len(x) for which, x in scores.items()}
    below = {which: float((x < edges[0]).mean()) for which, x in scores.items()}
    return {"low": float(edges[0]), "high": float(edges[-1]), "below": below, "bins": {k: x.round(5).tolist() for k, x in shares.items()}}


def places(found: Scores, answer: tuple[float, float, float]) -> dict:
    """Where a picture stands: for each correction its score, and the shares of test images and of the other set's that score lower."""
    told = {}
    for correction in CORRECTIONS:
        score = likelihoods.corrected(correction, *answer)
        told[correction] = [round(score, 2), *(float((found.score(correction, which) < score).mean()) for which in ("test", "other"))]
    return told
