"""The GAN's own panels, used as a student uses them, with the shipped weights."""

from __future__ import annotations

from test_panels_in_use import keep, loud, picture, slide
from test_student import LONG, draw_a_one, open_tab, varied


def choose_model(page, title: str) -> None:
    """Another model in the menu above the panels."""
    page.get_by_label("Model").locator("visible=true").first.click()
    page.get_by_role("option", name=title, exact=True).click()


def changes(page, selector: str) -> None:
    """Wait until a canvas shows something else than now."""
    page.wait_for_function(
        """([selector, before]) => {
        const c = document.querySelector(selector), data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        return data.filter((_, i) => i % 4 === 0).join() !== before; }""",
        arg=[selector, ",".join(map(str, picture(page, selector)))],
        timeout=LONG,
    )


def test_the_game_is_watched_from_noise_to_pictures(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "gan", "the-game-watched")
    loud(page, ".gv-Watched .about", "Frechet distance here")
    end, figure = picture(page, ".gv-Watched .x"), float(page.locator(".gv-Watched .about b").inner_text())
    assert page.locator(".gv-Watched .losses polyline").count() == 2 and page.locator(".gv-Watched .scores rect").count() > 10
    keep(page, "game-in-use")
    slide(page, ".gv-Watched .t", 0)
    loud(page, ".gv-Watched .when", "step 0 of")
    assert picture(page, ".gv-Watched .x") != end
    assert float(page.locator(".gv-Watched .about b").inner_text()) > 10 * figure, "training did not help"
    page.locator(".gv-Watched .play").click()
    page.wait_for_function("+document.querySelector('.gv-Watched .t').value > 2", timeout=LONG)
    page.locator(".gv-Watched .play").click()


def test_the_discriminator_is_asked_about_test_images_and_drawings(visit) -> None:
    page = visit()
    open_tab(page, "gan", "discriminator")
    loud(page, ".gv-Expert .words", "of 500 test images")
    assert varied(page, ".gv-Expert .g") and page.locator(".gv-Expert .scores rect").count() > 10
    first = page.locator(".gv-Expert .words").inner_text()
    draw_a_one(page)
    loud(page, ".gv-Expert .from", "own drawing")
    page.wait_for_function("first => document.querySelector('.gv-Expert .words').innerText !== first", arg=first, timeout=LONG)
    assert not page.locator(".gv-Expert .as").is_visible()
    choose_model(page, "GAN, class-conditional")
    page.wait_for_function("document.querySelectorAll('.gv-Expert .classes rect').length === 10", timeout=LONG)
    before = page.locator(".gv-Expert .words").inner_text()
    page.locator(".gv-Expert .label").select_option("8")
    page.wait_for_function("before => document.querySelector('.gv-Expert .words').innerText !== before", arg=before, timeout=LONG)


def test_a_class_grid_needs_classes_and_then_walks(visit) -> None:
    page = visit(height=1000)
    open_tab(page, "gan", "class-grid")
    loud(page, ".gv-Walk .say", "knows no classes")
    assert page.locator(".gv-Walk:visible .play").is_disabled()
    choose_model(page, "GAN, class-conditional")
    loud(page, ".gv-Walk .place", "way point 0.00")
    assert page.locator(".gv-Walk:visible .names span").count() == 10
    keep(page, "class-grid-in-use")
    page.locator(".gv-Walk:visible .play").click()
    changes(page, ".gv-Walk .x")
    page.locator(".gv-Walk:visible .play").click()


def test_a_latent_walk_goes_on_beyond_its_first_stretch(visit) -> None:
    page = visit()
    page.clock.install()
    open_tab(page, "gan", "latent-walk")
    loud(page, ".gv-Walk .place", "way point 0.00")
    slide(page, ".gv-Walk .speed", 0.1)
    page.locator(".gv-Walk:visible .play").click()
    page.wait_for_function("+document.querySelector('.gv-Walk .place').textContent.split(' ').at(-1) > 6", timeout=LONG)
    page.locator(".gv-Walk:visible .play").click()
    stopped = page.locator(".gv-Walk:visible .place").inner_text()
    page.clock.run_for(2000)  # two seconds of the page's clock, at once
    assert page.locator(".gv-Walk:visible .place").inner_text() == stopped


def test_two_draws_are_joined_by_three_ways(visit) -> None:
    page = visit()
    open_tab(page, "gan", "interpolation")
    loud(page, ".gv-Between .words", "degrees apart")
    middle = [picture(page, f".gv-Between .big canvas[data-row='{row}']") for row in range(3)]
    assert middle[0] != middle[1] and middle[0] != middle[2]
    slide(page, ".gv-Between .t", 0)
    start = [picture(page, f".gv-Between .big canvas[data-row='{row}']") for row in range(3)]
    assert start[0] == start[2] and max(abs(a - b) for a, b in zip(start[0], start[1], strict=True)) <= 2
    page.locator(".gv-Between .other").fill("-3")
    page.locator(".gv-Between .other").blur()
    loud(page, ".gv-Between .say", "whole number")


def test_the_plane_of_two_draws_is_full_of_pictures(visit) -> None:
    page, plane = visit(height=1000), ".gv-LatentPlane"

    def decoded(of: str) -> list[int]:
        """The picture under the pointer, as soon as the plane of a model, data set and class is there and has decoded it exactly."""
        page.wait_for_function(
            "of => { const it = document.querySelector('.gv-LatentPlane').dataset; return it.of === of && it.shown?.startsWith('exact') }",
            arg=of,
            timeout=LONG,
        )
        return picture(page, f"{plane} .x")

    open_tab(page, "gan", "latent-plane")
    for name, title, menu, options in (
        ("gan", "GAN", "", 0),
        ("conditional_gan", "GAN, class-conditional", "Class", 10),
        ("self_conditioned_gan", "GAN, self-conditioned", "Kind", 512),
    ):
        choose_model(page, title)
        first = decoded(f"gan/{name} mnist 0")
        greys = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
        assert page.eval_on_selector(f"{plane} .back", greys) > 100
        assert page.locator(f"{plane} .told-of").is_visible() == bool(menu)
        if menu:
            assert menu in page.locator(f"{plane} .told-of").inner_text()
            assert page.locator(f"{plane} .told option").count() == options
            page.locator(f"{plane} .told").select_option(str(options - 1))
            assert decoded(f"gan/{name} mnist {options - 1}") != first
            keep(page, f"latent-plane-of-a-{menu.lower()}")


def test_neighbours_of_a_picture_are_found(visit) -> None:
    page = visit()
    open_tab(page, "gan", "nearest")
    page.wait_for_selector(".gv-Nearest .line canvas", timeout=3 * LONG)
    assert page.locator(".gv-Nearest .line canvas").count() == 12
    words = page.locator(".gv-Nearest .words").inner_text()
    assert "trained on" in words or "not here" in words
    distances = [float(c.inner_text()) for c in page.locator(".gv-Nearest .line").first.locator("figcaption").all()]
    assert distances == sorted(distances)
