"""Cards and weights: what is saved comes back; what is wrong is refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy import ENTRY, FAMILY, Toy

import genviz.families
from genviz import checkpoint
from genviz.checkpoint import Card, CheckpointError
from genviz.data import of
from genviz.model import Model


@pytest.fixture
def card(tmp_path, monkeypatch) -> Card:
    find = genviz.families.find
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    monkeypatch.setattr(genviz.families, "find", lambda name: (FAMILY, ENTRY) if name == "test/toy" else find(name))
    torch.manual_seed(0)
    model = Toy()
    fresh = Card("test", "toy", "mnist", "Toy", {"z_dim": 4}, sum(p.numel() for p in model.parameters()), {}, 1.0, "a CPU", 0)
    return checkpoint.save(model, fresh)


def test_round_trip(card: Card) -> None:
    torch.manual_seed(0)
    model, loaded = Toy(), checkpoint.load(card)
    assert not loaded.training and not any(p.requires_grad or p.is_meta for p in loaded.parameters())
    for (name, a), b in zip(model.named_parameters(), loaded.parameters(), strict=True):
        assert b.dtype == torch.float32 and torch.allclose(a, b, atol=1e-3), name
    assert checkpoint.cards() == [card] and checkpoint.card_of("test/toy", "mnist") == card
    assert card.path.suffix == ".safetensors" and card.metric("nothing") is None


def test_wrong_hash_is_refused(card: Card) -> None:
    data = bytearray(card.path.read_bytes())
    data[-1] ^= 1
    card.path.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match="sha256"):
        checkpoint.load(card)


def test_truncated_file_is_refused(card: Card) -> None:
    whole = card.path.read_bytes()
    card.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="sha256"):
        checkpoint.load(card)
    import hashlib

    cut = replace(card, sha256=hashlib.sha256(card.path.read_bytes()).hexdigest())
    with pytest.raises(CheckpointError, match="no readable safetensors"):
        checkpoint.load(cut)


@pytest.mark.parametrize("change", ["shape", "absent", "foreign"])
def test_foreign_tensors_are_refused(card: Card, change: str) -> None:
    import hashlib

    state = load_file(card.path)
    if change == "shape":
        state["decoder.bias"] = torch.zeros(783)
    elif change == "absent":
        del state["decoder.bias"]
    else:
        state["stranger"] = torch.zeros(1)
    save_file(state, card.path)
    altered = replace(card, sha256=hashlib.sha256(card.path.read_bytes()).hexdigest())
    with pytest.raises(CheckpointError, match="decoder.bias" if change != "foreign" else "stranger"):
        checkpoint.load(altered)


def test_missing_weights_and_unknown_names(card: Card) -> None:
    card.path.unlink()
    with pytest.raises(CheckpointError, match="python -m genviz.train test/toy mnist"):
        checkpoint.load(card)
    with pytest.raises(KeyError, match="the models are: "):
        checkpoint.card_of("vae/nothing", "mnist")
    with pytest.raises(KeyError, match="knows no data set"):
        checkpoint.card_of("test/toy", "cifar")
    card.path.with_suffix(".json").unlink()
    with pytest.raises(KeyError, match="not trained on 'mnist' yet"):
        checkpoint.card_of("test/toy", "mnist")


def test_other_json_is_no_card(card: Card) -> None:
    (card.path.parent / "other.json").write_text(json.dumps({"sha256": "0"}), encoding="utf-8")
    assert checkpoint.cards() == [card]


def test_every_shipped_card_is_whole() -> None:
    shipped = checkpoint.cards()
    assert shipped, "no weights are shipped"
    for card in shipped:
        model = checkpoint.load(card)
        assert sum(p.numel() for p in model.parameters()) == card.parameters
        assert card.seconds > 0 and card.recipe
        lossless = type(model).loss is Model.loss  # a game: nothing to report of held-out points
        assert card.metrics or (lossless and card.data in of("points"))
        assert all(m["protocol"] and m["command"] for m in card.metrics)
        assert card.path.stat().st_size < 9_000_000


# ---- rows of whole numbers -----------------------------------------------------------------------------------------------------------


def test_int8_keeps_each_row_to_half_a_step_and_its_file_again_the_same(card: Card) -> None:
    torch.manual_seed(0)
    model = Toy()
    with torch.no_grad():
        model.decoder.weight[0] = 0.0
        model.decoder.weight[1] *= 100
    small = checkpoint.save(model, card, dtype="int8")
    file = small.path.read_bytes()
    loaded, stored = checkpoint.load(small), load_file(small.path)
    assert small.dtype == "int8" and stored["decoder.weight"].dtype == torch.int8 and stored["decoder.weight.scale"].dtype == torch.float16
    assert stored["decoder.weight.scale"].shape == (784,) and stored["decoder.bias"].dtype == torch.float16, "a bias has no rows"
    scale = stored["decoder.weight.scale"].float()[:, None]
    assert ((loaded.decoder.weight - model.decoder.weight).abs() <= 0.51 * scale).all() and not loaded.decoder.weight[0].any()
    assert len(file) < 0.9 * checkpoint.save(model, card).path.stat().st_size
    again = checkpoint.save(loaded, small)
    assert again.path.read_bytes() == file and again.sha256 == small.sha256 and checkpoint.card_of("test/toy", "mnist") == small


@pytest.mark.parametrize("spoil, sentence", [
    (lambda s: s.pop("decoder.weight.scale"), "'decoder.weight' has no scale"),
    (lambda s: s.update({"decoder.weight.scale": torch.ones(3)}), "'decoder.weight' and its scale do not fit each other"),
    (lambda s: s.update({"decoder.weight": torch.ones(784, 4)}), "'decoder.weight' and its scale do not fit each other"),
    (lambda s: s.pop("decoder.weight"), "'decoder.weight' is absent in the file"),
])  # fmt: skip
def test_int8_without_its_scales_is_refused(card: Card, spoil, sentence: str) -> None:
    import hashlib

    small = checkpoint.save(Toy(), card, dtype="int8")
    state = load_file(small.path)
    spoil(state)
    save_file(state, small.path)
    with pytest.raises(CheckpointError, match=f"test/toy-mnist.safetensors .*{sentence}"):
        checkpoint.load(replace(small, sha256=hashlib.sha256(small.path.read_bytes()).hexdigest()))


def test_weights_too_large_for_int8_are_not_written(card: Card) -> None:
    model = Toy()
    torch.nn.init.constant_(model.decoder.weight, 1e8)
    before = card.path.read_bytes()
    with pytest.raises(ValueError, match="'decoder.weight' are too large to be kept in int8"):
        checkpoint.save(model, card, dtype="int8")
    assert card.path.read_bytes() == before
