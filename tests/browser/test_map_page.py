"""The map in a real browser: hover a point, click it, drop an image, cancel a live layout."""

from __future__ import annotations

import pytest
from pages import LONG, core
from test_panels_in_use import keep

# where on the screen Plotly has put a point in the middle of the first class
A_POINT = """() => {
    const chart = document.querySelector(".gv-MapPane .chart"), box = chart.getBoundingClientRect(), {xaxis, yaxis} = chart._fullLayout;
    const {x, y} = chart.data[0], i = [...x.keys()].sort((a, b) => x[a] - x[b])[x.length >> 1];
    return [box.x + xaxis._offset + xaxis.l2p(x[i]), box.y + yaxis._offset + yaxis.l2p(y[i])];
}"""


@pytest.fixture
def chart(visit):
    page = visit(height=1000)
    page.wait_for_selector("#tab-vae-button", state="attached", timeout=LONG)
    page.evaluate(f"{core('dom')}.then(dom => dom.open('tab-vae').then(() => dom.open('tab-vae-map')))")
    page.wait_for_function("document.querySelector('.gv-MapPane .say')?.textContent.startsWith('UMAP of 5,000')", timeout=LONG)
    # the first image of the chooser has landed
    page.wait_for_function("document.querySelectorAll('.gv-MapPane .near > div').length === 10", timeout=LONG)
    return page


def test_hover_and_click(chart) -> None:
    chart.mouse.move(*chart.evaluate(A_POINT))
    chart.locator(".gv-MapPane .tip").wait_for(timeout=LONG)
    assert ", no. " in chart.locator(".gv-MapPane .tip span").text_content()
    chart.mouse.down()
    chart.mouse.up()
    chart.wait_for_function(
        "document.querySelector('.gv-MapPane .xcap').textContent.includes('test image')"
        " && !document.querySelector('.gv-MapPane .xcap').textContent.startsWith('your')",
        timeout=LONG,
    )
    assert chart.locator(".gv-MapPane .near > div").count() == 10
    keep(chart, "map-in-use")


def test_another_image_lands_and_a_live_layout_is_cancelled(chart) -> None:
    chart.locator("#tab-vae-map .gv-Pick .strip canvas").nth(5).click()
    chart.wait_for_function("document.querySelector('.gv-MapPane .xcap').textContent.includes('test image 5')", timeout=LONG)
    assert "placed in" in chart.locator(".gv-MapPane .say").text_content()
    chart.locator(".gv-MapPane summary").click()
    chart.locator(".gv-MapPane .go").click()
    chart.locator(".gv-MapPane .stop").click(timeout=LONG)
    chart.wait_for_function("document.querySelector('.gv-MapPane .stage').textContent === 'Cancelled.'", timeout=LONG)
    assert chart.locator(".gv-MapPane .go").is_visible()
