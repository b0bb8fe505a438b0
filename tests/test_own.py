"""The user's own models and data sets: they appear beside the shipped ones, everywhere, and never in their place."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import genviz
from genviz import argument, catalogue, checkpoint, compare, likelihoods
from genviz import train as command
from genviz.checkpoint import CheckpointError
from genviz.data import examples, own
from genviz.engine.stage import Stage
from genviz.file import FileError
from genviz.training import fit as training

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A folder of the user's own, and a handful of pictures in place of MNIST."""
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GENVIZ_RUNS", raising=False)
    rng = torch.Generator().manual_seed(0)
    x, label = (torch.rand(100, 1, 28, 28, generator=rng) * 255).to(torch.uint8), torch.arange(100) % 10
    monkeypatch.setattr(training, "examples", lambda data, split: (x, label) if data == "mnist" else examples(data, split))
    return tmp_path / "home"


def trained(name: str = "vae/vae_2d", data: str = "mnist", **options) -> checkpoint.Card:
    *_, card = training.train(name, data, budget=1 / 60, **options)
    return card


def shipped() -> dict[Path, tuple[int, int]]:
    """Size and time of change of every shipped file."""
    return {p: (p.stat().st_size, p.stat().st_mtime_ns) for p in checkpoint.PRETRAINED.rglob("*") if p.is_file()}


def cats(home: Path, sizes: tuple[tuple[int, int], ...] = ((40, 30), (28, 28))) -> Path:
    """A folder of pictures with two classes of 15, bright and dark."""
    rng = np.random.default_rng(0)
    for kind, level in (("bright", 200), ("dark", 20)):
        (home / "data" / "cats" / kind).mkdir(parents=True)
        for i in range(15):
            pixels = (level + rng.integers(0, 40, sizes[i % len(sizes)])).astype(np.uint8)
            Image.fromarray(pixels).save(home / "data" / "cats" / kind / f"{i:02}.png")
    return home / "data" / "cats"


# ---- models --------------------------------------------------------------------------------------------------------------------------


def test_training_a_shipped_model_leaves_what_is_shipped_alone_and_appears_beside_it(home) -> None:
    before, drawn = shipped(), genviz.sample("vae/vae_2d", "mnist", n=2)
    card = trained()
    assert shipped() == before and torch.equal(genviz.sample("vae/vae_2d", "mnist", n=2), drawn)
    assert (card.name, card.entry, card.own) == ("vae/vae_2d_own", "vae_2d", True) and card.path.is_relative_to(home)
    assert checkpoint.card_of("vae/vae_2d_own", "mnist") == card and card in genviz.cards()
    assert genviz.sample("vae/vae_2d_own", "mnist", n=2).shape == (2, 1, 28, 28)
    again = trained(called="mine")
    assert again.name == "vae/mine" and {c.name for c in genviz.cards() if c.own} == {"vae/vae_2d_own", "vae/mine"}


def test_own_models_stand_in_the_menus_behind_the_shipped_ones_and_can_be_asked(home) -> None:
    card = trained(called="mine")
    family = next(f for f in catalogue.build()["families"] if f["name"] == "vae")
    assert [m["name"] for m in family["models"]][-1] == "vae/mine" and family["models"][0]["name"] == "vae/vae_2d"
    entry = family["models"][-1]
    assert entry["data"] == ["mnist"] and entry["title"] == card.title == "VAE, 2-D latent: mine" and "encode" in entry["abilities"]
    assert "own" not in json.loads(card.card_path.read_text(encoding="utf-8")), "its place says so"
    assert [f.x.shape for f in genviz.film("vae/mine", "mnist", n=1)] and Stage("cpu").model("vae/mine", "mnist")
    assert argument.model("vae/mine") == "vae/mine"
    with pytest.raises(KeyError, match="the models are: .*score/plane, vae/mine[.]"):
        argument.model("vae/none")


def test_the_page_can_be_drawn_with_own_models_and_data(home) -> None:
    cats(home)
    trained("vae/vae_2d", "cats")
    known = catalogue.build()
    told = known["data"]["cats"]
    assert (told["title"], told["classes"], told["medium"], told["shape"]) == ("cats", ["bright", "dark"], "image", [1, 28, 28])
    from genviz.ui.card import ModelCard
    from genviz.ui.controls import Controls
    from genviz.ui.start import summary

    for family in known["families"]:
        summary(family, {}), ModelCard(known, family), Controls(family, "p")


def test_an_own_model_can_be_trained_again_and_names_that_cannot_be_are_refused(home) -> None:
    trained(called="mine")
    assert trained("vae/mine").entry == "vae_2d"
    for called, sentence in (("Mine", "cannot be called 'Mine'"), ("../x", "cannot be called"), ("vae", "a model 'vae/vae' already"),
                             ("vae_2d", "is shipped; choose another name, or give --ship")):  # fmt: skip
        with pytest.raises(ValueError, match=sentence):
            trained(called=called)


