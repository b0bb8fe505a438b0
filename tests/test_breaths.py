"""Nobody holds the stage: whatever is asked for, a turn is one call of a network, and noise is on screen before the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_single_precision import GIVEN, NAMES, Small, X

from genviz.engine.job import Order
from genviz.engine.scheduler import Scheduler
from genviz.families.autoregressive.painter import Painter
from genviz.frame import describe_knobs
from genviz.model import AT_ONCE, Model, breathing_answer, breathing_walk, breaths, finish

STAGE = Small(False)
TURNS = 40  # of a film that are looked at
DEEP = ("score/score", "diffusion/ddpm", "ebm/ebm")  # their networks are large, so that a turn has some of the pictures


LATE = ("latent_walk", "class_grid", "layers", "interpolate", "branch")  # walks whose first frame is the work of a network


@contextmanager
def counted(model: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[int]]]:
    """Counts calls of the networks: what it gives tells the rows of each call since the last time."""
    calls: list[int] = []
    networks = [block.net for block in model.modules() if hasattr(block, "moved")] or list(model.children())
    hooks = [
        net.register_forward_hook(lambda _, given, __: calls.append(len(given[0])))
        for net in networks
        if net is not getattr(model, "noise", 0)
    ]
    for method in ("look_up", "logits"):
        was = getattr(Painter, method)
        monkeypatch.setattr(Painter, method, lambda self, *at, was=was: (calls.append(len(self.x)), was(self, *at))[1])

    def since() -> list[int]:
        found = calls[:]
        calls.clear()
        return found

    try:
        yield since
    finally:
        for hook in hooks:
            hook.remove()


def heaviest(model: Model) -> list[dict[str, Any]]:
    """The dearest knobs that are allowed, once for every sampler."""
    knobs = describe_knobs(model.Knobs)
    top = {k["name"]: k["high"] for k in knobs if k["name"] in ("steps", "corrector", "guidance")}
    samplers = next((k["choices"] for k in knobs if k["name"] == "sampler"), ())
    return [top | {"sampler": s} for s in samplers] or [top]


@pytest.mark.parametrize("aux", [(), ("x0_hat", "score", "energy")], ids=["alone", "with its extras"])
@pytest.mark.parametrize("name", NAMES)
def test_a_turn_of_a_film_is_one_call_at_the_heaviest_knobs(name: str, aux: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    model = STAGE.model(name, "")
    n = 64 if len(model.shape) == 3 else 2000
    most = {"class_grid": 60, "interpolate": 64}
    with counted(model, monkeypatch) as since:
        for walk in model.walks:
            given = {k: np.asarray(v, np.float32) for k, v in GIVEN.get((name, walk), GIVEN.get(walk, {})).items()}
            for knobs in heaviest(model):
                film = STAGE.film(Order(name, "", walk, knobs, most.get(walk, n), 0, given, aux, 1000))
                for turn, shot in enumerate(islice(film, TURNS)):
                    rows = since()
                    assert len(rows) <= 1 and sum(rows) <= (AT_ONCE if name in DEEP else n), (walk, knobs, turn, rows)
                    assert turn or rows == [], f"{walk} {knobs}: the first turn is free"
                    assert turn or shot is not None or aux or walk in LATE or name == "ebm/plane", walk
                film.close()
                since()


def turns_of(name: str, method: str, arrays: tuple, since: Callable[[], list[int]], **options: Any) -> tuple[Any, list[list[int]]]:
    """An answer, and the rows of the calls in each turn of it."""
    turns, calls = STAGE.answering(name, "", method, arrays, options), []
    while True:
        try:
            next(turns)
        except StopIteration as end:
            return end.value, [*calls, since()]
        calls.append(since())


MANY = np.random.default_rng(2).uniform(-1, 1, (70, 1, 28, 28)).astype(np.float32)
LONG = [
    ("score/score", "likelihood", X[:1], {"probes": 16, "steps": 3}), ("score/score", "likelihood", X[:1], {"probes": 2, "tolerance": 0.1}),
    ("score/score", "ode_log_prob", MANY[:40], {}), ("score/score", "norms", MANY[:40], {"sigmas": np.float32([0.1, 1, 9])}),
    ("vae/vae", "importance_weighted", X[:1], {"k": 600}), ("ebm/ebm", "phases", X[:1], {"knobs": {"steps": 5}}),
    ("ebm/ebm", "energy", MANY, {}), ("vae/vae", "encode", MANY, {}), ("gan/gan", "judge", MANY, {}), ("ebm/plane", "partition", None, {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "method", "x", "options"), LONG, ids=[f"{a}.{b}" for a, b, _, _ in LONG])
def test_a_turn_of_an_answer_is_one_call(name: str, method: str, x: Any, options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(STAGE.model(name, ""), monkeypatch) as since:
        answer, calls = turns_of(name, method, () if x is None else (x,), since, seed=0, **options)
    assert calls[0] == [], "a long answer takes a breath before it begins"
    assert len(calls) > 1 and all(len(rows) <= 2 for rows in calls[:-1]) and sum(map(len, calls)) > 1
    assert max((max(rows) for rows in calls if rows), default=0) <= (
        20_000 if method == "partition" else 250 if name == "vae/vae" else AT_ONCE
    )
    assert answer is not None


@pytest.mark.parametrize("method", ["importance_weighted", "invert", "restore"])
def test_the_answers_of_a_flow_go_layer_by_layer_or_draw_by_draw(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = STAGE.model("flow/flow", "")
    layers = len(model.names)
    x = np.zeros((2, 784), np.float32) if method == "restore" else X
    with counted(model, monkeypatch) as since:
        _, calls = turns_of(
            "flow/flow",
            method,
            (x,),
            since,
            **({} if method == "restore" else {"seed": 0}),
            **({"k": 5} if method == "importance_weighted" else {}),
        )
    assert calls[0] == [] and len(calls) > 4 and max(len(rows) for rows in calls[2:]) <= layers


def test_whoever_is_in_no_hurry_sees_no_breath() -> None:
    class Breathless:
        @breathing_walk
        def walk(self) -> Iterator[Any]:
            yield "noise"
            yield None
            yield "data"

        @breathing_answer
        def answer(self, x: int) -> Iterator[None]:
            yield
            return 2 * x

    one = Breathless()
    assert list(one.walk()) == ["noise", "data"] and one.answer(4) == 8
    assert list(breaths(one.walk)()) == ["noise", None, "data"] and finish(breaths(one.answer)(4)) == 8 and breaths(len) is None


def test_extras_change_no_film() -> None:
    for name, knobs in (("diffusion/ddpm", {"sampler": "heun", "steps": 3}), ("score/score", {"steps": 3}), ("ebm/ebm", {"steps": 4})):
        alone, beside = (
            [s for s in STAGE.film(Order(name, "", "sample", knobs, 3, 1, {}, aux, 60)) if s] for aux in ((), ("x0_hat", "score"))
        )
        assert all(np.array_equal(a.x, b.x) and (a.nfe, a.caption) == (b.nfe, b.caption) for a, b in zip(alone, beside, strict=True))
        assert all(set(s.aux) == {"x0_hat", "score"} for s in beside) and beside[0].nfe == 0


class Scripted:
    """A stage whose films and answers are scripts: a letter for every turn."""

    def __init__(self):
        self.said: list[str] = []

    def film(self, order: str) -> Iterator[Any]:
        for step in range(6):
            self.said.append(order)
            yield SimpleNamespace(step=step, steps=5)

    def answering(self, name: str, data: str, method: str, arrays: tuple, options: dict) -> Iterator[None]:
        for _ in range(options["turns"] - 1):
            self.said.append(method)
            yield
        self.said.append(method)
        return method


def played(arrivals: dict[int, list[tuple]]) -> str:
    """Who had which turn, where commands arrive before certain turns."""
    stage, turns = Scripted(), iter(range(1000))
    Scheduler(stage).run(lambda wait: arrivals.get(next(turns), [("close",)] if wait else []), lambda events: None)
    return "".join(stage.said)


def asked(letter: str, turns: int) -> tuple:
    return ("call", letter, "m", "d", letter, (), {"turns": turns})


def test_a_drag_waits_for_one_turn_of_a_long_answer_and_films_go_on_beside_it() -> None:
    said = played({0: [("start", "a", "a", -1), asked("L", 6)], 5: [asked("d", 1)]})
    assert said[0] == "L" and said.index("d") == 5 and "LL" not in said and "aa" not in said[:10], said
    assert said.count("L") == said.count("a") == 6 and said.count("d") == 1


def test_long_answers_share_and_one_that_nobody_waits_for_ends() -> None:
    said = played({0: [asked("L", 5), asked("M", 5)], 4: [("stop", "M")]})
    assert said.startswith("LMLM") and said.count("L") == 5 and said.count("M") == 2, said
    assert played({0: [asked("L", 3)]}) == "LLL"
