// Charts as SVG, drawn at the size that the page gives: axes with round numbers, marks, the values under the pointer, and the same values as
// a CSV file. `table` holds them: {columns: [names], rows: [[numbers or words]]}, the first column along the x axis.
import { make } from "./dom.js";
import { pointer } from "./hands.js";

/** Round numbers from low to high, about so many. @returns {number[]} */
export const ticks = (low, high, count = 5) => {
  const raw = (high - low) / Math.max(1, count);
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const ten = 10 ** Math.floor(Math.log10(raw)),
    step = [1, 2, 5, 10].map(m => m * ten).find(s => s >= raw * 0.9999) || 10 * ten,
    found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(+(k * step).toPrecision(12));
  return found;
};

/** Powers of ten from low to high, with 2 and 5 between them where `fine`. @returns {number[]} */
export const log_ticks = (low, high, fine = false) => {
  const found = [];
  for (let d = Math.floor(Math.log10(low) - 1e-9); d <= Math.ceil(Math.log10(high)); d++)
    for (const m of fine ? [1, 2, 5] : [1]) {
      const u = +(m * 10 ** d).toPrecision(12);
      if (u >= low * (1 - 1e-9) && u <= high * (1 + 1e-9)) found.push(u);
    }
  return found;
};

/**
 * An axis as a function of values to places on the screen, and back.
 * @param {{low: number, high: number, log?: boolean}} axis @param {number} from @param {number} to
 */
export const scale = ({ low, high, log = false }, from, to) => {
  const f = log ? Math.log : u => u,
    back = log ? Math.exp : u => u,
    span = f(high) - f(low) || 1;
  const place = u => from + ((f(u) - f(low)) / span) * (to - from);
  place.back = px => back(f(low) + ((px - from) / (to - from || 1)) * span);
  return place;
};

/** A number as it is read: four digits, thousands apart, a true minus. */
export const figure = x =>
  typeof x !== "number"
    ? String(x)
    : (Math.abs(x) >= 1e4 ? Math.round(x).toLocaleString("en") : String(+x.toPrecision(4))).replace("-", "\u2212");
/** Whole numbers, thousands apart, a true minus. */
export const whole = x => Math.round(x).toLocaleString("en").replace("-", "\u2212");
/** One digit after the point, a true minus. */
export const tenths = x => x.toFixed(1).replace("-", "\u2212");

