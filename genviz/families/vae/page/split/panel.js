import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { box, fill, line, redraw, room, tenths, word } from "../../../../ui/web/core/chart.js";
import { key, kl_bars } from "../bars.js";

export default ({ element, props, ask, watch, find }) => {
  let image = null,
    shown = null,
    mean = null,
    seen = {};

  const split = dom.latest(ask.split, answer => {
    shown = answer;
    pictures.paint(find(".x"), arrays.decode(answer.x));
    pictures.paint(find(".y"), arrays.decode(answer.y));
    const top = Math.max(1, ...answer.pixels);
    pictures.heat(find(".h"), answer.pixels, 28, { low: 0, high: top });
    find(".top").textContent = top.toFixed(1);
    charts();
  });
  const average = dom.latest(
    ask.mean,
    answer => {
      mean = answer;
      charts();
    },
    { fail: () => {} },
  ); // split says the same sentence

  // ---- the sum: two lines of nats, this picture and the average; lost reconstruction, then KL, end at minus the ELBO --------------------
  const draw_sum = () => {
    const svg = find(".sum"),
      here = room(svg);
    if (!here) return;
    const { width, type } = here,
      rows = [["this picture", shown], ...(mean ? [[width < 500 ? "average" : "average test picture", mean]] : [])];
    const tall = 2 * type,
      gap = 1.5 * type,
      height = rows.length * (tall + gap) + 1.6 * type;
    const top = Math.max(...rows.map(([, r]) => r.kl - r.reconstruction), -shown.tight),
      x = v => (v / top) * (width - 5.5 * type);
    const text = rows
      .map(([title, r], i) => {
        const y = i * (tall + gap) + 1.2 * type,
          middle = y + tall / 2 + type / 3,
          end = x(r.kl - r.reconstruction),
          lost = x(-r.reconstruction);
        return (
          word(0, y - 0.3 * type, title) +
          box(0, y, lost, tall, 'class="lost"') +
          box(lost, y, end - lost, tall, 'class="kl"') +
          word(8, middle, `${lost > 13 * type ? "lost in reconstruction " : ""}${tenths(-r.reconstruction)}`, 'class="over"') +
          word(end + 8, middle, `KL ${tenths(r.kl)}`, 'class="strong"') +
          (r.tight === undefined ? "" : line(x(-r.tight), y - 4, x(-r.tight), y + tall + 4, 'class="tight"'))
        );
      })
      .join("");
    svg.classList.add("gv-chart");
    fill(svg, width, height, text + word(width, height - 3, "nats", 'text-anchor="end"'));
  };
  const charts = () => {
    if (!shown) return;
    draw_sum();
    const elbo = shown.reconstruction - shown.kl;
    find(".words").innerHTML =
      `ELBO = reconstruction \u2212 KL = <span class="num">${tenths(shown.reconstruction)} \u2212 ${tenths(shown.kl)} = ` +
      `<b>${tenths(elbo)}</b></span> nats (the reconstruction is a mean of ${shown.draws} draws of z). The line across the bar: ` +
      `IW-${shown.k} = <span class="num"><b>${tenths(shown.tight)}</b></span> nats, a tighter bound on log p(x): at least about ` +
      `<span class="num">${tenths(Math.max(0, shown.tight - elbo))}</span> nats of the ELBO are lost because the cloud q(z|x) is not p(z|x).`;
    kl_bars(find(".bars"), shown.each, mean && mean.each, shown.active);
    find(".about").innerHTML = key(shown.each, mean && mean.each, mean ? mean.n : 0, shown.active);
  };

  const again = () => {
    const { model, data, seed } = props.value;
    const other = model !== seen.model || data !== seen.data;
    if (other) {
      mean = null;
      average({ model, data });
    }
    if (image && (other || seed !== seen.seed || image !== seen.image)) split({ image: image.base64, model, data, seed });
    seen = { model, data, seed, image };
  };
  mail.receive(props.value.pick, taken => {
    image = taken;
    again();
  });
  watch("value", again);
  again();
  redraw(element, charts);
};
