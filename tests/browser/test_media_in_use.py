"""Text, sound and colour in a real browser: toy models of each walk on the page as pictures do, and are saved."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import Iterator

import pytest
from pages import LONG, ROOT, SCREENS
from until import answers, until

SERVE = """
import sys
sys.path.insert(0, "tests")
from genviz.engine import Engine
from genviz.ui import app, theme

engine = Engine("cpu", stage="media:MediaStage")
demo = app.build(engine)
demo.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True, **theme.page(demo, engine))
"""
STAGE = "#tab-toys-sample .gv-Player"


@pytest.fixture(scope="module")
def toys() -> Iterator[str]:
    """Address of an app whose only family has a model of text, one of sound and one of pictures in colour."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], cwd=ROOT, start_new_session=True)
    try:
        until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}"), 300, "It served no page")
        assert process.poll() is None, "it ended before it served a page"
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


@pytest.fixture
def visit(people) -> Iterator:
    """visit(width, height) -> a page of somebody, without an address yet; its errors are raised at the end."""
    pages, wrong = [], []

    def open_page(width: int, height: int):
        page = people(False, False).new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: wrong.append(str(e)))
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not wrong, "\n".join(wrong)


def shown(page, toys: str, model: str, data: str, **more: object) -> None:
    """The film of a model, played to its end by its link."""
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    page.goto(f"{toys}/?tab=toys&panel=sample&model=toys/{model}&data={data}&seed=3&step=play{rest}")
    page.wait_for_function(f"document.querySelector('{STAGE}')?.dataset.state === 'done'", timeout=LONG)


def saved(page, kind: str) -> bytes:
    page.locator(f"{STAGE} .save").click()
    with page.expect_download(timeout=LONG) as told:
        page.locator(f"{STAGE} [data-kind={kind}]").click()
    with open(told.value.path(), "rb") as file:
        return file.read()


def kinds(page) -> list[str]:
    """What the Save menu offers."""
    page.locator(f"{STAGE} .save").click()
    found = page.locator(f"{STAGE} .menu button:visible").evaluate_all("all => all.map(b => b.dataset.kind)")
    page.keyboard.press("Escape")
    return found


@pytest.mark.parametrize(("wide", "high"), [(1280, 720), (390, 844)])
def test_a_text_is_written_with_what_may_come_next(visit, toys: str, wide: int, high: int) -> None:
    page = visit(wide, high)
    shown(page, toys, "bigram", "letters", n=2)
    pages = page.locator(f"{STAGE} .texts pre")
    page.wait_for_function(f"[...document.querySelectorAll('{STAGE} .texts pre')].every(p => p.textContent.length === 25)", timeout=LONG)
    assert pages.count() == 2 and set(pages.first.inner_text()) <= set("abcd \n")
    odds = page.locator(f"{STAGE} .next li")
    assert 1 <= odds.count() <= 6 and "%" in odds.first.inner_text()
    page.screenshot(path=SCREENS / f"media-text-{wide}.png")
    page.locator(f"{STAGE} .scrub").focus()
    page.keyboard.press("Home")
    page.wait_for_function(f"document.querySelector('{STAGE} .texts pre').textContent.length === 1", timeout=LONG)
    assert kinds(page) == ["png", "gif", "mp4", "txt", "python"]
    assert len(saved(page, "txt").decode().split("\n" + "-" * 40 + "\n")) == 2


def test_a_sound_is_seen_and_saved_as_a_file_that_plays(visit, toys: str) -> None:
    page = visit(1280, 720)
    shown(page, toys, "tone", "tones")
    wave_of = f"document.querySelector('{STAGE} .wave')"
    page.wait_for_function(
        f"(() => {{ const c = {wave_of}, d = c.getContext('2d').getImageData(c.width - 40, 0, 40, c.height).data;"
        " return d.filter((v, i) => i % 4 === 3 && v > 200).length > 100; })()",
        timeout=LONG,
    )
    page.screenshot(path=SCREENS / "media-sound.png")
    assert page.get_by_role("button", name="Play sound 1").is_visible()
    assert kinds(page) == ["png", "gif", "mp4", "wav", "python"]
    with wave.open(io.BytesIO(saved(page, "wav")), "rb") as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, 2000)


def test_a_picture_in_colour_has_its_colours_on_the_page(visit, toys: str) -> None:
    page = visit(1280, 720)
    shown(page, toys, "colour", "colours", n=3)
    colours = f"""(() => {{
        const c = document.querySelector('{STAGE} canvas.pane'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        const seen = new Set();
        for (let i = 0; i < d.length; i += 4) if (d[i + 3] === 255) seen.add([d[i], d[i + 1], d[i + 2]].join());
        return [...seen].sort().join(" ");
    }})()"""
    page.wait_for_function(f"{colours} === '0,0,255 0,255,0 255,0,0'", timeout=LONG)
    page.screenshot(path=SCREENS / "media-colour.png")
    assert kinds(page) == ["png", "gif", "mp4", "python"]
