// Draws the knobs of the chosen model and starts its film; see controls.py.
import * as dom from "../core/dom.js";
import * as films from "../core/films.js";
import * as hands from "../core/hands.js";
import * as link from "../core/link.js";
import * as told from "../core/told.js";

/** What is asked before anything is shown: {models: {name: {knobs, trained}}, scenes}. */
export const load = ({ ask }) => ask.settings();

export default ({ element, props, watch, trigger, find, loaded: { models, scenes } }) => {
  const say = find(".say"),
    kept = {}; // what was entered stays, model by model
  let many = null, // samples that were asked for, null where nobody has said how many
    drawn = "";
  const bounds = () => models[props.value.model] || { first: 1, most: 1 };
  const n = () => (many === null ? bounds().first : many.most === bounds().most ? many.value : bounds().first); // of another medium
  const tell = (text, wrong = false) => {
    say.textContent = text;
    say.classList.toggle("wrong", wrong);
  };
  const nice = x => String(+(+x).toPrecision(4));

  const number_knob = (k, value, set) => {
    const field = dom.make("input", {
      type: "text",
      inputMode: "decimal",
      value: nice(value),
      id: `${props.value.player}-${k.name}`,
      autocomplete: "off",
    });
    const parts = [field];
    if (k.low !== null && k.high !== null) {
      const log = k.low > 0 && k.high / k.low >= 100,
        whole = k.type === "int";
      const step = k.step || (whole ? 1 : 10 ** Math.floor(Math.log10((k.high - k.low) / 50)));
      const to = x => (log ? (Math.log(x / k.low) / Math.log(k.high / k.low)) * 1000 : x);
      const from = v => {
        const x = log ? k.low * (k.high / k.low) ** (v / 1000) : +v;
        return whole ? Math.round(x) : +(Math.round(x / step) * step).toPrecision(6);
      };
      const slider = dom.make("input", {
        type: "range",
        min: log ? 0 : k.low,
        max: log ? 1000 : k.high,
        step: log ? 1 : step,
        value: to(value),
      });
      slider.setAttribute("aria-label", k.title);
      slider.addEventListener("input", () => {
        const x = from(slider.value);
        field.value = nice(x);
        set(x);
      });
      field.addEventListener("input", () => {
        const x = Number(field.value.replace(",", "."));
        if (field.value.trim() && !Number.isNaN(x)) slider.value = to(Math.min(Math.max(x, k.low), k.high));
      });
      parts.push(slider);
    }
    field.addEventListener("input", () => {
      const text = field.value.trim().replace(",", "."),
        x = Number(text);
      set(text === "" || Number.isNaN(x) ? field.value : x);
    });
    hands.keys(field, { Enter: sample });
    return parts;
  };
  const menu_knob = (k, value, set, options) => {
    const menu = dom.make(
      "select",
      { id: `${props.value.player}-${k.name}` },
      ...options.map(([text, v]) => dom.make("option", { textContent: text, value: String(v), selected: String(v) === String(value) })),
    );
    menu.addEventListener("change", () => set(options.find(([, v]) => String(v) === menu.value)[1]));
    return [menu];
  };
  const knob = (k, value, set) => {
    k = { ...k, title: k.title || k.name.replaceAll("_", " ") };
    const classes = told.classes[props.value.data] || [];
    const parts =
      k.kind === "label"
        ? menu_knob(k, value, set, [["each in turn", -1], ...classes.map((c, i) => [c, i])])
        : k.choices.length
          ? menu_knob(
              k,
              value,
              set,
              k.choices.map(c => [String(c), c]),
            )
          : k.type === "bool"
            ? [
                dom.make("input", {
                  type: "checkbox",
                  checked: value,
                  id: `${props.value.player}-${k.name}`,
                  onchange: e => set(e.target.checked),
                }),
              ]
            : number_knob(k, value, set);
    const label = dom.make("label", { textContent: k.title, htmlFor: `${props.value.player}-${k.name}` });
    return dom.make(
      "div",
      { className: "knob" },
      dom.make("div", { className: "line" }, label, parts[0]),
      ...parts.slice(1),
      ...(k.help ? [dom.make("p", { textContent: k.help })] : []),
    );
  };

  const draw = force => {
    const { model, data } = props.value,
      here = models[model];
    if (!here || (!force && drawn === model + data)) return;
    drawn = model + data;
    const values = (kept[model] ||= Object.fromEntries(here.knobs.map(k => [k.name, k.default])));
    find(".knobs").replaceChildren(
      knob({ name: "n", title: "samples", type: "int", low: 1, high: here.most, choices: [], kind: "", step: 1, help: "" }, n(), v => {
        many = { value: v, most: here.most };
      }),
      ...here.knobs.map(k =>
        knob(k, values[k.name], v => {
          values[k.name] = v;
        }),
      ),
    );
    find(".scenes").replaceChildren(
      ...scenes
        .filter(s => s.model === model)
        .map(s =>
          dom.make("button", {
            type: "button",
            textContent: s.title,
            onclick: () => {
              Object.assign(values, s.knobs);
              draw(true);
              sample();
            },
          }),
        ),
    );
    const trained = here.trained.includes(data);
    find(".sample").disabled = !trained;
    if (trained) tell("");
    else {
      tell(`There are no weights for this model on this data set yet. Train it with`);
      say.append(dom.make("code", { textContent: `python -m genviz.train ${model} ${data}` }));
    }
  };
  const sample = () => {
    if (find(".sample").disabled) return;
    const { model, data, seed, player } = props.value;
    tell("");
    films.film(player, { model, data, seed, n: n(), knobs: { ...kept[model] } });
  };
  find(".sample").onclick = sample;
  find(".stop").onclick = () => films.stop(props.value.player);
  films.listen(props.value.player, {
    state: s => {
      find(".stop").disabled = s !== "waiting" && s !== "running";
    },
    refused: sentence => tell(sentence, true),
  });
  link.control(props.value.player, {
    element,
    state: () => ({
      model: props.value.model,
      data: props.value.data,
      seed: props.value.seed,
      n: n(),
      knobs: kept[props.value.model] || {},
    }),
    set: ({ n: asked, knobs, ...wanted }) => {
      // what a link says; the menus take it from `wanted` (lab.follow)
      many = { value: asked, most: (models[wanted.model] || bounds()).most };
      if (knobs) kept[wanted.model] = { ...knobs };
      props.value = { ...props.value, wanted };
      trigger("restore");
      draw(true);
    },
  });
  watch("value", () => {
    draw();
    link.touch();
  });
  draw(true);
};
