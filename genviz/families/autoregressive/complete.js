// The picture whose top rows are given, and the film of its completions; see tab.py.
const find = s => element.querySelector(s), canvas = find(".x"), rows = find(".rows"), n = find(".n"), t = find(".t"), SIDE = 28;
let image = null, ran = false;
const small = document.createElement("canvas");

const draw = () => {
  rows.nextSibling.textContent = rows.value; n.nextSibling.textContent = n.value; t.nextSibling.textContent = (+t.value).toFixed(2);
  const pen = canvas.getContext("2d"), y = rows.value / SIDE * canvas.height;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (!image) return;
  genviz.paint(small, image.pixels);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  pen.fillStyle = "rgb(128 128 128 / .82)"; pen.fillRect(0, y, canvas.width, canvas.height - y);
  pen.fillStyle = "#e11d48"; pen.fillRect(0, y - 2, canvas.width, 4);
};
const run = () => {
  if (!image) return genviz.toast("Choose an image or draw one first.");
  const { player, model, data, seed } = props.value;
  ran = true;
  genviz.film(player, { model, data, walk: "complete", n: +n.value, seed, knobs: { temperature: +t.value },
    given: { x: image.base64 || genviz.bytes64(image.pixels), rows: +rows.value } });
};
for (const slider of [rows, n, t]) {
  slider.addEventListener("input", draw);
  slider.addEventListener("change", () => { if (ran) run(); });
}
const drag = e => {
  const box = canvas.getBoundingClientRect();
  rows.value = Math.round((e.clientY - box.top) / box.height * SIDE);
  draw();
};
genviz.pointer(canvas, { down: drag, move: drag, up: () => { if (ran) run(); } });
find(".start").addEventListener("click", run);
genviz.receive(props.value.pick, taken => { image = taken; draw(); });
draw();
