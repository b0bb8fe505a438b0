// The picture whose top rows are given, and the film of its completions; see tab.py.
import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as films from "../../../../ui/web/core/films.js";
import * as hands from "../../../../ui/web/core/hands.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ props, find }) => {
  const canvas = find(".x"),
    rows = find(".rows"),
    n = find(".n"),
    t = find(".t"),
    SIDE = 28;
  let image = null,
    ran = false;
  const small = document.createElement("canvas");

  const draw = () => {
    rows.nextSibling.textContent = rows.value;
    n.nextSibling.textContent = n.value;
    t.nextSibling.textContent = (+t.value).toFixed(2);
    const pen = canvas.getContext("2d"),
      y = (rows.value / SIDE) * canvas.height;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!image) return;
    pictures.paint(small, image.pixels);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    pen.fillStyle = "rgb(128 128 128 / .82)";
    pen.fillRect(0, y, canvas.width, canvas.height - y);
    pen.fillStyle = "#e11d48";
    pen.fillRect(0, y - 2, canvas.width, 4);
  };
  const run = () => {
    if (!image) return dom.toast("Choose an image or draw one first.");
    const { player, model, data, seed } = props.value;
    ran = true;
    films.film(player, {
      model,
      data,
      walk: "complete",
      n: +n.value,
      seed,
      knobs: { temperature: +t.value },
      given: { x: image.base64 || arrays.encode(image.pixels), rows: +rows.value },
    });
  };
  for (const slider of [rows, n, t]) {
    slider.addEventListener("input", draw);
    slider.addEventListener("change", () => {
      if (ran) run();
    });
  }
  const drag = e => {
    const box = canvas.getBoundingClientRect();
    rows.value = Math.round(((e.clientY - box.top) / box.height) * SIDE);
    draw();
  };
  hands.pointer(canvas, {
    down: drag,
    move: drag,
    up: () => {
      if (ran) run();
    },
  });
  find(".start").addEventListener("click", run);
  mail.receive(props.value.pick, taken => {
    image = taken;
    draw();
  });
  draw();
};
