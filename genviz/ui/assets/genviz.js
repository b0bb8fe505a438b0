// What every widget of the page shares. Loaded once, before any widget starts; no library, no request to other machines.
window.genviz = window.genviz || (() => {
  "use strict";
  const SIDE = 28;
  const gv = { widgets: {}, tools: [], asking: 0 };  // asking: questions of widgets that are not answered yet

  // ---- starting a widget -------------------------------------------------------------------------------------------------
  gv.start = (name, element, props, server, watch, trigger) => {
    const run = gv.widgets[name];
    if (!run) return;
    try { run(element.querySelector(".gv") || element, props, gv.asks(server), watch, trigger); }
    catch (error) { console.error(`The widget ${name} did not start:`, error); }
  };

  // server functions answer {ok} or {error}; here a refusal becomes a rejected promise whose message is the sentence
  gv.asks = server => {
    const ask = {};
    for (const name of Object.keys(server || {}))
      ask[name] = async (values = {}) => {
        gv.asking++;
        try {
          const answer = await server[name](values);
          if (answer && "ok" in answer) return answer.ok;
          throw new Error((answer && answer.error) || "The app does not answer; is it still running?");
        } finally { gv.asking--; }
      };
    return ask;
  };

  // what an answer of the plain routes says: its JSON, also of a refusal in a sentence (the house is full, another site asks);
  // null where nothing was said, as by a proxy whose app is just being started again
  gv.told = async answer => {
    if (answer.ok) return answer.json();
    const said = await answer.json().catch(() => null);
    return said && said.error ? { error: String(said.error) } : answer.status < 500 && answer.status !== 429 ? { error: `The app refused this (HTTP ${answer.status}).` } : null;
  };

  // newest wins: at most `flights` requests under way, the newest waiting one is kept, answers older than the shown one are dropped
  gv.latest = (f, show, { flights = 4, fail = gv_toast } = {}) => {
    let sent = 0, shown = 0, flying = 0, waiting = null;
    const go = async args => {
      const turn = ++sent;
      flying++;
      try {
        const answer = await f(args);
        if (turn > shown) { shown = turn; show(answer, args); }
      } catch (error) { if (turn > shown) { shown = turn; fail(error); } }
      flying--;
      if (waiting !== null && flying < flights) { const next = waiting; waiting = null; go(next); }
    };
    return args => { if (flying < flights) go(args); else waiting = args; };
  };

  // ---- pictures ----------------------------------------------------------------------------------------------------------
  gv.sprite = async url => createImageBitmap(await (await fetch(url)).blob());

  const size = (canvas, w, h) => { if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; } };

  gv.draw = async (canvas, url) => {
    const bitmap = typeof url === "string" ? await gv.sprite(url) : url;
    size(canvas, bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    return bitmap;
  };

  gv.cell = (canvas, bitmap, i, columns, side = SIDE) => {
    size(canvas, side, side);
    canvas.getContext("2d").drawImage(bitmap, (i % columns) * side, Math.floor(i / columns) * side, side, side, 0, 0, side, side);
  };

  gv.pixels = (image, i = 0, columns = 1, side = SIDE) => {
    const canvas = new OffscreenCanvas(side, side), pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(image, (i % columns) * side, Math.floor(i / columns) * side, side, side, 0, 0, side, side);
    const rgba = pen.getImageData(0, 0, side, side).data, grey = new Uint8ClampedArray(side * side);
    for (let p = 0; p < grey.length; p++) grey[p] = rgba[4 * p];
    return grey;
  };

  gv.paint = (canvas, pixels, side = SIDE) => {
    size(canvas, side, pixels.length / side);
    const image = new ImageData(side, pixels.length / side);
    for (let p = 0; p < pixels.length; p++) {
      image.data[4 * p] = image.data[4 * p + 1] = image.data[4 * p + 2] = pixels[p];
      image.data[4 * p + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  };

  gv.bytes64 = pixels => { let s = ""; for (const b of pixels) s += String.fromCharCode(b); return btoa(s); };

  // ---- heat maps ---------------------------------------------------------------------------------------------------------
  const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  gv.colour = u => {  // 0 .. 1 -> [r, g, b]
    const v = Math.min(Math.max(u, 0), 1) * (VIRIDIS.length - 1), i = Math.min(Math.floor(v), VIRIDIS.length - 2), f = v - i;
    return VIRIDIS[i].map((c, k) => c + f * (VIRIDIS[i + 1][k] - c));
  };
  gv.signed = u => {  // -1 .. 1 -> blue, white, orange; the same colours as pictures.signed in Python
    const v = Math.min(Math.max(u, -1), 1), end = v < 0 ? [33, 102, 172] : [214, 84, 20], a = Math.abs(v);
    return end.map(c => 255 - a * (255 - c));
  };
  gv.heat = (canvas, numbers, width, { signed = false, low, high } = {}) => {
    size(canvas, width, numbers.length / width);
    let top = high ?? -Infinity, bottom = low ?? Infinity;
    for (const x of numbers) { if (high === undefined && x > top) top = x; if (low === undefined && x < bottom) bottom = x; }
    const image = new ImageData(width, numbers.length / width), bound = Math.max(Math.abs(top), Math.abs(bottom), 1e-12);
    numbers.forEach((x, p) => {
      const c = signed ? gv.signed(x / bound) : gv.colour((x - bottom) / Math.max(top - bottom, 1e-12));
      image.data.set([c[0], c[1], c[2], 255], 4 * p);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
  };

  // colours of the ten classes, apart for colour-blind eyes (Tol's bright and muted sets), readable on light and dark
  gv.CLASSES = ["#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#999933", "#EE7733", "#009988", "#8866BB"];

  gv.dark = () => document.body.classList.contains("dark");
  gv.css = name => getComputedStyle(document.body).getPropertyValue(name).trim();

  // ---- one sentence to the person in front of the screen ----------------------------------------------------------------------
  function gv_toast(error) {
    const text = String((error && error.message) || error);
    let stack = document.querySelector("#gv-toasts");
    if (!stack) {
      stack = Object.assign(document.createElement("div"), { id: "gv-toasts" });
      stack.setAttribute("role", "alert");
      document.body.append(stack);
    }
    const known = [...stack.children].find(t => t.textContent === text);
    const toast = known || Object.assign(document.createElement("div"), { className: "gv-toast", textContent: text });
    if (!known) { stack.append(toast); toast.addEventListener("click", () => toast.remove()); }
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => toast.remove(), 8000);
  }
  gv.toast = gv_toast;

  // ---- sending an image from one tool to another --------------------------------------------------------------------------------
  // gv.tools (filled by the page): {tool, label, family, tabs: [elem_id, ...]}. A receiver in a tab that was never opened does not
  // exist yet, so the image waits in `mail` until the tool starts and asks for it.
  const takers = {}, mail = {};
  gv.receive = (tool, take) => {
    takers[tool] = take;
    if (tool in mail) { const parcel = mail[tool]; delete mail[tool]; take(parcel); }
  };
  gv.send = async (tool, parcel) => {
    const entry = gv.tools.find(t => t.tool === tool);
    if (entry) for (const tab of entry.tabs) await gv.open(tab);
    if (takers[tool]) takers[tool](parcel); else mail[tool] = parcel;
  };

  gv.open = async tab => {  // opens a tab by its elem_id; waits until its button exists (an inner tab appears with its outer one)
    for (let tries = 0; tries < 60; tries++) {
      const button = document.querySelector(`#${CSS.escape(tab)}-button`);
      if (button) {
        if (button.getAttribute("aria-selected") !== "true") button.click();
        return true;
      }
      await new Promise(done => setTimeout(done, 50));
    }
    return false;
  };

  // on a phone the tabs are a strip: the chosen one moves into view
  addEventListener("click", e => {
    const tab = e.target.closest && e.target.closest('[role="tab"]');
    if (tab && tab.parentElement.scrollWidth > tab.parentElement.clientWidth)
      tab.parentElement.scrollTo({ left: tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2, behavior: "smooth" });
  });

  // ---- hands: one pointer that draws or drags, and keys that are not taken from those who need them -------------------------------
  // pointer(element, {down(e), move(e, parts), up(e), hover(e), leave(e), touch}): the first pointer that presses is heard until it lets go or
  // the browser takes it away; other fingers, a palm and the right button are not. `parts` are all its events since the last frame; `down`
  // may answer false to decline; `hover` is a pointer that presses nothing. `touch` is what the browser keeps of touches ("pan-y": it scrolls).
  gv.pointer = (element, { down, move = () => {}, up = () => {}, hover = () => {}, leave = () => {}, touch = "none" }) => {
    let held = null;
    const free = e => { if (e.pointerId === held) { held = null; up(e); } };
    if (down) Object.assign(element.style, { touchAction: touch, userSelect: "none", webkitUserSelect: "none" });
    element.addEventListener("pointerdown", e => {
      if (!down || held !== null || e.button || down(e) === false) return;
      element.setPointerCapture(e.pointerId);
      held = e.pointerId;
      if (element.tabIndex >= 0) element.focus({ preventScroll: true });
    });
    element.addEventListener("pointermove", e => {
      if (e.pointerId === held) { const parts = e.getCoalescedEvents?.() || []; move(e, parts.length ? parts : [e]); }
      else if (held === null && !e.buttons) hover(e);
    });
    element.addEventListener("pointerleave", e => { if (held === null) leave(e); });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(end, free);
  };

  // keys(element, {" ": f, ArrowLeft: f, "Ctrl+z": f, ...}): handlers by the name of the key, Cmd counts as Ctrl; one that answers false has
  // not used its key. What has the focus inside `element` keeps the keys that it needs itself: text fields, sliders, menus, buttons, text that scrolls.
  const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
  const needs = (e, key) => {
    const { tagName, type } = e;
    if (tagName === "INPUT" && type === "range") return ARROWS.includes(key);
    if (tagName === "INPUT" && ["checkbox", "radio"].includes(type)) return key === " " || (type === "radio" && ARROWS.includes(key));
    if (["INPUT", "TEXTAREA", "SELECT", "PRE"].includes(tagName) || e.isContentEditable) return true;
    return [" ", "Enter"].includes(key) && !!e.closest?.("button, a, summary, [role=button]");
  };
  gv.keys = (element, handlers) => element.addEventListener("keydown", e => {
    if (e.isComposing || e.altKey) return;
    const key = e.ctrlKey || e.metaKey ? `Ctrl+${e.shiftKey ? "Shift+" : ""}${e.key.toLowerCase()}` : e.key;
    if (!Object.hasOwn(handlers, key) || (e.target !== element && needs(e.target, key)) || handlers[key](e) === false) return;
    e.preventDefault();
    e.stopPropagation();
  });

  // A film that was asked for by a button has the keys once it is there: `hand(stage)` when it is asked for; the answer moves the focus to
  // `stage`, unless it came from a field, which keeps it, or somebody went elsewhere meanwhile.
  gv.hand = to => {
    const from = document.activeElement, by_hand = navigator.userActivation?.isActive ?? true, free = e => !e || e === document.body;
    return () => {
      const now = document.activeElement;
      if (by_hand && (free(from) || from.tagName === "BUTTON") && (now === from || free(now))) to.focus({ preventScroll: true });
    };
  };

  // ---- copying text or the promise of one, also over plain http, where browsers hide navigator.clipboard; true where it worked ----------
  // Call it inside the click: Safari lets a page copy only there, so what is still on its way is promised.
  gv.copy = async text => {
    const words = Promise.resolve(text);
    if (navigator.clipboard?.write && window.ClipboardItem) try {
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": words.then(t => new Blob([t], { type: "text/plain" })) })]);
      return true;
    } catch { /* not allowed, or no text came: see below */ }
    const value = await words;
    try { await navigator.clipboard.writeText(value); return true; } catch { /* not there, or not allowed: the old way */ }
    const focused = document.activeElement, box = Object.assign(document.createElement("textarea"), { value, readOnly: true });
    box.style.cssText = "position: fixed; top: 0; left: 0; opacity: 0";
    (focused?.closest("dialog") || document.body).append(box);   // outside an open dialog nothing can be selected
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    focused?.focus();
    return done;
  };

  // ---- the address: controls and players say what they show, link.js writes it down and reads it when the page opens ----------------
  gv.controls = {};          // by the name of their player: {state(), set(state), element}
  gv.touch = () => {};       // something changed that the address tells
  gv.set_by_hand = new WeakSet();      // fields that the address tells: see link.js
  gv.tell = field => { gv.set_by_hand.add(field); gv.touch(); };
  gv.restored = new Promise(done => { gv.opened = done; });      // the address was read: from then on players take up their old films
  if (!/[?&](tab|model)=/.test(location.search)) gv.opened();

  // ---- players by name; a player in a tab that was never opened is told when it starts -------------------------------------------
  const players = gv.players = {}, calls = {};
  gv.player = (name, api) => {
    players[name] = api;
    for (const [verb, args] of calls[name] || []) api[verb](...args);
    delete calls[name];
  };
  for (const verb of ["film", "stop", "listen"])
    gv[verb] = (name, ...args) => { if (players[name]) players[name][verb](...args); else (calls[name] ||= []).push([verb, args]); };

  // ---- who this page is (sessionStorage survives a reload, not a closed tab) ---------------------------------------------------
  gv.remember = (key, value) => {
    try {
      if (value === undefined) return JSON.parse(sessionStorage.getItem("genviz." + key));
      if (value === null) sessionStorage.removeItem("genviz." + key);
      else sessionStorage.setItem("genviz." + key, JSON.stringify(value));
    } catch { return null; }  // private windows may refuse storage: then nothing is remembered
  };
  gv.keep = (name, on) => {  // a switch that stays as it is on this computer: keep(name, on) stores it, keep(name) -> true, false or null
    try {
      if (on !== undefined) localStorage.setItem("genviz." + name, on);
      const kept = localStorage.getItem("genviz." + name);
      return kept === null ? null : kept === "true";
    } catch { return null; }
  };
  // which page asks: a duplicated tab takes sessionStorage with it, but it is another viewer of the same films. `asked` says so in a body.
  gv.viewer = [...crypto.getRandomValues(new Uint8Array(8))].map(b => b.toString(16).padStart(2, "0")).join("");
  gv.asked = body => JSON.stringify({ ...body, viewer: gv.viewer });
  gv.left = (address, jobs) => navigator.sendBeacon(address, new Blob([gv.asked({ jobs })], { type: "application/json" }));

  return gv;
})();
