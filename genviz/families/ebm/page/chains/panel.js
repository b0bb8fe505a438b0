import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as films from "../../../../ui/web/core/films.js";
import * as mail from "../../../../ui/web/core/mail.js";
import { chart, redraw, whole } from "../../../../ui/web/core/chart.js";

export default ({ element, props, ask, watch, find, say }) => {
  const v = () => props.value;
  let pixels = null,
    traces = null,
    level = null,
    at = 0,
    seen = "",
    wanted = 0;

  // ---- knobs -----------------------------------------------------------------------------------------------------------------------
  const values = () => Object.fromEntries([...element.querySelectorAll(".knob")].map(r => [r.dataset.knob, +r.value]));
  const show_knob = r => {
    r.previousElementSibling.textContent = r.value;
  };
  const knobs = () => {
    for (const r of element.querySelectorAll(".knob")) {
      const k = v().knobs.find(k => k.name === r.dataset.knob);
      Object.assign(r, {
        min: k.name === "steps" ? 10 : k.low,
        max: k.name === "steps" ? 500 : k.high,
        step: k.step || 1,
        value: k.default,
      });
      show_knob(r);
    }
  };
  element.querySelectorAll(".knob").forEach(r => r.addEventListener("input", () => show_knob(r)));
  find(".reset").addEventListener("click", knobs);

  // ---- the film, and the energies of its shots ---------------------------------------------------------------------------------------
  const walk = more => {
    say("");
    traces = null;
    draw();
    const { model, data, seed, player } = v(),
      asked = { ...values(), label: +find(".label").value };
    wanted = more.walk === "chains" ? asked.steps : 0;
    films.film(player, { model, data, seed: seed || 0, n: +find(".n").value, knobs: asked, ...more });
  };
  find(".from-noise").addEventListener("click", () => walk({ walk: "sample" }));
  find(".from-picture").addEventListener("click", () => {
    if (!pixels) return say("Choose a picture first.", true);
    walk({ walk: "chains", given: { x: arrays.encode(pixels) } });
  });
  const job = () => (dom.remember("film." + v().player) || {}).job;
  const energies = dom.latest(
    ask.energies,
    (answer, asked) => {
      if (asked.job !== job() || !answer.step.length) return;
      traces = answer;
      draw();
    },
    { flights: 1, fail: error => say(error.message, true) },
  );
  const fetch_energies = () => {
    const id = job();
    if (id) energies({ job: id });
  };
  films.listen(v().player, {
    state: s => {
      if (s === "done" || s === "cancelled") fetch_energies();
    },
    frame: f => {
      at = f.step;
      if (f.steps < wanted) say(`A chain at one noise ends after ${f.steps} steps of this size: it has gone as far as those of training.`);
      if (!traces || traces.step.at(-1) < f.step) fetch_energies();
      else draw();
    },
  });

  // ---- the level of test images: where chains should end ------------------------------------------------------------------------------
  const levels = dom.latest(
    ask.level,
    (answer, asked) => {
      if (asked.data === v().data) {
        level = answer;
        draw();
      }
    },
    { fail: () => {} },
  );
  const again = () => {
    const now = v().model + v().data;
    if (now === seen) return;
    seen = now;
    level = null;
    traces = null;
    draw();
    const label = find(".label"),
      was = label.value || -1;
    label.replaceChildren(...["each in turn, or none", ...v().classes[v().data]].map((name, i) => new Option(name, String(i - 1))));
    label.value = was;
    levels({ model: v().model, data: v().data });
  };

  // ---- the chart ------------------------------------------------------------------------------------------------------------------------
  const draw = () => {
    find(".traces").hidden = !traces;
    if (!traces) return;
    const n = traces.energy[0].length,
      last = Math.max(1, traces.steps);
    const mean = traces.energy.map(row => row.reduce((s, e) => s + e, 0) / n),
      all = traces.energy.flat();
    let low = Math.min(...all, ...(level ? [level.low] : [])),
      high = Math.max(...all, ...(level ? [level.high] : []));
    if (find(".zoom").checked && level) {
      const span = level.high - level.low;
      low = level.low - 1.5 * span;
      high = level.high + 1.5 * span;
    }
    const pad = 0.04 * (high - low || 1),
      chains = [...Array(n).keys()];
    chart(find(".chart"), {
      height: innerWidth < 700 ? 240 : 280,
      name: "energies",
      title: "E in nats",
      x: { low: 0, high: last, title: "step" },
      y: { low: low - pad, high: high + pad, format: whole },
      marks: [
        level && { kind: "band", class: "level", low: level.low, high: level.high },
        ...chains.map(i => ({ kind: "line", class: "one", points: traces.energy.map((row, k) => [traces.step[k], row[i]]) })),
        { kind: "line", class: "mean", points: mean.map((e, k) => [traces.step[k], e]) },
        { kind: "rule", class: "mark", x: at },
      ],
      table: {
        columns: ["step", "mean E", ...chains.map(i => `chain ${i + 1}`)],
        rows: traces.step.map((s, k) => [s, +mean[k].toFixed(1), ...traces.energy[k]]),
      },
    });
    find(".key").innerHTML =
      `<span><i class="thin"></i>each chain</span> <span><i style="color: var(--color-accent)"></i>their mean, at the end ` +
      `<b class="num">${whole(mean.at(-1))}</b></span> ` +
      (level
        ? `<span><i class="band" style="color: #d97706"></i>nine of ten test images with ` +
          `the same noise, mean <b class="num">${whole(level.mean)}</b></span>`
        : "");
  };
  find(".zoom").addEventListener("change", draw);
  mail.receive(v().pick, image => {
    pixels = image.pixels;
  });
  watch("value", again);
  redraw(element, draw);
  knobs();
  again();
};
