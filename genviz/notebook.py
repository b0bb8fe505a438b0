"""How films and samples show themselves in a notebook: as one picture, with their story below.

Pictures are enlarged by whole numbers without smoothing, points become dots; a film is a GIF of SHOTS moments at most, resting on the last.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from genviz.plots import film as files
from genviz.plots import pictures

if TYPE_CHECKING:
    from genviz.frame import Frame

SHOTS = 60
CELLS, WIDE, MOST = 64, 700, 4  # pictures that are shown, pixels of all of them across, and the largest zoom
PLANE = 3.0  # points are drawn in [-3, 3] squared
SECONDS, REST = 3.0, 1.5  # of a film, and on its last frame


class Film(Iterator["Frame"]):
    """The frames of a walk, from the prior draw to the sample: iterate over it once, as over a generator.

    In a notebook it shows all of itself, made anew from its seed, however far somebody has iterated.
    """

    def __init__(self, begin: Callable[[], Iterator[Frame]], title: str = ""):
        self._begin, self.title = begin, title
        self._frames = begin()

    def __iter__(self) -> Film:
        return self

    def __next__(self) -> Frame:
        return next(self._frames)

    def close(self) -> None:
        """End the walk early."""
        self._frames.close()  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"<Film {self.title}>"

    def _repr_html_(self) -> str:
        pages, slot, last = [], -1, None
        for frame in self._begin():
            last, here = frame, frame.step * (SHOTS - 1) // max(frame.steps, 1)
            if here > slot:  # drawn at once, since a sampler may paint on in the tensor that it yielded
                pages.append(picture(frame.x.detach().cpu().float().numpy()))
                slot = here
        if last is None or any(page is None for page in pages):
            return f"<p>{escape(self.title)}</p>"
        seconds = [max(SECONDS / len(pages), 0.03)] * (len(pages) - 1) + [REST]
        told = f"{self.title}: {last.steps:,} steps, {last.nfe:,} network evaluations{_more(len(last.x))}"
        return figure("image/gif", files.gif(pages, seconds), told)


def picture(x: np.ndarray) -> np.ndarray | None:
    """What is shown of a tensor: images (n, 1 or 3, H, W) in [-1, 1] or points (n, 2) -> (h, w, 3) uint8; None for anything else."""
    if x.ndim == 2 and x.shape[1] == 2 and len(x):
        return files.scatter(x, PLANE, 336)
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not x.size:
        return None
    x = x[:CELLS]
    cells = np.clip(np.nan_to_num(np.moveaxis(x, 1, -1)) * 127.5 + 128, 0, 255).astype(np.uint8)
    columns = pictures.columns_of(len(cells)) if len(cells) > 10 else len(cells)
    zoom = max(1, min(MOST, WIDE // (columns * cells.shape[2])))
    return files.lay(cells[..., 0] if x.shape[1] == 1 else cells, columns, zoom)


def html(x: np.ndarray) -> str | None:
    """A tensor of samples as a figure; None, which a notebook takes as "print it", for what is no picture."""
    seen = picture(x)
    shape = f"({', '.join(map(str, x.shape))})"
    return None if seen is None else figure("image/png", pictures.png(np.ascontiguousarray(seen)), f"{shape}{_more(len(x))}")


def figure(kind: str, file: bytes, told: str) -> str:
    """A picture inside the page, with a caption."""
    source = f"data:{kind};base64,{base64.b64encode(file).decode()}"
    image = f'<img src="{source}" alt="{escape(told)}" style="image-rendering: pixelated; max-width: 100%">'
    return f'<figure style="margin: 0">{image}<figcaption>{escape(told)}</figcaption></figure>'


def _more(n: int) -> str:
    return f", the first {CELLS} of {n:,} shown" if n > CELLS else ""


def title(name: str, data: str, walk: str, n: int, seed: int, knobs: dict[str, Any]) -> str:
    """A film in words, as in "diffusion/ddpm on mnist, n 4, seed 0, steps 20"."""
    terms: Sequence[str] = [f"n {n}", f"seed {seed}", *(f"{k} {v}" for k, v in knobs.items())]
    return f"{name} on {data}{'' if walk == 'sample' else f', walk {walk}'}, {', '.join(terms)}"
