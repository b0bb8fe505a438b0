import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { board, nats, redraw, stroke, ticks, write } from "../chart.js";

export default ({ element, props, ask, watch, find, say }) => {
  const v = () => props.value;
  let image = null, one = null, scale = null, how = "same", seen = {};

  const CHANGES = {
    same: x => x, inverted: x => x.map(b => 255 - b), blank: x => x.map(() => 0),
    noise: x => x.map(() => Math.floor(256 * Math.random())),
    shuffled: x => { const y = x.slice(); for (let i = y.length - 1; i > 0; i--) { const j = Math.floor((i + 1) * Math.random()); [y[i], y[j]] = [y[j], y[i]]; } return y; },
  };
  const ask_one = dom.latest(ask.one, (answer, asked) => {
    one = answer; say("");
    pictures.paint(find(".x"), arrays.decode(asked.image));
    pictures.heat(find(".slope"), answer.slope, 28, {signed: true});
    pictures.paint(find(".guess"), Uint8ClampedArray.from(answer.guess, g => 127.5 * g + 127.5));
    draw();
  }, {fail: error => say(error.message, true)});
  const ask_scale = dom.latest(ask.scale, (answer, asked) => {
    if (asked.data !== v().data) return;
    scale = answer; say(""); draw();
  }, {fail: error => say(error.message, true)});

  const weigh = () => {
    if (!image) return;
    const pixels = CHANGES[how](Uint8Array.from(image.pixels)), {model, data} = v();
    ask_one({image: arrays.encode(pixels), model, data});
  };
  const changes = element.querySelectorAll("[data-field=how] button");
  changes.forEach(button => button.addEventListener("click", () => {
    how = button.value;
    changes.forEach(b => b.setAttribute("aria-pressed", b === button));
    weigh();
  }));
  const again = () => {
    const {model, data} = v();
    if (model === seen.model && data === seen.data) return;
    seen = {model, data}; scale = null; one = null; draw();
    say("The scale is being measured: test images, fresh samples, noise ...");
    ask_scale({model, data}); weigh();
  };

  // ---- a row of dots for every kind of picture, and a line for this one ------------------------------------------------------------------
  const COLOURS = ["#d97706", "", "#4477aa", "#aa3377"];
  const named = shares => shares.map((share, c) => [share, v().classes[v().data][c]]).sort((a, b) => b[0] - a[0]).slice(0, 3)
    .map(([share, name]) => `${name} <b class="num">${(100 * share).toFixed(1)} %</b>`).join(", ");
  const draw = () => {
    const verdict = find(".verdict");
    if (one && scale) {
      const above = scale.rows[0].energies.filter(e => e > one.energy).length / scale.rows[0].energies.length;
      verdict.innerHTML = `E(x) = <b class="num">${nats(one.energy)}</b> nats: lower, so held more likely, than <b class="num">${Math.round(100 * above)} %</b> of the test images.`;
    } else verdict.textContent = one ? `E(x) = ${nats(one.energy)} nats.` : "";
    find(".named").innerHTML = one ? "And the class? p(c | x), from the energies of the ten: " + named(one.shares) : "";
    const rows = scale ? scale.rows.filter(r => r.near || find(".far").checked) : [];
    find(".chart").hidden = !rows.length;
    if (!rows.length) return;
    const row = innerWidth < 700 ? 52 : 58, b = board(element, find(".chart"), rows.length * row + 44);
    if (!b) return;
    const {pen, width, type} = b, all = [...rows.flatMap(r => r.energies), ...(one ? [one.energy] : [])];
    const low = Math.min(...all), high = Math.max(...all), pad = .03 * (high - low), left = 4, right = width - 8;
    const X = e => left + (e - low + pad) / (high - low + 2 * pad) * (right - left), bottom = rows.length * row;
    for (const e of ticks(low, high, width < 500 ? 3 : 6)) { stroke(pen, b.line, 1, [[X(e), 0], [X(e), bottom]]); write(pen, nats(e), X(e), bottom + 1.1 * type, b.pale, "center"); }
    write(pen, "likelier", left, bottom + 2.4 * type, b.pale); write(pen, "E in nats", right, bottom + 2.4 * type, b.pale, "right");
    rows.forEach((r, i) => {
      const y = i * row, mean = r.energies.reduce((s, e) => s + e, 0) / r.energies.length;
      pen.globalAlpha = .4; pen.fillStyle = COLOURS[scale.rows.indexOf(r)] || b.accent;
      r.energies.forEach((e, k) => { pen.beginPath(); pen.arc(X(e), y + row - 20 + 14 * ((k * .618034) % 1 - .5), 3, 0, 7); pen.fill(); });
      pen.globalAlpha = 1;
      write(pen, `${r.title}, mean ${nats(mean)}`, left, y + type * 1.1, b.ink);
    });
    if (one) stroke(pen, b.ink, 2, [[X(one.energy), 0], [X(one.energy), bottom]]);
  };
  find(".far").addEventListener("change", draw);
  mail.receive(v().pick, taken => { image = taken; weigh(); });
  watch("value", again);
  redraw(element, draw);
  again();
};
