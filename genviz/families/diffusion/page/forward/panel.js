// x_t = alpha_t x + sigma_t eps, computed here, so that the slider answers within a frame and asks no one.
import * as arrays from "../../../../ui/web/core/arrays.js";
import { across, chart, redraw, word } from "../../../../ui/web/core/chart.js";
import * as films from "../../../../ui/web/core/films.js";
import * as hands from "../../../../ui/web/core/hands.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ props, watch, find }) => {
  const v = () => props.value;
  const slider = find(".t"),
    svg = find("svg"),
    SIZE = 784;
  let x = new Float32Array(SIZE).fill(-1),
    pixels = null,
    draw = 0,
    eps = null;

  const random = seed => () => {
    // mulberry32: the same noise for the same seed in every browser
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = seed => {
    // Box and Muller 1958
    const u = random(seed),
      z = new Float32Array(SIZE);
    for (let i = 0; i < SIZE; i += 2) {
      const r = Math.sqrt(-2 * Math.log(1 - u())),
        a = 2 * Math.PI * u();
      z[i] = r * Math.cos(a);
      z[i + 1] = r * Math.sin(a);
    }
    return z;
  };
  const SCHEDULES = {
    // t -> [alpha_t, sigma_t], as in genviz/noise.py
    cosine: t => [Math.cos((Math.PI / 2) * t), Math.sin((Math.PI / 2) * t)],
    linear: t => {
      const area = 0.1 * t + 9.95 * t * t;
      return [Math.exp(-area / 2), Math.sqrt(-Math.expm1(-area))];
    },
  };
  const mixed = t => SCHEDULES[find(".schedule").value](t);
  const show = (canvas, numbers) =>
    pictures.paint(
      canvas,
      Uint8ClampedArray.from(numbers, value => 127.5 * value + 127.5),
    );

  const render = () => {
    const t = +slider.value,
      [alpha, sigma] = mixed(t),
      snr = 2 * Math.log(alpha / Math.max(sigma, 1e-12));
    show(
      find(".x_t"),
      x.map((value, i) => alpha * value + sigma * eps[i]),
    );
    find(".plus").innerHTML = `&times; ${alpha.toFixed(2)}<br>+ ${sigma.toFixed(2)} &times;`;
    find(".x_t").nextElementSibling.textContent = `x_t at t = ${t.toFixed(3)}`;
    const key = (name, text) => find(name).replaceChildren(document.createElement("i"), text);
    key(".a", `alpha_t = ${alpha.toFixed(3)}`);
    key(".s", `sigma_t = ${sigma.toFixed(3)}`);
    key(".l", `log SNR = ${sigma === 0 ? "infinite" : alpha < 1e-9 ? "minus infinite" : snr.toFixed(2)}`);
    curves();
  };
  const times = [...Array(141).keys()].map(i => i / 140),
    ratio = ([alpha, sigma]) => 2 * Math.log(alpha / Math.max(sigma, 1e-9));
  const curves = () => {
    const at = +slider.value,
      rows = times.map(t => {
        const [alpha, sigma] = mixed(t);
        return [t, alpha, sigma, Math.max(-10, Math.min(10, ratio([alpha, sigma])))];
      });
    chart(svg, {
      height: 190,
      title: "",
      name: "schedule",
      x: {
        low: 0,
        high: 1,
        ticks: [
          [0, "t = 0, data"],
          [1, "t = 1, noise"],
        ],
      },
      y: { low: 0, high: 1, ticks: [0, 1] },
      marks: [
        { kind: "line", class: "snr", points: rows.map(([t, , , snr]) => [t, (snr + 10) / 20]) },
        { kind: "line", class: "sigma", points: rows.map(([t, , sigma]) => [t, sigma]) },
        { kind: "line", class: "alpha", points: rows.map(([t, alpha]) => [t, alpha]) },
        { kind: "rule", class: "mark", x: at },
      ],
      inside: (X, Y, { right, type }) =>
        [1, 0.5, 0].map(y => word(right - 2, Y(y) + (y ? type : -4), String(20 * y - 10), 'text-anchor="end"')).join(""),
      table: { columns: ["t", "alpha_t", "sigma_t", "log SNR"], rows },
    });
  };
  const noise = () => {
    eps = normal(1000 * (v().seed || 0) + draw);
    show(find(".eps"), eps);
    render();
  };

  slider.addEventListener("input", render);
  find(".schedule").addEventListener("change", render);
  find(".fresh").addEventListener("click", () => {
    draw++;
    noise();
  });
  const to = e => {
    if (e.target.closest(".csv")) return false;
    slider.value = Math.max(0, Math.min(1, across(svg, e)));
    render();
  };
  hands.pointer(svg, { down: to, move: to, touch: "pan-y" });

  const labels = () => {
    const menu = find(".label"),
      old = menu.value;
    menu.replaceChildren(...["no class", ...(v().classes[v().data] || [])].map((name, i) => new Option(name, String(i - 1))));
    menu.value = old || "-1";
  };
  find(".walk").addEventListener("click", () => {
    const [alpha, sigma] = mixed(+slider.value),
      t = (2 / Math.PI) * Math.atan2(sigma, alpha),
      say = find(".say"); // the same noise-to-signal ratio
    const fail = !pixels
      ? "Choose a picture first."
      : t < 0.01 || t > 0.995
        ? "Slide the time between 0.01 and 0.99 first: there must be some noise, and some picture."
        : "";
    say.textContent = fail;
    say.classList.toggle("wrong", !!fail);
    if (fail) return;
    films.film(v().player, {
      model: v().model,
      data: v().data,
      walk: "diffuse",
      n: +find(".n").value,
      seed: ((v().seed || 0) + draw) % 4294967296,
      knobs: { label: +find(".label").value },
      given: { x: arrays.encode(pixels), t },
    });
  });
  let known = v().data + v().seed;
  watch("value", () => {
    if (v().data + v().seed !== known) {
      known = v().data + v().seed;
      labels();
      noise();
    }
  });
  labels();
  noise();
  redraw(svg.parentElement, curves);
  mail.receive(v().pick, image => {
    pixels = image.pixels;
    x = Float32Array.from(pixels, byte => byte / 127.5 - 1);
    pictures.paint(find(".x"), Uint8ClampedArray.from(pixels));
    find(".x").nextElementSibling.textContent = "x";
    render();
  });
};
