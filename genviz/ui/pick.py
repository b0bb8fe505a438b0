"""One widget that yields 28 x 28 images: a strip of test images, a sketchpad (mouse or finger) and the upload of a picture file.

Whatever is chosen is prepared as the data set was (genviz.data.drawing) and shown as the model sees it. A panel makes one and subscribes:

    pick = lab.follow(Pick(tool=lab.tool("reconstruct", "Reconstruct")))    # tool: also takes images sent from the player
    panel = lab.follow(Reconstruct(lab.engine, {"pick": pick.to()}))        # pick.to() -> a new channel, one for each subscriber

    // in the panel's script: called at once with the image chosen so far, then with every new one (while drawing: live)
    genviz.receive(props.value.pick, image => { ... })
    // image = {pixels: Uint8Array of 784 grey bytes, base64: the same as text for pictures.from_base64 in Python,
    //          label: class or -1, index: place in the exhibit or -1, from: "test image 17: Sneaker", slot: 0, images: one per slot,
    //          by_hand: false for those that nobody chose}

    async def reconstruct(self, image, model, data):                        # a server function of the panel, asked with image.base64
        x = pictures.from_base64(image)                                     # float32 (1, 1, 28, 28) in [-1, 1]

In Python alone: `pick.pick(f, pick, output)` runs f(value) on every choice; `chosen(value, slot)` is the image, float32 (1, 1, 28, 28).
Several images: `Pick(slots=("a", "b", "c"))` shows one small picture per slot; a click makes a slot the one that the next choice fills,
`image.slot` says which was filled, `image.images` holds all (null while empty); all are filled with test images when the page opens.
`Pick(sketch=False)` has no sketchpad.
Empty drawings and files that are no pictures are answered with one sentence in the widget.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from genviz.data import DATA, drawing, of, picture
from genviz.data.exhibit import exhibit
from genviz.plots import pictures
from genviz.ui.field import Data, Switch, Text, Whole
from genviz.ui.widget import Widget

ASSETS = Path(__file__).parent / "assets"
STRIP = 12  # test images in a row
Class, Page = Annotated[int, Whole(-1, 9)], Annotated[int, Whole(0, 2**31)]
Ink = Annotated[str, Text(12 * 2**20)]  # a file that is too large is refused in words of its own
On = Annotated[bool, Switch()]  # for the script alone, to which its question comes back with the answer
_numbers = itertools.count(1)


class Pick(Widget):
    """Chooser of one or several 28 x 28 images; see the module's docstring."""

    events_sent = ("pick",)

    template = """
        <div class="chooser">
          <div class="ways" role="group" aria-label="Where the image comes from">
            <button type="button" data-way="test">Test image</button><button type="button" data-way="draw">Draw</button>
            <button type="button" data-way="file">File</button>
          </div>
          <div class="way test">
            <div class="chips" role="group" aria-label="Class"></div>
            <div class="strip"></div>
            <div class="more"><button type="button" class="next">Next</button><button type="button" class="random">Random</button></div>
          </div>
          <div class="way draw">
            <canvas class="pad" width="280" height="280" tabindex="0" aria-label="Sketchpad: draw with mouse or finger"></canvas>
            <div class="tools">
              <label>Pen <input type="range" class="pen" min="6" max="60" value="22" aria-label="Pen size"></label>
              <button type="button" class="eraser" aria-pressed="false">Eraser</button>
              <button type="button" class="undo" title="Take the last stroke back (Ctrl+Z)" disabled>Undo</button>
              <button type="button" class="redo" title="Draw it again (Ctrl+Shift+Z)" disabled>Redo</button>
              <button type="button" class="clear">Clear</button>
              <button type="button" class="use">Use drawing</button>
            </div>
          </div>
          <div class="way file">
            <label class="drop">Drop a picture here or choose a file
              <input type="file" accept="image/*" aria-label="Picture file"></label>
          </div>
          <p class="say" role="status"></p>
        </div>
        <div class="slots" data-field="image" aria-label="As the model sees it"></div>"""

    css = """
        & { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; color: var(--body-text-color); }
        .chooser { flex: 1 1 300px; min-width: 0; max-width: 560px; }
        button, .drop { font: inherit; font-size: .95em; color: var(--body-text-color); background: var(--button-secondary-background-fill);
          border: 1px solid var(--border-color-primary); border-radius: 6px; padding: .3em .8em; cursor: pointer; min-height: 2.2em; }
        button[aria-pressed="true"] { background: var(--color-accent); border-color: var(--color-accent); color: #fff; }
        button:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 2px; }
        .ways, .chips, .more, .tools { display: flex; flex-wrap: wrap; gap: .35rem; margin-bottom: .6rem; align-items: center; }
        .chips button { padding: .1em .6em; min-height: 1.9em; font-size: .85em; }
        .way { display: none; }
        &[data-way="test"] .test, &[data-way="draw"] .draw, &[data-way="file"] .file { display: block; }
        .strip { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 4px; margin-bottom: .5rem; max-width: 420px; }
        .strip canvas { width: 100%; aspect-ratio: 1; cursor: pointer; border-radius: 3px; outline: 2px solid transparent;
          background: #000; }
        .tools button:disabled { opacity: .45; cursor: default; }
        .pad:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 2px; }
        .strip canvas:hover, .strip canvas:focus-visible, .strip canvas.on { outline-color: var(--color-accent); }
        .pad { width: min(280px, 100%); aspect-ratio: 1; background: #000; border-radius: 6px; cursor: crosshair;
          display: block; margin-bottom: .5rem; border: 1px solid var(--border-color-primary); }
        .pen { width: 6.5rem; vertical-align: middle; accent-color: var(--color-accent); }
        .drop { display: block; padding: 2rem 1rem; text-align: center; border-style: dashed; }
        .drop input { display: block; margin: .8rem auto 0; max-width: 100%; font-size: .9em; }
        .say { min-height: 1.4em; margin: .3rem 0 0; font-size: .95em; color: var(--body-text-color-subdued); }
        .say.wrong { color: var(--error-text-color, #b91c1c); font-weight: 600; }
        .slots { display: flex; flex-wrap: wrap; gap: .6rem; }
        .slot { margin: 0; width: 132px; padding: 6px; border: 2px solid transparent; border-radius: 8px; background: none;
          text-align: center; }
        .slot canvas { width: 100%; aspect-ratio: 1; background: #000; border-radius: 3px; display: block; }
        .slot span { display: block; font-size: .82em; line-height: 1.3; margin-top: .35rem; color: var(--body-text-color-subdued); }
        .slot b { color: var(--body-text-color); }
        &.many .slot { width: 104px; cursor: pointer; } &.many .slot.on { border-color: var(--color-accent); }
        body.projector & .slot { width: 180px; } body.projector &.many .slot { width: 140px; }"""

    js = (ASSETS / "pick.js").read_text(encoding="utf-8")

    def __init__(self, *, slots: Sequence[str] = ("",), tool: str = "", sketch: bool = True, **options: Any):
        """`slots` names the images, `tool` (of lab.tool) lets the player send one, `options` are gr.HTML's."""
        value = {
            "data": of("image")[0], "strip": STRIP, "slots": list(slots), "tool": tool, "sketch": sketch,
            "images": [None] * len(slots), "channels": [], "classes": {name: list(DATA[name].classes) for name in of("image")},
        }  # fmt: skip
        super().__init__(value, server=[self.strip, self.drawing], **options)

    def to(self) -> str:
        """A new channel for `genviz.receive` in the script of one subscriber; call it while the page is being built."""
        channel = f"pick.{next(_numbers)}"
        self.value = {**self.value, "channels": [*self.value["channels"], channel]}
        return channel

    def strip(self, label: Class, page: Page, data: Data, fill: On = False, again: On = False) -> dict:
        """One row of test images of a class (-1: of all), as a sprite with their places in the exhibit and their classes."""
        images, labels = exhibit(data)
        places = np.flatnonzero(labels == label) if label >= 0 else np.arange(len(labels))
        pages = -(-len(places) // STRIP)
        page %= pages
        index = places[page * STRIP : (page + 1) * STRIP]
        sprite = pictures.data_url(pictures.png(np.hstack(list(images[index]))))
        return {"sprite": sprite, "index": index.tolist(), "label": labels[index].tolist(), "page": page, "pages": pages}

    def drawing(self, ink: Ink, data: Data) -> dict:
        """A picture file as a data URL, prepared as the data set was; ValueError for an empty drawing and for what is no picture."""
        return {"image": base64.b64encode(drawing.prepared(picture.from_text(ink), data).tobytes()).decode()}


def chosen(value: dict | None, slot: int = 0) -> np.ndarray:
    """The image in a slot of a Pick's value -> float32 (1, 1, 28, 28) in [-1, 1]; ValueError where none was chosen yet."""
    images = (value or {}).get("images") or []
    if slot >= len(images) or not images[slot]:
        raise ValueError("Choose an image or draw one first.")
    return pictures.from_base64(images[slot]["pixels"])
