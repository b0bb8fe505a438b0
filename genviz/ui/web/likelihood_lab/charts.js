// The charts of the lab: a histogram of three sets with a mark for one picture, and a ROC curve.
import { chart, fill, line, room, word } from "../core/chart.js";

export const bits = x => (x && Math.abs(x) < 9.95 ? x.toFixed(1) : Math.round(x).toLocaleString("en")).replace("-", "\u2212");

const ORDER = ["other", "test", "train"]; // the last one lies on top

/**
 * One score of one model: {low, high, below, bins: {train, test, other}}.
 * @param {{score: number, label: string} | null} mark one picture
 */
export const histogram = (svg, score, mark, x_title) => {
  const here = room(svg);
  if (!here) return;
  const { width, type } = here,
    own = Math.max(...score.bins.test, ...score.bins.train),
    { low, high } = score,
    n = score.bins.test.length;
  const top = Math.max(own, Math.min(Math.max(...score.bins.other), 3.5 * own)),
    at = mark && Math.max(low, Math.min(mark.score, high));
  chart(svg, {
    height: Math.round(Math.max(11 * type, Math.min(width * 0.5, innerHeight * 0.4))),
    title: "",
    name: "likelihoods",
    y: { low: 0, high: top, ticks: 0 },
    x: { low, high, format: bits, ticks: Math.max(2, width / (6.5 * type)), title: `${x_title} \u2192` },
    marks: [
      ...ORDER.map(which => ({
        kind: "steps",
        class: which,
        from: low,
        to: high,
        values: score.bins[which].map(share => Math.min(share, top)),
      })),
      mark && { kind: "rule", class: "mark", x: at },
    ],
    inside: (X, Y, { top: head, bottom, left }) => {
      const below =
        Math.max(...Object.values(score.below)) > 0.005 ? word(left, bottom + 2.6 * type, "\u25c2 and below", 'class="small"') : "";
      if (!mark) return below;
      const right = at > (low + high) / 2;
      return (
        below +
        tip(X(at), head - 0.2 * type, 0.5 * type, mark.score < low ? -1 : mark.score > high ? 1 : 0) +
        word(X(at) + (right ? -0.7 : 0.7) * type, head - 0.55 * type, mark.label, `class="label" text-anchor="${right ? "end" : "start"}"`)
      );
    },
    table: {
      columns: ["score", ...ORDER],
      rows: score.bins.test.map((_, i) => [
        +(low + ((i + 0.5) * (high - low)) / n).toFixed(2),
        ...ORDER.map(which => score.bins[which][i]),
      ]),
    },
  });
};
/** Down onto a place, or out of the frame towards where it is. */
const tip = (x, y, r, out) =>
  `<path class="tip" d="${out ? `M${x + out * r * 1.6},${y}l${-out * r * 2},${-r}v${2 * r}Z` : `M${x},${y + r}l${-r},${-1.6 * r}h${2 * r}Z`}"/>`;

/** The same without axis and words, for a row of the table. */
export const spark = (svg, score, mark) => {
  const cell = svg.parentElement,
    width = cell.clientWidth - parseFloat(getComputedStyle(cell).paddingLeft) * 2,
    type = parseFloat(getComputedStyle(svg).fontSize);
  if (!(width > 20)) return fill(svg, 0, 0, "");
  const height = 2.4 * type,
    foot = height - 2,
    own = Math.max(...score.bins.test, ...score.bins.train),
    top = Math.max(own, Math.min(Math.max(...score.bins.other), 3.5 * own));
  const n = score.bins.test.length,
    x = u => 2 + ((u - score.low) / (score.high - score.low)) * (width - 4),
    y = share => foot - Math.min(share / top, 1) * (height - 5);
  const outline = which =>
    `<path class="${which}"${which === "train" ? ' stroke-width="1"' : ""} d="M2,${foot}${score.bins[which].map((share, i) => `V${y(share).toFixed(1)}H${(2 + ((i + 1) / n) * (width - 4)).toFixed(1)}`).join("")}V${foot}Z"/>`;
  const at = mark && Math.max(2, Math.min(x(mark.score), width - 2)),
    out = mark && (x(mark.score) < 1 ? -1 : x(mark.score) > width - 1 ? 1 : 0);
  fill(
    svg,
    width,
    height,
    ORDER.map(outline).join("") +
      line(2, foot, width - 2, foot, 'class="axis"') +
      (mark ? line(at, 3, at, foot, 'class="mark"') + tip(at, out ? height / 2 : foot - 12, 4, out) : ""),
  );
};

/** Hits against false alarms, points in [0, 1]. */
export const curve = (svg, roc, auroc, x_title, y_title) => {
  const here = room(svg);
  if (!here) return;
  const { type } = here,
    high = auroc > 0.5,
    x = high ? 0.96 : 0.06,
    y = high ? 0.3 : 0.84,
    anchor = `text-anchor="${high ? "end" : "start"}"`;
  const percent = u => `${100 * u} %`,
    corners = [
      [0, 0],
      [1, 1],
    ];
  chart(svg, {
    height: Math.min(here.width, 340),
    title: y_title,
    name: "roc",
    x: { low: 0, high: 1, ticks: [0, 1], format: percent, title: x_title },
    y: { low: 0, high: 1, ticks: [0, 1], format: percent, grid: false },
    marks: [
      { kind: "area", class: "under", points: roc },
      { kind: "line", class: "coin", points: corners },
      { kind: "line", class: "roc", points: roc },
    ],
    inside: (X, Y) => word(X(x), Y(y), "AUROC", anchor) + word(X(x), Y(y) + 1.9 * type, auroc.toFixed(3), `class="large" ${anchor}`),
    table: { columns: ["false alarms", "hits"], rows: roc },
  });
};
