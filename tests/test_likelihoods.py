"""Scores of images: AUROC, PNG bits and counting against oracles, the shipped arrays against the weights, and the answers of the lab."""

from __future__ import annotations

import asyncio
import base64
import io
import struct
import zlib
from collections import Counter

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from genviz import checkpoint, likelihoods
from genviz.catalogue import described
from genviz.data import DATA, of
from genviz.data.exhibit import exhibit
from genviz.engine.stage import Stage
from genviz.likelihood import find
from genviz.likelihoods import BASELINES, CORRECTIONS, SETS, read, scored, table_hash
from genviz.metrics.complexity import png_bits
from genviz.metrics.counting import NEIGHBOURS, Counted, contexts, count, fill
from genviz.metrics.detection import auroc, roc
from genviz.ui import likelihood_lab
from genviz.ui.likelihood_lab import LikelihoodLab, Subject, panel


@pytest.fixture(scope="module")
def some() -> np.ndarray:
    """300 exhibited images of clothes (300, 28, 28) uint8."""
    return exhibit("fashion_mnist")[0][:300]


# ---- the area under the ROC curve -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coarse", [1, 5, 1000])  # with 5 distinct values nearly all are ties
def test_auroc_is_the_share_of_pairs(coarse) -> None:
    rng = np.random.default_rng(coarse)
    own, other = rng.integers(0, coarse, 200) + 0.25, rng.integers(0, coarse, 130) * 1.3
    own[:50], other[:50] = other[:50], own[:50].copy()
    pairs = (own[:, None] > other).mean() + 0.5 * (own[:, None] == other).mean()
    assert auroc(own, other) == pytest.approx(pairs)
    assert auroc(own, other) + auroc(other, own) == pytest.approx(1)
    assert auroc(np.exp(own / 100), np.exp(other / 100)) == pytest.approx(pairs), "only the order counts"


def test_the_curve_rises_from_corner_to_corner_and_holds_the_area() -> None:
    rng = np.random.default_rng(0)
    own, other = rng.normal(1, 1, 3000), rng.normal(0, 2, 2000)
    curve = roc(own, other)
    assert curve[0].tolist() == [0, 0] and curve[-1].tolist() == [1, 1] and (np.diff(curve, axis=0) >= 0).all()
    area = (np.diff(curve[:, 0]) * (curve[1:, 1] + curve[:-1, 1]) / 2).sum()
    assert area == pytest.approx(auroc(own, other), abs=0.01)


# ---- bits of a PNG file ---------------------------------------------------------------------------------------------------------------


