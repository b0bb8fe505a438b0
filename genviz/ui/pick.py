"""One widget that yields 28 x 28 images: a strip of test images, a sketchpad (mouse or finger) and the upload of a picture file.

Whatever is chosen is prepared as the data set was (genviz.data.drawing) and shown as the model sees it. A panel makes one and subscribes:

    pick = lab.follow(Pick(tool=lab.tool("reconstruct", "Reconstruct")))    # tool: also takes images sent from the player
    panel = lab.follow(Reconstruct(lab.engine, {"pick": pick.to()}))        # pick.to() -> a new channel, one for each subscriber

    // in the panel's module (core/mail.js): called at once with the image chosen so far, then with every new one (while drawing: live)
    receive(props.value.pick, image => { ... })
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
from typing import Annotated, Any

import numpy as np

from genviz.data import drawing, of, picture
from genviz.data.exhibit import exhibit
from genviz.plots import pictures
from genviz.ui.field import Data, Switch, Text, Whole
from genviz.ui.widget import Widget

STRIP = 12  # test images in a row
Class, Page = Annotated[int, Whole(-1, 9)], Annotated[int, Whole(0, 2**31)]
Ink = Annotated[str, Text(12 * 2**20)]  # a file that is too large is refused in words of its own
On = Annotated[bool, Switch()]  # for the script alone, to which its question comes back with the answer
_numbers = itertools.count(1)


class Pick(Widget):
    """Chooser of one or several 28 x 28 images; see the module's docstring."""

    events_sent = ("pick",)

    folder = "ui/web/pick"

    def __init__(self, *, slots: Sequence[str] = ("",), tool: str = "", sketch: bool = True, **options: Any):
        """`slots` names the images, `tool` (of lab.tool) lets the player send one, `options` are gr.HTML's."""
        value = {
            "data": of("image")[0], "strip": STRIP, "slots": list(slots), "tool": tool, "sketch": sketch,
            "images": [None] * len(slots), "channels": [],
        }  # fmt: skip
        super().__init__(value, server=[self.strip, self.drawing], **options)

    def to(self) -> str:
        """A new channel for `receive` (core/mail.js) in the module of one subscriber; call it while the page is being built."""
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
