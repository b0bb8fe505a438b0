// Receptive field of a clicked pixel by autograd, for two stacks and for the naive mask; see tab.py.
import * as dom from "../../../../ui/web/core/dom.js";
import * as hands from "../../../../ui/web/core/hands.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ element, props, ask, watch, find }) => {
  const SIDE = 28,
    FLOOR = -6,
    BLIND = [225, 29, 72],
    FAR = [217, 164, 65];
  let at = 12 * SIDE + 13,
    field = null,
    shown = at;
  const small = new OffscreenCanvas(SIDE, SIDE);

  const show = (name, numbers) => {
    const canvas = find("canvas." + name),
      image = new ImageData(SIDE, SIDE),
      pen = canvas.getContext("2d"),
      cell = canvas.width / SIDE;
    const row = Math.floor(shown / SIDE),
      column = shown % SIDE;
    let seen = 0,
      blind = 0,
      leak = 0;
    numbers.forEach((v, i) => {
      let c = null;
      if (v > 0) {
        if (i < shown) seen++;
        else leak++;
        c = pictures.colour(1 - Math.max(FLOOR, Math.log10(v)) / FLOOR);
      } else if (i < shown) {
        // further right than up: no number of naive layers gets there
        const wedge = name === "naive" && (i % SIDE) - column > row - Math.floor(i / SIDE);
        if (wedge) blind++;
        c = wedge ? BLIND : FAR;
      }
      if (c) image.data.set([c[0], c[1], c[2], 255], 4 * i);
    });
    small.getContext("2d").putImageData(image, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    pen.lineWidth = 3;
    pen.strokeStyle = "#e11d48";
    pen.fillStyle = "#fff";
    pen.fillRect(column * cell, row * cell, cell, cell);
    pen.strokeRect(column * cell, row * cell, cell, cell);
    canvas.parentElement.querySelector(".count").textContent =
      `sees ${seen} of the ${shown} pixels before it` +
      (name === "naive" ? `, blind to ${blind}` : "") +
      (leak ? `, and ${leak} later ones: that must not be` : "");
  };
  const draw = () => {
    if (field) {
      show("gated", field.gated);
      show("naive", field.naive);
    }
  };
  const look = dom.latest(
    ask.field,
    (answer, asked) => {
      field = answer;
      shown = asked.row * SIDE + asked.column;
      find(".say").textContent =
        `Row ${asked.row}, column ${asked.column}: the gradient of its logit with respect to the input, averaged over 4 random pictures. Click or drag to ask about another pixel.`;
      draw();
    },
    { flights: 2 },
  );
  const go = to => {
    at = to;
    look({ row: Math.floor(at / SIDE), column: at % SIDE, model: props.value.model, data: props.value.data });
  };

  for (const canvas of element.querySelectorAll("canvas.live")) {
    const point = e => {
      const box = canvas.getBoundingClientRect(),
        cell = v => Math.min(SIDE - 1, Math.max(0, Math.floor(v * SIDE)));
      const to = cell((e.clientY - box.top) / box.height) * SIDE + cell((e.clientX - box.left) / box.width);
      if (to !== at || !field) go(to);
    };
    canvas.tabIndex = 0;
    canvas.setAttribute("aria-label", "28 x 28 pixels; click one, or move with the arrow keys");
    hands.pointer(canvas, { down: point, move: point });
    const by = d => () => (at + d >= 0 && at + d < SIDE * SIDE ? go(at + d) : false);
    hands.keys(canvas, { ArrowLeft: by(-1), ArrowRight: by(1), ArrowUp: by(-SIDE), ArrowDown: by(SIDE) });
  }
  let now = "";
  const follow = () => {
    const next = props.value.model + props.value.data;
    if (next !== now) {
      now = next;
      go(at);
    }
  };
  watch("value", follow);
  follow();
};
