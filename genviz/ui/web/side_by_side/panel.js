// Several films under one clock; see side_by_side.py. A position is a share of the way, 0 to 1, or a number of network evaluations.
import * as dom from "../core/dom.js";
import * as films from "../core/films.js";
import * as hands from "../core/hands.js";
import * as link from "../core/link.js";
import { save_menu } from "../player/save.js";

export default ({ element, props, find }) => {
  const v = props.value,
    GAP = 2,
    walk = find(".walk"),
    panes_box = find(".panes"),
    scrub = find(".scrub");
  const every = v.families.flatMap(f => f.models),
    plural = (k, word) => `${k.toLocaleString("en")} ${word}${k === 1 ? "" : "s"}`;
  const three = x => (x >= 100 ? Math.round(x).toLocaleString("en") : x >= 1 ? x.toPrecision(3) : x.toFixed(2));
  let data = v.data[0].name,
    chosen = [],
    panes = [],
    turn = 0; // a pane: {model, frames, state, note, job, canvas, read, ...}
  let by = "share",
    at = 0,
    playing = false,
    due = 0,
    then = 0,
    loop = false,
    speed = 1,
    asked = null;
  let goal = null; // the position that a link asks for, until the films have come so far

  // ---- what is chosen -------------------------------------------------------------------------------------------------------------------
  const say = (text, wrong = false) => {
    find(".say").textContent = text;
    find(".say").classList.toggle("wrong", wrong);
  };
  const menus = () => {
    find(".label").replaceChildren(
      new Option("each in turn", "-1"),
      ...v.data.find(d => d.name === data).classes.map((c, i) => new Option(c, i)),
    );
    find(".models").replaceChildren(
      ...v.families
        .map(f => ({ ...f, models: f.models.filter(m => m.data.includes(data)) }))
        .filter(f => f.models.length)
        .map(f =>
          dom.make(
            "div",
            { className: "group" },
            dom.make("span", { textContent: f.title }),
            ...f.models.map(m => {
              const trained = m.trained.includes(data),
                button = dom.make("button", {
                  type: "button",
                  textContent: m.title,
                  value: m.name,
                  disabled: !trained,
                  onclick: () => choose(m.name),
                });
              button.title = trained ? "" : `Not trained yet: python -m genviz.train ${m.name} ${data}`;
              button.setAttribute("aria-pressed", chosen.includes(m.name));
              return button;
            }),
          ),
        ),
    );
    find(".go").disabled = chosen.length < v.fewest;
    find("summary").textContent = `Models: ${
      every
        .filter(m => chosen.includes(m.name))
        .map(m => m.title)
        .join("; ") || "none chosen"
    }`;
  };
  const choose = name => {
    const there = chosen.includes(name);
    if (!there && chosen.length >= v.most) {
      say(`At most ${v.most} models walk at once; take one away first.`, true);
      return;
    }
    chosen = there ? chosen.filter(n => n !== name) : every.map(m => m.name).filter(n => n === name || chosen.includes(n));
    say(chosen.length < v.fewest ? `Choose at least ${v.fewest} models.` : "");
    menus();
  };
  const first = () => {
    chosen = v.first[data].slice(0, v.most);
    menus();
  };

  // ---- films ------------------------------------------------------------------------------------------------------------------------------
  const under_way = () => panes.filter(p => p.state === "waiting" || p.state === "running");
  const jobs = () =>
    under_way()
      .map(p => p.job)
      .filter(Boolean);
  const bill = frames => {
    // milliseconds so far; the first frame may hold the loading of the model, so its evaluations cost what the next ones do
    const [a, b] = frames,
      rate = b && b.nfe > a.nfe ? (b.ms * (b.step - a.step)) / (b.nfe - a.nfe) : 0;
    frames.forEach((f, k) => {
      f.total = k ? frames[k - 1].total + f.ms * (f.step - frames[k - 1].step) : rate * f.nfe;
    });
  };
  const film = (p, { frames, ...order }, mine) => {
    p.order = order;
    return films.play(
      { ...order, frames },
      {
        wanted: () => mine === turn,
        started: job => {
          p.job = job;
        },
        read: films.picture,
        show: (view, more) => {
          p.frames.push(...more);
          bill(p.frames);
          p.state = view.status;
          p.note = view.status === "done" || view.status === "running" ? "" : view.message;
          fit();
          if (goal !== null) {
            at = Math.min(goal, here());
            if (here() >= goal || !under_way().length) goal = null;
          } else if (!playing && !asked.moved && ready()) set_playing(true);
          if (ready()) asked.hand();
          buttons();
          draw();
        },
      },
    );
  };
  const start = () => {
    const n = +find(".n").value,
      seed = +find(".seed").value,
      label = +find(".label").value;
    if (!Number.isInteger(n) || n < 1 || n > 16) return say("The number of images lies between 1 and 16.", true);
    if (find(".seed").value === "" || !Number.isInteger(seed) || seed < 0 || seed > 4294967295)
      return say("A seed is a whole number between 0 and 4294967295.", true);
    films.cancel(jobs());
    say("");
    const mine = ++turn;
    panes.forEach(p => p.frames.forEach(f => f.bitmap.close()));
    asked = { n, seed, label, data, moved: false, hand: hands.over(panes_box) };
    goal = null;
    at = 0;
    set_playing(false);
    panes = chosen.map(name => {
      const model = every.find(m => m.name === name),
        p = { model, frames: [], state: "waiting", note: "One moment." };
      p.canvas = dom.make("canvas");
      p.read = dom.make("div", { className: "read" });
      p.told = dom.make("div", { className: "note" });
      p.figure = dom.make("figure", { className: "pane" }, dom.make("b", { textContent: model.title }), p.canvas, p.read, p.told);
      return p;
    });
    panes_box.replaceChildren(...panes.map(p => p.figure));
    walk.hidden = false;
    find("details").open = false; // the films need the room
    buttons();
    draw();
    link.tell(panes_box);
    for (const p of panes)
      film(
        p,
        { model: p.model.name, data, walk: "sample", knobs: p.model.label ? { [p.model.label]: label } : {}, n, seed, frames: 60 },
        mine,
      );
    panes_box.scrollIntoView({ block: "nearest", behavior: "smooth" });
  };
  const stop = () => {
    films.cancel(jobs());
    turn++;
    under_way().forEach(p => {
      p.state = "cancelled";
      p.note = "Stopped.";
    });
    buttons();
    draw();
  };
  const buttons = () => {
    find(".stop").disabled = !under_way().length;
  };

  // ---- where a film is at a position ----------------------------------------------------------------------------------------------------------
  const live = () => panes.filter(p => p.frames.length),
    last = p => p.frames.at(-1),
    full = p => p.state === "done";
  const ready = () => panes.length > 0 && panes.every(p => p.frames.length || p.state === "error" || p.state === "cancelled");
  const whole = p => (full(p) ? last(p).nfe : last(p).step ? Math.round((last(p).nfe * last(p).steps) / last(p).step) : 1); // network evaluations of the whole film
  const end = () => (by === "share" ? 1 : Math.max(1, ...live().map(whole)));
  const here = () => {
    // how far all films have arrived; who ended early holds nobody up
    const late = live().filter(p => !full(p));
    return late.length ? Math.min(...late.map(p => (by === "share" ? last(p).step / last(p).steps : last(p).nfe))) : end();
  };
  const painted = p => p.model.raster && last(p).steps <= last(p).side ** 2; // pixel by pixel, replayed between frames
  const spot = (p, t) => {
    // {a: the frame, b: the next one where pixels are painted, step, nfe, total}
    const x = by === "share" ? f => f.step / f.steps : f => f.nfe,
      k = Math.max(
        0,
        p.frames.findLastIndex(f => x(f) <= t + 1e-9),
      ),
      a = p.frames[k],
      b = painted(p) ? p.frames[k + 1] : null;
    const part = b ? Math.floor(Math.min(1, Math.max(0, (t - x(a)) / (x(b) - x(a)))) * (b.step - a.step) + 1e-9) / (b.step - a.step) : 0,
      between = name => a[name] + part * ((b || a)[name] - a[name]);
    return { a, b, step: Math.round(between("step")), nfe: Math.round(between("nfe")), total: between("total") };
  };

  // ---- pictures ---------------------------------------------------------------------------------------------------------------------------------
  let across = 1,
    zoom = 1;
  const fit = () => {
    // panes abreast, and images abreast in a pane, as makes a pixel largest; the same in every pane
    const width = panes_box.clientWidth,
      side = live()[0]?.frames[0].side;
    if (!width || !side) return;
    const dense = window.devicePixelRatio || 1,
      phone = innerWidth < 700,
      k = panes.length,
      n = asked.n,
      rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const size = c => c * side + (c - 1) * GAP,
      tall = Math.max(20 * rem, innerHeight - 11 * rem);
    let best = null;
    for (let c = phone ? Math.min(2, k) : 1; c <= (phone ? Math.min(2, k) : k); c++)
      for (let w = 1; w <= n; w++) {
        if (phone && w !== Math.ceil(Math.sqrt(n))) continue; // a phone scrolls down, so height bounds nothing
        const room = (width - (c - 1) * rem) / c - 1.5 * rem,
          high = phone ? 1e9 : tall / Math.ceil(k / c) - 6.5 * rem;
        const z = Math.min(Math.floor(Math.min(room / size(w), high / size(Math.ceil(n / w))) * dense) / dense, 12),
          spare = Math.abs(w - Math.ceil(n / w)) + (k % c ? 1 : 0);
        if (z > 0 && (!best || z > best.z || (z === best.z && spare < best.spare))) best = { c, w, z, spare };
      }
    best ||= { c: 1, w: Math.ceil(Math.sqrt(n)), z: 1 };
    across = best.w;
    zoom = best.z;
    panes_box.style.gridTemplateColumns = `repeat(${best.c}, minmax(0, 1fr))`;
    for (const p of panes) {
      const w = size(across),
        h = size(Math.ceil(n / across));
      if (p.canvas.width !== w || p.canvas.height !== h) {
        p.canvas.width = w;
        p.canvas.height = h;
      }
      p.canvas.style.width = `${w * zoom}px`;
      p.canvas.style.height = `${h * zoom}px`;
    }
  };
  const paint = (p, { a, b, step }) => {
    const pen = p.canvas.getContext("2d"),
      { side, n, steps } = a,
      columns = Math.max(1, Math.ceil(Math.sqrt(n))),
      skip = side * side - steps;
    pen.clearRect(0, 0, p.canvas.width, p.canvas.height);
    for (let i = 0; i < n; i++) {
      const sx = (i % columns) * side,
        sy = Math.floor(i / columns) * side,
        dx = (i % across) * (side + GAP),
        dy = Math.floor(i / across) * (side + GAP);
      pen.drawImage(a.bitmap, sx, sy, side, side, dx, dy, side, side);
      for (let q = a.step + skip; b && q < step + skip;) {
        // pixels painted since frame a, row by row, out of frame b
        const row = Math.floor(q / side),
          col = q % side,
          count = Math.min(side - col, step + skip - q);
        pen.drawImage(b.bitmap, sx + col, sy + row, count, 1, dx + col, dy + row, count, 1);
        q += count;
      }
    }
  };
  const put = (where, text) => {
    if (where.textContent !== text) where.textContent = text;
  };
  const parts = (where, texts) => {
    if (where.childElementCount !== texts.length) where.replaceChildren(...texts.map(() => dom.make("span")));
    texts.forEach((t, k) => put(where.children[k], t));
  };
  const draw = () => {
    const t = Math.min(at, here()),
      done = panes.length > 0 && panes.every(full);
    for (const p of panes) {
      const wrong = p.state === "error",
        class_of = p.model.label
          ? asked.label < 0
            ? "each class in turn"
            : `class ${v.data.find(d => d.name === asked.data).classes[asked.label]}`
          : "knows no classes";
      if (p.frames.length) {
        const s = spot(p, t),
          ended = full(p) && s.step === s.a.steps;
        paint(p, s);
        parts(p.read, [`step ${s.step} of ${s.a.steps}`, `NFE ${s.nfe.toLocaleString("en")}`, `${three(s.total)} ms`]);
        p.figure.classList.toggle("arrived", ended);
        p.figure.dataset.step = s.step;
      }
      put(p.told, p.note || class_of);
      p.told.classList.toggle("wrong", wrong);
      p.figure.dataset.state = p.state;
    }
    const whole_way = end();
    scrub.max = whole_way;
    scrub.value = t;
    scrub.disabled = !live().length;
    scrub.style.setProperty("--at", `${(100 * t) / whole_way}%`);
    scrub.style.setProperty("--here", `${(100 * here()) / whole_way}%`);
    const where = by === "share" ? `${Math.round(100 * t)} % of the way` : `${plural(Math.floor(t + 1e-9), "network evaluation")} each`;
    scrub.setAttribute("aria-valuetext", where);
    put(find(".where"), live().length ? where : "");
    menu.allow(live().length > 0);
    element.dataset.state = done ? "done" : under_way().length ? "running" : "";
    put(find(".sum"), done ? sum() : "");
  };
  const sum = () => {
    // what these images cost
    const costs = panes.map(p => ({ title: p.model.title, ...last(p) })).sort((a, b) => a.total - b.total),
      [cheap, dear] = [costs[0], costs.at(-1)];
    return (
      `${plural(asked.n, "image")} each: ${costs.map(c => `${c.title}: ${plural(c.nfe, "network evaluation")}, ${three(c.total)} ms`).join("; ")}. ` +
      `The slowest took ${three(dear.total / cheap.total)} times as long as the fastest.`
    );
  };

  // ---- what the Save menu gives away ----------------------------------------------------------------------------------------------------------------
  const to_save = () => ({
    films: live().map(p => ({ job: p.job, order: p.order, step: spot(p, Math.min(at, here())).step })),
    columns: across,
    clock: by,
  });
  const to_call = () => ({
    films: live().map(p => {
      const s = spot(p, Math.min(at, here()));
      return { order: p.order, step: s.step === s.a.steps ? null : s.step };
    }),
  });
  const menu = save_menu(element, to_save, to_call);

  // ---- the clock ----------------------------------------------------------------------------------------------------------------------------------
  const tick = now => {
    if (!playing || !element.isConnected) {
      due = 0;
      return;
    }
    const rate = (speed * end()) / 5; // the whole way in five seconds
    at += Math.min(0.25, Math.max(0, now - then) / 1000) * rate;
    then = now;
    if (at >= here()) {
      if (under_way().length) at = here();
      else if (loop)
        at = at > here() + rate ? 0 : at; // rests one second on the samples
      else {
        at = here();
        set_playing(false);
      }
    }
    draw();
    due = playing ? requestAnimationFrame(tick) : 0;
  };
  const set_playing = on => {
    playing = on && live().length > 0;
    walk.classList.toggle("playing", playing);
    find(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
    link.touch();
    if (playing && !due) {
      then = performance.now();
      due = requestAnimationFrame(tick);
    }
  };
  const seek = t => {
    goal = null;
    if (asked) asked.moved = true;
    set_playing(false);
    at = Math.max(0, Math.min(t, here()));
    draw();
  };
  const toggle = () => {
    goal = null;
    if (asked) asked.moved = true;
    if (!playing && at >= here() && !under_way().length) at = 0;
    set_playing(!playing);
  };
  const step_by = d => {
    // to the next place where some film has a frame
    const stops = [...new Set([0, ...live().flatMap(p => p.frames.map(f => (by === "share" ? f.step / f.steps : f.nfe)))])].sort(
        (a, b) => a - b,
      ),
      t = Math.min(at, here());
    seek(d > 0 ? (stops.find(s => s > t + 1e-9) ?? here()) : (stops.findLast(s => s < t - 1e-9) ?? 0));
  };
  find(".play").onclick = toggle;
  find(".back").onclick = () => step_by(-1);
  find(".on").onclick = () => step_by(1);
  scrub.addEventListener("input", () => seek(+scrub.value));
  find(".speed").onchange = e => {
    speed = +e.target.value;
  };
  find(".loop").onclick = e => {
    loop = !loop;
    e.currentTarget.setAttribute("aria-pressed", loop);
    if (loop && !playing) toggle();
  };
  for (const button of element.querySelectorAll(".how button"))
    button.onclick = () => {
      const t = Math.min(at, here()) / end();
      by = button.value;
      at = t * end();
      element.querySelectorAll(".how button").forEach(b => b.setAttribute("aria-pressed", b === button));
      draw();
    };
  const keys = {
    " ": toggle,
    ArrowLeft: () => step_by(-1),
    ArrowRight: () => step_by(1),
    ArrowDown: () => step_by(-1),
    ArrowUp: () => step_by(1),
    Home: () => seek(0),
    End: () => seek(here()),
  };
  for (const place of [scrub, walk, panes_box]) hands.keys(place, keys);

  // ---- the form and the page -------------------------------------------------------------------------------------------------------------------------
  find(".data").replaceChildren(...v.data.map(d => new Option(d.title, d.name)));
  find(".data").onchange = e => {
    data = e.target.value;
    chosen = chosen.filter(n => every.find(m => m.name === n).trained.includes(data));
    if (chosen.length < v.fewest) first();
    else menus();
  };
  find(".dice").onclick = () => {
    find(".seed").value = Math.floor(Math.random() * 4294967296);
  };
  find(".go").onclick = start;
  find(".stop").onclick = stop;
  for (const field of [find(".n"), find(".seed")]) hands.keys(field, { Enter: () => find(".go").click() });
  panes_box.field = {
    // films on stage and where they stand, or that they play
    get: () => (!asked ? null : playing ? "play" : String(+at.toFixed(3))),
    set: text => {
      if (text !== "play" && !(+text >= 0)) throw new Error(`'at' must be a position or play, not '${text.slice(0, 40)}'.`);
      start();
      if (asked && text !== "play") {
        asked.moved = true;
        goal = +text;
      }
    },
  };
  addEventListener("pagehide", () => films.left(jobs()));
  new ResizeObserver(() => {
    fit();
    draw();
  }).observe(panes_box);
  addEventListener("genviz-look", () => {
    fit();
    draw();
  });
  first();
  say(chosen.length < v.fewest ? "Fewer than two models are trained on this data set." : "");
};
