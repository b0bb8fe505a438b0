import * as arrays from "../../../../ui/web/core/arrays.js";
import * as films from "../../../../ui/web/core/films.js";
import * as mail from "../../../../ui/web/core/mail.js";

export default ({ props, find }) => {
  const v = () => props.value;
  let pixels = null;
  const film = back => {
    find(".say").textContent = pixels ? "" : "Choose a picture first.";
    if (!pixels) return;
    const { model, data, seed } = v();
    films.film(v().player, {
      model,
      data,
      walk: "layers",
      n: +find(".n").value,
      seed: seed || 0,
      given: { x: arrays.encode(pixels), back },
    });
  };
  find(".there").addEventListener("click", () => film(0));
  find(".home").addEventListener("click", () => film(1));
  mail.receive(v().pick, image => {
    pixels = image.pixels;
  });
};
