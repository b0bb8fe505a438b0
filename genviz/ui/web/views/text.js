// Text: every sample as it stands at a moment, and beside the first what the model thinks may come next. See genviz/media/text.py.
import { make } from "../core/dom.js";

/** The texts of a film so far: what is new of each sample, behind what stays. @param {string[]} before @param {any} shot @returns {string[]} */
export const joined = (before, shot) => shot.text.map((part, i) => ((before || [])[i] || "").slice(0, shot.from) + part);

/** A character as it is seen in a list, blanks and line breaks too. @param {string} c */
export const named = c => ({ " ": "\u2423", "\n": "\u21b5", "\t": "\u21e5" })[c] || c;

/** @type {import("./view.js").MakeView} */
export default ({ choose }) => {
  const box = make("div", { className: "panes texts" }),
    list = make("ol", { className: "next", ariaLabel: "What may come next in the first text" });
  let pages = [],
    chosen = null;

  const begin = first => {
    pages = Array.from({ length: first.n }, (_, i) => {
      const page = make("pre", { tabIndex: 0 });
      page.setAttribute("aria-label", `Text ${i + 1}`);
      page.onclick = () => {
        if (getSelection().isCollapsed) choose(chosen === i ? null : i); // marking a passage is no click
      };
      return page;
    });
    box.replaceChildren(make("div", { className: "pages" }, ...pages), list);
    chosen = null;
  };

  const draw = ({ a, frames }) => {
    const start = frames[0].lines;
    pages.forEach((page, i) => {
      page.hidden = chosen !== null && chosen !== i;
      const given = a.lines[i].startsWith(start[i]) ? start[i] : ""; // a text that grows began with what was given
      const heat = i === 0 && a.attention ? a.attention : null;
      if (heat) {
        const top = Math.max(1e-9, ...heat);
        page.replaceChildren(
          ...[...a.lines[i]].map((c, k) =>
            make("span", { textContent: c, style: `background: rgb(from var(--color-accent) r g b / ${((heat[k] || 0) / top) * 0.6})` }),
          ),
        );
      } else page.replaceChildren(make("span", { className: "given", textContent: given }), a.lines[i].slice(given.length));
      if (a.step < a.steps) page.append(make("span", { className: "caret" }));
      page.scrollTop = page.scrollHeight;
    });
    list.hidden = !a.next || (chosen !== null && chosen !== 0);
    if (!list.hidden)
      list.replaceChildren(
        ...a.next.map(([c, p]) =>
          make(
            "li",
            {},
            make("b", { textContent: named(c) }),
            make("i", { style: `width: ${(100 * p).toFixed(1)}%` }),
            make("span", { textContent: p >= 0.01 ? `${Math.round(100 * p)} %` : "< 1 %" }),
          ),
        ),
      );
  };

  return {
    box,
    read: (shot, last) => ({ ...shot, lines: joined(last && last.lines, shot), aux: {} }),
    begin,
    fit: () => {},
    draw,
    pointer: i => {
      chosen = i;
    },
    save: () => ({ columns: 1, only: chosen, panes: [] }),
    pace: 12,
  };
};
