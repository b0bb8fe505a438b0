"""The flow's own panels, used as a student uses them: there and back to the last digit, films both ways, z between two pictures, a mesh."""

from __future__ import annotations

import pytest
from test_panels_in_use import done, keep, picture, slide
from test_student import LONG, draw_a_one, open_tab, varied


def numbers(page, selector: str) -> list[float]:
    """The numbers in a column of text."""
    return [float(t.replace("\u2212", "-")) for t in page.locator(selector).all_inner_texts()]


def fits(page) -> bool:
    """Is nothing wider than the page?"""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_picture_goes_there_and_back(visit, width: int, dark: bool) -> None:
    page = visit(width=width, height=1000, dark=dark)
    open_tab(page, "flow", "inside-the-flow")
    page.wait_for_function("document.querySelector('.gv-Inside .error')?.textContent", timeout=LONG)
    assert 0 <= float(page.locator(".gv-Inside .error").inner_text()) <= 1e-4
    assert "the same again" in page.locator(".gv-Inside .same").inner_text()
    prior, ladj, log_prob, noise, bound = numbers(page, ".gv-Inside .sum dd.num")
    assert prior + ladj == pytest.approx(log_prob, abs=0.2) and log_prob + noise == pytest.approx(bound, abs=0.2)
    bars = page.locator(".gv-Inside .bars rect").count()
    assert bars == page.locator(".gv-Inside .bars text:not(.csv)").count() / 2 > 3
    assert varied(page, ".gv-Inside .z") and page.locator(".gv-Inside .scales canvas").count() == 3
    assert fits(page)
    keep(page, f"flow-inside-{width}")


def test_own_drawing_is_inverted_live(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "flow", "inside-the-flow")
    page.wait_for_function("document.querySelector('.gv-Inside .error')?.textContent", timeout=LONG)
    before = page.locator(".gv-Inside .sum").inner_text()
    draw_a_one(page)
    page.wait_for_function("old => document.querySelector('.gv-Inside .sum').innerText !== old", arg=before, timeout=LONG)
    assert float(page.locator(".gv-Inside .error").inner_text()) <= 1e-4


def test_layer_by_layer_both_ways(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "flow", "layer-by-layer")
    page.wait_for_selector(".gv-Pick:visible .strip canvas", timeout=LONG)
    ends = []
    for button, key in ((".there", "Home"), (".home", "End")):
        with page.expect_response("**/genviz/submit"):
            page.locator(f".gv-Layerwise {button}").click()
        done(page)
        page.locator(".gv-Player:visible .stage").first.focus()
        page.keyboard.press(key)
        ends.append(picture(page, ".gv-Player:visible .pane"))
    there, home = ends
    far = max(abs(a - b) for a, b in zip(there, home, strict=True))
    assert far <= 2, "the way back ends at the picture, but for the noise between its bytes"


def test_interpolation_in_z(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "flow", "interpolate-in-z")
    page.wait_for_function("document.querySelector('.gv-Along .about')?.textContent.includes('degrees')", timeout=LONG)
    slide(page, ".gv-Along .t", 0)
    start = [picture(page, f".gv-Along .big figure:nth-child({i}) canvas") for i in (1, 2, 3)]
    assert start[0] == start[1] == start[2], "all ways begin at the picture itself"
    slide(page, ".gv-Along .t", 20)
    assert picture(page, ".gv-Along .big figure:nth-child(2) canvas") != start[0]
    page.locator(".gv-Along .film").first.click()
    done(page)
    assert varied(page, ".gv-Player:visible .pane") and fits(page)


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_the_mesh_is_bent(visit, width: int, dark: bool) -> None:
    page = visit(width=width, height=1000, dark=dark)
    open_tab(page, "flow", "mesh")
    page.wait_for_function("document.querySelector('.gv-Mesh output')?.textContent.includes('all undone')", timeout=LONG)
    after = picture(page, ".gv-Mesh .sheet")
    slide(page, ".gv-Mesh .t", 0)
    assert "prior" in page.locator(".gv-Mesh output").inner_text() and picture(page, ".gv-Mesh .sheet") != after
    assert fits(page)
    keep(page, f"flow-mesh-{width}")
