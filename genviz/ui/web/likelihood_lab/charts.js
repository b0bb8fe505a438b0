// The charts of likelihood_lab.js, drawn by hand: a histogram of three sets with a mark for one picture, and a ROC curve.
export const svg_make = (tag, fields = {}, text = "") => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, x] of Object.entries(fields)) e.setAttribute(k, x);
  if (text) e.textContent = text;
  return e;
};
export const nice = (low, high, most) => {   // round numbers between low and high, at most so many
  const rough = (high - low) / most, ten = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].map(k => k * ten).find(s => s >= rough), found = [];
  for (let x = Math.ceil(low / step) * step; x <= high; x += step) found.push(x);
  return found;
};
export const bits = x => (x && Math.abs(x) < 9.95 ? x.toFixed(1) : Math.round(x).toLocaleString("en")).replace("-", "\u2212");
export const type_of = svg => parseFloat(getComputedStyle(svg).fontSize);

// one score of one model: {low, high, below, bins: {train, test, other}}; mark: {score, label} or null; small: no axis, no words
export const histogram = (svg, score, mark, small, axis_title) => {
  const width = svg.parentElement.clientWidth - (small ? parseFloat(getComputedStyle(svg.parentElement).paddingLeft) * 2 : 0);
  svg.replaceChildren();
  if (!(width > 20)) return;
  const type = type_of(svg), height = small ? 2.4 * type : Math.round(Math.max(11 * type, Math.min(width * .5, innerHeight * .4)));
  const frame = { x: 2, y: small ? 3 : 2.4 * type, w: width - 4, h: small ? height - 5 : height - 6.1 * type }, base = frame.y + frame.h;
  svg.setAttribute("height", height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const n = score.bins.test.length, X = s => frame.x + (s - score.low) / (score.high - score.low) * frame.w;
  const own = Math.max(...score.bins.test, ...score.bins.train), top = Math.max(own, Math.min(Math.max(...score.bins.other), 3.5 * own)), Y = share => base - Math.min(share / top, 1) * frame.h;
  for (const which of ["other", "test", "train"]) {
    const path = score.bins[which].map((share, i) => `V${Y(share).toFixed(1)}H${(frame.x + (i + 1) / n * frame.w).toFixed(1)}`).join("");
    svg.append(svg_make("path", { class: which, d: `M${frame.x},${base}${path}V${base}Z`, ...(small && which === "train" ? { "stroke-width": 1 } : {}) }));
  }
  svg.append(svg_make("line", { class: "axis", x1: frame.x, x2: frame.x + frame.w, y1: base, y2: base }));
  if (!small) {
    for (const t of nice(score.low, score.high, Math.max(2, frame.w / (6.5 * type)))) {
      svg.append(svg_make("line", { class: "axis", x1: X(t), x2: X(t), y1: base, y2: base + .35 * type }));
      svg.append(svg_make("text", { class: "small", x: Math.max(1.4 * type, Math.min(X(t), width - 1.6 * type)), y: base + 1.45 * type, "text-anchor": "middle" }, bits(t)));
    }
    if (Math.max(...Object.values(score.below)) > .005) svg.append(svg_make("text", { class: "small", x: 0, y: base + 2.9 * type }, "\u25c2 and below"));
    svg.append(svg_make("text", { x: width, y: base + 3.0 * type, "text-anchor": "end" }, `${axis_title} \u2192`));
  }
  if (!mark) return;
  const at = Math.max(frame.x, Math.min(X(mark.score), frame.x + frame.w)), out = X(mark.score) < frame.x - 1 ? -1 : X(mark.score) > frame.x + frame.w + 1 ? 1 : 0, r = small ? 4 : .5 * type;
  svg.append(svg_make("line", { class: "mark", x1: at, x2: at, y1: frame.y - (small ? 0 : .3 * type), y2: base }));
  const y = small ? frame.y + frame.h / 2 : frame.y - .2 * type;   // outside the frame: an arrow towards where it is
  svg.append(svg_make("path", { class: "tip", d: out ? `M${at + out * r * 1.6},${y}l${-out * r * 2},${-r}v${2 * r}Z` : small ? `M${at},${base - 8}l${-r},${-2 * r}h${2 * r}Z` : `M${at},${y + r}l${-r},${-1.6 * r}h${2 * r}Z` }));
  if (!small) {
    const right = at > frame.x + frame.w / 2;
    svg.append(svg_make("text", { class: "label", x: at + (right ? -.7 : .7) * type, y: frame.y - .55 * type, "text-anchor": right ? "end" : "start" }, mark.label));
  }
};

export const curve = (svg, roc, auroc, x_title, y_title) => {
  const width = Math.min(svg.parentElement.clientWidth, 340);
  svg.replaceChildren();
  if (!(width > 20)) return;
  const type = type_of(svg), side = width - 2.6 * type, x0 = 1.9 * type, y0 = .6 * type;
  svg.setAttribute("viewBox", `0 0 ${width} ${side + 3.6 * type}`);
  svg.setAttribute("height", side + 3.6 * type);
  svg.style.width = `${width}px`;
  const at = ([x, y]) => `${(x0 + x * side).toFixed(1)},${(y0 + (1 - y) * side).toFixed(1)}`, line = roc.map(at).join(" ");
  svg.append(svg_make("polygon", { class: "under", points: `${line} ${at([1, 0])} ${at([0, 0])}` }),
    svg_make("polyline", { class: "axis", fill: "none", points: [[0, 1], [0, 0], [1, 0]].map(at).join(" ") }),
    svg_make("line", { class: "coin", x1: x0, y1: y0 + side, x2: x0 + side, y2: y0 }), svg_make("polyline", { class: "roc", points: line }));
  for (const t of [0, 1]) {
    svg.append(svg_make("text", { class: "small", x: x0 + t * side, y: y0 + side + 1.3 * type, "text-anchor": t ? "end" : "middle" }, `${100 * t} %`));
  }
  svg.append(svg_make("text", { class: "small", x: x0 + side, y: y0 + side + 2.9 * type, "text-anchor": "end" }, x_title),
    svg_make("text", { class: "small", transform: `translate(${.9 * type},${y0 + side}) rotate(-90)` }, y_title));
  const high = auroc > .5;
  svg.append(svg_make("text", { x: x0 + side * (high ? .96 : .06), y: y0 + side * (high ? .70 : .16), "text-anchor": high ? "end" : "start" }, "AUROC"),
    svg_make("text", { class: "large", x: x0 + side * (high ? .96 : .06), y: y0 + side * (high ? .70 : .16) + 1.9 * type, "text-anchor": high ? "end" : "start" }, auroc.toFixed(3)));
};
