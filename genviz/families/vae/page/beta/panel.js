import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { chart, fill, redraw, tenths, word } from "../../../../ui/web/core/chart.js";
import { key, kl_bars } from "../bars.js";

export default ({ element, props, ask, watch, find }) => {
  const betas = props.value.betas,
    { n, active } = props.value,
    name = b => `\u03b2 = ${b}`;
  let chosen = Math.max(0, betas.indexOf(1)),
    image = null,
    copies = null,
    curve = null,
    seen = {};

  // ---- columns: the picture, then one for each beta --------------------------------------------------------------------------
  find(".columns").innerHTML =
    `<div class="column source"><b>x</b><figure><canvas class="x" width="28" height="28"></canvas>
    <figcaption>black and white as in training</figcaption></figure></div>` +
    betas
      .map(
        (b, i) =>
          `<div class="column" data-i="${i}"><button type="button" value="${b}">${name(b)}</button>
     <figure><canvas class="y" width="28" height="28"></canvas><figcaption class="parts"></figcaption></figure>
     <figure><canvas class="s" width="112" height="112"></canvas><figcaption class="drawn">samples</figcaption></figure></div>`,
      )
      .join("");
  const columns = [...element.querySelectorAll(".column[data-i]")];
  const choose = i => {
    chosen = i;
    columns.forEach((c, k) => {
      c.classList.toggle("on", k === i);
      c.querySelector("button").setAttribute("aria-pressed", k === i);
    });
    charts();
  };
  columns.forEach((c, i) => c.querySelector("button").addEventListener("click", () => choose(i)));

  const copy = dom.latest(ask.copies, answer => {
    copies = answer.copies;
    if (answer.x) pictures.paint(find(".x"), arrays.decode(answer.x));
    copies.forEach((one, i) => {
      const c = columns[i],
        words = c.querySelector(".parts");
      if (one.missing) {
        words.textContent = one.missing;
        return;
      }
      pictures.paint(c.querySelector(".y"), arrays.decode(one.y));
      words.innerHTML =
        `reconstruction <span class="num">${tenths(one.reconstruction)}</span>, KL <span class="num">${tenths(one.kl)}</span>, ` +
        `ELBO <span class="num">${tenths(one.reconstruction - one.kl)} nats</span>`;
    });
    charts();
  });
  const sample = dom.latest(ask.samples, answers =>
    answers.forEach((one, i) => {
      const words = columns[i].querySelector(".drawn");
      if (one.missing) {
        words.textContent = one.missing;
        return;
      }
      pictures.draw(columns[i].querySelector(".s"), one.sprite);
      words.textContent = "samples, the same z for each \u03b2";
    }),
  );
  const trace = dom.latest(ask.curve, answer => {
    curve = answer;
    charts();
  });

  // ---- rate against distortion -------------------------------------------------------------------------------------------------
  const draw_curve = () => {
    const svg = find(".curve"),
      points = (curve || []).map((c, i) => c && { i, r: c.kl, d: -c.reconstruction }).filter(Boolean);
    if (!points.length) {
      fill(svg, 0, 0, "");
      find(".about-curve").textContent = "";
      return;
    }
    const span = (a, pad) => {
      const low = Math.min(...a),
        high = Math.max(...a),
        m = Math.max((high - low) * pad, 1);
      return [low - m, high + m];
    };
    const [r0, r1] = [
        0,
        span(
          points.map(p => p.r),
          0.25,
        )[1],
      ],
      [d0, d1] = span(
        points.map(p => p.d),
        0.3,
      ),
      at = points.find(p => p.i === chosen);
    const tangent = b => r => at.d + b * at.r - b * r; // the straight line on which distortion + beta rate is constant
    chart(svg, {
      height: Math.max(300, 20 * parseFloat(getComputedStyle(svg).fontSize)),
      title: "distortion: \u2212reconstruction in nats",
      name: "rate-distortion",
      x: { low: r0, high: r1, grid: true, title: "rate: KL in nats" },
      y: { low: d0, high: d1 },
      marks: [
        at && { kind: "line", class: "tangent", points: [r0, r1].map(r => [r, tangent(betas[chosen])(r)]) },
        { kind: "line", class: "line", points: points.map(p => [p.r, p.d]) },
        ...points.map(p => ({ kind: "dots", class: p.i === chosen ? "on" : "", points: [[p.r, p.d]], r: 7, data: [p.i] })),
      ],
      inside: (X, Y, { right, type }) =>
        points
          .map(p => {
            const end = X(p.r) > right * 0.8;
            return word(
              X(p.r) + (end ? 0 : 0.7 * type),
              Y(p.d) - type,
              name(betas[p.i]),
              `class="strong" text-anchor="${end ? "end" : "start"}"`,
            );
          })
          .join(""),
      table: { columns: ["rate", "distortion", "beta"], rows: points.map(p => [p.r, p.d, betas[p.i]]) },
    });
    svg.querySelectorAll("circle").forEach(c => c.addEventListener("click", () => choose(+c.dataset.i)));
    find(".about-curve").innerHTML =
      `Averages of ${n.toLocaleString("en")} test pictures, computed here. ` +
      (at
        ? `${name(betas[chosen])}: rate <span class="num">${tenths(at.r)}</span>, distortion <span class="num">${tenths(at.d)}</span>, ` +
          `\u2212ELBO <span class="num">${tenths(at.r + at.d)} nats</span>. Training pushed the dashed line, distortion + ${betas[chosen]} \u00b7 rate, ` +
          `down and to the left.`
        : "");
  };
  const charts = () => {
    draw_curve();
    const one = copies && copies[chosen],
      mean = curve && curve[chosen],
      about = find(".about-bars");
    if (!one || one.missing) {
      fill(find(".bars"), 0, 0, "");
      about.textContent = one ? one.missing : "";
      return;
    }
    kl_bars(find(".bars"), one.each, mean && mean.each, active);
    about.innerHTML = `${name(betas[chosen])}. ` + key(one.each, mean && mean.each, n, active);
  };

  // ---- what changed ------------------------------------------------------------------------------------------------------------
  const again = () => {
    const { data, seed } = props.value;
    if (data !== seen.data) {
      curve = null;
      trace({ data });
    }
    if (data !== seen.data || seed !== seen.seed) sample({ data, seed });
    if (image && (data !== seen.data || seed !== seen.seed || image !== seen.image)) copy({ image: image.base64, data, seed });
    seen = { data, seed, image };
  };
  mail.receive(props.value.pick, taken => {
    image = taken;
    again();
  });
  watch("value", again);
  choose(chosen);
  again();
  redraw(element, charts);
};
