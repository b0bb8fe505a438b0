import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as films from "../../../../ui/web/core/films.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { chart, redraw } from "../../../../ui/web/core/chart.js";

export default ({ element, props, ask, watch, find }) => {
  const v = () => props.value;
  const three = value => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2));
  const low = Math.log(v().smallest),
    high = Math.log(v().largest),
    slider = find(".sigma"),
    svg = find(".curve");
  let image = null,
    shown = null,
    curve = null,
    seen = {};
  const sigma_of = () => Math.exp(low + slider.value * (high - low));

  const look = dom.latest(ask.look, (answer, asked) => {
    shown = { ...answer, sigma: asked.sigma };
    pictures.paint(find(".x"), arrays.decode(answer.x));
    pictures.paint(find(".x0"), arrays.decode(answer.x0_hat));
    pictures.heat(find(".score"), answer.score, 28, { signed: true });
    const known = (asked.sigma * answer.norm) ** 2;
    find(".say").innerHTML =
      `Length of the score <b class="num">${three(answer.norm)}</b>; times sigma, <b class="num">${three(asked.sigma * answer.norm)}</b> of about 28. ` +
      `About <b class="num">${Math.max(0, 784 - known).toFixed(0)}</b> of 784 directions may be picture rather than noise.`;
    draw();
  });
  const along = dom.latest(ask.curve, answer => {
    curve = answer;
    draw();
  });

  const draw = () => {
    // both axes logarithmic
    if (!curve) return;
    const { smallest, largest } = v(),
      seen_at = y => Math.max(y, 0.3);
    chart(svg, {
      height: 17 * parseFloat(getComputedStyle(svg).fontSize),
      title: "length of the score",
      name: "score",
      x: { low: smallest, high: largest, log: true, grid: true, title: "sigma" },
      y: { low: 0.3, high: 4000, log: true, ticks: [1, 10, 100, 1000], format: String },
      marks: [
        {
          kind: "line",
          class: "reference",
          points: [
            [smallest, 28 / smallest],
            [largest, 28 / largest],
          ],
        },
        { kind: "line", class: "line", points: curve.sigmas.map((s, i) => [s, seen_at(curve.norms[i])]) },
        shown && { kind: "rule", class: "mark", x: shown.sigma },
        shown && { kind: "dots", class: "dot", points: [[shown.sigma, seen_at(shown.norm)]] },
      ],
      table: { columns: ["sigma", "length of the score"], rows: curve.sigmas.map((s, i) => [s, curve.norms[i]]) },
    });
  };

  const again = () => {
    const { model, data, seed } = v(),
      asked = image && image.base64 + model + data + seed;
    find("output").textContent = `sigma = ${sigma_of().toPrecision(3)}`;
    if (!image) return;
    look({ image: image.base64, sigma: sigma_of(), model, data, seed: seed || 0 });
    if (asked !== seen) {
      seen = asked;
      along({ image: image.base64, model, data, seed: seed || 0 });
    }
  };
  slider.addEventListener("input", again);
  find(".walk").addEventListener("click", () => {
    if (!image) return dom.toast("Choose a picture first.");
    const sampler = find(".sampler").value;
    films.film(v().player, {
      model: v().model,
      data: v().data,
      walk: "diffuse",
      n: 4,
      seed: v().seed || 0,
      knobs: {
        sampler,
        steps: +find(".steps").value,
        corrector: sampler === "annealed_langevin" ? 3 : 1,
        snr: sampler === "annealed_langevin" ? 0.3 : 0.16,
      },
      given: { x: arrays.encode(image.pixels), sigma: sigma_of() },
    });
  });
  watch("value", again);
  mail.receive(v().pick, taken => {
    image = taken;
    again();
  });
  again();
  redraw(element, draw);
};
