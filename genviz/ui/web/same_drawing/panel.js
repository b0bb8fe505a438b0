// One picture, one seed, an answer of each family; see same_drawing.py.
import * as dom from "../core/dom.js";
import * as films from "../core/films.js";
import * as hands from "../core/hands.js";
import * as mail from "../core/mail.js";
import * as pictures from "../core/pictures.js";

export default ({ element, props, ask, trigger, find }) => {
  const v = props.value;
  let image = null,
    data = v.data[0].name,
    turn = 0,
    left = 0,
    answered = ""; // `answered`: the picture that the cards tell of
  const jobs = new Set(); // films that are under way

  // ---- the cards: a family, and below it each of its replies ---------------------------------------------------------------------------------
  const replies = []; // {family, told, number, shown, says}
  const cards = v.families.map(family => {
    const card = dom.make("section", { className: "card" }, dom.make("h3", { textContent: family.title }));
    card.dataset.family = family.name;
    if (!family.replies.length) card.append(dom.make("p", { className: "says quiet", textContent: v.silent }));
    else card.firstChild.append(dom.make("span", { textContent: [...new Set(family.replies.map(r => r.title))].join(", ") }));
    family.replies.forEach((told, number) => {
      const shown = dom.make("div", { className: "shown" }),
        says = dom.make("p", { className: "says quiet" }),
        box = dom.make("div", { className: "reply" }, shown, says);
      says.setAttribute("role", "status");
      card.append(box);
      replies.push({ family: family.name, told, number, box, shown, says, card });
    });
    return card;
  });
  find(".cards").append(...cards);
  const say = (r, text, state = "") => {
    // state: "", "quiet" while nothing is known yet, "wrong"
    r.says.textContent = text;
    r.says.className = `says ${state}`;
    r.box.dataset.state = state || "done";
  };
  const untrained = r => {
    say(r, `${r.told.title} is not trained on ${v.data.find(d => d.name === data).title} yet. Train it with `, "quiet");
    r.says.append(dom.make("code", { textContent: `python -m genviz.train ${r.told.model} ${data}` }));
  };
  const blank = () =>
    replies.forEach(r => {
      r.shown.replaceChildren();
      if (r.told.trained.includes(data)) say(r, "Not asked yet.", "quiet");
      else untrained(r);
    });
  const figure = (label, count) => {
    const all = Array.from({ length: count }, () => dom.make("canvas", { width: 28, height: 28 }));
    return { all, figure: dom.make("figure", {}, dom.make("div", {}, ...all), dom.make("figcaption", { textContent: label })) };
  };

  // ---- asking ----------------------------------------------------------------------------------------------------------------------------------
  const short = async (r, asked, mine) => {
    const answer = await ask.answer({ family: r.family, reply: r.number, image: asked.image, data: asked.data, seed: asked.seed });
    const bitmaps = await Promise.all(answer.pictures.map(p => pictures.sprite(p.url)));
    if (mine !== turn) return;
    r.shown.replaceChildren(
      ...answer.pictures.map((p, k) => {
        const f = figure(p.label, 1);
        pictures.draw(f.all[0], bitmaps[k]);
        return f.figure;
      }),
    );
    say(r, answer.says);
  };
  const walk = async (r, asked, mine) => {
    const { told } = r,
      order = {
        model: told.model,
        data: asked.data,
        walk: told.ask,
        n: told.n,
        seed: asked.seed,
        given: { x: asked.image, ...told.given },
        frames: 30,
      };
    const rows = told.shows.map(([part, label]) => ({ part, ...figure(label, part === "first" ? 1 : told.n) })),
      columns = Math.ceil(Math.sqrt(told.n));
    let job = "",
      wrong = "";
    await films.play(order, {
      wanted: () => mine === turn,
      started: id => {
        job = id;
        jobs.add(job);
      },
      read: async shot => shot,
      show: async (view, shots, fresh) => {
        if (view.status === "error" || view.status === "cancelled") wrong = view.message || "Stopped.";
        const last = shots.at(-1);
        if (last) say(r, `Step ${last.step} of ${last.steps}.`, "quiet");
        else if (view.status === "waiting") say(r, films.sentence_of(view), "quiet");
        if (!last) return;
        const [a, b] = await Promise.all([shots[0], last].map(s => pictures.sprite(s.sprite))); // the newest picture is shown while the walk goes on
        if (mine !== turn) return;
        for (const row of rows)
          if (row.part !== "first" || fresh)
            row.all.forEach((canvas, i) => pictures.cell(canvas, row.part === "first" ? a : b, i, columns));
        if (fresh) r.shown.replaceChildren(...rows.map(row => row.figure));
      },
    });
    jobs.delete(job);
    if (wrong) throw new Error(wrong);
    if (mine === turn) say(r, told.says);
  };
  const cancel = () => {
    films.cancel([...jobs]);
    jobs.clear();
  };
  const buttons = () => {
    find(".stop").disabled = !left;
    find(".go").disabled = !image;
    element.dataset.state = left ? "running" : replies.some(r => r.box.dataset.state === "done") ? "done" : "";
  };
  const note = (text, wrong = false) => {
    find(".note").textContent = text;
    find(".note").classList.toggle("wrong", wrong);
  };
  const aged = () => {
    // do the answers belong to this picture, or to the one before?
    const old = image.base64 !== answered;
    cards.forEach(card => card.classList.toggle("old", old));
    note(old ? "These answers belong to the picture before; ask again." : `Asked about ${image.from}.`);
  };
  const start = () => {
    const seed = +find(".seed").value;
    if (find(".seed").value === "" || !Number.isInteger(seed) || seed < 0 || seed > 4294967295)
      return note("A seed is a whole number between 0 and 4294967295.", true);
    cancel();
    const mine = ++turn,
      asked = { image: image.base64, data, seed },
      able = replies.filter(r => r.told.trained.includes(data));
    left = able.length;
    answered = image.base64;
    aged();
    for (const r of able) {
      r.shown.replaceChildren();
      say(r, "One moment.", "quiet");
      (r.told.walk ? walk : short)(r, asked, mine)
        .catch(error => {
          if (mine === turn) say(r, error.message || "There was no answer.", "wrong");
        })
        .finally(() => {
          if (mine === turn) {
            left--;
            buttons();
          }
        });
    }
    buttons();
  };
  const stop = () => {
    cancel();
    turn++;
    left = 0;
    replies.filter(r => r.says.matches(".quiet") && r.told.trained.includes(data)).forEach(r => say(r, "Stopped.", "quiet"));
    buttons();
  };

  // ---- the form and the page --------------------------------------------------------------------------------------------------------------------
  mail.receive(v.pick, taken => {
    image = taken;
    pictures.paint(find(".chosen"), image.pixels);
    if (answered) aged();
    buttons();
  });
  find(".data").replaceChildren(...v.data.map(d => new Option(d.title, d.name)));
  find(".data").onchange = e => {
    stop();
    data = e.target.value;
    answered = "";
    blank();
    note("");
    props.value = { ...props.value, data };
    trigger("turn");
    buttons();
  };
  find(".dice").onclick = () => {
    find(".seed").value = Math.floor(Math.random() * 4294967296);
  };
  find(".go").onclick = start;
  find(".stop").onclick = stop;
  hands.keys(find(".seed"), { Enter: () => find(".go").click() });
  addEventListener("pagehide", () => films.left([...jobs]));
  blank();
  buttons();
};
