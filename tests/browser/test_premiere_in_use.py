"""A newcomer opens a tab: a film plays that nobody computed, behaves like any other, and gives way to the first one that is asked for."""

from __future__ import annotations

import json

from test_panels_in_use import keep
from test_student import FAMILIES, LONG, open_tab, player, sample, step_of, varied

STORED = "stored with the weights"


def test_each_tab_opens_with_a_film_and_computes_nothing(visit) -> None:
    page = visit()
    asked = []
    page.on("request", lambda r: asked.append(json.loads(r.post_data)) if r.url.endswith("/genviz/submit") else None)
    fetched = []
    page.on("request", lambda r: fetched.append(r.url) if r.url.endswith("/genviz/premiere") else None)
    for family in FAMILIES:
        assert len(fetched) == FAMILIES.index(family), "a film is fetched when its tab is first opened"
        open_tab(page, family)
        page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)
        assert varied(page, ".gv-Player:visible .pane") and STORED in player(page).locator(".what").inner_text()
        page.wait_for_function(
            "() => [...document.querySelectorAll('.gv-Player')].find(p => p.offsetParent).classList.contains('playing') === false",
            timeout=LONG,
        )
        assert step_of(page) > 0, "it played to its end"
    assert asked == [] and "step=" not in page.url, "nothing was computed, and the address tells of no film"


def test_it_scrubs_enlarges_and_gives_way(visit) -> None:
    page = visit(width=390, height=844, dark=True)
    open_tab(page, "diffusion")
    page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)
    keep(page, "premiere-phone-dark")
    stage = player(page).locator(".stage")
    stage.focus()
    page.keyboard.press("Home")
    assert step_of(page) == 0
    page.keyboard.press("ArrowRight")
    assert step_of(page) == 1 and "sigma" in player(page).locator(".caption").inner_text()
    page.keyboard.press("End")
    stored = page.eval_on_selector(".gv-Player:visible .pane", "c => c.toDataURL()")
    player(page).locator(".pane").click(position={"x": 20, "y": 20})
    assert player(page).locator(".solo button").count() > 1
    page.keyboard.press("Escape")
    sample(page)
    page.keyboard.press("End")
    assert STORED not in player(page).locator(".what").inner_text()
    player(page).locator(".stage").focus()
    page.keyboard.press("End")
    assert page.eval_on_selector(".gv-Player:visible .pane", "c => c.toDataURL()") == stored, "Sample makes the same film, bit for bit"


def test_a_stored_film_is_saved_like_any_other(visit) -> None:
    page = visit()
    open_tab(page, "vae")
    page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)
    keep(page, "premiere-in-use")
    player(page).locator(".save").click()
    with page.expect_download(timeout=LONG) as download:
        player(page).locator("[data-kind=png]").click()
    assert download.value.suggested_filename.startswith("vae-vae_2d-mnist-seed0")


def test_the_api_view_asks_nobody_else(visit) -> None:
    page = visit()
    none = '{"functions": {}}'  # gradio's own figures are switched off; with anything else its view stays empty
    page.route("**/monitoring/summary", lambda route: route.fulfill(content_type="application/json", body=none))
    page.locator("footer button", has_text="API").click()
    page.locator(".api-docs", has_text="sample").wait_for(timeout=LONG)
    keep(page, "api-view")
