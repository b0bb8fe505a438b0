"""Links: what the address says is taken on, and what it says wrongly is answered with a sentence."""

from __future__ import annotations

import base64
import copy
import re
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path
from urllib.parse import unquote, urlencode

import pytest

from genviz import catalogue as catalogues
from genviz.catalogue import model_in
from genviz.ui import link


@pytest.fixture(scope="module")
def catalogue() -> dict:
    return catalogues.build()


@pytest.fixture
def read(catalogue):
    """read(query, own="sample", model=...) -> what a page does that shows these menus."""

    def ask(query: str, own: str = "sample", model: str = "diffusion/ddpm", data: str = "mnist", seed: int = 0, n: int = 16) -> dict:
        return link.read(catalogue, query, model, data, seed, n, own)

    return ask


FULL = "tab=diffusion&panel=sample&model=diffusion/ddpm&data=fashion_mnist&seed=7&n=4&steps=20&guidance=2&sampler=ddim&step=9"


def test_a_link_says_the_whole_view(read) -> None:
    view = read(FULL)
    assert view["wrong"] == [] and view["rest"] == {}
    assert (view["model"], view["data"], view["seed"], view["n"]) == ("diffusion/ddpm", "fashion_mnist", 7, 4)
    assert view["knobs"]["steps"] == 20 and isinstance(view["knobs"]["steps"], int)
    assert view["knobs"]["guidance"] == 2.0 and view["knobs"]["sampler"] == "ddim" and view["knobs"]["eta"] == 0.0
    film = view["films"]["sample"]
    assert film["step"] == 9 and film["order"]["knobs"] == view["knobs"]
    assert {k: film["order"][k] for k in ("model", "data", "seed", "n", "walk", "given")} == {
        "model": "diffusion/ddpm", "data": "fashion_mnist", "seed": 7, "n": 4, "walk": "sample", "given": {}}  # fmt: skip


def test_without_a_step_there_is_no_film_and_a_playing_one_has_no_place(read) -> None:
    assert read("tab=diffusion&seed=3")["films"] == {}
    assert read("tab=diffusion&seed=3&step=play")["films"]["sample"]["step"] is None


def test_what_is_not_said_stays_as_the_menus_show_it(read) -> None:
    view = read("tab=vae", model="vae/vae_2d", data="fashion_mnist", seed=5, n=9)
    assert (view["model"], view["data"], view["seed"], view["n"]) == ("vae/vae_2d", "fashion_mnist", 5, 9)


def test_a_film_that_differs_from_the_menus_beside_it(read) -> None:
    film = read("tab=diffusion&seed=7&steps=20&step=3&sample.seed=1&sample.steps=5&sample.n=2")["films"]["sample"]["order"]
    assert film["seed"] == 1 and film["knobs"]["steps"] == 5 and film["n"] == 2


@pytest.mark.parametrize(
    ("part", "word", "field", "kept"),
    [
        ("model=diffusion/none", "There is no model 'diffusion/none'", "model", "diffusion/ddpm"),
        ("model=vae/vae", "There is no model 'vae/vae' here", "model", "diffusion/ddpm"),
        ("data=letters", "There is no data set 'letters'", "data", "mnist"),
        ("seed=x", "'seed' must be a whole number", "seed", 0),
        ("seed=-1", "'seed' must lie between", "seed", 0),
        ("seed=4294967296", "'seed' must lie between", "seed", 0),
        ("n=65", "'n' must lie between 1 and 64", "n", 16),
        ("n=", "'n' must be a whole number", "n", 16),
    ],
)
def test_a_wrong_menu_is_answered_and_the_rest_holds(read, part, word, field, kept) -> None:
    view = read(f"tab=diffusion&{part}&steps=20&step=4")
    assert len(view["wrong"]) == 1 and word in view["wrong"][0] and view["wrong"][0].endswith(".")
    assert view[field] == kept and view["knobs"]["steps"] == 20 and view["films"]["sample"]["step"] == 4


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ("steps=many", "'steps' must be a whole number"),
        ("steps=0", "'steps' must lie between 1 and 1000"),
        ("guidance=nan", "'guidance' must lie between"),
        ("sampler=dance", "'sampler' must be one of"),
        ("temperature=1", "There is no knob 'temperature' here"),
    ],
)
def test_a_wrong_knob_is_answered_and_the_rest_holds(read, part, word) -> None:
    view = read(f"tab=diffusion&seed=4&eta=0.5&{part}&step=2")
    assert len(view["wrong"]) == 1 and word in view["wrong"][0]
    assert view["seed"] == 4 and view["knobs"]["eta"] == 0.5 and view["films"]["sample"]["order"]["knobs"]["eta"] == 0.5


def test_what_is_not_trained_yet_is_answered(catalogue) -> None:
    other = copy.deepcopy(catalogue)
    del model_in(other, "diffusion/ddpm")["cards"]["fashion_mnist"]
    for step in ("", "&step=3"):
        view = link.read(other, "tab=diffusion&data=fashion_mnist&seed=4" + step, "diffusion/ddpm", "mnist", 0, 16, "sample")
        assert len(view["wrong"]) == 1 and "not trained on fashion_mnist yet" in view["wrong"][0]
        assert view["data"] == "fashion_mnist" and view["seed"] == 4, "the page shows the command that trains it"
    assert link.read(other, "tab=diffusion&seed=4", "diffusion/ddpm", "fashion_mnist", 0, 16, "sample")["wrong"] == []


