"""The app at a subpath behind a real nginx: the page opens, a film arrives and a verb answers, however the proxy was set up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urljoin

import httpx
import pytest
from doors import film, serving, toy_engine
from proxies import FORWARDED, Way, nginx

SUBPATHS = ("", "/demo", "/genviz", "/a/b", "/gradio_api")
NAMES = [
    f"{subpath or '/'}, {told}, {'taken off' if off else 'kept'}, {how}"
    for subpath in SUBPATHS
    for told, off, how in (
        ("told", True, "no headers"),
        ("told", True, "forwarded"),
        ("told", False, "no headers"),
        ("told", False, "forwarded"),
        ("not told", True, "no headers"),
        ("not told", True, "forwarded"),
        ("not told", False, "forwarded prefix"),
    )
]


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of every way its address: apps that were told their subpath (GRADIO_ROOT_PATH) or not, all behind one nginx."""
    with ExitStack() as stack:
        engine = stack.enter_context(toy_engine())
        ports = {subpath: stack.enter_context(serving(engine, root_path=subpath)).server_port for subpath in SUBPATHS}
        ways = []
        for name in NAMES:
            subpath, told, off, how = name.split(", ")
            subpath = subpath.rstrip("/")
            prefix = f"\n      proxy_set_header X-Forwarded-Prefix {subpath};" if "prefix" in how and subpath else ""
            headers = "" if how == "no headers" else FORWARDED + prefix
            ways.append(Way(ports[subpath if told == "told" else ""], subpath, off == "taken off", headers))
        yield dict(zip(NAMES, stack.enter_context(nginx(tmp_path_factory.mktemp("nginx"), ways)), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_opens_and_a_film_arrives_below_any_subpath(addresses, name) -> None:
    base = addresses[name]
    with httpx.Client(timeout=300, headers={"Origin": re.match(r"http://[^/]+", base)[0]}) as web:
        page = web.get(base)
        assert page.status_code == 200 and "Toy house" in page.text
        assert name.startswith("/,") or str(web.get(base.rstrip("/"), follow_redirects=True).url) == base
        for link in re.findall(r'(?:src|href)="(\.?/[^"]+)"', page.text):
            assert web.get(urljoin(base, link)).status_code == 200 and urljoin(base, link).startswith(base), link
        assert [shot["step"] for shot in film(web, base)] == [0, 1, 2, 3, 4, 5]
        joined = web.post(base + "gradio_api/call/sample", json={"data": ["toys/toy", "mnist", 1, 0, {}]})
        assert "event: complete" in web.get(base + "gradio_api/call/sample/" + joined.json()["event_id"]).text
        assert web.get(base + "none").status_code == 404
