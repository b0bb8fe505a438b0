// What the model expected at every pixel of one picture; see tab.py. One request per picture, everything else happens here.
import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as films from "../../../../ui/web/core/films.js";
import * as hands from "../../../../ui/web/core/hands.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ element, props, ask, watch, find }) => {
  const say = find(".say"), SIDE = 28, SURPRISE = 4;
  let picture = null;              // 784 grey bytes
  let painted = 784, step = 784;   // how many pixels of it are painted; how many of them the film shows now
  let known = null;                // {p: Float32Array(levels * 784), levels, key}
  let at = null, sent = false;     // the pixel in question; whether the picture was sent from elsewhere
  let film = 0;
  const first = say.textContent;

  // ---- numbers ---------------------------------------------------------------------------------------------------------
  const p_of = (i, k) => known.p[k * 784 + i];
  const level_of = i => Math.round(picture[i] / 255 * (known.levels - 1));
  const entropy = i => { let h = 0; for (let k = 0; k < known.levels; k++) { const p = p_of(i, k); if (p > 0) h -= p * Math.log2(p); } return h; };
  const expected = i => { let sum = 0; for (let k = 0; k < known.levels; k++) sum += k * p_of(i, k); return 255 * sum / (known.levels - 1); };
  const surprise = i => -Math.log2(Math.max(p_of(i, level_of(i)), 1e-12));

  // ---- pictures --------------------------------------------------------------------------------------------------------
  const small = new OffscreenCanvas(SIDE, SIDE);
  const show = (canvas, colour) => {   // colour(i) -> [r, g, b] or null where nothing is to be seen
    const image = new ImageData(SIDE, SIDE), pen = canvas.getContext("2d"), cell = canvas.width / SIDE;
    for (let i = 0; i < 784; i++) { const c = colour(i); if (c) image.data.set([c[0], c[1], c[2], 255], 4 * i); }
    small.getContext("2d").putImageData(image, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    if (at === null) return;
    const x = at % SIDE * cell, y = Math.floor(at / SIDE) * cell;
    pen.lineWidth = 5; pen.strokeStyle = "#fff"; pen.strokeRect(x, y, cell, cell);
    pen.lineWidth = 2.5; pen.strokeStyle = "#e11d48"; pen.strokeRect(x, y, cell, cell);
  };
  const draw = () => {
    const last = Math.min(painted, step), most = known ? Math.log2(known.levels) : 1;
    show(find(".x"), i => picture && i < last ? [picture[i], picture[i], picture[i]] : null);
    show(find(".e"), i => known && i <= last ? Array(3).fill(expected(i)) : null);
    show(find(".h"), i => known && i <= last ? pictures.colour(entropy(i) / most) : null);
    show(find(".s"), i => known && i < last ? pictures.colour(surprise(i) / SURPRISE) : null);
    find(".most").textContent = most; find(".top").textContent = `${SURPRISE} or more`;
    bars(last);
  };

  const bars = last => {
    const canvas = find(".bars"), ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
    if (!w) return;
    canvas.width = w * ratio; canvas.height = h * ratio;
    if (!known || at === null) return;
    const pen = canvas.getContext("2d"), K = known.levels, ink = dom.css("--body-text-color"), left = 40, low = h - 26, top = 22;
    const big = parseFloat(getComputedStyle(element).fontSize), size = Math.round(.8 * big), row = Math.floor(at / SIDE), column = at % SIDE;
    pen.scale(ratio, ratio);
    pen.font = `${size}px system-ui, sans-serif`; pen.textBaseline = "middle";
    if (at > last) { say.textContent = `Row ${row}, column ${column} is not painted yet: what is expected there depends on the pixels before it.`; return; }
    for (const v of [0, .5, 1]) {
      const y = low - v * (low - top);
      pen.fillStyle = dom.css("--body-text-color-subdued"); pen.textAlign = "right"; pen.fillText(v, left - 8, y);
      pen.fillRect(left, y, w - left, v ? .4 : 1);
    }
    const space = (w - left) / K, wide = Math.min(.72 * space, 90), drawn = at < last ? level_of(at) : -1;
    pen.textAlign = "center";
    for (let k = 0; k < K; k++) {
      const p = p_of(at, k), x = left + space * (k + .5), y = low - p * (low - top);
      pen.fillStyle = dom.css("--color-accent"); pen.fillRect(x - wide / 2, y, wide, Math.max(1, low - y));
      if (k === drawn) { pen.strokeStyle = "#e11d48"; pen.lineWidth = 3; pen.strokeRect(x - wide / 2 - 2, y - 2, wide + 4, low - y + 4); }
      pen.fillStyle = ink;
      if (K <= 4 || p >= .1) pen.fillText(p >= .995 && p < 1 ? ">.99" : p.toFixed(2), x, y - size * .8);
      if (K <= 2) pen.fillText(["off (black)", "on (white)"][k], x, low + 14);
      else if (k % (space < 26 ? 5 : 1) === 0) pen.fillText(k, x, low + 14);
    }
    let bits = 0;
    for (let i = 0; i < last; i++) bits += surprise(i);
    const what = drawn < 0 ? "the next to be painted" : `drawn: <b>${K === 2 ? ["off", "on"][drawn] : `level ${drawn} of 0 to ${K - 1}`}</b>, surprise <b>${surprise(at).toFixed(2)}</b> bits`;
    say.innerHTML = `Row <b>${row}</b>, column <b>${column}</b>: ${what}; entropy <b>${entropy(at).toFixed(2)}</b> bits. ` +
      `All ${last} painted pixels cost <b>${bits.toFixed(0)}</b> bits at temperature 1.`;
  };

  // ---- questions -------------------------------------------------------------------------------------------------------
  const key_of = () => arrays.encode(picture) + props.value.model + props.value.data;
  const ask_all = dom.latest(ask.expect, (answer, asked) => {
    known = { p: arrays.floats(answer.p), levels: answer.levels, key: asked.image + asked.model + asked.data };
    if (known.key === key_of()) draw();
  });
  let wanted = "";
  const look = () => {
    if (!picture) return;
    const key = key_of();
    if (known && known.key === key) { draw(); return; }
    if (wanted !== key) { wanted = key; ask_all({ image: arrays.encode(picture), model: props.value.model, data: props.value.data }); }
  };
  const forget = () => { picture = known = at = null; wanted = ""; say.textContent = first; draw(); };

  films.listen(props.value.player, {
    pixel: p => {   // the picture as it stands on the film; later frames only uncover or cover what is known of it
      [picture, painted, step, at, sent] = [Uint8Array.from(p.pixels), film, film, p.row * SIDE + p.column, false];
      look();
    },
    frame: f => { film = f.step; if (!sent && picture) { step = film; draw(); } },
    state: s => { if (s === "waiting" && !sent) forget(); },
  });
  mail.receive(props.value.tool, parcel => {
    [picture, painted, step, at, sent] = [Uint8Array.from(parcel.pixels), 784, 784, 14 * SIDE + 14, true];
    look();
  });
  for (const canvas of element.querySelectorAll("canvas.live")) {
    const point = e => {
      if (!picture) return;
      const box = canvas.getBoundingClientRect(), cell = v => Math.min(SIDE - 1, Math.max(0, Math.floor(v * SIDE)));
      at = cell((e.clientY - box.top) / box.height) * SIDE + cell((e.clientX - box.left) / box.width);
      draw();
    };
    hands.pointer(canvas, { down: point, move: point, hover: point });
  }
  let now = "";
  watch("value", () => {
    const next = props.value.model + props.value.data;
    if (next !== now && now) { if (sent) look(); else forget(); }
    now = next;
  });
  now = props.value.model + props.value.data;
  new ResizeObserver(draw).observe(element);
  addEventListener("genviz-look", draw);
};
