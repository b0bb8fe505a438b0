"""The score tab's own panels, used as a student uses them."""

from __future__ import annotations

import pytest
from pages import quiet
from test_panels_in_use import done, keep, loud, picture, slide
from test_student import LONG, open_tab, varied

PHONE = {"width": 390, "height": 844, "touch": True}


def bits(page) -> list[float]:
    """The third column of the table of measurements, newest first."""
    return [float(cell.inner_text()) for cell in page.locator(".gv-Likelihood tbody td:nth-child(3)").all()]


def test_the_score_of_an_image_follows_the_noise(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "score", "score-of-an-image")
    loud(page, ".gv-Arrow .say", "of 784 directions")
    slide(page, ".gv-Arrow .sigma", 0.1)
    loud(page, ".gv-Arrow output", "sigma = 0.0234")
    quiet(page)
    clear, large = picture(page, ".gv-Arrow .x0"), page.locator(".gv-Arrow .say b").first.inner_text()
    slide(page, ".gv-Arrow .sigma", 0.95)
    page.wait_for_function("old => document.querySelector('.gv-Arrow .say b').innerText !== old", arg=large, timeout=LONG)
    assert picture(page, ".gv-Arrow .x0") != clear
    assert float(page.locator(".gv-Arrow .say b").first.inner_text()) < float(large) / 100, "the score is long where noise is small"
    assert varied(page, ".gv-Arrow .score")
    page.wait_for_selector(".gv-Arrow .curve polyline.line", timeout=LONG)
    heights = [float(point.split(",")[1]) for point in page.locator(".gv-Arrow .curve polyline.line").get_attribute("points").split()]
    assert len(heights) == 25 and heights == sorted(heights), "the length falls as the noise grows"


def test_a_noisy_image_walks_back(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "score", "score-of-an-image")
    loud(page, ".gv-Arrow .say", "of 784 directions")
    slide(page, ".gv-Arrow .sigma", 0.5)
    for sampler in ("probability_flow", "predictor_corrector"):
        page.locator(".gv-Arrow .sampler").select_option(sampler)
        page.locator(".gv-Arrow .steps").select_option("10")
        page.locator(".gv-Arrow .walk").click()
        done(page)
        assert varied(page, ".gv-Player:visible .pane")


def test_the_likelihood_is_measured_and_measured_again(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "score", "likelihood-by-the-ode")
    page.wait_for_selector("#tab-score-likelihood-by-the-ode .gv-Pick .strip canvas", timeout=LONG)
    page.locator(".gv-Likelihood .probes").select_option("2")
    for count, solver in enumerate(("rk4-10", "rk4-20"), start=1):
        page.locator(".gv-Likelihood .solver").select_option(solver)
        page.locator(".gv-Likelihood .measure").click()
        page.wait_for_function(
            """n => document.querySelectorAll('.gv-Likelihood tbody tr').length === n
            && !document.querySelector('.gv-Likelihood .measure').disabled""",
            arg=count,
            timeout=2 * LONG,
        )
    fine, coarse = bits(page)
    assert 0 < fine < 4 and abs(fine - coarse) < 0.05
    assert [cell.inner_text() for cell in page.locator(".gv-Likelihood tbody td:nth-child(5)").all()] == ["80", "40"]
    assert page.locator(".gv-Likelihood .dots circle").count() == 4
    keep(page, "likelihood-in-use")


def test_two_families_say_the_same(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "score", "sounds-familiar")
    loud(page, ".gv-Familiar .say", "of their length apart")
    slide(page, ".gv-Familiar .sigma", 0.6)
    loud(page, ".gv-Familiar output", "sigma = 1.66")
    quiet(page)
    share = float(page.locator(".gv-Familiar .say b").inner_text().removesuffix(" %"))
    assert 0 < share < 20, "the two networks are the same object up to training"
    assert varied(page, ".gv-Familiar .diffusion-score") and varied(page, ".gv-Familiar .score-score")
    before = page.locator(".gv-Familiar .say").inner_text()
    page.locator(".gv-Familiar .label").select_option("3")
    page.wait_for_function("old => document.querySelector('.gv-Familiar .say').innerText !== old", arg=before, timeout=LONG)
    keep(page, "familiar-in-use")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("panel", "widget"), [("score-of-an-image", "Arrow"), ("likelihood-by-the-ode", "Likelihood"), ("sounds-familiar", "Familiar")]
)
def test_nothing_leaves_a_phone_screen(visit, panel: str, widget: str, dark: bool) -> None:
    page = visit(**PHONE, dark=dark)
    open_tab(page, "score", panel)
    page.wait_for_selector(f".gv-{widget}", timeout=LONG)
    quiet(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
