import * as films from "../../../../ui/web/core/films.js";
import * as hands from "../../../../ui/web/core/hands.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ element, props, watch, find }) => {
  const v = () => props.value,
    N = 9,
    SIDE = 28,
    GAP = 2;
  const say = (text, wrong = false) => {
    find(".say").textContent = text;
    find(".say").classList.toggle("wrong", wrong);
  };
  let hand = null,
    turn = 0,
    strips = { arc: [], line: [] },
    jobs = [],
    data = v().data;

  const walk = async (name, order, mine) => {
    // collects a film; the two strips are scrubbed together, so they share one slider and no player
    let wrong = "";
    await films.play(order, {
      wanted: () => mine === turn,
      started: job => jobs.push(job),
      read: films.picture,
      show: (view, more) => {
        strips[name].push(...more);
        if (view.status === "error" || view.status === "cancelled") wrong = films.sentence_of(view);
        else if (view.status === "waiting") say(films.sentence_of(view));
        if (strips[name].length) draw();
      },
    });
    if (wrong) throw new Error(wrong);
  };
  const strip = (canvas, bitmap) => {
    canvas.width = N * SIDE + (N - 1) * GAP;
    canvas.height = SIDE;
    const pen = canvas.getContext("2d"),
      columns = Math.ceil(Math.sqrt(N));
    for (let i = 0; i < N; i++)
      pen.drawImage(bitmap, (i % columns) * SIDE, Math.floor(i / columns) * SIDE, SIDE, SIDE, i * (SIDE + GAP), 0, SIDE, SIDE);
  };
  const draw = () => {
    // both strips, and what is said of them, at one step: as far as both films have arrived
    const slider = find(".t"),
      have = Math.min(strips.arc.length, strips.line.length),
      follow = +slider.value >= +slider.max;
    element.dataset.arrived = `${strips.arc.length} ${strips.line.length}`;
    if (!have) return;
    find(".strips").hidden = false;
    slider.max = Math.max(1, have - 1);
    if (follow) slider.value = slider.max;
    const at = Math.min(+slider.value, have - 1),
      shot = strips.arc[at];
    for (const name of ["arc", "line"]) strip(find("." + name), strips[name][at].bitmap);
    if (hand) {
      hand();
      hand = null;
    }
    const canvas = find(".blend"),
      pen = canvas.getContext("2d"),
      end = i => pictures.pixels(shot.bitmap, i, Math.ceil(Math.sqrt(N)));
    canvas.width = N * SIDE + (N - 1) * GAP;
    canvas.height = SIDE;
    const a = end(0),
      b = end(N - 1);
    for (let k = 0; k < N; k++) {
      const image = new ImageData(SIDE, SIDE),
        u = k / (N - 1);
      for (let p = 0; p < SIDE * SIDE; p++) image.data.set([...Array(3).fill((1 - u) * a[p] + u * b[p]), 255], 4 * p);
      pen.putImageData(image, k * (SIDE + GAP), 0);
    }
    say(`step ${shot.step} of ${shot.steps}, ${shot.caption}`);
  };
  const labels = () => {
    const menu = find(".label"),
      old = menu.value;
    menu.replaceChildren(...["no class", ...(v().classes[v().data] || [])].map((name, i) => new Option(name, String(i - 1))));
    menu.value = old || "3";
  };

  find(".walk").addEventListener("click", async () => {
    const mine = ++turn,
      other = +find(".other").value;
    if (!Number.isInteger(other) || other < 0 || other > 16777215)
      return say("The other seed must be a whole number from 0 to 16777215.", true);
    films.cancel(jobs);
    jobs = [];
    strips = { arc: [], line: [] };
    find(".t").value = find(".t").max;
    hand = hands.over(find(".t"));
    say("One moment.");
    const order = {
      model: v().model,
      data: v().data,
      walk: "interpolate",
      n: N,
      seed: v().seed || 0,
      knobs: { label: +find(".label").value },
    };
    try {
      await Promise.all(
        [
          ["arc", 0],
          ["line", 1],
        ].map(([name, linear]) => walk(name, { ...order, given: { other, linear } }, mine)),
      );
    } catch (error) {
      if (mine === turn) say(error.message, true);
    }
  });
  find(".dice").addEventListener("click", () => {
    find(".other").value = Math.floor(Math.random() * 16777216);
    find(".walk").click();
  });
  find(".t").addEventListener("input", draw);
  watch("value", () => {
    if (v().data !== data) {
      data = v().data;
      labels();
    }
  });
  labels();
};
