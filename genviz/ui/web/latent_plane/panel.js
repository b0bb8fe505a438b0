// The script of genviz/ui/panels/latent_plane.py. `frame` is the plane as the server gave it, `uv` where the pointer is.
import * as arrays from "../core/arrays.js";
import * as dom from "../core/dom.js";
import * as hands from "../core/hands.js";
import * as mail from "../core/mail.js";
import * as pictures from "../core/pictures.js";

export default ({ element, props, ask, watch, find }) => {
  const back = find(".back"),
    picture = find(".x");
  let images = [],
    frame = null,
    bitmap = null,
    grey = null,
    points = null,
    uv = [0, 0],
    blended = false;
  const now = () => ({ model: props.value.model, data: props.value.data });
  const able = () => props.value.able[props.value.model];
  const draws = () => able().z_dim !== 2 && !able().encodes; // the plane of two draws of z, as nothing else is known of the latent space

  // ---- the picture under the pointer: a blend at once, the exact one as soon as the server has it --------------------------------
  const z = () => frame.origin.map((o, i) => o + uv[0] * frame.p[i] + uv[1] * frame.q[i]);
  const say = state => {
    const flat = frame.origin.length === 2,
      [a, b] = uv.map(x => x.toFixed(2));
    find(".z").textContent = flat ? `z = (${a}, ${b})` : `u = ${a}, v = ${b}`;
    find(".state").textContent = state === "exact" ? "decoded exactly here" : state;
    element.dataset.shown = `${state === "exact" ? "exact" : "blend"} ${uv.join(" ")}`; // benchmarks/drag.py reads it
  };
  const blend = () => {
    // bilinear mix of the four pictures of the atlas around uv
    const { low, high, cells } = frame,
      side = cells * 28,
      out = new Uint8ClampedArray(784);
    const x = ((uv[0] - low) / (high - low)) * (cells - 1),
      y = ((high - uv[1]) / (high - low)) * (cells - 1);
    const i = Math.min(Math.floor(x), cells - 2),
      j = Math.min(Math.floor(y), cells - 2),
      a = x - i,
      b = y - j;
    const w00 = (1 - a) * (1 - b),
      w10 = a * (1 - b),
      w01 = (1 - a) * b,
      w11 = a * b;
    for (let r = 0; r < 28; r++) {
      const top = (j * 28 + r) * side + i * 28,
        bottom = top + 28 * side;
      for (let c = 0; c < 28; c++)
        out[r * 28 + c] = w00 * grey[top + c] + w10 * grey[top + 28 + c] + w01 * grey[bottom + c] + w11 * grey[bottom + 28 + c];
    }
    pictures.paint(picture, out);
  };
  const exact = dom.latest(
    ({ plane, at, ...asked }) => ask.at(asked),
    (answer, { plane, at }) => {
      if (plane !== frame || (blended && at !== uv)) return; // a blend of where the pointer is beats the exact picture of where it was
      pictures.paint(picture, arrays.decode(answer.x));
      if (at === uv) say("exact");
      else element.dataset.shown = `exact ${at.join(" ")}`;
    },
  );
  const move = to => {
    if (!frame) return;
    uv = to.map(x => Math.min(Math.max(x, frame.low), frame.high));
    element.dataset.at = uv.join(" ");
    blended = Boolean(grey && find(".mix").checked);
    if (blended) {
      blend();
      say("blend of four pictures of the atlas");
    }
    exact({ z: z(), ...frame.of, plane: frame, at: uv });
    draw();
  };

  // ---- the plane: atlas, test images by class, marks, pointer ---------------------------------------------------------------------
  const still = document.createElement("canvas"); // what stays while the pointer moves
  const place = (/** @type {number[]} */ [u, v]) => {
    const w = back.width,
      span = frame.high - frame.low;
    return [((u - frame.low) / span) * w, ((frame.high - v) / span) * w];
  };
  const prepare = () => {
    const w = Math.round(back.clientWidth * Math.min(devicePixelRatio || 1, 2));
    if (!w || !frame) return;
    for (const canvas of [back, still]) {
      canvas.width = w;
      canvas.height = w;
    }
    const pen = still.getContext("2d"),
      dots = points && find(".dots").checked;
    if (find(".tiles").checked && bitmap) {
      // picture (i, j) stands centred on its own point, so the outer ones are cut in half
      const cell = w / (frame.cells - 1);
      pen.globalAlpha = dots ? 0.5 : 1;
      pen.drawImage(bitmap, -cell / 2, -cell / 2, w + cell, w + cell);
      pen.globalAlpha = 1;
    }
    if (dots)
      for (let i = 0; i < points.label.length; i++) {
        const [x, y] = place([points.xy[2 * i], points.xy[2 * i + 1]]);
        pen.fillStyle = pictures.CLASSES[points.label[i]];
        pen.beginPath();
        pen.arc(x, y, w / 190, 0, 7);
        pen.fill();
      }
    draw();
  };
  const draw = () => {
    if (!frame || !back.width) return;
    const pen = back.getContext("2d"),
      w = back.width,
      dot = w / 60;
    pen.clearRect(0, 0, w, w);
    pen.drawImage(still, 0, 0);
    pen.font = `600 ${w / 30}px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    frame.marks.forEach((mark, i) => {
      const within = m => Math.min(Math.max(m, frame.low), frame.high),
        [x, y] = place([within(mark[0]), within(mark[1])]);
      pen.fillStyle = "#fff";
      pen.beginPath();
      pen.arc(x, y, dot * 1.25, 0, 7);
      pen.fill();
      pen.fillStyle = "#000";
      pen.fillText("abc"[i], x, y - dot * 0.1);
    });
    const [x, y] = place(uv);
    for (const { colour, wide } of [
      { colour: "#000", wide: 5 },
      { colour: "#fff", wide: 2.5 },
    ]) {
      pen.strokeStyle = colour;
      pen.lineWidth = (wide * w) / 480;
      pen.beginPath();
      pen.arc(x, y, dot * 1.2, 0, 7);
      pen.stroke();
    }
  };
  const at = e => {
    const r = back.getBoundingClientRect(),
      span = frame.high - frame.low;
    return [frame.low + ((e.clientX - r.left) / r.width) * span, frame.high - ((e.clientY - r.top) / r.height) * span];
  };
  const follow = e => (frame ? move(at(e)) : false);
  hands.pointer(back, { down: follow, move: follow, hover: follow });
  const by =
    (...way) =>
    e => {
      if (!frame) return false;
      const step = (frame.high - frame.low) / (e.shiftKey ? 12 : 60);
      move([uv[0] + way[0] * step, uv[1] + way[1] * step]);
    };
  hands.keys(back, { ArrowLeft: by(-1, 0), ArrowRight: by(1, 0), ArrowUp: by(0, 1), ArrowDown: by(0, -1) });
  for (const box of [".tiles", ".dots"]) find(box).addEventListener("change", prepare);
  new ResizeObserver(prepare).observe(back);

  // ---- from the menus and the chooser to the plane -----------------------------------------------------------------------------------
  let asked = "";
  const load = dom.latest(
    ask.plane,
    async (answer, { model, data, told }) => {
      const sprite = await pictures.sprite(answer.sprite),
        flat = answer.origin.length === 2;
      const pen = new OffscreenCanvas(sprite.width, sprite.height).getContext("2d", { willReadFrequently: true });
      pen.drawImage(sprite, 0, 0);
      const rgba = pen.getImageData(0, 0, sprite.width, sprite.height).data;
      grey = new Uint8Array(rgba.length / 4);
      for (let i = 0; i < grey.length; i++) grey[i] = rgba[4 * i];
      const first = !frame || frame.origin.length !== answer.origin.length;
      frame = { ...answer, of: { model, data, told } };
      bitmap = sprite;
      element.dataset.of = `${model} ${data} ${told}`;
      find(".lo").textContent = `${answer.low}`;
      find(".hi").textContent = `${answer.high}`;
      find(".axis").textContent = flat
        ? "z1 across, z2 up"
        : draws()
          ? "z = u a + v b, two draws; u across, v up"
          : "u from a to b across, v from a to c up";
      find(".dots-of").hidden = find(".legend").hidden = !flat || !able().encodes;
      if (points && (points.model !== model || points.data !== data)) points = null;
      if (!points && flat && able().encodes) dots({ model, data });
      move(first ? [(answer.low + answer.high) / 2, (answer.low + answer.high) / 2] : uv);
      prepare();
    },
    { flights: 1 },
  );
  const dots = dom.latest(ask.points, (answer, { model, data }) => {
    points = { model, data, xy: arrays.floats(answer.xy), label: [...answer.labels].map(Number) };
    find(".legend").replaceChildren(
      ...props.value.classes[data].map((name, i) => {
        const entry = document.createElement("span"),
          mark = document.createElement("i");
        mark.style.background = pictures.CLASSES[i];
        entry.append(mark, name);
        return entry;
      }),
    );
    prepare();
  });
  const menu = find(".told");
  const choose = () => {
    // the menu of classes or kinds that the decoder is told, where it is
    const { told } = able(),
      of = told ? `${told.name} ${props.value.data}` : "";
    find(".told-of").hidden = !told;
    if (!told || menu.dataset.of === of) return;
    const names = told.name === "label" ? props.value.classes[props.value.data] : [...Array(told.count).keys()];
    const place = menu.dataset.of?.startsWith(told.name) ? menu.value : 0; // the same class of another data set
    find(".told-of span").textContent = told.name === "label" ? "Class" : "Kind";
    menu.replaceChildren(...names.map((name, i) => new Option(name, i)));
    menu.value = place;
    menu.dataset.of = of;
  };
  const refresh = () => {
    if (!able()) {
      find(".state").textContent = "This model has no decoder; choose another one in the menu.";
      frame = null;
      return;
    }
    choose();
    const sent = images.filter(Boolean).map(i => i.base64);
    if (able().z_dim !== 2 && able().encodes && sent.length < 3) return;
    const want = {
        ...now(),
        images: able().encodes && sent.length ? sent : null,
        seed: draws() ? props.value.seed || 0 : null,
        told: able().told ? +menu.value : 0,
      },
      key = JSON.stringify(want);
    if (key !== asked) {
      asked = key;
      load(want);
    }
  };
  if (props.value.pick)
    mail.receive(props.value.pick, image => {
      images = image.images;
      refresh();
    });
  menu.addEventListener("change", refresh);
  watch("value", refresh);
  refresh();
};
