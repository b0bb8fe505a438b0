// What the model expected at every pixel of one picture; see tab.py. One request per picture, everything else happens here.
import * as arrays from "../../../../ui/web/core/arrays.js";
import { chart, fill, redraw, word } from "../../../../ui/web/core/chart.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as films from "../../../../ui/web/core/films.js";
import * as hands from "../../../../ui/web/core/hands.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ element, props, ask, watch, find }) => {
  const line = find(".say"),
    SIDE = 28,
    SURPRISE = 4;
  let picture = null; // 784 grey bytes
  let painted = 784,
    step = 784; // how many pixels of it are painted; how many of them the film shows now
  let known = null; // {p: Float32Array(levels * 784), levels, key}
  let at = null,
    sent = false; // the pixel in question; whether the picture was sent from elsewhere
  let film = 0;
  const first = line.textContent;

  // ---- numbers ---------------------------------------------------------------------------------------------------------
  const p_of = (i, k) => known.p[k * 784 + i];
  const level_of = i => Math.round((picture[i] / 255) * (known.levels - 1));
  const entropy = i => {
    let h = 0;
    for (let k = 0; k < known.levels; k++) {
      const p = p_of(i, k);
      if (p > 0) h -= p * Math.log2(p);
    }
    return h;
  };
  const expected = i => {
    let sum = 0;
    for (let k = 0; k < known.levels; k++) sum += k * p_of(i, k);
    return (255 * sum) / (known.levels - 1);
  };
  const surprise = i => -Math.log2(Math.max(p_of(i, level_of(i)), 1e-12));

  // ---- pictures --------------------------------------------------------------------------------------------------------
  const small = new OffscreenCanvas(SIDE, SIDE);
  const show = (canvas, colour) => {
    // colour(i) -> [r, g, b] or null where nothing is to be seen
    const image = new ImageData(SIDE, SIDE),
      pen = canvas.getContext("2d"),
      cell = canvas.width / SIDE;
    for (let i = 0; i < 784; i++) {
      const c = colour(i);
      if (c) image.data.set([c[0], c[1], c[2], 255], 4 * i);
    }
    small.getContext("2d").putImageData(image, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    if (at === null) return;
    const x = (at % SIDE) * cell,
      y = Math.floor(at / SIDE) * cell;
    pen.lineWidth = 5;
    pen.strokeStyle = "#fff";
    pen.strokeRect(x, y, cell, cell);
    pen.lineWidth = 2.5;
    pen.strokeStyle = "#e11d48";
    pen.strokeRect(x, y, cell, cell);
  };
  const draw = () => {
    const last = Math.min(painted, step),
      most = known ? Math.log2(known.levels) : 1;
    show(find(".x"), i => (picture && i < last ? [picture[i], picture[i], picture[i]] : null));
    show(find(".e"), i => (known && i <= last ? Array(3).fill(expected(i)) : null));
    show(find(".h"), i => (known && i <= last ? pictures.colour(entropy(i) / most) : null));
    show(find(".s"), i => (known && i < last ? pictures.colour(surprise(i) / SURPRISE) : null));
    find(".most").textContent = most;
    find(".top").textContent = `${SURPRISE} or more`;
    bars(last);
  };

  const bars = last => {
    const svg = find(".bars");
    if (!known || at === null) return fill(svg, 0, 0, "");
    const K = known.levels,
      row = Math.floor(at / SIDE),
      column = at % SIDE,
      type = parseFloat(getComputedStyle(svg).fontSize);
    if (at > last) {
      fill(svg, 0, 0, "");
      line.textContent = `Row ${row}, column ${column} is not painted yet: what is expected there depends on the pixels before it.`;
      return;
    }
    const p = [...Array(K).keys()].map(k => p_of(at, k)),
      drawn = at < last ? level_of(at) : -1;
    chart(svg, {
      height: 210,
      title: "p(level | pixels before)",
      name: "levels",
      y: { low: 0, high: 1.12, ticks: [0, 0.5, 1] },
      x: {
        low: -0.5,
        high: K - 0.5,
        ticks:
          K <= 2
            ? [
                [0, "off (black)"],
                [1, "on (white)"],
              ]
            : Math.min(K, 16),
      },
      marks: [
        {
          kind: "bars",
          at: p.map((x, k) => [k, x]),
          wide: 1,
          gap: 0.28,
          stubs: true,
          class: k => (k === drawn ? "active drawn" : "active"),
        },
      ],
      inside: (X, Y) =>
        p
          .map((x, k) =>
            K <= 4 || x >= 0.1
              ? word(X(k), Y(x) - 0.4 * type, x >= 0.995 && x < 1 ? ">.99" : x.toFixed(2), 'class="strong" text-anchor="middle"')
              : "",
          )
          .join(""),
      table: { columns: ["level", "p"], rows: p.map((x, k) => [k, x]) },
    });
    let bits = 0;
    for (let i = 0; i < last; i++) bits += surprise(i);
    const what =
      drawn < 0
        ? "the next to be painted"
        : `drawn: <b>${K === 2 ? ["off", "on"][drawn] : `level ${drawn} of 0 to ${K - 1}`}</b>, surprise <b>${surprise(at).toFixed(2)}</b> bits`;
    line.innerHTML =
      `Row <b>${row}</b>, column <b>${column}</b>: ${what}; entropy <b>${entropy(at).toFixed(2)}</b> bits. ` +
      `All ${last} painted pixels cost <b>${bits.toFixed(0)}</b> bits at temperature 1.`;
  };

  // ---- questions -------------------------------------------------------------------------------------------------------
  const key_of = () => arrays.encode(picture) + props.value.model + props.value.data;
  const ask_all = dom.latest(ask.expect, (answer, asked) => {
    known = { p: arrays.floats(answer.p), levels: answer.levels, key: asked.image + asked.model + asked.data };
    if (known.key === key_of()) draw();
  });
  let wanted = "";
  const look = () => {
    if (!picture) return;
    const key = key_of();
    if (known && known.key === key) {
      draw();
      return;
    }
    if (wanted !== key) {
      wanted = key;
      ask_all({ image: arrays.encode(picture), model: props.value.model, data: props.value.data });
    }
  };
  const forget = () => {
    picture = known = at = null;
    wanted = "";
    line.textContent = first;
    draw();
  };

  films.listen(props.value.player, {
    pixel: p => {
      // the picture as it stands on the film; later frames only uncover or cover what is known of it
      [picture, painted, step, at, sent] = [Uint8Array.from(p.pixels), film, film, p.row * SIDE + p.column, false];
      look();
    },
    frame: f => {
      film = f.step;
      if (!sent && picture) {
        step = film;
        draw();
      }
    },
    state: s => {
      if (s === "waiting" && !sent) forget();
    },
  });
  mail.receive(props.value.tool, parcel => {
    [picture, painted, step, at, sent] = [Uint8Array.from(parcel.pixels), 784, 784, 14 * SIDE + 14, true];
    look();
  });
  for (const canvas of element.querySelectorAll("canvas.live")) {
    const point = e => {
      if (!picture) return;
      const box = canvas.getBoundingClientRect(),
        cell = v => Math.min(SIDE - 1, Math.max(0, Math.floor(v * SIDE)));
      at = cell((e.clientY - box.top) / box.height) * SIDE + cell((e.clientX - box.left) / box.width);
      draw();
    };
    hands.pointer(canvas, { down: point, move: point, hover: point });
  }
  let now = "";
  watch("value", () => {
    const next = props.value.model + props.value.data;
    if (next !== now && now) {
      if (sent) look();
      else forget();
    }
    now = next;
  });
  now = props.value.model + props.value.data;
  redraw(element, draw);
};
