
// ---- the Save menu: files from the server, and the call in Python; see export.py ---------------------------------------------------------
const save = find(".save"), menu = find(".menu"), code = find(".code"), items = [...menu.querySelectorAll("button")];
const open_menu = on => {
  menu.hidden = !on;
  save.setAttribute("aria-expanded", on);
  if (on) items[0].focus();
};
const shown_now = () => {
  const step = step_at(Math.min(at, here())), { client, frames: most, aux, ...plain } = order;
  return { job, order: plain, step, last: step >= frames[0].steps, columns: across, only: chosen, panes: panes.map(p => [p.name, rows.find(r => r.name === p.name)?.paint || "grey", p.name || rows.length ? p.figure.textContent : ""]) };
};
const give = async kind => {
  const answer = await post("save", { ...shown_now(), kind });
  if (!answer.ok) throw new Error(`The app refused this (HTTP ${answer.status}).`);
  if (answer.headers.get("Content-Type").startsWith("application/json")) throw new Error((await answer.json()).error);
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await answer.blob()), download: answer.headers.get("Content-Disposition").split('"')[1] });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};
const write_code = async () => {
  const { order: plain, step, last, only } = shown_now();
  const answer = await (await post("python", { order: plain, step: last ? null : step, only })).json();
  if (answer.error) throw new Error(answer.error);
  code.querySelector("pre").textContent = answer.code;
  code.hidden = false;
  code.scrollIntoView({ block: "nearest", behavior: "smooth" });
  await copy_code();
};
const copy_code = async () => {
  const text = code.querySelector("pre"), done = await genviz.copy(text.textContent);
  code.querySelector(".copied").textContent = done ? "Copied." : "Select it and press Ctrl+C.";
  if (!done) getSelection().selectAllChildren(text);
};
const busy = async act => {
  open_menu(false);
  save.disabled = true;
  save.classList.add("busy");
  save.querySelector("span").textContent = "Saving";
  try { await act(); }
  catch (error) { genviz.toast(error instanceof TypeError ? "The app does not answer; is it still running?" : error); }
  save.classList.remove("busy");
  save.querySelector("span").textContent = "Save";
  save.disabled = false;
  save.focus({ preventScroll: true });
};
save.onclick = () => open_menu(menu.hidden);
for (const item of items) item.onclick = () => busy(item.dataset.kind === "python" ? write_code : () => give(item.dataset.kind));
menu.addEventListener("keydown", e => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[e.key], here = items.indexOf(document.activeElement);
  if (by) items[(here + by + items.length) % items.length].focus();
  else if (e.key === "Home" || e.key === "End") items.at(e.key === "Home" ? 0 : -1).focus();
  else if (e.key === "Escape") { open_menu(false); save.focus(); }
  else if (e.key === "Tab") return open_menu(false);
  else return;
  e.preventDefault();
  e.stopPropagation();                        // arrows step the film elsewhere
});
document.addEventListener("pointerdown", e => { if (!menu.hidden && !find(".keep").contains(e.target)) open_menu(false); });
code.querySelector(".copy").onclick = copy_code;
code.querySelector(".close").onclick = () => { code.hidden = true; save.focus(); };
listeners.push({ frame: () => { if (!save.classList.contains("busy")) save.disabled = false; }, state: s => { if (s === "waiting") code.hidden = true; } });
code.addEventListener("keydown", e => e.stopPropagation());
