"""The verbs in Python and over HTTP, asked as their users ask them."""

from __future__ import annotations

import asyncio
import base64
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client
from PIL import Image
from until import until

import genviz
from genviz import checkpoint
from genviz.data.exhibit import exhibit
from genviz.engine import Engine, Limits
from genviz.families import FAMILIES
from genviz.plots import pictures
from genviz.ui import api, theme
from genviz.ui.pick import Pick

TOY = ("toys/toy", "mnist")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine("cpu", stage="troubled:ToyStage", limits=Limits(address=8)) as made:
        yield made


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[Client]:
    with gr.Blocks() as demo:
        api.register(engine)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **theme.page(demo, engine))
    yield Client(url, verbose=False)
    demo.close()


def pixels(image: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image))))


def test_names_are_stable(client: Client) -> None:
    known = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert {"/sample", "/film", "/encode", "/decode", "/likelihood"} <= set(known)
    assert [p["parameter_name"] for p in known["/sample"]["parameters"]] == ["model", "data", "n", "seed", "knobs"]


def test_sample(client: Client) -> None:
    answer = client.predict(*TOY, 3, 7, {"steps": 5}, api_name="/sample")
    assert answer["steps"] == answer["nfe"] == 5
    assert [pixels(i).shape for i in answer["images"]] == [(28, 28)] * 3
    assert answer == client.predict(*TOY, n=3, seed=7, knobs={"steps": 5}, api_name="/sample")
    assert answer["images"] != client.predict(*TOY, n=3, seed=8, knobs={"steps": 5}, api_name="/sample")["images"]
    assert len(client.predict(*TOY, api_name="/sample")["images"]) == 16


def test_film_streams(client: Client) -> None:
    job = client.submit(*TOY, 2, 0, {"steps": 6}, api_name="/film")
    frames = list(job)
    assert [f["step"] for f in frames] == list(range(7)) and frames[3]["caption"] == "step 3"
    assert all(len(f["images"]) == 2 for f in frames)
    assert frames[-1]["images"] == client.predict(*TOY, 2, 0, {"steps": 6}, api_name="/sample")["images"]
    few = list(client.submit(*TOY, 1, 0, {"steps": 100}, 5, api_name="/film"))
    assert [f["step"] for f in few] == [0, 25, 50, 75, 100]


def test_encode_decode(client: Client) -> None:
    z = [[0.5, 1, -1, 0], [0, 0, 0, 0]]
    images = client.predict(*TOY, z, api_name="/decode")["images"]
    assert [pixels(i).shape for i in images] == [(28, 28)] * 2
    answer = client.predict(*TOY, images, api_name="/encode")
    assert np.shape(answer["mu"]) == np.shape(answer["log_var"]) == (2, 4)
    lists = [(pixels(i) / 127.5 - 1).tolist() for i in images]
    assert client.predict(*TOY, lists, api_name="/encode") == answer


def test_a_drawing_is_taken_as_the_page_takes_it(client: Client) -> None:
    """JPEG, 32 x 32, line breaks, data URLs, transparency: one picture each, prepared as the sketchpad's drawings are."""
    digit = Image.fromarray(exhibit("mnist")[0][3])
    for size, kind, mode in ((32, "PNG", "L"), (300, "JPEG", "RGB"), (300, "WEBP", "RGB"), (40, "GIF", "P"), (28, "BMP", "RGB")):
        file = io.BytesIO()
        digit.resize((size, size), Image.Resampling.BICUBIC).convert(mode).save(file, kind)
        plain, lines = base64.b64encode(file.getvalue()).decode(), base64.encodebytes(file.getvalue()).decode()
        x = np.frombuffer(base64.b64decode(Pick.drawing(Pick(), f"data:image/x;base64,{plain}", "mnist")["image"]), np.uint8)
        seen = client.predict(*TOY, [(x.reshape(28, 28) / 127.5 - 1).tolist()], api_name="/encode")
        for text in (plain, lines, f"data:image/{kind.lower()};base64,{plain}", base64.urlsafe_b64encode(file.getvalue()).decode()):
            assert client.predict(*TOY, [text], api_name="/encode") == seen, (size, kind)
    exact = base64.b64encode(pictures.png(exhibit("mnist")[0][3])).decode()
    seen = client.predict(*TOY, [(exhibit("mnist")[0][3] / 127.5 - 1).tolist()], api_name="/encode")
    assert client.predict(*TOY, [exact], api_name="/encode") == seen


def test_likelihood_says_its_kind(client: Client) -> None:
    black = [[[-1.0] * 28] * 28]
    answer = client.predict(*TOY, black, api_name="/likelihood")
    assert answer["kind"] == "lower bound" and answer["pixels"] == "grey" and len(answer["nats"]) == 1
    assert answer == client.predict(*TOY, black, 0, api_name="/likelihood")
    assert answer != client.predict(*TOY, black, 1, api_name="/likelihood")


