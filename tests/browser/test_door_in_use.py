"""The door in a real browser: nothing that the page does breaks its policy, and it works at a subpath behind nginx."""

from __future__ import annotations

import json
import re

import pytest
from pages import LONG
from proxies import Way, nginx


def test_no_tab_loads_or_asks_what_the_policy_forbids(visit, app) -> None:
    page = visit()  # a violation is an error in the console
    assert "frame-ancestors" in page.request.get(app).headers["content-security-policy"]
    page.locator("#tab-vae-button").click()
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)
    for tab in page.locator(".gv-families > .tab-wrapper [role=tab]").all():
        tab.click()
        page.wait_for_function("t => t.getAttribute('aria-selected') === 'true'", arg=tab.element_handle(), timeout=LONG)
        page.evaluate("document.querySelectorAll('[role=tabpanel] [role=tab]').forEach(t => t.offsetParent && t.click())")
    cookie = next(c for c in page.context.cookies() if c["name"] == "genviz")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and not page.evaluate("document.cookie").count("genviz")


@pytest.mark.parametrize("subpath", ["/genviz", "/a/b"])
def test_a_film_arrives_behind_a_proxy_that_says_nothing(people, app, tmp_path, subpath) -> None:
    page, wrong = people(False, False).new_page(), []
    with nginx(tmp_path, [Way(int(app.rsplit(":", 1)[1]), subpath, taken_off=True)]) as (address,):
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith((address, "data:", "blob:")) else None)
        page.goto(address)
        page.wait_for_selector(".gv-Start .family", timeout=LONG)
        page.locator("#tab-vae-button").click()
        page.locator(".gv-Controls:visible .sample").click()
        page.wait_for_selector(".gv-Player[data-state=done]:visible", timeout=LONG)
        page.close()
    assert not wrong, wrong


def test_a_full_house_is_told_in_its_own_words(people, app) -> None:
    page, sentence = people(False, False).new_page(), "The house is full: 1000 films are waiting; try again in a minute."
    page.route(
        re.compile("/genviz/submit"),
        lambda route: route.fulfill(status=503, content_type="application/json", body=json.dumps({"error": sentence})),
    )
    page.goto(app)
    page.wait_for_selector(".gv-Start .family", timeout=LONG)
    page.locator("#tab-vae-button").click()
    page.locator(".gv-Controls:visible .sample").click()
    page.wait_for_selector(".gv-Player[data-state=error]:visible", timeout=LONG)
    assert sentence in (page.locator(".gv-Player:visible .say").inner_text() + page.locator("#gv-toasts").inner_text())
    page.close()
