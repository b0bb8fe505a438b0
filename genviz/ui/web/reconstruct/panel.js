import * as arrays from "../core/arrays.js";
import * as dom from "../core/dom.js";
import * as mail from "../core/mail.js";
import * as pictures from "../core/pictures.js";

export default ({ element, props, ask, watch, find }) => {
  let image = null, shown = null;
  const draw = dom.latest(ask.reconstruct, (answer, asked) => {
    const x = arrays.decode(asked.image), y = arrays.decode(answer.y);
    pictures.paint(find(".x"), x); pictures.paint(find(".y"), y);
    pictures.heat(find(".d"), [...y].map((v, i) => v - x[i]), 28, {signed: true, low: -255, high: 255});
    shown = answer; bars();
  });
  const again = () => { if (image) draw({image: image.base64, model: props.value.model, data: props.value.data}); };
  const bars = () => {
    if (!shown) return;
    const canvas = find(".bars"), ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
    if (!w) return;
    canvas.width = w * ratio; canvas.height = h * ratio;
    const pen = canvas.getContext("2d"), {mu, sigma} = shown, n = mu.length, top = Math.max(3, ...mu.map(Math.abs));
    pen.scale(ratio, ratio);
    const y = v => h / 2 - v / top * (h / 2 - 10), step = (w - 30) / n, wide = Math.min(step * .7, 40);
    pen.font = "12px system-ui, sans-serif"; pen.fillStyle = dom.css("--body-text-color-subdued"); pen.textBaseline = "middle";
    for (const v of [-Math.floor(top), 0, Math.floor(top)]) {
      pen.fillText(v, 0, y(v)); pen.fillRect(22, y(v), w - 22, v ? .3 : 1);
    }
    mu.forEach((m, i) => {
      const x = 30 + step * (i + .5);
      pen.fillStyle = dom.css("--color-accent");
      pen.fillRect(x - wide / 2, Math.min(y(0), y(m)), wide, Math.max(1, Math.abs(y(m) - y(0))));
      pen.fillStyle = dom.css("--body-text-color");
      pen.fillRect(x - .75, y(m + sigma[i]), 1.5, y(m - sigma[i]) - y(m + sigma[i]));
    });
    find(".about").textContent = `mu (bars) and sigma (lines) of the ${n} latent dimensions; ` +
      `the pictures differ by ${(100 * shown.error).toFixed(1)} % of full scale per pixel on average`;
  };
  mail.receive(props.value.pick, taken => { image = taken; again(); });
  watch("value", again);
  new ResizeObserver(bars).observe(element);
};
