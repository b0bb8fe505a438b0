// The address of the page holds what people set. Controls and players say here what they show; web/link/panel.js writes it down and reads
// it when the page opens. See genviz/ui/link.py.
import * as arrays from "./arrays.js";

/** By the name of their player: {state(), set(state), element}. */
export const controls = {};
const wanted = {};

/** Declare the controls of a player. */
export const control = (player, api) => {
  controls[player] = api;
  for (const done of wanted[player] || []) done(api);
  delete wanted[player];
};
/** The controls of a player, as soon as there are any. */
export const controls_of = player =>
  controls[player]
    ? Promise.resolve(controls[player])
    : new Promise(done => {
        (wanted[player] ||= []).push(done);
      });

/** Fields that somebody set, by hand or by a link: the address tells them. */
export const set_by_hand = new WeakSet();

let write = () => {};
/** Who writes the address: called whenever something changed that it tells. */
export const writer = f => {
  write = f;
};
export const touch = () => write();
export const tell = field => {
  set_by_hand.add(field);
  touch();
};

let done;
/** The address was read: from then on players take up their old films. */
export const restored = new Promise(resolve => {
  done = resolve;
});
export const opened = () => done();
if (typeof location !== "undefined" && !/[?&](tab|model)=/.test(location.search)) opened();

// ---- pictures in a link: deflated, base64 of addresses, ~ in front ------------------------------------------------------------------------
const through = async (bytes, stream) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
export const deflated = async bytes =>
  "~" +
  arrays
    .encode(await through(bytes, new CompressionStream("deflate-raw")))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

const packed = new Map(); // a picture in base64 -> as it stands in a link, or null while it is being packed
const pack_one = picture => {
  if (packed.has(picture) || !globalThis.CompressionStream) return packed.get(picture) || null;
  packed.set(picture, null);
  deflated(arrays.decode(picture)).then(text => {
    packed.set(picture, text);
    touch();
  });
  return null;
};
/** What a film was given, as text: numbers and pictures in base64, alone or in lists; null while pictures are being packed. */
export const pack = value => {
  const parts = (Array.isArray(value) ? value : [value]).map(v =>
    typeof v === "string" ? pack_one(v) : Number.isFinite(v) ? String(v) : null,
  );
  return parts.includes(null) ? null : parts.join(",") + (Array.isArray(value) && parts.length === 1 ? "," : "");
};
/** One part of it back: a number, or a picture as 784 bytes. */
export const unpack = async text => {
  if (/^\d+$/.test(text)) return +text;
  try {
    const bytes = await through(
      arrays.decode(text.slice(1).replaceAll("-", "+").replaceAll("_", "/")),
      new DecompressionStream("deflate-raw"),
    );
    if (text[0] === "~" && bytes.length === 784) return bytes;
  } catch {
    /* see below */
  }
  throw new Error("A picture in this link is damaged.");
};
