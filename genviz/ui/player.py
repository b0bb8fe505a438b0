"""The player: a film that arrives while it is computed, and afterwards plays, steps and scrubs in the browser alone.

A panel makes its own player and starts films from its module (web/core/films.js):

    Player(lab.engine, "diffusion.microscope", rows=(Row("x0_hat", "guess of the data"), Row("score", "score", "signed")))

    film("diffusion.microscope", {model, data, walk: "branch", knobs, n: 1, seed, given: {x: encode(pixels)}})
    stop("diffusion.microscope")
    listen("diffusion.microscope", {
        frame: f => ...,      // f = {index, step, steps, nfe, ms, caption, order} whenever another frame is shown; order: the film's
        points: p => ...,     // at every moment of a film of points: {model, data, frames: [Float32Array of x1, x2, ...], at: a fraction}
        pixel: p => ...,      // the pointer is on a pixel: {i, row, column, painted, pixels, clicked}
        state: s => ...,      // "empty", "waiting", "running", "done", "cancelled", "error"
    })

`given` holds images (base64, or a list of them) and numbers; they reach the walk as tensors of the same names. A page that is reloaded or
loses its connection takes its film up again; a page that is closed cancels it. Models with order "raster" are replayed pixel by pixel
from the frames that arrived, because a painted pixel never changes. A film of points in the plane is drawn by whoever listens; between
two frames `at` is a fraction, so that points can be shown on their way.

Under "Save" every player gives away its picture, its film and the call in Python that makes it (genviz.ui.export), and the address of the
page holds its film and the step that is shown (genviz.ui.link).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from genviz.ui.widget import Widget


@dataclass(frozen=True, slots=True)
class Row:
    """A picture beside x, scrubbed together with it: the name in Frame.aux, what to call it, and how to paint it (see film.paint)."""

    name: str
    label: str
    paint: str = "grey"  # "grey", "signed", "signed:3", "heat", "heat:0.69"


class Player(Widget):
    """A film of 1 to 64 images, or of points; `name` is unique on the page, `walk` is what a film walks unless it says otherwise."""

    folder = "ui/web/player"

    def __init__(self, engine: Any, name: str, *, walk: str = "sample", rows: tuple[Row, ...] = (), label: str = "x",
                 frames: int | None = None,
                 empty: str = "Press Sample to begin.", send: bool = True, stage: bool = True, premiere: str = "",
                 **options: Any):  # fmt: skip
        """`rows` beside x, `label` the name under x where there are rows, `frames` the most that are delivered, `empty` the sentence before
        the first film, `send` whether a picture can be sent to other tools, `stage` whether there is room for pictures (a
        film of points needs none), `premiere` the family whose stored film is shown at first (genviz.premiere)."""
        super().__init__({
            "name": name, "walk": walk, "rows": [asdict(row) for row in rows], "label": label, "frames": frames, "empty": empty,
            "send": send, "stage": stage, "premiere": premiere,
        }, **options)  # fmt: skip
