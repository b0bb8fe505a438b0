"""What a student does in each tab, in a real browser: click, watch, drag, draw, and make mistakes."""

from __future__ import annotations

import io

import pytest
from pages import LONG, SCREENS, core, quiet

FAMILIES = ("gan", "autoregressive", "vae", "flow", "ebm", "diffusion", "score")


def open_tab(page, family: str, panel: str = "sample") -> None:
    page.locator(f"#tab-{family}-button").click()
    page.locator(f"#tab-{family}-{panel}-button").click()


def player(page, name: str = ""):
    """The visible player (the first where a panel has several)."""
    return page.locator(".gv-Player:visible").first


def sample(page) -> None:
    """Press Sample and wait until the film is whole."""
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)


def step_of(page) -> int:
    return int(player(page).locator(".read .step").inner_text().split()[1])


def varied(page, selector: str) -> bool:
    """Does a canvas show more than one colour?"""
    return page.eval_on_selector(
        selector,
        """canvas => {
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
        for (let i = 0; i < data.length; i += 4) seen.add(data[i]);
        return seen.size > 1; }""",
    )


def draw_a_one(page) -> None:
    """A stroke on the visible sketchpad."""
    page.locator(".gv-Pick:visible [data-way=draw]").first.click()
    pad = page.locator(".gv-Pick:visible .pad").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8, steps=6)
    page.mouse.up()


def test_start_page_leads_to_every_family(visit) -> None:
    page = visit()
    for place, family in enumerate(FAMILIES):
        page.locator("#tab-start-button").click()
        page.locator(".gv-Start .family").nth(place).click()
        page.wait_for_selector(f"#tab-{family}-button[aria-selected=true]", timeout=LONG)


@pytest.mark.parametrize("family", FAMILIES)
def test_sample_and_play(visit, family: str) -> None:
    page = visit()
    open_tab(page, family)
    sample(page)
    assert varied(page, ".gv-Player:visible .pane")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "blob:")) and "heartbeat" not in r.url else None)
    stage = player(page).locator(".stage")
    stage.focus()
    page.keyboard.press("Home")
    assert step_of(page) == 0
    page.keyboard.press("ArrowRight")
    first = step_of(page)
    assert first > 0
    page.keyboard.press("ArrowLeft")
    assert step_of(page) == 0
    page.keyboard.press("End")
    last = step_of(page)
    assert last >= first and f"of {last}" in player(page).locator(".read .step").inner_text()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.wait_for_function(
        "step => +document.querySelector('.gv-Player .read .step').textContent.split(' ')[1] > 0 || step", arg=0, timeout=LONG
    )
    page.keyboard.press("Space")
    player(page).locator(".on").click()
    player(page).locator(".back").click()
    player(page).locator(".scrub").evaluate("s => { s.value = 0; s.dispatchEvent(new Event('input')) }")
    assert step_of(page) == 0
    assert asked == [], "the film was asked for again"


def test_a_sample_is_sent_to_another_tool(visit) -> None:
    page = visit()
    open_tab(page, "vae")
    sample(page)
    player(page).locator(".pane").first.click(position={"x": 20, "y": 20})
    page.locator(".gv-Player:visible .solo button", has_text="Reconstruct").first.click()
    page.wait_for_selector("#tab-vae-reconstruct-button[aria-selected=true]", timeout=LONG)
    page.wait_for_function(
        "[...document.querySelectorAll('.gv-Pick .slot span')].some(s => s.textContent.includes('sample 1'))", timeout=LONG
    )
    page.wait_for_function("document.querySelector('.gv-Reconstruct .about')?.textContent.includes('latent dimensions')", timeout=LONG)


def test_a_stopped_film_ends(visit) -> None:
    page = visit()
    open_tab(page, "diffusion")
    page.locator(".gv-Controls:visible select[id$=sampler]").select_option("ddpm")
    steps = page.locator(".gv-Controls:visible input[id$=-steps]")
    steps.fill("1000")
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_selector(".gv-Player[data-state=running]:visible", timeout=LONG)
    page.locator(".gv-Controls:visible .stop").click()
    page.wait_for_selector(".gv-Player[data-state=cancelled]:visible", timeout=LONG)
    steps.fill("4")
    sample(page)


def test_a_reload_takes_the_film_up_again(visit) -> None:
    page = visit()
    open_tab(page, "diffusion")
    sample(page)
    page.reload()
    open_tab(page, "diffusion")
    page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)
    assert varied(page, ".gv-Player:visible .pane")


