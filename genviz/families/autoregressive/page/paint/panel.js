import * as films from "../../../../ui/web/core/films.js";

export default ({ props, find }) => {
  const n = find(".n"),
    t = find(".t");
  const read = () => {
    n.nextSibling.textContent = n.value;
    t.nextSibling.textContent = (+t.value).toFixed(2);
  };
  for (const slider of [n, t]) slider.addEventListener("input", read);
  find(".start").addEventListener("click", () => {
    const { player, model, data, seed } = props.value;
    films.film(player, { model, data, seed, n: +n.value, knobs: { temperature: +t.value } });
  });
  read();
};
