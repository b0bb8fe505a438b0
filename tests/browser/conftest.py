"""A real browser against the real app. Every test fails on a console error and on any request that leaves the machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pages import LONG, ROOT
from until import answers, until

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
]


def executable() -> str | None:
    return next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        try:
            one = playwright.chromium.launch(executable_path=executable(), args=FLAGS, headless=True)
        except Exception as error:
            pytest.skip(f"no browser: install chromium, or run 'playwright install chromium' ({str(error).splitlines()[0]})")
        yield one
        one.close()


@pytest.fixture(scope="session")
def app() -> Iterator[str]:
    """Address of a running app."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(port)], cwd=ROOT, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(address) or process.poll() is not None, missing="It served no page")
        assert process.poll() is None, "app.py ended before it served a page"
        yield address
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def people(browser) -> Iterator:
    """people(dark, touch) -> the browser of somebody with this device, the same one for every test: it has the app's scripts by now."""
    known: dict[tuple[bool, bool], object] = {}

    def person(dark: bool, touch: bool):
        if (dark, touch) not in known:
            known[dark, touch] = browser.new_context(has_touch=touch, color_scheme="dark" if dark else "light")
            known[dark, touch].set_default_timeout(LONG)
        return known[dark, touch]

    yield person
    for context in known.values():
        context.close()


@pytest.fixture
def visit(people, app) -> Iterator:
    """visit(path="", width=1280, height=720, dark=False) -> an open page of somebody new; what went wrong in it is raised at the end."""
    pages, wrong = [], []

    def open_page(path: str = "", width: int = 1280, height: int = 720, dark: bool = False, touch: bool = False):
        page = people(dark, touch).new_page()
        page.set_viewport_size({"width": width, "height": height})
        pages.append(page)
        page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" and not _refused(m) else None)
        page.on("pageerror", lambda e: wrong.append(f"page error: {e}"))
        page.on("request", lambda r: wrong.append(f"left the machine: {r.url}") if _leaves(r.url, app) else None)
        query = "?__theme=dark" if dark else "?__theme=light"
        page.goto(app + "/" + path + query)
        page.wait_for_selector(".gv-Start .family", timeout=LONG)
        return page

    yield open_page
    for page in pages:
        page.evaluate("localStorage.clear()")
        page.context.clear_permissions()
        page.close()
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def _refused(message) -> bool:
    """The browser's own note that a question to the app's routes was refused, which the page tells in a sentence."""
    return "status of 400" in message.text and "/genviz/" in message.location.get("url", "")


def _leaves(url: str, app: str) -> bool:
    return not url.startswith((app, app.replace("http", "ws"), "data:", "blob:", "about:"))
