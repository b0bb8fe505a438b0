"""ZeroGPU with a package `spaces` that only notes what it was told, and the app as a Space starts it: unpacked alone, nothing writable."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import shutil
import socket
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client
from PIL import Image
from until import answers, until

import genviz
from genviz.plots import pictures
from genviz.ui import zero

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def spaces(monkeypatch) -> list[float]:
    """A ZeroGPU Space; the seconds that were declared for each function."""
    declared: list[float] = []

    def gpu(task=None, duration=60):
        if task is None:
            return lambda f: gpu(f, duration)
        assert not asyncio.iscoroutinefunction(task), "spaces refuses these"
        declared.append(duration)
        return task

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=gpu))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    return declared


def named(demo: gr.Blocks) -> list[str]:
    return [f.api_name for f in demo.fns.values()]


def test_a_zerogpu_space_finds_one_short_function(spaces) -> None:
    with gr.Blocks() as demo:
        zero.register()
    assert named(demo) == ["sample_gpu"] and len(spaces) == 1 and 0 < spaces[0] <= 10


def test_elsewhere_nothing_is_imported_or_added(spaces, monkeypatch) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU")
    monkeypatch.setitem(sys.modules, "spaces", None)  # an import would fail
    with gr.Blocks() as demo:
        zero.register()
    assert named(demo) == [] and spaces == []


def test_it_samples_as_python_does_and_refuses_in_sentences(spaces) -> None:
    verb = zero.borrowing(sys.modules["spaces"])
    x = genviz.sample("vae/vae_2d", "mnist", n=3, seed=4, temperature=0.5).numpy()
    images = [base64.b64encode(pictures.png(pictures.grid(one[None]))).decode() for one in x]
    assert verb("vae/vae_2d", "mnist", 3, 4, {"temperature": 0.5}) == {"images": images}
    for wrong in (("vae/none", "mnist"), ("vae/vae_2d", "mnist", 5000), ("vae/vae_2d", "mnist", 2, 0, {"heat": 1})):
        with pytest.raises(gr.Error, match=r"\."):
            verb(*wrong)


@pytest.fixture
def space(tmp_path) -> Iterator[str]:
    """The address of the app as a Space runs it: the repository's files alone, read-only, no data, no home to write to."""
    home = tmp_path / "app"
    home.mkdir()
    asked = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    for name in (n for n in listed.split("\n") if n.startswith(("app.py", "genviz/", "pretrained/", "README.md"))):
        if (ROOT / name).is_file():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, home / name)
    shipped = sorted(home.rglob("*"))
    for path in [*shipped, home]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": str(port), "SYSTEM": "spaces", "SPACE_ID": "someone/genviz",
            "HOME": "/proc/nowhere", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    kept = {k: v for k, v in os.environ.items() if k not in ("GENVIZ_DATA", "PYTHONPATH")} | {
        "PYTHONPATH": os.environ.get("PYTHONPATH", "")
    }
    process = subprocess.Popen([sys.executable, "app.py"], cwd=home, env=kept | told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: answers(address) or process.poll() is not None, missing="It served no page")
        assert process.poll() is None, process.stdout.read().decode()[-3000:]
        yield address
    finally:
        process.terminate()
        process.wait(300)
        written = set(home.rglob("*")) - set(shipped)  # root may write to what is read-only
        for path in [home, *home.rglob("*")]:
            path.chmod(0o755)
    assert not written


def test_a_space_serves_everything_without_data_or_a_home(space) -> None:
    client = Client(space, verbose=False)
    answer = client.predict("vae/vae_2d", "mnist", 2, 3, api_name="/sample")
    x = genviz.sample("vae/vae_2d", "mnist", n=2, seed=3, device="cpu").numpy()
    for image, one in zip(answer["images"], x, strict=True):  # another process with other threads may round a pixel otherwise
        there = np.asarray(Image.open(io.BytesIO(base64.b64decode(image)))).astype(int)
        apart = np.abs(there - pictures.grid(one[None]))
        assert apart.max() <= 1 and (apart > 0).mean() < 0.01
    frames = list(client.submit("diffusion/ddpm", "fashion_mnist", 1, 0, {"steps": 4}, api_name="/film"))
    assert [f["step"] for f in frames] == [0, 1, 2, 3, 4]
    assert client.predict("autoregressive/pixel_cnn", "mnist", answer["images"], api_name="/likelihood")["kind"] == "exact"
    assert "sample_gpu" not in str(client.view_api(return_format="dict", print_info=False)), "a Space without ZeroGPU has no such verb"
