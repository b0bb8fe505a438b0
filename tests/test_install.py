"""An installed GenViz, away from its repository: what the wheel holds, that it works from an empty folder, and whose lines are equal."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import genviz

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PLACE = {"GENVIZ_DATA", "GENVIZ_PRETRAINED", "GENVIZ_RUNS", "PYTHONPATH"}  # what would lead back to the repository

DRAW = """
import genviz, torch
from genviz.families import FAMILIES
assert "wheel" in genviz.__file__ or "site-packages" in genviz.__file__, genviz.__file__
assert genviz.cards() and all(len(f.story) > 500 for f in FAMILIES.values())
x = genviz.sample("vae/vae", "mnist", n=2)
assert x.shape == (2, 1, 28, 28) and 0.02 < (x > 0).float().mean() < 0.5, "two digits: bright on black"
print(genviz.__version__)
"""


def lines(name: str) -> set[str]:
    return {line.strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"}


def test_requirements_and_pyproject_say_the_same() -> None:
    extras = PROJECT["optional-dependencies"]
    assert lines("requirements.txt") == {*PROJECT["dependencies"], *extras["map"]}
    assert lines("tests/requirements.txt") == set(extras["test"])
    assert set(extras["train"]) <= lines("requirements.txt")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `pip install .` makes it."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    folder = wheel.parent / "wheel"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    return folder


def alone(command: list[str], at: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A command in an empty folder, with nothing around it that names the repository."""
    kept = {k: v for k, v in os.environ.items() if k not in PLACE} | more
    return subprocess.run(command, cwd=at, env=kept, capture_output=True, encoding="utf-8", timeout=300)


def test_the_wheel_holds_all_that_the_repository_ships(unpacked: Path) -> None:
    """Weights and cards, pictures and scripts of the page, stories, py.typed: whatever git lists under genviz/ and pretrained/."""
    listed = subprocess.run(["git", "ls-files", "genviz", "pretrained"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    wanted = [name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()]
    assert any(n.endswith(".safetensors") for n in wanted) and any(n.endswith(".js") for n in wanted) and "genviz/py.typed" in wanted
    absent = [n for n in wanted if not (unpacked / (f"genviz/{n}" if n.startswith("pretrained/") else n)).is_file()]
    assert absent == []


def test_the_wheel_draws_from_an_empty_folder(unpacked: Path, tmp_path: Path) -> None:
    run = alone([sys.executable, "-c", DRAW], tmp_path, PYTHONPATH=str(unpacked))
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == genviz.__version__ and not list(tmp_path.iterdir())


def test_the_command_genviz_says_what_it_takes(unpacked: Path, tmp_path: Path) -> None:
    """As the script that pip writes calls it."""
    module, name = PROJECT["scripts"]["genviz"].split(":")
    run = alone([sys.executable, "-c", f"from {module} import {name}; {name}()", "--help"], tmp_path, PYTHONPATH=str(unpacked))
    assert run.returncode == 0 and run.stdout.startswith("usage: genviz ") and "--embed" in run.stdout, run.stderr


@pytest.mark.slow
def test_a_fresh_environment_draws(tmp_path: Path) -> None:
    """`pip install .` in an environment of its own: gigabytes and minutes. (That of requirements.txt is what `.ci/run` runs in.)"""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    run = subprocess.run([python, "-m", "pip", "install", "-q", str(ROOT)], capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    (empty := tmp_path / "empty").mkdir()
    code = "import torch, torchvision; torchvision.ops.nms(torch.rand(2, 4), torch.rand(2), 0.5)\n"
    run = alone([str(python), "-c", code + DRAW], empty)
    assert run.returncode == 0, run.stderr
