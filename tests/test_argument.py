"""What commands and the Python API are given: a wrong value is one sentence and status 2, the same sentence in Python."""

from __future__ import annotations

import importlib
import io
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import genviz
from genviz import argument, file, premiere, train
from genviz import map as maps
from genviz.compare import __main__ as compare
from genviz.data import exhibit, idx, images
from genviz.engine import Engine
from genviz.likelihoods import __main__ as likelihoods
from genviz.metrics import classifier

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def threads_stay():
    """A command may set torch's threads; other tests are not to notice."""
    was = torch.get_num_threads()
    yield
    torch.set_num_threads(was)


@pytest.mark.parametrize("read, wrong", [
    (argument.seed, ("x", -1, 2**32, None, 1.5, True, "1e999", [], "nan")),
    (argument.threads, ("-3", 0, "x", 10**9, "")),
    (argument.port, ("0", 65536, "http", -1)),
    (argument.minutes, ("0", "-1", "nan", "inf", "soon", True)),
    (argument.device, ("gpu", "cuda:", "cuda:x", "cpu:1", None, "", "mps:0", "CUDA")),
    (argument.model, ("vae", "vae/none", "", None, 3, ["vae/vae"], "/")),
    (argument.one_of("data set", ("mnist",)), ("x", None, "", ["mnist"])),
], ids=lambda v: getattr(v, "__name__", ""))  # fmt: skip
def test_a_wrong_value_is_a_sentence(read, wrong) -> None:
    for value in wrong:
        with pytest.raises((ValueError, KeyError)) as refused:
            read(value)
        sentence = refused.value.args[0]
        assert sentence[0] in "'T" and sentence.endswith(".") and "\n" not in sentence


def test_right_values_pass() -> None:
    assert (argument.seed("3"), argument.seed(3.0), argument.threads("4"), argument.minutes("0.5")) == (3, 3, 4, 0.5)
    assert [argument.device(d) for d in ("auto", "cpu", "cuda:1", "mps")] == ["auto", "cpu", "cuda:1", "mps"]
    assert argument.pick_device("cpu") == "cpu" and argument.pick_device() in ("cpu", "cuda", "mps")


# ---- commands ------------------------------------------------------------------------------------------------------------------------

WRONG = {
    "a device that is not here": (train.main, "vae/vae mnist --device cuda:77", "This machine has no device 'cuda:77'; it has cpu"),
    "no device": (train.main, "vae/vae mnist --device gpu", "There is no device 'gpu'; there are auto, cpu, cuda, mps."),
    "threads below zero": (train.main, "vae/vae mnist --threads -3", "'threads' must lie between 1 and 1024, not -3."),
    "a budget of nothing": (train.main, "vae/vae mnist --budget 0", "'budget' must lie between"),
    "a seed of words": (train.main, "vae/vae mnist --seed x", "'seed' must be a whole number, not 'x'."),
    "images for points": (train.main, "vae/vae two_moons", "'vae/vae' knows no data set 'two_moons'; it knows mnist, fashion_mnist."),
    "an unknown model": (train.main, "vae/none mnist", "There is no model 'vae/none'; the models are: "),
    "a model alone": (train.main, "vae/vae", "name a model and a data set, or give --all"),
    "no encoder": (maps.main, "gan/gan mnist", "gan/gan has no encoder"),
    "an unknown map": (maps.main, "vae/vae rings", "There is no data set of images 'rings'; there are mnist, fashion_mnist."),
    "a model without weights": (maps.main, "vae/untrained mnist", "There is no model"),
    "one neighbour": (maps.main, "vae/vae mnist --n-neighbors 1", "'n_neighbors' must lie between 2 and"),
    "a distance of words": (maps.main, "vae/vae mnist --min-dist far", "'min_dist' must be a number, not 'far'."),
    "compare nothing": (compare.main, "--only vae/none mnist", "There is no model 'vae/none'"),
    "compare points": (compare.main, "--only vae/vae rings", "'vae/vae' knows no data set 'rings'"),
    "too few": (compare.main, "--samples 3", "'samples' must lie between 10 and 10000, not 3."),
    "no threads": (compare.main, "--threads 0", "'threads' must lie between"),
    "score nothing": (likelihoods.main, "vae/none", "There is no model 'vae/none'"),
    "score points": (likelihoods.main, "vae/vae rings", "There is no data set of images 'rings'"),
    "a film of nobody": (premiere.main, "nobody", "There is no family 'nobody'; there are gan, "),
    "a classifier of points": (classifier.main, "rings", "invalid choice: 'rings'"),
}


