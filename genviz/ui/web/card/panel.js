// The passport of a model: parameters, what training cost, every metric with its protocol. See genviz/ui/card.py.
import { latest } from "../core/dom.js";

export default ({ props, ask, watch, find }) => {
  const make = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const time = s => (s < 90 ? `${Math.round(s)} seconds` : s < 5400 ? `${Math.round(s / 60)} minutes` : `${(s / 3600).toFixed(1)} hours`);
  const figure = v => (typeof v !== "number" ? String(v) : Number.isInteger(v) ? v.toLocaleString("en") : String(+v.toPrecision(4)));
  const draw = latest(ask.card, ({ card, lead, title }) => {
    find("details").hidden = !card;
    if (!card) return;
    find("b").textContent = "Card";
    find(".short").textContent = [
      `${card.parameters.toLocaleString("en")} parameters`,
      `trained for ${time(card.seconds)}`,
      ...(lead.length ? lead : ["not measured"]),
    ].join(" · ");
    const recipe = Object.entries(card.recipe || {})
      .filter(([, v]) => typeof v !== "object")
      .map(([k, v]) => `${k} ${v}`)
      .join(", ");
    const lines = [
      ["Model", `${card.title} (${card.family}/${card.model}) on ${title}`],
      ["Parameters", card.parameters.toLocaleString("en")],
      ["Training", `${time(card.seconds)} on ${card.machine}, seed ${card.seed}`],
      ["Trained on", card.trained_on],
      ["Recipe", recipe],
      ["Weights", `${card.dtype}, sha256 ${card.sha256.slice(0, 12)}…, licence ${card.licence}`],
    ];
    find("dl").replaceChildren(...lines.filter(([, v]) => v).flatMap(([k, v]) => [make("dt", k), make("dd", v)]));
    find("tbody").replaceChildren(
      ...(card.metrics.length
        ? card.metrics.map(m => {
            const row = document.createElement("tr");
            row.append(make("td", m.name), make("td", `${figure(m.value)} ${m.unit || ""}`), make("td", m.protocol || ""));
            return row;
          })
        : [make("tr", "No metric of this model was measured yet.")]),
    );
  });
  let seen = "";
  const again = () => {
    const { model, data } = props.value;
    if (seen !== model + data) {
      seen = model + data;
      draw({ model, data });
    }
  };
  watch("value", again);
  again();
};
