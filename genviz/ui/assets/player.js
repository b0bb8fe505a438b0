// One player: frames arrive by long polling, everything else happens here. See player.py.
const name = props.value.name, rows = props.value.rows, empty = props.value.empty, GAP = 2;
const find = selector => element.querySelector(selector);
const stage = find(".stage"), panesBox = find(".panes"), say = find(".say"), scrub = find(".scrub"), solo = find(".solo");
const paint = rows.map(row => `${row.name}:${row.paint}`).join(",");
const url = path => new URL("genviz/" + path, document.baseURI);
const wait = ms => new Promise(done => setTimeout(done, ms));

let frames = [];        // {bitmap, aux: {name: bitmap}, n, side, step, steps, nfe, ms, caption}
let order = null, job = null, state = "empty", turn = 0;
let aim = null;         // the step that a link asks for, until the film has come that far
let stored = "";        // the job of the film that was stored with the weights, and whether somebody has touched it
let untouched = false;
let at = 0, playing = false, chosen = null, shown = -1, due = 0, lastTick = 0, loop = false, speed = 1, hoverOn = false;
const listeners = [];
const tell = (kind, what) => { for (const l of listeners) if (l[kind]) l[kind](what); };

// ---- time: a frame a beat, or a pixel a beat where pixels are painted one by one -----------------------------------------------
const raster = () => frames.length > 0 && props.value.raster.includes(order.model) && frames[0].steps > frames.length - 1 && frames[0].steps <= frames[0].side ** 2;
const expected = () => frames.length ? (state === "done" || state === "cancelled" || state === "error" ? frames.length : Math.min(order.frames, frames[0].steps + 1)) - 1 : 0;
const end = () => !frames.length ? 0 : raster() ? (state === "running" ? frames[0].steps : frames.at(-1).step) : expected();
const here = () => !frames.length ? 0 : raster() ? frames.at(-1).step : frames.length - 1;   // how far the film has arrived
const rate = () => speed * Math.max(frames[0].points ? 1 : 4, end() / (raster() ? 5 : 3));      // beats a second: a whole film in 3 seconds, pixels in 5
const frameAt = t => raster() ? frames.findLastIndex(f => f.step <= t) : Math.min(Math.floor(t), frames.length - 1);

// ---- pictures --------------------------------------------------------------------------------------------------------------------
const panes = [];
const layout = () => {
  if (frames[0].points) return panes.length = 0, panesBox.replaceChildren();
  const f = frames[0], want = [{ name: "", label: rows.length ? props.value.label : "" }, ...rows].filter(r => !r.name || f.aux[r.name]);
  if (panes.length === want.length && panes.every((p, k) => p.name === want[k].name)) return;
  panes.length = 0;
  panesBox.replaceChildren(...want.map(row => {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas");
    canvas.className = "pane";
    figure.append(canvas);
    if (row.label) figure.append(Object.assign(document.createElement("figcaption"), { textContent: row.label }));
    panes.push({ name: row.name, canvas, figure });
    listen_pointer(canvas, !row.name);
    return figure;
  }));
};

const cells = () => chosen === null ? [...Array(frames[0].n).keys()] : [chosen];
const grid = k => Math.max(1, Math.ceil(Math.sqrt(k)));   // columns of a sprite, as pictures.columns_of in Python
let across = 1;          // columns on screen, which may differ: whatever makes the pictures largest

const fit = () => {  // the largest whole enlargement that fits, so that every pixel of a sample is equally large
  if (!panes.length || !stage.clientWidth) return;
  const { side } = frames[0], k = cells().length, dense = window.devicePixelRatio || 1, phone = innerWidth < 700;
  const several = panes.length > 1, label = several ? 34 : 0, high = phone ? innerHeight * (several ? .7 : .5) : Math.max(250, innerHeight - (document.body.classList.contains("projector") ? 260 : 400));
  const size = count => count * side + (count - 1) * GAP, room = abreast => (stage.clientWidth - 24 - 16 * (abreast - 1)) / abreast;
  let best = null;
  for (const abreast of phone && several ? [2, 1] : [panes.length]) for (let c = 1; c <= k; c++) {     // on a phone beside each other or below
    const wide = room(abreast), tall = high / Math.ceil(panes.length / abreast) - label, r = Math.ceil(k / c), zoom = Math.min(Math.floor(Math.min(wide / size(c), tall / size(r)) * dense) / dense, k === 1 ? 24 : 12);
    const spare = c * r - k + Math.abs(c - r) / 100;
    if (zoom > 0 && (!best || zoom > best.zoom || (zoom === best.zoom && spare < best.spare))) best = { c, r, zoom, spare };
  }
  if (!best) best = { c: grid(k), r: Math.ceil(k / grid(k)), zoom: Math.max(.5, room(phone ? 1 : panes.length) / size(grid(k))) };
  across = best.c;
  for (const { canvas } of panes) {
    const w = size(best.c), h = size(best.r);
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    canvas.style.width = w * best.zoom + "px";
    canvas.style.height = h * best.zoom + "px";
  }
};

