"""Back and Forward stay in the app, and a link that cannot be honoured to the letter says so."""

from __future__ import annotations

import pytest
from test_link_export import done, film, sentences, settled, shown  # noqa: F401 (film is a fixture)
from test_student import LONG, open_tab, player


def chosen(page, tab: str, panel: str = "") -> None:
    """Wait until a tab (and a panel) is open."""
    for name in (f"tab-{tab}", f"tab-{tab}-{panel}")[: 1 + bool(panel)]:
        page.wait_for_selector(f"#{name}-button[aria-selected=true]", timeout=LONG)


def test_back_and_forward_open_the_views(visit) -> None:
    page = visit()
    before = page.evaluate("history.length")
    open_tab(page, "vae")
    settled(page, "tab=vae&panel=sample")
    page.locator("#tab-vae-latent-plane-button").click()
    settled(page, "panel=latent-plane")
    page.locator("#tab-flow-button").click()
    settled(page, "tab=flow")
    assert page.evaluate("history.length") == before + 3
    page.go_back()
    chosen(page, "vae", "latent-plane")
    page.go_back()
    chosen(page, "vae", "sample")
    page.go_back()
    chosen(page, "start")
    page.go_forward()
    chosen(page, "vae", "sample")
    page.go_forward()
    chosen(page, "vae", "latent-plane")
    page.go_forward()
    chosen(page, "flow", "sample")
    assert page.evaluate("history.length") == before + 3, "the way back adds nothing"


def test_a_moved_knob_is_no_entry_and_comes_back_with_its_view(film) -> None:  # noqa: F811
    settled(film, "step=2")
    entries, picture = film.evaluate("history.length"), shown(film)
    film.locator(".gv-Controls:visible input[id$='-eta']").fill("0.5")
    settled(film, "eta=0.5")
    film.locator("#tab-gan-button").click()
    settled(film, "tab=gan")
    assert film.evaluate("history.length") == entries + 1
    film.locator("#tab-diffusion-button").click()
    settled(film, "tab=diffusion")
    film.locator(".gv-Controls:visible input[id$='-eta']").fill("0.25")
    player(film).locator(".stage").focus()
    film.keyboard.press("End")
    settled(film, "step=4")
    asked = []
    film.on("request", lambda r: asked.append(r.url) if r.url.endswith("/genviz/submit") else None)
    film.go_back()
    chosen(film, "gan")
    film.go_back()
    chosen(film, "diffusion")
    player(film).locator(".read .step", has_text="step 2 of 4").wait_for(timeout=LONG)
    assert shown(film) == picture and asked == [], "the same moment, and nothing was computed again"
    assert film.locator(".gv-Controls:visible input[id$='-eta']").input_value() == "0.5"
    assert film.get_by_label("Seed").locator("visible=true").first.input_value() == "7"


@pytest.mark.parametrize(
    ("query", "parts", "tab", "panel"),
    [
        ("tab=vae&model=vae/nobody&seed=5", ["There is no model 'vae/nobody'"], "vae", "sample"),
        ("tab=diffusion&steps=100000&seed=5", ["'steps' must lie between"], "diffusion", "sample"),
        ("tab=vae&panel=nowhere&seed=5", ["There is no panel 'nowhere'"], "vae", "sample"),
        ("tab=vae&data=letters&seed=5", ["There is no data set 'letters'"], "vae", "sample"),
        ("tab=diffusion&panel=microscope&guidance=3&seed=5", ["'guidance' must be one of 1, 2"], "diffusion", "microscope"),
        ("tab=diffusion&panel=two-noises&eta=1&seed=5", ["nothing to set by the name 'eta'"], "diffusion", "two-noises"),
        ("tab=vae&seed=5&other.at=3", ["no film 'other'"], "vae", "sample"),
        ("seed=5&steps=3", ["names no tab, so seed, steps cannot be set"], "start", ""),
        ("tab=autoregressive&panel=complete&seed=5&complete.walk=complete&complete.x=~abc&complete.rows=9&complete.at=3",
         ["'x' in this link is damaged"], "autoregressive", "complete"),
    ],
    ids=["model", "knob", "panel", "data", "menu", "knob-of-another-panel", "film", "no-tab", "picture"],
)  # fmt: skip
def test_a_link_that_cannot_be_honoured_says_so_and_opens_the_rest(visit, app, query, parts, tab, panel) -> None:
    page = visit()
    page.goto(f"{app}/?{query}")
    for part in parts:
        sentences(page, part)
    chosen(page, tab, panel)
    if tab != "start":
        seeds = "[...document.querySelectorAll('.gv-menus input[type=number]')].filter(i => i.offsetParent).map(i => i.value).join()"
        page.wait_for_function(f"{seeds} === '5'", timeout=LONG)
