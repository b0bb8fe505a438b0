"""What a notebook shows of samples, films, cards and lists, and that samples are still the tensors they were."""

from __future__ import annotations

import ast
import base64
import io
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import genviz
from genviz.plots import pictures

ROOT = Path(__file__).resolve().parent.parent
PAIR = ("vae/vae_2d", "mnist")


def shown(html: str) -> Image.Image:
    """The one picture of a figure."""
    (kind, data), *more = re.findall(r'src="data:image/(\w+);base64,([^"]+)"', html)
    assert not more
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.format.lower() == kind
    return image


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return genviz.sample(*PAIR, n=4, seed=1, device="cpu")


def test_samples_are_a_tensor_that_shows_itself(x) -> None:
    assert isinstance(x, torch.Tensor) and x.dtype == torch.float32 and x.shape == (4, 1, 28, 28)
    grid = np.asarray(shown(x._repr_html_()))
    assert grid.shape[:2] == (28 * 4, (4 * 30 - 2) * 4)
    assert (grid[:112, :112, 0] == pictures.grid(x[:1].numpy()).repeat(4, 0).repeat(4, 1)).all()
    assert shown(x[1:3]._repr_html_()).size == (58 * 4, 112), "a slice shows itself too"
    assert (x > 0)._repr_html_() is None and x.mean()._repr_html_() is None, "what is no picture is printed"


def test_samples_reckon_as_tensors_do(x) -> None:
    plain = x.as_subclass(torch.Tensor)
    assert torch.equal(x + 1, plain + 1) and torch.equal(x[2], plain[2]) and torch.equal(x.mean(), plain.mean())
    assert (np.asarray(x) == x.numpy()).all() and np.array_equal((2 * x).numpy(), 2 * plain.numpy())
    assert torch.equal(torch.cat([x, plain]), torch.cat([plain, plain])) and torch.equal(pickle.loads(pickle.dumps(x)), x)
    weight = torch.ones(1, requires_grad=True)
    (weight * x).sum().backward()
    assert torch.allclose(weight.grad, plain.sum())


def test_points_are_drawn_as_dots() -> None:
    points = genviz.sample("vae/plane", "rings", n=300, device="cpu")
    picture = np.asarray(shown(points._repr_html_()))
    dots = (picture != picture[0, 0]).any(-1).mean()
    assert points.shape == (300, 2) and 0.005 < dots < 0.2


def test_a_film_is_iterated_once_and_shows_all_of_itself() -> None:
    film = genviz.film("diffusion/ddpm", "mnist", n=2, seed=3, steps=4, sampler="ddim", device="cpu")
    first = next(film)
    assert first.step == 0 and iter(film) is film
    gif = shown(film._repr_html_())
    assert gif.n_frames == 5 and gif.size == (58 * 4, 28 * 4) and gif.info["loop"] == 0
    rest = [(f.step, f.x.clone()) for f in film]
    assert [step for step, _ in rest] == [1, 2, 3, 4] and list(film) == [], "showing it has not moved it"
    gif.seek(4)
    end = np.asarray(gif.convert("L"))[:112, :112]
    assert np.abs(end.astype(int) - pictures.grid(rest[-1][1][:1].numpy()).repeat(4, 0).repeat(4, 1)).max() <= 1
    assert "diffusion/ddpm on mnist, n 2, seed 3, steps 4" in film._repr_html_()
    film.close()


def test_a_long_film_is_thinned() -> None:
    gif = shown(genviz.film("autoregressive/pixel_cnn", "mnist", n=1, device="cpu")._repr_html_())
    assert 30 < gif.n_frames <= 60


def test_cards_are_a_table_with_what_was_measured() -> None:
    cards = genviz.cards()
    html = cards._repr_html_()
    assert isinstance(cards, list) and html.count("<tr>") == len(cards) + 1 and "vae/vae_2d" in html
    card = next(c for c in cards if c.metrics)
    one = card._repr_html_()
    assert all(m["name"] in one for m in card.metrics) and card.machine in one and "<script" not in one


def test_models_and_data_say_what_there_is() -> None:
    models, sets = genviz.models(), genviz.data()
    assert {(m["name"], d) for m in models for d in m["data"]} == {(c.name, c.data) for c in genviz.cards()}
    assert [m["name"] for m in genviz.models("complete")] == ["autoregressive/pixel_cnn", "autoregressive/pixel_cnn_grey"]
    assert all("mnist" in m["data"] for m in genviz.models(trained_on="mnist")) and len(genviz.models(trained_on="mnist")) > 7
    assert {d["name"] for d in sets} >= {"mnist", "fashion_mnist", "rings"}
    assert next(d for d in sets if d["name"] == "mnist")["classes"] == list("0123456789")
    assert json.dumps(models) and "<table>" in models._repr_html_() and "<table>" in sets._repr_html_()
    for wrong in ({"ability": "fly"}, {"trained_on": "cats"}):
        with pytest.raises(ValueError, match=r"must be one of .*\.$"):
            genviz.models(**wrong)
    from genviz.data import exhibit  # the room of that name is still one

    assert exhibit.exhibit("mnist")[0].shape == (5000, 28, 28)


def test_what_is_shown_is_escaped() -> None:
    from genviz.table import Table

    assert Table([{"<b>": "<script>"}])._repr_html_().count("<script>") == 0


def test_the_example_notebook_runs_from_top_to_bottom(monkeypatch, tmp_path) -> None:
    """Its code cells in order, in one process, away from the repository; what a cell ends with shows itself where it should."""
    cells = json.loads((ROOT / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells), "kept without outputs"
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    figures = [run("".join(cell["source"]), names) for cell in cells if cell["cell_type"] == "code"]
    assert sum(html is not None and ("<img" in html or "<table" in html) for html in figures) >= 7


def run(cell: str, names: dict) -> str | None:
    """A cell as a notebook runs it: all its statements, then its last line, if that is an expression, as HTML."""
    *body, last = ast.parse(cell).body
    ends = isinstance(last, ast.Expr)
    exec(compile(ast.Module([*body, *([] if ends else [last])], []), "cell", "exec"), names)
    if not ends:
        return None
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return value._repr_html_() if hasattr(value, "_repr_html_") else None
