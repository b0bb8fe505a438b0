import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { fill, key, kl_bars, letter, nats, nice } from "../bars.js";

export default ({ element, props, ask, watch, find }) => {
  const betas = props.value.betas, {n, active} = props.value, name = b => `\u03b2 = ${b}`;
  let chosen = Math.max(0, betas.indexOf(1)), image = null, copies = null, curve = null, seen = {};

  // ---- columns: the picture, then one for each beta --------------------------------------------------------------------------
  find(".columns").innerHTML = `<div class="column source"><b>x</b><figure><canvas class="x" width="28" height="28"></canvas>
    <figcaption>black and white as in training</figcaption></figure></div>` + betas.map((b, i) =>
    `<div class="column" data-i="${i}"><button type="button" value="${b}">${name(b)}</button>
     <figure><canvas class="y" width="28" height="28"></canvas><figcaption class="parts"></figcaption></figure>
     <figure><canvas class="s" width="112" height="112"></canvas><figcaption class="drawn">samples</figcaption></figure></div>`).join("");
  const columns = [...element.querySelectorAll(".column[data-i]")];
  const choose = i => {
    chosen = i;
    columns.forEach((c, k) => { c.classList.toggle("on", k === i); c.querySelector("button").setAttribute("aria-pressed", k === i); });
    charts();
  };
  columns.forEach((c, i) => c.querySelector("button").addEventListener("click", () => choose(i)));

  const copy = dom.latest(ask.copies, answer => {
    copies = answer.copies;
    if (answer.x) pictures.paint(find(".x"), arrays.decode(answer.x));
    copies.forEach((one, i) => {
      const c = columns[i], words = c.querySelector(".parts");
      if (one.missing) { words.textContent = one.missing; return; }
      pictures.paint(c.querySelector(".y"), arrays.decode(one.y));
      words.innerHTML = `reconstruction <span class="num">${nats(one.reconstruction)}</span>, KL <span class="num">${nats(one.kl)}</span>, ` +
        `ELBO <span class="num">${nats(one.reconstruction - one.kl)} nats</span>`;
    });
    charts();
  });
  const sample = dom.latest(ask.samples, answers => answers.forEach((one, i) => {
    const words = columns[i].querySelector(".drawn");
    if (one.missing) { words.textContent = one.missing; return; }
    pictures.draw(columns[i].querySelector(".s"), one.sprite);
    words.textContent = "samples, the same z for each \u03b2";
  }));
  const trace = dom.latest(ask.curve, answer => { curve = answer; charts(); });

  // ---- rate against distortion -------------------------------------------------------------------------------------------------
  const draw_curve = () => {
    const svg = find(".curve"), width = svg.parentElement.clientWidth;
    const points = (curve || []).map((c, i) => c && {i, r: c.kl, d: -c.reconstruction}).filter(Boolean);
    if (!width || !points.length) { svg.innerHTML = ""; find(".about-curve").textContent = ""; return; }
    const type = letter(svg), left = 3.4 * type, over = 1.8 * type, bottom = 2.8 * type, height = Math.max(300, 20 * type);
    const span = (a, pad) => { const low = Math.min(...a), high = Math.max(...a), m = Math.max((high - low) * pad, 1); return [low - m, high + m]; };
    const [r0, r1] = [0, span(points.map(p => p.r), .25)[1]], [d0, d1] = span(points.map(p => p.d), .3);
    const x = r => left + (r - r0) / (r1 - r0) * (width - left - 8), y = d => (height - bottom) - (d - d0) / (d1 - d0) * (height - bottom - over);
    let text = "";
    for (let s = nice(r1 - r0), v = Math.ceil(r0 / s) * s; v <= r1; v += s)
      text += `<line class="grid" x1="${x(v)}" x2="${x(v)}" y1="${y(d0)}" y2="${y(d1)}"/>` +
              `<text x="${x(v)}" y="${y(d0) + 1.2 * type}" text-anchor="middle">${+v.toFixed(2)}</text>`;
    for (let s = nice(d1 - d0), v = Math.ceil(d0 / s) * s; v <= d1; v += s)
      text += `<line class="grid" x1="${left}" x2="${width}" y1="${y(v)}" y2="${y(v)}"/>` +
              `<text x="${left - 6}" y="${y(v) + type / 3}" text-anchor="end">${+v.toFixed(2)}</text>`;
    text += `<line class="axis" x1="${left}" x2="${left}" y1="${y(d0)}" y2="${y(d1)}"/>` +
            `<line class="axis" x1="${left}" x2="${width}" y1="${y(d0)}" y2="${y(d0)}"/>`;
    const at = points.find(p => p.i === chosen);
    if (at) {  // the straight line on which distortion + beta rate is constant, cut to the frame
      const b = betas[chosen], c = at.d + b * at.r, ends = [r0, r1, (c - d0) / b, (c - d1) / b].filter(r => r >= r0 && r <= r1)
        .map(r => [r, c - b * r]).filter(([, d]) => d >= d0 - 1e-6 && d <= d1 + 1e-6).sort((p, q) => p[0] - q[0]);
      if (ends.length > 1) { const [p, q] = [ends[0], ends.at(-1)];
        text += `<line class="tangent" x1="${x(p[0])}" y1="${y(p[1])}" x2="${x(q[0])}" y2="${y(q[1])}"/>`; }
    }
    text += `<polyline class="line" points="${points.map(p => `${x(p.r)},${y(p.d)}`).join(" ")}"/>`;
    for (const p of points)
      text += `<circle data-i="${p.i}" class="${p.i === chosen ? "on" : ""}" cx="${x(p.r)}" cy="${y(p.d)}" r="${type * .55}"/>` +
              `<text class="strong" x="${x(p.r)}" y="${y(p.d) - type}" text-anchor="${x(p.r) > width * .8 ? "end" : "start"}" ` +
              `dx="${x(p.r) > width * .8 ? 0 : type * .7}">${name(betas[p.i])}</text>`;
    text += `<text x="${width}" y="${height - 4}" text-anchor="end">rate: KL in nats</text>` +
            `<text x="0" y="${type}">distortion: \u2212reconstruction in nats</text>`;
    fill(svg, width, height, text);
    svg.querySelectorAll("circle").forEach(c => c.addEventListener("click", () => choose(+c.dataset.i)));
    find(".about-curve").innerHTML = `Averages of ${n.toLocaleString("en")} test pictures, computed here. ` + (at ?
      `${name(betas[chosen])}: rate <span class="num">${nats(at.r)}</span>, distortion <span class="num">${nats(at.d)}</span>, ` +
      `\u2212ELBO <span class="num">${nats(at.r + at.d)} nats</span>. Training pushed the dashed line, distortion + ${betas[chosen]} \u00b7 rate, ` +
      `down and to the left.` : "");
  };
  const charts = () => {
    draw_curve();
    const one = copies && copies[chosen], mean = curve && curve[chosen], about = find(".about-bars");
    if (!one || one.missing) { find(".bars").innerHTML = ""; about.textContent = one ? one.missing : ""; return; }
    kl_bars(find(".bars"), one.each, mean && mean.each, active);
    about.innerHTML = `${name(betas[chosen])}. ` + key(one.each, mean && mean.each, n, active);
  };

  // ---- what changed ------------------------------------------------------------------------------------------------------------
  const again = () => {
    const {data, seed} = props.value;
    if (data !== seen.data) { curve = null; trace({data}); }
    if (data !== seen.data || seed !== seen.seed) sample({data, seed});
    if (image && (data !== seen.data || seed !== seen.seed || image !== seen.image)) copy({image: image.base64, data, seed});
    seen = {data, seed, image};
  };
  mail.receive(props.value.pick, taken => { image = taken; again(); });
  watch("value", again);
  choose(chosen); again();
  new ResizeObserver(charts).observe(element);
};
