"""Draws the icon of the page and the picture of a link to it from what the models draw: python docs/pictures.py"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import genviz
from genviz import file
from genviz.ui.about import ICON, LINK

TEAL, PAPER, INK, GREY = (15, 118, 110), (255, 255, 255), (30, 41, 59), (100, 116, 139)
WIDE, HIGH, COLUMNS, CELL = 1200, 630, 10, 112
WALKS = [
    ("diffusion/ddpm", "fashion_mnist", 3, {"steps": 20, "sampler": "ddim"}),
    ("autoregressive/pixel_cnn", "mnist", 4, {}),
    ("ebm/ebm", "mnist", 5, {}),
]


def moments(name: str, data: str, seed: int, knobs: dict) -> list[np.ndarray]:
    """COLUMNS moments (28, 28) uint8 of one walk, from noise to data."""
    film = genviz.film(name, data, n=1, seed=seed, device="cpu", **knobs)
    kept = [(frame.step / frame.steps, frame.x[0, 0].clone().clamp(-1, 1).numpy()) for frame in film]
    shares = np.array([share for share, _ in kept])
    return [np.rint((kept[np.abs(shares - want).argmin()][1] + 1) * 127.5).astype(np.uint8) for want in np.linspace(0, 1, COLUMNS)]


def enlarged(pixels: np.ndarray, side: int) -> Image.Image:
    return Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)


def save(image: Image.Image, path: object) -> None:
    packed = io.BytesIO()
    image.save(packed, "PNG", optimize=True)
    file.write(path, packed.getvalue())  # type: ignore[arg-type]
    print(path, f"{len(packed.getvalue()):,} bytes")


def main() -> None:
    rows = [moments(*walk) for walk in WALKS]
    link = Image.new("RGB", (WIDE, HIGH), PAPER)
    pen = ImageDraw.Draw(link)
    pen.text((40, 36), "GenViz", INK, ImageFont.load_default(84))
    pen.text((44, 146), "Deep generative models, live: from noise to data", GREY, ImageFont.load_default(38))
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            link.paste(enlarged(cell, CELL), (40 + x * CELL, 232 + y * (CELL + 12)))
    pen.rectangle((0, HIGH - 14, WIDE, HIGH), TEAL)
    save(link.quantize(64), LINK)

    digit = genviz.sample("gan/conditional_gan", "mnist", n=10, seed=2, device="cpu").numpy()[5, 0]
    noise = np.random.default_rng(0).uniform(-1, 1, (28, 28))
    share = np.linspace(1.4, -0.4, 28).clip(0, 1)[None]  # from noise on the left to data on the right
    light = ((1 - share) * digit + share * noise + 1) / 2
    cells = np.rint(np.array(TEAL) + light[..., None] * (255 - np.array(TEAL))).astype(np.uint8)
    icon = Image.fromarray(cells).resize((112, 112), Image.Resampling.NEAREST)
    corners = Image.new("L", icon.size, 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, 111, 111), 22, 255)
    icon.putalpha(corners)
    save(icon, ICON)


if __name__ == "__main__":
    main()
