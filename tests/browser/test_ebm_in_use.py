"""The energy-based family's own panels, used as a student uses them, with the shipped weights."""

from __future__ import annotations

import pytest
from test_panels_in_use import done, keep, loud, picture, slide, to_the_end
from test_student import LONG, draw_a_one, open_tab, player, varied


def number(page, selector: str) -> float:
    """A number as the page writes it: "-5,778" with a true minus sign."""
    return float(page.locator(selector).first.inner_text().replace("\u2212", "-").replace(",", ""))


def own_drawing(page) -> None:
    draw_a_one(page)
    page.wait_for_function(
        "[...document.querySelectorAll('.gv-Pick .slot span')].some(s => s.offsetParent && s.textContent.includes('own drawing'))",
        timeout=LONG,
    )


def test_chains_walk_from_noise_and_from_a_drawing(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "ebm", "chains")
    slide(page, ".gv-Chains [data-knob=steps]", 40)
    page.locator(".gv-Chains .n").select_option("4")
    page.locator(".gv-Chains .label").select_option("3")
    page.locator(".gv-Chains .from-noise").click()
    done(page)
    to_the_end(page)
    assert player(page).locator(".pane").count() == 3  # y, x0_hat and where it pulls
    loud(page, ".gv-Chains .key", "nine of ten test images")
    end, data = (number(page, f".gv-Chains .key span:nth-of-type({i}) b") for i in (2, 3))
    assert abs(end - data) < 1000, "noise lies thousands of nats higher"
    assert page.locator(".gv-Chains .chart polyline").count() == 5, "four chains and their mean"
    before = page.locator(".gv-Chains .chart").inner_html()
    page.locator(".gv-Chains .zoom").check()
    assert page.locator(".gv-Chains .chart").inner_html() != before
    keep(page, "chains-in-use")
    player(page).locator(".save").click()
    player(page).locator("[data-kind=python]").click()
    page.wait_for_selector(".gv-Player .code:visible", timeout=LONG)
    assert "label=3" in player(page).locator(".code pre").inner_text()
    player(page).locator(".code .close").click()
    own_drawing(page)
    page.locator(".gv-Chains .from-picture").click()
    page.wait_for_function("document.querySelector('.gv-Chains .traces').hidden", timeout=LONG)
    done(page)
    slide(page, ".gv-Player:visible >> nth=0 >> .scrub", 0)
    assert varied(page, ".gv-Player:visible .pane")
    player(page).locator(".read .step", has_text="step 0 of 40").wait_for(timeout=LONG)


def test_without_noise_chains_only_go_down(visit) -> None:
    page = visit()
    open_tab(page, "ebm", "chains")
    slide(page, ".gv-Chains [data-knob=steps]", 20)
    slide(page, ".gv-Chains [data-knob=noise]", 0)
    page.locator(".gv-Chains .from-picture").click()  # at one noise: energies of different noises have different zeros
    done(page)
    loud(page, ".gv-Chains .key", "their mean")
    captions = []
    for step in range(0, 20, 5):
        slide(page, ".gv-Player:visible >> nth=0 >> .scrub", step)
        captions.append(float(player(page).locator(".caption").inner_text().rpartition("=")[2]))
    assert captions == sorted(captions, reverse=True)


def test_a_picture_is_weighed_against_others(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "ebm", "energy-of-an-image")
    loud(page, ".gv-Scale .verdict", "of the test images")
    loud(page, ".gv-Scale .named", "p(c | x)")
    shares = [float(b.rstrip(" %")) for b in page.locator(".gv-Scale .named b").all_inner_texts()]
    assert len(shares) == 3 and shares == sorted(shares, reverse=True) and 50 < sum(shares) <= 100.1
    first = number(page, ".gv-Scale .verdict b")
    assert page.locator(".gv-Scale .chart circle").count() > 600 and varied(page, ".gv-Scale .slope")
    before, x = page.locator(".gv-Scale .chart").inner_html(), picture(page, ".gv-Scale .x")
    page.locator(".gv-Scale [value=shuffled]").click()
    page.wait_for_function(
        "first => +document.querySelector('.gv-Scale .verdict b').innerText.replace('\u2212', '-').replaceAll(',', '') > first + 100",
        arg=first,
        timeout=LONG,
    )
    assert sorted(picture(page, ".gv-Scale .x")) == sorted(x), "shuffling keeps the greys"
    assert page.locator(".gv-Scale .chart").inner_html() != before
    tall = page.locator(".gv-Scale .chart").bounding_box()["height"]
    page.locator(".gv-Scale .far").check()
    assert page.locator(".gv-Scale .chart").bounding_box()["height"] > tall, "noise has a row of its own"
    keep(page, "energy-in-use")
    own_drawing(page)
    page.locator(".gv-Scale [value=same]").click()
    page.wait_for_function("e => document.querySelector('.gv-Scale .verdict b').innerText !== e", arg=str(first), timeout=LONG)


def test_two_phases_grow_apart_with_the_chain(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "ebm", "two-phases")
    loud(page, ".gv-Phases [data-phase=model] .about", "40 steps later")
    y = "[data-phase={}] .y"
    data, model = (picture(page, f".gv-Phases {y.format(p)}") for p in ("data", "model"))
    assert data != model
    slide(page, ".gv-Phases .steps", 1)
    loud(page, ".gv-Phases [data-phase=model] .about", ", 1 step later")
    near = picture(page, f".gv-Phases {y.format('model')}")
    assert picture(page, f".gv-Phases {y.format('data')}") == data, "the data's noise is the same"

    def apart(a: list[int], b: list[int]) -> int:
        return sum(abs(p - q) for p, q in zip(a, b, strict=True))

    assert apart(data, near) < apart(data, model)
    before = page.locator(".gv-Phases [data-phase=data] .about").inner_text()
    page.locator(".gv-Phases .fresh").click()
    page.wait_for_function(
        "before => document.querySelector('.gv-Phases [data-phase=data] .about').innerText !== before", arg=before, timeout=LONG
    )
    keep(page, "phases-in-use")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("panel", ["chains", "energy-of-an-image", "two-phases"])
def test_panels_fit_a_phone(visit, panel: str, dark: bool) -> None:
    page = visit(width=390, height=844, dark=dark)
    open_tab(page, "ebm", panel)
    page.wait_for_selector(f"#tab-ebm-{panel} .gv-Pick .strip canvas", timeout=LONG)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
