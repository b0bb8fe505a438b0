"""On a device without float64, as on a Mac, every film is made and every question answered, as on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from single import SinglePrecision, There, moved

from genviz.engine.job import Order
from genviz.engine.stage import Stage
from genviz.families import FAMILIES, find
from genviz.frame import describe_knobs
from genviz.model import Model, abilities, answers

SMALL: dict[str, dict[str, Any]] = {
    "score/score": {"fine": 16, "coarse": 16, "fine_blocks": 1, "coarse_blocks": 1},
    "diffusion/ddpm": {"fine": 16, "coarse": 16, "fine_blocks": 1, "coarse_blocks": 1},
    "flow/flow": {"fine": 4, "coarse": 8, "depth": 1, "rounds": 1, "pieces": 2},
    "ebm/ebm": {"fine": 8, "middle": 8, "coarse": 8, "blocks": 1},
}
X = np.random.default_rng(0).uniform(-1, 1, (2, 1, 28, 28)).astype(np.float32)
POINTS = np.random.default_rng(1).normal(size=(2, 2)).astype(np.float32)
GIVEN = {  # what a walk starts from
    "forward_process": {"x": X[0]}, "branch": {"step": 1}, "interpolate": {"other": 3}, "layers": {"x": X[:1]},
    "complete": {"x": X[:1], "rows": 20}, "chains": {"x": X[0]}, ("ebm/plane", "chains"): {"x": POINTS[0]},
    ("flow/flow", "interpolate"): {"x": X}, ("diffusion/ddpm", "diffuse"): {"x": X[0], "t": 0.5},
    ("score/score", "diffuse"): {"x": X[0], "sigma": 0.5},
}  # fmt: skip
SIGMA, LABEL = {"sigma": np.float32([0.5, 0.02])}, {"label": np.int64([1, 2])}
ASKED = {  # beside one x
    "denoise": SIGMA, "norms": {"sigmas": np.float32([0.01, 1.0])}, "importance_weighted": {"k": 2}, "phases": {"knobs": {"steps": 2}},
    "likelihood": {"probes": 2, "steps": 1}, "receptive_field": {"row": 14, "column": 14}, "draw": {"n": 2},
}  # fmt: skip
ALONE = ("partition", "receptive_field", "draw")  # answers that take no x
NAMES = list({e.model: f"{f.name}/{e.name}" for f in FAMILIES.values() for e in f.models}.values())  # one of every class


class Small(Stage):
    """Small random weights of every model, moved away from the zeros of the start, here or on the device."""

    def __init__(self, there: bool):
        super().__init__("cpu")
        self.there = there
        self.device = "meta" if there else "cpu"

    def load(self, name: str, data: str) -> Model:
        entry = find(name)[1]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = entry.model_class()(**{**entry.args, **SMALL.get(name, {})}).eval().requires_grad_(False)
            for p in model.parameters():
                if p.ndim > 1 and not p.any():
                    torch.nn.init.normal_(p, std=0.05)
        return moved(model) if self.there else model

    def model(self, name: str, data: str) -> Model:
        if (name, data) not in self._models:
            self._models[name, data] = self.load(name, data)
        return self._models[name, data]


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


def everything(stage: Stage, name: str) -> dict[str, Any]:
    """The last picture of every walk with every sampler, and every answer, of a model."""
    model, found = stage.model(name, ""), {}
    knobs = {k["name"]: k for k in describe_knobs(model.Knobs)}
    few = {"steps": 2} if "steps" in knobs else {}
    for walk in model.walks:
        given = GIVEN.get((name, walk), GIVEN.get(walk, {}))
        for sampler in knobs["sampler"]["choices"] if "sampler" in knobs else ("",):
            n, asked = 10 if walk == "class_grid" else 2, few | ({"sampler": sampler} if sampler else {})
            order = Order(name, "", walk, asked, n, 0, {k: np.asarray(v, np.float32) for k, v in given.items()}, ("x0_hat", "score"), 2)
            *_, shot = [shot for shot in stage.film(order) if shot]
            found[walk, sampler] = shot.x
    x = POINTS if model.medium == "points" else X
    for method in [*abilities(model), *answers(model)]:
        options = {"seed": 0} if method == "elbo" else {}
        arrays = () if method in ALONE else (np.zeros((2, model.z_dim), np.float32),) if method in ("decode", "restore") else (x,)
        if method == "score":
            arrays = (x, SIGMA["sigma"])
        if method == "clean":
            arrays = (x, x)
        if method == "interpolate":
            arrays = (x, x[::-1].copy())
        if method == "judge" and getattr(model, "classes", 0):
            options |= LABEL
        found[method] = stage.answer(name, "", method, arrays, options | ASKED.get(method, {}))
    if hasattr(model, "likelihood"):
        found["dopri5"] = stage.answer(name, "", "likelihood", (X[:1],), {"seed": 0, "probes": 1, "tolerance": 0.1})
    return found


def test_every_film_and_every_answer_without_float64(name: str) -> None:
    here = everything(Small(False), name)
    with SinglePrecision():
        there = everything(Small(True), name)
    assert here.keys() == there.keys() and len(here) > 1
    for what, value in here.items():
        for a, b in zip(flat(value), flat(there[what]), strict=True):
            assert np.allclose(a, b, atol=1e-3) if a.dtype.kind == "f" else np.array_equal(a, b), what


def flat(value: Any) -> list[np.ndarray]:
    if isinstance(value, dict):
        value = list(value.values())
    return [np.asarray(v) for v in value] if isinstance(value, (tuple, list)) else [np.asarray(value)]


@pytest.mark.parametrize(
    "wrong",
    [lambda x: x.double(), lambda x: x * torch.ones((), dtype=torch.float64), lambda x: x.to("cpu", torch.float64),
     lambda x: torch.zeros(2, dtype=torch.float64).to(x.device), lambda x: torch.zeros(2, dtype=torch.float64, device=x.device)],
)  # fmt: skip
def test_the_device_refuses_float64(wrong) -> None:
    with SinglePrecision():
        x = torch.ones(2, device="meta")
        assert isinstance(x, There) and (2 * x + 1).cpu().double().tolist() == [3, 3]
        with pytest.raises(TypeError):  # where Python could have asked the other number, it has its own words for it
            wrong(x)
