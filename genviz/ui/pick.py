'''One widget that yields 28 x 28 images: a strip of test images, a sketchpad (mouse or finger) and the upload of a picture file.

Whatever is chosen is prepared as the data set was (genviz.data.drawing) and shown as the model sees it. A panel makes one and subscribes:

    pick = lab.follow(Pick(tool=lab.tool("reconstruct", "Reconstruct")))    # tool: also takes images sent from the player
    panel = lab.follow(Reconstruct(lab.engine, {"pick": pick.to()}))        # pick.to() -> a new channel, one for each subscriber

    // in the panel's script: called at once with the image chosen so far, then with every new one (while drawing: live)
    genviz.receive(props.value.pick, image => { ... })
    // image = {pixels: Uint8Array of 784 grey bytes, base64: the same as text for pictures.from_base64 in Python,
    //          label: class or -1, index: place in the exhibit or -1, from: "test image 17, Sneaker", slot: 0}

    async def reconstruct(self, image, model, data):                        # a server function of the panel, asked with image.base64
        x = pictures.from_base64(image)                                     # float32 (1, 1, 28, 28) in [-1, 1]

In Python alone: `pick.pick(f, pick, output)` runs f(value) on every choice and `chosen(value, slot)` is the image as float32 (1, 1, 28, 28).
Several images: `Pick(slots=("a", "b", "c"))` shows one small picture per slot; a click makes a slot the one that the next choice fills,
`image.slot` says which was filled, and all slots are filled with test images when the page opens. `Pick(sketch=False)` has no sketchpad.
Empty drawings and files that are no pictures are answered with one sentence in the widget.
'''

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from genviz.data import DATASETS, drawing
from genviz.data.exhibit import exhibit
from genviz.plots import pictures
from genviz.ui.widget import Widget