const put = (where, text) => { if (where.textContent !== text) where.textContent = text; };   // no layout for what stays
const draw = () => {
  if (!frames.length) return;
  const t = Math.min(at, here()), a = frames[frameAt(t)], { side, n } = a, list = cells(), c = across, cs = grid(n);
  const b = raster() && t > a.step ? frames.find(f => f.step >= t) : null;
  const skip = side * side - a.steps;    // pixels that were given, not painted
  panes.forEach(pane => {
    const pen = pane.canvas.getContext("2d"), pick = f => pane.name ? f.aux[pane.name] : f.bitmap, from = pick(a);
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, pane.canvas.width, pane.canvas.height);
    if (!from) return;
    list.forEach((i, k) => {
      const sx = (i % cs) * side, sy = Math.floor(i / cs) * side, dx = (k % c) * (side + GAP), dy = Math.floor(k / c) * (side + GAP);
      pen.drawImage(from, sx, sy, side, side, dx, dy, side, side);
      if (!b || !pick(b)) return;
      for (let p = a.step + skip; p < Math.floor(t) + skip;) {   // pixels painted since frame a, row by row, out of frame b
        const row = Math.floor(p / side), col = p % side, count = Math.min(side - col, Math.floor(t) + skip - p);
        pen.drawImage(pick(b), sx + col, sy + row, count, 1, dx + col, dy + row, count, 1);
        p += count;
      }
    });
  });
  const beats = end(), step = raster() ? Math.floor(t) : a.step, nfe = b ? Math.round(a.nfe + (step - a.step) / (b.step - a.step) * (b.nfe - a.nfe)) : a.nfe;
  const caption = raster() && step < a.steps && step > 0 ? `row ${Math.floor((step + skip - 1) / side)}, column ${(step + skip - 1) % side}` : a.caption;
  const past = frames.slice(0, frames.indexOf(b || a) + 1);   // the mean so far: the last step alone may need no network
  const ms = past.reduce((sum, f, k) => sum + f.ms * (k ? f.step - past[k - 1].step : 1), 0) / Math.max(1, past.at(-1).step);
  put(find(".step"), `step ${step} of ${a.steps}`);
  put(find(".nfe"), `${nfe} network evaluation${nfe === 1 ? "" : "s"}`);
  put(find(".ms"), ms > 0 ? `${ms >= 10 ? ms.toFixed(0) : ms >= .1 ? ms.toFixed(1) : ms.toFixed(3)} ms per step` : "");
  put(find(".caption"), caption);
  scrub.max = Math.max(1, beats);
  scrub.value = t;
  scrub.disabled = beats === 0;
  scrub.setAttribute("aria-valuetext", `step ${step} of ${a.steps}`);
  scrub.style.setProperty("--at", `${beats ? 100 * t / beats : 0}%`);
  scrub.style.setProperty("--here", `${beats ? 100 * here() / beats : 0}%`);
  if (a.points) tell("points", { model: order.model, data: order.data, frames: frames.map(f => f.points), at: t });
  const key = raster() ? step : frameAt(t);
  if (key !== shown) { shown = key; tell("frame", { index: frameAt(t), step, steps: a.steps, nfe, ms, caption, order }); }
};

