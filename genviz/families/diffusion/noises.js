const find = s => element.querySelector(s), v = () => props.value, N = 9, SIDE = 28, GAP = 2;
const url = path => new URL("genviz/" + path, document.baseURI);
const say = (text, wrong = false) => { find(".say").textContent = text; find(".say").classList.toggle("wrong", wrong); };
let hand = null, turn = 0, films = {arc: [], line: []}, jobs = [], data = v().data;

const post = (path, body) => fetch(url(path), {method: "POST", headers: {"Content-Type": "application/json"}, body: genviz.asked(body)});
const walk = async (name, order, mine) => {  // collects a film; the two strips are scrubbed together, so they share one slider and no player
  const {job, error} = await (await post("submit", order)).json();
  if (error) throw new Error(error);
  jobs.push(job);
  for (;;) {
    const answer = await (await fetch(url(`wait?job=${job}&have=${films[name].length}&viewer=${genviz.viewer}`))).json();
    if (mine !== turn) return;
    for (const shot of answer.shots) films[name].push({...shot, bitmap: await genviz.sprite(shot.sprite)});
    if (answer.status === "error" || answer.status === "cancelled") throw new Error(answer.message || "Stopped.");
    if (answer.status === "waiting") say(answer.message || `Number ${answer.place} in the waiting line.`);
    if (films[name].length) draw();
    if (answer.status === "done") return;
  }
};
const strip = (canvas, bitmap) => {
  canvas.width = N * SIDE + (N - 1) * GAP; canvas.height = SIDE;
  const pen = canvas.getContext("2d"), columns = Math.ceil(Math.sqrt(N));
  for (let i = 0; i < N; i++) pen.drawImage(bitmap, i % columns * SIDE, Math.floor(i / columns) * SIDE, SIDE, SIDE, i * (SIDE + GAP), 0, SIDE, SIDE);
};
const draw = () => {   // both strips, and what is said of them, at one step: as far as both films have arrived
  const slider = find(".t"), have = Math.min(films.arc.length, films.line.length), follow = +slider.value >= +slider.max;
  element.dataset.arrived = `${films.arc.length} ${films.line.length}`;
  if (!have) return;
  find(".strips").hidden = false;
  slider.max = Math.max(1, have - 1);
  if (follow) slider.value = slider.max;
  const at = Math.min(+slider.value, have - 1), shot = films.arc[at];
  for (const name of ["arc", "line"]) strip(find("." + name), films[name][at].bitmap);
  if (hand) { hand(); hand = null; }
  const canvas = find(".blend"), pen = canvas.getContext("2d"), end = i => genviz.pixels(shot.bitmap, i, Math.ceil(Math.sqrt(N)));
  canvas.width = N * SIDE + (N - 1) * GAP; canvas.height = SIDE;
  const a = end(0), b = end(N - 1);
  for (let k = 0; k < N; k++) {
    const image = new ImageData(SIDE, SIDE), u = k / (N - 1);
    for (let p = 0; p < SIDE * SIDE; p++) image.data.set([...Array(3).fill((1 - u) * a[p] + u * b[p]), 255], 4 * p);
    pen.putImageData(image, k * (SIDE + GAP), 0);
  }
  say(`step ${shot.step} of ${shot.steps}, ${shot.caption}`);
};
const labels = () => {
  const menu = find(".label"), old = menu.value;
  menu.replaceChildren(...["no class", ...(v().classes[v().data] || [])].map((name, i) => new Option(name, i - 1)));
  menu.value = old || "3";
};

find(".walk").addEventListener("click", async () => {
  const mine = ++turn, other = +find(".other").value;
  if (!Number.isInteger(other) || other < 0 || other > 16777215) return say("The other seed must be a whole number from 0 to 16777215.", true);
  if (jobs.length) post("cancel", {jobs}).catch(() => {});
  jobs = []; films = {arc: [], line: []};
  find(".t").value = find(".t").max;
  hand = genviz.hand(find(".t"));
  say("One moment.");
  const order = {model: v().model, data: v().data, walk: "interpolate", n: N, seed: v().seed || 0, knobs: {label: +find(".label").value}};
  try {
    await Promise.all([["arc", 0], ["line", 1]].map(([name, linear]) => walk(name, {...order, given: {other, linear}}, mine)));
  } catch (error) { if (mine === turn) say(error.message, true); }
});
find(".dice").addEventListener("click", () => { find(".other").value = Math.floor(Math.random() * 16777216); find(".walk").click(); });
find(".t").addEventListener("input", draw);
watch("value", () => { if (v().data !== data) { data = v().data; labels(); } });
labels();
