
for (const button of element.querySelectorAll(".film")) button.addEventListener("click", () => {
  if (!ends[0] || !ends[1]) return;
  const {model, data, seed, player, n} = props.value, given = {x: ends.map(e => e.base64), linear: +button.dataset.linear};
  genviz.film(player, {model, data, walk: "interpolate", n, seed: seed || 0, given});
});
