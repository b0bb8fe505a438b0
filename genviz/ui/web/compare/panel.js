// The table of compare.py, its filter, its CSV file, and the measuring of a row on this machine. `lines` are what ui/compare.py calls a line.
import { csv, download } from "../core/chart.js";
import * as dom from "../core/dom.js";
import * as hands from "../core/hands.js";
import * as link from "../core/link.js";
import * as pictures from "../core/pictures.js";
import { scatter } from "./scatter.js";

export default ({ element, props, ask, find }) => {
  const v = props.value,
    box = find(".box"),
    tip = find(".tip"),
    body = find("tbody");
  const family = Object.fromEntries(v.families.map((f, i) => [f.name, { ...f, colour: pictures.CLASSES[i % pictures.CLASSES.length] }]));
  const key_of = r => [r.name, r.data, r.setting].join("|");
  let data = v.data[0].name,
    lines = [],
    missing = [],
    at_hand = false,
    batch = 1,
    sorted = { key: "ratio", down: false },
    run = null;
  const here = dom.remember("compare.here") || {},
    open = new Set(); // what was measured here, by row; rows whose detail is open
  const sizes = {}; // the choice of pictures, row by row

  // ---- figures as text ---------------------------------------------------------------------------------------------------------------
  const whole = x => Math.round(x).toLocaleString("en");
  const three = x => (Math.abs(x) >= 999.5 ? whole(x) : Math.abs(x) < 0.001 ? x.toExponential(1) : x.toPrecision(3));
  const large = x => (x >= 999500 ? `${(x / 1e6).toPrecision(3)} M` : x >= 10000 ? `${Math.round(x / 1000)} k` : whole(x));
  const time = s =>
    s < 0.95
      ? `${s.toPrecision(1)} s`
      : s < 90
        ? `${Math.round(s)} s`
        : s < 5400
          ? `${(s / 60).toFixed(s < 600 ? 1 : 0)} min`
          : `${(s / 3600).toFixed(1)} h`;
  const bound = kind => (kind === "exact" ? "" : kind === "ODE" ? "\u2272 " : "\u2264 ");
  const kind_of = r =>
    r.likelihood_kind === "exact" ? "exact" : r.likelihood_kind === "ODE" ? "by the ODE" : `bound, ${r.likelihood_kind}`;
  const section = r =>
    r.likelihood === null ? "No likelihood" : `${r.shown}, ${r.likelihood_unit === "nats" ? "nats per image" : "bits per dimension"}`;
  const share = x => x.toFixed(3),
    features = "in the features of GenViz's own classifier";

  // key, head, whether low or high is good, what it means, text of a figure, whether the text is a word
  const columns = [
    {
      key: "title",
      head: "Model",
      word: true,
      about: "The model and its family, and what its pictures are. Open it for the command that measures it.",
    },
    {
      key: "setting",
      head: "Setting",
      word: true,
      about: "The knobs at which it was measured; empty for the defaults.",
      text: r => r.setting || "default",
    },
    {
      key: "frechet",
      head: "Frechet\ndistance",
      about: `Distance between the Gaussians of generated and of test images ${features}. Lower is better. Compare it only between models of the same pictures; the next column does so across.`,
      text: r => three(r.frechet),
    },
    {
      key: "ratio",
      head: "Times\nthe floor",
      about:
        "Frechet distance divided by its floor, the distance of training images from test images. 1 is what a perfect model would score.",
      text: r => three(r.ratio),
    },
    {
      key: "kid",
      head: "KID\n\u00d7 1000",
      about: `Kernel distance of generated and test images ${features}, unbiased, so that it may fall below 0. Lower is better.`,
      text: r => (Math.round(1e5 * r.kid) / 100 + 0).toFixed(2),
    },
    {
      key: "precision",
      head: "Preci-\nsion",
      high: true,
      about: "Share of generated images that lie among real ones (k = 3 neighbours). Higher is better.",
      text: r => share(r.precision),
    },
    {
      key: "recall",
      head: "Recall",
      high: true,
      about: "Share of real images that lie among generated ones (k = 3 neighbours). Higher is better.",
      text: r => share(r.recall),
    },
    {
      key: "density",
      head: "Density",
      high: true,
      about: "How many real neighbourhoods hold a generated image, 1 for real images (k = 5). Robust against outliers, unlike precision.",
      text: r => share(r.density),
    },
    {
      key: "coverage",
      head: "Cover-\nage",
      high: true,
      about: "Share of real images with a generated one in their neighbourhood (k = 5). Higher is better.",
      text: r => share(r.coverage),
    },
    {
      key: "likelihood",
      head: "\u2212log p(x)",
      about:
        "What the model pays for a test image, lower is better. Nats of black and white images, bits per dimension of 16 and of 256 grey levels are different currencies: sorted by this column, each has a section of its own. \u2264 marks a bound: the true figure may be lower. \u2272 marks a bound up to the errors of an integrator.",
    },
    {
      key: "agreement",
      head: "Class\nagreement",
      high: true,
      about:
        "Share of images that GenViz's classifier takes for the class that was asked for. Only models that were trained with classes have one.",
      text: r => share(r.agreement),
    },
    { key: "nfe", head: "NFE", about: "Network evaluations for one image.", text: r => whole(r.nfe) },
    { key: "ms_1", head: "ms,\nbatch 1", about: "Milliseconds for an image, one at a time, median.", text: r => three(r.ms_1) },
    { key: "ms_64", head: "ms,\nbatch 64", about: "Milliseconds for an image, 64 at a time, median.", text: r => three(r.ms_64) },
    { key: "parameters", head: "Para-\nmeters", about: "Numbers that were learnt.", text: r => large(r.parameters) },
    {
      key: "seconds",
      head: "Training",
      about: "Time that the training took on the machine of the model's card.",
      text: r => time(r.seconds),
    },
    {
      key: "z_dim",
      head: "Latent\ndimension",
      about: "Numbers in the latent of an image; none where the model has no latent space.",
      text: r => String(r.z_dim),
    },
    {
      key: "encoder",
      head: "En-\ncoder",
      high: true,
      about: "Whether the model finds the latent of a given image.",
      text: r => (r.encoder ? "yes" : "no"),
    },
  ];
  const times = ["nfe", "ms_1", "ms_64"],
    floors = ["frechet", "ratio", "kid", "precision", "recall", "density", "coverage"];

  const protocol = (r, c) => {
    // sentences for a figure: what it is exactly, and how it was measured
    const p = r.protocols,
      name = c.head.replace("-\n", "").replace("\n", " "),
      floor = `Floor: ${three(r.floor)}, ${p.floor}.`;
    if (c.key === "likelihood")
      return r.likelihood === null
        ? ["The model has no likelihood."]
        : [
            `${bound(r.likelihood_kind)}${r.likelihood.toFixed(4)} ${r.likelihood_unit}, ${kind_of(r)}`,
            `${r.likelihood_protocol}.`,
            r.elbo === null ? "" : `Its ELBO, the looser bound: ${r.elbo.toFixed(4)} ${r.likelihood_unit}.`,
            r.counting === null ? "" : `A table of counts over the same levels pays ${r.counting.toFixed(4)}.`,
          ];
    if (["frechet", "ratio"].includes(c.key)) return [`${name}: ${r[c.key].toPrecision(5)}`, `${p[c.key]}.`, floor];
    if (c.key === "kid") return [`KID: ${r.kid.toExponential(3)}`, `${p.kid}.`, `Floor: ${r.kid_floor.toExponential(1)}.`];
    if (c.key === "parameters") return [`${whole(r.parameters)} parameters`];
    if (c.key === "seconds") return [`${whole(r.seconds)} seconds of training`];
    return p[c.key] && r[c.key] !== null ? [`${name}: ${c.text(r)}`, `${p[c.key]}.`] : [c.about];
  };

  // ---- the tip: beside the cell, the point or the head that has the pointer or the focus --------------------------------------------------
  const show_tip = (where, sentences) => {
    const said = sentences.filter(Boolean);
    tip.replaceChildren(...said.map((s, i) => dom.make(i || said.length === 1 ? "span" : "b", { textContent: s })));
    tip.hidden = false;
    const a = where.getBoundingClientRect(),
      below = a.bottom + 8 + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(a.left, innerWidth - tip.offsetWidth - 12))}px`;
    tip.style.top = `${Math.max(8, below ? a.bottom + 8 : a.top - 8 - tip.offsetHeight)}px`;
    where.setAttribute("aria-describedby", tip.id);
  };
  const hide_tip = () => {
    tip.hidden = true;
  };
  const about = new WeakMap(); // element -> sentences
  for (const [on, off] of [
    ["pointerover", "pointerout"],
    ["focusin", "focusout"],
  ]) {
    box.addEventListener(on, e => {
      for (let n = e.target; n && n !== box; n = n.parentElement) if (about.has(n)) return show_tip(n, about.get(n));
    });
    box.addEventListener(off, hide_tip);
  }
  box.addEventListener("scroll", hide_tip);
  addEventListener("scroll", hide_tip, { passive: true });
  hands.keys(element, { Escape: hide_tip });

  // ---- what is shown, in which order ------------------------------------------------------------------------------------------------------
  const filtered = list => {
    const wanted = find(".family").value,
      words = find(".text")
        .value.toLowerCase()
        .split(",")
        .map(w => w.trim())
        .filter(Boolean);
    const told = r =>
      [r.title, r.name, family[r.family].title, r.setting, r.shown, r.why, r.likelihood_kind, r.likelihood_unit].join(" ").toLowerCase();
    return list.filter(r => (!wanted || r.family === wanted) && words.every(w => told(r).includes(w)));
  };
  const in_order = list => {
    const { key, down } = sorted,
      word = columns.find(c => c.key === key).word,
      place = key === "likelihood" ? sections(list) : [];
    return [...list].sort((a, b) => {
      const x = a[key],
        y = b[key],
        apart = place.indexOf(section(a)) - place.indexOf(section(b));
      if (place.length && apart) return apart;
      if (x === null || y === null) return Number(x === null) - Number(y === null); // who has no figure comes last, either way
      return (word ? x.localeCompare(y) : x - y) * (down ? -1 : 1) || a.ratio - b.ratio;
    });
  };
  const levels = shown => parseInt(shown) || 2; // of the pictures: black and white first
  const sections = list => [
    ...new Set(
      [...list]
        .sort((a, b) => Number(a.likelihood === null) - Number(b.likelihood === null) || levels(a.shown) - levels(b.shown))
        .map(section),
    ),
  ];

  // ---- the table -----------------------------------------------------------------------------------------------------------------------------
  find("thead tr").replaceChildren(
    ...columns.map(c => {
      const th = dom.make(
        "th",
        { scope: "col", className: c.word ? "left" : "" },
        dom.make("button", { type: "button", textContent: c.head }),
      );
      th.dataset.key = c.key;
      about.set(th, [c.about]);
      th.firstChild.addEventListener("click", () => {
        sorted = { key: c.key, down: sorted.key === c.key ? !sorted.down : !!c.high };
        link.tell(find("thead"));
        render();
      });
      return th;
    }),
  );
  const tell = (cell, sentences) => {
    about.set(cell, sentences);
    return cell;
  };
  const cell = (r, c, only) => {
    const has = (!only || only.includes(c.key)) && r[c.key] !== null;
    const td = dom.make("td", { className: c.word ? "left" : has ? "" : "no", tabIndex: -1 });
    if (c.key === "likelihood" && has)
      td.append(
        `${bound(r.likelihood_kind)}${r.likelihood.toFixed(r.likelihood_unit === "nats" ? 2 : 3)} ${r.likelihood_unit}`,
        dom.make("span", { className: "sub", textContent: kind_of(r) }),
      );
    else td.textContent = has ? c.text(r) : c.key === "likelihood" && !only ? "none" : "\u2013";
    return has || !only ? tell(td, protocol(r, c)) : td;
  };
  const real_row = r => {
    // the floor: real images in place of generated ones
    const real = { ...r, frechet: r.floor, ratio: 1, kid: r.kid_floor, ...r.real },
      told = `${r.protocols.floor}; features of GenViz's classifier.`;
    return dom.make(
      "tr",
      { className: "real" },
      dom.make(
        "th",
        { scope: "row" },
        dom.make("b", { textContent: "Real images" }),
        dom.make("span", { className: "sub", textContent: `the floor, ${r.shown}` }),
      ),
      ...columns.slice(1).map(c => {
        const has = floors.includes(c.key),
          td = dom.make("td", { className: has ? "" : "no", tabIndex: -1, textContent: has ? c.text(real) : c.word ? "" : "\u2013" });
        return has ? tell(td, [`Real images against real images: ${c.text(real)}`, told]) : td;
      }),
    );
  };
  const main_row = r => {
    const key = key_of(r),
      button = dom.make("button", { type: "button", className: "title", textContent: r.title, tabIndex: -1, onclick: () => toggle(key) });
    button.setAttribute("aria-expanded", open.has(key));
    const tr = dom.make(
      "tr",
      {},
      dom.make(
        "th",
        { scope: "row" },
        button,
        dom.make("span", { className: "sub", textContent: `${family[r.family].title}, ${r.shown}` }),
      ),
      ...columns.slice(1).map(c => cell(r, c)),
    );
    tr.dataset.key = key;
    return tr;
  };
  const here_row = (r, found) =>
    dom.make(
      "tr",
      { className: "here" },
      dom.make(
        "th",
        { scope: "row" },
        dom.make("span", { className: "badge", textContent: "here" }),
        dom.make("span", { className: "sub", textContent: found.only ? "times only" : `${whole(found.samples)} images` }),
      ),
      ...columns
        .slice(1)
        .map(c =>
          ["setting", "parameters", "seconds", "z_dim", "encoder"].includes(c.key)
            ? dom.make("td", { tabIndex: -1 })
            : cell(found, c, found.only ? times : null),
        ),
    );
  const missing_row = m =>
    dom.make(
      "tr",
      { className: "missing" },
      dom.make("th", { scope: "row" }, m.title, dom.make("span", { className: "sub", textContent: family[m.family].title })),
      dom.make(
        "td",
        { className: "why", colSpan: columns.length - 1, tabIndex: -1 },
        `not measured (${m.why}): `,
        dom.make("code", { textContent: m.command }),
      ),
    );

  const toggle = key => {
    if (!open.delete(key)) open.add(key);
    render();
  };
  const render = () => {
    const list = in_order(filtered(lines)),
      focus = document.activeElement.closest("[data-at]")?.getAttribute("data-at");
    for (const th of element.querySelectorAll("thead th")) {
      if (th.dataset.key === sorted.key) th.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    const kinds = [...new Set(list.map(r => r.shown))].sort((a, b) => levels(a) - levels(b)),
      rows = kinds.map(kind => real_row(list.find(r => r.shown === kind)));
    let last = "";
    for (const r of list) {
      if (sorted.key === "likelihood" && section(r) !== last) {
        last = section(r);
        rows.push(
          dom.make(
            "tr",
            { className: "section" },
            dom.make("th", { colSpan: columns.length, scope: "colgroup", textContent: last[0].toUpperCase() + last.slice(1) }),
          ),
        );
      }
      const key = key_of(r);
      rows.push(main_row(r));
      if (here[key]?.sha256 === r.sha256) rows.push(here_row(r, here[key]));
      if (open.has(key)) rows.push(detail_row(r));
    }
    const absent = filtered(missing);
    body.replaceChildren(...rows, ...absent.map(missing_row));
    [...body.querySelectorAll("button.title, td[tabindex]")].forEach((stop, i) => {
      if (!i) stop.tabIndex = 0;
    });
    for (const tr of body.querySelectorAll("tr[data-key]"))
      [...tr.children].forEach((c, i) => {
        c.dataset.at = `${tr.dataset.key}|${i}`;
      });
    if (focus) {
      const again = element.querySelector(`tbody [data-at="${CSS.escape(focus)}"]`);
      (again?.querySelector("button") || again)?.focus({ preventScroll: true });
    }
    const nothing = lines.length ? "No row fits this filter." : "Nothing was measured on this data set yet.";
    find(".say").textContent = list.length || (lines.length && absent.length) ? "" : nothing;
    chart(list);
  };

  const walk = (down, across) => e => {
    // arrows walk from cell to cell
    const at = e.target.closest("td, th"),
      row = at?.parentElement;
    if (!row || e.target.closest(".detail")) return false;
    const rows = [...body.children].filter(tr => tr.children.length > 1),
      next = rows[rows.indexOf(row) + down],
      to = next?.children[Math.min([...row.children].indexOf(at) + across, next.children.length - 1)];
    if (!to) return false;
    stop_at(to);
  };
  hands.keys(body, { ArrowRight: walk(0, 1), ArrowLeft: walk(0, -1), ArrowDown: walk(1, 0), ArrowUp: walk(-1, 0) });
  const stop_at = to => {
    for (const old of body.querySelectorAll('[tabindex="0"]')) old.tabIndex = -1;
    const stop = to.querySelector("button.title") || to;
    stop.tabIndex = 0;
    stop.focus();
  };

  // ---- the scatter -----------------------------------------------------------------------------------------------------------------------------
  const chart = list => {
    const told = r => {
      // what tells a point from those of the same model
      const others = list.filter(o => o.name === r.name && o.setting !== r.setting);
      return others.some(o => o.nfe !== r.nfe) ? `, ${r.nfe} NFE` : others.length && r.setting ? `, ${r.setting}` : "";
    };
    const point = (r, found) => ({
      key: key_of(r),
      chain: found ? "" : r.name,
      colour: family[r.family].colour,
      hollow: !!found,
      x: (found || r)[`ms_${batch}`],
      y: (found || r).ratio,
      label: found ? "here" : r.title + told(r),
      short: found ? "here" : r.name.split("/")[1] + told(r),
      row: r,
      found,
    });
    const points = list
      .flatMap(r => (here[key_of(r)]?.sha256 === r.sha256 ? [point(r), point(r, here[key_of(r)])] : [point(r)]))
      .filter(p => p.x > 0 && p.y > 0);
    const words = p => {
      const r = p.found || p.row;
      return [
        p.row.title + (p.found ? ", measured here" : ""),
        `${three(r.ratio)} times the floor (Frechet distance ${three(r.frechet)}, floor ${three(r.floor)}), ${three(p.x)} ms for an image, ${r.nfe} NFE`,
        p.row.setting,
        `${p.found?.only ? `Times only; the distance is the shipped one. ${r.protocols[`ms_${batch}`]}.` : `${r.protocols.frechet}.`} Time: ${r.machine}.`,
      ];
    };
    scatter(
      find(".chart"),
      points.map(p => ({ ...p, aria: words(p).slice(0, 2).join(": ") })),
      {
        x_title: `milliseconds for an image, ${batch === 1 ? "one at a time" : "64 at a time"}`,
        y_title: "Frechet distance, times the floor",
        floor: "1 = real against real",
        hover: (p, g) => show_tip(g.querySelector(".ring"), words(p)),
        leave: hide_tip,
        choose: p => {
          open.add(p.key);
          render();
          const tr = body.querySelector(`tr[data-key="${CSS.escape(p.key)}"]`);
          tr.scrollIntoView({ block: "center" });
          tr.classList.add("found");
          tr.querySelector("button.title").focus({ preventScroll: true });
        },
      },
    );
    const seen = v.families.filter(f => list.some(r => r.family === f.name));
    find(".key").replaceChildren(
      ...seen.map(f => dom.make("span", {}, Object.assign(dom.make("i"), { style: `background:${family[f.name].colour}` }), f.title)),
      ...(points.some(p => p.hollow) ? [dom.make("span", {}, dom.make("i", { className: "hollow" }), "measured here")] : []),
    );
  };

  // ---- a row in detail, and measuring it here -----------------------------------------------------------------------------------------------
  const detail_row = r => {
    const key = key_of(r),
      box = dom.make("div", { className: "detail" }),
      mine = run?.key === key;
    const parts = [
      `Compared: ${r.pictures}, ${whole(r.samples)} of each.`,
      `Times: ${r.machine}.`,
      `Weights: sha256 ${r.sha256.slice(0, 12)}\u2026`,
    ];
    const menu = dom.make(
      "select",
      { disabled: !!run },
      ...v.sizes
        .filter(n => !n || at_hand)
        .map(
          n =>
            new Option(
              n === 0 ? "times only" : `everything, with ${whole(n)} images${n === r.samples ? " as shipped" : " (quick)"}`,
              n,
              false,
              n === (sizes[key] || 0),
            ),
        ),
    );
    menu.setAttribute("aria-label", "What to measure");
    menu.onchange = () => {
      sizes[key] = +menu.value;
    };
    box.append(
      dom.make("span", {}, "Measured by ", dom.make("code", { textContent: r.command })),
      dom.make("span", { className: "no", textContent: parts.join(" ") }),
      dom.make(
        "div",
        { className: "measure" },
        menu,
        mine
          ? dom.make("button", {
              type: "button",
              className: "stop",
              textContent: "Cancel",
              onclick: () => run.job && ask.halt({ job: run.job }).catch(dom.toast),
            })
          : dom.make("button", {
              type: "button",
              className: "go",
              textContent: "Measure here",
              disabled: !!run,
              onclick: () => measure(r, sizes[key] || 0),
            }),
      ),
      dom.make("span", {
        className: "no",
        textContent: at_hand
          ? `Drawing alone took ${v.sizes
              .filter(Boolean)
              .map(n => `${time((n * r.ms_64) / 1000)} for ${whole(n)} images`)
              .join(" and ")} on the machine of this row; likelihoods come on top.`
          : "The data set is not on this machine (GENVIZ_DATA names its folder), so only times are measured here.",
      }),
    );
    if (mine) box.append(dom.make("progress", { max: 1 }), dom.make("span", { className: "stage" }));
    else if (run) box.append(dom.make("span", { className: "no", textContent: "Another row is being measured." }));
    else if (trouble[key]) box.append(dom.make("span", { className: "stage wrong", textContent: trouble[key] }));
    else if (here[key]?.sha256 === r.sha256)
      box.append(
        dom.make("span", {
          className: "no",
          textContent:
            `Here: ${here[key].machine}, at low priority while the app runs.` +
            (here[key].only || here[key].samples === r.samples
              ? ""
              : ` With ${whole(here[key].samples)} images the floor is ${three(here[key].floor)} in place of ${three(r.floor)}, and distances and ratios cannot be set against the shipped ones.`),
        }),
      );
    return dom.make("tr", {}, dom.make("td", { className: "more", colSpan: columns.length }, box));
  };
  const trouble = {};
  const measure = async (r, samples) => {
    const key = key_of(r);
    run = { key, job: "" };
    delete trouble[key];
    render();
    try {
      ({ job: run.job } = await ask.remeasure({ name: r.name, data: r.data, setting: r.setting, samples }));
      for (;;) {
        await new Promise(done => setTimeout(done, 400));
        const s = await ask.progress({ job: run.job }),
          stage = find(".stage"),
          bar = find("progress");
        if (stage && bar) {
          stage.textContent = `${s.stage}${s.total > 2 ? `, ${whole(s.done)} of ${whole(s.total)}` : ""}, ${whole(s.seconds)} s`;
          bar.value = s.done / s.total;
        }
        if (!s.final) {
          if (element.isConnected) continue;
          return;
        }
        if (s.error) throw new Error(s.error);
        here[key] = { ...s.found, only: samples === 0 };
        dom.remember("compare.here", here);
        return;
      }
    } catch (error) {
      trouble[key] = error.message;
    } finally {
      run = null;
      render();
    }
  };

  // ---- the file, the menus, the page ----------------------------------------------------------------------------------------------------------
  const fields = [
    "data",
    "name",
    "title",
    "setting",
    "shown",
    "samples",
    "frechet",
    "floor",
    "ratio",
    "kid",
    "kid_floor",
    "precision",
    "recall",
    "density",
    "coverage",
    "likelihood",
    "likelihood_kind",
    "likelihood_unit",
    "elbo",
    "counting",
    "agreement",
    "nfe",
    "ms_1",
    "ms_64",
    "machine",
    "parameters",
    "seconds",
    "z_dim",
    "encoder",
    "sha256",
    "command",
  ];
  find(".csv").addEventListener("click", () => {
    const list = in_order(filtered(lines)).flatMap(r => [
      { ...r, measured: "shipped" },
      ...(here[key_of(r)]?.sha256 === r.sha256
        ? [{ ...here[key_of(r)], measured: here[key_of(r)].only ? "here, times only" : "here" }]
        : []),
    ]);
    download(`genviz-${data}.csv`, csv([["measured", ...fields], ...list.map(r => ["measured", ...fields].map(f => r[f]))]));
  });
  find(".data").replaceChildren(...v.data.map(d => new Option(d.title, d.name)));
  find(".family").append(...v.families.map(f => new Option(f.title, f.name)));
  const fetch_lines = dom.latest(
    ask.figures,
    answer => {
      ({ lines, missing, at_hand } = answer);
      open.clear();
      render();
    },
    {
      fail: e => {
        find(".say").textContent = e.message;
        find(".say").classList.add("wrong");
      },
    },
  );
  find(".data").addEventListener("change", e => {
    data = e.target.value;
    fetch_lines({ data });
  });
  find(".family").addEventListener("change", render);
  find(".text").addEventListener("input", render);
  for (const b of element.querySelectorAll(".batch button"))
    b.addEventListener("click", () => {
      batch = +b.value;
      element.querySelectorAll(".batch button").forEach(o => o.setAttribute("aria-pressed", o === b));
      chart(in_order(filtered(lines)));
    });
  find("thead").field = {
    // by which column the rows stand in order
    get: () => sorted.key + (sorted.down ? ",down" : ""),
    set: text => {
      const [key, way = ""] = text.split(",");
      if (!columns.some(c => c.key === key) || !["", "down"].includes(way))
        throw new Error(`'sort' must be one of ${columns.map(c => c.key).join(", ")}, with ",down" behind it or not.`);
      sorted = { key, down: way === "down" };
      render();
    },
  };
  const again = () => {
    if (lines.length) chart(in_order(filtered(lines)));
  };
  new ResizeObserver(again).observe(find(".plot"));
  addEventListener("genviz-look", again);
  fetch_lines({ data });
};
