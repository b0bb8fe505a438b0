"""Links and files in a real browser: what one person sees is what the next one gets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from test_compare_page import FIGURES, SIDE, figures, seek, side, walk
from test_likelihood_in_use import LAB, SUBJECT, lab, marked, paradox
from test_panels_in_use import keep, slide
from test_student import LONG, draw_a_one, open_tab, player, sample, step_of

PIXELS = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"


def shown(page) -> list[int]:
    """The bytes of the visible film."""
    return player(page).locator(".pane").first.evaluate(PIXELS)


def slot(page) -> list[int]:
    """The bytes of the chosen picture."""
    return page.locator(".gv-Pick:visible .slot canvas").first.evaluate(PIXELS)


def settled(page, part: str) -> str:
    """The address, as soon as it holds a part."""
    page.wait_for_function("part => location.search.includes(part)", arg=part, timeout=LONG)
    return page.url


def done(page) -> None:
    page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)


def sentences(page, part: str) -> None:
    page.wait_for_function(
        "part => [...document.querySelectorAll('.gv-toast')].some(t => t.textContent.includes(part))", arg=part, timeout=LONG
    )


@pytest.fixture
def film(visit):
    """A page with a short diffusion film, scrubbed to step 2, made through the menus."""
    page = visit()
    page.set_default_timeout(LONG)
    open_tab(page, "diffusion")
    page.get_by_label("Seed").locator("visible=true").first.fill("7")
    page.keyboard.press("Tab")
    for field, text in (("steps", "4"), ("n", "3"), ("guidance", "2")):
        page.locator(f".gv-Controls:visible input[id$='-{field}']").fill(text)
    sample(page)
    player(page).locator(".stage").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    return page


def test_a_link_shows_another_person_the_same_moment(film, visit) -> None:
    address = settled(film, "step=2")
    said = "tab=diffusion&panel=sample&model=diffusion/ddpm&data=mnist&seed=7&n=3&steps=4&guidance=2&step=2"
    assert said in address
    other = visit()
    other.goto(address)
    done(other)
    other.wait_for_function("document.querySelector('.gv-Player .read .step').textContent.startsWith('step 2')", timeout=LONG)
    assert shown(other) == shown(film)
    assert other.locator(".gv-Controls:visible input[id$='-steps']").input_value() == "4"
    assert other.get_by_label("Seed").locator("visible=true").first.input_value() == "7"
    assert said in settled(other, "step=2")
    film.keyboard.press("End")
    settled(film, "step=4")
    film.reload()
    done(film)
    film.wait_for_function("document.querySelector('.gv-Player .read .step')?.textContent.startsWith('step 4')", timeout=LONG)
    assert film.locator("#tab-diffusion-button[aria-selected=true]").count() == 1


def test_the_address_is_written_without_a_request(visit) -> None:
    page = visit()
    open_tab(page, "vae")
    settled(page, "tab=vae&panel=sample&model=vae/")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "blob:")) and "heartbeat" not in r.url else None)
    page.locator(".gv-Controls:visible input[id$='-temperature']").fill("0.5")
    settled(page, "temperature=0.5")
    page.locator(".gv-dice:visible").click()
    page.wait_for_function("!location.search.includes('seed=0&')", timeout=LONG)
    page.locator("#tab-vae-reconstruct-button").click()
    assert "temperature" not in settled(page, "panel=reconstruct"), "knobs of another panel are not on screen"
    page.locator("#tab-start-button").click()
    page.wait_for_function("!location.search.includes('tab=')", timeout=LONG)
    assert not [url for url in asked if "genviz/" in url and "genviz/web/" not in url], "files of the page are no questions"


def test_a_moved_knob_leaves_the_film_in_the_link(film, visit) -> None:
    film.locator(".gv-Controls:visible input[id$='-steps']").fill("9")
    address = settled(film, "steps=9")
    assert "&sample.steps=4&" in address and "step=2" in address
    other = visit()
    other.goto(address)
    done(other)
    other.wait_for_function("document.querySelector('.gv-Player .read .step').textContent === 'step 2 of 4'", timeout=LONG)
    assert shown(other) == shown(film)
    assert other.locator(".gv-Controls:visible input[id$='-steps']").input_value() == "9"


def test_wrong_values_are_answered_and_the_rest_holds(visit, app) -> None:
    page = visit()
    page.goto(app + "/?tab=diffusion&model=diffusion/none&seed=some&steps=3&guidance=99&step=1")
    for part in ("no model 'diffusion/none'", "'seed' must be", "'guidance' must lie"):
        sentences(page, part)
    done(page)
    page.wait_for_function("document.querySelector('.gv-Player .read .step').textContent === 'step 1 of 3'", timeout=LONG)
    page.goto(app + "/?tab=nothing")
    sentences(page, "There is no tab 'nothing'")
    page.goto(app + "/?tab=vae&panel=nothing&step=8")
    sentences(page, "There is no panel 'nothing'")
    sentences(page, "ends at step 1")


def test_a_film_that_starts_from_a_picture_travels_with_it(visit) -> None:
    page = visit()
    open_tab(page, "autoregressive", "complete")
    page.wait_for_selector("#tab-autoregressive-complete .gv-Pick .strip canvas", timeout=LONG)
    slide(page, ".gv-Complete .rows", 24)
    slide(page, ".gv-Complete .n", 2)
    page.locator(".gv-Complete .start").click()
    done(page)
    player(page).locator(".scrub").evaluate("s => { s.value = 50; s.dispatchEvent(new Event('input', {bubbles: true})) }")
    address = settled(page, "complete.at=50")
    assert "rows=24" in address and "complete.x=~" in address and len(address) < 1500
    other = visit()
    other.goto(address)
    done(other)
    other.wait_for_function("[...document.querySelectorAll('.read .step')].some(s => s.textContent === 'step 50 of 112')", timeout=LONG)
    assert shown(other) == shown(page) and other.locator(".gv-Complete .rows").input_value() == "24"


def test_the_likelihood_lab_travels(visit) -> None:
    page = lab(visit)
    paradox(page)
    page.locator(f"{LAB} .by [value=png]").click()
    page.locator(f"{LAB} tr[data-name='counting/grey'] button").click()
    page.locator(".gv-Pick:visible .strip canvas").nth(3).click()
    page.locator(f"{SUBJECT} [value=negative]").click()
    address = settled(page, "turn=negative")
    assert all(part in address for part in ("trained=fashion_mnist", "shown=counting/grey", "by=png", "gallery=mnist", "image=3"))
    marked(page)
    other = visit()
    other.goto(address)
    other.wait_for_function("s => document.querySelector(s)?.textContent.includes('inverted')", arg=f"{SUBJECT} .from", timeout=LONG)
    marked(other)
    for part in (f"{SUBJECT} .from", f"{LAB} .told", f"{SUBJECT} .result"):
        other.wait_for_function(
            "([part, text]) => document.querySelector(part).innerText === text", arg=[part, page.locator(part).inner_text()], timeout=LONG
        )
    assert "image=3" in settled(other, "turn=negative"), "a link that was opened can be handed on"


def test_films_side_by_side_travel(visit) -> None:
    page = side(visit)
    page.locator(f"{SIDE} details").evaluate("d => { d.open = true }")
    for name in page.locator(f"{SIDE} .models [aria-pressed=true]").evaluate_all("all => all.map(b => b.value)")[2:]:
        page.locator(f"{SIDE} .models [value='{name}']").click()
    page.locator(f"{SIDE} .seed").fill("5")
    walk(page)
    page.locator(f"{SIDE} .how [value=nfe]").click()
    seek(page, 1)
    address = settled(page, "at=1")
    assert "seed=5" in address and "clock=nfe" in address and "models=" in address
    other = visit()
    other.goto(address)
    other.wait_for_selector(f"{SIDE}[data-state=done]", timeout=5 * LONG)
    other.wait_for_function(f"document.querySelector('{SIDE} .where').textContent === '1 network evaluation each'", timeout=LONG)
    panes = [p.locator(f"{SIDE} .pane canvas").evaluate_all(f"all => all.map({PIXELS})") for p in (page, other)]
    assert len(panes[0]) == 2 and panes[0] == panes[1]
    for kind in ("png", "gif"):
        other.locator(f"{SIDE} .save").click()
        with other.expect_download(timeout=LONG) as download:
            other.locator(f"{SIDE} [data-kind={kind}]").click()
        assert download.value.suggested_filename == f"side-by-side-mnist-seed5.{kind}"
        image = Image.open(download.value.path())
        assert image.size[0] > 400 and (kind == "png" or image.n_frames > 2)
        other.wait_for_selector(f"{SIDE} .save:not([disabled])", timeout=LONG)
    other.locator(f"{SIDE} .save").click()
    other.locator(f"{SIDE} [data-kind=python]").click()
    other.wait_for_selector(f"{SIDE} .code pre:visible", timeout=LONG)
    code = other.locator(f"{SIDE} .code pre").inner_text()
    assert code.count("import genviz") == 1 and "x1 = " in code and "x2 = " in code
    keep(other, "side-by-side-saved")


def test_a_drawing_and_a_pressed_button_travel(visit, app) -> None:
    page = visit()
    open_tab(page, "ebm", "energy-of-an-image")
    draw_a_one(page)
    page.locator(".gv-Scale [value=inverted]").click()
    address = settled(page, "image=~")
    assert "how=inverted" in address
    other = visit()
    other.goto(address)
    other.wait_for_function("document.querySelector('.gv-Pick .slot span')?.textContent.includes('the picture of the link')", timeout=LONG)
    assert slot(other) == slot(page) and other.locator(".gv-Scale [value=inverted][aria-pressed=true]").count() == 1
    other.goto(app + "/?tab=ebm&panel=energy-of-an-image&image=~abc&how=upside")
    sentences(other, "A picture in this link is damaged")
    sentences(other, "'how' must be one of same, inverted")


def test_the_order_of_the_table_travels(visit) -> None:
    page = visit()
    figures(page)
    page.locator(f"{FIGURES} th[data-key=nfe] button").click()
    page.locator(f"{FIGURES} .batch [value='64']").click()
    address = settled(page, "batch=64")
    assert "sort=nfe" in address
    other = visit()
    other.goto(address)
    other.wait_for_selector(f"{FIGURES} th[data-key=nfe][aria-sort=ascending]", timeout=LONG)
    assert other.locator(f"{FIGURES} .batch [value='64'][aria-pressed=true]").count() == 1


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
def test_the_link_is_copied(film, secure: bool) -> None:
    address = settled(film, "step=2")
    if not secure:  # over plain http there is no navigator.clipboard
        film.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    else:
        film.context.grant_permissions(["clipboard-read", "clipboard-write"])
    film.locator(".gv-Link .copy").first.click()
    film.wait_for_selector(".gv-Link .copy.done", timeout=LONG)
    film.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'}))")
    film.locator("#paste").focus()
    film.keyboard.press("Control+V")
    assert film.locator("#paste").input_value() == address


def test_a_code_is_shown_large_and_closes_with_escape(film) -> None:
    film.locator(".gv-Link .show").click()
    film.wait_for_function("document.querySelector('.gv-Link img').naturalWidth > 0", timeout=LONG)
    box = film.locator(".gv-Link img").bounding_box()
    assert box["width"] > 0.75 * 720 and box["y"] + box["height"] <= 720
    assert film.locator(".gv-Link .address").text_content() == film.url
    assert "this computer only" in film.locator(".gv-Link .say").text_content()
    keep(film, "qr-in-use")
    film.keyboard.press("Escape")
    assert not film.locator(".gv-Link dialog").is_visible()


def test_the_save_menu_gives_what_is_on_screen(film) -> None:
    save, menu = player(film).locator(".save"), player(film).locator(".menu")
    save.focus()
    film.keyboard.press("Enter")
    assert menu.is_visible() and menu.locator("button").first.evaluate("b => b === document.activeElement")
    keep(film, "save-in-use")
    film.keyboard.press("Escape")
    assert not menu.is_visible() and step_of(film) == 2
    files = {}
    for place, kind in enumerate(("png", "gif", "mp4")):
        film.keyboard.press("Enter")
        for _ in range(place):
            film.keyboard.press("ArrowDown")
        with film.expect_download(timeout=LONG) as download:
            film.keyboard.press("Enter")
        files[kind] = download.value
        film.wait_for_function("!document.querySelector('.gv-Player .save').disabled", timeout=LONG)
        film.wait_for_function("document.activeElement.classList.contains('save')", timeout=LONG)
    assert [f.suggested_filename for f in files.values()] == [
        "diffusion-ddpm-mnist-seed7-step2.png",
        "diffusion-ddpm-mnist-seed7.gif",
        "diffusion-ddpm-mnist-seed7.mp4",
    ]
    picture = np.asarray(Image.open(files["png"].path()))
    canvas = player(film).locator(".pane").first
    width, height = canvas.evaluate("c => [c.width, c.height]")
    page = np.array(shown(film), np.uint8).reshape(height, width, 4)
    small = picture[4::8, 4::8]
    assert small.shape == (height, width)
    assert np.array_equal(small[page[..., 3] > 0], page[..., 0][page[..., 3] > 0]), "every pixel of a sample as on screen"
    assert (small[page[..., 3] == 0] == 255).all()
    assert Image.open(files["gif"].path()).n_frames == 5
    assert files["mp4"].path().read_bytes()[4:8] == b"ftyp"


def test_the_call_in_python_is_shown_and_copied(film) -> None:
    film.context.grant_permissions(["clipboard-read", "clipboard-write"])
    player(film).locator(".save").click()
    player(film).locator("[data-kind=python]").click()
    film.wait_for_selector(".gv-Player .code:visible", timeout=LONG)
    code = player(film).locator(".code pre").inner_text()
    assert 'genviz.film("diffusion/ddpm", "mnist", n=3, seed=7, steps=4, guidance=2.0)' in code and "frame.step == 2" in code
    player(film).locator(".code .copied", has_text="Copied.").wait_for(timeout=LONG)
    assert film.evaluate("navigator.clipboard.readText()") == player(film).locator(".code pre").text_content()
    player(film).locator(".code .close").click()
    assert not player(film).locator(".code").is_visible()


SAFARI = """() => {
    let inside = false;                              // the click is being handled; afterwards a page may not begin to copy any more
    addEventListener("click", () => { inside = true; setTimeout(() => { inside = false; }); }, true);
    const real = fetch, over = async () => { while (inside) await new Promise(done => setTimeout(done)); };
    window.fetch = async (...asked) => { const answer = await real(...asked); await over(); return answer; };
    const may = () => { if (!inside) throw new DOMException("not allowed outside a click", "NotAllowedError"); };
    const clipboard = {
        writeText: async text => { may(); window.copied = text; },
        write: async ([item]) => { may(); window.copied = await (await item.getType("text/plain")).text(); },
    };
    Object.defineProperty(navigator, "clipboard", { value: clipboard });
    document.execCommand = () => inside;
}"""


def test_safari_copies_what_was_promised_inside_the_click(film) -> None:
    address = settled(film, "step=2")
    film.evaluate(SAFARI)
    player(film).locator(".save").click()
    player(film).locator("[data-kind=python]").click()
    player(film).locator(".code .copied", has_text="Copied.").wait_for(timeout=LONG)
    code = player(film).locator(".code pre").text_content()
    assert "genviz.film(" in code and film.evaluate("copied") == code
    film.evaluate("copied = ''")
    player(film).locator(".code .copy").click()
    film.wait_for_function("code => copied === code", arg=code, timeout=LONG)
    film.locator(".gv-Link .copy").first.click()
    film.wait_for_function("address => copied === address", arg=address, timeout=LONG)


def test_a_refused_call_in_python_is_answered_with_its_sentence(film) -> None:
    film.route("**/genviz/python", lambda route: route.fulfill(json={"error": "No call in Python can name it."}))
    player(film).locator(".save").click()
    player(film).locator("[data-kind=python]").click()
    sentences(film, "No call in Python can name it.")
    assert not player(film).locator(".code").is_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everything_fits_on_a_phone(visit, app, dark: bool) -> None:
    page = visit(width=390, height=844, dark=dark, touch=True)
    page.goto(f"{app}/?tab=vae&seed=2&step=1&__theme={'dark' if dark else 'light'}")
    done(page)
    look = f"{'dark' if dark else 'light'}-390"
    player(page).locator(".save").tap()
    player(page).locator(".menu").wait_for(timeout=LONG)
    keep(page, f"save-{look}")
    menu = player(page).locator(".menu").bounding_box()
    assert menu["x"] >= 0 and menu["x"] + menu["width"] <= 390
    player(page).locator("[data-kind=python]").tap()
    page.wait_for_selector(".gv-Player .code:visible", timeout=LONG)
    page.wait_for_function(
        "document.querySelector('.gv-Player .code').getBoundingClientRect().bottom <= innerHeight", timeout=LONG
    )  # the page has moved to it
    keep(page, f"python-{look}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".gv-Link .show").tap()
    page.wait_for_function("document.querySelector('.gv-Link img').naturalWidth > 0", timeout=LONG)
    box = page.locator(".gv-Link dialog").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    keep(page, f"qr-{look}")
