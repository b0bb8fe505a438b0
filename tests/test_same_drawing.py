"""One picture to every family, those too whose weights are not here yet: what is declared can be asked, and what comes back is shown."""

from __future__ import annotations

import asyncio
import base64
import importlib
import string
from dataclasses import asdict

import numpy as np
import pytest
import torch

from genviz import catalogue as catalogues
from genviz.checkpoint import Card
from genviz.data.exhibit import exhibit
from genviz.engine import Engine
from genviz.engine.stage import Stage
from genviz.families import FAMILIES, find
from genviz.model import abilities
from genviz.ui import same_drawing

EVERY = ("autoregressive", "vae", "gan", "flow", "ebm", "diffusion", "score")
STORIES = {name: importlib.import_module(f"genviz.families.{name}").FAMILY for name in EVERY}
REPLIES = [(name, place) for name, family in STORIES.items() for place in range(len(family.replies))]
FEW = {"steps": 3}


class Untrained(Stage):
    """Every family, with small random weights for MNIST."""

    def catalogue(self) -> dict:
        made = catalogues.build() | {"device": self.device}
        for family in made["families"]:
            for model in family["models"]:
                card = Card(*model["name"].split("/"), "mnist", model["title"], {}, 0, {}, 0.0, "", 0)
                model["cards"] = {"mnist": asdict(card)}
        return made

    def load(self, name: str, data: str):
        _, entry = find(name)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return entry.model_class()(**entry.args)


@pytest.fixture(scope="module")
def engine():
    was = dict(FAMILIES)
    FAMILIES.clear()
    FAMILIES.update(STORIES)
    with Engine(backend="inline", stage="test_same_drawing:Untrained") as engine:
        engine.catalogue()
        yield engine
    FAMILIES.clear()
    FAMILIES.update(was)


@pytest.fixture(scope="module")
def drawing(engine) -> same_drawing.SameDrawing:
    return same_drawing.SameDrawing(engine, engine.catalogue(), "pick.test")


def picture(place: int = 0) -> str:
    return base64.b64encode(exhibit("mnist")[0][place].tobytes()).decode()


def answer_of(drawing: same_drawing.SameDrawing, *asked):
    """The function behind the widget's `answer`, which turns no refusal into an object."""
    return same_drawing.SameDrawing.answer(drawing, *asked)


def card(drawing: same_drawing.SameDrawing, family: str) -> dict:
    return next(f for f in drawing.value["families"] if f["name"] == family)


@pytest.mark.parametrize(("family", "place"), REPLIES)
def test_what_is_declared_is_there(family, place) -> None:
    reply = STORIES[family].replies[place]
    model = STORIES[family].entry(reply.model).model_class()
    assert reply.ask in (*model.walks, *model.answers, *abilities(model))
    assert reply.says.endswith(".") and len(reply.says) < 220
    fields = {field for _, field, _, _ in string.Formatter().parse(reply.says) if field}
    assert bool(reply.ranked) == ("below" in fields)
    if reply.ask in model.walks:
        assert not fields and {part for part, _, _ in reply.shows} == {"first", "last"}


def test_every_family_answers_with_something_of_its_own() -> None:
    asked = [STORIES[family].replies[place].ask for family, place in REPLIES]
    assert {family for family, _ in REPLIES} == set(EVERY)
    assert {"reconstruct", "invert", "energy", "chains", "diffuse", "complete", "judge"} == set(asked)


@pytest.mark.parametrize(("family", "place"), REPLIES)
def test_each_reply_is_given(engine, drawing, family, place) -> None:
    told = card(drawing, family)["replies"][place]
    if not told["walk"]:
        answer = asyncio.run(answer_of(drawing, family, place, picture(), "mnist", 3))
        assert len(answer["pictures"]) == len(told["shows"]) and all(p["url"].startswith("data:image/png") for p in answer["pictures"])
        assert answer["says"].endswith(".") and "{" not in answer["says"] and "nan" not in answer["says"]
        assert answer == asyncio.run(answer_of(drawing, family, place, picture(), "mnist", 3)), "the seed decides"
        return
    steps = FEW if any(k["name"] == "steps" for k in drawing.entries[told["model"]]["knobs"]) else {}
    given = {"x": exhibit("mnist")[0][:1, None].astype(np.float32) / 127.5 - 1, **told["given"]}
    job = engine.submit(told["model"], "mnist", walk=told["ask"], knobs=steps, n=told["n"], seed=3, given=given, frames=2)

    async def last():
        have, shots = 0, []
        while True:
            view = await engine.wait(job, have)
            shots += view.shots
            have = len(shots)
            if view.status not in ("waiting", "running"):
                return view, shots

    view, shots = asyncio.run(last())
    assert view.status == "done", view.message
    assert len(shots) == 2 and shots[-1].x.shape == (told["n"], 1, 28, 28)


def test_a_number_is_set_against_test_images(engine) -> None:
    """The rank counts the test images below: an answer that is the mean brightness ranks a black picture first and a white one last."""

    class Bright:
        async def call(self, model, data, method, x, **options):
            return x.reshape(len(x), -1).mean(1)

    drawing = same_drawing.SameDrawing(Bright(), engine.catalogue(), "pick.test")
    for level, below in ((0, 0), (255, same_drawing.MANY)):
        image = base64.b64encode(bytes([level]) * 784).decode()
        says = asyncio.run(answer_of(drawing, "ebm", 0, image, "mnist", 0))["says"]
        assert f"{below} of {same_drawing.MANY}" in says and f"E(x) = {level / 127.5 - 1:,.0f}" in says


def test_what_cannot_be_asked_is_refused_in_a_sentence(drawing) -> None:
    for family, place, image in (("vae", 7, picture()), ("nobody", 0, picture()), ("vae", 0, "no picture"), ("vae", "0", picture())):
        with pytest.raises(ValueError, match=r"\.$"):
            asyncio.run(answer_of(drawing, family, place, image, "mnist", 0))
    with pytest.raises(ValueError, match="knows no data set"):
        asyncio.run(answer_of(drawing, "vae", 0, picture(), "cifar", 0))


def test_a_family_without_replies_says_so(engine) -> None:
    made = engine.catalogue()
    silent = {**made, "families": [{**f, "replies": []} for f in made["families"]]}
    value = same_drawing.SameDrawing(None, silent, "pick.test").value
    assert all(f["replies"] == [] for f in value["families"]) and value["silent"].endswith(".")