/** Rows as CSV: a word with a comma, a quote or a line break stands in quotes. @param {any[][]} rows */
export const csv = rows =>
  rows
    .map(row => row.map(x => (/[",\n]/.test(String(x ?? "")) ? `"${String(x).replaceAll('"', '""')}"` : String(x ?? ""))).join(","))
    .join("\r\n") + "\r\n";

/** Gives a text away as a file. */
export const download = (name, text, kind = "text/csv") => {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: kind })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};

/** Of rows sorted or not, the one whose first value lies nearest to u. */
export const nearest = (rows, u) => rows.reduce((best, row) => (!best || Math.abs(row[0] - u) < Math.abs(best[0] - u) ? row : best), null);

/** Room for a chart: its width on the screen and the size of its type; null while it is not on the screen. */
export const room = svg => {
  const style = getComputedStyle(svg),
    widest = parseFloat(style.maxWidth) || Infinity,
    width = Math.min(svg.parentElement.clientWidth, widest);
  return width > 20 ? { width, type: parseFloat(style.fontSize) } : null;
};

/** Shows an SVG of this size. */
export const fill = (svg, width, height, inside) => {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.innerHTML = inside;
};

const safe = text => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const n = u => +u.toFixed(1);

/** @param {string} text what is said at a place @param {string} [more] attributes */
export const word = (x, y, text, more = "") => `<text x="${n(x)}" y="${n(y)}" ${more}>${safe(text)}</text>`;
export const line = (x1, y1, x2, y2, more = "") => `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" ${more}/>`;
export const box = (x, y, width, height, more = "") =>
  `<rect x="${n(x)}" y="${n(y)}" width="${n(Math.max(0, width))}" height="${n(Math.max(0, height))}" ${more}/>`;
export const dot = (x, y, r, more = "") => `<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" ${more}/>`;
/** A line through points on the screen. */
export const polyline = (points, more = "") => `<polyline points="${points.map(p => p.map(n).join(",")).join(" ")}" ${more}/>`;

// ---- marks: what a chart can show ------------------------------------------------------------------------------------------------------------------
const MARKS = {
  /** {points: [[x, y]], class} */
  line: (m, X, Y) =>
    polyline(
      m.points.map(([x, y]) => [X(x), Y(y)]),
      `class="${m.class}"`,
    ),
  /** {values, from, to, class}: bars of equal width between two places; {at: [[x, y]], wide} bars of a width in x */
  bars: (m, X, Y, frame) => {
    const wide = m.at ? m.wide : (m.to - m.from) / m.values.length,
      at = m.at || m.values.map((y, i) => [m.from + (i + 0.5) * wide, y]),
      gap = ((m.gap || 0) * wide) / 2;
    const foot = Y(m.foot ?? frame.y.low);
    return at
      .map(([x, y], i) => {
        if (!y && !m.stubs) return "";
        const a = X(x - wide / 2 + gap),
          b = X(x + wide / 2 - gap),
          end = m.stubs && foot - Y(y) < 2 ? foot - 2 : Y(y);
        return box(a, Math.min(end, foot), b - a, Math.abs(foot - end), `class="${typeof m.class === "function" ? m.class(i) : m.class}"`);
      })
      .join("");
  },
  /** {points: [[x, y]], class}: what lies under a line */
  area: (m, X, Y, f) =>
    `<polygon class="${m.class}" points="${[...m.points.map(([x, y]) => [X(x), Y(y)]), [X(m.points.at(-1)[0]), f.bottom], [X(m.points[0][0]), f.bottom]].map(p => p.map(n).join(",")).join(" ")}"/>`,
  /** {values, from, to, class}: the outline of a histogram */
  steps: (m, X, Y, f) => {
    const at = i => n(X(m.from + (i / m.values.length) * (m.to - m.from)));
    return `<path class="${m.class}" d="M${at(0)},${n(f.bottom)}${m.values.map((y, i) => `V${n(Y(y))}H${at(i + 1)}`).join("")}V${n(f.bottom)}Z"/>`;
  },
  /** {points: [[x, y]], r, class} */
  dots: (m, X, Y) =>
    m.points.map(([x, y], i) => dot(X(x), Y(y), m.r || 5, `class="${m.class}"${m.data ? ` data-i="${m.data[i]}"` : ""}`)).join(""),
  /** {x} or {y}: a line across */
  rule: (m, X, Y, f) =>
    m.x !== undefined
      ? line(X(m.x), f.top, X(m.x), f.bottom, `class="${m.class}"`)
      : line(f.left, Y(m.y), f.right, Y(m.y), `class="${m.class}"`),
  /** {low, high}: a stripe from y to y */
  band: (m, X, Y, f) => box(f.left, Y(m.high), f.right - f.left, Y(m.low) - Y(m.high), `class="${m.class}"`),
};

const states = new WeakMap(); // svg -> {spec, X, frame}
const ids = new WeakMap(); // svg -> the number in the name of what cuts its marks
let id = 0;

/**
 * Draws a chart; again with the same SVG after anything has changed.
 * @param {SVGElement} svg
 * @param {{height: number, x: Axis, y: Axis, title?: string, marks: any[], inside?: (X: any, Y: any, frame: any) => string,
 *          table?: {columns: string[], rows: any[][]}, name?: string}} spec `inside`: more SVG; `name` of the CSV file
 * @typedef {{low: number, high: number, log?: boolean, title?: string, ticks?: number | (number | [number, string])[], grid?: boolean,
 *            format?: (u: number) => string}} Axis `ticks`: how many, or which; `grid`: a line across for each
 * @returns {{X: any, Y: any, frame: any} | null} null while it is not on the screen
 */
export const chart = (svg, spec) => {
  svg.classList.add("gv-chart");
  const here = room(svg);
  if (!here) return null;
  const { width, type } = here,
    { height, x, y, title = "", marks, inside, table } = spec;
  const of = (axis, some) =>
    Array.isArray(axis.ticks) ? axis.ticks : axis.log ? log_ticks(axis.low, axis.high) : ticks(axis.low, axis.high, axis.ticks ?? some);
  const told = (axis, t) => (Array.isArray(t) ? t : [t, (axis.format || figure)(t)]);
  const ups = y.ticks === 0 ? [] : of(y, 4).map(t => told(y, t)),
    acrosses = x.ticks === 0 ? [] : of(x, width < 500 ? 4 : 7).map(t => told(x, t));
  const left = ups.length ? Math.max(...ups.map(([, t]) => t.length)) * 0.58 * type + 10 : 1,
    lines = Number(acrosses.length > 0) + Number(!!x.title || !!y.title);
  const frame = { left, right: width - 8, top: 1.7 * type, bottom: height - 0.4 * type - 1.25 * type * lines, width, height, type, x, y };
  const X = scale(x, frame.left, frame.right),
    Y = scale(y, frame.bottom, frame.top);
  let text = word(0, type, title, 'class="strong title"');
  for (const [u, t] of ups)
    text +=
      (y.grid === false ? "" : line(left, Y(u), frame.right, Y(u), 'class="grid"')) +
      word(left - 6, Y(u) + type / 3, t, 'text-anchor="end"');
  for (const [u, t] of acrosses) {
    const anchor = X(u) < left + t.length * 0.3 * type ? "start" : X(u) > frame.right - t.length * 0.3 * type ? "end" : "middle";
    text +=
      (x.grid ? line(X(u), frame.top, X(u), frame.bottom, 'class="grid"') : "") +
      word(X(u), frame.bottom + 1.2 * type, t, `text-anchor="${anchor}"`);
  }
  text += line(left, frame.bottom, frame.right, frame.bottom, 'class="axis"');
  const edge = [
    [left - 1, frame.top - 4],
    [width, frame.top - 4],
    [width, frame.bottom + 1],
    [left - 1, frame.bottom + 1],
  ]
    .map(p => p.map(n).join(","))
    .join(" ");
  const clip = `gv-clip-${(ids.has(svg) ? ids : ids.set(svg, ++id)).get(svg)}`;
  text +=
    `<clipPath id="${clip}"><polygon points="${edge}"/></clipPath><g clip-path="url(#${clip})">` +
    marks
      .filter(Boolean)
      .map(m => MARKS[m.kind](m, X, Y, frame))
      .join("") +
    "</g>" +
    (inside ? inside(X, Y, frame) : "");
  if (x.title) text += word(frame.right, height - 3, x.title, 'text-anchor="end"');
  if (y.title) text += word(0, height - 3, y.title);
  if (table)
    text += word(width, type, "CSV", 'class="csv" text-anchor="end" role="button" tabindex="0" aria-label="These values as a CSV file"');
  fill(svg, width, height, text);
  const known = states.get(svg),
    state = { spec, X, Y, frame };
  states.set(svg, state);
  if (!known) listen(svg);
  return state;
};

/** The value on the x axis under a place on the screen. */
export const across = (svg, e) => {
  const state = states.get(svg);
  return state ? state.X.back(e.clientX - svg.getBoundingClientRect().left) : NaN;
};

const listen = svg => {
  const give = () => {
    const { spec } = states.get(svg);
    download(`${spec.name || "chart"}.csv`, csv([spec.table.columns, ...spec.table.rows]));
  };
  svg.addEventListener("click", e => {
    if (e.target.closest?.(".csv")) give();
  });
  svg.addEventListener("keyup", e => {
    if (e.key === "Enter" && e.target.closest?.(".csv")) give();
  });
  pointer(svg, {
    hover: e => {
      const { spec, X, frame } = states.get(svg),
        u = across(svg, e);
      const row =
        spec.table && u >= Math.min(spec.x.low, spec.x.high) && u <= Math.max(spec.x.low, spec.x.high) ? nearest(spec.table.rows, u) : null;
      svg.querySelector(".hair")?.remove();
      const title = svg.querySelector(".title");
      if (title)
        title.textContent = row
          ? spec.table.columns
              .map((name, i) => `${name} ${figure(row[i])}`)
              .slice(0, 5)
              .join(", ")
          : spec.title || "";
      if (row) svg.insertAdjacentHTML("beforeend", line(X(row[0]), frame.top, X(row[0]), frame.bottom, 'class="hair"'));
    },
    leave: () => {
      svg.querySelector(".hair")?.remove();
      const title = svg.querySelector(".title");
      if (title) title.textContent = states.get(svg).spec.title || "";
    },
  });
};

/** Horizontal bars with names, to both sides of zero, one below the other; a press on CSV gives them away. */
export const rows = (svg, { names, values, format = figure, column = "value", name = "chart" }) => {
  svg.classList.add("gv-chart");
  const here = room(svg);
  if (!here) return;
  const { width, type } = here,
    tall = 1.7 * type,
    left = 7 * type,
    right = 4.5 * type,
    low = Math.min(0, ...values),
    high = Math.max(0, ...values);
  const x = scale({ low, high }, left + right, width - right),
    height = tall * (values.length + 1);
  const text = values.map((v, i) => {
    const y = (i + 1) * tall,
      middle = y + tall / 2 + type / 3,
      less = v < 0;
    return (
      word(0, middle, names[i]) +
      box(Math.min(x(0), x(v)), y + 2, Math.abs(x(v) - x(0)), tall - 4, `class="${less ? "less" : "more"}"`) +
      word(x(v) + (less ? -6 : 6), middle, format(v), `text-anchor="${less ? "end" : "start"}"`)
    );
  });
  const give = word(width, type, "CSV", 'class="csv" text-anchor="end" role="button" tabindex="0" aria-label="These values as a CSV file"');
  fill(svg, width, height, line(x(0), tall, x(0), height, 'class="axis"') + text.join("") + give);
  if (!states.has(svg)) listen(svg);
  states.set(svg, {
    spec: { table: { columns: ["name", column], rows: names.map((n, i) => [n, values[i]]) }, name, x: { low: 0, high: 0 } },
    X: x,
    frame: { top: 0, bottom: 0 },
  });
};

/** Draw again when the size of the widget or the look of the page changes. */
export const redraw = (element, draw) => {
  new ResizeObserver(draw).observe(element);
  addEventListener("genviz-look", draw);
};