def test_with_ship_the_shipped_files_are_written_and_no_others(home, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    card = trained(ship=True)
    assert (card.name, card.own) == ("vae/vae_2d", False) and card.path.is_relative_to(tmp_path / "pretrained")
    assert not (home / "models").exists()


def test_an_own_model_of_a_name_that_is_shipped_is_left_out_with_a_sentence(home, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    card = trained()
    assert card.name == "vae/vae_2d" and card.own and not card.entry, "nothing is shipped: the name is free"
    checkpoint.save(checkpoint.load(card), replace(card, own=False))
    known, (fault,) = checkpoint.read_cards()
    assert (
        [c.own for c in known] == [False] and "vae/vae_2d-mnist.json in" in fault and "bears the name of a model that is shipped" in fault
    )


@pytest.mark.parametrize("change, sentence", [
    ({"entry": "none"}, "no model 'vae/none'"), ({"entry": "../vae"}, "no model"), ({"entry": 3}, "has another 'entry'"),
    ({"entry": ""}, "no model 'vae/mine'"), ({"data": "../cats"}, "says that it is"),
    ({"family": "gan"}, "says that it is"), ({"own": "yes"}, "has another 'own'"), ({"recipe": {"stages": [3]}}, "a stage"),
    ({"dtype": "int4"}, "its number format"), ({"recipe": {"stages": 3}}, "a stage of its recipe"),
    ({"recipe": {"stages": [{"learns": 1}]}}, "a stage of its recipe"),
])  # fmt: skip
def test_a_malformed_card_of_an_own_model_is_one_sentence(home, change, sentence) -> None:
    card = trained(called="mine")
    fields = json.loads(card.card_path.read_text(encoding="utf-8")) | change
    card.card_path.write_text(json.dumps(fields), encoding="utf-8")
    faults = catalogue.build()["faults"]
    assert len(faults) == 1 and sentence in faults[0] and "vae/mine-mnist.json" in faults[0] and "\n" not in faults[0]
    with pytest.raises(CheckpointError, match="vae/mine-mnist.json"):
        checkpoint.card_of("vae/mine", "mnist")


def test_a_shipped_card_cannot_claim_another_entry(home, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "PRETRAINED", home / "models")
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path / "nobody"))
    checkpoint.save(_model(), _card(entry="vae_2d"))
    assert checkpoint.read_cards()[0] == [] and "is no name of an own model" in checkpoint.read_cards()[1][0]


def _model():
    from genviz.families import find

    entry = find("vae/vae_2d")[1]
    return entry.model_class()(**entry.args)


def _card(**fields) -> checkpoint.Card:
    from genviz.families import find

    args = dict(find("vae/vae_2d")[1].args)
    return replace(checkpoint.Card("vae", "mine", "mnist", "Mine", args, 1, {}, 1.0, "a CPU", 0), **fields)


def test_figures_of_own_models_are_kept_with_them(home) -> None:
    card, before = trained(called="mine"), shipped()
    row = next(r for r in compare.read() if (r.name, r.data) == ("vae/vae_2d", "mnist"))
    compare.merge([replace(row, name="vae/mine", sha256=card.sha256)])
    assert {r.name for r in compare.read()} >= {"vae/mine", "vae/vae_2d"} and shipped() == before
    assert [r["name"] for r in json.loads((home / "models" / "benchmark.json").read_text(encoding="utf-8"))["rows"]] == ["vae/mine"]
    assert likelihoods.path("vae/mine", "mnist").is_relative_to(home) and not likelihoods.path("vae/vae", "mnist").is_relative_to(home)


def test_the_command_of_the_readme_destroys_nothing(home, monkeypatch, capsys) -> None:
    before = shipped()
    monkeypatch.setattr(sys, "argv", ["command", "vae/vae_2d", "mnist", "--budget", "0.02"])
    threads = torch.get_num_threads()
    command.main()
    torch.set_num_threads(threads)
    assert shipped() == before and "wrote " in capsys.readouterr().out and checkpoint.card_of("vae/vae_2d_own", "mnist").own


# ---- data ----------------------------------------------------------------------------------------------------------------------------


def test_a_folder_of_pictures_is_a_data_set_with_a_class_for_each_folder_inside(home) -> None:
    cats(home)
    assert own.found()["cats"].classes == ("bright", "dark") and own.found()["cats"].shape == (1, 28, 28)
    parts = {split: examples("cats", split) for split in ("train", "held_out", "test")}
    assert [len(x) for x, _ in parts.values()] == [24, 3, 3]
    for x, label in parts.values():
        assert x.shape[1:] == (1, 28, 28) and x.dtype == torch.uint8 and label.dtype == torch.int64
        assert ((x.float().mean((1, 2, 3)) > 128) == (label == 0)).all()
    every = torch.cat([x for x, _ in parts.values()])
    assert len({x.numpy().tobytes() for x in every}) == 30, "no picture is in two parts"


