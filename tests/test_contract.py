"""What every model of every family keeps: the contract between models and screen."""

from __future__ import annotations

import dataclasses
import inspect
from collections import Counter

import pytest
import torch
from torch import nn

from genviz import checkpoint
from genviz.compare.plane import strayed
from genviz.data import of
from genviz.families import FAMILIES, find
from genviz.frame import Frame, describe_knobs, read_knobs
from genviz.medium import MEDIA
from genviz.metrics.likelihood import log_likelihood
from genviz.model import ABILITIES, Model, abilities, outline

NAMES = [f"{f.name}/{e.name}" for f in FAMILIES.values() for e in f.models]
CARDS = {c.name: c for c in checkpoint.cards()}  # one data set of each is enough here


@pytest.fixture(params=NAMES)
def model(request) -> Model:
    """The shipped weights, or small random ones where none are shipped yet: the contract holds for both."""
    if request.param in CARDS:
        return checkpoint.load(CARDS[request.param])
    _, entry = find(request.param)
    torch.manual_seed(0)
    return entry.model_class()(**entry.args).eval().requires_grad_(False)


def walk(model: Model, n: int, seed: int, **given) -> list[Frame]:
    """The film with few steps, where the model lets us choose."""
    knobs = describe_knobs(model.Knobs)
    few = {"steps": 4} if any(k["name"] == "steps" for k in knobs) else {}
    typed = model.Knobs(**read_knobs(knobs, few))
    frames = model.sample(n, typed, torch.Generator().manual_seed(seed), **given)
    return [dataclasses.replace(f, x=f.x.clone()) for f in frames]


def test_frames_rise_from_prior_to_sample(model: Model) -> None:
    frames = walk(model, 2, 0)
    assert [f.step for f in frames] == list(range(frames[0].steps + 1))
    assert len({f.steps for f in frames}) == 1 and frames[0].steps >= 1
    assert all(f.x.shape == (2, *model.shape) and f.x.isfinite().all() for f in frames)
    assert len(model.shape) == 1 or frames[-1].x.abs().max() <= 1.0 + 1e-5
    assert all(a.nfe <= b.nfe for a, b in zip(frames, frames[1:], strict=False)) and frames[-1].nfe > 0
    assert all(len(value) == 2 for f in frames for value in f.aux.values())


def test_a_seed_is_a_film(model: Model) -> None:
    torch.manual_seed(1)
    first = walk(model, 2, 7)
    torch.manual_seed(2)  # the global generator plays no part
    again, other = walk(model, 2, 7), walk(model, 2, 8)
    assert all(torch.equal(a.x, b.x) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[-1].x, other[-1].x)


def test_nfe_equals_counted_calls(model: Model) -> None:
    calls: Counter = Counter()
    for name, child in model.named_children():
        child.register_forward_hook(lambda _, given, __, name=name: calls.update({name: len(given[0])}))
    frames = walk(model, 2, 0)
    if model.grows == "pixels":
        assert [f.nfe for f in frames] == [f.step for f in frames]  # one conditional per pixel, from a cache instead of the modules
    else:
        assert 2 * frames[-1].nfe == max(calls.values())  # rows that the network saw, for two pictures


def test_no_gradient_leaks(model: Model) -> None:
    assert all(not f.x.requires_grad and all(not a.requires_grad for a in f.aux.values()) for f in walk(model, 1, 0))
    model.requires_grad_(True)
    with torch.enable_grad():
        frames = model.sample(1, model.Knobs(), torch.Generator().manual_seed(0))
        assert not next(frames).x.requires_grad
        assert torch.is_grad_enabled(), "the sampler left gradients switched off"
        frames.close()


def test_abilities_have_their_shapes(model: Model) -> None:
    plane = model.medium == "points"
    given = torch.randn(3, 2) if plane else torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    x = model.prepare(given, torch.Generator().manual_seed(0))
    assert x.shape == (3, *model.shape) and (plane or (x.min() >= -1 and x.max() <= 1))
    can = abilities(model)
    with torch.no_grad():
        if "decode" in can:
            assert model.decode(torch.zeros(3, model.z_dim)).shape == (3, *model.shape)
        if "encode" in can:
            mu, log_var = model.encode(x)
            assert mu.shape == log_var.shape == (3, model.z_dim)
        if "log_prob" in can:
            assert model.log_prob(x).shape == (3,) and (plane or (model.log_prob(x) < 0).all())
        if "elbo" in can:
            assert model.elbo(x, torch.Generator().manual_seed(0)).shape == (3,)
        if "score" in can:
            assert model.score(x, torch.full((3,), 0.5)).shape == x.shape
        if "energy" in can:
            assert model.energy(x).shape == (3,)
    assert can or model.walks, "a model that can do nothing"
    assert not ("log_prob" in can and "elbo" in can), "a bound is not a likelihood"


def test_what_a_model_says_of_probabilities_is_declared_and_true(model: Model) -> None:
    """Every method of a likelihood is there and answers in nats; what counts no grey levels of bytes is told in no bits of them."""
    given = torch.randn(2, 2) if model.medium == "points" else torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
    assert model.medium in MEDIA and (model.levels == 0) == (model.medium == "points")
    for one in model.likelihoods:
        assert one.levels == model.levels, "it counts other values than those that x can take"
        few = one.draws(2)
        (nats,) = log_likelihood(model, given, few)
        assert nats.shape == (2,) and nats.isfinite().all()
    asked = {one.method for one in model.likelihoods}
    assert {"log_prob", "elbo"} & set(abilities(model)) <= asked, "a likelihood that nothing tells of"


def test_walks_and_answers_exist(model: Model) -> None:
    for name in (*model.walks, *model.answers):
        assert callable(getattr(model, name, None)), name
    for name in model.walks:
        assert list(inspect.signature(getattr(model, name)).parameters)[:3] == ["n", "knobs", "rng"], name
    assert not set(model.answers) & set(ABILITIES)


def test_knobs_are_drawable(model: Model) -> None:
    assert dataclasses.is_dataclass(model.Knobs) and model.Knobs.__dataclass_params__.frozen  # type: ignore[attr-defined]
    for k in describe_knobs(model.Knobs):
        assert k["help"].endswith((".", "!")) and len(k["help"]) < 160, k
        assert k["choices"] or k["type"] == "bool" or (k["low"] is not None and k["high"] is not None), k
    assert model.Knobs(**read_knobs(describe_knobs(model.Knobs), {})) == model.Knobs()


@pytest.mark.parametrize("card", [pytest.param(c, id=f"{c.family} {c.data}") for c in checkpoint.cards() if c.data in of("points")])
def test_points_arrive_where_the_data_are(card) -> None:
    """At the default knobs at most a tenth of a model's points lie outside the region that holds 99.8 % of the data."""
    assert strayed(card) <= 0.10


@pytest.mark.parametrize("name", NAMES)
def test_no_buffer_is_lost_on_meta(name: str) -> None:
    _, entry = find(name)
    model = outline(entry.model_class(), entry.args)
    assert all(p.is_meta for p in model.parameters())
    assert {n for n, _ in model.named_buffers()} <= set(model.state_dict())
    assert isinstance(model, nn.Module)


def test_stories_are_written() -> None:
    for family in FAMILIES.values():
        assert len(family.story) > 800 and "$" in family.story and family.line and family.models, family.name
        for scene in family.scenes:
            _, entry = find(scene.model if "/" in scene.model else f"{family.name}/{scene.model}")
            read_knobs(describe_knobs(entry.model_class().Knobs), scene.knobs)
