"""The passport of a trained model on the screen: parameters, what training cost, and every metric with its protocol."""

from __future__ import annotations

from typing import Any

from genviz.ui.widget import Widget


class ModelCard(Widget):
    """The card of the model and data set that the menus name; made to follow them with `lab.follow`."""

    template = '<details><summary><b></b> <span class="short"></span></summary><dl></dl><table><tbody></tbody></table></details>'
    css = """
        & { color: var(--body-text-color); font-size: .98rem; }
        &:has(details[hidden]) { display: none; }
        summary { cursor: pointer; line-height: 1.5; }
        summary .short { color: var(--body-text-color-subdued); }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .8rem 0; }
        dt { color: var(--body-text-color-subdued); } dd { margin: 0; overflow-wrap: anywhere; }
        table { width: 100%; border-collapse: collapse; font-size: .95em; }
        td { padding: .35rem .8rem .35rem 0; border-top: 1px solid var(--border-color-primary); vertical-align: top; }
        td:nth-child(2) { font-variant-numeric: tabular-nums; white-space: nowrap; font-weight: 600; }
        td:nth-child(3) { color: var(--body-text-color-subdued); font-size: .92em; }
        @media (max-width: 600px) { dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; }
          table, tbody, tr, td { display: block; } td { border: 0; padding: 0; } tr { border-top: 1px solid var(--border-color-primary); padding: .4rem 0; } }"""
    js = r"""
        const find = selector => element.querySelector(selector);
        const make = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
        const time = s => s < 90 ? `${Math.round(s)} seconds` : s < 5400 ? `${Math.round(s / 60)} minutes` : `${(s / 3600).toFixed(1)} hours`;
        const figure = v => typeof v !== "number" ? String(v) : Number.isInteger(v) ? v.toLocaleString("en") : String(+v.toPrecision(4));
        const draw = () => {
          const card = (props.value.cards[props.value.model] || {})[props.value.data];
          find("details").hidden = !card;
          if (!card) return;
          find("b").textContent = "Card";
          const first = card.metrics[0];
          find(".short").textContent = [`${card.parameters.toLocaleString("en")} parameters`, `trained for ${time(card.seconds)}`,
            first ? `${first.name} ${figure(first.value)} ${first.unit || ""}` : "not measured"].join(" · ");
          const recipe = Object.entries(card.recipe || {}).filter(([, v]) => typeof v !== "object").map(([k, v]) => `${k} ${v}`).join(", ");
          const lines = [["Model", `${card.title} (${card.family}/${card.model}) on ${props.value.titles[card.data] || card.data}`],
            ["Parameters", card.parameters.toLocaleString("en")], ["Training", `${time(card.seconds)} on ${card.machine}, seed ${card.seed}`],
            ["Trained on", card.trained_on], ["Recipe", recipe], ["Weights", `${card.dtype}, sha256 ${card.sha256.slice(0, 12)}…, licence ${card.licence}`]];
          find("dl").replaceChildren(...lines.filter(([, v]) => v).flatMap(([k, v]) => [make("dt", k), make("dd", v)]));
          find("tbody").replaceChildren(...(card.metrics.length ? card.metrics.map(m => {
            const row = document.createElement("tr");
            row.append(make("td", m.name), make("td", `${figure(m.value)} ${m.unit || ""}`), make("td", m.protocol || ""));
            return row;
          }) : [make("tr", "No metric of this model was measured yet.")]));
        };
        watch("value", draw);
        draw();"""

    def __init__(self, catalogue: dict, family: dict, **options: Any):
        super().__init__({"cards": {m["name"]: m["cards"] for m in family["models"]},
                          "titles": {name: data["title"] for name, data in catalogue["data"].items()}}, **options)  # fmt: skip