def test_closing_a_duplicated_tab_leaves_the_original_its_film(visit) -> None:
    page = visit()
    open_tab(page, "diffusion")
    page.locator(".gv-Controls:visible select[id$=sampler]").select_option("ddpm")
    page.locator(".gv-Controls:visible input[id$=-steps]").fill("1000")
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_selector(".gv-Player[data-state=running]:visible", timeout=LONG)
    storage = page.evaluate("JSON.stringify(sessionStorage)")
    copy = page.context.new_page()  # as a browser duplicates a tab: with all that the session of the first remembers
    copy.add_init_script(f"for (const [k, v] of Object.entries({storage})) sessionStorage.setItem(k, v)")
    copy.goto(page.url)
    open_tab(copy, "diffusion")
    copy.wait_for_selector(".gv-Player[data-state=running]:visible", timeout=LONG)
    assert copy.evaluate(f"{core('films')}.then(films => films.viewer)") != page.evaluate(f"{core('films')}.then(films => films.viewer)")
    job = copy.evaluate("JSON.parse(sessionStorage.getItem('genviz.film.diffusion.sample'))?.job")
    assert job == page.evaluate("JSON.parse(sessionStorage.getItem('genviz.film.diffusion.sample'))?.job"), "both watch one film"
    with copy.expect_request(lambda r: r.url.endswith("/genviz/cancel")):
        copy.locator(".gv-Controls:visible .stop").click()
    copy.wait_for_selector(".gv-Player[data-state=cancelled]:visible", timeout=LONG)
    copy.close()
    answer = page.evaluate("async job => (await (await fetch(`genviz/wait?job=${job}&have=100000`)).json()).status", job)
    assert answer == "running"
    page.locator(".gv-Controls:visible .stop").click()
    page.wait_for_selector(".gv-Player[data-state=cancelled]:visible", timeout=LONG)
    answer = page.evaluate("async job => (await (await fetch(`genviz/wait?job=${job}&have=100000`)).json()).status", job)
    assert answer == "cancelled", "the last viewer has left"


@pytest.mark.parametrize(
    ("field", "text", "word"), [("steps", "many", "steps"), ("steps", "0", "between"), ("steps", "1e99", "steps"), ("n", "65", "64")]
)
def test_mistakes_are_answered_with_a_sentence(visit, field: str, text: str, word: str) -> None:
    page = visit()
    open_tab(page, "diffusion")
    page.locator(f".gv-Controls:visible input[id$='-{field}']").fill(text)
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_function("word => document.querySelector('.gv-Controls .say.wrong')?.textContent.includes(word)", arg=word, timeout=LONG)
    page.locator(f".gv-Controls:visible input[id$='-{field}']").fill("4")
    sample(page)


def test_a_huge_seed_is_answered_with_a_sentence(visit) -> None:
    page = visit()
    open_tab(page, "diffusion")
    page.get_by_label("Seed").locator("visible=true").first.fill("99999999999999999999")
    page.keyboard.press("Tab")
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_function(
        "[...document.querySelectorAll('.gv-Controls .say.wrong, .gv-toast')].some(s => /seed/i.test(s.textContent))"
        " || document.querySelector('.gv-Player[data-state=done]')",
        timeout=LONG,
    )
    assert page.locator(".gv-Controls:visible .sample").is_enabled()


def test_drawing_is_reconstructed_and_an_empty_one_refused(visit) -> None:
    page = visit()
    open_tab(page, "vae", "reconstruct")
    page.wait_for_function("document.querySelector('.gv-Reconstruct .about')?.textContent.includes('latent dimensions')", timeout=LONG)
    page.locator(".gv-Pick:visible [data-way=draw]").click()
    page.locator(".gv-Pick:visible .use").click()
    page.wait_for_selector(".gv-Pick:visible .say.wrong", timeout=LONG)
    draw_a_one(page)
    page.wait_for_function(
        "[...document.querySelectorAll('.gv-Pick .slot span')].some(s => s.textContent.includes('own drawing'))", timeout=LONG
    )
    assert varied(page, ".gv-Reconstruct:visible .y")


def test_a_wrong_file_is_refused_and_a_picture_taken(visit) -> None:
    from PIL import Image, ImageDraw

    page = visit()
    open_tab(page, "vae", "reconstruct")
    page.locator(".gv-Pick:visible [data-way=file]").click()
    upload = page.locator(".gv-Pick:visible input[type=file]")
    upload.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture at all"})
    page.wait_for_selector(".gv-Pick:visible .say.wrong", timeout=LONG)
    picture, file = Image.new("L", (64, 64)), io.BytesIO()
    ImageDraw.Draw(picture).ellipse((16, 10, 48, 54), outline=255, width=6)
    picture.save(file, "PNG")
    upload.set_input_files({"name": "zero.png", "mimeType": "image/png", "buffer": file.getvalue()})
    page.wait_for_function("!document.querySelector('.gv-Pick .say.wrong')", timeout=LONG)


