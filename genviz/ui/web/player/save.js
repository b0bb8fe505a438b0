// The Save menu of a bar: files from the server, and the call in Python; see genviz/ui/export.py.
import { copy, make, toast } from "../core/dom.js";
import { post, told } from "../core/films.js";
import { keys } from "../core/hands.js";
import { media } from "../core/told.js";

/**
 * Puts the menu into the bar of a widget. `to_save()` says what is on screen for a file, `to_call()` for the call in Python.
 * Answers {allow(on, medium), close()}: there is something to save, of this medium; the code belongs to a film that has gone.
 * @param {HTMLElement} element @param {() => any} to_save @param {() => any} to_call
 */
export const save_menu = (element, to_save, to_call) => {
  const find = selector => element.querySelector(selector);
  find(".bar").insertAdjacentHTML(
    "beforeend",
    `<div class="keep"><button type="button" class="save" aria-label="Save" title="Save the picture or the film, or the call in Python that makes it" aria-haspopup="menu" aria-expanded="false" disabled>
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M10.7 3.5h2.6v8.2l3-3 1.8 1.8-6.1 6.1-6.1-6.1 1.8-1.8 3 3zM4.5 15.5h2.6v3h9.8v-3h2.6v5.6h-15z"/></svg><span>Save</span></button>
    <div class="menu" role="menu" aria-label="Save" hidden><button type="button" role="menuitem" data-kind="png">Picture (PNG)</button><button type="button" role="menuitem" data-kind="gif">Film (GIF)</button><button type="button" role="menuitem" data-kind="mp4">Film (MP4)</button><button type="button" role="menuitem" data-kind="txt" hidden>Text (TXT)</button><button type="button" role="menuitem" data-kind="wav" hidden>Sound (WAV)</button><button type="button" role="menuitem" data-kind="python">Copy as Python</button></div></div>`,
  );
  find(".bar").parentElement.insertAdjacentHTML(
    "beforeend",
    `<div class="code" hidden><pre tabindex="0" aria-label="The call in Python"></pre><div><button type="button" class="copy">Copy</button><button type="button" class="close">Close</button><span class="copied" role="status"></span></div></div>`,
  );
  const save = find(".save"),
    menu = find(".menu"),
    code = find(".code"),
    every = [...menu.querySelectorAll("button")];
  let items = every.filter(item => !item.hidden); // those that the film's medium has
  const can_save = (on, medium = "image") => {
    if (!save.classList.contains("busy")) save.disabled = !on;
    const kinds = media[medium]?.kinds || [];
    for (const item of every) item.hidden = item.dataset.kind !== "python" && !kinds.includes(item.dataset.kind);
    items = every.filter(item => !item.hidden);
  };
  const open_menu = on => {
    menu.hidden = !on;
    save.setAttribute("aria-expanded", on);
    if (on) items[0].focus();
  };
  const give = async kind => {
    const answer = await post("save", { ...to_save(), kind });
    if (!answer.ok || answer.headers.get("Content-Type").startsWith("application/json"))
      throw new Error((await told(answer))?.error || "The app does not answer; is it still running?");
    const link = make("a", {
      href: URL.createObjectURL(await answer.blob()),
      download: answer.headers.get("Content-Disposition").split('"')[1],
    });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  const write_code = () =>
    copy_code(
      post("python", to_call())
        .then(answer => answer.json())
        .then(answer => {
          if (answer.error) throw new Error(answer.error);
          code.querySelector("pre").textContent = answer.code;
          code.querySelector(".copied").textContent = "";
          code.hidden = false;
          code.scrollIntoView({ block: "nearest", behavior: "smooth" });
          return answer.code;
        }),
    );
  const copy_code = async text => {
    // the text, or the promise of it
    const done = await copy(text);
    code.querySelector(".copied").textContent = done ? "Copied." : "Select it and press Ctrl+C.";
    if (!done) getSelection().selectAllChildren(code.querySelector("pre"));
  };
  const busy = async act => {
    open_menu(false);
    save.disabled = true;
    save.classList.add("busy");
    save.querySelector("span").textContent = "Saving";
    try {
      await act();
    } catch (error) {
      toast(error instanceof TypeError ? "The app does not answer; is it still running?" : error);
    }
    save.classList.remove("busy");
    save.querySelector("span").textContent = "Save";
    save.disabled = false;
    save.focus({ preventScroll: true });
  };
  save.onclick = () => open_menu(menu.hidden);
  for (const item of every) item.onclick = () => busy(item.dataset.kind === "python" ? write_code : () => give(item.dataset.kind));
  const turn_to = d => items[(items.indexOf(document.activeElement) + d + items.length) % items.length].focus();
  keys(menu, {
    ArrowDown: () => turn_to(1),
    ArrowUp: () => turn_to(-1),
    Home: () => items[0].focus(),
    End: () => items.at(-1).focus(),
    Escape: () => {
      open_menu(false);
      save.focus();
    },
    Tab: () => {
      open_menu(false);
      return false;
    },
  });
  document.addEventListener(
    "click",
    e => {
      if (!menu.hidden && !find(".keep").contains(e.target)) open_menu(false);
    },
    true,
  );
  code.querySelector(".copy").onclick = () => copy_code(code.querySelector("pre").textContent);
  code.querySelector(".close").onclick = () => {
    code.hidden = true;
    save.focus();
  };
  return {
    allow: can_save,
    close: () => {
      code.hidden = true;
    },
  };
};
