import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import { fill, letter } from "../chart.js";

export default ({ element, props, ask, find }) => {
  const v = () => props.value;
  const rows = [], svg = find(".dots"), button = find(".measure");
  let image = null;

  const draw = () => {
    const width = Math.min(svg.parentElement.clientWidth, parseFloat(getComputedStyle(svg).maxWidth) || 1e9), type = letter(svg), last = rows.slice(-8);
    if (!width || !last.length) return;
    const all = last.flatMap(r => r.bits), middle = (Math.min(...all) + Math.max(...all)) / 2, half = Math.max((Math.max(...all) - Math.min(...all)) / 2 * 1.15, .002);
    const x = b => 12 + (b - middle + half) / (2 * half) * (width - 24), height = (1.5 * last.length + 2.4) * type;
    let text = "";
    last.forEach((r, i) => {
      const y = (1.5 * i + 1) * type;
      text += `<line class="grid" x1="0" x2="${width}" y1="${y}" y2="${y}"/>` + r.bits.map(b => `<circle class="dot soft" cx="${x(b)}" cy="${y}" r="5"/>`).join("") +
        `<line class="mean" x1="${x(r.mean)}" x2="${x(r.mean)}" y1="${y - .5 * type}" y2="${y + .5 * type}"/>`;
    });
    for (const share of [.1, .5, .9]) { const b = middle + (2 * share - 1) * half; text += `<text x="${x(b)}" y="${height - .5 * type}" text-anchor="middle">${b.toFixed(3)}</text>`; }
    fill(svg, width, height, text);
  };
  const cell = (row, text) => { row.insertCell().textContent = text; };
  const measure = async () => {
    if (!image) return dom.toast("Choose a picture first.");
    const menu = find(".solver"), solver = menu.selectedOptions[0].textContent, begun = performance.now(), {model, data, seed} = v(), from = image.from;
    button.disabled = true; find(".say").textContent = "One moment.";
    try {
      const {bits, nfe} = await ask.measure({image: image.base64, solver: menu.value, probes: +find(".probes").value, model, data, seed: seed || 0});
      const mean = bits.reduce((a, b) => a + b) / bits.length, spread = Math.sqrt(bits.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(bits.length - 1, 1));
      const words = bits.length > 1 ? spread.toFixed(4) : "one probe", seconds = ((performance.now() - begun) / 1000).toFixed(1);
      rows.push({bits, mean});
      const row = find("tbody").insertRow(0);
      for (const text of [from, solver, mean.toFixed(4), words, nfe, seconds]) cell(row, text);
      find("table").hidden = false;
      find(".say").innerHTML = `<b class="num">${mean.toFixed(3)}</b> bits per dimension, <b class="num">${(-mean * 784 * Math.LN2).toFixed(0)}</b> nats for the whole picture, after ${nfe} network calls.`;
      draw();
    } catch (error) { find(".say").textContent = ""; dom.toast(error); }
    button.disabled = false;
  };
  button.addEventListener("click", measure);
  mail.receive(v().pick, taken => { image = taken; });
  new ResizeObserver(draw).observe(element);
};
