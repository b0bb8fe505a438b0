// The mesh after every coupling comes at once; between two couplings the page moves its corners straight, which is what a coupling does.
import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";

export default ({ props, ask, find }) => {
  const v = () => props.value,
    slider = find(".t"),
    sheet = find(".sheet");
  let way = null;
  const floats = text => arrays.floats(text);
  const draw = () => {
    const size = Math.round(sheet.clientWidth * Math.min(devicePixelRatio || 1, 2));
    if (!way || !size) return;
    sheet.width = sheet.height = size;
    const pen = sheet.getContext("2d"),
      at = +slider.value,
      step = Math.min(Math.floor(at), way.steps - 1),
      share = at - step;
    const { lines, places, half } = way,
      count = 2 * lines * places * 2,
      from = step * count,
      to = from + count;
    const x = i => (size / 2) * (1 + ((1 - share) * way.x[from + i] + share * way.x[to + i]) / half);
    const y = i => (size / 2) * (1 - ((1 - share) * way.x[from + i] + share * way.x[to + i]) / half);
    pen.fillStyle = dom.css("--gv-stage");
    pen.fillRect(0, 0, size, size);
    pen.fillStyle = dom.css("--body-text-color-subdued");
    pen.globalAlpha = 0.45;
    for (let i = 0; i < way.points.length; i += 2)
      pen.fillRect((size / 2) * (1 + way.points[i] / half) - 1, (size / 2) * (1 - way.points[i + 1] / half) - 1, size / 300, size / 300);
    pen.globalAlpha = 1;
    pen.lineWidth = Math.max(1, size / 600);
    for (let line = 0; line < 2 * lines; line++) {
      pen.strokeStyle = line < lines ? dom.css("--color-accent") : "#d97706";
      pen.beginPath();
      for (let p = 0; p < places; p++) pen.lineTo(x(2 * (line * places + p)), y(2 * (line * places + p) + 1));
      pen.stroke();
    }
    find("output").textContent =
      at < 0.005 ? "z, the prior" : at > way.steps - 0.005 ? "x, all undone" : `${at.toFixed(2)} of ${way.steps} undone`;
  };
  const load = dom.latest(
    ask.mesh,
    answer => {
      way = { ...answer, x: floats(answer.x), points: floats(answer.points) };
      slider.max = way.steps;
      slider.value = way.steps;
      find(".say").textContent = "";
      draw();
    },
    {
      fail: error => {
        way = null;
        find(".say").textContent = error.message;
        find(".say").classList.add("wrong");
      },
    },
  );
  find(".data").replaceChildren(...v().sets.map(([name, title]) => new Option(title, name)));
  find(".data").addEventListener("change", e => {
    find(".say").classList.remove("wrong");
    load({ data: e.target.value });
  });
  slider.addEventListener("input", draw);
  new ResizeObserver(draw).observe(sheet);
  load({ data: find(".data").value });
};
