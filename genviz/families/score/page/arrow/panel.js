import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as films from "../../../../ui/web/core/films.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { fill, letter, three } from "../chart.js";

export default ({ element, props, ask, watch, find }) => {
  const v = () => props.value;
  const low = Math.log(v().smallest), high = Math.log(v().largest), slider = find(".sigma"), svg = find(".curve");
  let image = null, shown = null, curve = null, seen = {};
  const sigma_of = () => Math.exp(low + slider.value * (high - low));

  const look = dom.latest(ask.look, (answer, asked) => {
    shown = {...answer, sigma: asked.sigma};
    pictures.paint(find(".x"), arrays.decode(answer.x)); pictures.paint(find(".x0"), arrays.decode(answer.x0_hat));
    pictures.heat(find(".score"), answer.score, 28, {signed: true});
    const known = (asked.sigma * answer.norm) ** 2;
    find(".say").innerHTML = `Length of the score <b class="num">${three(answer.norm)}</b>; times sigma, <b class="num">${three(asked.sigma * answer.norm)}</b> of about 28. ` +
      `About <b class="num">${Math.max(0, 784 - known).toFixed(0)}</b> of 784 directions may be picture rather than noise.`;
    draw();
  });
  const along = dom.latest(ask.curve, answer => { curve = answer; draw(); });

  const draw = () => {  // both axes logarithmic
    const width = Math.min(svg.parentElement.clientWidth, parseFloat(getComputedStyle(svg).maxWidth) || 1e9), type = letter(svg), height = 17 * type;
    if (!width || !curve) return;
    const left = 3.6 * type, right = width - type, top = type, bottom = height - 2.6 * type, ends = [Math.log(.3), Math.log(4000)];
    const x = s => left + (Math.log(s) - low) / (high - low) * (right - left), y = n => bottom - (Math.log(n) - ends[0]) / (ends[1] - ends[0]) * (bottom - top);
    let text = "";
    for (const s of [.01, .1, 1, 10]) text += `<line class="grid" x1="${x(s)}" x2="${x(s)}" y1="${top}" y2="${bottom}"/><text x="${x(s)}" y="${bottom + 1.2 * type}" text-anchor="middle">${s}</text>`;
    for (const n of [1, 10, 100, 1000]) text += `<line class="grid" x1="${left}" x2="${right}" y1="${y(n)}" y2="${y(n)}"/><text x="${left - 6}" y="${y(n) + type / 3}" text-anchor="end">${n}</text>`;
    text += `<text x="${right}" y="${height - 2}" text-anchor="end">sigma</text><text x="${left + 8}" y="${top + type}">length of the score</text>`;
    text += `<line class="reference" x1="${x(v().smallest)}" x2="${x(v().largest)}" y1="${y(28 / v().smallest)}" y2="${y(28 / v().largest)}"/>`;
    text += `<polyline class="line" points="${curve.sigmas.map((s, i) => `${x(s)},${y(Math.max(curve.norms[i], .3))}`).join(" ")}"/>`;
    if (shown) text += `<line class="mark" x1="${x(shown.sigma)}" x2="${x(shown.sigma)}" y1="${top}" y2="${bottom}"/><circle class="dot" cx="${x(shown.sigma)}" cy="${y(Math.max(shown.norm, .3))}" r="5"/>`;
    fill(svg, width, height, text);
  };

  const again = () => {
    const {model, data, seed} = v(), asked = image && image.base64 + model + data + seed;
    find("output").textContent = `sigma = ${sigma_of().toPrecision(3)}`;
    if (!image) return;
    look({image: image.base64, sigma: sigma_of(), model, data, seed: seed || 0});
    if (asked !== seen) { seen = asked; along({image: image.base64, model, data, seed: seed || 0}); }
  };
  slider.addEventListener("input", again);
  find(".walk").addEventListener("click", () => {
    if (!image) return dom.toast("Choose a picture first.");
    const sampler = find(".sampler").value;
    films.film(v().player, {
      model: v().model, data: v().data, walk: "diffuse", n: 4, seed: v().seed || 0,
      knobs: {sampler, steps: +find(".steps").value, corrector: sampler === "annealed_langevin" ? 3 : 1, snr: sampler === "annealed_langevin" ? .3 : .16},
      given: {x: arrays.encode(image.pixels), sigma: sigma_of()},
    });
  });
  watch("value", again);
  mail.receive(v().pick, taken => { image = taken; again(); });
  again();
  new ResizeObserver(draw).observe(element);
};