@pytest.mark.parametrize(
    ("verb", "asked", "words"),
    [
        ("/sample", ("toys/none", "mnist"), "the models are: toys/toy"),
        ("/sample", (*TOY, 100), "'n' must lie between 1 and 64"),
        ("/sample", (*TOY, "many"), "'n' must be a whole number"),
        ("/sample", (*TOY, 1, 2**40), "'seed' must lie between"),
        ("/sample", (*TOY, 1, 0, {"speed": 1}), "no knob 'speed'"),
        ("/sample", (*TOY, 1, 0, "fast"), "knobs must be an object"),
        ("/sample", (*TOY, 1, 0, {"trouble": "raise"}), "the toy broke"),
        ("/film", (*TOY, 1, 0, {"trouble": "nan"}), "at step 3 of 10"),
        ("/film", (*TOY, 1, 0, {}, 1), "'frames' must lie between"),
        ("/encode", (*TOY, []), "1 to 64 images"),
        ("/encode", (*TOY, "text"), "1 to 64 images"),
        ("/encode", (*TOY, ["text"]), "a picture file in base64"),
        ("/encode", (*TOY, ["JSFQUy1BZG9iZS0zLjAgRVBTRi0zLjA="]), "a picture file in base64"),
        ("/likelihood", (*TOY, [base64.b64encode(pictures.png(np.zeros((40, 40), np.uint8))).decode()]), "empty"),
        ("/encode", (*TOY, [[[0.0] * 27] * 28]), "shape (n, 28, 28)"),
        ("/encode", (*TOY, [[[7.0] * 28] * 28]), "between -1 (black) and 1 (white)"),
        ("/decode", (*TOY, [[1, 2]]), "shape (B, 4)"),
        ("/decode", (*TOY, [["a"]]), "z must be rows of numbers"),
        ("/decode", (*TOY, [[1, 2], [3]]), "z must be rows of numbers"),
        ("/decode", (*TOY, [[0, 0, 0, 0]] * 65), "At most 64 rows"),
        ("/likelihood", ("toys/none", "mnist", [[[0.0] * 28] * 28]), "the models are: toys/toy"),
    ],
)
def test_errors_are_one_sentence(client: Client, verb: str, asked: tuple, words: str) -> None:
    with pytest.raises(Exception) as error:
        client.submit(*asked, api_name=verb).result(timeout=300)
    assert words in str(error.value) and "\n" not in str(error.value).strip()


def test_films_of_one_client_are_bounded(client: Client, engine: Engine) -> None:
    slow = {"steps": 1000, "pace": 0.05}
    jobs = [client.submit(*TOY, 1, 0, slow, api_name="/film") for _ in range(engine.limits.address)]  # gradio_client keeps no cookies
    for job in jobs:
        next(iter(job))
    with pytest.raises(Exception, match="films under way already"):
        client.submit(*TOY, 1, 0, slow, api_name="/film").result(timeout=300)
    for job in jobs:
        job.cancel()


def test_who_hangs_up_stops_the_film(client: Client, engine: Engine) -> None:
    job = client.submit(*TOY, 1, 0, {"steps": 1000, "pace": 0.05}, api_name="/film")
    next(iter(job))
    job.cancel()
    until(lambda: not engine._unfinished(), missing="The film did not stop")


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A pretrained/ with one model of each family as it is before training."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("pretrained")
        patch.setenv("GENVIZ_PRETRAINED", str(root))  # for the worker
        patch.setattr(checkpoint, "PRETRAINED", root)
        for family in FAMILIES.values():
            torch.manual_seed(0)
            entry = family.models[0]
            model = entry.model_class()(**entry.args)
            card = checkpoint.Card(family.name, entry.name, "mnist", entry.title, dict(entry.args), 1, {}, 0.0, "test", 0)
            checkpoint.save(model, card)
        genviz._stage.cache_clear()
        yield
        genviz._stage.cache_clear()


def test_python_verbs(untrained: None) -> None:
    cards = genviz.cards()
    assert {c.family for c in cards} == set(FAMILIES)
    model = genviz.load(cards[0].name, "mnist")
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    with pytest.raises(KeyError, match="the models are: .*vae/vae"):
        genviz.load("vae/none", "mnist")
    with pytest.raises(KeyError, match="python -m genviz.train"):
        genviz.sample(cards[0].name, "fashion_mnist")
    for wrong in ({"n": 0}, {"seed": -1}, {"nothing": 1}):
        with pytest.raises(ValueError):
            genviz.film(cards[0].name, "mnist", **wrong)


def test_python_sample_is_the_last_frame_of_the_app(untrained: None) -> None:
    with Engine("auto") as engine:
        for card in genviz.cards():
            knobs = {"steps": 3} if card.family == "diffusion" else {}

            async def last(name: str = card.name, knobs: dict = knobs) -> np.ndarray:
                job, shots, view = engine.submit(name, "mnist", n=2, seed=5, knobs=knobs), [], None
                while view is None or view.status in ("waiting", "running"):
                    view = await engine.wait(job, len(shots))
                    shots += view.shots
                assert view.status == "done", view.message
                return shots[-1].x

            x = genviz.sample(card.name, "mnist", n=2, seed=5, **knobs)
            assert x.shape == (2, 1, 28, 28) and x.min() >= -1 and x.max() <= 1
            assert np.array_equal(x.numpy(), asyncio.run(last())), card.name
            frames = [(f.step, f.steps) for f in genviz.film(card.name, "mnist", n=2, seed=5, **knobs)]
            assert frames[0][0] == 0 and frames[-1][0] == frames[-1][1]


def test_import_is_light() -> None:
    code = "import genviz, sys; print(sorted({'torch', 'numpy', 'gradio', 'plotly', 'umap'} & sys.modules.keys()))"
    root = Path(__file__).resolve().parent.parent
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=root, check=True).stdout.strip() == "[]"
