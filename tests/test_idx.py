"""The files of the data sets are checked before they are believed."""

from __future__ import annotations

import gzip
import struct
import urllib.error
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from genviz.data import idx
from genviz.data import images as module
from genviz.data.idx import Missing
from genviz.file import FileError

COUNTS = {"train": 60, "t10k": 20}


@pytest.fixture
def raw(tmp_path, monkeypatch) -> Path:
    """A small MNIST in a folder of its own."""
    monkeypatch.setenv("GENVIZ_DATA", str(tmp_path))
    monkeypatch.setattr(idx, "COUNTS", COUNTS)
    monkeypatch.setattr(module, "HELD_OUT", 10)
    module.images.cache_clear()
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for part, n in COUNTS.items():
        (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, n, 28, 28) + bytes(n * 783) + bytes(range(n)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, n) + bytes(i % 10 for i in range(n)))
    yield folder
    module.images.cache_clear()


def test_what_is_there_is_read_as_torchvision_reads_it(raw) -> None:
    whole = datasets.MNIST(raw.parent.parent, train=True)
    parts = [module.images("mnist", split) for split in ("train", "held_out")]
    assert [len(x) for x, _ in parts] == [50, 10] and len(module.images("mnist", "test")[0]) == 20
    assert np.array_equal(np.concatenate([x[:, 0] for x, _ in parts]), whole.data)
    assert np.array_equal(np.concatenate([label for _, label in parts]), whole.targets) and parts[0][1].dtype == whole.targets.dtype
    assert idx.at_hand("mnist") and not idx.at_hand("fashion_mnist") and not idx.at_hand("cifar")


@pytest.mark.parametrize("change, sentence", [
    (lambda held: held[:-1], "has 47,055 bytes in place of 47,056"),
    (lambda held: held + b"\0", "has 47,057 bytes in place of 47,056"),
    (lambda held: b"", "does not begin as such a file does"),
    (lambda held: b"<!DOCTYPE html>" * 99, "does not begin as such a file does"),
    (lambda held: gzip.compress(held), "does not begin as such a file does"),
    (lambda held: struct.pack(">IIII", 2051, 10, 28, 28) + held[16:], "is not of 60 images of 28 x 28"),
    (lambda held: struct.pack(">IIII", 2051, 60, 28, 2**31) + held[16:], "is not of 60 images of 28 x 28"),
])  # fmt: skip
def test_a_damaged_file_is_named_before_it_is_believed(raw, change, sentence) -> None:
    path = raw / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(FileError, match=rf"MNIST/raw/train-images-idx3-ubyte is damaged \(.*{sentence}\): delete it"):
        module.images("mnist", "train")
    with pytest.raises(FileError, match="damaged"):
        idx.training_images("mnist")
    assert len(module.images("mnist", "test")[0]) == 20, "the other files are as they were"


def test_labels_of_no_class_are_damage(raw) -> None:
    path = raw / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0b")
    with pytest.raises(FileError, match="there is no class 11"):
        module.images("mnist", "test")


def test_packed_files_are_as_good_and_no_bomb(raw) -> None:
    path = raw / "train-images-idx3-ubyte"
    held = path.read_bytes()
    path.unlink()
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(held))
    assert np.array_equal(idx.training_images("mnist"), idx.images("mnist", "train")[: -idx.HELD_OUT])
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(held + bytes(10**8)))
    with pytest.raises(FileError, match="47,057 bytes in place of 47,056"):
        module.images("mnist", "train")
    path.with_name(path.name + ".gz").write_bytes(b"no gzip")
    with pytest.raises(FileError, match="cannot be unpacked"):
        module.images("mnist", "train")


@pytest.mark.parametrize("error", [urllib.error.URLError("no network"), PermissionError(13, "Permission denied"), RuntimeError("a\nb")])
def test_without_data_and_network_a_sentence_says_what_to_name(tmp_path, monkeypatch, error) -> None:
    def fails(*_, **options) -> None:
        assert options.get("download")
        raise error

    monkeypatch.setenv("GENVIZ_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(datasets, "FashionMNIST", fails)
    with pytest.raises(Missing, match="GENVIZ_DATA names the folder that holds FashionMNIST/raw. It cannot be downloaded: ") as missing:
        module.images.__wrapped__("fashion_mnist", "train")
    assert "\n" not in str(missing.value)
    assert idx.training_images("fashion_mnist") is None
