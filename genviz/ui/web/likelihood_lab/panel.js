// The lab of genviz/ui/likelihood_lab.py. `lab` is what `figures` answers, `scored` what `score` says of the picture, model by model.
import * as dom from "../core/dom.js";
import * as link from "../core/link.js";
import * as mail from "../core/mail.js";
import { bits, curve, histogram, spark } from "./charts.js";

export default ({ element, props, ask, find }) => {
  const v = props.value,
    told = find(".told"),
    body = find("tbody");
  const title = name => v.data.find(d => d.name === name)?.title || name;
  const WORDS = {
    raw: ["log\u2082 p(x)", "log\u2082 p(x) in bits per image, likelier"],
    png: ["log\u2082 p(x) + PNG bits", "bits saved against a PNG file, more"],
    ratio: ["log\u2082 p(x) \u2212 log\u2082 p(x) of counting", "bits saved against counting, more"],
  };
  const MEANS = {
    raw: "The plain likelihood.",
    png: "The bits of the picture\u2019s PNG file are added: what counts is what the model saves against a file format.",
    ratio:
      "The log-likelihood of the counting model is taken off: what counts is what the model knows beyond which pixels stand side by side.",
  };
  let data = v.data[0].name,
    lab = null,
    shown = "",
    by = "raw",
    picture = null,
    scored = {},
    wanted = null;

  // ---- texts ------------------------------------------------------------------------------------------------------------------------------
  const bound = m => (m.kind === "exact" ? "exact" : m.kind === "ODE" ? "by the ODE" : `bound, ${m.kind}`);
  const model = () => lab?.models.find(m => m.name === shown);
  const share = x => (x > 0.995 && x < 1 ? "over 99 %" : x > 0 && x < 0.005 ? "under 1 %" : `${Math.round(100 * x)} %`);
  const verdict = (m, name) => {
    const a = m.scores[by].auroc,
      own = title(data),
      strange = title(lab.other),
      n = Math.round(100 * (1 - a)),
      many = a >= 0.995 && a < 1 ? "fewer than 1" : a <= 0.005 && a > 0 ? "more than 99" : String(n);
    const which = m.baseline ? name : `${name}, trained on ${own},`,
      lead = m.baseline && by === "ratio" ? "" : `In ${many} of 100 pairs the ${strange} image scores higher than the ${own} test image. `;
    if (m.baseline && ((by === "ratio" && name.startsWith("Counting")) || (by === "png" && name.startsWith("PNG"))))
      return [`${which} against itself: nothing is left to compare.`, ""];
    return [
      `${which} ${a < 0.2 ? "takes strangers for its own" : a < 0.4 ? "prefers strangers" : a < 0.6 ? "cannot tell strangers from its own" : a < 0.9 ? "tells its own from strangers, roughly" : "tells its own from strangers"}: AUROC ${a.toFixed(3)}.`,
      lead,
    ];
  };
  const say = () => {
    const m = model();
    if (!m) return;
    const [head, pairs] = verdict(m, m.title);
    told.className = "told";
    told.replaceChildren(dom.make("b", { textContent: head }), ` ${pairs}${MEANS[by]}`);
    find(".protocol").textContent =
      `${m.title}: ${bound(m)}, ${(+m.n).toLocaleString("en")} images of each set, draws seeded by ${m.seed}, scored in ${m.seen}. PNG: ${m.png}. AUROC: the chance that a ${title(data)} test image scores higher than an image of ${title(lab.other)}, ties half.`;
  };
  const fail = error => {
    told.className = "told wrong";
    told.textContent = error.message;
  };

  // ---- drawing ----------------------------------------------------------------------------------------------------------------------------
  const mark_of = name => (scored[name] ? { score: scored[name][by][0], label: `this picture: ${bits(scored[name][by][0])}` } : null);
  const heads = [
    ["", "Model"],
    ["raw", "AUROC\nlog p(x)"],
    ["png", "AUROC\n+ PNG bits"],
    ["ratio", "AUROC\nratio"],
    ["", "All images, this one \u25be"],
    ["", "This picture,\nbits"],
    ["", "Test images\nbelow it"],
  ];
  const row = m => {
    const place = scored[m.name]?.[by],
      tr = dom.make("tr", { className: m.name === shown ? "chosen" : "" });
    const button = dom.make("button", { type: "button", textContent: m.title });
    button.setAttribute("aria-pressed", m.name === shown);
    const figure = c => {
      const itself = m.baseline && ((c === "ratio" && m.title.startsWith("Counting")) || (c === "png" && m.title.startsWith("PNG")));
      return dom.make("td", {
        className: `${c === by ? "on" : ""} ${!itself && m.scores[c].auroc < 0.5 ? "bad" : ""}`,
        textContent: itself ? "\u2013" : m.scores[c].auroc.toFixed(3),
      });
    };
    const small = document.createElementNS("http://www.w3.org/2000/svg", "svg"),
      cell = dom.make("td", { className: "spark" }, small);
    small.setAttribute("role", "img");
    small.setAttribute("aria-label", `Histogram of ${m.title}${place ? `; this picture: ${bits(place[0])} bits` : ""}`);
    tr.append(
      dom.make(
        "th",
        { scope: "row" },
        button,
        dom.make("span", {
          className: "sub",
          textContent: m.baseline ? m.family : `${bound(m)}, ${m.seen.startsWith("black") ? "black and white" : "256 grey levels"}`,
        }),
      ),
      figure("raw"),
      figure("png"),
      figure("ratio"),
      cell,
      dom.make("td", { textContent: place ? bits(place[0]) : "\u2026" }),
      dom.make("td", { textContent: place ? share(place[1]) : "\u2026" }),
    );
    tr.dataset.name = m.name;
    tr.addEventListener("click", () => choose(m.name));
    return tr;
  };
  const draw = () => {
    if (!lab || !element.clientWidth) return;
    const m = model(),
      focus = document.activeElement.closest("tr[data-name]")?.getAttribute("data-name");
    element.querySelectorAll(".by button").forEach(b => b.setAttribute("aria-pressed", b.value === by));
    find(".shown").value = shown;
    find("thead tr").replaceChildren(
      ...heads.map(([c, text]) => dom.make("th", { scope: "col", textContent: text, className: c === by ? "on" : "" })),
    );
    body.replaceChildren(...lab.models.map(row));
    for (const one of lab.models) spark(body.querySelector(`[data-name="${one.name}"] svg`), one.scores[by], mark_of(one.name));
    if (focus) body.querySelector(`[data-name="${focus}"] button`)?.focus({ preventScroll: true });
    if (!m) return;
    const s = m.scores[by],
      own = title(data),
      strange = title(lab.other),
      at = mark_of(m.name);
    histogram(find(".histogram"), s, at, WORDS[by][1]);
    find(".histogram").setAttribute(
      "aria-label",
      `${m.title}, ${WORDS[by][0]}: histograms of ${own} training and test images and of ${strange}. ${at ? `${at.label} bits.` : ""}`,
    );
    curve(find(".curve"), s.roc, s.auroc, `${strange} that pass`, `${own} that pass`);
    find(".curve").setAttribute("aria-label", `ROC curve, area ${s.auroc.toFixed(3)}`);
    find(".key").replaceChildren(
      ...[
        ["test", `${own}, test`],
        ["train", `${own}, training`],
        ["other", `${strange}, never seen`],
      ].map(([k, text]) => dom.make("span", {}, dom.make("i", { className: `k-${k}` }), text)),
    );
  };
  const result = () => {
    // a sentence beside the picture, which on a phone is far from the charts
    const m = model(),
      place = m && scored[m.name]?.[by];
    mail.send(
      "likelihood.result",
      place
        ? `${m.title}: ${bits(place[0])} bits, above ${share(place[1])} of the ${title(data)} test images and ${share(place[2])} of ${title(lab.other)}`
        : "",
    );
  };
  const render = () => {
    draw();
    say();
    result();
  };
  const choose = name => {
    shown = name;
    render();
    link.tell(find(".shown"));
  };

  // ---- the picture: quick models at once, slow ones when the hand rests ---------------------------------------------------------------------
  const take = (answer, asked) => {
    if (asked.data !== data || (asked.image !== picture?.base64 && asked.slow)) return;
    Object.assign(scored, answer);
    draw();
    result();
  };
  const quick = dom.latest(ask.score, take, { flights: 1, fail }),
    slow = dom.latest(ask.score, take, { flights: 1, fail });
  let resting = 0;
  const score = () => {
    if (!picture || !lab) return;
    for (const m of lab.models) if (m.ms > 100) delete scored[m.name];
    quick({ image: picture.base64, data, slow: false });
    clearTimeout(resting);
    if (lab.models.some(m => m.ms > 100)) resting = setTimeout(() => slow({ image: picture.base64, data, slow: true }), 500);
  };
  mail.receive("likelihood.picture", image => {
    picture = image;
    score();
  });

  // ---- the data set, the menus, the paradox ---------------------------------------------------------------------------------------------------
  const best = models =>
    models
      .filter(m => !m.baseline)
      .sort((a, b) => Number(a.kind !== "exact") - Number(b.kind !== "exact") || a.scores.raw.auroc - b.scores.raw.auroc)[0] || models[0];
  const load = async () => {
    const asked = data;
    try {
      const answer = await ask.figures({ data });
      if (asked !== data) return;
      lab = answer;
    } catch (error) {
      return fail(error);
    }
    scored = {};
    const names = lab.models.map(m => m.name);
    find(".shown").replaceChildren(...lab.models.map(m => new Option(m.title, m.name)));
    if (wanted || !names.includes(shown)) shown = best(lab.models)?.name || "";
    wanted = null;
    find(".missing").replaceChildren(
      ...lab.missing.map(m =>
        dom.make("li", {}, `${m.title}: ${m.why}${m.command ? "with: " : ""}`, dom.make("code", { textContent: m.command })),
      ),
    );
    find(".charts").hidden = find(".box").hidden = !lab.models.length;
    if (!lab.models.length) fail({ message: "No model has scores yet; the commands below make them." });
    render();
    score();
    link.touch();
  };
  const go = name => {
    data = name;
    find(".trained").value = name;
    return load();
  };
  find(".trained").replaceChildren(...v.data.map(d => new Option(d.title, d.name)));
  find(".trained").addEventListener("change", e => go(e.target.value));
  find(".shown").addEventListener("change", e => choose(e.target.value));
  element.querySelectorAll(".by button").forEach(b =>
    b.addEventListener("click", () => {
      by = b.value;
      render();
    }),
  );
  find(".paradox").addEventListener("click", async () => {
    // a model of clothes, the plain likelihood, a digit
    by = "raw";
    wanted = true;
    for (const field of [".by", ".trained", ".shown"]) link.tell(find(field));
    await go("fashion_mnist");
    mail.send("likelihood.gallery", lab.other);
    find(".charts").scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  find(".paradox").title = "A model of Fashion-MNIST, its plain likelihood, and MNIST";
  new ResizeObserver(draw).observe(element);
  go(data);
};
