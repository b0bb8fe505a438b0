// What the server found for one picture: z per scale, the sum, and a bar for every layer.
import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { redraw, rows, tenths } from "../../../../ui/web/core/chart.js";

export default ({ element, props, ask, watch, find }) => {
  const nats = tenths;
  let image = null,
    shown = null,
    seen = {};

  const corners = (z, side) => {
    // every second row and column of (side, side): [first, beside, below, across]
    const half = side / 2;
    return [0, 1, 2, 3].map(k =>
      Array.from({ length: half * half }, (_, i) => z[(2 * Math.floor(i / half) + (k >> 1)) * side + 2 * (i % half) + (k & 1)]),
    );
  };
  const tiles = (parts, side) => {
    // squares side by side, a column of grey between them
    const wide = parts.length * side + parts.length - 1,
      out = new Array(wide * side).fill(0);
    parts.forEach((part, k) =>
      part.forEach((v, i) => {
        out[Math.floor(i / side) * wide + k * (side + 1) + (i % side)] = v;
      }),
    );
    return { numbers: out, wide };
  };
  const scales = answer => {
    const fine = corners(answer.z, 28),
      coarse = corners(fine[0], 14),
      titles = [
        { title: "settled at 14 \u00d7 14", parts: fine.slice(1), side: 14 },
        { title: "settled at 7 \u00d7 7", parts: coarse.slice(1), side: 7 },
        { title: "the last 49", parts: [coarse[0]], side: 7 },
      ];
    find(".scales").replaceChildren(
      ...titles.map(({ title, parts, side }, i) => {
        const figure = document.createElement("figure"),
          canvas = document.createElement("canvas"),
          caption = document.createElement("figcaption");
        const { numbers, wide } = tiles(parts, side);
        pictures.heat(canvas, numbers, wide, { signed: true, low: -3, high: 3 });
        canvas.style.aspectRatio = String(wide / side);
        figure.style.flex = String(parts.length * Math.sqrt(side));
        caption.innerHTML = `${title}: log p(z) = <span class="num">${nats(answer.log_prior[i])}</span> nats for ${parts.length * side * side} numbers`;
        figure.append(canvas, caption);
        return figure;
      }),
    );
  };
  const sum = a => {
    const bound = a.log_prob - a.log_q,
      bits = v => (-v / a.dims / Math.LN2).toFixed(3);
    const rows = [
      ["log p(z)", a.prior, `how central z lies; a draw from the prior has about ${nats(a.typical)}`],
      ["+ ladj", a.ladj_sum, "how much all layers stretch there"],
      ["= log p(x + u)", a.log_prob, `exact: <span class="num">${bits(a.log_prob)}</span> bits/dim of the picture with its noise`, 1],
      ["\u2212 log q(u | x)", -a.log_q, "what the noise cost, and is paid back"],
      ["\u2264 log P(x)", bound, `for the bytes, a bound: at most <span class="num">${bits(bound)}</span> bits/dim`, 1],
    ];
    find(".sum").innerHTML = rows
      .map(([name, value, why, total]) => {
        const c = total ? ' class="total"' : "";
        return `<dt${c}>${name}</dt><dd class="num${total ? " total" : ""}">${nats(value)}</dd><dd class="why${total ? " total" : ""}">${why}</dd>`;
      })
      .join("");
    find(".words").innerHTML =
      `In nats, with a unit of one grey level. ${a.k} draws of the noise instead of one make the bound ` +
      `<b class="num">${nats(a.tight)}</b> nats, <b class="num">${bits(a.tight)}</b> bits/dim.`;
  };
  const bars = () => {
    if (!shown) return;
    rows(find(".bars"), { names: shown.names, values: shown.ladj, format: tenths, column: "ladj in nats", name: "layers" });
  };
  const invert = dom.latest(ask.invert, async answer => {
    shown = answer;
    for (const name of ["noisy", "back"]) pictures.paint(find(`.${name}`), arrays.decode(answer[name]));
    pictures.heat(find(".z"), answer.z, 28, { signed: true, low: -3, high: 3 });
    find(".error").textContent = answer.error;
    find(".same").textContent = answer.same
      ? "Rounded down to bytes, all 784 pixels are the same again."
      : "Rounded down to bytes, some pixels differ.";
    find(".about").textContent =
      "ladj of every layer in nats, on the way to z: orange stretches, so that the density there is higher than it looks from z; blue squeezes.";
    scales(answer);
    sum(answer);
    bars();
  });
  const again = () => {
    const { model, data, seed } = props.value;
    find(".lesson").textContent = props.value.lesson[`${model} ${data}`] || "";
    if (image && (model !== seen.model || data !== seen.data || seed !== seen.seed || image !== seen.image))
      invert({ image: image.base64, model, data, seed });
    seen = { model, data, seed, image };
  };
  mail.receive(props.value.pick, taken => {
    image = taken;
    again();
  });
  watch("value", again);
  again();
  redraw(element, bars);
};
