"""Training: it learns, it resumes after a kill, its averages and its schedule are what they say."""

from __future__ import annotations

import errno
import itertools
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from toy import Toy

from genviz import file
from genviz.family import Recipe
from genviz.file import FileError
from genviz.training import fit as train
from genviz.training import resume, steps
from genviz.training.history import SHARES, History


@pytest.fixture(autouse=True)
def small_data(monkeypatch) -> None:
    """Blurred noise instead of the data sets: no test of training needs a download."""
    rng = torch.Generator().manual_seed(0)
    x = (torch.rand(320, 1, 28, 28, generator=rng) * 255).to(torch.uint8)
    label = torch.arange(320) % 10
    monkeypatch.setattr(train, "examples", lambda data, split: (x, label) if split == "train" else (x[:100], label[:100]))


def run(model: Toy, recipe: Recipe, **options) -> list[train.Progress]:
    return list(train.fit(model, recipe, "mnist", **options))


def test_it_learns_and_ends_with_the_average() -> None:
    torch.manual_seed(0)
    model = Toy()
    before = train.evaluate(model, "mnist")
    done = run(model, Recipe(epochs=20, batch=32, lr=3e-2, ema=0.9))
    assert done[-1].step == 200 == done[-1].steps
    assert done[-1].held_out is not None and done[-1].held_out < 0.5 * before
    assert train.evaluate(model, "mnist") == pytest.approx(done[-1].held_out, rel=1e-5)


def test_half_precision_is_in_the_products_only(monkeypatch) -> None:
    used: list[torch.dtype] = []
    loss = Toy.loss

    def watched(self, *asked) -> torch.Tensor:
        if self.training:
            used.append(torch.nn.functional.linear(torch.ones(1, 2), torch.ones(2, 2)).dtype)
        return loss(self, *asked)

    monkeypatch.setattr(Toy, "loss", watched)
    for half in (False, True):
        torch.manual_seed(0)
        model, before = Toy(), len(used)
        done = run(model, Recipe(epochs=20, batch=32, lr=3e-2, ema=0.9, half="autocast"), half=half)
        assert done[-1].held_out < 0.5 * done[0].loss and all(p.dtype == torch.float32 for p in model.parameters())
        assert set(used[before:]) == {torch.bfloat16 if half else torch.float32} and len(used) == before + 200


def test_a_killed_run_goes_on(tmp_path) -> None:
    recipe = Recipe(epochs=4, batch=32)
    torch.manual_seed(0)
    first = train.fit(Toy(), recipe, "mnist", run=tmp_path, every=0)
    for progress in first:
        if progress.step == 15:
            first.close()
            break
    torch.manual_seed(1)
    second = list(train.fit(Toy(), recipe, "mnist", run=tmp_path))
    assert second[0].step in (15, 16) and second[-1].step == 40
    assert second[0].seconds >= progress.seconds - 0.5


@pytest.fixture
def kept(tmp_path) -> Path:
    """The checkpoint of a run that has ended."""
    run(Toy(), Recipe(epochs=1, batch=32), run=tmp_path / "toy", args={"z_dim": 4})
    return tmp_path / "toy" / "state.safetensors"


def again(kept: Path, recipe: Recipe | None = None, seed: int = 0, **args) -> list[train.Progress]:
    return run(Toy(**args), recipe or Recipe(epochs=2, batch=32), run=kept.parent, seed=seed, args={"z_dim": 4} | args)


def altered(kept: Path, **metadata: str) -> None:
    with safe_open(kept, "pt") as opened:
        said = opened.metadata()
    save_file(load_file(kept), kept, said | metadata)


DAMAGE = {
    "a file cut short": (lambda kept: os.truncate(kept, 5000), "is no readable safetensors file"),
    "an empty file": (lambda kept: os.truncate(kept, 0), "is no readable safetensors file"),
    "a folder": (lambda kept: (kept.unlink(), kept.mkdir()), "is a folder where a file should be"),
    "a pointer": (lambda kept: kept.write_bytes(file.POINTER), "is a Git LFS pointer, not the file"),
    "words": (lambda kept: kept.write_bytes(b"no safetensors" * 99), "is no readable safetensors file"),
    "a link to nothing": (lambda kept: (kept.unlink(), kept.symlink_to("nowhere")), "is missing"),
    "weights": (lambda kept: save_file({"a": torch.zeros(3)}, kept), "does not say what training it is of"),
    "another version": (lambda kept: altered(kept, format="99"), "is of another training [(]format '99' in place of '1'[)]"),
    "another data set": (lambda kept: altered(kept, data="rings"), "is of another training [(]data 'rings' in place of 'mnist'[)]"),
    "another model": (lambda kept: altered(kept, model="a:B"), "is of another training [(]model 'a:B'"),
    "a bit": (lambda kept: kept.write_bytes(kept.read_bytes()[:-1] + bytes([kept.read_bytes()[-1] ^ 1])), "is damaged"),
}


