import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { whole } from "../../../../ui/web/core/chart.js";

export default ({ props, ask, watch, find, say }) => {
  const v = () => props.value;
  let image = null,
    draws = 0,
    seen = "";
  const KINDS = ["y", "slope", "x0_hat"];

  const show = answer => {
    say("");
    find(".phases").hidden = false;
    for (const phase of ["data", "model", "difference"]) {
      const box = find(`[data-phase="${phase}"]`),
        of = (kind, p) => answer[p][kind];
      for (const kind of KINDS) {
        const canvas = box.querySelector("." + kind);
        const numbers = phase === "difference" ? of(kind, "data").map((a, i) => a - of(kind, "model")[i]) : of(kind, phase);
        if (phase === "difference" || kind === "slope") pictures.heat(canvas, numbers, 28, { signed: true });
        else
          pictures.paint(
            canvas,
            Uint8ClampedArray.from(numbers, a => 127.5 * a + 127.5),
          );
      }
    }
    const E = phase => answer[phase].energy,
      about = phase => find(`[data-phase="${phase}"] .about`),
      b = x => `<b class="num">${whole(x)}</b> nats`;
    about("data").innerHTML = `E = ${b(E("data"))}`;
    about("model").innerHTML = `E = ${b(E("model"))}, ${answer.steps} step${answer.steps > 1 ? "s" : ""} later`;
    about("difference").innerHTML =
      `${b(E("data") - E("model"))}; averaged over a batch, with chains from the buffer, this is the training loss`;
  };
  const phases = dom.latest(ask.phases, show, { flights: 1, fail: error => say(error.message, true) });
  const again = () => {
    const { model, data, seed } = v(),
      steps = +find(".steps").value;
    find(".steps").previousElementSibling.textContent = steps;
    if (!image) return;
    phases({ image: image.base64, model, data, seed: ((seed || 0) + draws) % 4294967296, steps });
  };
  find(".steps").addEventListener("input", again);
  find(".fresh").addEventListener("click", () => {
    draws++;
    again();
  });
  mail.receive(v().pick, taken => {
    image = taken;
    again();
  });
  watch("value", () => {
    const now = [v().model, v().data, v().seed].join();
    if (now !== seen) {
      seen = now;
      again();
    }
  });
  again();
};
