"""One picture to every family in a real browser: answers arrive one by one, belong to the picture and the seed, and fail alone."""

from __future__ import annotations

import json

from pages import quiet
from test_panels_in_use import keep
from test_student import LONG, draw_a_one

HERE = ".gv-SameDrawing"
WAIT = 3 * LONG
COUNT = "all => all.map(c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0).join())"


def same_drawing(page) -> None:
    page.locator("#tab-compare-button").click()
    page.locator("#tab-compare-same-drawing-button").click()
    page.wait_for_selector(f"{HERE} .go:not([disabled])", timeout=LONG)


def ask(page) -> None:
    page.locator(f"{HERE} .go").click()
    page.wait_for_selector(f"{HERE}[data-state=done]", timeout=WAIT)


def shown(page, family: str) -> list[str]:
    return page.locator(f"{HERE} [data-family={family}] canvas").evaluate_all(COUNT)


def says(page) -> list[str]:
    return page.locator(f"{HERE} .says").all_inner_texts()


def test_every_family_answers_a_drawing_and_a_seed_is_an_answer(visit) -> None:
    page = visit(height=900)
    same_drawing(page)
    draw_a_one(page)
    page.wait_for_function("document.querySelector('.gv-Pick .slot span')?.textContent.includes('own drawing')", timeout=LONG)
    quiet(page)  # the end of the stroke is read, too
    ask(page)
    texts = says(page)
    assert len(texts) >= 3 and all(t.rstrip().endswith((".", "mnist")) and "{" not in t for t in texts)
    assert page.locator(f"{HERE} .says.wrong").count() == 0 and "own drawing" in page.locator(f"{HERE} .note").inner_text()
    trained = [name for name in ("vae", "autoregressive", "diffusion") if shown(page, name)]
    assert trained == ["vae", "autoregressive", "diffusion"]
    first = {name: shown(page, name) for name in trained}
    assert all(len(set(one.split(","))) > 1 for pictures in first.values() for one in pictures), "nothing is empty"
    keep(page, "same-drawing-in-use")
    ask(page)
    assert {name: shown(page, name) for name in trained} == first, "the same seed gives the same answers"
    page.locator(f"{HERE} .seed").fill("5")
    ask(page)
    again = {name: shown(page, name) for name in trained}
    assert again["vae"] == first["vae"] and again["diffusion"] != first["diffusion"] and again["autoregressive"] != first["autoregressive"]


def test_answers_to_the_picture_before_are_marked_and_data_sets_change(visit) -> None:
    page = visit(width=390, height=844, dark=True, touch=True)
    same_drawing(page)
    ask(page)
    page.locator(".gv-Pick:visible .strip canvas").nth(2).click()
    page.wait_for_selector(f"{HERE} .card.old", timeout=LONG)
    assert "ask again" in page.locator(f"{HERE} .note").inner_text()
    page.locator(f"{HERE} .data").select_option("fashion_mnist")
    page.wait_for_function("document.querySelector('.gv-Pick .slot span')?.textContent.match(/: [A-Z]/)", timeout=LONG)
    assert all(t in ("Not asked yet.",) or "not trained on" in t for t in says(page))
    ask(page)
    assert page.locator(f"{HERE} .says.wrong").count() == 0 and len(shown(page, "vae")) == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out of a phone"
    keep(page, "same-drawing-phone-dark")


def test_one_that_fails_says_so_and_the_others_answer(visit) -> None:
    page = visit(height=900)
    same_drawing(page)

    def refuse(route) -> None:
        order = json.loads(route.request.post_data)
        if order["model"].startswith("diffusion"):
            route.fulfill(content_type="application/json", body=json.dumps({"error": "The house is full."}))
        else:
            route.continue_()

    page.route("**/genviz/submit", refuse)
    ask(page)
    assert page.locator(f"{HERE} .says.wrong").all_inner_texts() == ["The house is full."]
    assert shown(page, "vae") and shown(page, "autoregressive") and not shown(page, "diffusion")


def test_a_sample_is_sent_here(visit) -> None:
    page = visit(height=900)
    page.locator("#tab-vae-button").click()
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)
    page.locator(".gv-Player:visible .pane").first.click(position={"x": 20, "y": 20})
    page.locator(".gv-Player:visible .solo button", has_text="Ask every family").click()
    page.wait_for_function("document.querySelector('.gv-SameDrawing')?.offsetParent", timeout=LONG)
    page.wait_for_function(
        "[...document.querySelectorAll('.gv-Pick .slot span')].some(s => s.offsetParent && s.textContent.includes('sample 1'))",
        timeout=LONG,
    )


def test_a_wrong_seed_and_a_stop(visit) -> None:
    page = visit(height=900)
    same_drawing(page)
    page.locator(f"{HERE} .seed").fill("-3")
    page.locator(f"{HERE} .go").click()
    assert "whole number" in page.locator(f"{HERE} .note.wrong").inner_text()
    page.locator(f"{HERE} .seed").fill("3")
    page.locator(f"{HERE} .go").click()
    page.locator(f"{HERE} .stop").click()
    assert page.locator(f"{HERE} .stop").is_hidden() and page.locator(f"{HERE} .says.wrong").count() == 0
    ask(page)
    assert "Stopped." not in says(page)