// ---- the clock ---------------------------------------------------------------------------------------------------------------------
const tick = now => {
  if (!playing || !element.isConnected) { due = 0; return; }
  at += Math.min(.25, Math.max(0, now - lastTick) / 1000) * rate();   // the clock of the screen may lag behind ours
  lastTick = now;
  if (at >= here()) {
    if (state === "running" || state === "waiting") at = here();
    else if (loop && here() > 0) at = at > here() + rate() ? 0 : at;       // rests one second on the sample
    else { at = here(); set_playing(false); }
  }
  draw();
  due = playing ? requestAnimationFrame(tick) : 0;
};
const set_playing = on => {
  playing = on && frames.length > 0;
  element.classList.toggle("playing", playing);
  find(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
  if (playing && !due) { lastTick = performance.now(); due = requestAnimationFrame(tick); }
  genviz.touch();
};
const seek = t => { aim = null; untouched = false; set_playing(false); at = Math.max(0, Math.min(t, here())); draw(); };
const toggle = () => {
  if (!frames.length) return;
  aim = null; untouched = false;
  if (!playing && at >= here() && state !== "running") at = 0;
  set_playing(!playing);
};
const step_by = d => seek(Math.floor(Math.min(at, here())) + d);

find(".play").onclick = toggle;
find(".back").onclick = () => step_by(-1);
find(".on").onclick = () => step_by(1);
scrub.addEventListener("input", () => seek(+scrub.value));
find(".speed").onchange = e => { speed = +e.target.value; };
find(".loop").onclick = e => {
  loop = !loop;
  e.currentTarget.setAttribute("aria-pressed", loop);
  if (loop && frames.length && !playing) toggle();
};
const keys = { " ": toggle, ArrowLeft: () => step_by(-1), ArrowRight: () => step_by(1), ArrowDown: () => step_by(-1), ArrowUp: () => step_by(1), Home: () => seek(0), End: () => seek(here()), Escape: () => choose(null) };
for (const place of [scrub, element]) genviz.keys(place, keys);

const step_at = t => raster() ? Math.floor(t) : frames[frameAt(t)].step;
const approach = () => {
  if (aim === null || !frames.length) return;
  const last = frames.at(-1).step;
  at = raster() ? Math.min(aim, last) : frames.findLastIndex(f => f.step <= aim);
  if (last < aim && state !== "done") return;
  if (last < aim) genviz.toast(`This film ends at step ${last}; the link asks for step ${aim}.`);
  aim = null;
  genviz.touch();
};
const stands = () => order && !untouched && (state === "waiting" || (frames.length && (state === "running" || state === "done")))    // for the address
  ? { order, step: aim ?? (playing || state === "waiting" ? "play" : step_at(Math.min(at, here()))) } : null;

// ---- one picture: enlarge it, read its pixels, send it to another tool -------------------------------------------------------------
const place = (canvas, e) => {  // pointer -> cell and pixel, null in a gap
  const box = canvas.getBoundingClientRect(), { side, n } = frames[0], list = cells(), c = across;
  const x = (e.clientX - box.left) / box.width * canvas.width, y = (e.clientY - box.top) / box.height * canvas.height;
  const cx = Math.floor(x / (side + GAP)), cy = Math.floor(y / (side + GAP)), column = Math.floor(x - cx * (side + GAP)), row = Math.floor(y - cy * (side + GAP));
  const k = cy * c + cx;
  return column < 0 || row < 0 || column >= side || row >= side || k >= list.length || list[k] >= n ? null : { i: list[k], row, column };
};
const current = i => {  // grey bytes of image i as it is on screen
  const t = Math.min(at, here()), a = frames[frameAt(t)], cs = grid(a.n), grey = genviz.pixels(a.bitmap, i, cs, a.side);
  if (raster() && t > a.step) {
    const next = genviz.pixels(frames.find(f => f.step >= t).bitmap, i, cs, a.side), skip = a.side ** 2 - a.steps;
    for (let p = a.step + skip; p < Math.floor(t) + skip; p++) grey[p] = next[p];
  }
  return grey;
};
const pixel_of = (canvas, e, clicked) => {
  const p = frames.length ? place(canvas, e) : null;
  if (!p) return;
  const { side, steps } = frames[0];
  const painted = !raster() || p.row * side + p.column < Math.floor(Math.min(at, here())) + side * side - steps;
  tell("pixel", { ...p, painted, clicked, pixels: current(p.i) });
};
const listen_pointer = (canvas, main) => {
  canvas.addEventListener("click", e => {
    if (main && listeners.some(l => l.pixel)) pixel_of(canvas, e, true);
    const p = place(canvas, e);
    if (p) choose(chosen === null && frames[0].n > 1 ? p.i : chosen === null && solo.hidden ? 0 : null);
  });
  if (main) genviz.pointer(canvas, { hover: e => { if (listeners.some(l => l.pixel)) pixel_of(canvas, e, false); } });
};
const choose = i => {
  if (!frames.length) return;
  chosen = i;
  element.classList.toggle("alone", i !== null);
  solo.hidden = i === null;
  if (i !== null) {
    const mine = name.split(".")[0], tools = props.value.send ? genviz.tools.filter(t => t.tool) : [];
    tools.sort((a, b) => (b.tool.split(".")[0] === mine) - (a.tool.split(".")[0] === mine));
    const button = (text, act, title) => Object.assign(document.createElement("button"), { type: "button", textContent: text, onclick: act, title: title || "" });
    solo.replaceChildren(button(frames[0].n > 1 ? "Back to all" : "Close", () => choose(null)), ...(tools.length ? [Object.assign(document.createElement("span"), { textContent: "Send to" })] : []), ...tools.map(t =>
      button(t.tool.split(".")[0] === mine ? t.label : `${t.label} (${t.family})`, () => {
        const pixels = current(i);
        genviz.send(t.tool, { pixels, base64: genviz.bytes64(pixels), label: -1, index: -1, from: `sample ${i + 1}, ${find(".step").textContent}` });
      })));
  }
  fit();
  draw();
};

// ---- the film ------------------------------------------------------------------------------------------------------------------------
const set_state = (next, sentence = "", wrong = false) => {
  state = next;
  element.dataset.state = next;
  say.textContent = wrong && frames.length ? "" : sentence;    // pictures stay uncovered
  say.classList.toggle("wrong", wrong);
  if (wrong) { tell("refused", sentence); if (frames.length) genviz.toast(sentence); }
  tell("state", next);
  genviz.touch();
};
const post = (path, body, more = {}) => fetch(url(path), { method: "POST", headers: { "Content-Type": "application/json" }, body: genviz.asked(body), ...more });
const running = () => job && (state === "waiting" || state === "running");
const cancel = () => { if (running()) post("cancel", { jobs: [job] }, { keepalive: true }).catch(() => {}); };

const patient = async (mine, ask) => {  // asks again after a dropped connection, for two minutes
  for (let pause = 500, since = Date.now(); ; pause = Math.min(2 * pause, 5000)) {
    try {
      const told = await genviz.told(await ask());
      if (told) return told;
    } catch { /* the network is gone: wait and ask again */ }
    if (mine !== turn) return {};
    if (Date.now() - since > 120000) return { error: "The app does not answer any more." };
    say.textContent = "The connection was lost; trying again.";
    await wait(pause);
  }
};

const film = async (wanted, old = null, step = null) => {   // old: the job of a film that was made before; step: where it is to stand
  aim = step;
  untouched = !!old && old === stored;
  if (old && old === job && frames.length && (state === "running" || state === "done")) {    // it is on stage already, as on the way back to this view
    if (step === null) set_playing(true); else { set_playing(false); approach(); draw(); }
    return;
  }
  const mine = ++turn, hand = genviz.hand(stage);
  cancel();
  order = { walk: props.value.walk, frames: props.value.frames, aux: rows.map(r => r.name), n: 16, seed: 0, ...wanted };
  job = old;
  let fresh = true, retried = false;
  set_state("waiting", frames.length || untouched ? "" : "One moment.");
  if (!old) element.scrollIntoView({ block: "nearest", behavior: "smooth" });   // on a phone the knobs fill the screen
  for (;;) {
    if (!job) {
      const answer = await patient(mine, () => post("submit", order));
      if (mine !== turn) { if (answer.job) post("cancel", { jobs: [answer.job] }).catch(() => {}); return; }
      if (answer.error) { set_state("error", answer.error, true); genviz.remember("film." + name, null); return; }
      job = answer.job;
      genviz.remember("film." + name, { order, job });
    }
    const answer = await patient(mine, () => fetch(url(`wait?job=${job}&have=${fresh ? 0 : frames.length}&viewer=${genviz.viewer}&paint=${encodeURIComponent(paint)}`)));
    if (mine !== turn) return;
    if (answer.error) { set_state("error", answer.error, true); return; }
    if (job === old && !retried && (answer.status === "error" || answer.status === "cancelled")) {
      job = null;          // after a reload the film was cancelled or forgotten: the same order makes it again, bit for bit
      fresh = retried = true;
      continue;
    }
    const shots = await Promise.all(answer.shots.map(async s => {
      if (s.points) return { ...s, points: new Float32Array(Uint8Array.from(atob(s.points), c => c.charCodeAt(0)).buffer), aux: {} };
      const names = Object.keys(s.aux), [bitmap, ...more] = await Promise.all([s.sprite, ...names.map(k => s.aux[k])].map(genviz.sprite));
      return { ...s, sprite: undefined, bitmap, aux: Object.fromEntries(names.map((k, j) => [k, more[j]])) };
    }));
    if (mine !== turn) return;
    const sentence = answer.status === "waiting" ? answer.message || `Number ${answer.place} in the waiting line.` : answer.status === "error" ? answer.message : answer.status === "cancelled" ? answer.message || "Stopped." : "";
    if (shots.length && fresh) {
      fresh = false;
      frames.forEach(f => { f.bitmap?.close(); Object.values(f.aux).forEach(x => x.close()); });
      frames = [];
      at = 0; shown = -1;
      if (chosen !== null && chosen >= shots[0].n) chosen = null;
    }
    frames.push(...shots);
    if (answer.status === "running" && answer.message) genviz.toast(answer.message);     // the app is being stopped
    set_state(answer.status, sentence, answer.status === "error");
    if (shots.length) {
      layout();
      fit();
      if (frames.length === shots.length) {
        if (chosen === null) { solo.hidden = true; element.classList.remove("alone"); }
        const t = props.value.titles;
        find(".what").textContent = [t[order.model] || order.model, t[order.data] || order.data, `seed ${order.seed}`, ...(job === stored ? ["stored with the weights; press Sample to compute one here"] : [])].join(" · ");
        set_playing(step === null);
        if (!old) hand();
      }
      approach();
    }
    draw();
    if (answer.status !== "waiting" && answer.status !== "running") return;
  }
};
const stop = () => { const was = running(); cancel(); genviz.remember("film." + name, null); if (!was) return; turn++; set_state("cancelled", "Stopped."); draw(); };

// ---- the page goes and comes back ------------------------------------------------------------------------------------------------------
addEventListener("pagehide", () => { if (running()) genviz.left(url("cancel"), [job]); });
addEventListener("pageshow", e => { if (e.persisted && running()) film(order, job); });
new ResizeObserver(() => { fit(); draw(); }).observe(stage);
addEventListener("genviz-look", () => { fit(); draw(); });

say.textContent = empty;
element.classList.toggle("bare", !props.value.stage);
element.dataset.state = "empty";
genviz.player(name, { element, film, stop, stands, listen: l => { listeners.push(l); if (l.state) l.state(state); } });
genviz.restored.then(() => {
  const old = genviz.remember("film." + name);
  if (old && old.order && !order) film(old.order, old.job);
  else if (props.value.premiere && !order) premiere().catch(() => {});
});
const premiere = async () => {    // the stored film, where the knobs beside it are as it was made
  const answer = await (await post("premiere", { family: props.value.premiere })).json();
  for (let tries = 0; !genviz.controls[name] && tries < 50; tries++) await wait(20);
  const beside = genviz.controls[name]?.state();
  if (answer.error) say.textContent = answer.error;
  if (!answer.job || order || !beside) return;
  const said = { ...beside, ...beside.knobs }, made = { ...answer.order, ...answer.order.knobs };
  if (!Object.keys(said).every(k => k === "knobs" || String(said[k]) === String(made[k]))) return;
  stored = answer.job;
  film(answer.order, answer.job);
};

// ---- what the Save menu gives away ----------------------------------------------------------------------------------------------------------
const to_save = () => {
  const { frames: most, aux, ...plain } = order;
  return { job, order: plain, step: step_at(Math.min(at, here())), columns: across, only: chosen, panes: panes.map(p => [p.name, rows.find(r => r.name === p.name)?.paint || "grey", p.name || rows.length ? p.figure.textContent : ""]) };
};
const to_call = () => { const { order: plain, step, only } = to_save(); return { order: plain, step: step >= frames[0].steps ? null : step, only }; };
listeners.push({ frame: () => can_save(true), state: s => { if (s === "waiting") code.hidden = true; } });
