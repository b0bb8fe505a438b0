"""What a view of the page costs: its bytes, the server's time, and what a browser asks again."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from collections.abc import Iterator
from types import SimpleNamespace
from urllib.parse import urljoin

import httpx
import pytest
from doors import serving, toy_engine

from genviz import catalogue
from genviz.ui import app, served, theme

LARGEST, ZIPPED, AGAIN = 400_000, 100_000, 60_000  # bytes of the page, of it zipped, and of a second visit
VIEW = 0.010  # seconds of computing for a view
LINKS = re.compile(r'(?:src|href)="(\./[^"]+)"')


@pytest.fixture(scope="module")
def demo() -> Iterator:
    """The whole page with every family, on an engine that computes nothing."""
    known = json.loads(json.dumps({**catalogue.build(), "device": "cpu"}))
    engine = SimpleNamespace(catalogue=lambda: known)
    page = app.build(engine)
    page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **theme.page(page, engine))
    yield page
    page.close(verbose=False)


@pytest.fixture
def web(demo) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=demo.local_url, timeout=120, headers={"Accept-Encoding": "gzip"}) as client:
        yield client


def sent(web: httpx.Client, path: str, **headers: str) -> tuple[httpx.Response, int]:
    """An answer and the bytes of its body as they went over the wire."""
    with web.stream("GET", path, headers=headers) as answer:
        size = sum(len(part) for part in answer.iter_raw())
    return answer, size


def test_the_page_is_small_and_tells_neither_the_catalogue_nor_an_object(web) -> None:
    page = web.get("")
    assert len(page.content) <= LARGEST and len(gzip.compress(page.content)) <= ZIPPED
    assert sent(web, "")[1] <= ZIPPED
    assert not re.search(r"&lt;genviz|<genviz|object at 0x|namespace\(", page.text)
    for word in ("sha256", "trained_on", '"metrics"', '"machine"'):  # of cards, which are fetched when their model is chosen
        assert word not in page.text, f"the page holds the catalogue: {word}"


def test_a_second_visit_costs_little(web) -> None:
    page = web.get("")
    total, tags = 0, {}
    for link in ["./", *dict.fromkeys(LINKS.findall(page.text))]:
        answer, _ = sent(web, link)
        assert answer.status_code == 200, link
        if "immutable" not in answer.headers.get("cache-control", ""):
            tags[link] = answer.headers.get("etag", "")
    for link, tag in tags.items():
        total += sent(web, link, **({"If-None-Match": tag} if tag else {}))[1]
    assert total <= AGAIN, {link: sent(web, link, **{"If-None-Match": tag})[1] for link, tag in tags.items()}


def test_every_file_of_the_page_is_zipped_and_kept_for_ever(web) -> None:
    assert f'href="./{served.address("page.css")}"' in web.get("").text
    for name in served.files():
        answer, size = sent(web, served.address(name))
        assert answer.status_code == 200 and answer.headers["cache-control"] == "public, max-age=31536000, immutable", name
        assert answer.headers["content-encoding"] == "gzip" and size <= len(served.files()[name]) + 40
    plain = web.get(served.address("ui/web/core/dom.js"), headers={"Accept-Encoding": "identity"})
    assert plain.content == served.files()["ui/web/core/dom.js"] and plain.headers["content-type"].startswith("text/javascript")
    for wrong in (served.address("ui/web/none.js"), served.address("ui/widget.py"), "genviz/web/0123456789abcdef/ui/web/core/dom.js",
                  served.address("ui/web/..%2f..%2fwidget.py"), served.address("ui/web/package.json")):  # fmt: skip
        assert web.get(wrong).status_code == 404, wrong


def test_every_module_finds_what_it_imports_and_every_widget_its_files() -> None:
    files = served.files()
    for name, text in files.items():
        for other in re.findall(r'from "(\.[^"]+)"', text.decode()) if name.endswith(".js") else ():
            assert urljoin(name, other) in files, f"{name} imports {other}"
    assert len(files) > 60
    folders = {name.rpartition("/")[0] for name in files if name.endswith("/panel.js")}
    assert folders and all(f"{folder}/view.html" in files for folder in folders)


def test_the_styles_of_a_widget_hold_inside_it_alone() -> None:
    base = (served.ROOT / "ui" / "web" / "base.css").read_text(encoding="utf-8")
    for path in [*(served.ROOT / "ui" / "web").glob("*/style.css"), *(served.ROOT / "families").glob("*/page/**/*.css")]:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S).strip()
        assert re.match(r"\.gv-\w+ \{", text), path
        depth, ends = 0, []
        for place, letter in enumerate(text):
            depth += (letter == "{") - (letter == "}")
            if letter == "}" and not depth:
                ends.append(place)
        assert ends == [len(text) - 1], f"{path}: one block, of the widget's class"
    assert base in served.files()[served.STYLE].decode()


def test_a_view_takes_little_of_the_servers_time(demo) -> None:
    async def view(path: str) -> int:
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
                 "raw_path": path.encode(), "root_path": "", "query_string": b"__theme=light", "client": ("127.0.0.1", 1),
                 "server": ("127.0.0.1", 1), "headers": [(b"host", b"127.0.0.1"), (b"accept-encoding", b"gzip")]}  # fmt: skip
        size = 0

        async def receive() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict) -> None:
            nonlocal size
            size += len(message.get("body", b""))

        await demo.app(scope, receive, send)
        return size

    async def seconds(paths: list[str], times: int) -> float:
        for path in paths:
            assert await view(path) > 100, path
        begun = time.thread_time()
        for _ in range(times):
            for path in paths:
                await view(path)
        return (time.thread_time() - begun) / times

    page = httpx.get(demo.local_url, timeout=120).text
    links = ["/" + link[2:] for link in LINKS.findall(page)]
    assert asyncio.run(seconds(["/"], 50)) <= VIEW
    assert asyncio.run(seconds(["/", *links], 10)) <= VIEW, "with all the files that a first visit asks for"


def test_the_app_starts_on_a_machine_that_is_too_busy_to_answer_in_time(monkeypatch) -> None:
    from gradio import http_server, networking

    later = iter(range(0, 10**9, 60))  # a minute passes between two looks at the clock
    monkeypatch.setattr(http_server, "time", SimpleNamespace(time=lambda: next(later), sleep=time.sleep))
    monkeypatch.setattr(networking, "url_ok", lambda _: False)
    with toy_engine() as engine, serving(engine) as demo:
        assert "Toy house" in httpx.get(demo.local_url, timeout=120).text
