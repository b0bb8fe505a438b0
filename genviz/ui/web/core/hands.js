// Hands: one pointer that draws or drags, and keys that are not taken from those who need them. Nothing else hears pointers and keys.

/**
 * The first pointer that presses is heard until it lets go or the browser takes it away; other fingers, a palm and the right button are
 * not. `parts` are all its events since the last frame; `down` may answer false to decline; `hover` is a pointer that presses nothing.
 * `touch` is what the browser keeps of touches ("pan-y": it scrolls).
 * @param {HTMLElement | SVGElement} element
 * @param {{down?: (e: any) => any, move?: (e: any, parts: any[]) => void, up?: (e: any) => void, hover?: (e: any) => void,
 *          leave?: (e: any) => void, touch?: string}} handlers
 */
export const pointer = (element, { down, move = () => {}, up = () => {}, hover = () => {}, leave = () => {}, touch = "none" }) => {
  let held = null;
  const free = e => {
    if (e.pointerId === held) {
      held = null;
      up(e);
    }
  };
  if (down) Object.assign(element.style, { touchAction: touch, userSelect: "none", webkitUserSelect: "none" });
  element.addEventListener("pointerdown", (/** @type {any} */ e) => {
    if (!down || held !== null || e.button || down(e) === false) return;
    element.setPointerCapture(e.pointerId);
    held = e.pointerId;
    if (element.tabIndex >= 0) element.focus({ preventScroll: true });
  });
  element.addEventListener("pointermove", (/** @type {any} */ e) => {
    if (e.pointerId === held) {
      const parts = e.getCoalescedEvents?.() || [];
      move(e, parts.length ? parts : [e]);
    } else if (held === null && !e.buttons) hover(e);
  });
  element.addEventListener("pointerleave", e => {
    if (held === null) leave(e);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(end, free);
};

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
const needs = (e, key) => {
  const { tagName, type } = e;
  if (tagName === "INPUT" && type === "range") return ARROWS.includes(key);
  if (tagName === "INPUT" && ["checkbox", "radio"].includes(type)) return key === " " || (type === "radio" && ARROWS.includes(key));
  if (["INPUT", "TEXTAREA", "SELECT", "PRE"].includes(tagName) || e.isContentEditable) return true;
  return [" ", "Enter"].includes(key) && !!e.closest?.("button, a, summary, [role=button]");
};

/**
 * Handlers by the name of the key, as "ArrowLeft" or "Ctrl+z"; Cmd counts as Ctrl; one that answers false has not used its key. What has
 * the focus inside `element` keeps the keys that it needs itself: text fields, sliders, menus, buttons, text that scrolls.
 * @param {EventTarget} element
 * @param {Object<string, (e: any) => any>} handlers
 */
export const keys = (element, handlers) =>
  element.addEventListener("keydown", (/** @type {any} */ e) => {
    if (e.isComposing || e.altKey) return;
    const key = e.ctrlKey || e.metaKey ? `Ctrl+${e.shiftKey ? "Shift+" : ""}${e.key.toLowerCase()}` : e.key;
    if (!Object.hasOwn(handlers, key) || (e.target !== element && needs(e.target, key)) || handlers[key](e) === false) return;
    e.preventDefault();
    e.stopPropagation();
  });

/** A film that was asked for by a button has the keys once it is there: call it when the film is asked for; the answer moves the focus to
 * `to`, unless it came from a field, which keeps it, or somebody went elsewhere meanwhile. */
export const over = to => {
  const from = document.activeElement,
    by_hand = navigator.userActivation?.isActive ?? true,
    free = e => !e || e === document.body;
  return () => {
    const now = document.activeElement;
    if (by_hand && (free(from) || from.tagName === "BUTTON") && (now === from || free(now))) to.focus({ preventScroll: true });
  };
};
