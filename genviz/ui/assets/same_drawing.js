// One picture, one seed, an answer of each family; see same_drawing.py.
const find = s => element.querySelector(s), v = props.value;
const make = (tag, fields = {}, ...children) => { const e = Object.assign(document.createElement(tag), fields); e.append(...children); return e; };
const url = path => new URL("genviz/" + path, document.baseURI), wait = ms => new Promise(done => setTimeout(done, ms));
const post = (path, body, more = {}) => fetch(url(path), { method: "POST", headers: { "Content-Type": "application/json" }, body: genviz.asked(body), ...more });
let image = null, data = v.data[0].name, turn = 0, left = 0, answered = "";   // `answered`: the picture that the cards tell of
const jobs = new Set();      // films that are under way

// ---- the cards: a family, and below it each of its replies ---------------------------------------------------------------------------------
const replies = [];          // {family, told, number, shown, says}
const cards = v.families.map(family => {
  const card = make("section", { className: "card" }, make("h3", { textContent: family.title }));
  card.dataset.family = family.name;
  if (!family.replies.length) card.append(make("p", { className: "says quiet", textContent: v.silent }));
  else card.firstChild.append(make("span", { textContent: [...new Set(family.replies.map(r => r.title))].join(", ") }));
  family.replies.forEach((told, number) => {
    const shown = make("div", { className: "shown" }), says = make("p", { className: "says quiet" }), box = make("div", { className: "reply" }, shown, says);
    says.setAttribute("role", "status");
    card.append(box);
    replies.push({ family: family.name, told, number, box, shown, says, card });
  });
  return card;
});
find(".cards").append(...cards);
const say = (r, text, state = "") => {      // state: "", "quiet" while nothing is known yet, "wrong"
  r.says.textContent = text;
  r.says.className = `says ${state}`;
  r.box.dataset.state = state || "done";
};
const untrained = r => {
  say(r, `${r.told.title} is not trained on ${v.data.find(d => d.name === data).title} yet. Train it with `, "quiet");
  r.says.append(make("code", { textContent: `python -m genviz.train ${r.told.model} ${data}` }));
};
const blank = () => replies.forEach(r => { r.shown.replaceChildren(); if (r.told.trained.includes(data)) say(r, "Not asked yet.", "quiet"); else untrained(r); });
const figure = (label, count) => {
  const all = Array.from({ length: count }, () => make("canvas", { width: 28, height: 28 }));
  return { all, figure: make("figure", {}, make("div", {}, ...all), make("figcaption", { textContent: label })) };
};