STRIP = 12  # test images in a row
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
            <canvas class="pad" width="280" height="280" aria-label="Sketchpad: draw with mouse or finger"></canvas>
            <div class="tools">
              <label>Pen <input type="range" class="pen" min="6" max="60" value="22" aria-label="Pen size"></label>
              <button type="button" class="eraser" aria-pressed="false">Eraser</button>
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
        <div class="slots" aria-label="As the model sees it"></div>"""

    css = """
        & { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; color: var(--body-text-color); }
        .chooser { flex: 1 1 300px; min-width: 0; max-width: 560px; }
        button, .drop { font: inherit; font-size: .95em; color: var(--body-text-color); background: var(--button-secondary-background-fill);
          border: 1px solid var(--border-color-primary); border-radius: 6px; padding: .3em .8em; cursor: pointer; min-height: 2.2em; }
        button[aria-pressed="true"] { background: var(--color-accent); border-color: var(--color-accent); color: #fff; }
        button:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 2px; }
        .ways, .chips, .more, .tools { display: flex; flex-wrap: wrap; gap: .35rem; margin-bottom: .6rem; align-items: center; }
        .chips button { padding: .1em .6em; min-height: 1.9em; font-size: .85em; }
        .way { display: none; } &[data-way="test"] .test, &[data-way="draw"] .draw, &[data-way="file"] .file { display: block; }
        .strip { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 4px; margin-bottom: .5rem; max-width: 420px; }
        .strip canvas { width: 100%; aspect-ratio: 1; cursor: pointer; border-radius: 3px; outline: 2px solid transparent; background: #000; }
        .strip canvas:hover, .strip canvas:focus-visible, .strip canvas.on { outline-color: var(--color-accent); }
        .pad { width: min(280px, 100%); aspect-ratio: 1; background: #000; border-radius: 6px; touch-action: none; cursor: crosshair;
          display: block; margin-bottom: .5rem; border: 1px solid var(--border-color-primary); }
        .pen { width: 6.5rem; vertical-align: middle; accent-color: var(--color-accent); }
        .drop { display: block; padding: 2rem 1rem; text-align: center; border-style: dashed; }
        .drop input { display: block; margin: .8rem auto 0; max-width: 100%; font-size: .9em; }
        .say { min-height: 1.4em; margin: .3rem 0 0; font-size: .95em; color: var(--body-text-color-subdued); }
        .say.wrong { color: var(--error-text-color, #b91c1c); font-weight: 600; }
        .slots { display: flex; flex-wrap: wrap; gap: .6rem; }
        .slot { margin: 0; width: 132px; padding: 6px; border: 2px solid transparent; border-radius: 8px; background: none; text-align: center; }
        .slot canvas { width: 100%; aspect-ratio: 1; background: #000; border-radius: 3px; display: block; }
        .slot span { display: block; font-size: .82em; line-height: 1.3; margin-top: .35rem; color: var(--body-text-color-subdued); }
        .slot b { color: var(--body-text-color); }
        &.many .slot { width: 104px; cursor: pointer; } &.many .slot.on { border-color: var(--color-accent); }
        body.projector & .slot { width: 180px; } body.projector &.many .slot { width: 140px; }"""

    js = """
        const find = s => element.querySelector(s), v = () => props.value, slots = v().slots, images = slots.map(() => null);
        let data = v().data, active = 0, label = -1, page = 0, pages = 1, inked = false;
        const say = (text, wrong = false) => { find(".say").textContent = text; find(".say").classList.toggle("wrong", wrong); };
        const fail = error => say(error.message, true);
        const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));

        // ---- the slots: what the model sees -------------------------------------------------------------------------------
        if (slots.length > 1) element.classList.add("many");
        const boxes = slots.map((name, i) => {
          const box = document.createElement(slots.length > 1 ? "button" : "div");
          box.className = "slot"; if (slots.length > 1) box.type = "button";
          box.innerHTML = '<canvas width="28" height="28"></canvas><span></span>';
          box.addEventListener("click", () => activate(i));
          find(".slots").append(box);
          return box;
        });
        const activate = i => { active = i; boxes.forEach((box, k) => box.classList.toggle("on", k === i)); };
        activate(0);
        const choose = (image, slot = active) => {
          image = {label: -1, index: -1, ...image, slot};
          image.pixels = Uint8Array.from(image.pixels); image.base64 = genviz.bytes64(image.pixels);
          images[slot] = image;
          genviz.paint(boxes[slot].querySelector("canvas"), image.pixels);
          const span = boxes[slot].querySelector("span");
          span.textContent = ` ${image.from}`;
          if (slots[slot]) span.prepend(Object.assign(document.createElement("b"), {textContent: slots[slot]}));
          for (const channel of v().channels) genviz.send(channel, image);
          const plain = images.map(x => x && {pixels: x.base64, label: x.label, index: x.index, from: x.from});
          props.value = {...v(), images: plain};
          trigger("pick", {slot, pixels: image.base64, label: image.label, index: image.index, from: image.from});
        };

        // ---- test images ----------------------------------------------------------------------------------------------------
        const classes = () => v().classes[data] || [];
        const strip = genviz.latest(ask.strip, async (answer, asked) => {
          const bitmap = await genviz.sprite(answer.sprite);
          if (asked.data !== data) return;
          pages = answer.pages; page = answer.page;
          const cells = answer.index.map((index, i) => {
            const cell = document.createElement("canvas");
            genviz.cell(cell, bitmap, i, answer.index.length);
            const image = {pixels: genviz.pixels(cell), label: answer.label[i], index, from: `test image ${index}, ${classes()[answer.label[i]]}`};
            cell.title = image.from; cell.tabIndex = 0; cell.setAttribute("role", "button"); cell.setAttribute("aria-label", image.from);
            const take = () => { find(".strip .on")?.classList.remove("on"); cell.classList.add("on"); say(""); choose(image); };
            cell.addEventListener("click", take);
            cell.addEventListener("keydown", e => { if (e.code === "Enter" || e.code === "Space") { e.preventDefault(); take(); } });
            return {cell, image};
          });
          find(".strip").replaceChildren(...cells.map(c => c.cell));
          if (asked.fill) slots.forEach((_, i) => { if (!images[i] || asked.again) choose(cells[i].image, i); });
        }, {fail});
        const chips = () => {
          find(".chips").replaceChildren(...["all", ...classes()].map((name, i) => {
            const chip = Object.assign(document.createElement("button"), {type: "button", textContent: name});
            chip.addEventListener("click", () => { label = i - 1; press(); strip({label, page: 0, data}); });
            return chip;
          }));
          press();
        };
        const press = () => [...find(".chips").children].forEach((chip, i) => chip.setAttribute("aria-pressed", i - 1 === label));
        find(".next").addEventListener("click", () => strip({label, page: (page + 1) % pages, data}));
        find(".random").addEventListener("click", () => strip({label, page: Math.floor(Math.random() * pages), data}));

        // ---- the sketchpad ----------------------------------------------------------------------------------------------------
        const pad = find(".pad"), ink = pad.getContext("2d", {willReadFrequently: true});
        let erasing = false, last = null, timer = 0;
        const wipe = () => { ink.fillStyle = "#000"; ink.fillRect(0, 0, 280, 280); inked = false; };
        wipe();
        const drawing = genviz.latest(ask.drawing, answer => { say(""); choose({pixels: bytes(answer.image), from: "own drawing"}); }, {fail});
        const send = () => { timer = 0; drawing({ink: pad.toDataURL("image/png"), data}); };
        const soon = () => { timer ||= setTimeout(send, 40); };
        const at = e => { const r = pad.getBoundingClientRect(); return [(e.clientX - r.left) * 280 / r.width, (e.clientY - r.top) * 280 / r.height]; };
        const stroke = (from, to) => {
          ink.strokeStyle = erasing ? "#000" : "#fff"; ink.lineWidth = +find(".pen").value * (erasing ? 1.5 : 1);
          ink.lineCap = ink.lineJoin = "round";
          ink.beginPath(); ink.moveTo(...from); ink.lineTo(...to); ink.stroke();
          inked ||= !erasing;
        };
        pad.addEventListener("pointerdown", e => {
          if (e.button) return;
          e.preventDefault(); pad.setPointerCapture(e.pointerId); last = at(e); stroke(last, [last[0] + .01, last[1]]); soon();
        });
        pad.addEventListener("pointermove", e => {
          if (!last) return;
          for (const part of e.getCoalescedEvents?.().length ? e.getCoalescedEvents() : [e]) { const p = at(part); stroke(last, p); last = p; }
          soon();
        });
        for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { if (last) { last = null; clearTimeout(timer); send(); } });
        find(".eraser").addEventListener("click", e => { erasing = !erasing; e.currentTarget.setAttribute("aria-pressed", erasing); });
        find(".clear").addEventListener("click", () => { clearTimeout(timer); timer = 0; wipe(); say("The pad is empty: draw something."); });
        find(".use").addEventListener("click", send);

        // ---- a picture file -----------------------------------------------------------------------------------------------------
        const load = async file => {
          if (!file) return;
          if (file.size > 8 * 2 ** 20) return say("This file is larger than 8 MB; choose a smaller picture.", true);
          const url = await new Promise(done => { const r = new FileReader(); r.onload = () => done(r.result); r.onerror = () => done(""); r.readAsDataURL(file); });
          try { say(""); choose({pixels: bytes((await ask.drawing({ink: url, data})).image), from: file.name.slice(0, 40)}); } catch (error) { fail(error); }
        };
        find(".drop input").addEventListener("change", e => { load(e.target.files[0]); e.target.value = ""; });
        find(".drop").addEventListener("dragover", e => e.preventDefault());
        find(".drop").addEventListener("drop", e => { e.preventDefault(); load(e.dataTransfer.files[0]); });

        // ---- ways, data set, player ----------------------------------------------------------------------------------------------
        const ways = [...element.querySelectorAll(".ways button")];
        const go = way => {
          element.dataset.way = way; ways.forEach(b => b.setAttribute("aria-pressed", b.dataset.way === way));
          say(way === "draw" && !inked ? "Draw with mouse or finger; the small picture is what the model sees." : "");
        };
        ways.forEach(b => { b.hidden = b.dataset.way === "draw" && !v().sketch; b.addEventListener("click", () => go(b.dataset.way)); });
        go("test"); chips(); strip({label, page: 0, data, fill: true, again: false});
        watch("value", () => {
          if (v().data === data) return;
          data = v().data; label = -1; chips(); strip({label, page: 0, data, fill: true, again: true});
          if (element.dataset.way === "draw" && inked) send();
        });
        if (v().tool) genviz.receive(v().tool, parcel => choose({...parcel, from: parcel.from || "from the player"}));"""

    def __init__(self, *, slots: Sequence[str] = ("",), tool: str = "", sketch: bool = True, **options: Any):
        """`slots` names the images, `tool` (of lab.tool) lets the player send one, `options` are gr.HTML's."""
        value = {
            "data": next(iter(DATASETS)), "slots": list(slots), "tool": tool, "sketch": sketch, "images": [None] * len(slots),
            "channels": [], "classes": {name: list(data.classes) for name, data in DATASETS.items()},
        }  # fmt: skip
        super().__init__(value, server=[self.strip, self.drawing], **options)

    def to(self) -> str:
        """A new channel for `genviz.receive` in the script of one subscriber; call it while the page is being built."""
        channel = f"pick.{next(_numbers)}"
        self.value = {**self.value, "channels": [*self.value["channels"], channel]}
        return channel

    def strip(self, label: int, page: int, data: str, fill: bool = False, again: bool = False) -> dict:
        """One row of test images of a class (-1: of all), as a sprite with their places in the exhibit and their classes."""
        images, labels = exhibit(data)
        places = np.flatnonzero(labels == label) if label in range(10) else np.arange(len(labels))
        pages = -(-len(places) // STRIP)
        page = int(page) % pages
        index = places[page * STRIP : (page + 1) * STRIP]
        sprite = pictures.data_url(pictures.png(np.hstack(list(images[index]))))
        return {"sprite": sprite, "index": index.tolist(), "label": labels[index].tolist(), "page": page, "pages": pages}

    def drawing(self, ink: str, data: str) -> dict:
        """A picture file as a data URL, prepared as the data set was; ValueError for an empty drawing and for what is no picture."""
        if len(ink) > drawing.LARGEST * 4 // 3 + 100:
            raise ValueError("This file is larger than 8 MB; choose a smaller picture.")
        try:
            file = base64.b64decode(ink.partition(",")[2])
        except ValueError:
            raise ValueError(drawing.NO_PICTURE) from None
        return {"image": base64.b64encode(drawing.fit(drawing.read(file), data).tobytes()).decode()}


def chosen(value: dict | None, slot: int = 0) -> np.ndarray:
    """The image in a slot of a Pick's value -> float32 (1, 1, 28, 28) in [-1, 1]; ValueError where none was chosen yet."""
    images = (value or {}).get("images") or []
    if slot >= len(images) or not images[slot]:
        raise ValueError("Choose an image or draw one first.")
    return pictures.from_base64(images[slot]["pixels"])
