"""The tab Compare in a real browser: sort, filter, read a protocol, save a file, measure here, and drive several films at once."""

from __future__ import annotations

import csv

import pytest
from test_panels_in_use import keep
from test_student import LONG, varied

FIGURES, SIDE = ".gv-Figures", ".gv-SideBySide"


def figures(page) -> None:
    page.locator("#tab-compare-button").click()
    page.wait_for_selector(f"{FIGURES} tbody tr[data-key]", timeout=LONG)


def column(page, name: str) -> list[str]:
    """The texts of a column of the shipped rows, top to bottom."""
    place = page.locator(f"{FIGURES} thead th").evaluate_all("(all, name) => all.findIndex(th => th.dataset.key === name)", name)
    return page.locator(f"{FIGURES} tbody tr[data-key] > :nth-child({place + 1})").all_inner_texts()


def head(page, name: str):
    return page.locator(f"{FIGURES} thead th[data-key={name}]")


def number(text: str) -> float:
    return float(text.split()[0].replace(",", ""))


def test_the_floor_comes_first_and_a_click_sorts(visit) -> None:
    page = visit()
    figures(page)
    assert page.locator(f"{FIGURES} tbody tr").first.inner_text().startswith("Real images")
    ratios = [number(t) for t in column(page, "ratio")]
    assert ratios == sorted(ratios) and head(page, "ratio").get_attribute("aria-sort") == "ascending"
    head(page, "recall").locator("button").click()
    recalls = [number(t) for t in column(page, "recall")]
    assert recalls == sorted(recalls, reverse=True) and head(page, "recall").get_attribute("aria-sort") == "descending"
    assert head(page, "ratio").get_attribute("aria-sort") is None
    head(page, "nfe").locator("button").focus()
    page.keyboard.press("Enter")
    calls = [number(t) for t in column(page, "nfe")]
    assert calls == sorted(calls)
    page.keyboard.press("Enter")
    assert [number(t) for t in column(page, "nfe")] == sorted(calls, reverse=True)
    assert page.locator(f"{FIGURES} tbody tr").first.inner_text().startswith("Real images")


def test_likelihoods_of_different_units_are_never_sorted_against_each_other(visit) -> None:
    page = visit()
    figures(page)
    for direction in (1, -1):
        head(page, "likelihood").locator("button").click()
        rows = page.locator(f"{FIGURES} tbody tr.section, {FIGURES} tbody tr[data-key]").evaluate_all(
            "all => all.map(tr => tr.className === 'section' ? 'section ' + tr.innerText : tr.children[9].innerText)"
        )
        parts: list[list[str]] = []
        for text in rows:
            if text.startswith("section"):
                parts.append([])
            else:
                parts[-1].append(text)
        assert len(parts) >= 3
        for part in parts:
            assert len({" ".join(t.lstrip("≤≲ ").split()[1:2]) for t in part}) == 1, part
            values = [number(t.lstrip("≤≲ ")) for t in part if t != "none"]
            assert values == sorted(values)[::direction]
            assert all(("bound" in t) == t.startswith("≤") for t in part if t != "none"), "a bound is never shown as a likelihood"


def test_filter_family_and_data(visit) -> None:
    page = visit()
    figures(page)
    every = len(column(page, "title"))
    page.locator(f"{FIGURES} .text").fill("black and white, exact")
    assert [t.split("\n")[0] for t in column(page, "title")] == ["PixelCNN, black and white"]
    assert page.locator(f"{FIGURES} .point").count() == 1
    page.locator(f"{FIGURES} .text").fill("no such model")
    assert "No row fits" in page.locator(f"{FIGURES} .say").inner_text()
    page.locator(f"{FIGURES} .text").fill("")
    page.locator(f"{FIGURES} .family").select_option("vae")
    few = column(page, "title")
    assert 0 < len(few) < every and all("Variational" in t for t in few)
    before = column(page, "frechet")
    page.locator(f"{FIGURES} .data").select_option("fashion_mnist")
    page.wait_for_function(
        "before => { const all = [...document.querySelectorAll('.gv-Figures tbody tr[data-key] > :nth-child(3)')].map(c => c.innerText);"
        " return all.length && all.join() !== before.join() }",
        arg=before,
        timeout=LONG,
    )