@pytest.mark.parametrize("main, given, sentence", WRONG.values(), ids=WRONG)
def test_a_command_says_one_sentence_and_ends_with_2(monkeypatch, capsys, main, given, sentence) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *given.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2 and sentence in said.err and "Traceback" not in said.err and not said.out
    assert said.err.strip().split("\n")[-1].count(sentence) == 1


def test_a_command_names_data_that_are_damaged_or_missing(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("GENVIZ_DATA", str(tmp_path))
    monkeypatch.setenv("GENVIZ_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(images, "download", lambda data, missing: (_ for _ in ()).throw(missing))
    images.images.cache_clear()
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + bytes(1000))
    for main, given, sentence in (
        (train.main, "vae/vae mnist", "MNIST/raw/train-images-idx3-ubyte is damaged"),
        (train.main, "vae/vae fashion_mnist", "GENVIZ_DATA names the folder that holds FashionMNIST/raw"),
        (exhibit.main, "", "GENVIZ_DATA names the folder that holds MNIST/raw"),
        (classifier.main, "mnist", "MNIST/raw/train-images-idx3-ubyte is damaged"),
    ):
        monkeypatch.setattr(sys, "argv", ["command", *given.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err
        assert ended.value.code == 2 and sentence in said and len(said.strip().split("\n")) == 1
    assert not idx.at_hand("mnist")


COMMANDS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
    for path in (ROOT / "genviz").rglob("*.py")
    if "__main__" in path.read_text(encoding="utf-8") or path.name == "__main__.py"
)


def command(name: str):
    """The main() of python -m `name`."""
    place = ROOT.joinpath(*name.split("."))
    return importlib.import_module(f"{name}.__main__" if place.is_dir() else name).main


def test_there_are_commands() -> None:
    assert {"genviz.train", "genviz.make", "genviz.compare", "genviz.map", "genviz.likelihoods", "genviz.premiere"} < set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_and_refuses_what_it_does_not_know(monkeypatch, capsys, name) -> None:
    for given, code in (("--help", 0), ("--no-such-thing", 2)):
        monkeypatch.setattr(sys, "argv", ["command", given])
        with pytest.raises(SystemExit) as ended:
            command(name)()
        said = capsys.readouterr()
        called = "genviz" if name in ("genviz", "genviz.ui.command") else f"python -m {name}"  # it says how it was called
        assert ended.value.code == code and f"usage: {called}" in said.out + said.err
        assert "Traceback" not in said.err and (code == 0 or said.err.strip().split("\n")[-1].startswith(f"{called}: error: "))
        assert code or len([line for line in said.out.split("\n") if line.endswith((".", ".)"))]) >= 1, "it says what it is for"


@pytest.mark.parametrize("name, given", [
    ("genviz.train", "vae/vae_2d mnist"), ("genviz.train", "vae/vae_2d mnist --ship"),
    ("genviz.make", "vae/vae_2d --data mnist --name mine"), ("genviz.compare", "--only vae/vae_2d mnist"),
    ("genviz.likelihoods", "vae/vae_2d mnist"), ("genviz.map", "vae/vae mnist"),
    ("genviz.premiere", "vae"), ("genviz.metrics.classifier", "mnist"),
], ids=lambda v: v.replace("genviz.", ""))  # fmt: skip
def test_a_folder_that_cannot_be_written_is_said_before_the_work_is_done(monkeypatch, capsys, name, given) -> None:
    closed: list[Path] = []

    def refuse(folder: Path) -> None:
        closed.append(folder)
        raise file.FileError(f"Nothing can be written into {folder}: permission denied.")

    monkeypatch.setattr(file, "must_be_writable", refuse)
    monkeypatch.setattr(file, "write", lambda path, packed: pytest.fail(f"{path} was written"))
    monkeypatch.setattr(sys, "argv", ["command", *given.split()])
    with pytest.raises(SystemExit) as ended:
        command(name)()
    said = capsys.readouterr()
    assert ended.value.code == 2 and closed
    assert said.err.strip().split("\n")[-1] == f"python -m {name}: Nothing can be written into {closed[0]}: permission denied."


def test_a_place_that_is_no_folder_cannot_be_written_into(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(file.FileError, match="Nothing can be written into .*file/models: not a directory"):
        file.must_be_writable(tmp_path / "file" / "models")
    file.must_be_writable(tmp_path / "new" / "models")
    assert [*(tmp_path / "new" / "models").iterdir()] == [], "no trace is left"


def test_a_bar_follows_what_tells_of_progress_and_counts_what_does_not(monkeypatch, capsys) -> None:
    from tqdm import tqdm

    seen: list[tuple[float, float | None]] = []
    update = tqdm.update
    monkeypatch.setattr(tqdm, "update", lambda bar, n=1: (update(bar, n), seen.append((bar.n, bar.total))))
    items = [argument.Progress("one", 1, 3), argument.Progress("one", 3, 3), argument.Progress("two", 1, 2)]
    assert [*argument.Command("some", "").bar(iter(items), "title")] == items and seen == [(1, 3), (3, 3), (1, 2)]
    seen.clear()
    assert [*argument.Command("some", "").bar(["a", "b"])] == ["a", "b"] and seen == [(1, 2), (2, 2)]
    assert capsys.readouterr().err == "", "nothing is shown of what takes less than a second"


def test_an_app_that_cannot_serve_says_why_and_ends(tmp_path) -> None:
    """A port that is taken, a device that is not here, a port that is none: status 2 and one sentence, no traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = str(taken.getsockname()[1])
        for given, sentence in (
            (["--port", busy], f"python app.py: Nothing can be served at 127.0.0.1, port {busy}: address already in use; choose another"),
            (["--port", "99999"], "argument --port: 'port' must lie between 1 and 65535, not 99999."),
            (["--host", "no.such.host.invalid"], "Nothing can be served at no.such.host.invalid"),
            (["--device", "gpu"], "argument --device: There is no device 'gpu'"),
        ):
            run = subprocess.run([sys.executable, "app.py", *given], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300)
            assert run.returncode == 2 and sentence in run.stderr and "Traceback" not in run.stderr, run.stderr


def test_a_worker_without_its_device_says_so() -> None:
    sentence = "The worker cannot start: This machine has no device 'cuda:77'; it has cpu"
    with Engine("cuda:77") as engine, pytest.raises(RuntimeError, match=sentence):
        engine.catalogue()


# ---- Python --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given, error, sentence", [
    ({"n": 0}, ValueError, "'n' must lie between 1 and 1024, not 0."),
    ({"n": "x"}, ValueError, "'n' must be a whole number, not 'x'."),
    ({"n": True}, ValueError, "'n' must be a whole number, not True."),
    ({"seed": "x"}, ValueError, "'seed' must be a whole number, not 'x'."),
    ({"seed": -1}, ValueError, "'seed' must lie between 0 and 4294967295, not -1."),
    ({"device": "cuda:77"}, ValueError, "This machine has no device 'cuda:77'; it has cpu"),
    ({"device": ["cpu"]}, ValueError, "There is no device ['cpu']"),
    ({"name": "vae/none"}, KeyError, "There is no model 'vae/none'; the models are: "),
    ({"name": None}, KeyError, "There is no model 'None'"),
    ({"data": "two_moons"}, KeyError, "'vae/vae' knows no data set 'two_moons'; it knows mnist, fashion_mnist."),
    ({"data": ["mnist"]}, KeyError, "knows no data set"),
    ({"walk": "fly"}, ValueError, "vae/vae has no walk 'fly'; it has "),
    ({"warmth": 1}, ValueError, "There is no knob 'warmth' here"),
    ({"given": [1]}, ValueError, "'given' must be arrays by name"),
    ({"given": {"x": "words"}}, ValueError, "An image is needed here: 28 x 28 grey pixels."),
    ({"given": {"x": [["words"]]}}, ValueError, "'x' must be an array of numbers."),
    ({"given": {"y": 1.0}}, ValueError, "The walk 'sample' of vae/vae cannot begin like this: got an unexpected keyword argument 'y'."),
], ids=str)  # fmt: skip
def test_python_says_the_same_sentences(given, error, sentence) -> None:
    with pytest.raises(error) as refused:
        genviz.sample(**{"name": "vae/vae", "data": "mnist"} | given)
    assert sentence in refused.value.args[0]


def test_whole_numbers_come_in_many_forms() -> None:
    assert torch.equal(genviz.sample("vae/vae_2d", "mnist", n="2", seed=3.0), genviz.sample("vae/vae_2d", "mnist", n=2, seed=3))


def test_words_can_be_printed_whatever_the_encoding_of_the_output(monkeypatch) -> None:
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    argument.Command("some", "")
    print("\U0001f528 \u00b7")
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue().split() == [b"\\U0001f528", b"\xb7"]
