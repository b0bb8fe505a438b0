import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import { chart, redraw } from "../../../../ui/web/core/chart.js";

export default ({ element, props, ask, find }) => {
  const v = () => props.value;
  const rows = [],
    svg = find(".dots"),
    button = find(".measure");
  let image = null;

  const draw = () => {
    const last = rows.slice(-8);
    if (!last.length) return;
    const all = last.flatMap(r => r.bits),
      middle = (Math.min(...all) + Math.max(...all)) / 2,
      half = Math.max(((Math.max(...all) - Math.min(...all)) / 2) * 1.15, 0.002);
    const tall = last.length,
      up = i => tall - i - 0.5;
    chart(svg, {
      height: (1.5 * tall + 4.6) * parseFloat(getComputedStyle(svg).fontSize),
      name: "likelihood",
      y: { low: 0, high: tall, ticks: 0 },
      x: {
        low: middle - half,
        high: middle + half,
        ticks: [0.1, 0.5, 0.9].map(share => middle + (2 * share - 1) * half),
        format: b => b.toFixed(3),
        title: "bits per dimension",
      },
      marks: last.flatMap((r, i) => [
        { kind: "rule", class: "grid", y: up(i) },
        { kind: "dots", class: "dot soft", points: r.bits.map(b => [b, up(i)]) },
        {
          kind: "line",
          class: "mean",
          points: [
            [r.mean, up(i) - 0.35],
            [r.mean, up(i) + 0.35],
          ],
        },
      ]),
      table: { columns: ["bits per dimension", "measurement"], rows: last.flatMap((r, i) => r.bits.map(b => [b, i + 1])) },
    });
  };
  const cell = (row, text) => {
    row.insertCell().textContent = text;
  };
  const measure = async () => {
    if (!image) return dom.toast("Choose a picture first.");
    const menu = find(".solver"),
      solver = menu.selectedOptions[0].textContent,
      begun = performance.now(),
      { model, data, seed } = v(),
      from = image.from;
    button.disabled = true;
    find(".say").textContent = "One moment.";
    try {
      const { bits, nfe } = await ask.measure({
        image: image.base64,
        solver: menu.value,
        probes: +find(".probes").value,
        model,
        data,
        seed: seed || 0,
      });
      const mean = bits.reduce((a, b) => a + b) / bits.length,
        spread = Math.sqrt(bits.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(bits.length - 1, 1));
      const words = bits.length > 1 ? spread.toFixed(4) : "one probe",
        seconds = ((performance.now() - begun) / 1000).toFixed(1);
      rows.push({ bits, mean });
      const row = find("tbody").insertRow(0);
      for (const text of [from, solver, mean.toFixed(4), words, nfe, seconds]) cell(row, text);
      find("table").hidden = false;
      find(".say").innerHTML =
        `<b class="num">${mean.toFixed(3)}</b> bits per dimension, <b class="num">${(-mean * 784 * Math.LN2).toFixed(0)}</b> nats for the whole picture, after ${nfe} network calls.`;
      draw();
    } catch (error) {
      find(".say").textContent = "";
      dom.toast(error);
    }
    button.disabled = false;
  };
  button.addEventListener("click", measure);
  mail.receive(v().pick, taken => {
    image = taken;
  });
  redraw(element, draw);
};
