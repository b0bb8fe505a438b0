"""Files from outside: a bad one is named in a sentence, and everything else works."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load as unpacked
from safetensors.numpy import save as packed

from genviz import catalogue, checkpoint, compare, file, likelihoods, premiere
from genviz import map as maps
from genviz.checkpoint import CheckpointError
from genviz.data import exhibit as exhibits
from genviz.data import plane
from genviz.engine.stage import Stage
from genviz.families.gan.watched import history
from genviz.file import FileError, FileWarning
from genviz.metrics import classifier

SHIPPED = checkpoint.PRETRAINED
POINTER = file.POINTER + b"\noid sha256:4d7a\nsize 12345\n"
CARDS, WEIGHTS = 100, 40  # damaged files of each kind


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> Path:
    """A copy of everything that is shipped, to be damaged."""
    root = tmp_path / "pretrained"
    shutil.copytree(SHIPPED, root)
    monkeypatch.setattr(checkpoint, "PRETRAINED", root)
    monkeypatch.setattr(exhibits, "FOLDER", root / "exhibit")
    monkeypatch.setattr(plane, "FOLDER", root / "exhibit")
    monkeypatch.setenv("GENVIZ_PRETRAINED", str(root))
    remembered = (exhibits.exhibit, plane.truth, maps.read, likelihoods.counted, classifier._load, file.warn)
    for one in remembered:
        one.cache_clear()
    yield root
    for one in remembered:
        one.cache_clear()


# ---- one file ------------------------------------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "pointer").write_bytes(POINTER)
    (tmp_path / "closed").touch()
    os.mkfifo(tmp_path / "pipe")
    read = Path.read_bytes

    def closed(path: Path) -> bytes:
        if path.name == "closed":  # root may read what nobody may
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", closed)
    for name, sentence in {
        "missing": "is missing", "folder": "is a folder where a file should be", "pipe": "is no plain file",
        "closed": "cannot be read: permission denied", "pointer": "is a Git LFS pointer, not the file: run git lfs pull",
        "pointer/below": "is missing",
    }.items():  # fmt: skip
        with pytest.raises(FileError, match=f"{Path(name).name} {sentence}"):
            file.content(tmp_path / name)


@pytest.mark.parametrize("text", [
    b"", b"{", b'{"a": 1,}', b"\xff\xfe{}", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": 99999999999999999999999}', b'{"a": -9007199254740993}',
    b'{"a": "\\ud800"}', b"[" * 100_000, b"[" * 20 + b"]" * 20, b'{"a": "\xb7"}', POINTER,
])  # fmt: skip
def test_json_that_a_page_could_not_show_is_refused(tmp_path, text) -> None:
    (tmp_path / "some.json").write_bytes(text)
    with pytest.raises(FileError, match="some.json is "):
        file.read_json(tmp_path / "some.json")


def test_json_is_read_in_utf8_with_or_without_a_mark(tmp_path) -> None:
    for text in ('{"a": "\u00b7 \u5c71"}', '\ufeff{"a": "\u00b7 \u5c71"}'):
        (tmp_path / "some.json").write_bytes(text.encode())
        assert file.read_json(tmp_path / "some.json") == {"a": "\u00b7 \u5c71"}


def test_a_full_disk_is_called_so_and_the_old_file_stays(tmp_path, monkeypatch) -> None:
    file.write(tmp_path / "runs" / "some", b"old")

    def full(path: Path, data: bytes) -> int:
        with open(path, "wb") as half:
            half.write(data[:2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FileError, match="runs/some cannot be written: the disk is full"):
        file.write(tmp_path / "runs" / "some", b"new")
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["some"] and (tmp_path / "runs" / "some").read_bytes() == b"old"


# ---- cards ---------------------------------------------------------------------------------------------------------------------------


def text(change: Callable[[dict, random.Random], object]) -> Callable[[bytes, random.Random], bytes]:
    """A way to damage the JSON file of a card by a change of what it holds."""

    def damage(whole: bytes, draw: random.Random) -> bytes:
        card = json.loads(whole)
        changed = change(card, draw)
        return json.dumps(card if changed is None else changed).encode()

    return damage


FOREIGN = (None, True, -1, 1e12, "x" * 5000, [], {}, [[]], {"a": {"b": 1}}, "\ud800", 2**60, 0.5)


def retype(card: dict, draw: random.Random) -> None:
    name = draw.choice([k for k in card if k != "metrics"])
    card[name] = draw.choice([v for v in FOREIGN if type(v) is not type(card[name])])


def remetric(card: dict, draw: random.Random) -> None:
    card["metrics"] = [*card["metrics"], draw.choice(({}, 7, None, {"name": "a"}, {"name": 1, "value": "x", "unit": 0, "protocol": 0}))]


# How a card is damaged, and whether it certainly is none any more.
DAMAGE: dict[str, tuple[Callable[[bytes, random.Random], bytes], bool]] = {
    "cut short": (lambda whole, draw: whole[: draw.randrange(len(whole) - 2)], True),
    "empty": (lambda whole, draw: b"", True),
    "other bytes": (lambda whole, draw: draw.randbytes(draw.randrange(1, 3000)), True),
    "a byte altered": (lambda whole, draw: whole[: (i := draw.randrange(len(whole)))] + draw.randbytes(1) + whole[i + 1 :], False),
    "another encoding": (lambda whole, draw: whole.decode().encode("utf-16"), True),
    "a pointer": (lambda whole, draw: POINTER, True),
    "no object": (text(lambda card, draw: draw.choice((None, 3, "card", [card], True)) or [1]), True),
    "a field less": (text(lambda card, draw: card.pop(draw.choice(("family", "model", "data", "args", "seed"))) and None), True),
    "a field more": (text(lambda card, draw: card.update({draw.choice(("schema", "x" * 400, "")): 2})), True),
    "another type": (text(retype), False),
    "another place": (text(lambda card, draw: card.update({draw.choice(("family", "model", "data")): "../../" + "x" * 9})), True),
    "another model": (text(lambda card, draw: card.update(model="plane" if card["model"] != "plane" else "vae")), True),
    "a hash cut": (text(lambda card, draw: card.update(sha256=card["sha256"][: draw.randrange(64)])), True),
    "huge arguments": (text(lambda card, draw: card["args"].update(z_dim=10**9)), True),
    "no numbers": (text(lambda card, draw: card.update(seconds=draw.choice((float("nan"), float("inf"), -1)))), True),
    "foreign metrics": (text(remetric), True),
    "a name of its own": (text(lambda card, draw: card.update(entry=draw.choice(("vae", "none", "../..", 7, card["model"])))), True),
    "foreign stages": (text(lambda card, draw: card["recipe"].update(stages=draw.choice((3, {}, [1], [{"learns": 2}])))), True),
    "another number format": (text(lambda card, draw: card.update(dtype=draw.choice(("int4", "", "INT8", "float64")))), True),
    "too deep": (lambda whole, draw: b'{"family":' * 5000 + b"1" + b"}" * 5000, True),
}  # fmt: skip


def test_a_hundred_malformed_cards_stop_nothing(shipped) -> None:
    """Each is left out with a sentence that names its file, or was not harmed; all others stay, and the whole page can be drawn."""
    from genviz.ui.card import ModelCard
    from genviz.ui.start import summary, told

    draw, whole, done = random.Random(17), {(c.name, c.data) for c in checkpoint.cards()}, 0
    paths = sorted(p for p in shipped.glob("*/*.json") if p.parent.name != "classifier")
    kinds = [*DAMAGE.items()]
    while done < CARDS:
        chosen = {path: kinds[(done + i) % len(kinds)] for i, path in enumerate(draw.sample(paths, 20))}
        before = {path: path.read_bytes() for path in chosen}
        for path, (_, (damage, _)) in chosen.items():
            path.write_bytes(damage(before[path], draw))
        known = catalogue.build()
        json.dumps(known, allow_nan=False, ensure_ascii=False).encode()
        left = {(m["name"], data) for f in known["families"] for m in (*f["models"], *f["planes"]) for data in m["cards"]}
        for path, (kind, (_, certain)) in chosen.items():
            name = path.stem.rpartition("-")
            here, faults = (f"{path.parent.name}/{name[0]}", name[2]), [s for s in known["faults"] if file.shown(path) in s]
            assert (here in left) == (not faults), f"{path.name}, {kind}: {known['faults']}"
            assert not certain or len(faults) == 1, f"{path.name}, {kind} passed for a card"
            assert all(s[-1:] in ".)" and "\n" not in s and len(s) < 500 for s in faults) or "lfs" in faults[0], faults
        assert whole - left == {(f"{p.parent.name}/{(n := p.stem.rpartition('-'))[0]}", n[2]) for p in chosen} - left
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FileWarning)
            for family in known["families"]:
                summary(family, {}), ModelCard(known, family)
            page = told(known["faults"])
            assert page.startswith(f"Left out: {known['faults'][0]} ") and "more files were left out; the terminal names them." in page
        for path, content in before.items():
            path.write_bytes(content)
        done += len(chosen)
    assert catalogue.build()["faults"] == [] and told([]) == ""


def test_a_damaged_card_is_told_to_whoever_asks_for_it(shipped) -> None:
    card = checkpoint.card_of("vae/vae", "mnist")
    path = card.path.with_suffix(".json")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CheckpointError, match=r"vae/vae-mnist.json is no whole JSON file \(line 1?\d"):
        checkpoint.card_of("vae/vae", "mnist")
    with pytest.warns(FileWarning, match="vae/vae-mnist.json") as seen:
        assert len(checkpoint.cards()) == len(checkpoint.cards()) > 10
    assert len(seen) == 1, "once"
    assert checkpoint.card_of("vae/vae_2d", "mnist")
    path.unlink()
    path.mkdir()
    with pytest.raises(CheckpointError, match="vae-mnist.json is a folder"):
        Stage("cpu").model("vae/vae", "mnist")


# ---- weights -------------------------------------------------------------------------------------------------------------------------


def renamed(whole: bytes, draw: random.Random) -> bytes:
    tensors = unpacked(whole)
    tensors["stranger"] = tensors.pop(draw.choice(sorted(tensors)))
    return packed(tensors)


def reshaped(whole: bytes, draw: random.Random) -> bytes:
    tensors = unpacked(whole)
    name = draw.choice(sorted(tensors))
    return packed(tensors | {name: np.zeros((*tensors[name].shape, 2), np.float16)})


WOUNDS = (
    lambda whole, draw: whole[: draw.randrange(len(whole))],
    lambda whole, draw: whole + draw.randbytes(8),
    lambda whole, draw: draw.randbytes(len(whole)),
    lambda whole, draw: whole[:4] + draw.randbytes(4) + whole[8:],
    lambda whole, draw: whole[:8] + draw.randbytes(40) + whole[48:],
    lambda whole, draw: POINTER,
    lambda whole, draw: packed({}),
    renamed,
    reshaped,
    lambda whole, draw: whole[:-1] + bytes([whole[-1] ^ 1]),
)  # fmt: skip


@pytest.mark.parametrize("known", [True, False], ids=["of the card's hash", "of another hash"])
def test_forty_damaged_weight_files_stop_nothing(shipped, known) -> None:
    """Each is refused with a sentence that names it, whether or not its hash is the card's; the others load."""
    draw = random.Random(40 + known)
    paths = sorted(shipped.glob("*/plane-*.safetensors"))
    for number in range(WEIGHTS // 2):
        path, wound = draw.choice(paths), WOUNDS[number % (len(WOUNDS) - known)]  # a bit that differs is told by the hash alone
        whole, passport = path.read_bytes(), path.with_suffix(".json").read_bytes()
        path.write_bytes(wound(whole, draw))
        if known:
            card = json.loads(passport) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            path.with_suffix(".json").write_bytes(json.dumps(card).encode())
        name, data = f"{path.parent.name}/plane", path.stem.partition("-")[2]
        with pytest.raises(CheckpointError, match=f"{path.parent.name}/{path.name}") as refused:
            Stage("cpu").model(name, data)
        assert "\n" not in str(refused.value) and len(str(refused.value)) < 400
        other = next(p for p in paths if p != path)
        assert Stage("cpu").model(f"{other.parent.name}/plane", other.stem.partition("-")[2])
        path.write_bytes(whole)
        path.with_suffix(".json").write_bytes(passport)
        assert Stage("cpu").model(name, data)


def test_weights_that_git_lfs_has_not_fetched_are_named_as_such(shipped) -> None:
    for path in ("vae/vae-mnist.safetensors", "gan/gan-mnist.history.safetensors", "exhibit/mnist.png", "map/mnist.safetensors"):
        (shipped / path).write_bytes(POINTER)
    card = checkpoint.card_of("gan/gan", "mnist")
    for name, ask in {
        "vae/vae-mnist.safetensors": lambda: checkpoint.load(checkpoint.card_of("vae/vae", "mnist")),
        "gan/gan-mnist.history.safetensors": lambda: checkpoint.history(card),
        "exhibit/mnist.png": lambda: exhibits.exhibit("mnist"),
        "map/mnist.safetensors": lambda: maps.read("mnist"),
    }.items():
        with pytest.raises(ValueError, match=f"{name} is a Git LFS pointer, not the file: run git lfs pull"):
            ask()


def test_missing_or_closed_weights_are_named(shipped) -> None:
    card = checkpoint.card_of("gan/plane", "rings")
    card.path.unlink()
    with pytest.raises(CheckpointError, match="gan/plane-rings.safetensors is missing; train it with: python -m genviz.train gan/plane"):
        checkpoint.load(card)
    card.path.mkdir()
    with pytest.raises(CheckpointError, match="gan/plane-rings.safetensors is a folder"):
        checkpoint.load(card)


# ---- everything else that is shipped -------------------------------------------------------------------------------------------------

HURT = {"cut": lambda whole: whole[: len(whole) // 2], "empty": lambda whole: b"", "foreign": lambda whole: b"\x89PNG\r\n\x1a\n0000"}


@pytest.mark.parametrize("hurt", HURT)
def test_of_a_damaged_file_only_what_it_feeds_says_so(shipped, hurt) -> None:
    def damage(name: str) -> None:
        (shipped / name).write_bytes(HURT[hurt]((shipped / name).read_bytes()))

    known = catalogue.build()
    family = next(f for f in known["families"] if f["name"] == "vae")
    vae, gan = checkpoint.card_of("vae/vae", "mnist"), checkpoint.card_of("gan/gan", "mnist")
    table = likelihoods.table_hash("mnist")
    for name in ("exhibit/mnist.png", "exhibit/plane.safetensors", "map/fashion_mnist.safetensors", "vae/premiere.png",
                 "likelihood/vae-vae-mnist.safetensors", "likelihood/counts-mnist.safetensors", "classifier/features-mnist.json",
                 "gan/gan-mnist.history.safetensors", "benchmark.json"):  # fmt: skip
        damage(name)
    said = {
        "exhibit/mnist.png": lambda: exhibits.exhibit("mnist"),
        "exhibit/plane.safetensors": lambda: plane.truth("rings"),
        "map/fashion_mnist.safetensors": lambda: maps.read("fashion_mnist"),
        "vae/premiere.png": lambda: premiere.read(known, family),
        "likelihood/vae-vae-mnist.safetensors": lambda: likelihoods.read("vae/vae", "mnist", vae.sha256),
        "likelihood/counts-mnist.safetensors": lambda: likelihoods.counted("mnist"),
        "classifier/features-mnist.json": lambda: classifier.load("mnist"),
        "gan/gan-mnist.history.safetensors": lambda: history(vars(gan)),
    }
    for name, ask in said.items():
        with pytest.raises(ValueError, match=name if "gan/" not in name else Path(name).name) as refused:
            ask()
        assert "\n" not in str(refused.value), name
    assert likelihoods.table_hash("mnist") != table
    assert exhibits.exhibit("fashion_mnist")[0].shape == (5000, 28, 28)
    assert premiere.read(known, next(f for f in known["families"] if f["name"] == "gan"))
    assert classifier.features(torch.zeros(1, 1, 28, 28), "fashion_mnist").shape == (1, 128)
    with pytest.warns(FileWarning):
        assert compare.read() == [] and compare.eye("mnist") == ""
    assert ["benchmark.json" in s for s in compare.faults()] == [True, False] and "features-mnist.json" in compare.faults()[1]


def test_of_a_table_of_figures_the_good_rows_stay_and_nothing_is_lost(shipped) -> None:
    path = shipped / "benchmark.json"
    rows = json.loads(path.read_bytes())["rows"]
    for damage in ({"frechet": "low"}, {"new": 1}, {"samples": None}):
        path.write_bytes(json.dumps({"rows": [rows[0], rows[1] | damage, *rows[2:]]}).encode())
        with pytest.warns(FileWarning, match="Row 2 of pretrained/benchmark.json"):
            found = compare.read()
        assert len(found) == len(rows) - 1
        kept = path.read_bytes()
        with pytest.raises(FileError, match="Restore the file, or delete it"):
            compare.merge(found[:1])
        assert path.read_bytes() == kept
        file.warn.cache_clear()
    path.write_bytes(json.dumps({"rows": [{k: v for k, v in rows[0].items() if k != "kid"}]}).encode())
    assert compare.faults() == ["Row 1 of pretrained/benchmark.json holds no row of GenViz: it lacks 'kid'."]