def test_a_figure_tells_its_protocol_to_pointer_and_keyboard(visit) -> None:
    page = visit()
    figures(page)
    tip = page.locator(f"{FIGURES} .tip")
    page.locator(f"{FIGURES} tbody tr[data-key] td:nth-child(7)").first.hover()
    assert "10,000 generated against 10,000 test images" in tip.inner_text() and "k = 3" in tip.inner_text()
    page.mouse.move(0, 0)
    assert not tip.is_visible()
    page.locator(f"{FIGURES} .title").first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert "Frechet distance:" in tip.inner_text() and "Floor:" in tip.inner_text()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == tip.get_attribute("id")
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_the_scatter_has_a_point_for_each_row_and_follows_the_batch(visit) -> None:
    page = visit(height=900)
    figures(page)
    points = page.locator(f"{FIGURES} .point")
    assert points.count() == len(column(page, "title"))
    assert page.locator(f"{FIGURES} .point text").count() == points.count(), "every point has its label"

    def places() -> list:
        return page.locator(f"{FIGURES} .point .ring").evaluate_all("all => all.map(c => c.getAttribute('cx')).sort()")

    before = places()
    page.locator(f"{FIGURES} .batch [value='64']").click()
    assert places() != before
    points.first.focus()
    page.keyboard.press("ArrowRight")
    assert "times the floor" in page.locator(f"{FIGURES} .tip").inner_text()
    page.keyboard.press("Enter")
    assert "python -m genviz.compare --only" in page.locator(f"{FIGURES} .detail code").inner_text()
    keep(page, "compare-in-use")


COVERED = """svg => {
  const box = e => e.getBoundingClientRect(), all = s => [...svg.querySelectorAll(s)];
  const apart = (a, b) => a.right <= b.left + 2 || b.right <= a.left + 2 || a.bottom <= b.top + 4 || b.bottom <= a.top + 4;
  const line = svg.querySelector('.floor-line').getBoundingClientRect(), names = all('.point text');
  const struck = n => box(n).top + 4 < line.top && line.top < box(n).bottom - 4;
  const parts = g => [g.querySelector('.ring').previousSibling, g.querySelector('text')];
  const others = n => all('.point').filter(g => g !== n.parentNode).flatMap(parts);
  return names.filter(n => struck(n) || [...all('.small'), ...others(n)].some(e => e && !apart(box(n), box(e)))).map(n => n.textContent);
}"""


@pytest.mark.parametrize("data", ["mnist", "fashion_mnist"])
def test_on_a_phone_the_names_in_the_scatter_cover_nothing(visit, data) -> None:
    page = visit(width=390, height=800, touch=True)
    figures(page)
    page.locator(f"{FIGURES} .data").select_option(data)
    assert page.locator(f"{FIGURES} .point text").count() >= page.locator(f"{FIGURES} .point").count() - 2
    assert page.locator(f"{FIGURES} svg").first.evaluate(COVERED) == []
    keep(page, f"compare-390-{data}")


