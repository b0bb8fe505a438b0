"""Fingers, pens and keys in a real browser: one pointer draws, the film has the keys once it is there, fields keep theirs."""

from __future__ import annotations

import numpy as np
import pytest
from test_panels_in_use import done, keep, picture, slide
from test_student import LONG, draw_a_one, open_tab, player, step_of

PAD = ".gv-Pick:visible .pad"


class Fingers:
    """Touches on one element, by finger: real ones, as the screen of a phone makes them. Places are shares of its width and height."""

    def __init__(self, page, selector: str):
        self.wire, self.down = page.context.new_cdp_session(page), {}
        page.locator(selector).first.scroll_into_view_if_needed()
        self.box = page.locator(selector).first.bounding_box()

    def _send(self, kind: str) -> None:
        points = [{"id": finger, "x": x, "y": y} for finger, (x, y) in self.down.items()]
        self.wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def put(self, finger: int, x: float, y: float) -> None:
        kind = "touchMove" if finger in self.down else "touchStart"
        self.down[finger] = self.box["x"] + x * self.box["width"], self.box["y"] + y * self.box["height"]
        self._send(kind)

    def lift(self, finger: int) -> None:
        del self.down[finger]
        self._send("touchMove" if self.down else "touchEnd")  # whoever is not named any more was lifted


