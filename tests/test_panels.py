"""What the shared panels ask Python for, answered by a small linear model in place of the engine."""

import asyncio
import base64
import io

import numpy as np
import pytest
from PIL import Image

from genviz import map as maps
from genviz.data.exhibit import exhibit
from genviz.map import Map
from genviz.plots import pictures
from genviz.ui.map import MapPane
from genviz.ui.panels.interpolation import STEPS, Interpolation
from genviz.ui.panels.latent_plane import CELLS, LatentPlane
from genviz.ui.panels.reconstruct import Reconstruct
from genviz.ui.pick import STRIP, Pick, chosen


class Linear:
    """encode(x) = W x and decode(z) = tanh(W' z) for a fixed W; counts its calls."""

    def __init__(self, z_dim):
        self.w = np.random.default_rng(0).normal(size=(z_dim, 784)).astype(np.float32) / 28
        self.calls = 0

    async def call(self, model, data, method, x):
        self.calls += 1
        if method == "encode":
            mu = x.reshape(len(x), -1) @ self.w.T
            return mu, np.full_like(mu, -2.0)
        return np.tanh(x @ self.w).reshape(-1, 1, 28, 28)


def base64_of(pixels):
    return base64.b64encode(pixels.tobytes()).decode()


def sprite_of(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


@pytest.fixture
def images():
    return [base64_of(x) for x in exhibit("mnist")[0][:3]]


def ask(widget, name, **values):
    """As the page asks: one object of named values; a refusal is raised as ValueError."""
    answer = asyncio.run(getattr(widget, name)(values))
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["ok"]


def test_a_strip_shows_the_images_it_names():
    x, labels = exhibit("fashion_mnist")
    strip = ask(Pick(), "strip", label=7, page=3, data="fashion_mnist")
    assert len(strip["index"]) == STRIP and strip["label"] == [7] * STRIP and strip["pages"] == 42
    assert np.array_equal(np.hsplit(sprite_of(strip["sprite"]), STRIP), x[strip["index"]])
    assert (labels[strip["index"]] == 7).all()
    assert ask(Pick(), "strip", label=-1, page=0, data="mnist")["index"] == list(range(STRIP))
    assert ask(Pick(), "strip", label=7, page=45, data="fashion_mnist") == strip  # pages go round


def test_a_drawing_arrives_as_the_data_set_has_it():
    page = np.zeros((280, 280), np.uint8)
    page[40:240, 100:130] = 255
    file = io.BytesIO()
    Image.fromarray(page).save(file, "PNG")
    ink = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    image = ask(Pick(), "drawing", ink=ink, data="mnist")["image"]
    assert pictures.from_base64(image).shape == (1, 1, 28, 28)
    for wrong in ("", "data:image/png;base64,AAAA", "no url"):
        with pytest.raises(ValueError, match="no picture"):
            ask(Pick(), "drawing", ink=wrong, data="mnist")


def test_the_image_of_a_slot(images):
    value = {"images": [None, {"pixels": images[1]}]}
    assert np.allclose(chosen(value, 1)[0, 0], exhibit("mnist")[0][1] / 127.5 - 1, atol=1e-6)
    for empty in (None, {}, value):
        with pytest.raises(ValueError, match="Choose an image"):
            chosen(empty, 0)


def test_each_subscriber_has_its_own_channel():
    one, two = Pick(), Pick()
    channels = [one.to(), one.to(), two.to()]
    assert len(set(channels)) == 3 and one.value["channels"] == channels[:2] and two.value["channels"] == channels[2:]


def test_reconstruction(images):
    engine = Linear(5)
    answer = ask(Reconstruct(engine, {}), "reconstruct", image=images[0], model="m", data="mnist")
    mu = pictures.from_base64(images[0]).reshape(1, -1) @ engine.w.T
    assert np.allclose(answer["mu"], mu[0], atol=1e-3) and np.allclose(answer["sigma"], np.exp(-1), atol=1e-3)
    y = np.tanh(mu @ engine.w)
    assert np.array_equal(np.frombuffer(base64.b64decode(answer["y"]), np.uint8), pictures.grid(y.reshape(1, 28, 28)).ravel())
    assert answer["error"] == pytest.approx(np.abs(pictures.from_base64(images[0]).ravel() - y).mean() / 2, abs=1e-4)


def test_interpolation_begins_and_ends_with_the_two_pictures(images):
    answer = ask(Interpolation(Linear(5), {}), "between", a=images[0], b=images[1], model="m", data="mnist")
    cells = sprite_of(answer["sprite"]).reshape(3, 28, STEPS, 28).swapaxes(1, 2)
    x = exhibit("mnist")[0]
    assert np.array_equal(cells[2, 0], x[0]) and np.array_equal(cells[2, -1], x[1])
    assert np.array_equal(cells[0, 0], cells[1, 0]) and np.array_equal(cells[0, -1], cells[1, -1])
    middle = (x[0].astype(int) + x[1]) / 2
    assert np.abs(cells[2, STEPS // 2] - middle).max() <= 1
    assert 0 < answer["angle"] < 180 and len(answer["lengths"]) == 2


def test_the_atlas_holds_the_exact_pictures_and_is_remembered(images):
    engine = Linear(2)
    plane = LatentPlane(engine, {"able": {"m": {"z_dim": 2}}})
    frame = ask(plane, "plane", model="m", data="mnist")
    cells = sprite_of(frame["sprite"]).reshape(CELLS, 28, CELLS, 28).swapaxes(1, 2)
    u = np.linspace(frame["low"], frame["high"], CELLS)
    for i, j in ((0, 0), (3, 20), (23, 23)):  # row i from above is v falling
        here = ask(plane, "at", z=[u[j], u[CELLS - 1 - i]], model="m", data="mnist")
        assert np.abs(np.frombuffer(base64.b64decode(here["x"]), np.uint8).astype(int) - cells[i, j].ravel()).max() <= 1
    calls = engine.calls
    assert ask(plane, "plane", model="m", data="mnist") == frame and engine.calls == calls
    with_marks = ask(plane, "plane", model="m", data="mnist", images=images)
    assert len(with_marks["marks"]) == 3 and with_marks["sprite"] == frame["sprite"]


def test_the_plane_through_three_pictures_meets_them(images):
    engine = Linear(7)
    plane = LatentPlane(engine, {"able": {"m": {"z_dim": 7}}})
    frame = ask(plane, "plane", model="m", data="mnist", images=images)
    mu = np.concatenate([pictures.from_base64(i) for i in images]).reshape(3, -1) @ engine.w.T
    o, p, q = (np.array(frame[k]) for k in ("origin", "p", "q"))
    for (a, b), point in zip(frame["marks"], mu, strict=True):
        assert np.allclose(o + a * p + b * q, point, atol=1e-4)
    with pytest.raises(ValueError, match="three pictures"):
        ask(plane, "plane", model="m", data="mnist")


def test_the_plane_of_two_draws_by_a_seed_of_a_class_that_the_decoder_is_told():
    class Told(Linear):
        async def call(self, model, data, method, z, label):
            assert len(label) == len(z)
            return await super().call(model, data, method, z) * (label / 9).astype(np.float32)[:, None, None, None]

    plane = LatentPlane(Told(7), {"able": {"m": {"z_dim": 7, "told": {"name": "label", "count": 10}}}})
    frame = ask(plane, "plane", model="m", data="mnist", seed=3, told=9)
    a, b = (np.array(frame[k]) for k in ("p", "q"))
    assert not np.array(frame["origin"]).any() and frame["marks"] == [[1, 0], [0, 1]]
    assert np.allclose([a, b], np.random.default_rng(3).standard_normal((2, 7)), atol=1e-6)
    other = ask(plane, "plane", model="m", data="mnist", seed=3, told=4)
    assert other["p"] == frame["p"] and other["sprite"] != frame["sprite"], "another class is another atlas of the same plane"
    here = [ask(plane, "at", z=a.tolist(), model="m", data="mnist", told=told)["x"] for told in (4, 9)]
    assert here[0] != here[1]
    with pytest.raises(ValueError, match="label 0 to 9, but no 10"):
        ask(plane, "at", z=a.tolist(), model="m", data="mnist", told=10)


def test_test_images_as_points(images):
    engine = Linear(2)
    answer = ask(LatentPlane(engine, {}), "points", model="m", data="mnist")
    xy = np.frombuffer(base64.b64decode(answer["xy"]), np.float32).reshape(-1, 2)
    x, labels = exhibit("mnist")
    assert np.allclose(xy, (x[: len(xy)].reshape(len(xy), -1) / 127.5 - 1) @ engine.w.T, atol=1e-3)
    assert [int(c) for c in answer["labels"]] == labels[: len(xy)].tolist()


@pytest.fixture
def pane(monkeypatch):
    engine = Linear(6)
    x, labels = exhibit("mnist")
    mu = (x.reshape(5000, -1).astype(np.float32) / 127.5 - 1) @ engine.w.T
    about = {"model": "m", "data": "mnist", "n_neighbors": "15", "min_dist": "0.1"}
    whole = Map(mu, np.ascontiguousarray(mu[:, :2]), labels, about)
    monkeypatch.setattr(maps, "read", lambda data: whole)
    return MapPane(engine, {}), whole


def test_a_test_image_lands_on_its_own_point_of_the_map(pane, images):
    pane, whole = pane
    answer = ask(pane, "drop", image=images[2], view="map", data="mnist")
    assert np.allclose(answer["xy"], whole.xy[2], atol=1e-2) and answer["ms"] > 0
    assert answer["near"][0]["index"] == 2 and answer["near"][0]["distance"] < 0.01
    assert [n["distance"] for n in answer["near"]] == sorted(n["distance"] for n in answer["near"])


def test_neighbours_of_a_point_leave_the_point_out(pane):
    pane, whole = pane
    answer = ask(pane, "near", point=17, view="map", data="mnist")
    every = np.linalg.norm(whole.mu - whole.mu[17], axis=1)
    assert {n["point"] for n in answer["near"]} == set(np.argsort(every)[1:11].tolist())


def test_a_flat_latent_space_is_shown_as_it_is(pane, images):
    pane, _ = pane
    pane.engine = Linear(2)
    shown = ask(pane, "open", view="flat", data="mnist")
    xy = np.frombuffer(base64.b64decode(shown["xy"]), np.float32).reshape(-1, 2)
    assert len(xy) == 5000 and "as it is" in shown["about"]
    assert np.allclose(ask(pane, "drop", image=images[1], view="flat", data="mnist")["xy"], xy[1], atol=1e-3)


@pytest.mark.parametrize("wrong", [{"n_neighbors": 1}, {"min_dist": 1.5}, {"images": 100000}, {"min_dist": float("nan")}])
def test_a_live_layout_refuses_what_it_cannot_do(pane, wrong):
    asked = {"data": "mnist", "n_neighbors": 15, "min_dist": 0.1, "images": 1000} | wrong
    with pytest.raises(ValueError, match="must (lie between|be a number)"):
        ask(pane[0], "remap", **asked)
    with pytest.raises(ValueError, match="no longer here"):
        ask(pane[0], "progress", job="remap-0")
