import * as films from "../../../../ui/web/core/films.js";

export default ({ props, watch, find }) => {
  const v = () => props.value;
  const labels = () => {
    const menu = find(".label"),
      old = menu.value;
    menu.replaceChildren(...(v().classes[v().data] || []).map((name, i) => new Option(name, i)));
    menu.value = old || "3";
  };
  let trunk = null,
    at = 0,
    steps = 0,
    draw = 0,
    data = v().data;
  const say = (text, wrong = false) => {
    find(".say").textContent = text;
    find(".say").classList.toggle("wrong", wrong);
  };

  find(".walk").addEventListener("click", () => {
    const knobs = {
      label: +find(".label").value,
      sampler: find(".sampler").value,
      steps: +find(".steps").value,
      guidance: +find(".guidance").value,
    };
    say("");
    films.film(v().player, { model: v().model, data: v().data, seed: v().seed || 0, knobs, walk: "sample", n: 1 });
  });
  find(".branch").addEventListener("click", () => {
    const step = Math.min(at, steps - 1);
    say(`Nine continuations of step ${step}, drawn by DDPM; the ${draw ? `noise is new for the ${draw + 1}th time` : "noise is new"}.`);
    films.film(v().branches, { ...trunk, walk: "branch", n: 9, given: { step, draw: draw++ } });
  });
  films.listen(v().player, {
    frame: f => {
      const { model, data, seed, knobs } = f.order; // of the film on stage, even one from before a reload
      at = f.step;
      steps = f.steps;
      trunk = { model, data, seed, knobs };
      const button = find(".branch");
      button.disabled = at >= steps;
      button.textContent = at >= steps ? "Branch: go back some steps first" : `Branch at step ${at}, new noise`;
    },
  });
  watch("value", () => {
    if (v().data !== data) {
      data = v().data;
      labels();
    }
  });
  labels();
};
