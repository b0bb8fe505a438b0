// Pictures: a grid of them for x and one for each extra beside it, as large as the stage allows; one can be enlarged, read and sent on.
import { make } from "../core/dom.js";
import { pointer } from "../core/hands.js";
import * as pictures from "../core/pictures.js";

const GAP = 2;
const square = k => Math.max(1, Math.ceil(Math.sqrt(k))); // columns of a sprite, as pictures.columns_of in Python

/**
 * The largest enlargement at which `k` pictures of side x side fit into each of `count` panes, so that every pixel of a sample is equally
 * large on the screen: {c columns, r rows, zoom}.
 * @param {{side: number, k: number, count: number, wide: number, high: number, dense: number, phone: boolean}} room
 */
export const arrange = ({ side, k, count, wide, high, dense, phone }) => {
  const several = count > 1,
    label = several ? 34 : 0,
    size = n => n * side + (n - 1) * GAP;
  const across = abreast => (wide - 16 * (abreast - 1)) / abreast;
  let best = null;
  for (const abreast of phone && several ? [2, 1] : [count])
    for (let c = 1; c <= k; c++) {
      // on a phone beside each other or below
      const tall = high / Math.ceil(count / abreast) - label,
        r = Math.ceil(k / c);
      const zoom = Math.min(Math.floor(Math.min(across(abreast) / size(c), tall / size(r)) * dense) / dense, k === 1 ? 24 : 12);
      const spare = c * r - k + Math.abs(c - r) / 100;
      if (zoom > 0 && (!best || zoom > best.zoom || (zoom === best.zoom && spare < best.spare))) best = { c, r, zoom, spare };
    }
  const c = square(k);
  return best || { c, r: Math.ceil(k / c), zoom: Math.max(0.5, across(phone ? 1 : count) / size(c)), spare: 0 };
};

/**
 * The pixels painted between two frames of a film that is painted one after another, as runs of a row: [row, column, count].
 * @param {number} from @param {number} to @param {number} side
 */
export const runs = (from, to, side) => {
  const found = [];
  for (let p = from; p < to;) {
    const row = Math.floor(p / side),
      column = p % side,
      count = Math.min(side - column, to - p);
    found.push([row, column, count]);
    p += count;
  }
  return found;
};