// ---- asking ----------------------------------------------------------------------------------------------------------------------------------
const short = async (r, asked, mine) => {
  const answer = await ask.answer({ family: r.family, reply: r.number, image: asked.image, data: asked.data, seed: asked.seed });
  const bitmaps = await Promise.all(answer.pictures.map(p => genviz.sprite(p.url)));
  if (mine !== turn) return;
  r.shown.replaceChildren(...answer.pictures.map((p, k) => { const f = figure(p.label, 1); genviz.draw(f.all[0], bitmaps[k]); return f.figure; }));
  say(r, answer.says);
};
const patient = async (mine, question) => {  // asks again after a dropped connection, for two minutes
  for (const since = Date.now(); mine === turn && Date.now() - since < 120000; await wait(1000))
    try { const told = await genviz.told(await question()); if (told) return told; } catch { /* the network is gone: wait and ask again */ }
  return { error: "The app does not answer any more." };
};
const walk = async (r, asked, mine) => {
  const { told } = r, order = { model: told.model, data: asked.data, walk: told.ask, n: told.n, seed: asked.seed, given: { x: asked.image, ...told.given }, frames: 30 };
  const { job, error } = await patient(mine, () => post("submit", order));
  if (error) throw new Error(error);
  if (mine !== turn) { post("cancel", { jobs: [job] }).catch(() => {}); return; }
  jobs.add(job);
  try {
    const rows = told.shows.map(([part, label]) => ({ part, ...figure(label, part === "first" ? 1 : told.n) }));
    for (let have = 0; ;) {
      const view = await patient(mine, () => fetch(url(`wait?job=${job}&have=${have}&viewer=${genviz.viewer}`)));
      if (mine !== turn) return;
      if (view.error || view.status === "error" || view.status === "cancelled") throw new Error(view.error || view.message);
      if (view.shots.length) {     // the newest picture is shown while the walk goes on
        const first = have === 0, columns = Math.ceil(Math.sqrt(told.n)), [a, b] = await Promise.all([view.shots[0], view.shots.at(-1)].map(s => genviz.sprite(s.sprite)));
        if (mine !== turn) return;
        for (const row of rows) if (row.part !== "first" || first) row.all.forEach((canvas, i) => genviz.cell(canvas, row.part === "first" ? a : b, i, columns));
        if (first) r.shown.replaceChildren(...rows.map(row => row.figure));
        have += view.shots.length;
      }
      if (view.status === "done") return say(r, told.says);
      const last = view.shots.at(-1);
      if (last) say(r, `Step ${last.step} of ${last.steps}.`, "quiet");
      else if (view.status === "waiting") say(r, view.message || `Number ${view.place} in the waiting line.`, "quiet");
    }
  } finally { jobs.delete(job); }
};
const cancel = () => { if (jobs.size) post("cancel", { jobs: [...jobs] }, { keepalive: true }).catch(() => {}); jobs.clear(); };
const buttons = () => { find(".stop").disabled = !left; find(".go").disabled = !image; element.dataset.state = left ? "running" : replies.some(r => r.box.dataset.state === "done") ? "done" : ""; };
const note = (text, wrong = false) => { find(".note").textContent = text; find(".note").classList.toggle("wrong", wrong); };
const aged = () => {         // do the answers belong to this picture, or to the one before?
  const old = image.base64 !== answered;
  cards.forEach(card => card.classList.toggle("old", old));
  note(old ? "These answers belong to the picture before; ask again." : `Asked about ${image.from}.`);
};
const start = () => {
  const seed = +find(".seed").value;
  if (find(".seed").value === "" || !Number.isInteger(seed) || seed < 0 || seed > 4294967295) return note("A seed is a whole number between 0 and 4294967295.", true);
  cancel();
  const mine = ++turn, asked = { image: image.base64, data, seed }, able = replies.filter(r => r.told.trained.includes(data));
  left = able.length;
  answered = image.base64;
  aged();
  for (const r of able) {
    r.shown.replaceChildren();
    say(r, "One moment.", "quiet");
    (r.told.walk ? walk : short)(r, asked, mine).catch(error => { if (mine === turn) say(r, error.message || "There was no answer.", "wrong"); })
      .finally(() => { if (mine === turn) { left--; buttons(); } });
  }
  buttons();
};
const stop = () => { cancel(); turn++; left = 0; replies.filter(r => r.says.matches(".quiet") && r.told.trained.includes(data)).forEach(r => say(r, "Stopped.", "quiet")); buttons(); };

// ---- the form and the page --------------------------------------------------------------------------------------------------------------------
genviz.receive(v.pick, taken => { image = taken; genviz.paint(find(".chosen"), image.pixels); if (answered) aged(); buttons(); });
find(".data").replaceChildren(...v.data.map(d => new Option(d.title, d.name)));
find(".data").onchange = e => { stop(); data = e.target.value; answered = ""; blank(); note(""); props.value = { ...props.value, data }; trigger("turn"); buttons(); };
find(".dice").onclick = () => { find(".seed").value = Math.floor(Math.random() * 4294967296); };
find(".go").onclick = start;
find(".stop").onclick = stop;
genviz.keys(find(".seed"), { Enter: () => find(".go").click() });
addEventListener("pagehide", () => { if (jobs.size) genviz.left(url("cancel"), [...jobs]); });
blank();
buttons();
