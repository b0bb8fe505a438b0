// What the core computes, without a page.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as arrays from "../core/arrays.js";
import { csv, figure, log_ticks, nearest, scale, tenths, ticks, whole } from "../core/chart.js";
import { asks, latest, once } from "../core/dom.js";
import { sentence_of, told } from "../core/films.js";
import { deflated, pack, unpack } from "../core/link.js";
import { colour, rgba, signed } from "../core/pictures.js";
import { envelope, joined as sounds } from "../views/audio.js";
import { arrange, runs } from "../views/image.js";
import { joined as texts } from "../views/text.js";
import { medium_of, VIEWS } from "../views/view.js";

/** Let everything that was promised happen. */
const settled = () => new Promise(done => setImmediate(done));

test("bytes come back from their text as they were", () => {
  const bytes = Uint8Array.from({ length: 784 }, (_, i) => (i * 37) % 256);
  assert.deepEqual(arrays.decode(arrays.encode(bytes)), bytes);
  assert.equal(arrays.encode(new Uint8Array()), "");
});

test("float32 as numpy writes it is read as numbers", () => {
  const numbers = new Float32Array([0, -1.5, 3.25e7]);
  assert.deepEqual(arrays.floats(arrays.encode(new Uint8Array(numbers.buffer))), numbers);
});

test("numbers in [-1, 1] become grey, and what lies outside is cut off", () => {
  assert.deepEqual([...arrays.grey([-1, 0, 1, 7, -7])], [0, 128, 255, 255, 0]);
});

test("axes have round numbers, also below zero and of tiny ranges", () => {
  assert.deepEqual(ticks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(-0.5, 0.5, 5), [-0.4, -0.2, 0, 0.2, 0.4]);
  assert.deepEqual(ticks(1.001, 1.004, 3), [1.001, 1.002, 1.003, 1.004]);
  assert.deepEqual(ticks(3, 3, 5), [3]);
});

test("logarithmic axes have powers of ten, with 2 and 5 where there is room", () => {
  assert.deepEqual(log_ticks(0.01, 100), [0.01, 0.1, 1, 10, 100]);
  assert.deepEqual(log_ticks(1, 60, true), [1, 2, 5, 10, 20, 50]);
});

test("a place on the screen is the value that was drawn there", () => {
  for (const axis of [
    { low: -2, high: 8 },
    { low: 0.1, high: 1000, log: true },
  ]) {
    const x = scale(axis, 40, 540);
    assert.ok(Math.abs(x(axis.low) - 40) < 1e-9 && Math.abs(x(axis.high) - 540) < 1e-9);
    for (const px of [40, 123.4, 540]) assert.ok(Math.abs(x(x.back(px)) - px) < 1e-6);
  }
  assert.equal(scale({ low: 5, high: 5 }, 0, 100)(5), 0);
});

test("the row under the pointer is the nearest one", () => {
  const rows = [
    [0, "a"],
    [10, "b"],
    [11, "c"],
  ];
  assert.deepEqual(nearest(rows, 4), [0, "a"]);
  assert.deepEqual(nearest(rows, 10.6), [11, "c"]);
  assert.equal(nearest([], 1), null);
});

test("a CSV file keeps commas, quotes and line breaks apart from its own", () => {
  assert.equal(
    csv([
      ["name", "x"],
      ['a, "b"', 1.5],
      ["two\nlines", null],
    ]),
    'name,x\r\n"a, ""b""",1.5\r\n"two\nlines",\r\n',
  );
});

test("numbers are written with a true minus and with thousands apart", () => {
  assert.equal(figure(-1.23456), "\u22121.235");
  assert.equal(whole(-5778.4), "\u22125,778");
  assert.equal(tenths(-0.26), "\u22120.3");
  assert.equal(figure("word"), "word");
});

test("a refusal of the server is an error with its sentence", async () => {
  const ask = asks({ yes: async x => ({ ok: x.a + 1 }), no: async () => ({ error: "Choose a picture first." }), gone: async () => null });
  assert.equal(await ask.yes({ a: 1 }), 2);
  await assert.rejects(ask.no(), /Choose a picture first\./);
  await assert.rejects(ask.gone(), /does not answer/);
});

test("the newest question wins, and an answer older than the shown one is dropped", async () => {
  const open = {},
    shown = [];
  const send = latest(
    x => new Promise(done => (open[x] = done)),
    answer => shown.push(answer),
    { flights: 2 },
  );
  for (const x of ["a", "b", "c", "d"]) send(x); // two fly, of the others the newest waits
  assert.deepEqual(Object.keys(open), ["a", "b"]);
  open.b("B");
  await settled();
  assert.deepEqual(Object.keys(open), ["a", "b", "d"]);
  open.a("A");
  open.d("D");
  await settled();
  assert.deepEqual(shown, ["B", "D"]);
});

