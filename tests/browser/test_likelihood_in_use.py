"""The likelihood lab in a real browser: the paradox in one click, its repair, and every kind of picture with a mark on every histogram."""

from __future__ import annotations

from test_panels_in_use import keep
from test_student import LONG, draw_a_one

LAB, SUBJECT, SIMPLE = ".gv-LikelihoodLab", ".gv-Subject", "counting/grey"


def lab(visit, **size):
    page = visit(**size)
    page.locator("#tab-compare-button").click()
    page.locator("#tab-compare-likelihood-lab-button").click(timeout=LONG)
    page.wait_for_selector(f"{LAB} tbody tr[data-name]", timeout=LONG)
    marked(page)
    return page


def marked(page) -> None:
    """Every model has scored the picture."""
    page.wait_for_function(
        "lab => { const rows = [...document.querySelectorAll(lab + ' tbody tr')];"
        " return rows.length && rows.every(r => r.querySelector('svg .mark') && !r.innerText.includes('\\u2026')) }",
        arg=LAB,
        timeout=LONG,
    )


def area(page) -> float:
    return float(page.locator(f"{LAB} .curve .large").text_content())


def paradox(page) -> None:
    page.locator(f"{LAB} .paradox").click()
    page.wait_for_function(
        "lab => document.querySelector(lab + ' .told').textContent.includes('trained on Fashion-MNIST')", arg=LAB, timeout=LONG
    )
    marked(page)


def bits(page) -> dict[str, float]:
    """The bits of the picture by model."""
    texts = page.locator(f"{LAB} tbody tr").evaluate_all("all => all.map(r => [r.dataset.name, r.children[5].innerText])")
    return {name: float(text.replace("\u2212", "-").replace(",", "")) for name, text in texts}


def until_other(page, before: dict[str, float]) -> dict[str, float]:
    """The bits of the picture, once the simplest model finds others than before."""
    cell = f"document.querySelector(\"{LAB} tr[data-name='{SIMPLE}']\").children[5].innerText"
    number = f"parseFloat({cell}.replace('\u2212', '-').replaceAll(',', ''))"
    page.wait_for_function(f"old => !Number.isNaN({number}) && {number} !== old", arg=before[SIMPLE], timeout=LONG)
    marked(page)
    return bits(page)


def test_the_paradox_in_one_click_and_its_repair(visit) -> None:
    page = lab(visit, width=1280, height=900)
    assert area(page) > 0.9, "trained on digits, likelihood tells the sets apart"
    paradox(page)
    assert area(page) < 0.1 and "takes strangers for its own" in page.locator(f"{LAB} .told").inner_text()
    assert "MNIST, test image" in page.locator(f"{SUBJECT} .from").inner_text()
    assert "images of each set" in page.locator(f"{LAB} .protocol").inner_text()
    keep(page, "likelihood-lab-in-use")
    page.locator(f"{LAB} .by [value=png]").click()
    assert area(page) >= 0.97 and "tells its own from strangers" in page.locator(f"{LAB} .told").inner_text()
    assert "PNG" in page.locator(f"{LAB} .histogram").text_content()
    page.locator(f"{LAB} tr[data-name='counting/grey'] button").focus()
    page.keyboard.press("Enter")
    assert page.locator(f"{LAB} .shown").input_value() == "counting/grey" and area(page) >= 0.95
    assert page.evaluate("document.activeElement.closest('tr').dataset.name") == "counting/grey", "the focus stays"
    page.locator(f"{LAB} .by [value=ratio]").click()
    assert "against itself" in page.locator(f"{LAB} .told").inner_text()


def test_every_kind_of_picture_is_scored_by_every_model(visit) -> None:
    page = lab(visit, height=900)
    paradox(page)
    digit = bits(page)
    page.locator(f"{SUBJECT} [value=even]").click()
    even = until_other(page, digit)
    assert even[SIMPLE] > digit[SIMPLE] and even["autoregressive/pixel_cnn_grey"] > digit["autoregressive/pixel_cnn_grey"], (
        "simple is likely"
    )
    page.locator(f"{SUBJECT} .grey").evaluate("(s) => { s.value = 200; s.dispatchEvent(new Event('input')) }")
    assert "every pixel 200" in page.locator(f"{SUBJECT} .from").inner_text()
    grey = until_other(page, even)
    page.locator(f"{SUBJECT} [value=noise]").click()
    noise = until_other(page, grey)
    assert all(noise[name] < digit[name] for name in digit)
    assert page.locator(f"{LAB} .histogram .tip").count() == 1
    page.locator(f"{SUBJECT} [value=negative]").click()
    negative = until_other(page, noise)
    assert "inverted" in page.locator(f"{SUBJECT} .from").inner_text()
    page.locator(f"{SUBJECT} [value=chosen]").click()
    page.locator(f"{SUBJECT} .gallery").select_option("fashion_mnist")
    page.wait_for_function(f"document.querySelector('{SUBJECT} .from').textContent.startsWith('Fashion-MNIST, test image')", timeout=LONG)
    clothes = until_other(page, negative)
    draw_a_one(page)
    page.wait_for_function(f"document.querySelector('{SUBJECT} .from').textContent === 'own drawing'", timeout=LONG)
    drawing = until_other(page, clothes)
    assert drawing["counting/grey"] != clothes["counting/grey"] and "test images" in page.locator(f"{SUBJECT} .result").inner_text()


def test_on_a_phone_in_the_dark(visit) -> None:
    page = lab(visit, width=390, height=844, touch=True, dark=True)
    paradox(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page itself does not scroll sideways"
    box = page.locator(f"{LAB} .histogram").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] > 120
    assert "of the Fashion-MNIST test images" in page.locator(f"{SUBJECT} .result").inner_text()
    keep(page, "likelihood-lab-phone")
