const find = s => element.querySelector(s), v = () => props.value;
let pixels = null;
const film = back => {
  find(".say").textContent = pixels ? "" : "Choose a picture first.";
  if (!pixels) return;
  const {model, data, seed} = v();
  genviz.film(v().player, {model, data, walk: "layers", n: +find(".n").value, seed: seed || 0, given: {x: genviz.bytes64(pixels), back}});
};
find(".there").addEventListener("click", () => film(0));
find(".home").addEventListener("click", () => film(1));
genviz.receive(v().pick, image => { pixels = image.pixels; });
