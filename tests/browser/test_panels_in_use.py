"""Each family's own panels, used as a student uses them: what is asked is answered, and what must differ differs."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from pages import SCREENS
from test_student import LONG, draw_a_one, open_tab, player, varied


def done(page, place: int = 0) -> None:
    page.wait_for_function(
        "i => [...document.querySelectorAll('.gv-Player')].filter(p => p.offsetParent)[i]?.dataset.state === 'done'",
        arg=place,
        timeout=LONG,
    )


def keep(page, name: str) -> None:
    """A picture of the page in use, for the README."""
    SCREENS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")


def to_the_end(page) -> None:
    """Show the last frame of the first player, whether or not it still plays."""
    player(page).locator(".stage").focus()
    page.keyboard.press("End")


def picture(page, selector: str) -> list[int]:
    """The red bytes of a canvas."""
    return page.eval_on_selector(
        selector,
        """c => [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]
        .filter((_, i) => i % 4 === 0)""",
    )


def slide(page, selector: str, value: float) -> None:
    page.locator(selector).evaluate(
        "(s, v) => { s.value = v; s.dispatchEvent(new Event('input')); s.dispatchEvent(new Event('change')) }", value
    )


def loud(page, selector: str, part: str) -> None:
    page.wait_for_function("([s, part]) => document.querySelector(s)?.textContent.includes(part)", arg=[selector, part], timeout=LONG)


def test_a_picture_dissolves_under_the_slider_and_walks_back(visit) -> None:
    page = visit()
    open_tab(page, "diffusion", "forward-and-back")
    page.wait_for_function("document.querySelector('.gv-Forward .x')?.nextElementSibling.textContent === 'x'", timeout=LONG)
    page.locator(".gv-Pick:visible .strip canvas").first.wait_for(timeout=LONG)  # the picture has come, too
    slide(page, ".gv-Forward .t", 0)
    assert picture(page, ".gv-Forward .x_t") == picture(page, ".gv-Forward .x"), "nothing is mixed in at t = 0"
    slide(page, ".gv-Forward .t", 1)
    assert picture(page, ".gv-Forward .x_t") == picture(page, ".gv-Forward .eps"), "only noise is left at t = 1"
    page.locator(".gv-Forward .walk").click()
    loud(page, ".gv-Forward .say", "Slide the time")  # t = 1 is no picture to start from
    slide(page, ".gv-Forward .t", 0.4)
    page.locator(".gv-Forward .n").select_option("4")
    page.locator(".gv-Forward .walk").click()
    done(page)
    assert varied(page, ".gv-Player:visible .pane")


def test_own_drawing_is_dissolved(visit) -> None:
    page = visit()
    open_tab(page, "diffusion", "forward-and-back")
    page.wait_for_function("document.querySelector('.gv-Forward .x')?.nextElementSibling.textContent === 'x'", timeout=LONG)
    before = picture(page, ".gv-Forward .x")
    draw_a_one(page)
    page.wait_for_function(
        "[...document.querySelectorAll('.gv-Pick .slot span')].some(s => s.textContent.includes('own drawing'))", timeout=LONG
    )
    assert picture(page, ".gv-Forward .x") != before


def test_the_microscope_branches(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "diffusion", "microscope")
    page.locator(".gv-Microscope .steps").select_option("10")
    page.locator(".gv-Microscope .walk").click()
    done(page)
    assert player(page).locator(".pane").count() == 4  # x_t, x0_hat, eps_hat, score
    to_the_end(page)
    assert page.locator(".gv-Microscope .branch").is_disabled()  # at the end nothing is left to decide
    slide(page, ".gv-Player:visible >> nth=0 >> .scrub", 3)
    loud(page, ".gv-Microscope .branch", "Branch at step 3")
    page.locator(".gv-Microscope .branch").click()
    done(page, 1)
    loud(page, ".gv-Microscope .say", "continuations of step 3")
    keep(page, "microscope-in-use")
    page.reload()
    open_tab(page, "diffusion", "microscope")
    done(page)
    slide(page, ".gv-Player:visible >> nth=0 >> .scrub", 4)
    loud(page, ".gv-Microscope .branch", "Branch at step 4")
    assert page.locator(".gv-Microscope .branch").is_enabled(), "a film from before the reload can be branched too"


def test_two_noises_meet_at_their_ends(visit) -> None:
    page = visit()
    open_tab(page, "diffusion", "two-noises")
    assert not page.locator(".gv-Noises .strips").is_visible()
    page.locator(".gv-Noises .other").fill("-4")
    page.locator(".gv-Noises .walk").click()
    loud(page, ".gv-Noises .say", "whole number")
    page.locator(".gv-Noises .other").fill("7")
    page.locator(".gv-Noises .walk").click()
    loud(page, ".gv-Noises .say", "step 17 of 17")
    arc, line = strips(page)
    wide = 9 * 28 + 8 * 2

    def cell(strip: list[int], i: int) -> list[int]:
        return [strip[y * wide + 30 * i + x] for y in range(28) for x in range(28)]

    assert max(abs(a - b) for i in (0, 8) for a, b in zip(cell(arc, i), cell(line, i), strict=True)) <= 2  # both ways have the same ends
    assert cell(arc, 4) != cell(line, 4)


def strips(page) -> list[list[int]]:
    return [picture(page, f".gv-Noises .{name}") for name in ("arc", "line")]


def test_two_noises_are_compared_at_one_step_while_they_arrive(visit) -> None:
    """The second film is held back after its first pictures, whatever the machine does meanwhile; the first one arrives whole."""
    page = visit()
    page.set_default_timeout(LONG)
    open_tab(page, "diffusion", "two-noises")
    late, held = [], []

    def submit(route) -> None:
        answer = route.fetch()
        if route.request.post_data_json["given"]["linear"]:
            late.append(answer.json()["job"])
        route.fulfill(response=answer)

    def wait(route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        if query["job"] == late and query["have"] != ["0"] and not opened:
            held.append(route)
        else:
            route.continue_()

    opened = []
    page.route("**/genviz/submit", submit)
    page.route("**/genviz/wait*", wait)
    page.locator(".gv-Noises .walk").click()
    page.wait_for_function("/^18 ([1-9]|1[0-7])$/.test(document.querySelector('.gv-Noises').dataset.arrived)")
    have = int(page.evaluate("document.querySelector('.gv-Noises').dataset.arrived").split()[1])
    assert have < 18, "the second film was not held back"
    loud(page, ".gv-Noises .say", f"step {have - 1} of 17,")
    assert page.locator(".gv-Noises .t").get_attribute("max") == str(max(1, have - 1))
    early = strips(page)
    opened.append(True)
    for route in held:
        route.continue_()
    loud(page, ".gv-Noises .say", "step 17 of 17,")
    assert strips(page) != early
    slide(page, ".gv-Noises .t", have - 1)
    loud(page, ".gv-Noises .say", f"step {have - 1} of 17,")
    assert strips(page) == early, "both strips stood at that step"


def test_a_pixel_shows_what_was_expected_of_it(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "autoregressive", "what-does-it-expect")
    slide(page, ".gv-Paint .n", 1)
    page.locator(".gv-Paint .start").click()
    done(page)
    to_the_end(page)
    player(page).locator(".pane").first.click(position={"x": 60, "y": 60})
    loud(page, ".gv-Expect .say", "entropy")
    first = page.locator(".gv-Expect .say").inner_text()
    assert "surprise" in first and "bits" in first
    box = page.locator(".gv-Expect .x").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("first => document.querySelector('.gv-Expect .say').innerText !== first", arg=first, timeout=LONG)
    loud(page, ".gv-Expect .say", "Row 14, column 14")
    drawn, expected = picture(page, ".gv-Expect .x"), picture(page, ".gv-Expect .e")
    assert {*drawn} & {0, 255} and len({*expected}) > 50, "black and white was drawn from shades of grey"
    assert varied(page, ".gv-Expect .h") and page.locator(".gv-Expect .bars rect").count() >= 2
    keep(page, "expect-in-use")


def test_the_expected_picture_stands_beside_the_draw(visit, app) -> None:
    page = visit()
    page.goto(f"{app}/?tab=autoregressive&data=fashion_mnist&n=4&step=784")
    done(page)
    player(page).locator(".read .step", has_text="step 784 of 784").wait_for(timeout=LONG)
    panes = player(page).locator(".pane")
    assert panes.count() == 2 and "expected" in player(page).locator("figcaption").nth(1).inner_text()
    shades = [set(one) for one in panes.evaluate_all("""all => all.map(c => [...c.getContext("2d").getImageData(0, 0, 28, 28).data]
        .filter((_, i) => i % 4 === 0))""")]  # fmt: skip
    assert shades[0] == {0, 255} and len(shades[1]) > 50, "what looks like noise was drawn from a picture"
    keep(page, "pixel-cnn-expected-in-use")
    for place, box in enumerate(panes.evaluate_all("all => all.map(c => c.getBoundingClientRect().width)")):
        words = player(page).locator("figcaption").nth(place).evaluate("f => f.getBoundingClientRect().width")
        assert words <= box + 1, "words are no wider than their picture"


def test_the_rest_of_a_picture_is_painted_in_several_ways(visit) -> None:
    page = visit()
    open_tab(page, "autoregressive", "complete")
    page.wait_for_selector("#tab-autoregressive-complete .gv-Pick .strip canvas", timeout=LONG)
    slide(page, ".gv-Complete .rows", 20)
    slide(page, ".gv-Complete .n", 4)
    page.locator(".gv-Complete .start").click()
    done(page)
    to_the_end(page)
    kept, whole = page.evaluate("""() => {
        const canvas = [...document.querySelectorAll('.gv-Player .pane')].find(c => c.offsetParent), side = 28, gap = 2;
        const across = (canvas.width + gap) / (side + gap), pen = canvas.getContext('2d');
        const ways = rows => new Set([0, 1, 2, 3].map(i =>
          pen.getImageData(i % across * (side + gap), Math.floor(i / across) * (side + gap), side, rows).data.join())).size;
        return [ways(20), ways(28)]; }""")
    assert kept == 1, "the given rows differ"
    assert whole > 1, "four completions are all the same"
    keep(page, "complete-in-use")


def test_the_receptive_field_moves_with_the_pixel(visit) -> None:
    page = visit()
    open_tab(page, "autoregressive", "receptive-field")
    loud(page, ".gv-Field .say", "Row 12, column 13")
    counts = page.locator(".gv-Field .count")
    assert "blind to" in counts.nth(1).inner_text() and "blind" not in counts.nth(0).inner_text()
    assert "must not be" not in counts.nth(0).inner_text() + counts.nth(1).inner_text()
    page.locator(".gv-Field canvas.gated").focus()
    page.keyboard.press("ArrowDown")
    loud(page, ".gv-Field .say", "Row 13, column 13")


def test_an_interpolation_begins_and_ends_at_its_pictures(visit) -> None:
    page = visit()
    open_tab(page, "vae", "interpolation")
    loud(page, ".gv-Interpolation .about", "degrees apart")
    middle = [picture(page, f".gv-Interpolation .big canvas[data-row='{row}']") for row in range(3)]
    assert middle[0] != middle[2], "the middle of the latent line is a blend of pixels"
    slide(page, ".gv-Interpolation .t", 0)
    ends = [picture(page, f".gv-Interpolation .big canvas[data-row='{row}']") for row in range(3)]
    assert ends[0] == ends[1] and ends[0] != middle[0]
    page.locator(".gv-Interpolation .play").click()
    page.wait_for_function("+document.querySelector('.gv-Interpolation .t').value > 3", timeout=LONG)
    page.locator(".gv-Interpolation .play").click()


def test_beta_trades_rate_for_distortion(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "vae", "beta")
    page.wait_for_function("document.querySelectorAll('.gv-Beta .curve circle').length === 3", timeout=LONG)
    loud(page, ".gv-Beta .parts", "ELBO")
    rates = [float(c.get_attribute("cx")) for c in page.locator(".gv-Beta .curve circle").all()]
    heights = [float(c.get_attribute("cy")) for c in page.locator(".gv-Beta .curve circle").all()]
    assert rates == sorted(rates, reverse=True), "a larger beta must buy a smaller rate"
    assert heights == sorted(heights, reverse=True), "and pay with distortion"
    page.locator(".gv-Beta .column button").nth(2).click()
    loud(page, ".gv-Beta .about-curve", "\u03b2 = 4: rate")
    keep(page, "beta-in-use")


def test_the_bound_is_split_into_its_parts(visit) -> None:
    page = visit()
    open_tab(page, "vae", "elbo-split")
    loud(page, ".gv-Split .words", "ELBO = reconstruction")
    first = page.locator(".gv-Split .words").inner_text()
    page.locator("#tab-vae-elbo-split .gv-Pick .strip canvas").nth(4).click()
    page.wait_for_function("first => document.querySelector('.gv-Split .words').innerText !== first", arg=first, timeout=LONG)
    assert varied(page, ".gv-Split .h")
