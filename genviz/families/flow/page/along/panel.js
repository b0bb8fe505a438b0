// The strips of the standard panel, and the film of their coming out of z.
import * as films from "../../../../ui/web/core/films.js";
import interpolation from "../../../../ui/web/interpolation/panel.js";

export default panel => {
  const { element, props } = panel,
    { ends } = interpolation(panel);
  for (const button of element.querySelectorAll(".film"))
    button.addEventListener("click", () => {
      const [a, b] = ends();
      if (!a || !b) return;
      const { model, data, seed, player, n } = props.value,
        given = { x: [a.base64, b.base64], linear: +button.dataset.linear };
      films.film(player, { model, data, walk: "interpolate", n, seed: seed || 0, given });
    });
};
