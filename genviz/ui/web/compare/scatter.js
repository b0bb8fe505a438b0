// The scatter of compare.js: drawn by hand, so that nothing has to be loaded, every label finds room and the keyboard reaches every point.
import { log_ticks, scale } from "../core/chart.js";
import { keys } from "../core/hands.js";

const svg_make = (tag, fields = {}, text = "") => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, x] of Object.entries(fields)) e.setAttribute(k, x);
  if (text) e.textContent = text;
  return e;
};
const pen = document.createElement("canvas").getContext("2d");
const apart = (a, b) => a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
const shared = (a, b) =>
  apart(a, b) ? 0 : (Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) * (Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));

const along = (x0, y0, x1, y1) =>
  [...Array(8)].map((_, i) => ({ x: x0 + ((x1 - x0) * (i + 0.5)) / 8 - 2, y: y0 + ((y1 - y0) * (i + 0.5)) / 8 - 2, w: 4, h: 4 })); // boxes that cover a line

// labels: every point tries the places around it, near ones first, and takes the one that covers least
const lay = (points, frame, type, reserved) => {
  const taken = [...reserved, ...points.map(p => ({ x: p.px - type * 0.5, y: p.py - type * 0.5, w: type, h: type, dot: true }))],
    inside = b => b.x >= frame.x && b.y >= frame.y && b.x + b.w <= frame.x + frame.w && b.y + b.h <= frame.y + frame.h;
  for (const p of [...points].sort((a, b) => b.px - a.px)) {
    const w = pen.measureText(p.label).width + 4,
      h = type * 1.2;
    let best = null;
    for (const [k, r] of [0.8, 1.7, 2.8, 4.2].entries())
      for (let a = 0; a < 16; a++) {
        const dx = Math.cos((a * Math.PI) / 8),
          dy = Math.sin((a * Math.PI) / 8),
          x = p.px + dx * r * type,
          y = p.py + dy * r * type;
        const box = { x: dx > 0.3 ? x : dx < -0.3 ? x - w : x - w / 2, y: dy > 0.3 ? y : dy < -0.3 ? y - h : y - h / 2, w, h, r: k };
        if (!inside(box)) continue;
        const cost = taken.reduce((sum, t) => sum + shared(box, t) * (t.dot ? 9 : 1), 0) + k * type * 4 + (a % 8 ? type * 0.3 : 0);
        if (!best || cost < best.cost) best = { ...box, cost, covered: cost - k * type * 4 > type * type };
      }
    p.place = best && !best.covered ? best : null; // where there is no room the pointer and the table still name the point
    if (!p.place) continue;
    const end = (p.place.end = { x: Math.max(best.x, Math.min(p.px, best.x + w)), y: Math.max(best.y, Math.min(p.py, best.y + h)) });
    taken.push(p.place, ...along(p.px, p.py, end.x, end.y));
  }
};