def rest(page) -> None:
    """Every event that was sent has been heard: the browser has painted since."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def sketch(page) -> None:
    page.locator(".gv-Pick:visible [data-way=draw]").first.click()


@pytest.fixture
def pad(visit):
    """A page with an empty sketchpad, on a phone."""
    page = visit(width=390, height=844, touch=True)
    page.set_default_timeout(LONG)
    open_tab(page, "vae", "reconstruct")
    sketch(page)
    return page


def test_a_second_finger_draws_nothing(pad) -> None:
    hand = Fingers(pad, PAD)
    hand.put(1, 0.2, 0.2)
    hand.put(1, 0.2, 0.5)
    hand.put(2, 0.9, 0.9)  # the palm comes down far away, slides, and goes before the finger does
    hand.put(2, 0.7, 0.9)
    hand.put(1, 0.2, 0.8)
    hand.lift(2)
    hand.put(1, 0.2, 0.9)
    hand.lift(1)
    rest(pad)
    keep(pad, "two-fingers-on-the-pad")
    ink = np.reshape(picture(pad, PAD), (280, 280))
    assert (ink[60:250, 56] == 255).all(), "the finger's stroke, from end to end"
    assert not ink[:, 72:].any() and not ink[:, :40].any(), "and nothing beside it"


def test_a_finger_that_the_browser_takes_away_ends_its_stroke(pad) -> None:
    hand = Fingers(pad, PAD)
    hand.put(1, 0.2, 0.2)
    hand.put(1, 0.2, 0.4)
    hand.wire.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})
    hand.down.clear()
    hand.put(2, 0.8, 0.8)
    hand.lift(2)
    rest(pad)
    ink = np.reshape(picture(pad, PAD), (280, 280))
    assert ink[84, 56] == ink[224, 224] == 255
    assert not ink[168, 140], "no line from where the last stroke was broken off"


def test_the_right_button_draws_nothing(visit) -> None:
    page = visit()
    open_tab(page, "vae", "reconstruct")
    sketch(page)
    box = page.locator(PAD).bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down(button="right")
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.up(button="right")
    rest(page)
    assert max(picture(page, PAD)) == 0


def test_strokes_are_taken_back_and_drawn_again(visit) -> None:
    page = visit()
    open_tab(page, "vae", "reconstruct")
    undo, redo = page.locator(".gv-Pick:visible .undo"), page.locator(".gv-Pick:visible .redo")
    sketch(page)
    assert undo.is_disabled() and redo.is_disabled()
    draw_a_one(page)
    one, box = picture(page, PAD), page.locator(PAD).bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 140)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 140, steps=4)
    page.mouse.up()
    cross = picture(page, PAD)
    assert cross != one
    page.keyboard.press("Control+z")
    assert picture(page, PAD) == one, "the pad has the focus"
    page.keyboard.press("Control+Shift+z")
    assert picture(page, PAD) == cross
    undo.click()
    assert picture(page, PAD) == one
    page.locator(".gv-Pick:visible .clear").click()
    assert max(picture(page, PAD)) == 0
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(box["x"] + 140, box["y"] + 100)
    page.keyboard.press("Control+z")
    assert picture(page, PAD) == one, "the pointer is over the pad: Clear is taken back too"
    page.keyboard.press("Control+z")
    assert max(picture(page, PAD)) == 0 and undo.is_disabled()
    page.mouse.move(2, 2)
    page.keyboard.press("Control+Shift+z")
    assert max(picture(page, PAD)) == 0, "elsewhere the keys are not the pad's"


def test_two_fingers_move_a_latent_point_as_one_does(visit) -> None:
    page = visit(width=390, height=844, touch=True)
    open_tab(page, "vae", "latent-plane")
    where = "document.querySelector('.gv-LatentPlane').dataset"
    page.wait_for_function(f"{where}.shown?.startsWith('exact')", timeout=LONG)
    hand = Fingers(page, ".gv-LatentPlane:visible .back")
    hand.put(1, 0.3, 0.3)
    rest(page)
    first = page.evaluate(f"{where}.at")
    hand.put(2, 0.8, 0.8)
    hand.put(2, 0.7, 0.8)
    rest(page)
    assert page.evaluate(f"{where}.at") == first
    hand.put(1, 0.4, 0.3)
    rest(page)
    assert page.evaluate(f"{where}.at") != first
    hand.lift(2)
    hand.lift(1)


def test_the_film_has_the_keys_once_it_is_there(visit) -> None:
    page = visit()
    open_tab(page, "diffusion")
    asked = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/genviz/submit") else None)
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_function("document.activeElement.classList.contains('stage')", timeout=LONG)
    page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)
    page.keyboard.press("End")
    last = step_of(page)
    page.keyboard.press("ArrowLeft")
    assert step_of(page) == last - 1
    page.keyboard.press("Home")
    assert step_of(page) == 0
    page.keyboard.press("ArrowRight")
    assert step_of(page) == 1
    page.keyboard.press("Space")
    assert player(page).evaluate("p => p.classList.contains('playing')")
    page.keyboard.press("Space")
    assert not player(page).evaluate("p => p.classList.contains('playing')")
    assert len(asked) == 1, "Space sampled again"


def test_fields_sliders_and_menus_keep_their_keys(visit) -> None:
    page = visit()
    open_tab(page, "diffusion")
    steps = page.locator(".gv-Controls:visible input[id$='-steps']")
    steps.fill("4")
    steps.press("Enter")  # samples, and the field is what somebody is writing in
    done(page)
    player(page).locator(".read .step", has_text="of 4").wait_for(timeout=LONG)
    assert steps.evaluate("f => f === document.activeElement")
    steps.press("Home")
    steps.press("ArrowRight")
    assert steps.evaluate("f => f.selectionStart") == 1, "arrows move in the text"
    slider = page.locator(".gv-Controls:visible input[type=range]").first
    before = float(slider.input_value())
    slider.press("ArrowRight")
    assert float(slider.input_value()) == before + 1
    slide(page, ".gv-Player:visible .scrub", 2)
    speed = player(page).locator(".speed")
    speed.focus()
    page.keyboard.press("ArrowDown")
    assert speed.input_value() == "2" and step_of(page) == 2
    player(page).locator(".loop").focus()
    page.keyboard.press("Space")
    assert player(page).locator(".loop").get_attribute("aria-pressed") == "true", "a button keeps Space"


def test_the_keys_stay_where_somebody_went_meanwhile(visit) -> None:
    page = visit()
    open_tab(page, "diffusion")
    held, opened = [], []
    page.route("**/genviz/wait*", lambda route: route.continue_() if opened else held.append(route))
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_selector(".gv-Player[data-state=waiting]:visible", timeout=LONG)
    page.get_by_label("Seed").locator("visible=true").first.focus()
    opened.append(True)
    for route in held:
        route.continue_()
    done(page)
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
