"""Digits "photographed" in the ways in which people photograph paper, for tests and figures of genviz.data.photograph.

Every way makes the bytes of a picture file out of a test digit (28, 28): ink is laid on paper, light falls on both, the camera adds its
noise. Sizes, places, light and noise are drawn anew for every digit. The command photographs more of them and prints a table:

    PYTHONPATH=. python tests/photograph.py 200              # of each way; names after it choose some
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from genviz.data.drawing import prepared
from genviz.data.exhibit import exhibit

RNG = np.random.Generator


@dataclass(frozen=True)
class Shot:
    """What a photograph is made of: paper and ink in grey levels, light as a field around 1, noise in grey levels."""

    height: int = 480
    width: int = 640
    digit: float = 0.5  # height of the 28 pixels, as a share of the shorter side
    where: tuple[float, float] = (0.5, 0.5)  # centre of the digit, as a share of the free room
    paper: tuple[int, int, int] = (235, 235, 235)
    ink: tuple[int, int, int] = (40, 40, 45)
    pen: int = 0  # grey levels are spread by so many pixels of the 28 (thick) or taken away (thin)
    turn: float = 0.0  # degrees
    blur: float = 0.0
    noise: float = 0.0
    quality: int = 0  # of a JPEG; 0 saves a PNG


def lay(digit: np.ndarray, shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    """Paper with the digit on it (H, W, 3) float in [0, 255], and where the ink is (H, W) in [0, 1]."""
    side = max(12, round(shot.digit * min(shot.height, shot.width)))
    stamp = Image.fromarray(digit)
    if shot.pen:
        stamp = stamp.resize((84, 84), Image.Resampling.BICUBIC)
        stamp = stamp.filter(ImageFilter.MaxFilter(2 * shot.pen + 1) if shot.pen > 0 else ImageFilter.MinFilter(1 - 2 * shot.pen))
    stamp = stamp.resize((side, side), Image.Resampling.BICUBIC)
    if shot.turn:
        stamp = stamp.rotate(shot.turn, Image.Resampling.BICUBIC)
    alpha = np.zeros((shot.height, shot.width))
    top, left = (round(at * (room - side)) for at, room in zip(shot.where, alpha.shape, strict=True))
    alpha[top : top + side, left : left + side] = np.asarray(stamp) / 255
    return np.array(shot.paper) * (1 - alpha[..., None]) + np.array(shot.ink) * alpha[..., None], alpha


def expose(scene: np.ndarray, light: np.ndarray | float, shot: Shot, rng: RNG, **options) -> bytes:
    """A scene (H, W, 3) under a light (H, W) -> the file that a camera writes."""
    seen = scene * (light[..., None] if isinstance(light, np.ndarray) else light)
    if shot.blur:
        blurred = Image.fromarray(np.clip(seen + 0.5, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(shot.blur))
        seen = np.asarray(blurred, float)
    seen = seen + shot.noise * rng.standard_normal(seen.shape[:2])[..., None]
    file = io.BytesIO()
    picture = Image.fromarray(np.clip(seen + 0.5, 0, 255).astype(np.uint8))
    if shot.quality:
        picture.save(file, "JPEG", quality=shot.quality, **options)
    else:
        picture.save(file, "PNG", compress_level=1, **options)
    return file.getvalue()


def any_shot(rng: RNG, **fixed) -> Shot:
    """A page of any size with a digit of any size near its middle, in dark ink on white."""
    height, width = (int(v) for v in rng.integers(280, 640, 2))
    paper, ink = (int(v) for v in (rng.integers(200, 250), rng.integers(15, 80)))
    free = {"height": height, "width": width, "digit": rng.uniform(0.35, 0.8), "where": tuple(rng.uniform(0.3, 0.7, 2)),
            "paper": (paper,) * 3, "ink": (ink,) * 3, "turn": rng.uniform(-6, 6)}  # fmt: skip
    return Shot(**(free | fixed))


def axes(shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    """y (H, 1) and x (1, W) from -1 to 1."""
    return np.linspace(-1, 1, shot.height)[:, None], np.linspace(-1, 1, shot.width)[None]


def falling(shot: Shot, rng: RNG, by: float) -> np.ndarray:
    """Light that falls by a share from one side of the paper to the other."""
    y, x = axes(shot)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.cos(angle) * y + np.sin(angle) * x
    return 1 - by * (ramp - ramp.min()) / np.ptp(ramp)


def shadow(shot: Shot, rng: RNG, soft: float) -> np.ndarray:
    """The shadow of a straight edge, `soft` being its half width as a share of the paper."""
    y, x = axes(shot)
    angle = rng.uniform(0, 2 * np.pi)
    distance = np.cos(angle) * y + np.sin(angle) * x - rng.uniform(-0.6, 0.6)
    return 1 - rng.uniform(0.25, 0.45) / (1 + np.exp(-np.clip(distance / soft, -50, 50)))


def waves(shot: Shot, rng: RNG, by: float) -> np.ndarray:
    """Light on paper that was crumpled: smooth noise."""
    coarse = Image.fromarray(rng.standard_normal((4, 5)).astype(np.float32)).resize((shot.width, shot.height), Image.Resampling.BICUBIC)
    field = np.asarray(coarse, float)
    return 1 - by * (field - field.min()) / np.ptp(field)


def ruled(scene: np.ndarray, shot: Shot, rng: RNG, squared: bool) -> np.ndarray:
    """Lines printed on the paper below the ink, up to three degrees off the level."""
    y, x = np.mgrid[: shot.height, : shot.width]
    angle = np.radians(rng.uniform(-3, 3))
    gap, width = max(12, shot.height / rng.uniform(8, 20)), max(1.2, shot.height / 300)
    colour = np.array([(150, 175, 215), (180, 180, 185), (205, 170, 175)][rng.integers(3)])
    lines = ((y * np.cos(angle) + x * np.sin(angle)) % gap) < width
    if squared:
        lines |= ((x * np.cos(angle) - y * np.sin(angle)) % gap) < width
    return np.where(lines[..., None], np.minimum(scene, colour), scene)


def on_a_table(scene: np.ndarray, shot: Shot, rng: RNG) -> np.ndarray:
    """The paper lies a few degrees askew on a darker table that shows at two or more edges."""
    table = rng.integers(20, 120, 3)
    mask = Image.new("L", (shot.width, shot.height), 0)
    edges = rng.uniform(0.02, 0.1, 4) * (rng.uniform(size=4) < 0.7)
    edges[rng.integers(4)] = 0.06
    box = [int(v) for v in (edges[0] * shot.width, edges[1] * shot.height, shot.width * (1 - edges[2]), shot.height * (1 - edges[3]))]
    mask.paste(255, (box[0], box[1], box[2], box[3]))
    turn = rng.uniform(-4, 4)
    cover = np.asarray(mask.rotate(turn, Image.Resampling.BICUBIC), float)[..., None] / 255
    return scene * cover + table * (1 - cover)


def light_falls_by_25(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.25), shot, rng)


def light_falls_by_half(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=2, quality=85)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.5), shot, rng)


def vignette(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=1.5)
    y, x = axes(shot)
    return expose(lay(digit, shot)[0], 1 - rng.uniform(0.2, 0.5) * (y**2 + x**2) / 2, shot, rng)


def hard_shadow(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng)
    return expose(lay(digit, shot)[0], shadow(shot, rng, 0.002), shot, rng)


def soft_shadow(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=2)
    return expose(lay(digit, shot)[0], shadow(shot, rng, rng.uniform(0.02, 0.15)), shot, rng)


def sensor_noise_4(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=4)
    return expose(lay(digit, shot)[0], 1.0, shot, rng)


def sensor_noise_12(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=12)
    return expose(lay(digit, shot)[0], 1.0, shot, rng)


def jpeg_30(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, quality=30, noise=2)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.15), shot, rng)


def pencil(digit: np.ndarray, rng: RNG) -> bytes:
    paper = int(rng.integers(200, 245))
    shot = any_shot(rng, paper=(paper,) * 3, ink=(round(paper * rng.uniform(0.6, 0.75)),) * 3, noise=3, quality=80)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.15), shot, rng)


def blue_pen_on_yellow(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, paper=(240, 225, 160), ink=(60, 80, 190), noise=3, quality=75)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.2), shot, rng)


def red_pen_on_grey(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, paper=(150, 148, 142), ink=(140, 35, 40), noise=3, quality=75)
    return expose(lay(digit, shot)[0], waves(shot, rng, 0.15), shot, rng)


def lined_paper(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=2, quality=80)
    scene, _ = lay(digit, shot)
    return expose(ruled(scene, shot, rng, squared=False), falling(shot, rng, 0.15), shot, rng)


def squared_paper(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=2, quality=80)
    scene, _ = lay(digit, shot)
    return expose(ruled(scene, shot, rng, squared=True), falling(shot, rng, 0.15), shot, rng)


def table_edge(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, digit=rng.uniform(0.3, 0.55), where=tuple(rng.uniform(0.4, 0.6, 2)), noise=3, quality=80)
    scene, _ = lay(digit, shot)
    return expose(on_a_table(scene, shot, rng), falling(shot, rng, 0.2), shot, rng)


def out_of_focus(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=2)
    shot = replace(shot, blur=shot.digit * min(shot.height, shot.width) * rng.uniform(0.01, 0.03))
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.2), shot, rng)


def turned_by_exif(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=2, quality=85)
    scene, _ = lay(digit, shot)
    orientation = int(rng.integers(2, 9))
    stored = {2: scene[:, ::-1], 3: scene[::-1, ::-1], 4: scene[::-1], 5: scene.swapaxes(0, 1), 6: np.rot90(scene),
              7: scene[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(scene, -1)}[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    return expose(stored, 1.0, shot, rng, exif=exif)


def small_on_a_large_page(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, height=1200, width=900, digit=rng.uniform(0.08, 0.15), where=tuple(rng.uniform(0.1, 0.9, 2)), noise=3, quality=85)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.25), shot, rng)


def in_a_corner(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, digit=rng.uniform(0.25, 0.4), where=tuple(rng.choice([0.02, 0.98], 2)), noise=2)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.25), shot, rng)


def thick_pen(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, pen=2, noise=2)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.25), shot, rng)


def thin_pen(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, pen=-1, noise=2, quality=85)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.25), shot, rng)


def chalk(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, paper=(38, 62, 50), ink=(215, 215, 205), noise=4, quality=80)
    scene, alpha = lay(digit, shot)
    dust = 1 - 0.35 * rng.uniform(size=alpha.shape)[..., None] * (alpha[..., None] > 0.1)
    return expose(scene * dust + 6 * rng.uniform(size=alpha.shape)[..., None], falling(shot, rng, 0.35), shot, rng)


def whiteboard(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, paper=(205, 210, 212), ink=[(30, 60, 150), (30, 120, 60), (170, 40, 50), (40, 40, 40)][rng.integers(4)], noise=2.5)
    y, x = axes(shot)
    glare = 0.25 * np.exp(-((y - rng.uniform(-1, 1)) ** 2 + (x - rng.uniform(-1, 1)) ** 2) / 0.3)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.25) + glare, shot, rng)


def crumpled(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=3, quality=75)
    return expose(lay(digit, shot)[0], waves(shot, rng, 0.3), shot, rng)


def in_the_evening(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=7, blur=1.2, quality=60)
    return expose(lay(digit, shot)[0], 0.45 * falling(shot, rng, 0.3) * shadow(shot, rng, 0.08), shot, rng)


def kraft_paper(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, paper=(165, 130, 95), ink=(35, 30, 30), noise=3)
    scene, _ = lay(digit, shot)
    grain = rng.standard_normal(scene.shape[:2])
    return expose(scene + 8 * grain[..., None], falling(shot, rng, 0.2), shot, rng)


def full_frame(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, height=280, width=280, digit=1.0, noise=4)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.25), shot, rng)


def cropped_tightly(digit: np.ndarray, rng: RNG) -> bytes:
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    ink = Image.fromarray(digit[rows[0] - 1 : rows[-1] + 2, columns[0] - 1 : columns[-1] + 2])
    alpha = np.asarray(ink.resize((ink.width * 10, ink.height * 10), Image.Resampling.BICUBIC), float)[..., None] / 255
    shot = Shot(*alpha.shape[:2], noise=3)
    return expose(np.array(shot.paper) * (1 - alpha) + np.array(shot.ink) * alpha, falling(shot, rng, 0.2), shot, rng)


def tiny(digit: np.ndarray, rng: RNG) -> bytes:
    shot = Shot(56, 56, 1.0, noise=5)
    return expose(lay(digit, shot)[0], falling(shot, rng, 0.25), shot, rng)


def moved_while_taken(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=2)
    scene = lay(digit, shot)[0]
    by = max(2, round(0.04 * shot.digit * min(shot.height, shot.width)))
    sums = np.cumsum(np.pad(scene, ((0, 0), (by, 0), (0, 0)), "edge"), 1)
    return expose((sums[:, by:] - sums[:, :-by]) / by, falling(shot, rng, 0.2), shot, rng)


def flash(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, noise=3)
    y, x = axes(shot)
    spot = 0.6 * np.exp(-((y - rng.uniform(-0.5, 0.5)) ** 2 + (x - rng.uniform(-0.5, 0.5)) ** 2) / 0.15)
    return expose(lay(digit, shot)[0], 0.6 + spot, shot, rng)


def sheet_in_the_middle_of_a_table(digit: np.ndarray, rng: RNG) -> bytes:
    shot = any_shot(rng, digit=0.3, where=(0.5, 0.5), noise=3)
    scene, _ = lay(digit, shot)
    mask = Image.new("L", (shot.width, shot.height))
    mask.paste(255, (shot.width // 6, shot.height // 6, shot.width * 5 // 6, shot.height * 5 // 6))
    cover = np.asarray(mask.rotate(rng.uniform(-8, 8)))[..., None] / 255
    return expose(scene * cover + 40 * (1 - cover), falling(shot, rng, 0.2), shot, rng)


WAYS: tuple[Callable[[np.ndarray, RNG], bytes], ...] = (
    light_falls_by_25, light_falls_by_half, vignette, hard_shadow, soft_shadow, sensor_noise_4, sensor_noise_12, jpeg_30, pencil,
    blue_pen_on_yellow, red_pen_on_grey, lined_paper, squared_paper, table_edge, out_of_focus, turned_by_exif, small_on_a_large_page,
    in_a_corner, thick_pen, thin_pen, chalk, whiteboard, crumpled, in_the_evening, kraft_paper,
    full_frame, cropped_tightly, tiny, moved_while_taken, flash, sheet_in_the_middle_of_a_table,
)  # fmt: skip


def photographs(way: Callable, count: int, first: int = 0) -> tuple[list[bytes], np.ndarray]:
    """`count` files of test digits photographed in a way, and their classes (count,)."""
    images, labels = exhibit("mnist")
    rng = np.random.default_rng(WAYS.index(way) + 1000 * first)
    return [way(image, rng) for image in images[first : first + count]], labels[first : first + count]


def called_right(files: list[bytes], labels: np.ndarray) -> np.ndarray:
    """Which of the files the project's own classifier calls by their class after reading and fitting, (count,) bool."""
    import torch

    from genviz.metrics import classifier

    x = np.zeros((len(files), 1, 28, 28), np.uint8)
    for i, file in enumerate(files):
        try:
            x[i, 0] = prepared(file, "mnist")
        except ValueError:
            labels = np.where(np.arange(len(files)) == i, -1, labels)  # refused: not called right
    with torch.no_grad():
        return classifier.load("mnist")(torch.from_numpy(x).float() / 127.5 - 1).argmax(1).numpy() == labels


def main() -> None:
    count, every = int(sys.argv[1]) if len(sys.argv) > 1 else 200, []
    for way in [way for way in WAYS if way.__name__ in (sys.argv[2:] or [way.__name__])]:
        files, labels = photographs(way, count)
        begun = time.process_time()
        right = called_right(files, labels)
        every.append(right.mean())
        spent = 1000 * (time.process_time() - begun) / count
        print(f"{way.__name__:24s} {100 * every[-1]:6.1f} %   {spent:5.0f} ms of CPU each, wrong {np.flatnonzero(~right)[:12].tolist()}")
    print(f"{'all':24s} {100 * np.mean(every):6.1f} %   of {count} each")


if __name__ == "__main__":
    main()
