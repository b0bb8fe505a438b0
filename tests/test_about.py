"""What others show of the page: its title, its picture and its icon are GenViz's, on a Space with a whole address."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import doors
import httpx
import pytest
from PIL import Image

from genviz.ui import about


@pytest.fixture
def web(monkeypatch, request) -> Iterator[httpx.Client]:
    monkeypatch.setenv("SPACE_HOST", request.param)
    with doors.toy_engine() as engine, doors.serving(engine) as demo, httpx.Client(base_url=demo.local_url) as client:
        yield client


def tags(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<meta\s+(?:property|name)="([^"]+)"\s+content="([^"]*)"', page):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("web, picture", [("", "./genviz/link.png"), ("some-one.hf.space", "https://some-one.hf.space/genviz/link.png"),
                                          ('"><script>', "./genviz/link.png")], indirect=["web"])  # fmt: skip
def test_a_link_to_the_page_shows_genviz(web: httpx.Client, picture: str) -> None:
    page = web.get("/").text
    head = tags(page[: page.index("<style")])
    assert head["og:title"] == ["GenViz"] and head["og:image"] == [picture] and len(head["og:description"]) == 1
    assert "<title>GenViz</title>" in page and not re.search(r'content="[^"]*(radio|\{url\})', page)
    shown = Image.open(io.BytesIO(web.get("/" + about.PLACE).content))
    assert shown.size == (1200, 630) and shown.format == "PNG"
    assert web.get("/favicon.ico").content == about.ICON.read_bytes()


def test_the_pictures_are_small() -> None:
    assert about.ICON.stat().st_size < 8_000 and about.LINK.stat().st_size < 80_000
