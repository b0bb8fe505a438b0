"""The tab Compare without a browser: what the page is told of each figure, and measuring a row again in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from dataclasses import replace

import gradio as gr
import pytest
from until import until

from genviz import checkpoint, compare
from genviz.catalogue import described
from genviz.data import DATA
from genviz.data.idx import at_hand
from genviz.remeasure import Remeasures
from genviz.ui import compare as tab
from genviz.ui import side_by_side

LONG = 300.0


def entry(name: str, cards: dict, label: bool = False, grows: str = "") -> dict:
    knobs = [{"name": "label", "kind": "label"}] if label else [{"name": "temperature", "kind": ""}]
    return {"name": name, "title": name.upper(), "cards": cards, "data": ["mnist"], "knobs": knobs, "grows": grows}


@pytest.fixture
def catalogue() -> dict:
    """Shipped models, one that was trained anew since it was measured, and one without weights."""
    cards = {c.name: {"sha256": c.sha256} for c in checkpoint.cards() if c.data == "mnist"}
    pixels = [entry(n, {"mnist": cards[n]}, grows="pixels") for n in ("autoregressive/pixel_cnn", "autoregressive/pixel_cnn_grey")]
    latents = [entry("vae/vae_2d", {"mnist": cards["vae/vae_2d"]}), entry("vae/vae", {"mnist": {"sha256": "new"}}), entry("vae/other", {})]
    noises = [entry("diffusion/ddpm", {"mnist": cards["diffusion/ddpm"]}, label=True)]
    families = {"vae": latents, "diffusion": noises, "autoregressive": pixels}
    return {
        "families": [{"name": name, "title": name.upper(), "models": models, "replies": []} for name, models in families.items()],
        "data": {"mnist": described(DATA["mnist"])},
    }


def ask(f, **values):
    """A server function as the page asks it."""
    answer = asyncio.run(f(values))
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["ok"]


def row_of(name: str, data: str = "mnist") -> compare.Row:
    return next(row for row in compare.read() if (row.name, row.data) == (name, data))


def test_lines_are_the_shipped_rows_of_the_present_weights(catalogue) -> None:
    answer = ask(tab.Figures(catalogue).figures, data="mnist")
    names = [line["name"] for line in answer["lines"]]
    assert {"vae/vae_2d", "diffusion/ddpm", "autoregressive/pixel_cnn"} <= set(names) and "vae/vae" not in names
    assert names.count("diffusion/ddpm") == sum((r.name, r.data) == ("diffusion/ddpm", "mnist") for r in compare.read())
    missing = {m["name"]: m for m in answer["missing"]}
    assert missing["vae/vae"]["command"] == "python -m genviz.compare --only vae/vae mnist"
    assert missing["vae/other"]["command"] == "python -m genviz.train vae/other mnist"
    assert set(missing) == {"vae/vae", "vae/other"}


def test_rows_of_another_classifier_are_not_shown(catalogue, monkeypatch) -> None:
    monkeypatch.setattr(compare, "eye", lambda data: "another")
    answer = ask(tab.Figures(catalogue).figures, data="mnist")
    assert answer["lines"] == [] and len(answer["missing"]) == 6


def test_each_figure_has_its_protocol() -> None:
    line = tab.line(row_of("diffusion/ddpm"))
    told = line["protocols"]
    assert "10,000 generated against 10,000 test images" in told["frechet"] and line["setting"] in told["frechet"]
    assert "features of GenViz's classifier" in told["ratio"] and "k = 3" in told["recall"] and "k = 5" in told["coverage"]
    assert line["machine"] in told["ms_64"] and "training images" in told["floor"] and "agreement" not in told
    assert "class asked for" in tab.line(replace(row_of("diffusion/ddpm"), agreement=0.9))["protocols"]["agreement"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("vae/vae_2d", "black and white"), ("autoregressive/pixel_cnn_grey", "16 grey levels"), ("diffusion/ddpm", "256 grey levels")],
)
def test_pictures_are_named_because_likelihoods_of_different_ones_are_not_compared(name, shown) -> None:
    assert tab.line(row_of(name))["shown"] == shown


def test_what_cannot_be_measured_is_refused(catalogue, monkeypatch, tmp_path) -> None:
    figures = tab.Figures(catalogue)
    with pytest.raises(ValueError, match="no figures of vae/other"):
        ask(figures.remeasure, name="vae/other", data="mnist", setting="", samples=0)
    with pytest.raises(ValueError, match="one of 0, 1000, 10000"):
        ask(figures.remeasure, name="vae/vae_2d", data="mnist", setting="", samples=17)
    monkeypatch.setenv("GENVIZ_DATA", str(tmp_path))
    assert not ask(figures.figures, data="mnist")["at_hand"]
    with pytest.raises(ValueError, match="only times"):
        ask(figures.remeasure, name="vae/vae_2d", data="mnist", setting="", samples=1000)
    with pytest.raises(ValueError, match="no longer here"):
        ask(figures.progress, job="remeasure-77")


def test_data_are_at_hand_when_every_file_is(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("GENVIZ_DATA", str(tmp_path))
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for name, size in (("train-images-idx3", 47_040_016), ("train-labels-idx1", 60_008), ("t10k-images-idx3", 7_840_016),
                       ("t10k-labels-idx1", 10_008)):  # fmt: skip
        (folder / f"{name}-ubyte").touch()
        assert not at_hand("fashion_mnist"), "a file is cut short"
        os.truncate(folder / f"{name}-ubyte", size)
    assert at_hand("fashion_mnist") and not at_hand("mnist")


def finished(jobs: Remeasures, name: str) -> dict:
    until(lambda: jobs.look(name)["final"], LONG)
    return jobs.look(name)


def test_times_are_measured_here_and_written_nowhere(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shipped, before, jobs = row_of("diffusion/ddpm"), compare.path().read_bytes(), Remeasures()
    name = jobs.start(shipped, 0)
    with pytest.raises(ValueError, match="being measured already"):
        jobs.start(shipped, 0)
    state = finished(jobs, name)
    assert state["error"] == "" and state["found"].ms_1 > 0 and state["found"].ms_64 > 0
    assert "threads" in state["found"].machine
    kept = {"ms_1": 0.0, "ms_64": 0.0, "machine": ""}
    assert replace(state["found"], **kept) == replace(shipped, **kept), "only times were measured"
    assert compare.path().read_bytes() == before and list(tmp_path.iterdir()) == []
    assert tab.line(state["found"])["protocols"]["ms_1"].endswith(state["found"].machine)


def test_everything_is_measured_here_at_one_setting(data_sets, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shipped, before, jobs = row_of("vae/vae_2d"), compare.path().read_bytes(), Remeasures()
    state = finished(jobs, jobs.start(shipped, 100))
    found = state["found"]
    assert state["error"] == "" and (found.samples, found.setting, found.sha256) == (100, shipped.setting, shipped.sha256)
    assert found.floor > shipped.floor, "a hundred images are few: the floor says so"
    assert found.likelihood == pytest.approx(shipped.likelihood, abs=15) and found.likelihood_kind == shipped.likelihood_kind
    assert compare.path().read_bytes() == before and list(tmp_path.iterdir()) == []


def test_a_measurement_is_cancelled() -> None:
    jobs = Remeasures()
    name = jobs.start(row_of("diffusion/ddpm"), 0)
    jobs.cancel(name)
    assert finished(jobs, name)["error"] == "Cancelled." and jobs.look(name)["found"] is None
    jobs.cancel(name)
    assert jobs.look(name)["error"] == "Cancelled."


def started(jobs: Remeasures, name: str) -> subprocess.Popen:
    """The process of a measurement, as soon as there is one."""
    return until(lambda: jobs._jobs[name]["process"])


def test_a_measurement_that_nobody_waits_for_ends(monkeypatch) -> None:
    jobs = Remeasures(patience=0.5)
    name = jobs.start(row_of("diffusion/ddpm"), 0)
    process = started(jobs, name)
    process.wait(LONG)
    assert process.returncode != 0
    assert finished(jobs, name)["error"] == "Nobody waited for this measurement."


def test_a_model_that_cannot_be_loaded_says_why() -> None:
    jobs = Remeasures()
    state = finished(jobs, jobs.start(replace(row_of("vae/vae_2d"), name="vae/no_such_model"), 0))
    assert "There is no model 'vae/no_such_model'" in state["error"] and state["found"] is None


def test_side_by_side_begins_with_the_best_of_each_family(catalogue) -> None:
    first = side_by_side.first(catalogue["families"], "mnist")
    ratio = {r.name: r.ratio for r in compare.read() if r.data == "mnist"}
    best = min(("autoregressive/pixel_cnn", "autoregressive/pixel_cnn_grey"), key=ratio.get)
    assert first[1:] == ["diffusion/ddpm", best] and first[0] in ("vae/vae_2d", "vae/vae")
    assert side_by_side.first(catalogue["families"], "fashion_mnist") == []


def test_the_script_knows_who_follows_a_class_and_who_paints_pixels(catalogue) -> None:
    told = {m["name"]: side_by_side.model(m) for f in catalogue["families"] for m in f["models"]}
    assert told["diffusion/ddpm"]["label"] == "label" and told["vae/vae"]["label"] == ""
    assert told["autoregressive/pixel_cnn"]["raster"] and not told["diffusion/ddpm"]["raster"]
    assert told["vae/other"]["trained"] == [] and told["vae/vae"]["trained"] == ["mnist"]


def test_the_tab_is_built(catalogue) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        tools = tab.build(None, catalogue)
    kinds = [type(block).__name__ for block in demo.blocks.values()]
    assert kinds.count("Figures") == kinds.count("SideBySide") == kinds.count("SameDrawing") == 1
    assert [t["tabs"][-1] for t in tools] == ["tab-compare-same-drawing"]
