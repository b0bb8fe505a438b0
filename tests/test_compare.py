"""Compare: rows of a toy model, what is written, what is taken up again."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from toy import FAMILY, Toy

import genviz.families
from genviz import checkpoint, compare
from genviz.compare import __main__ as command_line
from genviz.compare import measure
from genviz.data import of
from genviz.family import Entry
from genviz.likelihood import Likelihood
from genviz.metrics import classifier
from genviz.model import binarize

SAMPLES = 60


class Coin(Toy):
    """The toy with black and white pixels and a likelihood."""

    levels = 2
    likelihoods = (Likelihood("iw", "importance_weighted", {"k": 500}, levels=2), Likelihood("elbo", "elbo", levels=2))

    def prepare(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return binarize(x, rng)

    def elbo(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return torch.full((len(x),), -100.0) - torch.rand(len(x), generator=rng)

    def importance_weighted(self, x: torch.Tensor, k: int, rng: torch.Generator) -> torch.Tensor:
        return torch.full((len(x),), -90.0)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.flatten(1)[:, :4], x.flatten(1)[:, :4]


class Levels(Toy):
    """The toy with an exact likelihood over 16 levels."""

    levels = 16
    likelihoods = (Likelihood("exact", "log_prob", levels=16),)

    def prepare(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return (x.int() * 16 // 256).float() * (2 / 15) - 1

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full((len(x),), -784 * torch.log(torch.tensor(16.0)).item())


CLASSES = {"test/toy": Toy, "test/coin": Coin, "test/levels": Levels}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Three toy cards, an untrained classifier and 100 invented images, all in a temporary folder."""
    find = genviz.families.find
    rng = torch.Generator().manual_seed(0)
    strokes = torch.nn.functional.interpolate(torch.rand(200, 1, 7, 7, generator=rng), size=28, mode="bilinear")
    x = (strokes * 255).to(torch.uint8)
    label = torch.arange(200) % 10
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    monkeypatch.setenv("GENVIZ_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(measure, "images", lambda data, split: (x[:100], label[:100]) if split == "test" else (x[100:], label[100:]))
    monkeypatch.setattr(measure, "CHUNK", 25)
    monkeypatch.setattr(measure, "counting", lambda data, levels: 3.9)
    entries = {name: Entry(name[5:], name, f"{kind.__module__}:{kind.__name__}", {"z_dim": 4}) for name, kind in CLASSES.items()}
    monkeypatch.setattr(genviz.families, "find", lambda name: (FAMILY, entries[name]) if name in entries else find(name))
    torch.manual_seed(0)
    for name, kind in CLASSES.items():
        model = kind()
        model.decoder.weight.data.mul_(8)
        held_out = [{"name": "held_out_loss", "value": 1.0, "unit": "", "protocol": "p", "command": "c"}]
        fresh = checkpoint.Card("test", name[5:], "mnist", name, {"z_dim": 4}, 1234, {}, 60.0, "a CPU", 0, metrics=held_out)
        checkpoint.save(model, fresh)
    classifier.save(classifier.Classifier(16), "mnist", {"args": {"width": 16}})
    return tmp_path


def row_of(name: str, samples: int = SAMPLES) -> compare.Row:
    found = [item for item in compare.rows([checkpoint.card_of(name, "mnist")], samples) if isinstance(item, compare.Row)]
    assert len(found) == 1
    return found[0]


def test_row_of_a_grey_model(small) -> None:
    row = row_of("test/toy")
    assert row.frechet > row.floor > 0 and row.ratio == pytest.approx(row.frechet / row.floor)
    assert all(0 <= v <= 1 for v in (row.precision, row.recall, row.coverage)) and row.density >= 0
    assert row.real["precision"] > row.precision  # real pictures look more real than a toy's
    assert (row.likelihood, row.likelihood_kind, row.likelihood_unit, row.elbo, row.counting) == (None, "none", "", None, None)
    assert row.nfe == 4 and row.ms_1 > 0 and row.ms_64 > 0 and row.z_dim == 4 and not row.encoder and row.setting == ""
    assert "rounded to bytes" in row.pictures


def test_the_bound_says_what_it_is(small) -> None:
    row = row_of("test/coin")
    assert (row.likelihood, row.likelihood_kind, row.likelihood_unit) == (90.0, "IW-500", "nats") and row.encoder
    assert row.elbo == pytest.approx(100.5, abs=0.3)
    named = {m["name"]: m for m in compare.metrics(row)}
    assert named["nll_iw_500"]["value"] == 90.0 and "IW-500" in named["nll_iw_500"]["protocol"]
    assert "ELBO" in named["nll_elbo"]["protocol"] and "IW" not in named["nll_elbo"]["protocol"]
    assert "binarised" in named["frechet"]["protocol"] and "nll_exact" not in named


def test_binary_pictures_are_drawn_and_compared_as_such(small) -> None:
    model = checkpoint.load(checkpoint.card_of("test/coin", "mnist"))
    x, nfe = measure.draw(model, model.Knobs(), 25, 0)
    assert set(x.unique().tolist()) == {0, 255} and nfe == 4
    mean = measure.last(model.sample(25, model.Knobs(), torch.Generator().manual_seed(0))).x
    assert torch.corrcoef(torch.stack([x.flatten().float(), mean.flatten()]))[0, 1] > 0.5


def test_levels_are_counted_in_bits(small) -> None:
    row = row_of("test/levels")
    assert row.likelihood == pytest.approx(4.0) and (row.likelihood_kind, row.likelihood_unit) == ("exact", "bits/dim")  # log2 16
    assert row.counting == 3.9 and "16 levels" in row.likelihood_protocol
    assert {"bits_per_dim_exact", "bits_per_dim_counting"} <= {m["name"] for m in compare.metrics(row)}
    levels = torch.arange(256, dtype=torch.uint8)
    x = Levels.prepare(None, levels, None)
    assert torch.allclose(measure.from_bytes(measure.to_bytes(x)), x, atol=1e-6)  # bytes hold 16 levels exactly


def test_same_card_same_figures_and_no_drawing_twice(small, monkeypatch) -> None:
    first = row_of("test/toy")

    def never(*args):
        raise AssertionError("drew again")

    with monkeypatch.context() as patch:
        patch.setattr(measure, "draw", lambda model, knobs, n, seed: (None, 4) if n == 1 else never())
        again = row_of("test/toy")
    free = {"ms_1": 0.0, "ms_64": 0.0}
    assert replace(first, **free) == replace(again, **free)
    kept = next((small / "runs/compare").glob("test-toy*.safetensors"))
    kept.unlink()
    assert replace(row_of("test/toy"), **free) == replace(first, **free)  # drawn anew, the same


def test_a_killed_measurement_is_taken_up(small) -> None:
    def part(first: int):
        for i in range(first, 40, 10):
            calls.append(i)
            yield torch.arange(i, i + 10)

    def run() -> torch.Tensor:
        walk = measure.collect("numbers", {"sha256": "a"}, 35, part, "numbers")
        while True:
            try:
                seen.append(next(walk))
            except StopIteration as end:
                return end.value

    calls, seen = [], []
    assert run().tolist() == list(range(35)) and calls == [0, 10, 20, 30]
    assert [(p.done, p.total) for p in seen] == [(0, 35), (10, 35), (20, 35), (30, 35), (35, 35)]
    file = small / "runs/compare/numbers.safetensors"
    from safetensors.torch import save_file

    save_file({"rows": torch.arange(20)}, file, {"facts": json.dumps({"sha256": "a"})})  # as a kill after two chunks leaves it
    calls.clear()
    assert run().tolist() == list(range(35)) and calls == [20, 30]
    save_file({"rows": torch.arange(20)}, file, {"facts": json.dumps({"sha256": "other weights"})})
    calls.clear()
    assert run().tolist() == list(range(35)) and calls == [0, 10, 20, 30]


def test_settings() -> None:
    from genviz.families import FAMILIES

    assert measure.settings(Toy) == {"": {}}
    models = [e.model_class() for e in FAMILIES["diffusion"].models if e.data == of("image")]
    assert models and all(
        set(measure.settings(m)) == {"dpm_solver, 17 steps, guidance 1.25", "dpm_solver, 10 steps, guidance 1"} for m in models
    )


def test_benchmark_merges_and_the_card_tells(small) -> None:
    assert compare.read() == []
    toy, coin = row_of("test/toy"), row_of("test/coin")
    slow = replace(toy, setting="heun, 18 steps", nfe=35)
    assert [r.key for r in compare.merge([toy, slow, coin])] == sorted(r.key for r in (toy, slow, coin))
    assert compare.read() == compare.merge([]) == sorted([toy, slow, coin], key=lambda r: r.key)
    cards = [checkpoint.card_of(name, "mnist") for name in CLASSES]
    assert [c.name for c in compare.unmeasured(cards)] == ["test/levels"]
    assert compare.unmeasured([replace(cards[0], sha256="new")]) and not compare.unmeasured(cards[:1])
    compare.merge([replace(coin, classifier="another")])
    assert [c.name for c in compare.unmeasured(cards)] == ["test/coin", "test/levels"]
    compare.merge([coin])
    better = replace(toy, frechet=1.0)
    assert {r.key: r for r in compare.merge([better])} == {r.key: r for r in (better, slow, coin)}
    other_weights = replace(toy, sha256="new")  # the row of the other setting told of the old weights
    assert {r.key for r in compare.merge([other_weights])} == {toy.key, coin.key}

    compare.write_metrics(toy)
    compare.write_metrics(replace(toy, frechet=2.0))
    card = checkpoint.card_of("test/toy", "mnist")
    assert card.metric("frechet") == 2.0 and card.metric("held_out_loss") == 1.0
    assert len({m["name"] for m in card.metrics}) == len(card.metrics)
    assert all(m["protocol"] and m["command"] for m in card.metrics)
    compare.write_metrics(slow)
    assert checkpoint.card_of("test/toy", "mnist").metric("frechet, heun, 18 steps") == slow.frechet
    with pytest.raises(checkpoint.CheckpointError, match="trained anew"):
        compare.write_metrics(other_weights)
    text = compare.table([coin, slow])
    assert "90.00, IW-500 (" in text and "heun, 18 steps" in text and len({len(line) for line in text.split("\n")}) == 1


def test_command_line(small, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["compare", "--only", "test/toy", "mnist", "--samples", str(SAMPLES)])
    command_line.main()
    assert "test/toy" in capsys.readouterr().out and compare.read() == []  # a quick look writes nothing
    monkeypatch.setattr(compare, "SAMPLES", SAMPLES)
    command_line.main()
    (row,) = compare.read()
    assert row.samples == SAMPLES and checkpoint.card_of("test/toy", "mnist").metric("frechet") == row.frechet
    compare.merge([replace(row, ms_1=-1.0)])
    monkeypatch.setattr(sys, "argv", ["compare", "--times"])
    command_line.main()
    (timed,) = compare.read()
    assert timed.ms_1 > 0 and timed.frechet == row.frechet
    monkeypatch.setattr(sys, "argv", ["compare", "--only", "test/nothing", "mnist"])
    with pytest.raises(SystemExit):
        command_line.main()
    assert "the models are" in capsys.readouterr().err


def test_reading_the_figures_needs_no_torch() -> None:
    code = "import genviz.compare as c, sys; c.read(); c.table([]); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True).stdout.strip() == "False"


def test_classes_are_drawn_as_often_as_the_training_set_has_them(monkeypatch) -> None:
    @dataclass(frozen=True)
    class Knobs:
        label: int = -1

    label = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
    monkeypatch.setattr(measure, "images", lambda data, split: (None, label))
    monkeypatch.setattr(measure, "CHUNK", 30)
    assert measure.portions(Knobs(), "mnist", 101) == [(Knobs(0), 30), (Knobs(0), 21), (Knobs(1), 30), (Knobs(2), 20)]
    assert measure.portions(Toy.Knobs(), "mnist", 61) == [(Toy.Knobs(), 30)] * 3


def test_shipped_benchmark_tells_of_every_shipped_model() -> None:
    rows, cards = compare.read(), [c for c in checkpoint.cards() if c.data in of("image")]
    assert {(r.name, r.data, r.sha256) for r in rows} == {(c.name, c.data, c.sha256) for c in cards}
    assert compare.unmeasured(cards) == [], "measured, or made with another classifier"
    assert all(r.samples == 10_000 and r.floor > 0 for r in rows)


def test_the_page_of_figures_shows_the_table() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "figures.md").read_text(encoding="utf-8")
    assert compare.table(compare.read()) in page, "put what `python -m genviz.compare --table` prints into docs/figures.md"
