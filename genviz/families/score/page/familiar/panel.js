import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ props, ask, watch, find }) => {
  const v = () => props.value,
    low = Math.log(v().smallest),
    high = Math.log(v().largest),
    slider = find(".sigma");
  const ROWS = [
      ["diffusion", "Diffusion"],
      ["score", "Score"],
      ["difference", "Difference"],
    ],
    VIEWS = ["x0_hat", "eps_hat", "score"];
  let image = null,
    data = v().data;
  for (const [row, title] of ROWS) {
    const line = find("tbody").insertRow();
    line.append(Object.assign(document.createElement("th"), { textContent: title }));
    for (const view of VIEWS) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 28, className: `${row}-${view}` }),
        note = document.createElement("span");
      line.insertCell().append(canvas, note);
    }
  }
  const sigma_of = () => Math.exp(low + slider.value * (high - low));
  const both = dom.latest(ask.both, answer => {
    pictures.paint(find(".x"), arrays.decode(answer.x));
    for (const view of VIEWS) {
      let top = 1e-9;
      for (const row of ["diffusion", "score"]) for (const value of answer[row][view]) top = Math.max(top, Math.abs(value));
      for (const [row] of ROWS) {
        const canvas = find(`.${row}-${view}`);
        if (view === "x0_hat" && row !== "difference")
          pictures.paint(
            canvas,
            Uint8ClampedArray.from(answer[row][view], value => 127.5 * value + 127.5),
          );
        else pictures.heat(canvas, answer[row][view], 28, { signed: true, low: -top, high: top });
      }
      find(`.difference-${view}`).nextSibling.textContent = `rms ${answer.apart[view]}`;
      find(`.diffusion-${view}`).nextSibling.textContent = `rms ${answer.size[view]}`;
    }
    const share = (100 * answer.apart.eps_hat) / answer.size.eps_hat;
    find(".say").innerHTML =
      `The two answers are <b class="num">${share < 0.1 ? share.toFixed(2) : share.toFixed(1)} %</b> of their length apart in eps_hat and in the score, which differ by the factor sigma alone.`;
  });
  const again = () => {
    find("output").textContent = `sigma = ${sigma_of().toPrecision(3)}`;
    if (image) both({ image: image.base64, sigma: sigma_of(), label: +find(".label").value, data: v().data, seed: v().seed || 0 });
  };
  const labels = () => {
    const menu = find(".label"),
      old = menu.value;
    menu.replaceChildren(...["no class", ...(v().classes[v().data] || [])].map((name, i) => new Option(name, String(i - 1))));
    menu.value = old || "-1";
  };
  slider.addEventListener("input", again);
  find(".label").addEventListener("change", again);
  watch("value", () => {
    if (v().data !== data) {
      data = v().data;
      labels();
    }
    again();
  });
  labels();
  mail.receive(v().pick, taken => {
    image = taken;
    again();
  });
  again();
};
