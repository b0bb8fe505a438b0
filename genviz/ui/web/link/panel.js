// The address holds the view: written while somebody works, read when the page opens and on the way back or forward. A tab or a panel is an
// entry of the history; what is set in it replaces its entry. See link.py.
import * as dom from "../core/dom.js";
import * as films from "../core/films.js";
import * as link from "../core/link.js";

export default ({ element, props, ask, find }) => {
  const defaults = props.value.knobs; // {model: {knob: default}}
  const every = new Set(Object.values(defaults).flatMap(Object.keys));
  const until = async (test, ms = 4000) => {
    for (const end = performance.now() + ms; ; await dom.wait(30)) {
      const got = test();
      if (got || performance.now() > end) return got;
    }
  };
  const started = e => ["yes", "no"].includes(e.dataset.started);
  const seen = e => !!e && e.isConnected && e.getClientRects().length > 0;
  const base = location.pathname + "?",
    touched = link.set_by_hand;
  let foreign = [],
    ready = false,
    due = 0,
    turn = 0; // names that are not ours stay as they are: [name, text]
  let where = "",
    written = location.search; // the tab and panel of the present entry of the history, and its query

  // ---- where we are ---------------------------------------------------------------------------------------------------------------------
  const chosen = box => box?.querySelector(":scope > .tab-wrapper [role=tab][aria-selected=true]")?.id.replace(/-button$/, "") || "";
  const place = () => {
    const tab = chosen(document.querySelector(".gv-families")),
      panel = chosen([...document.querySelectorAll(".gv-panels")].find(seen));
    const family = tab.replace(/^tab-/, ""),
      box = document.getElementById(panel || tab);
    const name = Object.keys(link.controls).find(k => k.startsWith(family + ".") && seen(link.controls[k].element));
    return {
      family,
      panel: panel.slice(tab.length + 1),
      box,
      own: name ? name.slice(family.length + 1) : "",
      menus: link.controls[name || family + ".sample"],
    };
  };
  const view = () => {
    const { family, panel } = place();
    return `${family} ${panel}`;
  };
  // Fields of the panel's own widgets: sliders, menus and boxes by their class names; groups of buttons, of which some are pressed, by their
  // data-field; and what else a widget holds: an element with a data-field and a property `field` = {get() -> text or null, set(text)}.
  const HELD = ":is(.gv-Player, .gv-Controls, .gv-Pick, .gv-ModelCard)";
  const fields = (here, one = null) => {
    const taken = here.menus ? ["model", "data", "seed"] : [],
      found = {};
    for (const e of one ? [one] : here.box?.querySelectorAll(".gv :is(:is(input, select)[class], [data-field])") || []) {
      const name = e.dataset.field || e.classList[0];
      if (
        name in found ||
        (!e.dataset.field && (e.closest(HELD) || e.type === "file" || e.type === "radio" || taken.includes(name) || (!one && !seen(e))))
      )
        continue;
      found[name] = e;
    }
    return found;
  };

  // ---- writing --------------------------------------------------------------------------------------------------------------------------
  const pressed = group => [...group.querySelectorAll("button[aria-pressed=true]")].map(b => b.value);
  const text_of = e =>
    e.field ? e.field.get() : e.dataset.field ? pressed(e).join(",") || null : e.type === "checkbox" ? (e.checked ? "on" : "off") : e.value;
  const film_of = (player, prefix, menus, n, knobs) => {
    // what a film differs in from what stands beside it; null for what no link can hold
    const film = films.players[player]?.stands();
    if (!film) return [];
    const { order, step } = film,
      pairs = [],
      add = (key, value) => pairs.push([`${prefix}.${key}`, value]),
      usual = defaults[order.model] || {};
    for (const key of ["model", "data", "seed"]) if (String(order[key]) !== String(menus[key])) add(key, order[key]);
    if (order.n !== n) add("n", order.n);
    if (order.walk !== "sample") add("walk", order.walk);
    for (const [key, value] of Object.entries({ ...usual, ...order.knobs }))
      if (String(value) !== String(knobs?.[key] ?? usual[key])) add(key, value);
    for (const [key, value] of Object.entries(order.given || {})) {
      const text = link.pack(value);
      if (text === null) return [];
      add(key, text);
    }
    pairs.push([knobs ? "step" : `${prefix}.at`, step]);
    return pairs;
  };
  const describe = () => {
    const here = place(),
      pairs = [];
    if (!here.family || here.family === "start") return pairs;
    pairs.push(["tab", here.family]);
    if (here.panel) pairs.push(["panel", here.panel]);
    if (here.menus) {
      const { model, data, seed, n, knobs } = here.menus.state(),
        menus = { model, data, seed };
      pairs.push(...Object.entries(menus));
      if (here.own) {
        pairs.push(
          ["n", n],
          ...Object.entries(knobs).filter(([k, v]) => String(v) !== String(defaults[model]?.[k])),
          ...film_of(`${here.family}.${here.own}`, here.own, menus, n, knobs),
        );
      }
      for (const [name, player] of Object.entries(films.players))
        if (name.startsWith(here.family + ".") && name !== `${here.family}.${here.own}` && here.box?.contains(player.element))
          pairs.push(...film_of(name, name.slice(here.family.length + 1), menus));
    }
    for (const [name, e] of Object.entries(fields(here))) if (touched.has(e) && text_of(e) !== null) pairs.push([name, text_of(e)]);
    return pairs;
  };
  const plain = text => encodeURIComponent(text).replace(/%(2F|2C|3A|40)/g, decodeURIComponent);
  const write = () => {
    clearTimeout(due);
    due = 0;
    if (!ready) return;
    const query = [...describe(), ...foreign].map(([k, v]) => `${plain(k)}=${plain(v)}`).join("&"),
      address = query ? base + query : location.pathname;
    const before = where;
    where = view();
    if (address + location.hash === location.pathname + location.search + location.hash) return;
    history[where === before ? "replaceState" : "pushState"](history.state, "", address + location.hash);
    written = location.search;
  };
  link.writer(() => {
    clearTimeout(due);
    due = setTimeout(write, 350);
  }); // browsers count how often an address is changed
  const above = (e, selector) => (e.target instanceof Element ? e.target.closest(selector) : null);
  const edited = e => {
    if (e.target.matches?.(".gv :is(input, select)[class]") && Object.keys(fields(place(), e.target)).length) touched.add(e.target);
    link.touch();
  };
  for (const kind of ["input", "change"]) document.addEventListener(kind, edited, true);
  document.addEventListener(
    "click",
    e => {
      if (due && above(e, "[role=tab]")) write();
    },
    true,
  ); // what was set here belongs to the entry that is left
  for (const kind of ["click", "keyup"]) document.addEventListener(kind, link.touch, true);
  document.addEventListener(
    "click",
    e => {
      const group = above(e, "button[aria-pressed]")?.closest("[data-field]");
      if (group) touched.add(group);
    },
    true,
  );

  // ---- reading --------------------------------------------------------------------------------------------------------------------------
  const same = (a, b) => {
    // the same film, whatever stands unsaid in its order
    const all = o => [
      o.model,
      o.data,
      o.seed,
      o.n,
      o.walk || "sample",
      Object.entries(o.given || {}).sort(),
      Object.entries({ ...defaults[o.model], ...o.knobs })
        .sort()
        .map(String),
    ];
    return JSON.stringify(all(a)) === JSON.stringify(all(b));
  };
  const press = async (group, wanted, fail) => {
    // the buttons of a group as they were; those that go before those that come, since some groups are bounded
    const buttons = () => [...group.querySelectorAll("button[aria-pressed]:not(:disabled)")],
      known = () => buttons().map(b => b.value);
    if (!(await until(() => wanted.every(value => known().includes(value)), 600))) return fail(`must be one of ${known().join(", ")}`);
    if ("many" in group.dataset)
      for (const value of pressed(group))
        if (!wanted.includes(value))
          buttons()
            .find(b => b.value === value)
            .click();
    for (const value of wanted)
      if (!pressed(group).includes(value))
        buttons()
          .find(b => b.value === value)
          .click();
    return true;
  };
  const put = async (here, name, text) => {
    // one field of a panel; false where there is none of that name
    const e = await until(() => fields(here)[name], 600);
    if (!e) return false;
    const fail = reason => {
      dom.toast(`'${name}' ${reason}, not '${text.slice(0, 40)}'.`);
      return true;
    };
    if (e.dataset.field) {
      touched.add(e);
      if (!e.field) return press(e, text.split(","), fail);
      await e.field.set(text);
      return true;
    }
    if (e.type === "checkbox") {
      if (!["on", "off"].includes(text)) return fail("must be on or off");
      e.checked = text === "on";
    } else if (e.tagName === "SELECT") {
      if (!(await until(() => [...e.options].some(o => o.value === text), 600)))
        return fail(`must be one of ${[...e.options].map(o => o.value).join(", ")}`);
      e.value = text;
    } else if (e.type === "range" || e.type === "number") {
      if (text.trim() === "" || Number.isNaN(+text)) return fail("must be a number");
      if ((e.min !== "" && +text < +e.min) || (e.max !== "" && +text > +e.max)) return fail(`must lie between ${e.min} and ${e.max}`);
      e.value = text;
    } else e.value = text.slice(0, 100);
    touched.add(e);
    for (const kind of ["input", "change"]) e.dispatchEvent(new Event(kind, { bubbles: true }));
    return true;
  };
  const restore = async back => {
    const mine = ++turn,
      late = () => mine !== turn; // somebody went further back meanwhile
    const query = new URLSearchParams(location.search),
      family = query.get("tab") || (query.get("model") || "").split("/")[0];
    const ours = ["tab", "panel", "model", "data", "seed", "n", "step"],
      exists = id => document.getElementById(id + "-button");
    foreign = [...query].filter(([k]) => !ours.includes(k) && !every.has(k) && !/^[a-z0-9_-]+\.\w+$/.test(k));
    await until(() => exists("tab-start"));
    if (!family) {
      const lost = [...query].map(([k]) => k).filter(k => !foreign.some(([other]) => other === k));
      if (lost.length) dom.toast(`This link names no tab, so ${lost.slice(0, 5).join(", ")} cannot be set.`);
      where = "start ";
      if (back) await dom.open("tab-start");
      return;
    }
    if (!exists("tab-" + family)) {
      where = view();
      return dom.toast(`There is no tab '${family.slice(0, 40)}' here.`);
    }
    const tab = "tab-" + family,
      panel = query.get("panel");
    await dom.open(tab);
    if (panel && (await until(() => exists(`${tab}-${panel}`), 1500))) await dom.open(`${tab}-${panel}`);
    else if (panel) dom.toast(`There is no panel '${panel.slice(0, 40)}' in this tab.`);
    if (late()) return;
    where = view();
    if (family === "start") return;
    await until(() => {
      // the panel's widgets have started
      const p = place(),
        held = p.box?.querySelector(".gv-Controls");
      return (
        p.family === family &&
        p.box?.querySelector(".gv") &&
        [...p.box.querySelectorAll(".gv")].every(started) &&
        (!held || p.own) &&
        (p.menus || !exists(tab + "-sample"))
      );
    }, 15000);
    if (late()) return;
    const here = place();
    let rest = Object.fromEntries([...query].filter(([k]) => k !== "tab" && k !== "panel"));
    if (here.menus) {
      const { model, data, seed, n } = here.menus.state();
      const said = await ask.read({ query: location.search.slice(1), model, data, seed, n, own: here.own });
      if (late()) return;
      said.wrong.forEach(dom.toast);
      here.menus.set({ model: said.model, data: said.data, seed: said.seed, n: said.n, knobs: here.own && said.knobs });
      for (const [short, { order, step }] of Object.entries(said.films)) {
        const name = `${family}.${short}`,
          old = dom.remember("film." + name),
          kept = old && old.order && same(old.order, order);
        const there = await until(() => films.players[name], 1500);
        if (late()) return;
        if (there) films.film(name, kept ? old.order : order, kept ? old.job : null, step);
        else dom.toast(`This view has no film '${short.slice(0, 40)}'.`);
      }
      rest = said.rest;
    }
    const told = new Set(foreign.map(([k]) => k));
    for (const [name, text] of Object.entries(rest)) {
      if (
        await put(here, name, text).catch(error => {
          dom.toast(error);
          return true;
        })
      )
        foreign = foreign.filter(([k]) => k !== name);
      else if (!told.has(name)) dom.toast(`This view has nothing to set by the name '${name.slice(0, 40)}'.`);
      if (late()) return;
    }
  };
  const read = back => {
    ready = false;
    const going = restore(back).catch(dom.toast),
      mine = turn;
    going.finally(() => {
      if (mine === turn) {
        ready = true;
        link.opened();
        link.touch();
      }
    });
  };
  addEventListener("popstate", () => {
    if (location.search !== written) {
      written = location.search;
      read(true);
    }
  });
  read(false);

  // ---- handing the link on ----------------------------------------------------------------------------------------------------------------
  for (const button of element.querySelectorAll(".copy"))
    button.onclick = async () => {
      write();
      if (!(await dom.copy(location.href))) return dom.toast("The browser lets no page copy; take the link from its address bar.");
      button.textContent = "Copied";
      button.classList.add("done");
      setTimeout(() => {
        button.textContent = "Copy link";
        button.classList.remove("done");
      }, 2000);
    };
  const dialog = find("dialog"),
    picture = find("img");
  find(".show").onclick = async () => {
    write();
    picture.hidden = true;
    find(".address").textContent = location.href;
    find(".say").textContent = /^(localhost|127\.|\[::1\])/.test(location.hostname)
      ? "This address works on this computer only: start the app with --host 0.0.0.0 and open it under the computer's own address."
      : "";
    dialog.showModal();
    try {
      picture.src = await ask.code({ text: location.href });
      picture.hidden = false;
    } catch (error) {
      find(".say").textContent = error.message;
    }
  };
  find(".close").onclick = () => dialog.close();
  dialog.onclick = e => {
    if (e.target === dialog) dialog.close();
  };
};
