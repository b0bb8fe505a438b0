import * as dom from "../../../../ui/web/core/dom.js";
import * as hands from "../../../../ui/web/core/hands.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { bars, chart, ends, path } from "../chart.js";

export default ({ element, props, ask, watch, find, say }) => {
  const v = () => props.value;
  // The time machine: everything comes in one answer, so that the slider asks no one.
  let film = null, bitmap = null, playing = 0;
  const slider = find(".t"), K = 60, COLUMNS = 10;
  const load = dom.latest(ask.watched, async answer => {
    bitmap = await pictures.sprite(answer.sprite); film = answer;
    slider.max = film.step.length - 1; slider.value = slider.max; slider.disabled = false;
    say(""); show();
  }, {fail: error => { film = null; slider.disabled = true; find(".when").textContent = ""; say(error.message, true); }});

  const stop = () => { clearInterval(playing); playing = 0; find(".play").textContent = "Play"; };
  const show = () => {
    if (!film) return;
    const m = +slider.value, step = film.step[m], canvas = find(".x"), pen = canvas.getContext("2d");
    for (let i = 0; i < K; i++) pen.drawImage(bitmap, i * 28, m * 28, 28, 28, i % COLUMNS * 28, Math.floor(i / COLUMNS) * 28, 28, 28);
    find(".when").textContent = `step ${step.toLocaleString("en")} of ${film.step.at(-1).toLocaleString("en")}`;
    find(".about").innerHTML = `Sixty latents that never change. Frechet distance here <b class="num">${film.frechet[m].toPrecision(3)}</b> ` +
      `(2,000 generated against 5,000 held-out pictures; fewer pictures score worse than in the comparison).`;
    const tall = Math.max(130, 9.5 * parseFloat(getComputedStyle(find("svg")).fontSize)), last = film.step.at(-1), logs = film.frechet.map(Math.log10);
    const clamp = u => Math.min(u, film.top), cursor = (x, y0, y1) => `<line class="mark" x1="${x}" x2="${x}" y1="${y0}" y2="${y1}"/>`;
    const decades = [-2, -1, 0, 1, 2].filter(d => d > Math.min(...logs) - .3 && d < Math.max(...logs) + .3);
    const low = Math.min(...logs) - .1, high = Math.max(...logs) + .1;
    chart(find(".frechet"), tall, [0, film.step.length - 1], [low, high], "Frechet distance, moment by moment", (x, y) => decades.map(d =>
      `<line class="grid" x1="${x(0)}" x2="${x(film.step.length - 1)}" y1="${y(d)}" y2="${y(d)}"/><text x="${x(0) - 6}" y="${y(d) + 4}" text-anchor="end">${10 ** d}</text>`).join("") +
      path("real", logs.map((u, i) => [x(i), y(u)])) + cursor(x(m), y(low), y(high)), [[[0, "before training"], [film.step.length - 1, "the end"]], []]);
    const most = Math.max(...film.real[m], ...film.fake[m]);
    chart(find(".scores"), tall, film.range, [0, most], "Score D(x); 0 lies between the means", (x, y) =>
      bars("real", film.real[m], film.range, x, y) + bars("fake", film.fake[m], film.range, x, y),
      [ends(film.range), []]);
    chart(find(".losses"), tall, [0, last], [0, film.top], "Losses", (x, y) => ["real", "fake"].map((kind, player) =>
      path(kind, film.loss_step.map((s, i) => [x(s), y(clamp(film.loss[player][i]))]))).join("") + cursor(x(step), y(0), y(film.top)),
      [[[0, "step 0"], [last, last.toLocaleString("en")]], [0, .5, 1, 1.5, 2].filter(u => u <= film.top)]);
  };
  slider.addEventListener("input", () => { stop(); show(); });
  find(".play").addEventListener("click", () => {
    if (playing) return stop();
    if (!film) return;
    if (+slider.value >= +slider.max) slider.value = 0;
    find(".play").textContent = "Pause"; show();
    playing = setInterval(() => {
      if (!element.isConnected || +slider.value >= +slider.max) return stop();
      slider.value = +slider.value + 1; show();
    }, 600);
  });
  const across = (chosen, place) => {   // a chart is a slider too
    const to = e => {
      if (!film) return false;
      stop(); slider.value = place(chosen.across(e.clientX - chosen.getBoundingClientRect().left)); show();
    };
    hands.pointer(chosen, {down: to, move: to, touch: "pan-y"});
  };
  for (const [name, place] of [[".frechet", u => Math.round(u)], [".losses", u => film.step.reduce((best, s, i) => Math.abs(s - u) < Math.abs(film.step[best] - u) ? i : best, 0)]])
    across(find(name), place);
  let seen = "";
  const again = () => { const {model, data} = v(), key = model + data; if (key !== seen) { seen = key; stop(); load({model, data}); } };
  watch("value", again); again();
  new ResizeObserver(show).observe(element);
};
