import * as dom from "../core/dom.js";
import * as pictures from "../core/pictures.js";

export default ({ element, props, ask }) => {
  Object.assign(element.querySelector(".faults"), { textContent: props.value.faults || "", hidden: !props.value.faults });
  element.querySelector(".families").replaceChildren(
    ...props.value.families.map(f => {
      const cost = dom.make("span", { textContent: f.trained ? "being measured" : "not measured" });
      const line = (head, what, no, title = "") =>
        dom.make(
          "li",
          { className: no ? "no" : "", title },
          dom.make("span", { textContent: head }),
          typeof what === "string" ? dom.make("span", { textContent: what }) : what,
        );
      const glimpse = dom.make("div", { className: "glimpse", textContent: f.trained ? "" : "not trained yet" });
      if (f.trained)
        ask
          .glimpse({ family: f.name })
          .then(async g => {
            const canvas = document.createElement("canvas");
            await pictures.draw(canvas, g.sprite);
            glimpse.replaceChildren(canvas);
            cost.textContent = `${g.nfe} network evaluation${g.nfe === 1 ? "" : "s"} for these pictures`;
            glimpse.title = `${g.title} on ${g.data}, just made`;
          })
          .catch(error => {
            cost.textContent = "not measured";
            glimpse.textContent = error.message;
          });
      return dom.make(
        "button",
        { type: "button", className: "family", onclick: () => dom.open(f.tab) },
        glimpse,
        dom.make(
          "div",
          { className: "text" },
          dom.make("h3", { textContent: f.title }),
          dom.make("p", { className: "about", textContent: f.line }),
          dom.make(
            "ul",
            {},
            line("Samples", "yes"),
            line("Latent space", f.latent || "no", !f.latent),
            line("Encoder", f.encoder ? "yes" : "no", !f.encoder),
            line("Likelihood", f.likelihood, f.likelihood === "none"),
            line("Cost", cost),
            ...f.figures.map(m => line(m.name, m.text, m.text === "not measured", m.protocol)),
          ),
          dom.make("span", { className: "open", textContent: "Open" }),
        ),
      );
    }),
  );
};
