"""Files and calls that a player gives away: what is in them is what was on screen."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

import genviz
from genviz import catalogue as catalogues
from genviz.catalogue import described
from genviz.data import DATA
from genviz.data.exhibit import exhibit
from genviz.engine import Engine, Shot, View
from genviz.engine.job import Order
from genviz.plots import film as files
from genviz.plots import pictures
from genviz.ui import call, export

KNOBS = [{"name": "steps", "type": "int", "default": 3, "low": 1, "high": 900, "choices": (), "step": None, "kind": "", "help": ""}]
PLAIN = {"name": "toy/toy", "title": "Toy", "walks": ["sample"], "abilities": [], "answers": [], "knobs": KNOBS, "grows": "",
         "medium": "image", "shape": [1, 28, 28], "data": ["mnist"], "cards": {"mnist": {}}}  # fmt: skip
PAINTER = {**PLAIN, "name": "toy/painter", "title": "Painter", "grows": "pixels"}
POINTS = {**PLAIN, "name": "toy/plane", "title": "Plane", "medium": "points", "shape": [2], "data": ["rings"], "cards": {"rings": {}}}
TOYS = {"families": [{"models": [PLAIN, PAINTER], "planes": [POINTS]}],
        "data": {name: described(DATA[name]) for name in ("mnist", "rings")}}  # fmt: skip


def shots(n: int = 3, count: int = 4, steps: int | None = None) -> list[Shot]:
    rng = np.random.default_rng(0)
    steps = count - 1 if steps is None else steps
    places = np.linspace(0, steps, count).round().astype(int).tolist()
    return [Shot(rng.uniform(-1, 1, (n, 1, 28, 28)).astype(np.float32), k, steps, k, 1.0, f"moment {k}",
                 {"score": rng.normal(size=(n, 1, 28, 28)).astype(np.float32)}) for k in places]  # fmt: skip


def order(model: str = "toy/toy", **changes) -> Order:
    return Order(**({"model": model, "data": "mnist", "walk": "sample", "knobs": {"steps": 3}, "n": 3, "seed": 7, "given": {}, "aux": (),
                     "frames": 60} | changes))  # fmt: skip


def cells(picture: np.ndarray, n: int, columns: int, zoom: int) -> np.ndarray:
    """The images of a grid of the page, back at their own size."""
    small = picture[zoom // 2 :: zoom, zoom // 2 :: zoom]
    return np.stack([small[30 * (i // columns) :, 30 * (i % columns) :][:28, :28] for i in range(n)])


def bytes_of(x: np.ndarray) -> np.ndarray:
    return pictures.grid(x, 1).reshape(len(x), 28, 28)


def test_a_picture_is_the_grid_enlarged_and_tells_its_story() -> None:
    film = shots()
    name, file = export.make(TOYS, order(), film, {"kind": "png", "step": 2, "columns": 3})
    image = Image.open(io.BytesIO(file))
    assert name == "toy-toy-mnist-seed7-step2.png" and image.mode == "L" and image.size == (88 * 8, 28 * 8)
    assert np.array_equal(cells(np.asarray(image), 3, 3, 8), bytes_of(film[2].x))
    assert image.text["Description"] == "Toy on MNIST, seed 7, 3 samples, steps 3, step 2 of 3"
    name, file = export.make(TOYS, order(), film, {"kind": "png", "step": 3, "only": 1})
    alone = np.asarray(Image.open(io.BytesIO(file)))
    assert name.endswith("-image2-step3.png") and np.array_equal(alone[8::16, 8::16], bytes_of(film[3].x)[1])


def test_a_gif_holds_every_frame_exactly_with_words_under_it() -> None:
    film = shots()
    name, file = export.make(TOYS, order(), film, {"kind": "gif", "columns": 2})
    image = Image.open(io.BytesIO(file))
    assert name == "toy-toy-mnist-seed7.gif" and image.n_frames == 4 and image.info["loop"] == 0
    places, strips, seconds = [], [], []
    for k in range(4):
        image.seek(k)
        page = np.asarray(image.convert("L"))
        left = (page.shape[1] - 58 * 6) // 2
        places.append(cells(page[files.MARGIN :, left:], 3, 2, 6))
        strips.append(page[files.MARGIN + 58 * 6 + 8 :])
        seconds.append(image.info["duration"] / 1000)
    assert all(np.array_equal(a, bytes_of(shot.x)) for a, shot in zip(places, film, strict=True))
    assert all((strip < 100).sum() > 500 for strip in strips), "no words"
    assert not np.array_equal(strips[0], strips[1]), "the step is not told"
    assert seconds == [0.25, 0.25, 0.25, export.REST]


def test_the_index_of_an_mp4_comes_first_so_that_it_plays_while_it_arrives() -> None:
    """The tables say rightly where pictures lie: each chunk begins where the one before ended, the first where the pictures do."""
    import av

    draw = np.random.default_rng(0).integers(0, 256, (200, 64, 64, 3), np.uint8)
    file = files.mp4(draw, [0.1] * len(draw))
    boxes = {name: (start, end) for name, start, end in files._boxes(file, 0, len(file))}
    assert list(boxes)[:2] == [b"ftyp", b"moov"] and max(end for _, end in boxes.values()) == len(file)
    (table,) = files._tables(file, 0, len(file))
    places = np.frombuffer(file[table[0] + 16 : table[1]], ">u4").tolist()
    start, end = boxes[b"mdat"]
    assert start < places[0] <= start + 16 and places == sorted(places) and places[-1] < end
    with av.open(io.BytesIO(file)) as box:
        assert sum(1 for _ in box.decode(video=0)) == 600
    assert files.index_first(file) == file, "there is nothing left to move"


def test_an_mp4_plays_where_h264_does() -> None:
    import av

    film = shots(n=1, count=10)
    name, file = export.make(TOYS, order(n=1), film, {"kind": "mp4"})
    with av.open(io.BytesIO(file)) as box:
        stream = box.streams.video[0]
        assert name == "toy-toy-mnist-seed7.mp4" and stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        assert stream.width % 2 == stream.height % 2 == 0 and stream.average_rate == files.RATE
        frames = [frame.to_ndarray(format="gray") for frame in box.decode(stream)]
    assert len(frames) == round((9 / 4 + export.REST) * files.RATE)
    left = (frames[-1].shape[1] - 28 * 16) // 2
    seen = frames[-1][files.MARGIN + 8 :: 16, left + 8 :: 16][:28, :28].astype(int)
    assert np.abs(seen - bytes_of(film[-1].x)[0]).mean() < 4, "the last frame is the sample"


def test_coloured_panes_stand_side_by_side_under_their_names() -> None:
    body = {"kind": "png", "step": 0, "panes": [["", "grey", "x_t"], ["score", "signed", "score"]]}
    page = np.asarray(Image.open(io.BytesIO(export.make(TOYS, order(), shots(), body)[1])))
    assert page.ndim == 3 and (page != page[..., :1]).any()
    with pytest.raises(ValueError, match="no pictures 'loss'"):
        export.make(TOYS, order(), shots(), {**body, "panes": [["loss", "grey", ""]]})


def test_points_are_drawn_as_dots() -> None:
    film = [Shot(np.array([[0, 2.0]], np.float32), 0, 1, 0, 1.0), Shot(np.array([[2.0, 0]], np.float32), 1, 1, 1, 1.0)]
    film[0].x.setflags(write=False)
    page = np.asarray(Image.open(io.BytesIO(export.make(TOYS, order("toy/plane", data="rings", n=1), film, {"kind": "png", "step": 0})[1])))
    y, x = np.argwhere((page == files.DOT).all(-1)).mean(0) / 448
    assert abs(x - 1 / 2) < 0.01 and abs(y - 1 / 6) < 0.01, "x2 points upwards"
    assert export.make(TOYS, order("toy/plane", data="rings", n=1), film, {"kind": "gif"})[1][:6] == b"GIF89a"


def test_painted_films_are_replayed_pixel_by_pixel() -> None:
    film = shots(n=2, count=5, steps=784)
    for early, late in zip(film, film[1:], strict=False):  # a painted pixel never changes
        late.x[:] = np.where(np.arange(784).reshape(28, 28) < early.step, early.x, late.x)
    moments = export.replay(film, True)
    assert len(moments) == export.FRAMES and moments[0].step == 0 and moments[-1].step == 784
    for shot in moments:
        known = np.arange(784).reshape(28, 28) < shot.step
        assert np.array_equal(shot.x[:, 0, known], film[-1].x[:, 0, known])
        assert np.array_equal(shot.x[:, 0, ~known], film[0].x[:, 0, ~known])
    assert moments[7].caption == f"row {(moments[7].step - 1) // 28}, column {(moments[7].step - 1) % 28}"
    assert export.replay(film, False) is film
    given = [Shot(s.x, s.step, 28, s.step, 1.0) for s in shots(n=1, count=3, steps=28)]  # 27 rows were given
    half = export.at_step(given, 14, True).x[0, 0]
    assert np.array_equal(half.ravel()[: 756 + 14], given[-1].x.ravel()[: 756 + 14])
    assert np.array_equal(half.ravel()[756 + 14 :], given[0].x.ravel()[756 + 14 :])


def test_a_file_is_bounded() -> None:
    film = shots(n=64, count=400)
    small = [Shot(s.x, s.step, s.steps, s.nfe, s.ms) for s in film]
    image = Image.open(io.BytesIO(export.make(TOYS, order(n=64), small, {"kind": "gif"})[1]))
    assert image.n_frames == export.FRAMES and max(image.size) <= 900


def test_long_settings_are_broken_into_lines() -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(17)
    text = ", ".join(f"knob {k}" for k in range(40))
    lines = list(files.wrap(text, 300, font))
    assert len(lines) > 5 and " ".join(lines) == text and all(font.getlength(line) <= 310 for line in lines)  # a comma may hang over
    assert all(font.getlength(line) <= 300 for line in files.wrap("word " * 60, 300, font))


def test_films_stand_where_one_clock_puts_them() -> None:
    short, film = shots(count=2), shots(count=5)  # one step and four, an evaluation each
    assert [export.at_time(short, t, "share", False).step for t in (0, 0.5, 1)] == [0, 0, 1]
    assert [export.at_time(film, t, "share", False).step for t in (0, 0.5, 1)] == [0, 2, 4]
    assert [export.at_time(short, t, "nfe", False).step for t in (0, 1, 4)] == [0, 1, 1]
    assert [export.at_time(film, t, "nfe", False).step for t in (0, 1, 4)] == [0, 1, 4]
    painted = shots(count=3, steps=784)
    painted[-1] = dataclasses.replace(painted[-1], nfe=784)
    assert [export.at_time(painted, t, "nfe", True).step for t in (0, 300, 784)] == [0, 300, 784]
    assert export.at_time(painted, 0.25, "share", True).step == 196


def test_films_side_by_side_are_one_file() -> None:
    slow = [dataclasses.replace(shot, nfe=2 * shot.nfe) for shot in shots(count=5)]
    films = [(order(), shots(count=2)), (order("toy/plain", knobs={"steps": 4}), slow)]
    toys = {**TOYS, "families": [{"models": [PLAIN, {**PLAIN, "name": "toy/plain", "title": "Plain"}], "planes": []}]}
    name, file = export.make_together(toys, films, {"kind": "gif", "columns": 3, "clock": "nfe"})
    image = Image.open(io.BytesIO(file))
    assert name == "side-by-side-mnist-seed7.gif" and image.n_frames == 5
    wide, zoom = 3 * 30 - 2, 900 // (2 * 88)
    left = (image.width - 2 * wide * zoom - files.MARGIN) // 2
    for k, (first, second) in enumerate([(0, 0), (1, 1), (1, 2), (1, 3), (1, 4)]):  # 0, 2, 4, 6 and 8 evaluations each
        image.seek(k)
        page = np.asarray(image.convert("RGB"))[files.MARGIN :, :, 0]
        for start, shot in ((left, films[0][1][first]), (left + wide * zoom + files.MARGIN, slow[second])):
            assert np.array_equal(cells(page[: 28 * zoom, start : start + wide * zoom], 3, 3, zoom), bytes_of(shot.x)), k
    body = {"kind": "png", "columns": 3, "clock": "share", "films": [{"step": 1}, {"step": 3}]}
    told = Image.open(io.BytesIO(export.make_together(toys, films, body)[1])).text["Description"]
    assert told == "MNIST, the same seed for all; Toy: seed 7, 3 samples, steps 3; Plain: seed 7, 3 samples, steps 4"


# The routes


class OneFilm:
    """An engine that keeps one finished film and one that is still being made."""

    def catalogue(self) -> dict:
        return TOYS

    def look(self, job: str, have: int = 0) -> View:
        if job == "done":
            return View("done", shots=shots())
        return View("running", shots=shots()[:2]) if job == "running" else View("error", message="This film is gone; press Sample.")


@pytest.fixture
def web() -> TestClient:
    return TestClient(Starlette(routes=export.routes(OneFilm())))


ASKED = {"model": "toy/toy", "data": "mnist", "n": 3, "seed": 7, "knobs": {"steps": 3}, "walk": "sample", "given": {}}


def test_a_file_is_downloaded_under_a_name_that_says_what_it_is(web) -> None:
    for kind, start in (("png", b"\x89PNG"), ("gif", b"GIF89a")):
        answer = web.post("/genviz/save", json={"job": "done", "order": ASKED, "kind": kind, "step": 3})
        assert answer.content.startswith(start) and answer.headers["content-type"] == f"image/{kind}"
        assert f'filename="toy-toy-mnist-seed7{"-step3" if kind == "png" else ""}.{kind}"' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"job": "old"}, "press Sample"),
        ({"job": "running"}, "still being made"),
        ({"kind": "avi"}, "png, gif, mp4"),
        ({"only": 3}, "'only' must lie between 0 and 2"),
        ({"columns": "many"}, "'columns' must be a whole number"),
        ({"panes": [["", "grey"]]}, "'panes' must be"),
        ({"order": None}, "names no film"),
        ({"order": {**ASKED, "given": [1]}}, "names no film"),
        ({"order": {**ASKED, "model": "toy/none"}}, "There is no model"),
        ({"order": {**ASKED, "knobs": {"steps": 0}}}, "'steps' must lie between"),
    ],
)
def test_what_cannot_be_saved_is_answered_with_a_sentence(web, change, word) -> None:
    answer = web.post("/genviz/save", json={"job": "done", "order": ASKED, "kind": "gif", **change})
    assert answer.status_code == 400 and word in answer.json()["error"]


def test_the_moment_of_a_running_film_can_be_saved(web) -> None:
    assert web.post("/genviz/save", json={"job": "running", "order": ASKED, "kind": "png", "step": 1}).content.startswith(b"\x89PNG")


def test_films_side_by_side_are_asked_for_at_once(web) -> None:
    films = [{"job": "done", "order": ASKED, "step": 3}, {"job": "done", "order": {**ASKED, "model": "toy/painter"}, "step": 1}]
    answer = web.post("/genviz/save", json={"films": films, "clock": "share", "kind": "png"})
    assert answer.content.startswith(b"\x89PNG") and "side-by-side-mnist-seed7.png" in answer.headers["content-disposition"]
    code = web.post("/genviz/python", json={"films": [{**films[0], "step": None}, films[1]]}).json()["code"]
    assert code == (
        'import genviz\n\nx1 = genviz.sample("toy/toy", "mnist", n=3, seed=7)\n\n'
        'film = genviz.film("toy/painter", "mnist", n=3, seed=7)\nx2 = next(frame.x for frame in film if frame.step == 1)\n'
    )
    for change, word in (({"clock": "hour"}, "'clock' must be"), ({"films": []}, "1 to 6 films"), ({"films": films * 4}, "1 to 6 films")):
        assert word in web.post("/genviz/save", json={"films": films, "clock": "nfe", "kind": "gif", **change}).json()["error"]
    assert "names no film" in web.post("/genviz/python", json={"films": [films[0], {"order": "none"}]}).json()["error"]
    films[1]["job"] = "running"
    assert "still being made" in web.post("/genviz/save", json={"films": films, "clock": "nfe", "kind": "gif"}).json()["error"]


# The call in Python, executed


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine("cpu") as made:
        yield made


def delivered(engine: Engine, **asked) -> list[Shot]:
    """The shots of a film, as the page gets them."""

    async def wait() -> list[Shot]:
        job, have = engine.submit(**asked), []
        while True:
            view = await engine.wait(job, len(have))
            have += view.shots
            if view.status != "running" and view.status != "waiting":
                assert view.status == "done", view.message
                return have

    return asyncio.run(wait())


def executed(code: str) -> np.ndarray:
    names: dict = {}
    exec(code, names)
    return names["x"].numpy()


def written(given: dict | None = None, step: int | None = None, only: int | None = None, **asked) -> str:
    """The call for a film, whose knobs are complete as in an order that the engine has checked."""
    usual = {k["name"]: k["default"] for k in catalogues.model_in(CATALOGUE, asked["model"])["knobs"]}
    return call.python(CATALOGUE, order(**asked | {"knobs": usual | asked["knobs"]}), given or {}, step, only)


CATALOGUE: dict = {}


@pytest.fixture(autouse=True, scope="module")
def catalogue(request) -> None:
    CATALOGUE.update(catalogues.build())


def test_only_knobs_off_their_default_are_written() -> None:
    code = written(model="diffusion/ddpm", data="mnist", n=16, seed=7, knobs={"steps": 20, "guidance": 2.0})
    assert code == 'import genviz\n\nx = genviz.sample("diffusion/ddpm", "mnist", n=16, seed=7, steps=20, guidance=2.0)\n'
    code = written(model="diffusion/ddpm", data="mnist", n=4, seed=0, knobs={"sampler": "ddim"}, step=9, only=2)
    assert code == (
        'import genviz\n\nfilm = genviz.film("diffusion/ddpm", "mnist", n=4, seed=0, sampler="ddim")\n'
        "x = next(frame.x for frame in film if frame.step == 9)[2]\n"
    )


def test_the_call_makes_the_vaes_samples(engine) -> None:
    asked = {"model": "vae/vae", "data": "fashion_mnist", "n": 3, "seed": 5, "knobs": {"temperature": 0.7}}
    assert np.array_equal(executed(written(**asked)), delivered(engine, **asked)[-1].x)


def test_the_call_stops_in_the_middle_of_a_diffusion_film(engine) -> None:
    asked = {"model": "diffusion/ddpm", "data": "mnist", "n": 2, "seed": 11, "knobs": {"steps": 6, "guidance": 2.0}}
    film = delivered(engine, **asked)
    assert film[3].step == 3 and np.array_equal(executed(written(**asked, step=3)), film[3].x)
    assert np.array_equal(executed(written(**asked, step=3, only=1)), film[3].x[1])
    assert np.array_equal(executed(written(**asked)), film[-1].x) and not np.array_equal(film[3].x, film[-1].x)


def test_the_call_stops_at_a_pixel_that_no_shot_was_kept_of(engine) -> None:
    asked = {"model": "autoregressive/pixel_cnn", "data": "mnist", "n": 2, "seed": 3, "knobs": {"temperature": 0.8}}
    film = delivered(engine, **asked, frames=12)
    step = 300
    assert step not in [shot.step for shot in film]
    assert np.array_equal(executed(written(**asked, step=step)), export.at_step(film, step, True).x)
    assert np.array_equal(executed(written(**asked)), film[-1].x)


def test_the_call_names_another_walk_and_a_test_image(engine) -> None:
    image = exhibit("mnist")[0][17]
    page = {"x": base64.b64encode(image.tobytes()).decode(), "rows": 20}
    asked = {"model": "autoregressive/pixel_cnn", "data": "mnist", "n": 2, "seed": 1, "knobs": {}, "walk": "complete"}
    film = delivered(engine, **asked, given={"x": pictures.from_base64(page["x"]), "rows": np.float32(20)})
    code = written(**asked, given=page)
    assert 'walk="complete"' in code and "exhibit" in code and np.array_equal(executed(code), film[-1].x)
    branch = {"model": "diffusion/ddpm", "data": "mnist", "n": 2, "seed": 1, "knobs": {"steps": 4}, "walk": "branch"}
    film = delivered(engine, **branch, given={"step": np.float32(2), "draw": np.float32(1)})
    assert np.array_equal(executed(written(**branch, given={"step": 2, "draw": 1}, step=3)), film[3].x)


def test_a_drawing_has_no_name_in_python() -> None:
    drawing = base64.b64encode(bytes(range(196)) * 4).decode()
    asked = {"model": "autoregressive/pixel_cnn", "data": "mnist", "n": 2, "seed": 1, "knobs": {}, "walk": "complete"}
    with pytest.raises(ValueError, match="no test image"):
        written(**asked, given={"x": drawing, "rows": 3})


def test_the_api_refuses_walks_that_there_are_not() -> None:
    with pytest.raises(ValueError, match="has no walk 'dance'"):
        genviz.film("vae/vae", "mnist", walk="dance")