def test_a_telephones_largest_picture_is_read(visit) -> None:
    """More than the server takes: the page makes it smaller, and the digit is on it."""
    from PIL import Image, ImageDraw

    page = visit()
    open_tab(page, "vae", "reconstruct")
    page.locator(".gv-Pick:visible [data-way=file]").click()
    picture, file = Image.effect_noise((3600, 3600), 24).point(lambda v: v // 2 + 128), io.BytesIO()
    ImageDraw.Draw(picture).line((1800, 900, 1800, 2700), fill=20, width=260)
    picture.save(file, "PNG", compress_level=1)
    assert file.tell() > 8 * 2**20
    upload = page.locator(".gv-Pick:visible input[type=file]")
    upload.set_input_files({"name": "one.png", "mimeType": "image/png", "buffer": file.getvalue()})
    named = "[...document.querySelectorAll('.gv-Pick .slot span')].some(s => s.textContent.includes('one.png'))"
    page.wait_for_function(named, timeout=LONG)
    lit = """[...document.querySelectorAll('.gv-Pick .slot canvas')].filter(c => c.offsetParent).map(c =>
        [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((v, i) => i % 4 == 0 && v > 128).length)[0]"""
    assert 30 <= page.evaluate(lit) <= 100


def test_latent_plane_follows_the_pointer_to_the_exact_picture(visit) -> None:
    page = visit()
    open_tab(page, "vae", "latent-plane")
    plane = page.locator(".gv-LatentPlane:visible .back")
    page.wait_for_function("document.querySelector('.gv-LatentPlane')?.dataset.shown?.startsWith('exact')", timeout=LONG)
    box = plane.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    for k in range(12):
        page.mouse.move(box["x"] + 20 + 9 * k, box["y"] + 20 + 7 * k)
    page.mouse.up()
    page.wait_for_function("document.querySelector('.gv-LatentPlane')?.dataset.shown?.startsWith('exact')", timeout=LONG)
    assert varied(page, ".gv-LatentPlane:visible .x")


def panels_of(page, family: str) -> list[str]:
    page.locator(f"#tab-{family}-button").click()
    page.wait_for_selector(f"#tab-{family}-sample-button", timeout=LONG)
    return page.eval_on_selector_all(f"button[role=tab][id^='tab-{family}-']", "buttons => buttons.map(b => b.id)")


def keep_both_looks(page, name: str, width: int) -> None:
    """Pictures of the page in light and in dark."""
    for look in ("light", "dark"):
        assert page.evaluate("document.body.classList.contains('dark')") == (look == "dark")
        page.screenshot(path=SCREENS / f"{name}-{look}-{width}.png", full_page=True)
        page.locator(".gv-Header .look").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)], ids=["lecture", "phone"])
@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_cut_and_screens_are_kept(visit, family: str, width: int, height: int) -> None:
    """Pictures of every tab go to screenshots/; no page is wider than its screen and every picture is enlarged to whole pixels."""
    page = visit(width=width, height=height, touch=width < 700)
    SCREENS.mkdir(exist_ok=True)
    if family == FAMILIES[0]:
        quiet(page)
        keep_both_looks(page, "start", width)
    open_tab(page, family)
    sample(page)
    quiet(page)
    keep_both_looks(page, family, width)
    assert page.eval_on_selector(".gv-Player:visible .pane", "c => getComputedStyle(c).imageRendering") in ("pixelated", "crisp-edges")
    for name in panels_of(page, family)[1:]:
        page.locator(f"#{name}").click()
        page.locator(f"#{name.removesuffix('-button')} .gv").first.wait_for(timeout=LONG)
        quiet(page)
        keep_both_looks(page, name.removeprefix("tab-").removesuffix("-button"), width)
        assert page.locator(".gv:visible").count() > 1 and page.locator(".gv-toast").count() == 0, name


def test_projector_enlarges_type(visit) -> None:
    page = visit()
    size = "parseFloat(getComputedStyle(document.querySelector('.gv-Start, .gv-header')).fontSize)"
    before = page.evaluate(size)
    page.get_by_role("button", name="Projector").click()
    page.wait_for_function(f"{size} > {before}", timeout=LONG)