def test_a_film_without_its_place_is_answered(read) -> None:
    view = read("tab=diffusion&seed=4&sample.seed=3")
    assert len(view["wrong"]) == 1 and "'sample'" in view["wrong"][0] and view["films"] == {} and view["seed"] == 4


@pytest.mark.parametrize("step", ["x", "-1", "1e99", "99999", ""])
def test_a_wrong_step_is_answered_and_the_film_plays(read, step) -> None:
    view = read(f"tab=diffusion&step={step}")
    assert len(view["wrong"]) == 1 and "'step'" in view["wrong"][0] and view["films"]["sample"]["step"] is None


def test_names_of_others_are_left_to_them(read) -> None:
    view = read("tab=diffusion&seed=1&utm_source=mail&__theme=dark")
    assert view["wrong"] == [] and view["rest"] == {"utm_source": "mail", "__theme": "dark"}


def test_in_a_panel_with_its_own_sliders_names_of_knobs_belong_to_the_panel(read) -> None:
    view = read("tab=diffusion&panel=microscope&seed=2&steps=50&n=3", own="")
    assert view["rest"] == {"steps": "50", "n": "3"} and view["films"] == {} and view["seed"] == 2


def packed(pixels: bytes) -> str:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return "~" + base64.urlsafe_b64encode(squeeze.compress(pixels) + squeeze.flush()).decode().rstrip("=")


def test_a_film_of_a_panel_holds_its_pictures(read) -> None:
    pixels = bytes(range(196)) * 4
    fields = {"walk": "complete", "n": 9, "temperature": 0.8, "x": packed(pixels), "rows": 12, "at": 300}
    query = urlencode({"tab": "autoregressive", "panel": "complete", "seed": 3, **{f"complete.{k}": v for k, v in fields.items()}})
    view = read(query, own="", model="autoregressive/pixel_cnn")
    film = view["films"]["complete"]
    assert view["wrong"] == [] and film["step"] == 300
    assert film["order"] == {"model": "autoregressive/pixel_cnn", "data": "mnist", "seed": 3, "n": 9, "walk": "complete",
                             "knobs": {"temperature": 0.8}, "given": {"x": base64.b64encode(pixels).decode(), "rows": 12.0}}  # fmt: skip


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ("complete.x=~AAAA&complete.rows=3", "'x' in this link is damaged"),
        ("complete.x=~%21%21&complete.rows=3", "'x' in this link is damaged"),
        ("complete.x=" + packed(bytes(10**6)), "'x' in this link is damaged"),
        ("complete.rows=low", "'rows' must be a number"),
        ("complete.walk=dance", "has no walk 'dance'"),
        ("complete.model=vae/none", "There is no model"),
        ("complete.data=letters", "knows no data set 'letters'"),
    ],
)
def test_a_damaged_film_is_answered(read, part, word) -> None:
    view = read(f"tab=autoregressive&seed=3&complete.at=3&{part}", own="", model="autoregressive/pixel_cnn")
    assert len(view["wrong"]) == 1 and word in view["wrong"][0] and view["seed"] == 3


def test_lists_and_single_ones_are_told_apart(read) -> None:
    one, two = packed(bytes(784)), packed(bytes([7]) * 784)
    film = read(f"tab=diffusion&panel=p&p.at=0&p.x={one},{two}&p.t=0.5,&p.y={one}", own="")["films"]["p"]["order"]["given"]
    assert len(film["x"]) == 2 and film["t"] == [0.5] and isinstance(film["y"], str)


def test_no_knob_has_a_name_that_links_use_otherwise(catalogue) -> None:
    names = {k["name"] for m in link.every(catalogue) for k in m["knobs"]}
    sources = [f.read_text(encoding="utf-8") for f in Path(link.__file__).parent.parent.rglob("*") if f.suffix in (".html", ".py")]
    fields = {name for text in sources for name in re.findall(r'data-field="(\w+)"', text)}
    assert {"image", "models", "by"} <= fields, "the groups of buttons were found"
    assert not names & {"tab", "panel", "model", "data", "seed", "n", "step", "walk", "at", *fields}
    walks = {name for m in link.every(catalogue) for name in m["walks"]}
    assert all(re.fullmatch(r"\w+", name) for name in names | walks)


def test_a_code_holds_its_address_in_the_dark_squares() -> None:
    address = "http://192.168.1.7:7860/?" + FULL
    svg = ElementTree.fromstring(unquote(link.qr(address).split(",", 1)[1]))
    assert svg.tag.endswith("svg")
    left, top, width, height = map(float, svg.attrib["viewBox"].split())
    assert width == height and (width - 8 - 17) % 4 == 0, "modules of a QR code and four of quiet zone around them"
    assert link.qr(address) != link.qr(address + "0")


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "http://x/?" + "a" * 3000])
def test_what_no_code_can_hold_is_answered_with_a_sentence(address) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        link.qr(address)
