// The one film loop, with an app that is played by the test.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { play } from "../core/films.js";

let asked, answers;
const said = (body, status = 200) => ({ ok: status < 400, status, json: async () => body });

beforeEach(() => {
  asked = [];
  answers = [];
  globalThis.document = { baseURI: "http://app.test/house/" };
  globalThis.fetch = async (url, options) => {
    asked.push([url.href.replace(/&viewer=\w*/, ""), options?.body ? JSON.parse(options.body) : null]);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer || said({});
  };
});

const shots = (from, to) => Array.from({ length: to - from }, (_, i) => ({ step: from + i }));
/** Plays a film; what was shown, as [status, steps, fresh]. */
const watched = async (order, how = {}) => {
  const shown = [];
  const status = await play(order, {
    read: async shot => shot,
    show: (view, frames, fresh) => shown.push([view.status, frames.map(f => f.step), fresh]),
    ...how,
  });
  return { shown, status };
};

test("a film arrives in pieces, each asked for with what is there, below the page's own address", async () => {
  answers = [
    said({ job: "7" }),
    said({ status: "waiting", place: 2, shots: [] }),
    said({ status: "running", shots: shots(0, 2) }),
    said({ status: "done", shots: shots(2, 3) }),
  ];
  const { shown, status } = await watched({ model: "toys/toy" }, { paint: "x0_hat:grey" });
  assert.deepEqual(shown, [
    ["waiting", [], false],
    ["running", [0, 1], true],
    ["done", [2], false],
  ]);
  assert.equal(status, "done");
  assert.equal(asked[0][0], "http://app.test/house/genviz/submit");
  assert.equal(asked[0][1].model, "toys/toy");
  assert.deepEqual(
    asked.slice(1).map(([url]) => url.split("wait?")[1]),
    ["job=7&have=0", "job=7&have=0", "job=7&have=2"].map(query => `${query}&paint=x0_hat%3Agrey`),
  );
});

test("a refusal is shown as a sentence, and nothing is waited for", async () => {
  answers = [said({ error: "There is no model." }, 400)];
  const { shown, status } = await watched({});
  assert.deepEqual([shown, status, asked.length], [[["error", [], false]], "error", 1]);
});

test("a film that the app has forgotten is made again from its order, once", async () => {
  answers = [said({ status: "cancelled", shots: [] }), said({ job: "9" }), said({ status: "done", shots: shots(0, 1) })];
  const jobs = [];
  const { shown } = await watched({ seed: 3 }, { job: "4", started: job => jobs.push(job) });
  assert.deepEqual([shown, jobs], [[["done", [0], true]], ["9"]]);
  answers = [
    said({ status: "error", message: "lost", shots: [] }),
    said({ job: "9" }),
    said({ status: "error", message: "again", shots: [] }),
  ];
  assert.equal((await watched({}, { job: "4" })).status, "error");
});

test("a film that nobody waits for any more is cancelled and not shown", async () => {
  let wanted = true;
  answers = [said({ job: "5" })];
  const going = watched({}, { wanted: () => wanted });
  wanted = false;
  assert.deepEqual(await going, { shown: [], status: "" });
  assert.deepEqual([asked[1][0], asked[1][1].jobs], ["http://app.test/house/genviz/cancel", ["5"]]);
});

test("what is shown is finished before more is asked for", async () => {
  answers = [said({ job: "1" }), said({ status: "running", shots: shots(0, 1) }), said({ status: "done", shots: [] })];
  const order = [];
  await play(
    {},
    {
      read: shot => shot,
      show: async view => {
        order.push(`begin ${view.status}`);
        await new Promise(done => setImmediate(done));
        order.push(`end ${view.status}, ${asked.length} asked`);
      },
    },
  );
  assert.deepEqual(order, ["begin running", "end running, 2 asked", "begin done", "end done, 3 asked"]);
});
