// One player: the clock, the transport, the film's way here, its link and the Save menu; what a film shows is its view's. See player.py.
import * as arrays from "../core/arrays.js";
import { make, remember, toast } from "../core/dom.js";
import * as films from "../core/films.js";
import * as hands from "../core/hands.js";
import * as link from "../core/link.js";
import * as mail from "../core/mail.js";
import * as told from "../core/told.js";
import { medium_of, VIEWS } from "../views/view.js";
import { save_menu } from "./save.js";

/** @param {import("../core/start.js").Panel} panel */
export default ({ element, props, find }) => {
  const { name, rows, empty, label } = props.value;
  const stage = find(".stage"),
    line = find(".say"),
    scrub = find(".scrub"),
    solo = find(".solo");
  const paint = rows.map(row => `${row.name}:${row.paint}`).join(",");

  let frames = []; // {n, step, steps, nfe, ms, caption, aux, ...}: what the view made of each shot
  let view = null; // of the medium of the film on stage
  let order = null,
    job = null,
    state = "empty",
    turn = 0;
  let aim = null; // the step that a link asks for, until the film has come that far
  let stored = ""; // the job of the film that was stored with the weights, and whether somebody has touched it
  let untouched = false;
  let at = 0,
    playing = false,
    alone = null,
    shown = -1,
    due = 0,
    last_tick = 0,
    loop = false,
    speed = 1;
  const listeners = [];
  const tell = (kind, what) => {
    for (const l of listeners) if (l[kind]) l[kind](what);
  };
  const running = () => job && (state === "waiting" || state === "running");

  // ---- time: a frame a beat, or a step a beat where the steps between two frames can be shown ----------------------------------------------------
  const fine = () => frames.length > 0 && !!view.fine?.(frames, order);
  const expected = () =>
    !frames.length
      ? 0
      : (["done", "cancelled", "error"].includes(state)
          ? frames.length
          : Math.min(order.frames || told.media[view.medium]?.frames || Infinity, frames[0].steps + 1)) - 1;
  const end = () => (!frames.length ? 0 : fine() ? (state === "running" ? frames[0].steps : frames.at(-1).step) : expected());
  const here = () => (!frames.length ? 0 : fine() ? frames.at(-1).step : frames.length - 1); // how far the film has arrived
  const rate = () => speed * Math.max(view.pace || 4, end() / (fine() ? 5 : 3)); // beats a second: a whole film in 3 seconds, its steps in 5
  const frame_at = t => (fine() ? frames.findLastIndex(f => f.step <= t) : Math.min(Math.floor(t), frames.length - 1));
  const step_at = t => (fine() ? Math.floor(t) : frames[frame_at(t)].step);

  const put = (where, text) => {
    if (where.textContent !== text) where.textContent = text;
  }; // no layout for what stays
  const draw = () => {
    if (!frames.length) return;
    const t = Math.min(at, here()),
      small = fine(),
      k = frame_at(t),
      a = frames[k],
      b = small && t > a.step ? frames.find(f => f.step >= t) : null;
    const step = small ? Math.floor(t) : a.step,
      nfe = b ? Math.round(a.nfe + ((step - a.step) / (b.step - a.step)) * (b.nfe - a.nfe)) : a.nfe;
    view.draw({ a, b, t, step, frames, order, fine: small });
    const caption = small && step < a.steps && step > 0 ? view.caption(step) : a.caption;
    const past = frames.slice(0, frames.indexOf(b || a) + 1); // the mean so far: the last step alone may need no network
    const ms = past.reduce((sum, f, j) => sum + f.ms * (j ? f.step - past[j - 1].step : 1), 0) / Math.max(1, past.at(-1).step);
    put(find(".step"), `step ${step} of ${a.steps}`);
    put(find(".nfe"), `${nfe} network evaluation${nfe === 1 ? "" : "s"}`);
    put(find(".ms"), ms > 0 ? `${ms >= 10 ? ms.toFixed(0) : ms >= 0.1 ? ms.toFixed(1) : ms.toFixed(3)} ms per step` : "");
    put(find(".caption"), caption);
    const beats = end();
    scrub.max = Math.max(1, beats);
    scrub.value = t;
    scrub.disabled = beats === 0;
    scrub.setAttribute("aria-valuetext", `step ${step} of ${a.steps}`);
    scrub.style.setProperty("--at", `${beats ? (100 * t) / beats : 0}%`);
    scrub.style.setProperty("--here", `${beats ? (100 * here()) / beats : 0}%`);
    const key = small ? step : k;
    if (key !== shown) {
      shown = key;
      tell("frame", { index: k, step, steps: a.steps, nfe, ms, caption, order });
    }
  };

  // ---- the clock ---------------------------------------------------------------------------------------------------------------------------------
  const tick = now => {
    if (!playing || !element.isConnected) {
      due = 0;
      return;
    }
    at += Math.min(0.25, Math.max(0, now - last_tick) / 1000) * rate(); // the clock of the screen may lag behind ours
    last_tick = now;
    if (at >= here()) {
      if (state === "running" || state === "waiting") at = here();
      else if (loop && here() > 0)
        at = at > here() + rate() ? 0 : at; // rests one second on the sample
      else {
        at = here();
        set_playing(false);
      }
    }
    draw();
    due = playing ? requestAnimationFrame(tick) : 0;
  };
  const set_playing = on => {
    playing = on && frames.length > 0;
    element.classList.toggle("playing", playing);
    find(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
    if (playing && !due) {
      last_tick = performance.now();
      due = requestAnimationFrame(tick);
    }
    link.touch();
  };
  const seek = t => {
    aim = null;
    untouched = false;
    set_playing(false);
    at = Math.max(0, Math.min(t, here()));
    draw();
  };
  const toggle = () => {
    if (!frames.length) return;
    aim = null;
    untouched = false;
    if (!playing && at >= here() && state !== "running") at = 0;
    set_playing(!playing);
  };
  const step_by = d => seek(Math.floor(Math.min(at, here())) + d);

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
    if (loop && frames.length && !playing) toggle();
  };
  const keys = {
    " ": toggle,
    ArrowLeft: () => step_by(-1),
    ArrowRight: () => step_by(1),
    ArrowDown: () => step_by(-1),
    ArrowUp: () => step_by(1),
    Home: () => seek(0),
    End: () => seek(here()),
    Escape: () => choose(null),
  };
  for (const heard of [scrub, element]) hands.keys(heard, keys);

  const approach = () => {
    if (aim === null || !frames.length) return;
    const last = frames.at(-1).step;
    at = fine() ? Math.min(aim, last) : frames.findLastIndex(f => f.step <= aim);
    if (last < aim && state !== "done") return;
    if (last < aim) toast(`This film ends at step ${last}; the link asks for step ${aim}.`);
    aim = null;
    link.touch();
  };
  const stands = () =>
    order && !untouched && (state === "waiting" || (frames.length && (state === "running" || state === "done"))) // for the address
      ? { order, step: aim ?? (playing || state === "waiting" ? "play" : step_at(Math.min(at, here()))) }
      : null;

  // ---- one sample: enlarge it, send it to another tool ---------------------------------------------------------------------------------------------
  const choose = i => {
    if (!frames.length || !view.pointer) return;
    alone = i;
    view.pointer(i);
    element.classList.toggle("alone", i !== null);
    solo.hidden = i === null;
    if (i !== null) {
      const mine = name.split(".")[0],
        own = t => t.tool.split(".")[0] === mine,
        tools = props.value.send ? [...told.tools] : [];
      tools.sort((a, b) => Number(own(b)) - Number(own(a)));
      const button = (text, act) => make("button", { type: "button", textContent: text, onclick: act });
      solo.replaceChildren(
        button(frames[0].n > 1 ? "Back to all" : "Close", () => choose(null)),
        ...(tools.length ? [make("span", { textContent: "Send to" })] : []),
        ...tools.map(t =>
          button(own(t) ? t.label : `${t.label} (${t.family})`, () => {
            const pixels = view.parcel(i);
            mail.send(t.tool, {
              pixels,
              base64: arrays.encode(pixels),
              label: -1,
              index: -1,
              from: `sample ${i + 1}, ${find(".step").textContent}`,
            });
          }),
        ),
      );
    }
    view.fit();
    draw();
  };

  // ---- the film ------------------------------------------------------------------------------------------------------------------------------------
  const set_state = (next, sentence = "", wrong = false) => {
    state = next;
    element.dataset.state = next;
    line.textContent = wrong && frames.length ? "" : sentence; // pictures stay uncovered
    line.classList.toggle("wrong", wrong);
    if (wrong) {
      tell("refused", sentence);
      if (frames.length) toast(sentence);
    }
    tell("state", next);
    link.touch();
  };
  const cancel = () => {
    if (running()) films.cancel([job]);
  };
  const hooks = {
    stage,
    rows,
    label,
    raster: told.raster,
    choose: i => choose(i),
    tell,
    pixel: p => tell("pixel", p),
    reads: () => listeners.some(l => l.pixel),
  };
  const view_of = shot => {
    const medium = medium_of(shot);
    return view?.medium === medium ? view : Object.assign(VIEWS[medium](hooks), { medium });
  };
  const enter = next => {
    // the view of a film that begins takes the stage
    view?.close?.(frames);
    if (view === next) return;
    (view ? view.box : find(".panes")).replaceWith(next.box);
    view = next;
  };
  const begin = (first, step) => {
    view.begin(first, order);
    if (alone !== null && alone >= first.n) alone = null;
    if (alone === null) {
      solo.hidden = true;
      element.classList.remove("alone");
    }
    const words = [told.titles[order.model] || order.model, told.titles[order.data] || order.data, `seed ${order.seed}`];
    find(".what").textContent = [...words, ...(job === stored ? ["stored with the weights; press Sample to compute one here"] : [])].join(
      " · ",
    );
    set_playing(step === null);
  };

  const film = async (wanted, old = null, step = null) => {
    // old: the job of a film that was made before; step: where it is to stand
    aim = step;
    untouched = !!old && old === stored;
    if (old && old === job && frames.length && (state === "running" || state === "done")) {
      // it is on stage already, as on the way back to this view
      if (step === null) set_playing(true);
      else {
        set_playing(false);
        approach();
        draw();
      }
      return;
    }
    const mine = ++turn,
      over = hands.over(stage);
    let next = null,
      last = null; // the view of this film, and its last frame; what is on stage stays until the first has come
    cancel();
    order = {
      walk: props.value.walk,
      ...(props.value.frames ? { frames: props.value.frames } : {}),
      aux: rows.map(r => r.name),
      n: 16,
      seed: 0,
      ...wanted,
    };
    job = old;
    set_state("waiting", frames.length || untouched ? "" : "One moment.");
    if (!old) element.scrollIntoView({ block: "nearest", behavior: "smooth" }); // on a phone the knobs fill the screen
    await films.play(order, {
      job: old,
      paint,
      wanted: () => mine === turn,
      started: id => {
        job = id;
        remember("film." + name, { order, job });
      },
      lost: () => {
        line.textContent = "The connection was lost; trying again.";
      },
      read: shot => {
        next ||= view_of(shot);
        return (last = next.read(shot, last));
      },
      show: (answer, more, fresh) => {
        if (answer.refused) remember("film." + name, null);
        if (fresh) {
          enter(next);
          frames = [];
          at = 0;
          shown = -1;
        }
        frames.push(...more);
        if (answer.status === "running" && answer.message) toast(answer.message); // the app is being stopped
        set_state(answer.status, films.sentence_of(answer), answer.status === "error");
        if (more.length) {
          if (fresh) begin(frames[0], step);
          view.fit();
          if (fresh && !old) over();
          approach();
        }
        draw();
      },
    });
  };
  const stop = () => {
    const was = running();
    cancel();
    remember("film." + name, null);
    if (!was) return;
    turn++;
    set_state("cancelled", "Stopped.");
    draw();
  };

  // ---- the page goes and comes back ------------------------------------------------------------------------------------------------------------------
  addEventListener("pagehide", () => {
    if (running()) films.left([job]);
  });
  addEventListener("pageshow", e => {
    if (e.persisted && running()) film(order, job);
  });
  const again = () => {
    view?.fit();
    draw();
  };
  new ResizeObserver(again).observe(stage);
  addEventListener("genviz-look", again);

  line.textContent = empty;
  element.classList.toggle("bare", !props.value.stage);
  element.dataset.state = "empty";
  films.player(name, {
    element,
    film,
    stop,
    stands,
    listen: l => {
      listeners.push(l);
      if (l.state) l.state(state);
    },
  });
  link.restored.then(() => {
    const old = remember("film." + name);
    if (old && old.order && !order) film(old.order, old.job);
    else if (props.value.premiere && !order) premiere().catch(() => {});
  });
  const premiere = async () => {
    // the stored film, where the knobs beside it are as it was made
    const answer = await (await films.post("premiere", { family: props.value.premiere })).json();
    const beside = (await link.controls_of(name)).state();
    if (answer.error) line.textContent = answer.error;
    if (!answer.job || order) return;
    const said = { ...beside, ...beside.knobs },
      made = { ...answer.order, ...answer.order.knobs };
    if (!Object.keys(said).every(k => k === "knobs" || String(said[k]) === String(made[k]))) return;
    stored = answer.job;
    film(answer.order, answer.job);
  };

  // ---- what the Save menu gives away -------------------------------------------------------------------------------------------------------------------
  const to_save = () => {
    const { frames: _most, aux: _aux, ...plain } = order;
    return { job, order: plain, step: step_at(Math.min(at, here())), ...view.save() };
  };
  const to_call = () => {
    const { order: plain, step, only } = to_save();
    return { order: plain, step: step >= frames[0].steps ? null : step, only };
  };
  const menu = save_menu(element, to_save, to_call);
  listeners.push({
    frame: () => menu.allow(true, view.medium),
    state: s => {
      if (s === "waiting") menu.close();
    },
  });
};
