import * as dom from "../../../../ui/web/core/dom.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ element, props, ask, watch, find, say }) => {
  const v = () => props.value;
  // One sprite holds all steps of the three ways, so that slider and animation never ask the server.
  let film = null,
    bitmap = null,
    playing = 0,
    seen = "";
  const slider = find(".t"),
    menu = find(".label"),
    knows = () => v().conditional.includes(v().model),
    classes = () => v().classes[v().data] || [];
  const strips = [0, 1, 2].map(() => {
    const canvas = document.createElement("canvas");
    find(".strips").append(canvas);
    return canvas;
  });
  const show = () => {
    if (!film) return;
    const step = +slider.value;
    element.querySelectorAll(".big canvas").forEach((canvas, row) => pictures.cell(canvas, bitmap, row * film.steps + step, film.steps));
    find(".when").textContent = `t = ${(step / (film.steps - 1)).toFixed(2)}`;
  };
  const load = dom.latest(
    ask.between,
    async answer => {
      bitmap = await pictures.sprite(answer.sprite);
      film = answer;
      strips.forEach((canvas, row) => {
        canvas.width = 11 * 28;
        canvas.height = 28;
        for (let i = 0; i < 11; i++)
          canvas.getContext("2d").drawImage(bitmap, ((i * (film.steps - 1)) / 10) * 28, row * 28, 28, 28, i * 28, 0, 28, 28);
      });
      const [a, b] = film.lengths;
      find(".words").innerHTML =
        `The draws are <b class="num">${a.toFixed(2)}</b> and <b class="num">${b.toFixed(2)}</b> long, <b>${film.angle.toFixed(0)}</b> degrees apart; ` +
        `the middle of the line is <b class="num">${film.middle.toFixed(2)}</b> long.` +
        (film.kinds.length ? ` On line and arc, kind ${film.kinds.join(" is blended into kind ")}.` : "");
      say("");
      show();
    },
    { fail: error => say(error.message, true) },
  );
  const stop = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    find(".play").textContent = "Play";
  };
  find(".play").addEventListener("click", () => {
    if (playing) return stop();
    if (!film) return;
    find(".play").textContent = "Pause";
    const begun = performance.now() - (+slider.value / (film.steps - 1)) * 2500;
    const tick = now => {
      // there and back in five seconds
      if (!element.isConnected || !element.offsetParent) return stop();
      const phase = ((now - begun) / 2500) % 2;
      slider.value = Math.round((phase < 1 ? phase : 2 - phase) * (film.steps - 1));
      show();
      playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
  });
  slider.addEventListener("input", () => {
    stop();
    show();
  });
  const again = () => {
    const { model, data } = v(),
      seed = v().seed || 0,
      other = +find(".other").value,
      key = [model, data, seed, other, menu.value].join();
    find(".as").hidden = !knows();
    find(".one").textContent = seed;
    if (!menu.options.length || menu.dataset.data !== data) {
      const old = menu.value;
      menu.replaceChildren(...classes().map((name, i) => new Option(name, i)));
      menu.value = old || "3";
      menu.dataset.data = data;
    }
    if (!Number.isInteger(other) || other < 0 || other > 4294967295)
      return say("The other seed must be a whole number from 0 to 4294967295.", true);
    if (key !== seen) {
      seen = key;
      load({ model, data, seed, other, label: +menu.value });
    }
  };
  find(".dice").addEventListener("click", () => {
    find(".other").value = Math.floor(Math.random() * 4294967296);
    again();
  });
  for (const field of [find(".other"), menu]) field.addEventListener("change", again);
  watch("value", again);
  again();
};
