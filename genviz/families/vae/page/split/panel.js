import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { fill, key, kl_bars, letter, nats } from "../bars.js";

export default ({ element, props, ask, watch, find }) => {
  let image = null, shown = null, mean = null, seen = {};

  const split = dom.latest(ask.split, answer => {
    shown = answer;
    pictures.paint(find(".x"), arrays.decode(answer.x)); pictures.paint(find(".y"), arrays.decode(answer.y));
    const top = Math.max(1, ...answer.pixels);
    pictures.heat(find(".h"), answer.pixels, 28, {low: 0, high: top});
    find(".top").textContent = top.toFixed(1);
    charts();
  });
  const average = dom.latest(ask.mean, answer => { mean = answer; charts(); }, {fail: () => {}});  // split says the same sentence

  // ---- the sum: two lines of nats, this picture and the average; lost reconstruction, then KL, end at minus the ELBO --------------------
  const draw_sum = () => {
    const svg = find(".sum"), width = Math.min(svg.parentElement.clientWidth, parseFloat(getComputedStyle(svg).maxWidth) || 1e9);
    if (!width) return;
    const rows = [["this picture", shown], ...(mean ? [[width < 500 ? "average" : "average test picture", mean]] : [])];
    const type = letter(svg), tall = 2 * type, gap = 1.5 * type, height = rows.length * (tall + gap) + 1.6 * type;
    const top = Math.max(...rows.map(([, r]) => r.kl - r.reconstruction), -shown.tight), x = v => v / top * (width - 5.5 * type);
    let text = "";
    rows.forEach(([title, r], i) => {
      const y = i * (tall + gap) + 1.2 * type, cut = x(-r.reconstruction), end = x(r.kl - r.reconstruction), mid = y + tall / 2 + type / 3;
      text += `<text x="0" y="${y - .3 * type}">${title}</text>` +
        `<rect x="0" y="${y}" width="${cut}" height="${tall}" fill="#33658a"/>` +
        `<rect x="${cut}" y="${y}" width="${end - cut}" height="${tall}" fill="#c2571a"/>` +
        `<text x="8" y="${mid}" style="fill: #fff">${cut > 13 * type ? "lost in reconstruction " : ""}${nats(-r.reconstruction)}</text>` +
        `<text class="strong" x="${end + 8}" y="${mid}">KL ${nats(r.kl)}</text>`;
      if (r.tight !== undefined) text += `<line x1="${x(-r.tight)}" x2="${x(-r.tight)}" y1="${y - 4}" y2="${y + tall + 4}" ` +
        `stroke="var(--body-text-color)" stroke-width="2.5"/>`;
    });
    text += `<text x="${width}" y="${height - 3}" text-anchor="end">nats</text>`;
    fill(svg, width, height, text);
  };
  const charts = () => {
    if (!shown) return;
    draw_sum();
    const elbo = shown.reconstruction - shown.kl;
    find(".words").innerHTML = `ELBO = reconstruction \u2212 KL = <span class="num">${nats(shown.reconstruction)} \u2212 ${nats(shown.kl)} = ` +
      `<b>${nats(elbo)}</b></span> nats (the reconstruction is a mean of ${shown.draws} draws of z). The line across the bar: ` +
      `IW-${shown.k} = <span class="num"><b>${nats(shown.tight)}</b></span> nats, a tighter bound on log p(x): at least about ` +
      `<span class="num">${nats(Math.max(0, shown.tight - elbo))}</span> nats of the ELBO are lost because the cloud q(z|x) is not p(z|x).`;
    kl_bars(find(".bars"), shown.each, mean && mean.each, shown.active);
    find(".about").innerHTML = key(shown.each, mean && mean.each, mean ? mean.n : 0, shown.active);
  };

  const again = () => {
    const {model, data, seed} = props.value;
    const other = model !== seen.model || data !== seen.data;
    if (other) { mean = null; average({model, data}); }
    if (image && (other || seed !== seen.seed || image !== seen.image)) split({image: image.base64, model, data, seed});
    seen = {model, data, seed, image};
  };
  mail.receive(props.value.pick, taken => { image = taken; again(); });
  watch("value", again);
  again();
  new ResizeObserver(charts).observe(element);
};