def test_pictures_without_folders_are_one_class(home) -> None:
    (home / "data" / "dogs").mkdir(parents=True)
    for i in range(12):
        Image.fromarray(np.full((30, 30), 20 * i, np.uint8)).save(home / "data" / "dogs" / f"{i}.png")
    assert own.found()["dogs"].classes == ("all",) and set(examples("dogs", "train")[1].tolist()) == {0}


def test_a_model_of_images_can_be_trained_on_an_own_data_set_under_its_own_name(home) -> None:
    cats(home)
    card = trained("vae/vae_2d", "cats")
    assert (card.name, card.data, card.entry) == ("vae/vae_2d", "cats", "")
    assert card.trained_on == "24 of the 27 training images; 3 held out for selection"
    assert card.metrics[0]["protocol"] == "3 held-out training images, fixed noise"
    assert genviz.sample("vae/vae_2d", "cats", n=1).shape == (1, 1, 28, 28)
    with pytest.raises(KeyError, match="'vae/plane' knows no data set 'cats'"):
        trained("vae/plane", "cats")


def test_a_model_that_is_told_classes_refuses_a_data_set_of_more_than_it_knows(home) -> None:
    rng = np.random.default_rng(0)
    for kind in "abcdefghijkl":
        (home / "data" / "letters" / kind).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(rng.integers(0, 255, (28, 28)).astype(np.uint8)).save(home / "data" / "letters" / kind / f"{i}.png")
    with pytest.raises(ValueError, match="gan/conditional_gan knows ten classes, and 'letters' has more."):
        trained("gan/conditional_gan", "letters")
    assert trained("vae/vae_2d", "letters").data == "letters", "it is not told any"


def test_a_history_on_an_own_data_set_keeps_no_distance_that_no_classifier_can_tell(home) -> None:
    cats(home)
    from genviz.families import find
    from genviz.training.history import History

    entry = find("gan/conditional_gan")[1]
    model = entry.model_class()(coarse=8, fine=8, widths=(8, 8, 8))
    history = History(model, "cats")
    history.snapshot(model, model.state_dict(), 0)
    kept = history.tensors()
    assert "frechet" not in kept and kept["pictures"].shape == (1, 60, 28, 28) and kept["step"].tolist() == [0]


@pytest.mark.parametrize("spoil, sentence", [
    (lambda folder: (folder / "dark" / "00.png").write_bytes(b"no picture"), "dark/00.png cannot be learnt from: This file is no picture"),
    (lambda folder: [p.unlink() for p in folder.rglob("*.png")], "The data set 'cats' has 0 pictures; it takes 10 at least."),
])  # fmt: skip
def test_a_folder_that_cannot_be_learnt_from_says_why(home, spoil, sentence) -> None:
    spoil(cats(home))
    with pytest.raises(FileError, match=sentence):
        examples("cats", "train")


def test_names_that_are_taken_or_odd_are_no_data_sets(home) -> None:
    for name in ("mnist", "rings", "My Cats", ".hidden", "-x"):
        (home / "data" / name).mkdir(parents=True)
    assert own.names() == () and examples("rings", "train")[0].shape == (50_000, 2)
    with pytest.raises(
        KeyError, match="There is no data set 'birds'; there are mnist, .* A folder of pictures in .*home/data would be one."
    ):
        examples("birds", "train")


def test_a_data_set_of_torchvision_is_known_by_name_where_it_is_on_disk(home, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GENVIZ_DATA", str(tmp_path))
    assert "kmnist" not in own.names()
    raw = tmp_path / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + np.array([20, 28, 28], ">i4").tobytes() + bytes(range(20)) * 784)
    (raw / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + np.array([20], ">i4").tobytes() + bytes(i % 10 for i in range(20)))
    for part in ("images-idx3", "labels-idx1"):
        (raw / f"t10k-{part}-ubyte").write_bytes((raw / f"train-{part}-ubyte").read_bytes())
    own._torchvision.cache_clear()
    x, label = examples("kmnist", "train")
    assert own.found()["kmnist"].title == "KMNIST" and x.shape == (16, 1, 28, 28) and label.max() <= 9
    (raw / "train-images-idx3-ubyte").write_bytes(b"cut")
    own._torchvision.cache_clear()
    with pytest.raises(FileError, match="KMNIST in .* cannot be read"):
        examples("kmnist", "train")


def test_own_names_need_no_torch() -> None:
    code = "from genviz import checkpoint; from genviz.data import own; checkpoint.cards(); own.found(); "
    code += "import sys; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True, timeout=120)
    assert run.stdout.strip() == "False"
