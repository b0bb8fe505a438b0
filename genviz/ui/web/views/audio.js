// Sound: the wave of every sample, as far as it has come, and a button that plays it. See genviz/media/audio.py.
import * as arrays from "../core/arrays.js";
import { make, toast } from "../core/dom.js";
import { size } from "../core/pictures.js";

const WIDE = 720,
  TALL = 96; // pixels of a wave
const ink = name => getComputedStyle(document.body).getPropertyValue(name); // as the page is, light or dark
let speaker = null; // made at the first press: browsers let a page be heard only then

/** The sounds of a film so far: what is new of each sample, behind what stays. @param {Float32Array[]} before @returns {Float32Array[]} */
export const joined = (before, shot) => {
  const numbers = new Int16Array(arrays.decode(shot.audio).buffer),
    fresh = shot.length - shot.from;
  return Array.from({ length: shot.n }, (_, i) => {
    const whole = new Float32Array(shot.length);
    if (shot.from) whole.set(before[i].subarray(0, shot.from));
    for (let k = 0; k < fresh; k++) whole[shot.from + k] = numbers[i * fresh + k] / 32767;
    return whole;
  });
};

/** The lowest and highest number that each of so many columns covers, joined to the one before it. @param {Float32Array} x @param {number} columns of them in all */
export const envelope = (x, columns, length = x.length) => {
  const found = [];
  for (let c = 0; c < columns; c++) {
    const from = Math.floor((c * length) / columns),
      to = Math.max(from + 1, Math.floor(((c + 1) * length) / columns));
    if (from >= x.length) break;
    let low = Infinity,
      high = -Infinity;
    for (let k = Math.max(0, from - 1); k < Math.min(to, x.length); k++) {
      low = Math.min(low, x[k]);
      high = Math.max(high, x[k]);
    }
    found.push([low, high]);
  }
  return found;
};

const play = async (x, rate) => {
  try {
    speaker ||= new AudioContext();
    await speaker.resume();
    const sound = speaker.createBuffer(1, Math.max(1, x.length), rate),
      source = speaker.createBufferSource();
    sound.copyToChannel(x, 0);
    source.buffer = sound;
    source.connect(speaker.destination);
    source.start();
  } catch {
    toast("This browser plays no sound here; save the film as a WAV file in place of it.");
  }
};

/** @type {import("./view.js").MakeView} */
export default () => {
  const box = make("div", { className: "panes sounds" });
  let rows = [],
    now = null;

  const begin = first => {
    rows = Array.from({ length: first.n }, (_, i) => {
      const canvas = make("canvas", { className: "wave" }),
        button = make("button", { type: "button", textContent: "Play", onclick: () => now && play(now.sounds[i], now.rate) });
      button.setAttribute("aria-label", `Play sound ${i + 1}`);
      size(canvas, WIDE, TALL);
      return { canvas, row: make("div", { className: "sound" }, button, canvas) };
    });
    box.replaceChildren(...rows.map(r => r.row));
  };

  const draw = ({ a, frames }) => {
    now = a;
    const length = Math.max(...frames.map(f => f.length)); // the wave stands where it will stand in the end
    rows.forEach(({ canvas }, i) => {
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, WIDE, TALL);
      pen.fillStyle = ink("--body-text-color-subdued");
      pen.globalAlpha = 0.3;
      pen.fillRect(0, TALL / 2, WIDE, 1);
      pen.globalAlpha = 1;
      pen.fillStyle = ink("--color-accent");
      envelope(a.sounds[i], WIDE, length).forEach(([low, high], c) => {
        const top = ((1 - high) / 2) * (TALL - 1);
        pen.fillRect(c, top, 1, Math.max(1, ((high - low) / 2) * (TALL - 1)));
      });
    });
  };

  return {
    box,
    read: (shot, last) => ({ ...shot, sounds: joined(last && last.sounds, shot), aux: {} }),
    begin,
    fit: () => {},
    draw,
    save: () => ({ columns: 1, only: null, panes: [] }),
    pace: 4,
  };
};
