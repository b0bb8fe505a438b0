// The script of genviz/ui/panels/plane.py. Rows of a grid fall with x2, columns rise with x1; log-densities are in nats.
import * as arrays from "../core/arrays.js";
import * as dom from "../core/dom.js";
import * as films from "../core/films.js";
import * as hands from "../core/hands.js";

export default ({ element, props, ask, watch, find }) => {
  const v = () => props.value,
    { half, cells, arrows, noise, mesh } = v();
  const numbers = text => arrays.floats(text);
  const panes = ["data", "model"].map(name => ({
    name,
    canvas: find(`canvas.${name}`),
    under: document.createElement("canvas"),
    says: find(`canvas.${name} + figcaption`),
  }));
  const TITLES = {
    log_prob: "density",
    importance_weighted: "bound on the density",
    energy: "energy",
    normalised: "density exp(-E) / Z",
    odds: "odds of D",
    score: "score",
    decode: "latent mesh",
    none: "points only",
  };
  const LOGS = ["log_prob", "importance_weighted", "normalised"]; // layers that are log-densities
  let truth = null,
    layer = "none",
    got = null,
    film = null,
    at = null,
    model = "",
    data = "";

  // ---- numbers of the grid ------------------------------------------------------------------------------------------------------------
  const able = () => v().layers[v().model] || [];
  const offered = () => [...able().flatMap(l => (l === "energy" ? ["energy", "normalised"] : [l])), "none"];
  const index = x => Math.min(cells - 1, Math.floor(((x + half) / (2 * half)) * cells));
  const cell = (grid, [x1, x2]) => grid[(cells - 1 - index(x2)) * cells + index(x1)];
  const excess = log_p => {
    // KL(data || model) as a sum over the grid
    let sum = 0,
      mass = 0;
    truth.log_prob.forEach((there, i) => {
      if (there > -20) {
        sum += Math.exp(there) * (there - log_p[i]);
        mass += Math.exp(there);
      }
    });
    return sum / mass;
  };

  // ---- what lies under the points ----------------------------------------------------------------------------------------------------
  const colour = name => getComputedStyle(element).getPropertyValue(`--${name}`).trim();
  const rgb = name => [1, 3, 5].map(k => parseInt(colour(name).slice(k, k + 2), 16));
  const tint = (pen, w, n, shade) => {
    // shade(i) -> [colour, opacity] of cell i
    const image = new ImageData(n, n),
      known = { deep: rgb("deep"), drawn: rgb("drawn"), true: rgb("true") };
    for (let i = 0; i < n * n; i++) {
      const [name, a] = shade(i);
      image.data.set([...known[name], 255 * Math.min(1, Math.max(0, a))], 4 * i);
    }
    const small = new OffscreenCanvas(n, n);
    small.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(small, 0, 0, w, w);
  };
  const density = (pen, w, log_p, top) => tint(pen, w, cells, i => ["deep", 0.78 * Math.sqrt(Math.exp(log_p[i]) / top)]);
  const landscape = (pen, w, energy) => {
    // one band per nat above the lowest place, dark valleys, a line between bands
    let low = Infinity;
    for (const e of energy) low = Math.min(low, e);
    const n = cells,
      fine = 4 * n,
      band = new Int16Array(fine * fine);
    for (let r = 0; r < fine; r++)
      for (let c = 0; c < fine; c++) {
        // bilinear, so that the bands have smooth borders
        const y = Math.min(n - 1.001, Math.max(0, (r + 0.5) / 4 - 0.5)),
          x = Math.min(n - 1.001, Math.max(0, (c + 0.5) / 4 - 0.5));
        const i = Math.floor(y) * n + Math.floor(x),
          b = y % 1,
          a = x % 1;
        band[r * fine + c] = Math.floor(
          Math.min(99, (1 - b) * ((1 - a) * energy[i] + a * energy[i + 1]) + b * ((1 - a) * energy[i + n] + a * energy[i + n + 1]) - low),
        );
      }
    tint(pen, w, fine, i => [
      "deep",
      0.75 * Math.exp(-band[i] / 5) + (band[i] !== band[i + 1] || band[i] !== band[i + fine] ? (band[i] < 12 ? 0.18 : 0) : 0),
    ]);
  };
  const px = (w, x1, x2) => [((x1 + half) / (2 * half)) * w, ((half - x2) / (2 * half)) * w];
  const field = (pen, w, score, ink) => {
    // one arrow a cell; length grows with the root, for far from the data scores are huge
    const step = w / arrows,
      lengths = Float32Array.from({ length: arrows * arrows }, (_, i) => Math.hypot(score[2 * i], score[2 * i + 1]));
    const unit = Math.max(1e-9, truth.scale);
    pen.strokeStyle = ink;
    pen.lineWidth = Math.max(1, w / 400);
    pen.lineCap = "round";
    pen.beginPath();
    lengths.forEach((l, i) => {
      const x = ((i % arrows) + 0.5) * step,
        y = (Math.floor(i / arrows) + 0.5) * step,
        k = (Math.min(0.95, 0.75 * Math.sqrt(l / unit)) * step) / (l || 1);
      const dx = score[2 * i] * k,
        dy = -score[2 * i + 1] * k,
        ex = x + dx,
        ey = y + dy;
      pen.moveTo(x, y);
      pen.lineTo(ex, ey);
      pen.moveTo(ex - 0.3 * dx - 0.18 * dy, ey - 0.3 * dy + 0.18 * dx);
      pen.lineTo(ex, ey);
      pen.lineTo(ex - 0.3 * dx + 0.18 * dy, ey - 0.3 * dy - 0.18 * dx);
    });
    pen.stroke();
  };
  const bent = (pen, w, lines) => {
    const [count, places] = mesh;
    for (const [part, ink] of ["deep", "true"].entries()) {
      pen.strokeStyle = colour(ink);
      pen.lineWidth = Math.max(0.8, w / 600);
      pen.globalAlpha = 0.75;
      pen.beginPath();
      for (let l = part * count; l < (part + 1) * count; l++)
        for (let k = 0; k < places; k++) {
          const i = 2 * (l * places + k),
            [x, y] = px(w, lines[i], lines[i + 1]);
          if (k) pen.lineTo(x, y);
          else pen.moveTo(x, y);
        }
      pen.stroke();
      pen.globalAlpha = 1;
    }
  };
  const dots = (pen, w, xy, ink, radius, opacity) => {
    pen.fillStyle = ink;
    pen.globalAlpha = opacity;
    pen.beginPath();
    for (let i = 0; i < xy.length; i += 2) {
      const [x, y] = px(w, xy[i], xy[i + 1]);
      pen.moveTo(x + radius, y);
      pen.arc(x, y, radius, 0, 7);
    }
    pen.fill();
    pen.globalAlpha = 1;
  };
  const prepare = () => {
    // everything that stays while the film plays
    for (const { name, canvas, under } of panes) {
      const w = Math.round(canvas.clientWidth * Math.min(devicePixelRatio || 1, 2)),
        mine = name === "model";
      if (!w) return;
      canvas.width = canvas.height = under.width = under.height = w;
      const pen = under.getContext("2d");
      if (!truth) continue;
      if (got) {
        if (LOGS.includes(layer)) density(pen, w, mine ? got.grid : truth.log_prob, truth.top);
        else if (layer === "energy") landscape(pen, w, mine ? got.grid : truth.log_prob.map(l => Math.min(60, -l)));
        else if (layer === "odds" && mine)
          tint(pen, w, cells, i => [got.grid[i] > 0.5 ? "drawn" : "true", 0.8 * Math.abs(2 * got.grid[i] - 1)]);
        else if (layer === "score" && !mine)
          density(
            pen,
            w,
            got.density.map(Math.log),
            got.density.reduce((a, b) => Math.max(a, b)),
          );
        else if (layer === "decode" && mine) bent(pen, w, got.lines);
      }
      if (!mine && ["decode", "odds", "none"].includes(layer)) density(pen, w, truth.log_prob, truth.top);
      if (find(".real").checked) dots(pen, w, truth.points, colour("real"), w / 400, mine ? 0.45 : 0.8);
      if (got && layer === "score") {
        field(pen, w, got.true, colour("true"));
        if (mine) field(pen, w, got.model, colour("drawn"));
      }
    }
    draw();
  };

  // ---- points, paths and the cut under the pointer -----------------------------------------------------------------------------------
  const draw = () => {
    for (const { name, canvas, under } of panes) {
      const pen = canvas.getContext("2d"),
        w = canvas.width;
      pen.clearRect(0, 0, w, w);
      if (under.width) pen.drawImage(under, 0, 0);
      if (name === "model" && film && film.model === v().model && film.data === v().data) walk(pen, w);
      if (at) cut(pen, w, name === "model");
    }
  };
  const walk = (pen, w) => {
    const { frames } = film,
      k = Math.min(Math.floor(film.at), frames.length - 1),
      a = frames[k],
      b = frames[Math.min(k + 1, frames.length - 1)],
      u = film.at - k;
    const now = a.map((x, i) => x + u * (b[i] - x));
    if (find(".paths").checked) {
      pen.strokeStyle = colour("drawn");
      pen.lineWidth = w / 500;
      pen.globalAlpha = 0.8;
      pen.lineJoin = "round";
      pen.beginPath();
      for (let i = 0; i < now.length; i += 100) {
        frames.slice(0, k + 1).forEach((f, j) => {
          const p = px(w, f[i], f[i + 1]);
          if (j) pen.lineTo(...p);
          else pen.moveTo(...p);
        });
        pen.lineTo(...px(w, now[i], now[i + 1]));
      }
      pen.stroke();
      pen.globalAlpha = 1;
    }
    dots(pen, w, now, colour("drawn"), w / 260, 0.85);
  };
  const cut = (pen, w, mine) => {
    // p(x2 | x1) along the vertical line through the pointer
    const [x, y] = px(w, ...at);
    pen.strokeStyle = dom.css("--body-text-color");
    pen.lineWidth = w / 600;
    pen.globalAlpha = 0.5;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, w);
    pen.moveTo(x - w / 60, y);
    pen.lineTo(x + w / 60, y);
    pen.stroke();
    pen.globalAlpha = 1;
    if (!got || !LOGS.includes(layer)) return;
    const profile = log_p => {
      const c = index(at[0]),
        p = Array.from({ length: cells }, (_, r) => Math.exp(log_p[r * cells + c])),
        mass = (p.reduce((a, b) => a + b) * 2 * half) / cells;
      return p.map(q => q / Math.max(mass, 1e-9));
    };
    const real = profile(truth.log_prob),
      mark = [{ p: real, ink: "true" }, ...(mine ? [{ p: profile(got.grid), ink: "drawn" }] : [])];
    const way = at[0] > half / 3 ? -1 : 1,
      scale = (0.22 * w) / Math.max(0.5, ...real);
    for (const { p, ink } of mark) {
      pen.strokeStyle = colour(ink);
      pen.lineWidth = w / 260;
      pen.beginPath();
      p.forEach((q, r) => {
        const e = [x + way * Math.min(0.4 * w, scale * q), ((r + 0.5) / cells) * w];
        if (r) pen.lineTo(...e);
        else pen.moveTo(...e);
      });
      pen.stroke();
    }
  };
  const read = () => {
    const real = Math.exp(cell(truth.log_prob, at)),
      parts = [`x = (${at.map(a => a.toFixed(2)).join(", ")})`];
    const mine = got?.grid && cell(got.grid, at);
    if (LOGS.includes(layer) && got) parts.push(`p(x): model ${Math.exp(mine).toFixed(3)}, data ${real.toFixed(3)}`, "curves: p(x2 | x1)");
    else if (layer === "energy" && got)
      parts.push(
        `E(x) = ${mine.toFixed(2)}`,
        `data: -log p(x) = ${cell(truth.log_prob, at) > -60 ? (-Math.log(real)).toFixed(2) : "more than 60"}`,
      );
    else if (layer === "odds" && got) parts.push(`real with probability ${mine.toFixed(2)}, says D`);
    else parts.push(`p(x): data ${real.toFixed(3)}`);
    find(".here").textContent = parts.join(";  ");
  };
  const go = to => {
    if (!truth) return;
    at = to.map(x => Math.max(-half, Math.min(half - 1e-6, x)));
    read();
    draw();
  };
  for (const { canvas } of panes) {
    const place = e => {
      const r = canvas.getBoundingClientRect();
      go([((e.clientX - r.left) / r.width) * 2 * half - half, half - ((e.clientY - r.top) / r.height) * 2 * half]);
    };
    hands.pointer(canvas, {
      down: place,
      move: place,
      hover: place,
      leave: () => {
        at = null;
        find(".here").textContent = "";
        draw();
      },
      touch: "pan-y",
    });
    const by =
      (...way) =>
      e =>
        go((at || [0, 0]).map((x, i) => x + way[i] * (e.shiftKey ? 0.5 : 0.05)));
    hands.keys(canvas, { ArrowLeft: by(-1, 0), ArrowRight: by(1, 0), ArrowUp: by(0, 1), ArrowDown: by(0, -1) });
  }

  // ---- menus, layers, captions ---------------------------------------------------------------------------------------------------------
  const bare = () =>
    offered().some(l => LOGS.includes(l))
      ? ""
      : able().includes("score")
        ? "No density: this model knows which way probability rises, but not how probable a place is. "
        : "No density: this model makes points, but it cannot say how probable a place is. ";
  const captions = () => {
    const kl = LOGS.includes(layer) && got ? excess(got.grid) : null;
    const cost =
      kl === null
        ? ""
        : ` A point of the data costs ${layer === "importance_weighted" ? "at most " : ""}${Math.max(0, kl).toFixed(3)} nats more than under the truth.`;
    const words = {
      log_prob: "p(x).",
      importance_weighted: "The importance-weighted bound with 32 draws: never more than p(x).",
      energy: "E(x), one band per nat; the model likes valleys.",
      normalised: got?.z ? `exp(-E(x)) / Z; summed over this square, log Z = ${got.z.toFixed(2)}.` : "",
      odds: "Orange: D takes a point here for real; blue: for generated.",
      score: "Orange: the model's score; blue: the true one, both with noise sigma.",
      decode: "Lines of equal z1 (green) and z2 (blue), decoded.",
      none: "Its points alone.",
    }[layer];
    const about =
      { score: "The data with noise sigma, and its score.", energy: "-log p(x), one band per nat." }[layer] ||
      "Its density, known exactly.";
    for (const { name, says } of panes)
      says.replaceChildren(
        Object.assign(document.createElement("b"), { textContent: name === "data" ? "The data. " : "The model. " }),
        name === "data" ? about : bare() + words + cost,
      );
  };
  const sigma = () => noise[0] * (noise[1] / noise[0]) ** +find(".noise input").value;
  const show = answer => {
    got = answer;
    captions();
    prepare();
    element.dataset.shown = `${model} ${data} ${layer}`;
  };
  const load = dom.latest(
    async want => {
      if (want.layer === "none") return {};
      const asked = { model: want.model, data: want.data };
      if (want.layer === "score") return ask.score({ ...asked, sigma: want.sigma });
      if (want.layer === "decode") return ask.mesh(asked);
      return ask.grid({ ...asked, method: want.layer === "normalised" ? "energy" : want.layer });
    },
    (answer, want) => {
      if (want.model !== model || want.data !== data || want.layer !== layer || !truth) return;
      const some = Object.fromEntries(Object.entries(answer).map(([k, x]) => [k, typeof x === "string" ? numbers(x) : x]));
      if (layer === "normalised") {
        const low = some.grid.reduce((a, b) => Math.min(a, b)),
          sum = some.grid.reduce((s, e) => s + Math.exp(low - e), 0);
        some.z = Math.log(sum * ((2 * half) / cells) ** 2) - low;
        some.grid = some.grid.map(e => -e - some.z);
      }
      if (layer === "score")
        truth.scale = Float32Array.from({ length: arrows * arrows }, (_, i) => Math.hypot(some.true[2 * i], some.true[2 * i + 1])).sort()[
          Math.floor(0.5 * arrows * arrows)
        ];
      show(some);
    },
  );
  const refresh = () => {
    got = null;
    find(".noise").hidden = layer !== "score";
    find(".noise output").textContent = sigma().toFixed(2);
    find(".layers")
      .querySelectorAll("button")
      .forEach(b => b.setAttribute("aria-pressed", b.value === layer));
    captions();
    load({ model, data, layer, sigma: sigma() });
  };
  const learn = dom.latest(ask.data, (answer, asked) => {
    if (asked.data !== data) return;
    const log_prob = numbers(answer.log_prob);
    truth = { points: numbers(answer.points), log_prob, scale: 1, top: Math.exp(log_prob.reduce((a, b) => Math.max(a, b))) };
    refresh();
  });
  const follow = () => {
    if (v().model !== model) {
      model = v().model;
      if (!offered().includes(layer) || layer === "none") layer = offered()[0];
      find(".layers").replaceChildren(
        ...offered().map(l =>
          Object.assign(document.createElement("button"), {
            type: "button",
            textContent: TITLES[l],
            value: l,
            onclick: () => {
              layer = l;
              refresh();
            },
          }),
        ),
      );
      if (truth && v().data === data) refresh();
    }
    if (v().data !== data) {
      data = v().data;
      truth = null;
      learn({ data });
    }
    draw();
  };
  find(".noise input").addEventListener("input", () => {
    find(".noise output").textContent = sigma().toFixed(2);
    load({ model, data, layer, sigma: sigma() });
  });
  for (const box of [".real", ".paths"]) find(box).addEventListener("change", prepare);
  films.listen(v().player, {
    points: p => {
      film = p;
      draw();
    },
  });
  new ResizeObserver(prepare).observe(panes[0].canvas);
  addEventListener("genviz-look", prepare);
  watch("value", follow);
  follow();
};
