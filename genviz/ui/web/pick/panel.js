// The script of genviz/ui/pick.py, run once for each chooser on the page (genviz/ui/widget.py tells what it sees).
import * as arrays from "../core/arrays.js";
import * as dom from "../core/dom.js";
import * as hands from "../core/hands.js";
import * as link from "../core/link.js";
import * as mail from "../core/mail.js";
import * as told from "../core/told.js";
import * as pictures from "../core/pictures.js";

export default ({ element, props, ask, watch, trigger, find }) => {
  const v = () => props.value,
    slots = v().slots,
    images = slots.map(() => null);
  let data = v().data,
    active = 0,
    label = -1,
    page = 0,
    pages = 1,
    inked = false;
  const say = (text, wrong = false) => {
    find(".say").textContent = text;
    find(".say").classList.toggle("wrong", wrong);
  };
  const fail = error => say(error.message, true);

  // ---- the slots: what the model sees -------------------------------------------------------------------------------
  if (slots.length > 1) element.classList.add("many");
  const boxes = slots.map((name, i) => {
    const box = slots.length > 1 ? dom.make("button", { className: "slot", type: "button" }) : dom.make("div", { className: "slot" });
    box.innerHTML = '<canvas width="28" height="28"></canvas><span></span>';
    box.addEventListener("click", () => activate(i));
    find(".slots").append(box);
    return box;
  });
  const activate = i => {
    active = i;
    boxes.forEach((box, k) => box.classList.toggle("on", k === i));
  };
  activate(0);
  let wanted = null; // what a link asks for: of each slot the place of a test image, or 784 bytes
  const choose = (image, slot = active, by_hand = true) => {
    if (by_hand) {
      wanted = null;
      link.tell(find(".slots"));
    }
    image = { label: -1, index: -1, ...image, slot, by_hand };
    image.pixels = Uint8Array.from(image.pixels);
    image.base64 = arrays.encode(image.pixels);
    images[slot] = image;
    image.images = images.slice();
    pictures.paint(boxes[slot].querySelector("canvas"), image.pixels);
    const span = boxes[slot].querySelector("span");
    span.textContent = ` ${image.from}`;
    if (slots[slot]) span.prepend(Object.assign(document.createElement("b"), { textContent: slots[slot] }));
    for (const channel of v().channels) mail.send(channel, image);
    const plain = images.map(x => x && { pixels: x.base64, label: x.label, index: x.index, from: x.from });
    props.value = { ...v(), images: plain };
    trigger("pick", { slot, pixels: image.base64, label: image.label, index: image.index, from: image.from });
  };

  // ---- test images ----------------------------------------------------------------------------------------------------
  const classes = () => told.classes[data] || [];
  const strip = dom.latest(
    ask.strip,
    async (answer, asked) => {
      const bitmap = await pictures.sprite(answer.sprite);
      if (asked.data !== data) return;
      pages = answer.pages;
      page = answer.page;
      const cells = answer.index.map((index, i) => {
        const cell = document.createElement("canvas");
        pictures.cell(cell, bitmap, i, answer.index.length);
        const image = {
          pixels: pictures.pixels(cell),
          label: answer.label[i],
          index,
          from: `test image ${index}: ${classes()[answer.label[i]]}`,
        };
        cell.title = image.from;
        cell.tabIndex = 0;
        cell.setAttribute("role", "button");
        cell.setAttribute("aria-label", image.from);
        const take = () => {
          find(".strip .on")?.classList.remove("on");
          cell.classList.add("on");
          say("");
          choose(image);
        };
        cell.addEventListener("click", take);
        hands.keys(cell, { Enter: take, " ": take });
        return { cell, image };
      });
      find(".strip").replaceChildren(...cells.map(c => c.cell));
      if (!asked.fill) return;
      if (wanted) return grant();
      const unlike = cells.filter((c, i) => cells.findIndex(d => d.image.label === c.image.label) === i); // one of each class
      slots.forEach((_, i) => {
        if (!images[i] || asked.again) choose(unlike[i].image, i, false);
      });
    },
    { fail },
  );
  const grant = async () => {
    for (const [slot, x] of wanted.entries()) {
      if (typeof x !== "number") {
        choose({ pixels: x, from: "the picture of the link" }, slot, false);
        continue;
      }
      const answer = await ask.strip({ label: -1, page: Math.floor(x / v().strip), data }),
        at = answer.index.indexOf(x);
      if (at < 0) throw new Error(`There is no test image ${x} here.`);
      const cell = document.createElement("canvas");
      pictures.cell(cell, await pictures.sprite(answer.sprite), at, answer.index.length);
      choose(
        { pixels: pictures.pixels(cell), label: answer.label[at], index: x, from: `test image ${x}: ${classes()[answer.label[at]]}` },
        slot,
        false,
      );
    }
  };
  find(".slots").field = {
    get: () => (images.includes(null) ? null : link.pack(images.map(x => (x.index >= 0 ? x.index : x.base64)))),
    set: async text => {
      wanted = await Promise.all(text.split(",").filter(Boolean).slice(0, slots.length).map(link.unpack));
      await grant();
    },
  };
  const chips = () => {
    find(".chips").replaceChildren(
      ...["all", ...classes()].map((name, i) => {
        const chip = Object.assign(document.createElement("button"), { type: "button", textContent: name });
        chip.addEventListener("click", () => {
          label = i - 1;
          press();
          strip({ label, page: 0, data });
        });
        return chip;
      }),
    );
    press();
  };
  const press = () => [...find(".chips").children].forEach((chip, i) => chip.setAttribute("aria-pressed", i - 1 === label));
  find(".next").addEventListener("click", () => strip({ label, page: (page + 1) % pages, data }));
  find(".random").addEventListener("click", () => strip({ label, page: Math.floor(Math.random() * pages), data }));

  // ---- the sketchpad: what was drawn is a list of strokes, so that each can be taken back ---------------------------------
  const pad = find(".pad"),
    ink = pad.getContext("2d", { willReadFrequently: true }),
    undo = find(".undo"),
    redo = find(".redo");
  const strokes = [];
  let erasing = false,
    stroke = null,
    undone = [],
    timer = 0; // a stroke: {points, wide, colour}; null: the pad was cleared
  const line = ({ points, wide, colour }, from, to) => {
    ink.strokeStyle = colour;
    ink.lineWidth = wide;
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    ink.moveTo(...points[from]);
    ink.lineTo(...points[to]);
    ink.stroke();
  };
  const redraw = () => {
    ink.fillStyle = "#000";
    ink.fillRect(0, 0, 280, 280);
    const left = strokes.slice(strokes.lastIndexOf(null) + 1);
    for (const one of left) for (let k = 1; k < one.points.length; k++) line(one, k - 1, k);
    inked = left.some(one => one.colour !== "#000");
    undo.disabled = !strokes.length;
    redo.disabled = !undone.length;
  };
  redraw();
  const drawing = dom.latest(
    ask.drawing,
    answer => {
      say("");
      choose({ pixels: arrays.decode(answer.image), from: "own drawing" });
    },
    { fail },
  );
  const send = () => {
    timer = 0;
    drawing({ ink: pad.toDataURL("image/png"), data });
  };
  const soon = () => {
    timer ||= setTimeout(send, 40);
  };
  const at = e => {
    const r = pad.getBoundingClientRect();
    return [((e.clientX - r.left) * 280) / r.width, ((e.clientY - r.top) * 280) / r.height];
  };
  const go_on = point => {
    stroke.points.push(point);
    line(stroke, stroke.points.length - 2, stroke.points.length - 1);
    soon();
  };
  const settle = () => {
    clearTimeout(timer);
    timer = 0;
    redraw();
    if (inked) send();
    else say("The pad is empty: draw something.");
  };
  const back = (from, to) => {
    if (!stroke && from.length) {
      to.push(from.pop());
      settle();
    }
  };
  hands.pointer(pad, {
    down: e => {
      const point = at(e);
      stroke = { points: [point], wide: +find(".pen").value * (erasing ? 1.5 : 1), colour: erasing ? "#000" : "#fff" };
      strokes.push(stroke);
      undone = [];
      inked ||= !erasing;
      go_on([point[0] + 0.01, point[1]]);
    },
    move: (e, parts) => parts.forEach(part => go_on(at(part))),
    up: () => {
      stroke = null;
      clearTimeout(timer);
      undo.disabled = false;
      redo.disabled = true;
      send();
    },
  });
  undo.addEventListener("click", () => back(strokes, undone));
  redo.addEventListener("click", () => back(undone, strokes));
  const here = f => () => (pad.matches(":hover") || find(".draw").contains(document.activeElement) ? f() : false);
  hands.keys(
    document,
    Object.fromEntries(
      [
        ["Ctrl+z", undo],
        ["Ctrl+Shift+z", redo],
        ["Ctrl+y", redo],
      ].map(([key, button]) => [key, here(() => button.click())]),
    ),
  );
  find(".eraser").addEventListener("click", e => {
    erasing = !erasing;
    e.currentTarget.setAttribute("aria-pressed", erasing);
  });
  find(".clear").addEventListener("click", () => {
    if (stroke) return;
    if (strokes.length && strokes.at(-1)) {
      strokes.push(null);
      undone = [];
    }
    settle();
  });
  find(".use").addEventListener("click", send);

  // ---- a picture file -----------------------------------------------------------------------------------------------------
  const smaller = async file => {
    // a telephone's largest pictures are made smaller here: the server takes 8 MB
    const picture = await createImageBitmap(file),
      factor = Math.min(1, 2048 / Math.max(picture.width, picture.height));
    const page = Object.assign(document.createElement("canvas"), { width: picture.width * factor, height: picture.height * factor });
    page.getContext("2d").drawImage(picture, 0, 0, page.width, page.height);
    return page.toDataURL("image/jpeg", 0.9);
  };
  const load = async file => {
    if (!file) return;
    const url =
      file.size > 8 * 2 ** 20
        ? await smaller(file).catch(() => "")
        : await new Promise(done => {
            const reader = new FileReader();
            reader.onload = () => done(reader.result);
            reader.onerror = () => done("");
            reader.readAsDataURL(file);
          });
    try {
      const answer = await ask.drawing({ ink: url, data });
      say("");
      choose({ pixels: arrays.decode(answer.image), from: file.name.slice(0, 40) });
    } catch (error) {
      fail(error);
    }
  };
  find(".drop input").addEventListener("change", e => {
    load(e.target.files[0]);
    e.target.value = "";
  });
  find(".drop").addEventListener("dragover", e => e.preventDefault());
  find(".drop").addEventListener("drop", e => {
    e.preventDefault();
    load(e.dataTransfer.files[0]);
  });

  // ---- ways, data set, player ----------------------------------------------------------------------------------------------
  const ways = [...element.querySelectorAll(".ways button")];
  const go = way => {
    element.dataset.way = way;
    ways.forEach(b => b.setAttribute("aria-pressed", b.dataset.way === way));
    say(way === "draw" && !inked ? "Draw with mouse or finger; the small picture is what the model sees." : "");
  };
  ways.forEach(b => {
    b.hidden = b.dataset.way === "draw" && !v().sketch;
    b.addEventListener("click", () => go(b.dataset.way));
  });
  go("test");
  chips();
  strip({ label, page: 0, data, fill: true, again: false });
  watch("value", () => {
    if (v().data === data) return;
    data = v().data;
    label = -1;
    chips();
    strip({ label, page: 0, data, fill: true, again: true });
    if (element.dataset.way === "draw" && inked) send();
  });
  if (v().tool) mail.receive(v().tool, parcel => choose({ ...parcel, from: parcel.from || "from the player" }));
};