/** @type {import("./view.js").MakeView} */
export default ({ stage, rows, label, raster, choose, pixel, reads }) => {
  const box = make("div", { className: "panes" });
  /** @type {{name: string, canvas: HTMLCanvasElement, figure: HTMLElement}[]} */
  let panes = [];
  let first = null,
    across = 1,
    chosen = null,
    now = null; // the first frame; columns on screen; the picture that stands alone; the moment that is shown

  const cells = () => (chosen === null ? [...Array(first.n).keys()] : [chosen]);
  const skip = () => first.side ** 2 - first.steps; // pixels that were given, not painted
  const begin = frame => {
    first = frame;
    if (chosen !== null && chosen >= frame.n) chosen = null;
    const want = [{ name: "", label: rows.length ? label : "" }, ...rows].filter(r => !r.name || frame.aux[r.name]);
    if (panes.length === want.length && panes.every((p, k) => p.name === want[k].name)) return;
    panes = want.map(row => {
      const canvas = make("canvas", { className: "pane" }),
        figure = make("figure", {}, canvas);
      if (row.label) figure.append(make("figcaption", { textContent: row.label }));
      hear(canvas, !row.name);
      return { name: row.name, canvas, figure };
    });
    box.replaceChildren(...panes.map(p => p.figure));
  };

  const fit = () => {
    if (!panes.length || !stage.clientWidth) return;
    const phone = innerWidth < 700,
      several = panes.length > 1,
      projector = document.body.classList.contains("projector");
    const high = phone ? innerHeight * (several ? 0.7 : 0.5) : Math.max(250, innerHeight - (projector ? 260 : 400));
    const best = arrange({
      side: first.side,
      k: cells().length,
      count: panes.length,
      wide: stage.clientWidth - 24,
      high,
      dense: window.devicePixelRatio || 1,
      phone,
    });
    const size = n => n * first.side + (n - 1) * GAP;
    across = best.c;
    for (const { canvas } of panes) {
      pictures.size(canvas, size(best.c), size(best.r));
      canvas.style.width = size(best.c) * best.zoom + "px";
      canvas.style.height = size(best.r) * best.zoom + "px";
    }
  };

  const draw = moment => {
    const { a, b, step } = (now = moment),
      { side, n } = a,
      columns = square(n);
    for (const pane of panes) {
      const pen = pane.canvas.getContext("2d"),
        of = f => (pane.name ? f.aux[pane.name] : f.bitmap),
        from = of(a);
      pen.imageSmoothingEnabled = false;
      pen.clearRect(0, 0, pane.canvas.width, pane.canvas.height);
      if (!from) continue;
      cells().forEach((i, k) => {
        const sx = (i % columns) * side,
          sy = Math.floor(i / columns) * side,
          dx = (k % across) * (side + GAP),
          dy = Math.floor(k / across) * (side + GAP);
        pen.drawImage(from, sx, sy, side, side, dx, dy, side, side);
        if (b && of(b))
          for (const [row, column, count] of runs(a.step + skip(), step + skip(), side))
            // painted since frame a, out of frame b
            pen.drawImage(of(b), sx + column, sy + row, count, 1, dx + column, dy + row, count, 1);
      });
    }
  };

  /** Grey bytes of picture i as it is on the screen. */
  const current = i => {
    const { a, b, step } = now,
      columns = square(a.n),
      grey = pictures.pixels(a.bitmap, i, columns, a.side);
    if (b) {
      const next = pictures.pixels(b.bitmap, i, columns, a.side);
      for (let p = a.step + skip(); p < step + skip(); p++) grey[p] = next[p];
    }
    return grey;
  };

  // ---- the pointer: enlarge one, or read a pixel ---------------------------------------------------------------------------------------------
  const place = (canvas, e) => {
    // pointer -> picture and pixel, null in a gap
    if (!now) return null;
    const rect = canvas.getBoundingClientRect(),
      { side, n } = first,
      list = cells();
    const x = ((e.clientX - rect.left) / rect.width) * canvas.width,
      y = ((e.clientY - rect.top) / rect.height) * canvas.height;
    const cx = Math.floor(x / (side + GAP)),
      cy = Math.floor(y / (side + GAP)),
      column = Math.floor(x - cx * (side + GAP)),
      row = Math.floor(y - cy * (side + GAP));
    const k = cy * across + cx;
    return column < 0 || row < 0 || column >= side || row >= side || k >= list.length || list[k] >= n ? null : { i: list[k], row, column };
  };
  const read_pixel = (canvas, e, clicked) => {
    const p = reads() && place(canvas, e);
    if (p) pixel({ ...p, painted: !now.fine || p.row * first.side + p.column < now.step + skip(), clicked, pixels: current(p.i) });
  };
  const hear = (canvas, main) => {
    canvas.addEventListener("click", e => {
      if (main) read_pixel(canvas, e, true);
      const p = place(canvas, e);
      if (p) choose(chosen === null ? p.i : null);
    });
    if (main) pointer(canvas, { hover: e => read_pixel(canvas, e, false) });
  };

  return {
    box,
    begin,
    fit,
    draw,
    read: async shot => {
      const names = Object.keys(shot.aux),
        [bitmap, ...more] = await Promise.all([shot.sprite, ...names.map(k => shot.aux[k])].map(pictures.sprite));
      return { ...shot, sprite: undefined, bitmap, aux: Object.fromEntries(names.map((k, j) => [k, more[j]])) };
    },
    close: frames => {
      for (const f of frames) for (const image of [f.bitmap, ...Object.values(f.aux)]) image.close();
    },
    fine: (frames, order) => raster.includes(order.model) && frames[0].steps > frames.length - 1 && frames[0].steps <= frames[0].side ** 2,
    caption: step => `row ${Math.floor((step + skip() - 1) / first.side)}, column ${(step + skip() - 1) % first.side}`,
    pointer: i => {
      chosen = i;
    },
    parcel: current,
    save: () => ({
      columns: across,
      only: chosen,
      panes: panes.map(p => [
        p.name,
        rows.find(r => r.name === p.name)?.paint || "grey",
        p.name || rows.length ? p.figure.textContent : "",
      ]),
    }),
  };
};
