// Films: asking for one, its frames as they arrive, and players by name. Every film of the page goes through `play` below.
import { remember, wait } from "./dom.js";
import { sprite } from "./pictures.js";

/** Which page asks: a duplicated tab takes sessionStorage with it, but it is another viewer of the same films. */
export const viewer =
  typeof crypto === "undefined" ? "" : [...crypto.getRandomValues(new Uint8Array(8))].map(b => b.toString(16).padStart(2, "0")).join("");

const url = path => new URL("genviz/" + path, document.baseURI);
const body = values => JSON.stringify({ ...values, viewer });

/** POST a question to a plain route of the app. */
export const post = (path, values, more = {}) =>
  fetch(url(path), { method: "POST", headers: { "Content-Type": "application/json" }, body: body(values), ...more });

/** What an answer of the plain routes says: its JSON, also of a refusal in a sentence (the house is full, another site asks); null where
 * nothing was said, as by a proxy whose app is just being started again. */
export const told = async answer => {
  if (answer.ok) return answer.json();
  const said = await answer.json().catch(() => null);
  return said && said.error
    ? { error: String(said.error) }
    : answer.status < 500 && answer.status !== 429
      ? { error: `The app refused this (HTTP ${answer.status}).` }
      : null;
};

/** Cancel films that this page watches. */
export const cancel = jobs => {
  if (jobs.length) post("cancel", { jobs }, { keepalive: true }).catch(() => {});
};
/** The same while the page closes. */
export const left = jobs => {
  if (jobs.length) navigator.sendBeacon(url("cancel"), new Blob([body({ jobs })], { type: "application/json" }));
};

const PATIENCE = 120000; // milliseconds that a lost connection is asked again
/** Asks until there is an answer or nobody wants it any more ({}). */
const patient = async (wanted, lost, ask) => {
  for (let pause = 500, since = Date.now(); ; pause = Math.min(2 * pause, 5000)) {
    try {
      const answer = await told(await ask());
      if (answer) return answer;
    } catch {
      /* the network is gone: wait and ask again */
    }
    if (!wanted()) return {};
    if (Date.now() - since > PATIENCE) return { error: "The app does not answer any more." };
    lost();
    await wait(pause);
  }
};

/** A shot of pictures -> a frame with its sprite as a bitmap, for `read` of `play`. */
export const picture = async shot => ({ ...shot, sprite: null, bitmap: await sprite(shot.sprite) });

/** What is said of a film that has no pictures to show: its place in the line, why it ended. */
export const sentence_of = view =>
  view.status === "waiting"
    ? view.message || `Number ${view.place} in the waiting line.`
    : view.status === "error"
      ? view.message
      : view.status === "cancelled"
        ? view.message || "Stopped."
        : "";

/**
 * One film, from its order to its last frame.
 *
 * `read` makes a frame of each shot (a promise, as of its pictures); `show(view, frames, fresh)` is called with every answer, and awaited: view = {status,
 * place, message}, `frames` the new ones, `fresh` where they are the film's first. `wanted()` false: nobody waits any more, and nothing is
 * shown. `job` is a film that was made before; where the app has forgotten it, the same order makes it again, bit for bit.
 * Ends when the film has; answers its last status, "" where nobody wanted it.
 * @param {Object<string, any>} order
 * @param {{read: (shot: any) => any, show: (view: any, frames: any[], fresh: boolean) => any, wanted?: () => boolean, job?: string | null,
 *          paint?: string, started?: (job: string) => void, lost?: () => void}} how
 */
export const play = async (order, { read, show, wanted = () => true, job = null, paint = "", started = () => {}, lost = () => {} }) => {
  const old = job;
  let have = 0,
    retried = false;
  for (;;) {
    if (!job) {
      const answer = await patient(wanted, lost, () => post("submit", order));
      if (!wanted()) {
        if (answer.job) cancel([answer.job]);
        return "";
      }
      if (answer.error) {
        show({ status: "error", message: answer.error, refused: true }, [], false);
        return "error";
      }
      job = answer.job;
      started(job);
    }
    const query = `wait?job=${job}&have=${have}&viewer=${viewer}${paint && `&paint=${encodeURIComponent(paint)}`}`;
    const view = await patient(wanted, lost, () => fetch(url(query)));
    if (!wanted()) return "";
    if (view.error) {
      show({ status: "error", message: view.error }, [], false);
      return "error";
    }
    if (job === old && !retried && ["error", "cancelled"].includes(view.status)) {
      job = null;
      have = 0;
      retried = true;
      continue;
    }
    const frames = await Promise.all(view.shots.map(read));
    if (!wanted()) return "";
    const fresh = have === 0 && frames.length > 0;
    have += frames.length;
    await show(view, frames, fresh);
    if (view.status !== "waiting" && view.status !== "running") return view.status;
  }
};

// ---- players by name; a player in a tab that was never opened is told when it starts -----------------------------------------------------------
export const players = {};
const calls = {};

/** Declare a player: {element, film, stop, listen, stands}. */
export const player = (name, api) => {
  players[name] = api;
  for (const [verb, args] of calls[name] || []) api[verb](...args);
  delete calls[name];
};
const tell = (verb, name, args) => {
  if (players[name]) players[name][verb](...args);
  else (calls[name] ||= []).push([verb, args]);
};
/** Start a film: film(name, {model, data, walk, knobs, n, seed, given}); see genviz/ui/player.py. */
export const film = (name, ...args) => tell("film", name, args);
export const stop = name => tell("stop", name, []);
export const listen = (name, listener) => tell("listen", name, [listener]);
/** The job of the film on stage, "" where there is none. */
export const job_of = name => (remember("film." + name) || {}).job || "";
