const make = (tag, fields, ...children) => { const e = Object.assign(document.createElement(tag), fields); e.append(...children); return e; };
Object.assign(element.querySelector(".faults"), { textContent: props.value.faults || "", hidden: !props.value.faults });
element.querySelector(".families").replaceChildren(...props.value.families.map(f => {
  const cost = make("span", { textContent: f.trained ? "being measured" : "not measured" });
  const line = (head, what, no, title = "") => make("li", { className: no ? "no" : "", title }, make("span", { textContent: head }), typeof what === "string" ? make("span", { textContent: what }) : what);
  const glimpse = make("div", { className: "glimpse", textContent: f.trained ? "" : "not trained yet" });
  if (f.trained) ask.glimpse({ family: f.name }).then(async g => {
    const canvas = document.createElement("canvas");
    await genviz.draw(canvas, g.sprite);
    glimpse.replaceChildren(canvas);
    cost.textContent = `${g.nfe} network evaluation${g.nfe === 1 ? "" : "s"} for these pictures`;
    glimpse.title = `${g.title} on ${g.data}, just made`;
  }).catch(error => { cost.textContent = "not measured"; glimpse.textContent = error.message; });
  return make("button", { type: "button", className: "family", onclick: () => genviz.open(f.tab) }, glimpse, make("div", { className: "text" },
    make("h3", { textContent: f.title }), make("p", { className: "about", textContent: f.line }),
    make("ul", {}, line("Samples", "yes"), line("Latent space", f.latent || "no", !f.latent), line("Encoder", f.encoder ? "yes" : "no", !f.encoder),
      line("Likelihood", f.likelihood, f.likelihood === "none"), line("Cost", cost), ...f.figures.map(m => line(m.name, m.text, m.text === "not measured", m.protocol))),
    make("span", { className: "open", textContent: "Open" })));
}));
