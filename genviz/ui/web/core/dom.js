// What every panel needs of the page: elements, requests to Python, one sentence to the person, what this computer remembers.

/**
 * An element with properties and children: make("td", {className: "no"}, "text", other).
 * @param {string} tag
 * @param {Object<string, any>} [fields]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export const make = (tag, fields = {}, ...children) => {
  const e = Object.assign(document.createElement(tag), fields);
  e.append(...children);
  return e;
};

let asked = 0;
/** Questions of widgets that are not answered yet. */
export const asking = () => asked;

/** Functions of the server as promises: a refusal ({error}) becomes a rejected promise whose message is the sentence to show. */
export const asks = server => {
  const ask = {};
  for (const name of Object.keys(server || {}))
    ask[name] = async (values = {}) => {
      asked++;
      try {
        const answer = await server[name](values);
        if (answer && "ok" in answer) return answer.ok;
        throw new Error((answer && answer.error) || "The app does not answer; is it still running?");
      } finally {
        asked--;
      }
    };
  return ask;
};

/**
 * Newest wins: at most `flights` requests are under way, the newest waiting one is kept, answers older than the shown one are dropped.
 * @param {(args: any) => Promise<any> | any} f
 * @param {(answer: any, args: any) => any} show
 * @param {{flights?: number, fail?: (error: any) => void}} [options]
 * @returns {(args?: any) => void}
 */
export const latest = (f, show, { flights = 4, fail = toast } = {}) => {
  let sent = 0,
    shown = 0,
    flying = 0,
    waiting = null;
  const go = async args => {
    const turn = ++sent;
    flying++;
    try {
      const answer = await f(args);
      if (turn > shown) {
        shown = turn;
        show(answer, args);
      }
    } catch (error) {
      if (turn > shown) {
        shown = turn;
        fail(error);
      }
    }
    flying--;
    if (waiting !== null && flying < flights) {
      const next = waiting;
      waiting = null;
      go(next);
    }
  };
  return args => {
    if (flying < flights) go(args);
    else waiting = args;
  };
};

/** A promise that is made when first asked for, then remembered; a failure is not. */
export const once = f => {
  let made = null;
  return () =>
    (made ||= f().catch(error => {
      made = null;
      throw error;
    }));
};

export const wait = ms => new Promise(done => setTimeout(done, ms));

export const dark = () => document.body.classList.contains("dark");
/** A CSS variable of the current theme. */
export const css = name => getComputedStyle(document.body).getPropertyValue(name).trim();

/** Shows one sentence, an Error's message or a text, for eight seconds. */
export const toast = error => {
  const text = String((error && error.message) || error);
  let stack = document.querySelector("#gv-toasts");
  if (!stack) {
    stack = make("div", { id: "gv-toasts" });
    stack.setAttribute("role", "alert");
    document.body.append(stack);
  }
  const known = [...stack.children].find(t => t.textContent === text),
    shown = known || make("div", { className: "gv-toast", textContent: text });
  if (!known) {
    stack.append(shown);
    shown.addEventListener("click", () => shown.remove());
  }
  clearTimeout(shown.timer);
  shown.timer = setTimeout(() => shown.remove(), 8000);
};

/** Opens a tab by its elem_id; waits until its button exists, since an inner tab appears with its outer one. */
export const open = async tab => {
  for (let tries = 0; tries < 60; tries++) {
    const button = document.querySelector(`#${CSS.escape(tab)}-button`);
    if (button instanceof HTMLElement) {
      if (button.getAttribute("aria-selected") !== "true") button.click();
      return true;
    }
    await wait(50);
  }
  return false;
};

/** Copies a text or the promise of one, also over plain http, where browsers hide navigator.clipboard; true where it worked.
 * Call it inside the click: Safari lets a page copy only there, so what is still on its way is promised. */
export const copy = async text => {
  const words = Promise.resolve(text);
  if (navigator.clipboard?.write && window.ClipboardItem)
    try {
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": words.then(t => new Blob([t], { type: "text/plain" })) })]);
      return true;
    } catch {
      /* not allowed, or no text came: see below */
    }
  const value = await words;
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    /* not there, or not allowed: the old way */
  }
  const focused = document.activeElement,
    box = make("textarea", { value, readOnly: true });
  box.style.cssText = "position: fixed; top: 0; left: 0; opacity: 0";
  (focused?.closest("dialog") || document.body).append(box); // outside an open dialog nothing can be selected
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
};

/** What this page remembers until its tab is closed: remember(key, value) stores, remember(key) reads, null forgets. */
export const remember = (key, value = undefined) => {
  try {
    if (value === undefined) return JSON.parse(sessionStorage.getItem("genviz." + key));
    if (value === null) sessionStorage.removeItem("genviz." + key);
    else sessionStorage.setItem("genviz." + key, JSON.stringify(value));
  } catch {
    return null;
  } // private windows may refuse storage: then nothing is remembered
  return null;
};

/** A switch that stays as it is on this computer: keep(name, on) stores it, keep(name) -> true, false or null. */
export const keep = (name, on = undefined) => {
  try {
    if (on !== undefined) localStorage.setItem("genviz." + name, on);
    const kept = localStorage.getItem("genviz." + name);
    return kept === null ? null : kept === "true";
  } catch {
    return null;
  }
};
