import * as films from "../../../../ui/web/core/films.js";

export default ({ element, props, watch, find, say }) => {
  const v = () => props.value;
  // An endless walk is many short ones: each film is a stretch, the next is asked for while the last ones are shown.
  const grid = v().grid,
    COLUMNS = grid ? 6 : 4,
    N = grid ? 60 : 12,
    SIDE = 28,
    GAP = 2,
    RATE = 16,
    AHEAD = 24,
    END = 9990;
  const slider = find(".speed"),
    menu = find(".label");
  let shots = [],
    position = 0,
    next = 0,
    turn = 0,
    asking = false,
    job = null,
    playing = false,
    clock = 0,
    seen = "";
  const knows = () => v().conditional.includes(v().model),
    classes = () => v().classes[v().data] || [];

  const fetch_stretch = async mine => {
    // appends up to 48 pictures from `next` on
    asking = true;
    const speed = +slider.value,
      from = next,
      knobs = { truncation: +find(".truncation").value, ...(knows() && !grid ? { label: +menu.value } : {}) };
    const order = {
      model: v().model,
      data: v().data,
      walk: v().walk,
      n: N,
      seed: v().seed || 0,
      knobs,
      given: { position: from, speed },
      frames: 60,
    };
    let have = 0;
    await films.play(order, {
      wanted: () => mine === turn,
      started: id => {
        job = id;
      },
      read: films.picture,
      show: (view, more) => {
        for (const { bitmap } of more) {
          have++;
          next = from + have * speed;
          shots.push({ bitmap, position: next - speed });
          if (shots.length === 1) draw();
        }
        const wrong = view.status === "error" || view.status === "cancelled";
        if (wrong || view.status === "waiting") say(wrong || !shots.length ? films.sentence_of(view) : "", wrong);
        else say("");
        if (wrong) set_playing(false);
      },
    });
    if (mine !== turn) return;
    asking = false;
    job = null;
    if (next > END) next = 0;
  };
  const restart = from => {
    // other pictures from here on: another model, data set, seed, class or truncation
    if (job) films.cancel([job]);
    turn++;
    job = null;
    shots = [];
    next = from;
    fetch_stretch(turn);
  };
  const draw = () => {
    const canvas = find(".x"),
      pen = canvas.getContext("2d"),
      shot = shots[0],
      across = Math.ceil(Math.sqrt(N));
    if (!shot) return;
    const size = n => n * SIDE + (n - 1) * GAP,
      w = size(COLUMNS),
      h = size(N / COLUMNS);
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    for (let i = 0; i < N; i++)
      pen.drawImage(
        shot.bitmap,
        (i % across) * SIDE,
        Math.floor(i / across) * SIDE,
        SIDE,
        SIDE,
        (i % COLUMNS) * (SIDE + GAP),
        Math.floor(i / COLUMNS) * (SIDE + GAP),
        SIDE,
        SIDE,
      );
    position = shot.position;
    find(".place").textContent = `way point ${position.toFixed(2)}`;
  };
  const set_playing = on => {
    playing = on;
    find(".play").textContent = on ? "Stop" : "Walk";
    clearInterval(clock);
    if (on)
      clock = setInterval(() => {
        if (!element.isConnected || !element.offsetParent || document.hidden) return set_playing(false); // nobody looks: nothing is asked for
        if (shots.length > 1) {
          shots.shift();
          draw();
        }
        if (shots.length < AHEAD && !asking) fetch_stretch(turn);
      }, 1000 / RATE);
  };
  find(".play").addEventListener("click", () => set_playing(!playing));
  slider.addEventListener("change", () => restart(position));
  find(".truncation").addEventListener("change", () => restart(position));
  menu.addEventListener("change", () => restart(position));

  const again = () => {
    const able = v().able.includes(v().model),
      key = JSON.stringify([v().model, v().data, v().seed]);
    if (key === seen) return;
    const other = !seen || JSON.parse(seen)[1] !== v().data;
    seen = key;
    find(".as").hidden = grid || !knows();
    find(".play").disabled = !able;
    if (other) {
      const old = menu.value;
      menu.replaceChildren(...["every class in turn", ...classes()].map((name, i) => new Option(name, String(i - 1))));
      menu.value = old || "-1";
      find(".names").replaceChildren(
        ...(grid ? classes() : []).map(name => Object.assign(document.createElement("span"), { textContent: name })),
      );
    }
    if (able) restart(0);
    else {
      turn++;
      set_playing(false);
      say(v().unable, true);
    }
  };
  find(".about").textContent = v().about;
  element.classList.toggle("grid", grid);
  watch("value", again);
  again();
};