export const scatter = (svg, points, { x_title, y_title, floor, hover, leave, choose }) => {
  const width = svg.parentElement.clientWidth;
  svg.replaceChildren();
  if (!width || !points.length) {
    svg.setAttribute("height", 0);
    return;
  }
  const style = getComputedStyle(svg),
    type = parseFloat(style.fontSize),
    narrow = width < 560;
  const height = Math.round(narrow ? width * 1.15 : Math.max(20 * type, Math.min(width * 0.4, innerHeight * 0.62)));
  const frame = { x: type * 3.1, y: type * 1.9, w: width - type * 3.6, h: height - type * 5.3 };
  pen.font = `${style.fontSize} ${style.fontFamily}`;
  svg.setAttribute("height", height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const xs = points.map(p => Math.log10(p.x)),
    ys = points.map(p => Math.log10(p.y));
  const [x0, x1] = [Math.min(...xs) - 0.25, Math.max(...xs) + 0.25],
    [y0, y1] = [Math.min(0, ...ys) - 0.12, Math.max(...ys) + 0.2];
  const X = scale({ low: x0, high: x1 }, frame.x, frame.x + frame.w),
    Y = scale({ low: y0, high: y1 }, frame.y + frame.h, frame.y);
  const ticks = (low, high, fine) => log_ticks(10 ** low, 10 ** high, fine).map(Math.log10);
  const add = (...e) => svg.append(...e),
    said = u => String(+(10 ** u).toPrecision(1));
  for (const u of ticks(x0, x1, frame.w / (x1 - x0) > 11 * type))
    add(
      svg_make("line", { class: "grid", x1: X(u), x2: X(u), y1: frame.y, y2: frame.y + frame.h }),
      svg_make("text", { class: "small", x: X(u), y: frame.y + frame.h + type * 1.3, "text-anchor": "middle" }, said(u)),
    );
  const told = pen.measureText(floor).width,
    reserved = [
      { x: frame.x + frame.w - told, y: Y(0) - type * 1.4, w: told, h: type * 1.4 },
      { x: frame.x, y: Y(0) - 1, w: frame.w, h: 2 },
    ];
  for (const u of ticks(y0, y1, frame.h / (y1 - y0) > 9 * type)) {
    reserved.push({ x: 0, y: Y(u) - type * 0.65, w: frame.x - type * 0.5, h: type * 1.3 });
    add(
      svg_make("line", { class: "grid", x1: frame.x, x2: frame.x + frame.w, y1: Y(u), y2: Y(u) }),
      svg_make("text", { class: "small", x: frame.x - type * 0.5, y: Y(u) + type * 0.35, "text-anchor": "end" }, said(u)),
    );
  }
  add(
    svg_make("line", { class: "floor-line", x1: frame.x, x2: frame.x + frame.w, y1: Y(0), y2: Y(0) }),
    svg_make("text", { class: "small", x: frame.x + frame.w, y: Y(0) - type * 0.4, "text-anchor": "end" }, floor),
    svg_make("text", { x: 0, y: type }, y_title),
    svg_make("text", { x: frame.x + frame.w, y: frame.y + frame.h + type * 2.9, "text-anchor": "end" }, x_title),
  );
  points.forEach((p, i) => {
    p.px = X(xs[i]);
    p.py = Y(ys[i]);
    if (narrow) p.label = p.short;
  });
  for (const name of new Set(points.map(p => p.chain))) {
    // the settings of one model hang together
    const chain = points.filter(p => p.chain === name).sort((a, b) => a.px - b.px);
    chain.slice(1).forEach((p, i) => reserved.push(...along(chain[i].px, chain[i].py, p.px, p.py)));
    if (chain.length > 1)
      add(svg_make("polyline", { class: "same", stroke: chain[0].colour, points: chain.map(p => `${p.px},${p.py}`).join(" ") }));
  }
  lay(points, { x: narrow ? 0 : frame.x, y: frame.y, w: width - (narrow ? 0 : frame.x), h: frame.h }, type, reserved);
  const ordered = [...points].sort((a, b) => a.px - b.px);
  ordered.forEach((p, i) => {
    const g = svg_make("g", { class: "point", tabindex: i ? -1 : 0, role: "button", "aria-label": p.aria, "data-key": p.key });
    const r = type * 0.42;
    if (p.place) {
      if (p.place.r) g.append(svg_make("line", { class: "leader", x1: p.px, y1: p.py, x2: p.place.end.x, y2: p.place.end.y }));
      g.append(svg_make("text", { x: p.place.x + 2, y: p.place.y + type * 0.95 }, p.label));
    }
    g.append(
      p.hollow
        ? svg_make("rect", { x: p.px - r, y: p.py - r, width: 2 * r, height: 2 * r, fill: "none", stroke: p.colour, "stroke-width": 2.5 })
        : svg_make("circle", { cx: p.px, cy: p.py, r, fill: p.colour }),
      svg_make("circle", { class: "ring", cx: p.px, cy: p.py, r: r * 1.6 }),
      svg_make("circle", { class: "hit", cx: p.px, cy: p.py, r: Math.max(14, r * 2) }),
    );
    g.addEventListener("pointerenter", () => hover(p, g));
    g.addEventListener("focus", () => hover(p, g));
    g.addEventListener("pointerleave", leave);
    g.addEventListener("blur", leave);
    g.addEventListener("click", () => choose(p));
    const on = () => choose(p),
      to = d => () => {
        const next = svg.querySelectorAll(".point")[i + d];
        if (!next) return false;
        g.setAttribute("tabindex", -1);
        next.setAttribute("tabindex", 0);
        next.focus();
      };
    keys(g, { Enter: on, " ": on, ArrowRight: to(1), ArrowUp: to(1), ArrowLeft: to(-1), ArrowDown: to(-1) });
    add(g);
  });
};
