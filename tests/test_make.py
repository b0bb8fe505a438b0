"""One command makes a model complete, does nothing twice, and writes over nothing that is shipped."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genviz import checkpoint, compare, likelihoods, make
from genviz.likelihoods import measure
from genviz.training import fit as training


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A folder of the user's own, few pictures to learn from, and a measurement that takes no time."""
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GENVIZ_RUNS", raising=False)
    x, label = (torch.rand(100, 1, 28, 28) * 255).to(torch.uint8), torch.arange(100) % 10
    monkeypatch.setattr(training, "examples", lambda data, split: (x, label))
    row = next(r for r in compare.read() if (r.name, r.data) == ("vae/vae_2d", "mnist"))

    def rows(cards, samples):
        for card in cards:
            yield compare.Progress(f"{card.name}: drawing", 1, 1)
            yield replace(row, name=card.name, sha256=card.sha256, seconds=card.seconds)

    monkeypatch.setattr(compare, "rows", rows)
    compute = measure.compute
    monkeypatch.setattr(measure, "compute", lambda name, data: compute(name, data, 4))
    return tmp_path / "home"


def run(monkeypatch, *given: str) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *given])
    make.main()


def test_a_model_is_made_complete_and_then_there_is_nothing_to_do(home, data_sets, monkeypatch, capsys) -> None:
    given = ("vae/vae_2d", "--data", "mnist", "--name", "mine", "--budget", "0.02")
    run(monkeypatch, *given, "--status")
    said = capsys.readouterr().out
    assert said.split("\n")[:2] == ["vae/mine on mnist:", "  weights       stale: there are no weights yet"] and not home.exists()
    before = {p: p.stat().st_mtime_ns for p in checkpoint.PRETRAINED.rglob("*")}
    run(monkeypatch, *given)
    said = capsys.readouterr().out
    assert "vae/mine on mnist: training, for there are no weights yet" in said
    assert "figures, for" in said and "scores, for" in said and "map" not in said and "film" not in said, "it has no tab that opens with it"
    assert said.strip().split("\n")[-1].startswith("vae/mine on mnist is complete: ")
    card = checkpoint.card_of("vae/mine", "mnist")
    assert card.metric("frechet") and likelihoods.has("vae/mine", "mnist", card.sha256)
    assert {p: p.stat().st_mtime_ns for p in checkpoint.PRETRAINED.rglob("*")} == before, "nothing that is shipped has changed"
    made = {p: p.stat().st_mtime_ns for p in home.rglob("*")}
    run(monkeypatch, *given)
    assert capsys.readouterr().out.startswith("vae/mine on mnist is complete: ")
    assert {p: p.stat().st_mtime_ns for p in home.rglob("*")} == made, "nothing is made twice"
    run(monkeypatch, *given, "--status")
    assert capsys.readouterr().out.count("fresh") == 4


def test_what_tells_of_other_weights_is_stale_and_made_again(home, data_sets, monkeypatch, capsys) -> None:
    given = ("vae/vae_2d", "--data", "mnist", "--name", "mine", "--budget", "0.02")
    run(monkeypatch, *given)
    card = checkpoint.card_of("vae/mine", "mnist")
    model = checkpoint.load(card)
    with torch.no_grad():
        next(model.parameters()).add_(1)
    checkpoint.save(model, card)
    assert dict(make.status("vae/mine", "mnist")) == {
        "weights": "", "figures": "there are no figures of these weights and this classifier",
        "scores": "there are no scores of these weights",
    }  # fmt: skip
    capsys.readouterr()
    run(monkeypatch, *given)
    said = capsys.readouterr().out
    assert "training" not in said and "figures" in said and "scores" in said
    assert not any(why for _, why in make.status("vae/mine", "mnist"))


def test_a_card_that_does_not_say_what_the_table_says_is_written_again(home, data_sets, monkeypatch, capsys) -> None:
    given = ("vae/vae_2d", "--data", "mnist", "--name", "mine", "--budget", "0.02")
    run(monkeypatch, *given)
    card = checkpoint.card_of("vae/mine", "mnist")
    checkpoint.write_card(replace(card, metrics=card.metrics[:1]))
    assert dict(make.status("vae/mine", "mnist"))["card"].startswith("the card does not say of frechet what the table says")
    run(monkeypatch, *given)
    assert checkpoint.card_of("vae/mine", "mnist").metrics == card.metrics


def test_what_is_shipped_is_complete_and_never_written_without_ship(home, monkeypatch, capsys) -> None:
    run(monkeypatch, "vae/vae", "--data", "mnist", "--status")
    assert "stale" not in capsys.readouterr().out
    monkeypatch.setattr(make, "PARTS", (make.Part("figures", lambda card: "reasons", lambda *_: pytest.fail("it was written")),))
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "vae/vae", "--data", "mnist")
    assert ended.value.code == 2
    assert "vae/vae on mnist is shipped, and its figures would be written anew: give --ship to do so, or --name" in capsys.readouterr().err


def test_every_shipped_model_is_of_the_recipe_of_today() -> None:
    assert [(c.name, c.data, why) for c in checkpoint.cards() if (why := make.weights(c.name, c))] == []


@pytest.mark.parametrize("change, why", [
    ({}, ""), ({"epochs": 99.0, "steps": 5}, ""), ({"lr": 0.5}, "they were trained with lr 0.5, the recipe of today says 0.002"),
    ({"lr": 0.5, "resumed": "by hand"}, ""), ({"stages": [{}, {}]}, "they were trained in 2 stages, the recipe of today has 1"),
])  # fmt: skip
def test_weights_are_stale_when_their_recipe_or_arguments_are_no_longer_those_of_today(change, why) -> None:
    card = checkpoint.card_of("vae/vae_2d", "mnist")
    assert make.weights(card.name, replace(card, recipe=card.recipe | change)) == why
    assert "other arguments" in make.weights(card.name, replace(card, args=card.args | {"width": 7}))
    assert make.weights("vae/none", None) == make.UNTRAINED


def test_a_data_set_that_the_model_has_not_is_one_sentence(home, monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "vae/plane", "--data", "cats")
    assert ended.value.code == 2 and "'vae/plane' knows no data set 'cats'; it knows two_moons, " in capsys.readouterr().err
