// The picture that is scored (genviz/ui/likelihood_lab.py): as chosen in the Pick beside it, its negative, noise, or an even grey.
import * as arrays from "../core/arrays.js";
import * as link from "../core/link.js";
import * as mail from "../core/mail.js";
import * as pictures from "../core/pictures.js";

export default ({ element, props, trigger, find }) => {
  const v = () => props.value,
    turns = [...element.querySelectorAll(".turns button")];
  let chosen = null,
    turn = "chosen",
    noise = null;
  find(".gallery").replaceChildren(...v().data.map(d => new Option(d.title, d.name)));
  const title = name => v().data.find(d => d.name === name).title;

  const made = () => {
    if (turn === "noise") return { pixels: noise, from: "uniform noise" };
    if (turn === "even") return { pixels: new Uint8Array(784).fill(+find(".grey").value), from: `every pixel ${find(".grey").value}` };
    if (!chosen) return null;
    return turn === "negative" ? { pixels: chosen.pixels.map(p => 255 - p), from: `${chosen.from}, inverted` } : chosen;
  };
  const tell = () => {
    turns.forEach(b => b.setAttribute("aria-pressed", b.value === turn));
    find(".level").hidden = turn !== "even";
    find("output").textContent = find(".grey").value;
    const now = made();
    if (!now) return;
    pictures.paint(find("canvas"), now.pixels);
    find(".from").textContent = now.from;
    mail.send("likelihood.picture", { pixels: now.pixels, base64: arrays.encode(now.pixels), from: now.from });
  };
  const go = to => {
    if (to === "noise") noise = Uint8Array.from({ length: 784 }, () => Math.floor(256 * Math.random())); // a second press draws anew
    turn = to;
    tell();
  };
  turns.forEach(b => b.addEventListener("click", () => go(b.value)));
  find(".grey").addEventListener("input", () => {
    turn = "even";
    tell();
  });
  mail.receive(v().pick, image => {
    chosen = { pixels: image.pixels, from: image.index >= 0 ? `${title(find(".gallery").value)}, ${image.from}` : image.from };
    if (image.by_hand && ["noise", "even"].includes(turn)) turn = "chosen";
    tell();
  });
  const gallery = name => {
    find(".gallery").value = name;
    props.value = { ...v(), set: name };
    trigger("switch", {});
  };
  find(".gallery").addEventListener("change", e => gallery(e.target.value));
  mail.receive("likelihood.gallery", name => {
    turn = "chosen";
    if (find(".gallery").value === name) tell();
    else gallery(name);
    link.tell(find(".gallery"));
  }); // the lab asks for one
  mail.receive("likelihood.result", text => {
    find(".result").textContent = text;
  });
};