@pytest.mark.parametrize("damage, sentence", DAMAGE.values(), ids=DAMAGE)
def test_a_run_that_is_not_what_it_claims_to_be_is_not_taken_up(kept, damage, sentence) -> None:
    damage(kept)
    with pytest.raises(FileError, match=f"toy/state.safetensors {sentence}.*delete .*state.safetensors to begin anew, or .*GENVIZ_RUNS"):
        again(kept)


def test_another_training_in_the_same_folder_is_not_taken_up(kept) -> None:
    """Not of another recipe, seed or arguments, though every shape fits; a longer training of the same is."""
    for other, sentence in (
        (lambda: again(kept, Recipe(epochs=2, batch=32, lr=0.5)), "another recipe"),
        (lambda: again(kept, seed=1), "seed '0' in place of '1'"),
        (lambda: again(kept, z_dim=5), "args"),
    ):
        with pytest.raises(FileError, match=sentence):
            other()
    assert [p.step for p in again(kept)][0] == 11, "ten steps were done"


def test_shapes_of_today_are_asked_for(kept, monkeypatch) -> None:
    """A class that was rewritten under the same name does not take up what its forerunner left."""
    told = resume.passport(Toy(), (Recipe(),), "mnist", 0, {})
    monkeypatch.setattr(resume, "passport", lambda *_: told)
    altered(kept, **told)
    with pytest.raises(FileError, match="does not fit the model of today, by 'ema.decoder.weight'"):
        again(kept, z_dim=5)


def test_a_full_disk_ends_a_training_with_a_sentence(tmp_path, monkeypatch) -> None:
    def full(*_) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FileError, match="toy/state.safetensors cannot be written: the disk is full"):
        run(Toy(), Recipe(epochs=1, batch=32), run=tmp_path / "toy")


def test_the_history_of_an_ended_training_becomes_the_first_part_of_a_longer_one() -> None:
    class Told(Toy):
        def snapshot(self, x, label, rng):
            return {"mean": x.mean()}

    whole = {"loss_step": torch.arange(5), "loss": torch.rand(5, 2), "step": torch.tensor([round(1000 * share) for share in SHARES])}
    history = History(Told(), "mnist")
    history.take_up(whole, 1.0)
    assert len(history.snapshots) == len(SHARES) and not history.due(1.0), "it has ended"
    history.take_up(whole, 0.5)
    kept = [int(m["step"]) for m in history.snapshots]
    assert kept == sorted(set(kept)) and kept[0] == 0 and kept[-1] == 850, "0.4 of the whole lies nearest; what was the end is not"
    assert 10 <= len(kept) <= sum(share <= 0.5 for share in SHARES)
    assert history.due(1.0)


def test_budget_ends_the_run_with_a_rate_near_zero(monkeypatch) -> None:
    seen, ticks = [], itertools.count()
    rate = steps.rate
    monkeypatch.setattr(steps, "rate", lambda progress, recipe: seen.append(rate(progress, recipe)) or seen[-1])
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: next(ticks) / 1000))  # a millisecond whenever it is asked
    done = run(Toy(), Recipe(epochs=100000, batch=32, lr=1.0), budget=1 / 60)
    assert done[-1].step < done[-1].steps and done[-1].seconds == pytest.approx(1, abs=0.01)
    assert max(seen) <= 1 and seen[-1] < 0.05 < max(seen)


def test_schedule() -> None:
    recipe = Recipe(lr=2.0, warmup=0.1)
    assert steps.rate(0, recipe) == 0 and steps.rate(0.05, recipe) == pytest.approx(1.0)
    assert steps.rate(0.1, recipe) == pytest.approx(2.0) and steps.rate(1.0, recipe) == pytest.approx(0, abs=1e-9)
    held = replace(recipe, last=0.25)
    assert steps.rate(0.05, held) == pytest.approx(1.0) and steps.rate(0.1, held) == pytest.approx(2.0)
    assert steps.rate(0.55, held) == pytest.approx(1.25) and steps.rate(1.0, held) == pytest.approx(0.5)


def test_a_loss_that_is_not_finite_is_named() -> None:
    class Broken(Toy):
        def loss(self, x, label, rng):
            return super().loss(x, label, rng) * float("nan")

    with pytest.raises(FloatingPointError, match="step 0"):
        run(Broken(), Recipe(epochs=1, batch=32))


def test_splits_do_not_overlap(data_sets, monkeypatch, tmp_path) -> None:
    from genviz.data import images as module

    for data in ("mnist", "fashion_mnist"):
        sizes = [len(module.images(data, split)[0]) for split in ("train", "held_out", "test")]
        assert sizes == [55000, 5000, 10000]