def test_png_bits_are_those_of_a_readable_file(some) -> None:
    """The counted bytes are the packed part of a PNG that Pillow opens as the same picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def packed(x: np.ndarray) -> bytes:
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in x), 9)

    for x, bits in zip(some[:20], png_bits(some[:20]), strict=True):
        body = chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) + chunk(b"IDAT", packed(x)) + chunk(b"IEND", b"")
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + body))), x)
        assert bits == 8 * (len(packed(x)) - len(packed(np.zeros_like(x))))


def test_png_bits_rise_with_complexity_and_repeat(some) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 28, 28)).astype(np.uint8)
    even, picture, wild = (png_bits(x)[0] for x in (np.full((1, 28, 28), 77, np.uint8), some[:1], noise))
    assert png_bits(np.zeros((1, 28, 28), np.uint8))[0] == 0 <= even < picture < wild
    assert 0.95 * 784 * 8 < wild < 1.05 * 784 * 8, "noise cannot be packed"
    assert np.array_equal(png_bits(some), png_bits(some.copy()))
    with pytest.raises(ValueError, match="uint8"):
        png_bits(some.astype(float))


# ---- the counting model in numpy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [2, 16])
def test_the_counting_model_counts(some, levels) -> None:
    """Against counts by hand, pixel by pixel in dictionaries."""
    index, seen = some.astype(int) * levels // 256, [Counter() for _ in range(len(NEIGHBOURS) + 1)]

    def before(x: np.ndarray, row: int, column: int) -> list[int]:
        return [x[row - up, column - left] if row >= up and 0 <= column - left < 28 else 0 for up, left in NEIGHBOURS]

    for x in index[:20]:
        for row, column in np.ndindex(28, 28):
            for k, counter in enumerate(seen):
                counter[(*before(x, row, column)[:k], x[row, column])] += 1
    bits = 0.0
    for row, column in np.ndindex(28, 28):
        p, context = 1 / levels, before(index[20], row, column)
        for k, counter in enumerate(seen):
            n = [counter[(*context[:k], value)] for value in range(levels)]
            p = (n[index[20, row, column]] + 3 * p) / (sum(n) + 3)
        bits += np.log2(p)
    model = Counted(count(some[:20], levels, chunk=7), levels, strength=3)
    assert model.log2_prob(some[20:21]) == pytest.approx(bits, abs=1e-2)
    assert model.counts.sum() == 20 * 784 and np.allclose(np.exp2(model.table).sum(1), 1, atol=1e-5)


def test_the_counting_model_prefers_what_it_saw() -> None:
    stripes = np.broadcast_to(np.arange(28, dtype=np.uint8) * 9, (40, 28, 28))
    noise = np.random.default_rng(0).integers(256, size=(40, 28, 28), dtype=np.uint8)
    model = Counted(count(stripes, 4), 4)
    assert model.table.shape == (4 ** len(NEIGHBOURS), 4)
    assert model.log2_prob(stripes).mean() > model.log2_prob(noise).mean() + 150
    index = np.arange(9).reshape(1, 3, 3) % 4
    assert contexts(index, 4)[0, 1, 1] == ((index[0, 1, 0] * 4 + index[0, 0, 1]) * 4 + index[0, 0, 0]) * 4 + index[0, 0, 2]
    assert contexts(np.zeros((1, 28, 28), np.int64), 4).max() == 0, "outside lies level 0"


def test_a_level_is_filled_in_by_a_distribution_of_its_bytes() -> None:
    level = np.arange(256) * 16 // 256
    filled = fill(np.random.default_rng(0).integers(0, 99, 256), level)
    assert np.allclose(np.bincount(level, np.exp2(filled)), 1, atol=1e-5)
    assert not fill(np.arange(256), np.arange(256)).any(), "with 256 levels nothing is left to fill in"


# ---- which likelihood a model is asked for --------------------------------------------------------------------------------------------


def test_a_model_is_asked_for_the_best_likelihood_that_it_has() -> None:
    from genviz.families.autoregressive.pixel_cnn import GreyPixelCNN
    from genviz.families.flow.flow import Flow
    from genviz.families.score.score import Score
    from genviz.families.vae.vae import VAE

    asked = [kind.likelihoods[0].quick() for kind in (GreyPixelCNN, VAE, Flow, Score)]
    assert [one.name for one in asked] == ["exact", "IW-16", "IW-16", "ODE"]
    assert [one.levels for one in asked] == [16, 2, 256, 256] and asked[1].method == "importance_weighted"


@pytest.mark.parametrize("short", ["flow", "score"])
def test_models_that_have_no_weights_yet_are_served_by_what_they_can(short) -> None:
    """The command and the page ask a random flow and a random score network alike, and get the same figures."""
    from genviz.families.flow.flow import Flow
    from genviz.families.score.score import Score
    from genviz.likelihoods.measure import filled_in, measure

    torch.manual_seed(0)
    model = (Flow(8, 8, 1) if short == "flow" else Score(16, 16, 1, 1)).eval().requires_grad_(False)
    one, x = model.likelihoods[0].quick(), torch.from_numpy(exhibit("mnist")[0][:1, None].copy())

    class One(Stage):
        def load(self, name, data):
            return model

    stage = One("cpu")
    prepared = stage.answer("a/b", "mnist", "prepare", (x.numpy(),), {"seed": 0})
    live = stage.answer("a/b", "mnist", one.method, (prepared,), {"seed": 0, **one.options}) / np.log(2)
    assert np.allclose(measure(model, x, one, "mnist", filled_in(model, np.ones(256)))[0], live, rtol=1e-4)


# ---- what is shipped ------------------------------------------------------------------------------------------------------------------


def shipped(data: str) -> list[tuple[str, str]]:
    return [(name, sha256) for name, sha256 in scored(data) if likelihoods.has(name, data, sha256)]


@pytest.mark.parametrize("data", of("image"))
def test_the_shipped_scores_are_small_and_of_the_present_weights(data) -> None:
    names = [name for name, _ in shipped(data)]
    assert {*BASELINES, "autoregressive/pixel_cnn", "autoregressive/pixel_cnn_grey", "vae/vae"} <= set(names)
    for name, sha256 in shipped(data):
        found = read(name, data, sha256)
        assert likelihoods.path(name, data).stat().st_size < 200_000
        n = int(found.about["n"])
        assert n >= 200 and all(found.sets[which].shape == (3, n) and np.isfinite(found.sets[which]).all() for which in SETS)
        assert found.about["other"] != data and found.about["kind"] and found.about["seed"] and found.about["png"]
        assert (found.sets["test"][1] > 0).all() and (found.sets["test"][2] < 0).all()
    for file in (checkpoint.PRETRAINED / "likelihood").glob("*.safetensors"):
        assert file.stem.endswith(tuple(f"-{name}" for name in of("image"))), file


def test_stale_and_missing_scores_are_refused_with_the_command(tmp_path, monkeypatch) -> None:
    with pytest.raises(ValueError, match="other weights of vae/vae; make it again with: python -m genviz.likelihoods vae/vae mnist"):
        read("vae/vae", "mnist", "another hash")
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    with pytest.raises(ValueError, match="not scored yet; do it with: python -m genviz.likelihoods vae/vae mnist"):
        read("vae/vae", "mnist", "")
    (tmp_path / "likelihood").mkdir()
    likelihoods.path("vae/vae", "mnist").write_bytes(b"no safetensors")
    with pytest.raises(ValueError, match="cannot be read"):
        read("vae/vae", "mnist", "")
    assert table_hash("mnist") == ""


def test_the_paradox_and_its_repair() -> None:
    """10,000 test images of Fashion-MNIST against 10,000 of MNIST: a table of counts prefers digits, and so does the best density."""
    found = read("counting/grey", "fashion_mnist", table_hash("fashion_mnist"))
    assert found.about["n"] == "10000"
    assert found.auroc("raw") == pytest.approx(0.03, abs=0.02) and found.auroc("png") == pytest.approx(0.97, abs=0.02)
    trained = [read(name, "fashion_mnist", sha256) for name, sha256 in shipped("fashion_mnist") if name not in BASELINES]
    best = min((f for f in trained if f.about["kind"] == "exact"), key=lambda f: f.auroc("raw"))
    assert best.auroc("raw") <= 0.10 and max(best.auroc(c) for c in CORRECTIONS) >= 0.97
    back = read(best.about["model"], "mnist", dict(scored("mnist"))[best.about["model"]])
    assert back.auroc("raw") > 0.99, "the other way round there is no paradox"


@pytest.mark.parametrize(("name", "data"), [("autoregressive/pixel_cnn_grey", "mnist"), ("vae/beta_1", "fashion_mnist")])
def test_the_shipped_scores_are_computed_again(data_sets, name, data) -> None:
    from genviz.data.images import images
    from genviz.likelihoods.measure import measure

    card = checkpoint.card_of(name, data)
    found, model = read(name, data, card.sha256), checkpoint.load(card)
    x = images(data, "test")[0][:50]
    again = measure(model, x, find(model.likelihoods, found.about["kind"]), data, found.filled)
    assert np.allclose(again, found.sets["test"][:, :50], rtol=2e-3, atol=1)


# ---- what the lab answers -------------------------------------------------------------------------------------------------------------


class Here:
    """`call` as the engine answers it, in this process."""

    def __init__(self):
        self.stage, self.asked = Stage("cpu"), []

    async def call(self, model, data, method, *arrays, **options):
        self.asked.append((model, method))
        return self.stage.answer(model, data, method, arrays, options)


@pytest.fixture(scope="module")
def lab():
    from genviz import catalogue

    return LikelihoodLab(Here(), catalogue.build())


def ask(f, **values):
    """A server function as the page asks it."""
    answer = asyncio.run(f(values))
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["ok"]


def test_the_page_is_told_all_that_it_draws(lab) -> None:
    told = ask(lab.figures, data="fashion_mnist")
    names = [m["name"] for m in told["models"]]
    assert told["other"] == "mnist" and names[-3:] == list(BASELINES) and "autoregressive/pixel_cnn" in names
    for m in told["models"]:
        for score in m["scores"].values():
            assert score["low"] < score["high"] and 0 <= score["auroc"] <= 1 and len(score["roc"]) == 101
            assert all(sum(bins) == pytest.approx(1, abs=1e-3) for bins in score["bins"].values())
    with pytest.raises(ValueError, match="no data set 'cifar'"):
        ask(lab.figures, data="cifar")


def test_models_without_scores_are_named_with_their_command(lab, monkeypatch) -> None:
    known = next(m for f in lab.families for m in f["models"] if m["name"] == "vae/vae")
    families = [{"title": "New", "models": [{**known, "name": "new/one", "title": "One", "cards": {}}]}]
    monkeypatch.setattr(lab, "families", families)
    (missing,) = ask(lab.figures, data="mnist")["missing"]
    assert missing["title"] == "One" and missing["command"] == "python -m genviz.train new/one mnist"
    families[0]["models"][0]["cards"] = {"mnist": {"sha256": "new"}}
    (missing,) = ask(lab.figures, data="mnist")["missing"]
    assert missing["command"] == "python -m genviz.likelihoods new/one mnist"


def test_a_picture_is_scored_by_all_as_it_was_when_shipped(lab, data_sets) -> None:
    from genviz.data.images import images

    x = images("mnist", "test")[0][3, 0].numpy()
    answer = ask(lab.score, image=base64.b64encode(x.tobytes()).decode(), data="fashion_mnist", slow=False)
    assert set(answer) == {m["name"] for m in ask(lab.figures, data="fashion_mnist")["models"] if m["ms"] <= likelihood_lab.SLOW}
    for name in ("autoregressive/pixel_cnn_grey", "counting/grey", "counting/png"):  # without chance: the very same figures
        found = read(name, "fashion_mnist", dict(scored("fashion_mnist"))[name])
        for correction in CORRECTIONS:
            wanted = found.score(correction, "other")[3]
            assert answer[name][correction][0] == pytest.approx(wanted, abs=3), (name, correction)
    assert answer["autoregressive/pixel_cnn_grey"]["raw"][1] > 0.9, "a digit is likelier than nearly all clothes"


def test_an_even_picture_is_the_likeliest_of_all_and_noise_the_least(lab) -> None:
    def score(x: np.ndarray) -> dict:
        return ask(lab.score, image=base64.b64encode(x.astype(np.uint8).tobytes()).decode(), data="fashion_mnist", slow=False)

    black, noise = score(np.zeros(784)), score(np.random.default_rng(0).integers(0, 256, 784))
    for name in ("autoregressive/pixel_cnn_grey", "counting/grey", "counting/png"):
        assert black[name]["raw"][1] > 0.99 and noise[name]["raw"][1] < 0.01
    with pytest.raises(ValueError, match="28 x 28"):
        ask(lab.score, image="", data="mnist", slow=False)


def test_the_parts_stand_on_the_page(lab) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        panel(lab.engine, {"data": {"mnist": described(DATA["mnist"])}, "families": []})
    kinds = [type(block).__name__ for block in demo.blocks.values()]
    assert kinds.count("LikelihoodLab") == kinds.count("Subject") == kinds.count("Pick") == 1
    subject = next(block for block in demo.blocks.values() if isinstance(block, Subject))
    assert subject.value["pick"].startswith("pick.")
