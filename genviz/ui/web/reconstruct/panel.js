import * as arrays from "../core/arrays.js";
import { chart, redraw } from "../core/chart.js";
import * as dom from "../core/dom.js";
import * as mail from "../core/mail.js";
import * as pictures from "../core/pictures.js";

export default ({ element, props, ask, watch, find }) => {
  let image = null,
    shown = null;
  const draw = dom.latest(ask.reconstruct, (answer, asked) => {
    const x = arrays.decode(asked.image),
      y = arrays.decode(answer.y);
    pictures.paint(find(".x"), x);
    pictures.paint(find(".y"), y);
    pictures.heat(
      find(".d"),
      [...y].map((v, i) => v - x[i]),
      28,
      { signed: true, low: -255, high: 255 },
    );
    shown = answer;
    bars();
  });
  const again = () => {
    if (image) draw({ image: image.base64, model: props.value.model, data: props.value.data });
  };
  const bars = () => {
    if (!shown) return;
    const { mu, sigma } = shown,
      n = mu.length,
      top = Math.max(3, ...mu.map(Math.abs));
    chart(find(".bars"), {
      height: 170,
      title: "",
      name: "latent",
      x: { low: -0.5, high: n - 0.5, ticks: 0 },
      y: { low: -top, high: top, ticks: [-Math.floor(top), 0, Math.floor(top)] },
      marks: [
        { kind: "bars", foot: 0, at: mu.map((m, i) => [i, m]), wide: 1, gap: 0.3, class: "active" },
        ...mu.map((m, i) => ({
          kind: "line",
          class: "mark",
          points: [
            [i, m - sigma[i]],
            [i, m + sigma[i]],
          ],
        })),
      ],
      table: { columns: ["latent dimension", "mu", "sigma"], rows: mu.map((m, i) => [i, m, sigma[i]]) },
    });
    find(".about").textContent =
      `mu (bars) and sigma (lines) of the ${n} latent dimensions; ` +
      `the pictures differ by ${(100 * shown.error).toFixed(1)} % of full scale per pixel on average`;
  };
  mail.receive(props.value.pick, taken => {
    image = taken;
    again();
  });
  watch("value", again);
  redraw(element, bars);
};