test("a failure is told once, and not remembered", async () => {
  const failed = [];
  let works = false,
    asked = 0;
  const send = latest(
    async () => {
      if (!works) throw new Error("no");
      return "yes";
    },
    () => failed.push("shown"),
    { fail: e => failed.push(e.message) },
  );
  send();
  await settled();
  assert.deepEqual(failed, ["no"]);
  const get = once(async () => {
    asked++;
    if (!works) throw new Error("no");
    return asked;
  });
  await assert.rejects(get());
  works = true;
  assert.deepEqual([await get(), await get(), asked], [2, 2, 2]);
});

test("a picture in a link is a sixth of its size and comes back bit for bit", async () => {
  const picture = new Uint8Array(784).fill(0).map((_, i) => (i % 28 > 10 && i % 28 < 14 ? 255 : 0)),
    text = await deflated(picture);
  assert.ok(text.startsWith("~") && text.length < 130 && /^~[\w-]+$/.test(text), text);
  assert.deepEqual(await unpack(text), picture);
  assert.equal(await unpack("417"), 417);
  await assert.rejects(unpack("~damaged"), /damaged/);
});

test("numbers of a link are text, alone and in lists", () => {
  assert.equal(pack(3), "3");
  assert.equal(pack([1, 2.5]), "1,2.5");
  assert.equal(pack([7]), "7,");
});

test("what the app refuses is told in its own sentence, and silence is asked again", async () => {
  const answer = (status, body) => ({
    ok: status < 400,
    status,
    json: async () => {
      if (body === undefined) throw new Error();
      return body;
    },
  });
  assert.deepEqual(await told(answer(200, { job: "1" })), { job: "1" });
  assert.deepEqual(await told(answer(503, { error: "The house is full." })), { error: "The house is full." });
  assert.deepEqual(await told(answer(404)), { error: "The app refused this (HTTP 404)." });
  assert.equal(await told(answer(502)), null);
  assert.equal(await told(answer(429)), null);
});

test("a film without pictures says why", () => {
  assert.equal(sentence_of({ status: "waiting", place: 3 }), "Number 3 in the waiting line.");
  assert.equal(sentence_of({ status: "cancelled", message: "" }), "Stopped.");
  assert.equal(sentence_of({ status: "running", message: "x" }), "");
});

test("colours begin and end where Python's do", () => {
  assert.deepEqual(colour(0), [68, 1, 84]);
  assert.deepEqual(colour(1), [253, 231, 37]);
  assert.deepEqual(colour(9), colour(1));
  assert.deepEqual(signed(0), [255, 255, 255]);
  assert.deepEqual(signed(-1), [33, 102, 172]);
  assert.deepEqual([...rgba(2, i => (i ? [1, 2, 3] : null))], [0, 0, 0, 0, 1, 2, 3, 255]);
});

test("pixels painted between two frames are runs of a row", () => {
  assert.deepEqual(runs(26, 30, 28), [
    [0, 26, 2],
    [1, 0, 2],
  ]);
  assert.deepEqual(runs(5, 5, 28), []);
  assert.equal(
    runs(0, 784, 28).reduce((sum, [, , count]) => sum + count, 0),
    784,
  );
});

test("pictures are as large as the stage allows, and every one finds room", () => {
  for (const k of [1, 4, 16, 60])
    for (const count of [1, 3])
      for (const phone of [false, true]) {
        const { c, r, zoom } = arrange({ side: 28, k, count, wide: phone ? 340 : 900, high: 500, dense: 2, phone });
        assert.ok(c * r >= k && zoom > 0 && c * 28 * zoom <= 900, `${k} pictures in ${count} panes`);
      }
  assert.equal(arrange({ side: 28, k: 1, count: 1, wide: 5000, high: 5000, dense: 1, phone: false }).zoom, 24);
});

test("a film is shown by its medium, and another one is refused", () => {
  for (const medium of Object.keys(VIEWS)) assert.equal(medium_of({ medium }), medium);
  assert.deepEqual(Object.keys(VIEWS).sort(), ["audio", "image", "points", "text"]);
  assert.throws(() => medium_of({ medium: "smell" }), /no view of smell/);
});

test("texts and sounds are put together of what is new", () => {
  const first = texts({}.lines, { text: ["ab", "cd"], from: 0 }),
    then = texts(first, { text: ["x", "y"], from: 2 });
  assert.deepEqual(then, ["abx", "cdy"]);
  assert.deepEqual(texts(then, { text: ["!", "?"], from: 1 }), ["a!", "c?"]);
  const parcel = (numbers, from, length) => ({
    n: 2,
    from,
    length,
    audio: arrays.encode(new Uint8Array(new Int16Array(numbers).buffer)),
  });
  const one = sounds(null, parcel([32767, 0], 0, 1)),
    two = sounds(one, parcel([-32767, 32767], 1, 2));
  assert.deepEqual(
    two.map(x => [...x]),
    [
      [1, -1],
      [0, 1],
    ],
  );
  assert.deepEqual(envelope(Float32Array.of(0, 1, -1, 0.5), 2), [
    [0, 1],
    [-1, 1],
  ]);
  assert.equal(envelope(Float32Array.of(1, 2), 4, 8).length, 1, "a wave that has not come far ends early");
});
