// What the server found for one picture: z per scale, the sum, and a bar for every layer.
import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ element, props, ask, watch, find }) => {
  const nats = v => v.toFixed(1).replace("-", "\u2212");
  let image = null, shown = null, seen = {};

  const corners = (z, side) => {  // every second row and column of (side, side): [first, beside, below, across]
    const half = side / 2;
    return [0, 1, 2, 3].map(k => Array.from({length: half * half}, (_, i) =>
      z[(2 * Math.floor(i / half) + (k >> 1)) * side + 2 * (i % half) + (k & 1)]));
  };
  const tiles = (parts, side) => {  // squares side by side, a column of grey between them
    const wide = parts.length * side + parts.length - 1, out = new Array(wide * side).fill(0);
    parts.forEach((part, k) => part.forEach((v, i) => { out[Math.floor(i / side) * wide + k * (side + 1) + i % side] = v; }));
    return [out, wide];
  };
  const scales = answer => {
    const fine = corners(answer.z, 28), coarse = corners(fine[0], 14), titles = [
      ["settled at 14 \u00d7 14", fine.slice(1), 14], ["settled at 7 \u00d7 7", coarse.slice(1), 7], ["the last 49", [coarse[0]], 7]];
    find(".scales").replaceChildren(...titles.map(([title, parts, side], i) => {
      const figure = document.createElement("figure"), canvas = document.createElement("canvas"), caption = document.createElement("figcaption");
      const [numbers, wide] = tiles(parts, side);
      pictures.heat(canvas, numbers, wide, {signed: true, low: -3, high: 3});
      canvas.style.aspectRatio = wide / side; figure.style.flex = parts.length * Math.sqrt(side);
      caption.innerHTML = `${title}: log p(z) = <span class="num">${nats(answer.log_prior[i])}</span> nats for ${parts.length * side * side} numbers`;
      figure.append(canvas, caption);
      return figure;
    }));
  };
  const sum = a => {
    const bound = a.log_prob - a.log_q, bits = v => (-v / a.dims / Math.LN2).toFixed(3);
    const rows = [
      ["log p(z)", a.prior, `how central z lies; a draw from the prior has about ${nats(a.typical)}`],
      ["+ ladj", a.ladj_sum, "how much all layers stretch there"],
      ["= log p(x + u)", a.log_prob, `exact: <span class="num">${bits(a.log_prob)}</span> bits/dim of the picture with its noise`, 1],
      ["\u2212 log q(u | x)", -a.log_q, "what the noise cost, and is paid back"],
      ["\u2264 log P(x)", bound, `for the bytes, a bound: at most <span class="num">${bits(bound)}</span> bits/dim`, 1]];
    find(".sum").innerHTML = rows.map(([name, value, why, total]) => {
      const c = total ? ' class="total"' : "";
      return `<dt${c}>${name}</dt><dd class="num${total ? " total" : ""}">${nats(value)}</dd><dd class="why${total ? " total" : ""}">${why}</dd>`;
    }).join("");
    find(".words").innerHTML = `In nats, with a unit of one grey level. ${a.k} draws of the noise instead of one make the bound ` +
      `<b class="num">${nats(a.tight)}</b> nats, <b class="num">${bits(a.tight)}</b> bits/dim.`;
  };
  const bars = () => {
    if (!shown) return;
    const svg = find(".bars"), width = Math.min(element.clientWidth, parseFloat(getComputedStyle(svg).maxWidth) || 1e9);
    if (!width) return;
    const type = parseFloat(getComputedStyle(svg).fontSize), tall = 1.7 * type, left = 7 * type, right = 4.5 * type;
    const low = Math.min(0, ...shown.ladj), high = Math.max(0, ...shown.ladj), x = v => left + right + (v - low) / (high - low || 1) * (width - left - 2 * right);
    let text = `<line class="axis" x1="${x(0)}" x2="${x(0)}" y1="0" y2="${tall * shown.ladj.length}"/>`;
    shown.ladj.forEach((v, i) => {
      const y = i * tall, middle = y + tall / 2 + type / 3;
      text += `<text x="0" y="${middle}">${shown.names[i]}</text>` +
        `<rect x="${Math.min(x(0), x(v))}" y="${y + 2}" width="${Math.abs(x(v) - x(0))}" height="${tall - 4}" fill="${v < 0 ? "#2166ac" : "#d65414"}"/>` +
        `<text x="${x(v) + (v < 0 ? -6 : 6)}" y="${middle}" text-anchor="${v < 0 ? "end" : "start"}">${nats(v)}</text>`;
    });
    svg.setAttribute("viewBox", `0 0 ${width} ${tall * shown.ladj.length}`); svg.setAttribute("width", width);
    svg.setAttribute("height", tall * shown.ladj.length); svg.innerHTML = text;
  };
  const invert = dom.latest(ask.invert, async answer => {
    shown = answer;
    for (const name of ["noisy", "back"]) pictures.paint(find(`.${name}`), arrays.decode(answer[name]));
    pictures.heat(find(".z"), answer.z, 28, {signed: true, low: -3, high: 3});
    find(".error").textContent = answer.error;
    find(".same").textContent = answer.same ? "Rounded down to bytes, all 784 pixels are the same again." : "Rounded down to bytes, some pixels differ.";
    find(".about").textContent = "ladj of every layer in nats, on the way to z: orange stretches, so that the density there is higher than it looks from z; blue squeezes.";
    scales(answer); sum(answer); bars();
  });
  const again = () => {
    const {model, data, seed} = props.value;
    if (image && (model !== seen.model || data !== seen.data || seed !== seen.seed || image !== seen.image)) invert({image: image.base64, model, data, seed});
    seen = {model, data, seed, image};
  };
  mail.receive(props.value.pick, taken => { image = taken; again(); });
  watch("value", again);
  new ResizeObserver(bars).observe(element);
};
