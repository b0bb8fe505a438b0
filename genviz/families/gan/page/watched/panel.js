import * as dom from "../../../../ui/web/core/dom.js";
import * as hands from "../../../../ui/web/core/hands.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { across, chart, redraw } from "../../../../ui/web/core/chart.js";
import { bars, ends } from "../chart.js";

export default ({ element, props, ask, watch, find, say }) => {
  const v = () => props.value;
  // The time machine: everything comes in one answer, so that the slider asks no one.
  let film = null,
    bitmap = null,
    playing = 0;
  const slider = find(".t"),
    K = 60,
    COLUMNS = 10;
  const load = dom.latest(
    ask.watched,
    async answer => {
      bitmap = await pictures.sprite(answer.sprite);
      film = answer;
      slider.max = film.step.length - 1;
      slider.value = slider.max;
      slider.disabled = false;
      say("");
      show();
    },
    {
      fail: error => {
        film = null;
        slider.disabled = true;
        find(".when").textContent = "";
        say(error.message, true);
      },
    },
  );

  const stop = () => {
    clearInterval(playing);
    playing = 0;
    find(".play").textContent = "Play";
  };
  const show = () => {
    if (!film) return;
    const m = +slider.value,
      step = film.step[m],
      canvas = find(".x"),
      pen = canvas.getContext("2d");
    for (let i = 0; i < K; i++) pen.drawImage(bitmap, i * 28, m * 28, 28, 28, (i % COLUMNS) * 28, Math.floor(i / COLUMNS) * 28, 28, 28);
    find(".when").textContent = `step ${step.toLocaleString("en")} of ${film.step.at(-1).toLocaleString("en")}`;
    find(".about").innerHTML =
      `Sixty latents that never change. Frechet distance here <b class="num">${film.frechet[m].toPrecision(3)}</b> ` +
      `(2,000 generated against 5,000 held-out pictures; fewer pictures score worse than in the comparison).`;
    const height = Math.max(130, 9.5 * parseFloat(getComputedStyle(find("svg")).fontSize)),
      last = film.step.at(-1),
      most = Math.max(...film.real[m], ...film.fake[m]);
    const moments = film.step.map((s, i) => [i, film.frechet[i], s]);
    chart(find(".frechet"), {
      height,
      title: "Frechet distance, moment by moment",
      name: "frechet",
      x: {
        low: 0,
        high: film.step.length - 1,
        ticks: [
          [0, "before training"],
          [film.step.length - 1, "the end"],
        ],
      },
      y: { low: 0.8 * Math.min(...film.frechet), high: 1.25 * Math.max(...film.frechet), log: true },
      marks: [
        { kind: "line", class: "real", points: moments },
        { kind: "rule", class: "mark", x: m },
      ],
      table: { columns: ["moment", "Frechet distance", "step"], rows: moments },
    });
    chart(find(".scores"), {
      height,
      title: "Score D(x); 0 lies between the means",
      name: "scores",
      x: { low: film.range[0], high: film.range[1], ticks: ends(film.range) },
      y: { low: 0, high: most, ticks: 0 },
      ...bars(film.real[m], film.fake[m], film.range),
    });
    chart(find(".losses"), {
      height,
      title: "Losses",
      name: "losses",
      x: {
        low: 0,
        high: last,
        ticks: [
          [0, "step 0"],
          [last, last.toLocaleString("en")],
        ],
      },
      y: { low: 0, high: film.top },
      marks: [
        ...["real", "fake"].map((kind, player) => ({
          kind: "line",
          class: kind,
          points: film.loss_step.map((s, i) => [s, Math.min(film.loss[player][i], film.top)]),
        })),
        { kind: "rule", class: "mark", x: step },
      ],
      table: { columns: ["step", "discriminator", "generator"], rows: film.loss_step.map((s, i) => [s, film.loss[0][i], film.loss[1][i]]) },
    });
  };
  slider.addEventListener("input", () => {
    stop();
    show();
  });
  find(".play").addEventListener("click", () => {
    if (playing) return stop();
    if (!film) return;
    if (+slider.value >= +slider.max) slider.value = 0;
    find(".play").textContent = "Pause";
    show();
    playing = setInterval(() => {
      if (!element.isConnected || +slider.value >= +slider.max) return stop();
      slider.value = +slider.value + 1;
      show();
    }, 600);
  });
  const along = (chosen, place) => {
    // a chart is a slider too
    const to = e => {
      if (!film || e.target.closest(".csv")) return false;
      stop();
      slider.value = place(across(chosen, e));
      show();
    };
    hands.pointer(chosen, { down: to, move: to, touch: "pan-y" });
  };
  for (const [name, place] of [
    [".frechet", u => Math.round(u)],
    [".losses", u => film.step.reduce((best, s, i) => (Math.abs(s - u) < Math.abs(film.step[best] - u) ? i : best), 0)],
  ])
    along(find(name), place);
  let seen = "";
  const again = () => {
    const { model, data } = v(),
      key = model + data;
    if (key !== seen) {
      seen = key;
      stop();
      load({ model, data });
    }
  };
  watch("value", again);
  again();
  redraw(element, show);
};
