import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as films from "../../../../ui/web/core/films.js";
import * as mail from "../../../../ui/web/core/mail.js";
import { board, nats, redraw, stroke, ticks, write } from "../chart.js";

export default ({ element, props, ask, watch, find, say }) => {
  const v = () => props.value;
  let pixels = null, traces = null, level = null, at = 0, seen = "", wanted = 0;

  // ---- knobs -----------------------------------------------------------------------------------------------------------------------
  const values = () => Object.fromEntries([...element.querySelectorAll(".knob")].map(r => [r.dataset.knob, +r.value]));
  const show_knob = r => { r.previousElementSibling.textContent = r.value; };
  const knobs = () => {
    for (const r of element.querySelectorAll(".knob")) {
      const k = v().knobs.find(k => k.name === r.dataset.knob);
      Object.assign(r, {min: k.name === "steps" ? 10 : k.low, max: k.name === "steps" ? 500 : k.high, step: k.step || 1, value: k.default});
      show_knob(r);
    }
  };
  element.querySelectorAll(".knob").forEach(r => r.addEventListener("input", () => show_knob(r)));
  find(".reset").addEventListener("click", knobs);

  // ---- the film, and the energies of its shots ---------------------------------------------------------------------------------------
  const walk = more => {
    say(""); traces = null; draw();
    const {model, data, seed, player} = v(), asked = {...values(), label: +find(".label").value};
    wanted = more.walk === "chains" ? asked.steps : 0;
    films.film(player, {model, data, seed: seed || 0, n: +find(".n").value, knobs: asked, ...more});
  };
  find(".from-noise").addEventListener("click", () => walk({walk: "sample"}));
  find(".from-picture").addEventListener("click", () => {
    if (!pixels) return say("Choose a picture first.", true);
    walk({walk: "chains", given: {x: arrays.encode(pixels)}});
  });
  const job = () => (dom.remember("film." + v().player) || {}).job;
  const energies = dom.latest(ask.energies, (answer, asked) => {
    if (asked.job !== job() || !answer.step.length) return;
    traces = answer; draw();
  }, {flights: 1, fail: error => say(error.message, true)});
  const fetch_energies = () => { const id = job(); if (id) energies({job: id}); };
  films.listen(v().player, {
    state: s => { if (s === "done" || s === "cancelled") fetch_energies(); },
    frame: f => {
      at = f.step;
      if (f.steps < wanted) say(`A chain at one noise ends after ${f.steps} steps of this size: it has gone as far as those of training.`);
      if (!traces || traces.step.at(-1) < f.step) fetch_energies(); else draw();
    },
  });

  // ---- the level of test images: where chains should end ------------------------------------------------------------------------------
  const levels = dom.latest(ask.level, (answer, asked) => { if (asked.data === v().data) { level = answer; draw(); } }, {fail: () => {}});
  const again = () => {
    const now = v().model + v().data;
    if (now === seen) return;
    seen = now; level = null; traces = null; draw();
    const label = find(".label"), was = label.value || -1;
    label.replaceChildren(...["each in turn, or none", ...v().classes[v().data]].map((name, i) => new Option(name, i - 1)));
    label.value = was;
    levels({model: v().model, data: v().data});
  };

  // ---- the chart ------------------------------------------------------------------------------------------------------------------------
  const draw = () => {
    find(".traces").hidden = !traces;
    if (!traces) return;
    const b = board(element, find(".chart"), innerWidth < 700 ? 220 : 260);
    if (!b) return;
    const {pen, width, height, type} = b, n = traces.energy[0].length, last = traces.steps;
    const mean = traces.energy.map(row => row.reduce((s, e) => s + e, 0) / n), all = traces.energy.flat();
    let low = Math.min(...all, ...(level ? [level.low] : [])), high = Math.max(...all, ...(level ? [level.high] : []));
    if (find(".zoom").checked && level) { const span = level.high - level.low; low = level.low - 1.5 * span; high = level.high + 1.5 * span; }
    const left = 4.6 * type, right = width - 6, top = .8 * type, bottom = height - 2.2 * type, pad = .04 * (high - low || 1);
    const X = s => left + s / Math.max(last, 1) * (right - left), Y = e => bottom - (e - low + pad) / (high - low + 2 * pad) * (bottom - top);
    for (const e of ticks(low, high, 5)) { stroke(pen, b.line, 1, [[left, Y(e)], [right, Y(e)]]); write(pen, nats(e), left - 6, Y(e) + type / 3, b.pale, "right"); }
    for (const s of ticks(0, last, innerWidth < 700 ? 4 : 8)) write(pen, s, X(s), bottom + 1.2 * type, b.pale, "center");
    pen.save(); pen.beginPath(); pen.rect(left, top, right - left, bottom - top); pen.clip();
    if (level) { pen.globalAlpha = .22; pen.fillStyle = "#d97706"; pen.fillRect(left, Y(level.high), right - left, Y(level.low) - Y(level.high)); pen.globalAlpha = 1; }
    pen.globalAlpha = .55;
    for (let i = 0; i < n; i++) stroke(pen, b.pale, 1, traces.energy.map((row, k) => [X(traces.step[k]), Y(row[i])]));
    pen.globalAlpha = 1;
    stroke(pen, b.accent, 2.5, mean.map((e, k) => [X(traces.step[k]), Y(e)]));
    stroke(pen, b.ink, 1, [[X(at), top], [X(at), bottom]]);
    pen.restore();
    write(pen, "step", right, height - 3, b.pale, "right"); write(pen, "E in nats", 0, height - 3, b.pale);
    find(".key").innerHTML = `<span><i class="thin"></i>each chain</span> <span><i style="color: var(--color-accent)"></i>their mean, at the end ` +
      `<b class="num">${nats(mean.at(-1))}</b></span> ` + (level ? `<span><i class="band" style="color: #d97706"></i>nine of ten test images with ` +
      `the same noise, mean <b class="num">${nats(level.mean)}</b></span>` : "");
  };
  find(".zoom").addEventListener("change", draw);
  mail.receive(v().pick, image => { pixels = image.pixels; });
  watch("value", again);
  redraw(element, draw);
  knobs(); again();
};
