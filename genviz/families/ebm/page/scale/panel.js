import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { chart, redraw, whole, word } from "../../../../ui/web/core/chart.js";

export default ({ element, props, ask, watch, find, say }) => {
  const v = () => props.value;
  let image = null,
    one = null,
    scale = null,
    how = "same",
    seen = {};

  const CHANGES = {
    same: x => x,
    inverted: x => x.map(b => 255 - b),
    blank: x => x.map(() => 0),
    noise: x => x.map(() => Math.floor(256 * Math.random())),
    shuffled: x => {
      const y = x.slice();
      for (let i = y.length - 1; i > 0; i--) {
        const j = Math.floor((i + 1) * Math.random());
        [y[i], y[j]] = [y[j], y[i]];
      }
      return y;
    },
  };
  const ask_one = dom.latest(
    ask.one,
    (answer, asked) => {
      one = answer;
      say("");
      pictures.paint(find(".x"), arrays.decode(asked.image));
      pictures.heat(find(".slope"), answer.slope, 28, { signed: true });
      pictures.paint(
        find(".guess"),
        Uint8ClampedArray.from(answer.guess, g => 127.5 * g + 127.5),
      );
      draw();
    },
    { fail: error => say(error.message, true) },
  );
  const ask_scale = dom.latest(
    ask.scale,
    (answer, asked) => {
      if (asked.data !== v().data) return;
      scale = answer;
      say("");
      draw();
    },
    { fail: error => say(error.message, true) },
  );

  const weigh = () => {
    if (!image) return;
    const pixels = CHANGES[how](Uint8Array.from(image.pixels)),
      { model, data } = v();
    ask_one({ image: arrays.encode(pixels), model, data });
  };
  const changes = element.querySelectorAll("[data-field=how] button");
  changes.forEach(button =>
    button.addEventListener("click", () => {
      how = button.value;
      changes.forEach(b => b.setAttribute("aria-pressed", b === button));
      weigh();
    }),
  );
  const again = () => {
    const { model, data } = v();
    if (model === seen.model && data === seen.data) return;
    seen = { model, data };
    scale = null;
    one = null;
    draw();
    say("The scale is being measured: test images, fresh samples, noise ...");
    ask_scale({ model, data });
    weigh();
  };

  // ---- a row of dots for every kind of picture, and a line for this one ------------------------------------------------------------------
  const named = shares =>
    shares
      .map((share, c) => [share, v().classes[v().data][c]])
      .sort((a, b) => b[0] - a[0])
      .slice(0, 3)
      .map(([share, name]) => `${name} <b class="num">${(100 * share).toFixed(1)} %</b>`)
      .join(", ");
  const draw = () => {
    const verdict = find(".verdict");
    if (one && scale) {
      const above = scale.rows[0].energies.filter(e => e > one.energy).length / scale.rows[0].energies.length;
      verdict.innerHTML = `E(x) = <b class="num">${whole(one.energy)}</b> nats: lower, so held more likely, than <b class="num">${Math.round(100 * above)} %</b> of the test images.`;
    } else verdict.textContent = one ? `E(x) = ${whole(one.energy)} nats.` : "";
    find(".named").innerHTML = one ? "And the class? p(c | x), from the energies of the ten: " + named(one.shares) : "";
    const rows = scale ? scale.rows.filter(r => r.near || find(".far").checked) : [];
    find(".chart").hidden = !rows.length;
    if (!rows.length) return;
    const row = innerWidth < 700 ? 52 : 58,
      all = [...rows.flatMap(r => r.energies), ...(one ? [one.energy] : [])];
    const low = Math.min(...all),
      high = Math.max(...all),
      pad = 0.03 * (high - low || 1),
      place = (i, k) => rows.length - i - 1 + 0.3 + 0.24 * ((k * 0.618034) % 1);
    chart(find(".chart"), {
      height: rows.length * row + 80,
      name: "energies",
      title: "",
      x: { low: low - pad, high: high + pad, grid: true, format: whole, title: "E in nats" },
      y: { low: 0, high: rows.length, ticks: 0, title: "likelier" },
      marks: [
        ...rows.map((r, i) => ({
          kind: "dots",
          r: 3,
          class: `kind-${scale.rows.indexOf(r)}`,
          points: r.energies.map((e, k) => [e, place(i, k)]),
        })),
        one && { kind: "rule", class: "mark", x: one.energy },
      ],
      inside: (X, Y, { left, type }) =>
        rows
          .map((r, i) =>
            word(
              left + 3,
              Y(rows.length - i) + 1.1 * type,
              `${r.title}, mean ${whole(r.energies.reduce((s, e) => s + e, 0) / r.energies.length)}`,
              'class="strong"',
            ),
          )
          .join(""),
      table: { columns: ["E", "of"], rows: rows.flatMap(r => r.energies.map(e => [e, r.title])) },
    });
  };
  find(".far").addEventListener("change", draw);
  mail.receive(v().pick, taken => {
    image = taken;
    weigh();
  });
  watch("value", again);
  redraw(element, draw);
  again();
};
