"""The films that the tabs open with: stored small, bound to their weights, and bit for bit what Sample makes."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from genviz import catalogue as catalogues
from genviz import premiere
from genviz.engine import Engine, Shot
from genviz.engine.stage import Stage, shown
from genviz.plots import pictures
from genviz.ui import film


@pytest.fixture(scope="module")
def catalogue() -> dict:
    return catalogues.build()


def family_in(catalogue: dict, name: str) -> dict:
    return next(f for f in catalogue["families"] if f["name"] == name)


def test_every_trained_family_has_a_film_and_it_is_small(catalogue) -> None:
    for family in catalogue["families"]:
        if (order := premiere.order_of(catalogue, family)) is None:
            continue
        found = premiere.read(catalogue, family)
        assert found, f"no film of the present weights: python -m genviz.premiere {family['name']}"
        assert found[0] == order and premiere.path(family["name"]).stat().st_size <= premiere.LARGEST
        shots = found[1]
        assert shots[0].step == 0 and shots[-1].step == shots[-1].steps and len(shots) >= 2
        assert all(s.x.shape == (16, 1, 28, 28) and s.caption for s in shots)


@pytest.mark.parametrize("family", ["vae", "autoregressive"])
def test_it_is_the_film_that_sample_makes(catalogue, family) -> None:
    order, stored = premiere.read(catalogue, family_in(catalogue, family))
    made = [shot for shot in Stage("cpu").film(order) if shot]
    made = [shot for shot in made if shot.step in {s.step for s in stored}]
    assert [(s.step, s.steps, s.nfe, s.caption) for s in made] == [(s.step, s.steps, s.nfe, s.caption) for s in stored]
    assert all(np.array_equal(pictures.grid(a.x), pictures.grid(b.x)) for a, b in zip(made, stored, strict=True))
    assert [set(s.aux) for s in stored] == [set(order.aux)] * len(stored), "with the pictures beside it"
    for name in order.aux:
        assert all(np.array_equal(pictures.grid(a.aux[name]), pictures.grid(b.aux[name])) for a, b in zip(made, stored, strict=True))


def test_films_of_other_weights_or_defaults_are_not_shown(catalogue) -> None:
    def changed(change) -> dict:
        other = copy.deepcopy(catalogue)
        change(family_in(other, "vae")["models"][0])
        return premiere.read(other, family_in(other, "vae"))

    assert changed(lambda model: None)
    assert not changed(lambda model: model["cards"]["mnist"].update(sha256="new"))
    assert not changed(lambda model: model["knobs"][0].update(default=0.5))
    assert not changed(lambda model: model["cards"].clear())
    assert premiere.read(catalogue, {"name": "nobody", "models": []}) is None


def test_a_long_film_is_thinned_until_it_is_small(catalogue, tmp_path, monkeypatch) -> None:
    order = premiere.order_of(catalogue, family_in(catalogue, "diffusion"))
    noise = np.random.default_rng(0).uniform(-1, 1, (40, 16, 1, 28, 28)).astype(np.float32)
    shots = [Shot(x, k, 39, k, 1.0, f"step {k}") for k, x in enumerate(noise)]
    monkeypatch.setattr(premiere, "path", lambda family: tmp_path / "film.png")
    (tmp_path / "film.png").write_bytes(premiere.pack(catalogue, order, shots))
    _, kept = premiere.read(catalogue, family_in(catalogue, "diffusion"))
    assert (tmp_path / "film.png").stat().st_size <= premiere.LARGEST and 8 <= len(kept) < 40
    assert (kept[0].step, kept[-1].step) == (0, 39)
    assert [s.step for s in kept] == sorted({min(k for k in range(40) if shown(k, 39, len(kept)) == slot) for slot in range(len(kept))})
    assert all(np.array_equal(pictures.grid(s.x), pictures.grid(noise[s.step])) for s in kept)


def test_the_page_fetches_it_as_any_film_and_no_model_is_loaded(monkeypatch) -> None:
    monkeypatch.setattr(Stage, "load", lambda self, name, data: pytest.fail("a model was loaded"))
    with Engine("cpu", backend="inline") as engine:
        web = TestClient(Starlette(routes=film.routes(engine)))
        first = web.post("/genviz/premiere", json={"family": "diffusion"}).json()
        assert web.post("/genviz/premiere", json={"family": "diffusion"}).json() == first, "one for everybody"
        assert first["order"]["model"] == "diffusion/ddpm" and first["order"]["n"] == 16
        have, shots, status = 0, [], ""
        while status != "done":
            view = web.get(f"/genviz/wait?job={first['job']}&have={have}").json()
            shots, status = shots + view["shots"], view["status"]
            have = len(shots)
        assert [s["step"] for s in shots] == list(range(18)) and all(s["sprite"].startswith("data:image/png") for s in shots)
        web.post("/genviz/cancel", json={"jobs": [first["job"]]})
        assert engine.look(first["job"]).status == "done", "nobody can take it from the others"
        engine._films.tickets.clear()  # forgotten, as the oldest are when many films were made
        assert web.post("/genviz/premiere", json={"family": "diffusion"}).json()["job"] != first["job"]
        assert web.post("/genviz/premiere", json={"family": "nobody"}).json() == {}
        assert "error" in web.post("/genviz/premiere", content=b"[]").json()


def test_the_order_decides(catalogue) -> None:
    order, _ = premiere.read(catalogue, family_in(catalogue, "vae"))
    assert premiere._made_from(catalogue, order) != premiere._made_from(catalogue, replace(order, seed=1))
