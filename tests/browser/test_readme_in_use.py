"""The animation of the README, made of the app of today: after a run it lies in screenshots/, and goes into docs/ with

python -m pytest tests/browser/test_readme_in_use.py && cp screenshots/genviz.webp screenshots/genviz.json docs/
"""

from __future__ import annotations

import io
import json

from pages import LONG, SCREENS
from PIL import Image
from shown import shown
from test_student import open_tab, player, sample

SIZE = (880, 560)  # of the animation; the page is a quarter wider and higher
MOST = 1_500_000  # bytes


def test_the_animation_of_the_readme(visit) -> None:
    page = visit(width=SIZE[0] * 5 // 4, height=SIZE[1] * 5 // 4)
    frames: list[tuple[Image.Image, int]] = []

    def keep(ms: int) -> None:
        seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        frames.append((seen.resize(SIZE, Image.Resampling.LANCZOS), ms))

    def film(family: str, shares: tuple[float, ...]) -> None:
        """Moments of a family's film, and a rest on the last."""
        open_tab(page, family)
        sample(page)
        player(page).locator(".stage").focus()
        page.keyboard.press("End")
        page.evaluate("scrollTo(0, 0)")
        for share in shares:
            player(page).locator(".scrub").evaluate("(s, share) => { s.value = share * s.max; s.dispatchEvent(new Event('input')) }", share)
            keep(1200 if share == 1 else 350)

    page.wait_for_function("[...document.querySelectorAll('.gv-Start .family')].every(f => f.querySelector('canvas'))", timeout=LONG)
    keep(2000)
    film("diffusion", (0, 0.25, 0.5, 0.65, 0.8, 0.9, 1))
    film("autoregressive", (0.05, 0.2, 0.4, 0.6, 0.8, 1))

    page.locator("#tab-vae-button").click()
    page.locator("#tab-vae-latent-plane-button").click()
    page.wait_for_function("document.querySelector('.gv-LatentPlane')?.dataset.shown?.startsWith('exact')", timeout=LONG)
    page.evaluate("scrollTo(0, 0)")
    box = page.locator(".gv-LatentPlane:visible .back").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    for k in range(10):
        page.mouse.move(box["x"] + (0.25 + 0.05 * k) * box["width"], box["y"] + (0.25 + 0.045 * k) * box["height"])
        page.wait_for_function("document.querySelector('.gv-LatentPlane')?.dataset.shown?.startsWith('exact')", timeout=LONG)
        keep(250)
    page.mouse.up()

    page.locator("#tab-compare-button").click()
    page.wait_for_selector(".gv-Figures tbody tr[data-key]", timeout=LONG)
    page.evaluate("scrollTo(0, 0)")
    keep(2000)

    SCREENS.mkdir(exist_ok=True)
    (first, _), *more = frames
    path = SCREENS / "genviz.webp"
    first.save(path, save_all=True, append_images=[f for f, _ in more], duration=[ms for _, ms in frames], loop=0, quality=60, method=4)
    (SCREENS / "genviz.json").write_text(json.dumps({"shown": shown()}, indent=1) + "\n", encoding="utf-8")
    kept = Image.open(path)
    assert kept.n_frames == len(frames) and kept.size == SIZE and path.stat().st_size < MOST
    assert len({f.resize((40, 25)).tobytes() for f, _ in frames}) == len(frames), "every frame shows something else"
