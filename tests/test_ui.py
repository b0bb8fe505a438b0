"""The shell of the page: pictures, widgets, the routes of films, and a web process without torch."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from genviz import catalogue as catalogues
from genviz import compare
from genviz.data import DATA
from genviz.engine import Refused, Shot, View
from genviz.engine.job import Order
from genviz.likelihood import KINDS, Likelihood
from genviz.plots import pictures
from genviz.ui import card, field, film, start, widget

ROOT = Path(__file__).resolve().parent.parent
Count = Annotated[int, field.Whole(0, 9)]


def read(url_or_bytes) -> np.ndarray:
    data = base64.b64decode(url_or_bytes.split(",")[1]) if isinstance(url_or_bytes, str) else url_or_bytes
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (224, 224), (5, 300, 3)])
def test_png_is_lossless(shape) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(read(pictures.png(pixels)), pixels)


def test_png_refuses_what_is_no_picture() -> None:
    with pytest.raises(ValueError, match="uint8"):
        pictures.png(np.zeros((4, 4), np.float32))


def test_a_grid_lies_row_by_row() -> None:
    x = np.linspace(-1, 1, 5, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 28, 28), np.float32)
    g = pictures.grid(x)
    assert g.shape == (2 * 28, 3 * 28)
    assert g[0, 0] == 0 and g[0, 28] == 64 and g[0, 2 * 28] == 128 and g[28, 28] == 255 and g[28, 2 * 28] == 0  # the last cell is empty
    assert np.array_equal(read(pictures.sprite(x)), g)


def test_grey_is_rounded_and_clipped() -> None:
    x = np.array([-7, -1, 1, 9, np.nan], np.float32).reshape(1, 1, 1, 5)
    assert pictures.grid(x).tolist() == [[0, 0, 255, 255, 0]]


def test_every_byte_survives_the_way_there_and_back() -> None:
    pixels = np.resize(np.arange(256, dtype=np.uint8), 784)
    x = pictures.from_base64(base64.b64encode(pixels.tobytes()).decode())
    assert x.shape == (1, 1, 28, 28) and x.min() == -1 and x.max() == 1
    assert np.array_equal(pictures.grid(x).reshape(-1), pixels)


@pytest.mark.parametrize("text", ["", "no base64 at all", base64.b64encode(b"short").decode(), None])
def test_no_image_is_refused_in_a_sentence(text) -> None:
    with pytest.raises(ValueError, match="28 x 28"):
        pictures.from_base64(text)


def test_signed_colours_tell_the_sign() -> None:
    row = pictures.signed(np.array([-2.0, 0.0, 2.0]).reshape(1, 1, 1, 3))[0].astype(int)
    assert row[0, 2] > row[0, 0] and row[2, 0] > row[2, 2] and row[1].tolist() == [255, 255, 255]
    assert np.array_equal(pictures.signed(np.ones((1, 1, 1, 1)), limit=2)[0, 0], pictures.signed(np.full((1, 1, 1, 1), 3), limit=6)[0, 0])


def test_server_functions_never_raise() -> None:
    async def good(a: Count, b: Count = 2):
        return a + b

    def refusing(a: Count):
        raise ValueError("One sentence.")

    def broken(a: Count):
        return 1 / 0

    ask = lambda f, data: asyncio.run(widget._guarded(f)(data))  # noqa: E731
    assert ask(good, {"a": 1}) == {"ok": 3}
    assert ask(refusing, {"a": 1}) == {"error": "One sentence."}
    assert ask(broken, {"a": 1})["error"].endswith("its log says more.") and "Zero" not in str(ask(broken, {"a": 1}))
    assert ask(good, {"a": 1, "c": 1})["error"] == "'good' takes no 'c'; it takes a, b."
    assert ask(good, {"b": 1})["error"] == "'good' needs a too." and "one object" in ask(good, [1, 2])["error"]
    assert "'a' must be a whole number" in ask(good, {"a": [1]})["error"] and "between 0 and 9" in ask(good, {"a": 10})["error"]


def test_no_server_function_without_fields() -> None:
    def unread(a: int, b):
        return a

    with pytest.raises(TypeError, match="'a' of .*unread does not say what it may be"):
        widget._guarded(unread)


class OneFilm:
    """An engine that knows one film of three shots."""

    def __init__(self):
        self.orders, self.cancelled = [], []

    def catalogue(self):
        return {"data": {"mnist": catalogues.described(DATA["mnist"])}}

    def submit(self, model, data, **order):
        if model != "toy/toy":
            raise Refused("There is no such model.")
        self.orders.append(order)
        return "job"

    async def wait(self, job, have=0, timeout=10, viewer=""):
        if job != "job":
            return View("error", message="This film is gone.")
        x = np.zeros((2, 1, 28, 28), np.float32)
        shots = [Shot(x, k, 19, k, 1.5, f"step {k}", {"score": x + k, "loss": np.zeros(2)}) for k in range(20)]
        order = Order("toy/toy", "mnist", "sample", {}, 2, 3, {}, (), 60)
        return View("done", shots=shots[have:], order=order, before=shots[have - 1] if have else None)

    def cancel(self, job, viewer=None):
        self.cancelled.append((job, viewer))


@pytest.fixture
def films():
    engine = OneFilm()
    return engine, TestClient(Starlette(routes=film.routes(engine)))


def test_a_film_is_asked_for_fetched_and_cancelled(films) -> None:
    engine, web = films
    image = base64.b64encode(bytes(784)).decode()
    order = {
        "model": "toy/toy",
        "data": "mnist",
        "n": 2,
        "seed": 3,
        "knobs": {"steps": 4},
        "given": {"x": [image, image], "rows": 7},
        "aux": ["score"],
    }
    assert web.post("/genviz/submit", json=order).json() == {"job": "job"}
    asked = engine.orders[0]
    assert asked["given"]["x"].shape == (2, 1, 28, 28) and asked["given"]["rows"] == 7 and asked["knobs"] == {"steps": 4}
    have, shots, status = 0, [], ""
    while status != "done":
        view = web.get(f"/genviz/wait?job=job&have={have}&paint=score:signed,loss:grey").json()
        shots, status = shots + view["shots"], view["status"]
        have = len(shots)
    assert [s["step"] for s in shots] == list(range(20)), "every shot once, the last before the word that it is done"
    assert (
        read(shots[0]["sprite"]).shape == (28, 56) and read(shots[0]["aux"]["score"]).shape == (28, 56, 3) and "loss" not in shots[0]["aux"]
    )
    web.post("/genviz/cancel", json={"jobs": ["job"], "viewer": "page"})
    assert engine.cancelled == [("job", "page")]


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[1, 2]", b'{"model": "vae/vae", "data": "mnist"}', b'{"given": {"x": "abc"}}', b'{"given": {"x": {}}}']
)
def test_bad_questions_are_answered_with_a_sentence(films, body) -> None:
    answer = films[1].post("/genviz/submit", content=body)
    assert answer.status_code == 400 and answer.json()["error"].endswith(".")


def test_a_film_that_is_gone_says_so(films) -> None:
    assert films[1].get("/genviz/wait?job=old").json()["message"] == "This film is gone."
    assert films[1].get("/genviz/wait?job=old&have=many").json()["status"] == "error"


def model(name: str, abilities: list[str], cards: dict | None = None, z_dim: int | None = None, likelihoods: tuple = ()) -> dict:
    told = [one.plain() for one in likelihoods]
    return {"name": name, "abilities": abilities, "likelihoods": told, "cards": cards or {}, "z_dim": z_dim, "data": ["mnist"]}


@pytest.mark.parametrize(
    ("abilities", "likelihoods", "word"),
    [
        (["log_prob"], (Likelihood("exact", "log_prob"),), "exact"),
        (["elbo", "decode"], (Likelihood("elbo", "elbo"),), "a bound"),
        (["score"], (Likelihood("ode", "ode_log_prob"),), "by the ODE"),
        (["decode"], (), "none"),
    ],
)
def test_a_bound_is_never_shown_as_a_likelihood(abilities, likelihoods, word) -> None:
    family = {"name": "f", "title": "F", "line": "", "models": [model("f/a", abilities, z_dim=2, likelihoods=likelihoods)]}
    assert start.summary(family, {})["likelihood"] == word


FIELD = {  # latent space, encoder, likelihood: what a lecture says of the families
    "gan": (True, False, "none"),
    "autoregressive": (False, False, "exact"),
    "vae": (True, True, "a bound"),
    "flow": (True, False, "a bound"),
    "ebm": (False, False, "none"),
    "diffusion": (False, False, "none"),
    "score": (False, False, "by the ODE"),
}


def test_the_start_page_says_what_cards_and_comparison_say() -> None:
    catalogue = catalogues.build()
    rows = compare.read()
    assert set(FIELD) == {f["name"] for f in catalogue["families"]}
    for family in catalogue["families"]:
        told, mine = start.summary(family, {}), [row for row in rows if row.name.split("/")[0] == family["name"]]
        assert (bool(told["latent"]), told["encoder"], told["likelihood"]) == FIELD[family["name"]], family["name"]
        measured = {"none" if r.likelihood is None else KINDS[r.likelihood_kind.partition("-")[0].lower()] for r in mine}
        assert measured == {told["likelihood"]}, f"{family['name']}: the comparison says {measured}"
        sizes = {str(row.z_dim) for row in mine if row.z_dim is not None}
        assert sizes == {word for word in told["latent"].split() if word.isdigit()}, family["name"]
        assert {row.encoder for row in mine} == {told["encoder"]}, family["name"]
        lines = [line["name"] for m in family["models"] for c in m["cards"].values() for line in card.leading(c)]
        words = {"exact": ", exact", "a bound": " bound", "by the ODE": "by the ODE"}
        found = {word for word, part in words.items() if any(part in name for name in lines)}
        assert found == {told["likelihood"]} - {"none"}, f"{family['name']}: its cards say {found}"


def test_the_start_page_shows_only_what_was_measured() -> None:
    assert start.figures({"metrics": []}, "MNIST") == [{"name": "Measured", "text": "not measured", "protocol": ""}]
    values = {
        "held_out_loss": 1.0,
        "frechet": 2.0,
        "frechet_ratio, heun, 18 steps": 3.14159,
        "frechet_ratio, heun, 5 steps": 4.0,
        "nll_iw_500": 98.7654,
    }
    metrics = [{"name": n, "value": v, "unit": "nats" if "nll" in n else "times the floor", "protocol": "p"} for n, v in values.items()]
    assert [(f["name"], f["text"]) for f in start.figures({"metrics": metrics}, "MNIST")] == [
        ("-log p(x), IW-500 bound", "98.77 nats on MNIST"),
        ("Frechet distance (heun, 18 steps)", "3.142 times the floor on MNIST"),
    ]
    untrained = start.summary({"name": "f", "title": "F", "line": "", "models": [model("f/a", ["elbo"])]}, {})
    assert not untrained["trained"] and untrained["figures"] == []


def test_a_family_is_introduced_by_its_strongest_model() -> None:
    def card(**values: float) -> dict:
        return {"mnist": {"metrics": [{"name": n, "value": v, "unit": "nats", "protocol": "p"} for n, v in values.items()]}}

    plane, strong, other = card(nll_iw_500=137.0), card(nll_iw_500=84.0), card(bits_per_dim_exact=0.4)
    models = [model("f/plane", ["elbo"], plane), model("f/other", ["log_prob"], other), model("f/strong", ["elbo"], strong)]
    assert start.strongest({"models": models})[0]["name"] == "f/strong", "figures of another kind are not compared"
    assert start.strongest({"models": models[1:2]})[0]["name"] == "f/other"
    assert start.strongest({"models": [model("f/new", [], card())]})[0]["name"] == "f/new"
    assert start.strongest({"models": [model("f/none", [])]}) == (None, "")


def test_pointers_and_keys_are_heard_in_one_place() -> None:
    """`pointer` of core/hands.js tells fingers apart and `keys` leaves fields their keys; a listener beside them would do neither."""
    heard = re.compile(r"""["'](pointer(?:down|move|up|cancel)|mouse\w+|touch(?:start|move|end|cancel)|keydown|keypress)["']""")
    scripts = [f for f in (ROOT / "genviz").rglob("*") if f.suffix in (".js", ".html", ".py") and "node_modules" not in f.parts]
    found = {f.relative_to(ROOT).as_posix(): set(heard.findall(f.read_text(encoding="utf-8"))) for f in scripts}
    assert {"pointerdown", "pointermove", "keydown"} <= found.pop("genviz/ui/web/core/hands.js")
    assert {name: kinds for name, kinds in found.items() if kinds} == {}


PAGE = """
import json, re, sys, urllib.request
class Engine:
    def catalogue(self): return json.load(open(sys.argv[1], encoding="utf-8"))
from genviz.ui import app, theme
engine = Engine()
demo = app.build(engine)
options = theme.page(demo, engine)
demo.launch(prevent_thread_lock=True, quiet=True, **options)
page = urllib.request.urlopen(demo.local_url).read().decode()
look = urllib.request.urlopen(demo.local_url + "theme.css").read().decode()
heavy = [m for m in ("torch", "torchvision", "plotly", "umap", "matplotlib") if m in sys.modules]
head = theme.head(demo.tools, engine.catalogue())
print(json.dumps({"heavy": heavy, "head": head, "look": look, "size": len(page), "tools": demo.tools}))
demo.close(verbose=False)
"""


def test_the_web_process_needs_no_torch_and_nobody_elses_files(tmp_path) -> None:
    from genviz import catalogue

    plain = tmp_path / "catalogue.json"
    plain.write_text(json.dumps({**catalogue.build(), "device": "cpu"}), encoding="utf-8")
    run = subprocess.run([sys.executable, "-c", PAGE, str(plain)], capture_output=True, encoding="utf-8", timeout=300, cwd=ROOT)
    assert run.returncode == 0, run.stderr[-3000:]
    answer = json.loads(run.stdout.strip().splitlines()[-1])
    assert answer["heavy"] == []
    foreign = re.findall(
        r"""(?:src|href)=["']https?://[^"']+|url\(["']?(?:https?:)?//[^)]+|@import[^;]+""", answer["head"] + answer["look"]
    )
    assert foreign == []
    assert answer["size"] > 10_000
    tools = [t["tool"] for t in answer["tools"]]
    assert len(tools) == len(set(tools)) and all(t["tabs"] for t in answer["tools"])
