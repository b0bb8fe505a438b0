import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";
import { chart, fill, redraw } from "../../../../ui/web/core/chart.js";
import { bars, ends } from "../chart.js";

export default ({ element, props, ask, watch, find, say }) => {
  const v = () => props.value;
  // The score of one picture among those of many, the gradient as a heat map, and for a model of classes the score as each class.
  let image = null,
    judged = null,
    crowd = null,
    seen = "";
  const menu = find(".label"),
    knows = () => v().conditional.includes(v().model),
    classes = () => v().classes[v().data] || [];
  const count = dom.latest(
    ask.crowd,
    answer => {
      crowd = answer;
      show();
    },
    { fail: error => say(error.message, true) },
  );
  const judge = dom.latest(
    ask.judge,
    answer => {
      judged = answer;
      say("");
      show();
    },
    { fail: error => say(error.message, true) },
  );

  const show = () => {
    if (!image || !judged) return;
    pictures.paint(find(".x"), image.pixels);
    find(".from").textContent = image.from || "x";
    pictures.heat(find(".g"), judged.gradient, 28, { signed: true });
    const type = parseFloat(getComputedStyle(find("svg")).fontSize);
    if (crowd) {
      const score = judged.score - crowd.zero,
        [low, high] = crowd.range,
        at = Math.min(Math.max(score, low), high),
        most = Math.max(...crowd.real, ...crowd.fake);
      chart(find(".scores"), {
        height: 12 * type,
        title: "Score D(x); 0 lies between the means",
        name: "scores",
        x: { low, high, ticks: ends(crowd.range) },
        y: { low: 0, high: most, ticks: 0 },
        ...bars(crowd.real, crowd.fake, crowd.range, at),
      });
      const below = crowd.sorted.filter(s => s < judged.score).length / crowd.sorted.length;
      find(".words").innerHTML =
        `D(x) = <b class="num">${score.toFixed(2).replace("-", "\u2212")}</b>, above <b>${Math.round(100 * below)} %</b> of ${crowd.sorted.length} test images. ` +
        `The game compares pictures in pairs, so only differences of scores mean something.`;
    }
    const all = judged.classes,
      svg = find(".classes");
    fill(svg, 0, 0, "");
    if (!all) return;
    const low = Math.min(...all),
      high = Math.max(...all),
      best = all.indexOf(high),
      names = classes();
    chart(svg, {
      height: 12 * type,
      title: `As which class does it look most real? As ${names[best]}.`,
      name: "classes",
      y: { low: low - 0.05 * (high - low), high, ticks: 0 },
      x: { low: -0.5, high: 9.5, ticks: all.map((_, i) => [i, names[i].length < 3 ? names[i] : String(i)]) },
      marks: [
        { kind: "bars", at: all.map((s, i) => [i, s]), wide: 1, gap: 0.3, stubs: true, class: i => (i === +menu.value ? "fake" : "real") },
      ],
      table: { columns: ["class", "score", "name"], rows: all.map((s, i) => [i, s, names[i]]) },
    });
  };
  const look = () => {
    if (image) judge({ image: image.base64 || arrays.encode(image.pixels), model: v().model, data: v().data, label: +menu.value });
  };
  const again = () => {
    const key = v().model + v().data;
    find(".as").hidden = !knows();
    if (key === seen) return;
    const old = menu.value;
    menu.replaceChildren(...classes().map((name, i) => new Option(name, i)));
    menu.value = old || (image && image.label > 0 ? image.label : 0);
    seen = key;
    crowd = judged = null;
    count({ model: v().model, data: v().data });
    look();
  };
  menu.addEventListener("change", look);
  again();
  mail.receive(v().pick, taken => {
    image = taken;
    if (taken.label >= 0) menu.value = taken.label;
    look();
  });
  watch("value", again);
  redraw(element, show);
};
