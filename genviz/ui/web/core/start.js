// Starts a widget: its module and its view are fetched when it appears on the page, and both come into it at once, so that nothing can be
// pressed that does not answer yet. genviz/ui/widget.py calls it.
import { asks, make, once } from "./dom.js";

const root = new URL("../../../", import.meta.url); // the folder that holds ui/web and families
const views = {};
const view_of = folder =>
  (views[folder] ||= once(async () => {
    const answer = await fetch(new URL(`${folder}/view.html`, root));
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return answer.text();
  }))();

/**
 * @typedef {Object} Panel what a panel's module is given
 * @property {HTMLElement} element the box of the widget
 * @property {any} props props.value is the Python value; setting props.value = {...} tells Python
 * @property {Object<string, (values?: any) => Promise<any>>} ask the functions of `server`
 * @property {(name: string, f: () => void) => void} watch
 * @property {(event: string, data?: any) => void} trigger
 * @property {(selector: string) => any} find an element of the widget
 * @property {(text: string, wrong?: boolean) => void} say one sentence in the widget's own line, `.say`
 * @property {any} loaded what the module's own `load({ask, props})` promised, where it has one: asked for before anything is shown
 */

/** @param {string} folder @param {HTMLElement} element @param {any} props @param {any} server @param {any} watch @param {any} trigger */
export const start = async (folder, element, props, server, watch, trigger) => {
  const box = /** @type {HTMLElement} */ (element.querySelector(".gv") || element);
  if (box.dataset.started) return;
  box.dataset.started = "coming";
  try {
    const [view, module] = await Promise.all([view_of(folder), import(new URL(`${folder}/panel.js`, root).href)]);
    const ask = asks(server),
      loaded = await module.load?.({ ask, props });
    box.innerHTML = view;
    const find = selector => box.querySelector(selector);
    const say = (text, wrong = false) => {
      find(".say").textContent = text;
      find(".say").classList.toggle("wrong", wrong);
    };
    module.default({ element: box, props, ask, watch, trigger, find, say, loaded });
    box.dataset.started = "yes";
  } catch (error) {
    console.error(`The widget ${folder} did not start:`, error);
    if (!box.firstChild) box.append(make("p", { textContent: "This part of the page could not be loaded; reload the page." }));
    box.dataset.started = "no";
  }
};

// on a phone the tabs are a strip: the chosen one moves into view
addEventListener("click", e => {
  const tab = e.target instanceof Element && e.target.closest('[role="tab"]'),
    strip = tab && tab.parentElement;
  if (tab instanceof HTMLElement && strip && strip.scrollWidth > strip.clientWidth)
    strip.scrollTo({ left: tab.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2, behavior: "smooth" });
});