def test_the_file_holds_what_the_table_shows(visit, tmp_path) -> None:
    page = visit()
    figures(page)
    with page.expect_download() as waiting:
        page.locator(f"{FIGURES} .csv").click()
    assert waiting.value.suggested_filename == "genviz-mnist.csv"
    waiting.value.save_as(tmp_path / "figures.csv")
    with (tmp_path / "figures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [r["title"] for r in rows] == [t.split("\n")[0] for t in column(page, "title")]
    assert all(float(r["ratio"]) == pytest.approx(float(r["frechet"]) / float(r["floor"])) and r["measured"] == "shipped" for r in rows)
    assert {r["likelihood_kind"] for r in rows} >= {"exact", "IW-500", "none"}


def test_times_are_measured_here_and_another_measurement_is_cancelled(visit) -> None:
    page = visit(height=900)
    figures(page)
    page.locator(f"{FIGURES} .text").fill("2-D latent")
    page.locator(f"{FIGURES} .title").first.click()
    page.locator(f"{FIGURES} .go").click()
    page.wait_for_selector(f"{FIGURES} tr.here", timeout=5 * LONG)
    here = page.locator(f"{FIGURES} tr.here").inner_text()
    assert "times only" in here and "low priority" in page.locator(f"{FIGURES} .detail").inner_text()
    assert page.locator(f"{FIGURES} .point").count() == 2
    page.locator(f"{FIGURES} .go").click()
    page.locator(f"{FIGURES} .detail .stop").click(timeout=LONG)
    page.wait_for_function("document.querySelector('.gv-Figures .stage.wrong')?.textContent === 'Cancelled.'", timeout=LONG)
    page.reload()
    figures(page)
    assert page.locator(f"{FIGURES} tr.here").count() == 1, "what was measured outlives a reload"


def test_on_a_phone_the_table_scrolls_inside_its_box(visit) -> None:
    page = visit(width=390, height=800, touch=True)
    figures(page)
    box = page.locator(f"{FIGURES} .box")
    before = page.locator(f"{FIGURES} .title").first.bounding_box()
    box.evaluate("b => { b.scrollLeft = 400 }")
    assert box.evaluate("b => b.scrollLeft") == 400
    assert page.locator(f"{FIGURES} .title").first.bounding_box()["x"] == before["x"], "the column of models stays"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page itself does not scroll sideways"
    page.locator(f"{FIGURES} .title").first.click()
    detail = page.locator(f"{FIGURES} .detail").bounding_box()
    assert detail["x"] >= 0 and detail["x"] + detail["width"] <= 390


def side(visit, **size):
    page = visit(**size)
    page.locator("#tab-compare-button").click()
    page.locator("#tab-compare-side-by-side-button").click(timeout=LONG)
    page.wait_for_selector(f"{SIDE} .models button", timeout=LONG)
    return page


def walk(page) -> None:
    page.locator(f"{SIDE} .form .go").click()
    page.wait_for_selector(f"{SIDE}[data-state=done]", timeout=5 * LONG)


def seek(page, value: float) -> None:
    page.locator(f"{SIDE} .scrub").evaluate("(s, v) => { s.value = v; s.dispatchEvent(new Event('input')) }", value)


def steps(page) -> dict[str, tuple[int, int, int]]:
    """Step, steps and network evaluations of each pane by its title."""
    texts = page.locator(f"{SIDE} .pane").evaluate_all(
        "all => all.map(p => [p.querySelector('b').textContent, ...[...p.querySelectorAll('.read span')].map(s => s.textContent)])"
    )
    return {t[0]: (int(t[1].split()[1]), int(t[1].split()[3]), int(t[2].split()[1].replace(",", ""))) for t in texts}


def test_films_walk_in_lock_step_by_share_or_by_evaluations(visit) -> None:
    page = side(visit, height=900)
    walk(page)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "blob:")) and "heartbeat" not in r.url else None)
    page.locator(f"{SIDE} .panes").focus()
    page.keyboard.press("End")
    assert all(step == last for step, last, _ in steps(page).values())
    assert all(varied(page, f"{SIDE} .pane:nth-child({k + 1}) canvas") for k in range(len(steps(page))))
    whole = {title: nfe for title, (_, _, nfe) in steps(page).items()}
    page.keyboard.press("Home")
    assert all(step == 0 for step, _, _ in steps(page).values())
    seek(page, 0.5)
    for step, last, _ in steps(page).values():  # half of the way for everybody, as far as there are frames: 60 of a long film
        assert last // 2 - last // 59 <= step <= last // 2, (step, last)
    page.locator(f"{SIDE} .how [value=nfe]").click()
    seek(page, 5)
    for title, (step, last, nfe) in steps(page).items():
        assert nfe <= 5 and (step == last) == (whole[title] <= 5), f"{title}: five evaluations each, and only the cheap ones are done"
    assert page.locator(f"{SIDE} .pane.arrived").count() == sum(nfe <= 5 for nfe in whole.values()) > 0
    page.keyboard.press("ArrowRight")
    assert max(nfe for _, _, nfe in steps(page).values()) > 5
    before = steps(page)
    page.locator(f"{SIDE} .panes").focus()
    page.keyboard.press("Space")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.gv-SideBySide .pane')].some(p => +p.dataset.step > before)",
        arg=max(step for step, _, _ in before.values()),
        timeout=LONG,
    )
    page.keyboard.press("Space")
    total = page.locator(f"{SIDE} .sum").inner_text()
    assert all(f"{nfe} network evaluation" in total for nfe in whole.values()) and "ms" in total
    assert asked == [], "the films were asked for again"
    keep(page, "side-by-side-in-use")


def test_a_class_reaches_the_models_that_know_classes(visit) -> None:
    page = side(visit)
    page.locator(f"{SIDE} .label").select_option("3")
    page.locator(f"{SIDE} .n").fill("1")
    walk(page)
    notes = page.locator(f"{SIDE} .pane .note").all_inner_texts()
    assert "class 3" in notes and "knows no classes" in notes


def test_mistakes_are_answered_with_a_sentence(visit) -> None:
    page = side(visit)
    say = page.locator(f"{SIDE} .say")
    page.locator(f"{SIDE} .n").fill("17")
    page.locator(f"{SIDE} .form .go").click()
    assert "between 1 and 16" in say.inner_text()
    page.locator(f"{SIDE} .n").fill("1")
    page.locator(f"{SIDE} .seed").fill("-3")
    page.locator(f"{SIDE} .form .go").click()
    assert "seed" in say.inner_text()
    free = page.locator(f"{SIDE} .models button[aria-pressed=false]:enabled")
    for _ in range(free.count()):
        free.first.click()
        if "At most" in say.inner_text():
            break
    assert page.locator(f"{SIDE} .models button[aria-pressed=true]").count() == 6 and "At most 6" in say.inner_text()
    for _ in range(5):
        page.locator(f"{SIDE} .models button[aria-pressed=true]").first.click()
    assert page.locator(f"{SIDE} .form .go").is_disabled() and "at least 2" in say.inner_text()


def test_stopped_films_end(visit) -> None:
    page = side(visit)
    page.locator(f"{SIDE} .n").fill("16")
    page.locator(f"{SIDE} .form .go").click()
    page.locator(f"{SIDE} .form .stop").click()
    page.wait_for_function(
        "[...document.querySelectorAll('.gv-SideBySide .pane')].every(p => ['cancelled', 'done'].includes(p.dataset.state))", timeout=LONG
    )
    assert page.locator(f"{SIDE} .form .stop").is_disabled()
    page.locator(f"{SIDE} .n").fill("1")
    walk(page)
