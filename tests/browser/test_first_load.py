"""What a visit moves over the wire, as the browser itself counts it."""

from __future__ import annotations

from pages import LONG

AGAIN = 60_000  # bytes of a second visit, pictures of the start page and heads of all answers included


def visited(context, app: str) -> dict[str, int]:
    """Bytes of every request until the start page shows its pictures."""
    page = context.new_page()
    page.set_default_timeout(LONG)
    wire, urls, sizes = context.new_cdp_session(page), {}, {}
    wire.send("Network.enable")
    wire.on("Network.requestWillBeSent", lambda e: urls.update({e["requestId"]: e["request"]["url"]}))
    wire.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
    page.goto(app + "/?__theme=light")
    page.wait_for_function("(n => n > 0 && n === document.querySelectorAll('.gv-Start .family').length)"
                           "(document.querySelectorAll('.gv-Start .glimpse canvas').length)")  # fmt: skip
    page.close()
    return {urls[i]: size for i, size in sizes.items() if size and not urls[i].startswith(("data:", "blob:"))}


def test_a_second_visit_asks_for_nothing_that_the_browser_has(browser, app) -> None:
    context = browser.new_context()
    first, second = visited(context, app), visited(context, app)
    context.close()
    assert any("/genviz/web/" in url for url in first) and not any("/genviz/web/" in url for url in second)
    most = sorted(second.items(), key=lambda item: -item[1])[:12]
    assert sum(second.values()) <= AGAIN, most
