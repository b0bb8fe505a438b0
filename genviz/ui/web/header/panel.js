import * as dom from "../core/dom.js";

export default ({ element }) => {
  const projector = element.querySelector(".projector"),
    look = element.querySelector(".look");
  const show = () => {
    projector.setAttribute("aria-pressed", document.body.classList.contains("projector"));
    look.textContent = dom.dark() ? "Light" : "Dark";
    dispatchEvent(new Event("genviz-look"));
  };
  const set = (name, on) => {
    document.body.classList.toggle(name, on);
    dom.keep(name, on);
    show();
  };
  projector.onclick = () => set("projector", !document.body.classList.contains("projector"));
  look.onclick = () => set("dark", !dom.dark());
  for (const name of ["projector", "dark"]) if (dom.keep(name) !== null) document.body.classList.toggle(name, dom.keep(name));
  show();
};
