"""The panel "In the plane" in a real browser, in every family that has one: sample, scrub, change what lies under the points."""

from __future__ import annotations

import pytest
from pages import SCREENS
from test_panels_in_use import slide
from test_student import LONG, open_tab, sample, varied

from genviz.families import NAMES

MODEL, DATA = ".gv-Plane:visible canvas.model", ".gv-Plane:visible canvas.data"
BARE = ("gan", "diffusion")  # families whose planes have no density


def pixels(page, canvas: str) -> str:
    return page.locator(canvas).evaluate("c => c.toDataURL()")


def shown(page, layer: str) -> None:
    """Wait until the visible plane shows a layer."""
    page.wait_for_function(
        "l => [...document.querySelectorAll('.gv-Plane')].some(e => e.offsetParent && e.dataset.shown?.endsWith(' ' + l))",
        arg=layer,
        timeout=LONG,
    )


def scrub(page, to: str) -> None:
    page.locator(".gv-Player:visible .scrub").evaluate(f"s => {{ s.value = {to}; s.dispatchEvent(new Event('input')) }}")


@pytest.mark.parametrize("family", NAMES)
def test_points_walk_over_what_the_model_knows(visit, family: str) -> None:
    page = visit()
    open_tab(page, family, "in-the-plane")
    page.wait_for_selector(".gv-Plane:visible[data-shown]", timeout=LONG)
    empty = pixels(page, MODEL)
    sample(page)
    scrub(page, "0")
    first = pixels(page, MODEL)
    scrub(page, "s.max")
    last = pixels(page, MODEL)
    assert len({empty, first, last}) == 3, "points are drawn, and they move"
    assert varied(page, DATA)
    layers = page.locator(".gv-Plane:visible .layers button")
    pictures = {}
    for name in layers.evaluate_all("buttons => buttons.map(b => b.value)"):
        page.locator(f".gv-Plane:visible button[value={name}]").click()
        shown(page, name)
        pictures[name] = pixels(page, MODEL)
    assert len(set(pictures.values())) == len(pictures) > 1, "every layer is another picture"
    assert ("No density" in page.locator(".gv-Plane:visible figcaption").nth(1).inner_text()) == (family in BARE)
    page.locator(".gv-Plane:visible .real").uncheck()
    assert pixels(page, MODEL) != pictures["none"]
    layers.first.click()
    page.locator(".gv-Plane:visible .real").check()
    shown(page, next(iter(pictures)))
    SCREENS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENS / f"{family}-plane-in-use.png")


def test_arrows_follow_the_noise(visit) -> None:
    page = visit()
    open_tab(page, "diffusion", "in-the-plane")
    shown(page, "score")
    seen = []
    for place in (0, 1):
        before = pixels(page, MODEL)
        slide(page, ".gv-Plane:visible .noise input", place)
        page.wait_for_function(
            "before => [...document.querySelectorAll('.gv-Plane canvas.model')].find(c => c.offsetParent).toDataURL() !== before",
            arg=before,
            timeout=LONG,
        )
        seen.append(page.locator(".gv-Plane:visible .noise output").inner_text())
    assert seen == ["0.10", "2.00"]


def test_a_cut_shows_the_conditional(visit) -> None:
    page = visit()
    open_tab(page, "autoregressive", "in-the-plane")
    shown(page, "log_prob")
    before = pixels(page, MODEL)
    page.locator(MODEL).focus()
    page.keyboard.press("ArrowUp")
    here = page.locator(".gv-Plane:visible .here").inner_text()
    assert here.startswith("x = (0.00, 0.05)") and "p(x2 | x1)" in here and pixels(page, MODEL) != before


def test_another_data_set_is_another_truth(visit) -> None:
    page = visit()
    open_tab(page, "autoregressive", "in-the-plane")
    shown(page, "log_prob")
    before = pixels(page, DATA)
    page.get_by_label("Data set").locator("visible=true").last.click()
    page.get_by_role("option", name="Checkerboard").click()
    page.wait_for_function(
        "[...document.querySelectorAll('.gv-Plane')].some(e => e.offsetParent && e.dataset.shown?.includes('checkerboard'))", timeout=LONG
    )
    assert pixels(page, DATA) != before


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_plane_fits_its_screen(visit, width: int, dark: bool) -> None:
    page = visit(width=width, height=800, dark=dark, touch=width < 700)
    open_tab(page, "vae", "in-the-plane")
    page.wait_for_selector(".gv-Plane:visible[data-shown]", timeout=LONG)
    boxes = [page.locator(canvas).bounding_box() for canvas in (DATA, MODEL)]
    assert boxes[0]["width"] == boxes[1]["width"] == pytest.approx(boxes[0]["height"], abs=1)
    assert (boxes[0]["y"] == boxes[1]["y"]) == (width > 700), "side by side, or one above the other on a phone"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
