// The script of genviz/ui/panels/interpolation.py: one sprite holds all steps, so that slider and animation never ask the server.
import * as dom from "../core/dom.js";
import * as mail from "../core/mail.js";
import * as pictures from "../core/pictures.js";

export default ({ element, props, ask, watch, find }) => {
  const slider = find(".t"),
    names = ["line", "arc", "pixels"];
  let ends = [];
  let film = null,
    playing = 0;

  const strips = names.map((name, row) => {
    const canvas = document.createElement("canvas");
    canvas.addEventListener("click", e => {
      if (film) {
        stop();
        go((Math.min(10, Math.floor((e.offsetX / canvas.clientWidth) * 11)) * (film.steps - 1)) / 10);
      }
    });
    find(".strips").append(
      Object.assign(document.createElement("span"), { textContent: find(`figure:nth-child(${row + 1}) figcaption`).textContent }),
      canvas,
    );
    return canvas;
  });

  const go = step => {
    slider.value = step;
    find("output").textContent = `t = ${(step / (film.steps - 1)).toFixed(2)}`;
    element
      .querySelectorAll(".big canvas")
      .forEach((canvas, row) => pictures.cell(canvas, film.bitmap, row * film.steps + step, film.steps));
  };

  const draw = dom.latest(ask.between, async answer => {
    film = { ...answer, bitmap: await pictures.sprite(answer.sprite) };
    strips.forEach((canvas, row) => {
      canvas.width = 11 * 28;
      canvas.height = 28;
      const pen = canvas.getContext("2d");
      for (let i = 0; i < 11; i++) pen.drawImage(film.bitmap, ((i * (film.steps - 1)) / 10) * 28, row * 28, 28, 28, i * 28, 0, 28, 28);
    });
    go(+slider.value);
    const [a, b] = film.lengths;
    find(".about").textContent =
      `The two latent points lie ${a.toFixed(2)} and ${b.toFixed(2)} from the origin, ${film.angle.toFixed(0)} degrees apart; ` +
      `the middle of the line lies ${film.middle.toFixed(2)} from it.`;
  });
  const again = () => {
    if (ends[0] && ends[1]) draw({ a: ends[0].base64, b: ends[1].base64, model: props.value.model, data: props.value.data });
  };

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
      if (!element.isConnected) return stop();
      const phase = ((now - begun) / 2500) % 2,
        t = phase < 1 ? phase : 2 - phase;
      go(Math.round(t * (film.steps - 1)));
      playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
  });
  slider.addEventListener("input", () => {
    stop();
    if (film) go(+slider.value);
  });
  mail.receive(props.value.pick, image => {
    ends = image.images;
    again();
  });
  watch("value", again);
  return { ends: () => ends };
};
