// The script of genviz/ui/map.py. `shown` is the view on screen: xy, index (places in the exhibit), label, one entry for each point.
import * as arrays from "../core/arrays.js";
import * as dom from "../core/dom.js";
import * as mail from "../core/mail.js";
import * as pictures from "../core/pictures.js";

const libraries = {};
/** plotly.js, loaded once for all maps of the page. */
const plotly = address =>
  (libraries[address] ||= dom.once(
    () =>
      new Promise((done, fail) => {
        const script = dom.make("script", { src: address });
        script.onload = () => done(globalThis.Plotly);
        script.onerror = () => fail(new Error("The chart could not be loaded; reload the page."));
        document.head.append(script);
      }),
  ))();

export default ({ element, props, ask, watch, find }) => {
  const say = (text, wrong) => {
    find(".say").textContent = text;
    find(".say").classList.toggle("wrong", !!wrong);
  };
  const file = path => new URL("gradio_api/file=" + path, document.baseURI).href;
  const chart = find(".chart"),
    COLUMNS = 50;
  let view = props.value.views[0].view,
    data = props.value.data,
    views = [...props.value.views],
    Plotly = null,
    shown = null,
    sprite = null;
  let own = null,
    drawn = false,
    job = "";
  const names = () => props.value.classes[data];

  const library = () => plotly(file(props.value.plotly));
  const gl = (() => {
    try {
      return document.createElement("canvas").getContext("webgl") ? "scattergl" : "scatter";
    } catch {
      return "scatter";
    }
  })();

  // ---- the chart ------------------------------------------------------------------------------------------------------------------
  const layout = () => ({
    margin: { l: 8, r: 8, t: 8, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hovermode: "closest",
    dragmode: "pan",
    font: {
      color: dom.css("--body-text-color"),
      size: document.body.classList.contains("projector") ? 20 : 14,
      family: "system-ui, sans-serif",
    },
    xaxis: { visible: false },
    yaxis: { visible: false, scaleanchor: "x" },
    uirevision: `${view} ${data}`,
    legend: { orientation: "h", y: -0.02, yanchor: "top", itemsizing: "constant" },
    showlegend: true,
  });
  const traces = () => {
    const all = names().map((name, c) => {
      const points = [...shown.label.keys()].filter(i => shown.label[i] === c);
      return {
        type: gl,
        mode: "markers",
        name,
        x: Float32Array.from(points, i => shown.xy[2 * i]),
        y: Float32Array.from(points, i => shown.xy[2 * i + 1]),
        customdata: points,
        hoverinfo: "none",
        marker: { size: 5, color: pictures.CLASSES[c], opacity: 0.85 },
      };
    });
    const ink = dom.css("--body-text-color"),
      spot = (name, xy, symbol, size, extra = {}) => ({
        type: "scatter",
        mode: "markers",
        name,
        x: xy.map(p => p[0]),
        y: xy.map(p => p[1]),
        hoverinfo: "none",
        showlegend: xy.length > 0,
        marker: { symbol, size, color: "rgba(0,0,0,0)", line: { color: ink, width: 2 }, ...extra },
      });
    const star = { color: "#fff", line: { color: "#000", width: 2 } };
    return [
      ...all,
      spot(
        "neighbours",
        shown.near.map(i => [shown.xy[2 * i], shown.xy[2 * i + 1]]),
        "circle",
        11,
      ),
      spot("chosen", shown.chosen === null ? [] : [[shown.xy[2 * shown.chosen], shown.xy[2 * shown.chosen + 1]]], "square", 15),
      spot("your image", shown.own ? [shown.own] : [], "star", 20, star),
      spot("by umap.transform", shown.other ? [shown.other] : [], "cross", 15, star),
    ];
  };
  const draw = async () => {
    if (!shown || !element.isConnected || !chart.clientWidth) return;
    await Plotly.react(chart, traces(), layout(), {
      responsive: true,
      displaylogo: false,
      scrollZoom: true,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "toImage"],
    });
    if (drawn) return;
    drawn = true;
    chart.on("plotly_hover", e => {
      if (e.points[0].customdata !== undefined) hover(e.points[0].customdata, e.event);
    });
    chart.on("plotly_unhover", () => {
      find(".tip").hidden = true;
    });
    chart.on("plotly_click", e => {
      if (e.points[0].customdata !== undefined) choose(e.points[0].customdata);
    });
  };
  const hover = (point, event) => {
    const tip = find(".tip"),
      x = event.clientX + 16,
      y = event.clientY + 16;
    if (sprite) pictures.cell(tip.querySelector("canvas"), sprite, shown.index[point], COLUMNS);
    tip.querySelector("span").textContent = `${names()[shown.label[point]]}, no. ${shown.index[point]}`;
    tip.hidden = false;
    tip.style.left = `${Math.min(x, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(y, innerHeight - tip.offsetHeight - 8)}px`;
    element.dataset.hover = point;
  };

  // ---- a chosen point, or the own image ----------------------------------------------------------------------------------------------
  const details = (x, name, answer) => {
    find(".right").hidden = false;
    x(find(".xpic"));
    find(".xcap").textContent = name;
    pictures.paint(find(".ypic"), arrays.decode(answer.y));
    find(".near").replaceChildren(
      ...answer.near.map(n => {
        const box = document.createElement("div"),
          canvas = document.createElement("canvas"),
          span = document.createElement("span");
        pictures.cell(canvas, sprite, n.index, COLUMNS);
        span.textContent = n.distance.toFixed(2);
        box.title = `${names()[shown.label[n.point]]}, no. ${n.index}, at distance ${n.distance}`;
        box.append(canvas, span);
        box.addEventListener("click", () => choose(n.point));
        return box;
      }),
    );
    shown.near = answer.near.map(n => n.point);
  };
  const choose = dom.latest(
    point => ask.near({ point, view, data }).then(answer => ({ ...answer, at: shown })),
    (answer, point) => {
      if (answer.at !== shown || !sprite) return;
      shown.chosen = point;
      details(
        c => pictures.cell(c, sprite, shown.index[point], COLUMNS),
        `${names()[shown.label[point]]}, test image ${shown.index[point]}`,
        answer,
      );
      draw();
    },
  );
  const drop = dom.latest(
    ({ image, view, data }) => ask.drop({ image: image.base64, view, data }),
    (answer, asked) => {
      if (asked.shown !== shown || !sprite) return;
      if (shown.own && asked.image !== own) return;
      shown.own = answer.xy;
      shown.chosen = null;
      details(c => pictures.paint(c, asked.image.pixels), `your image (${asked.image.from})`, answer);
      say(shown.about + (answer.ms ? ` Your image was placed in ${answer.ms.toFixed(2)} ms.` : ""));
      draw();
    },
    { fail: error => say(error.message, true) },
  );
  const landing = () => {
    if (own && shown) drop({ image: own, view, data, shown });
  };

  // ---- opening a view --------------------------------------------------------------------------------------------------------------------
  const buttons = () =>
    find(".views").replaceChildren(
      ...views.map(v => {
        const button = Object.assign(document.createElement("button"), {
          type: "button",
          textContent: v.title,
          value: v.view.startsWith("remap-") ? "" : v.view,
        });
        button.setAttribute("aria-pressed", String(v.view === view));
        button.addEventListener("click", () => {
          view = v.view;
          open();
        });
        return button;
      }),
    );
  let turn = 0;
  const open = async () => {
    const mine = ++turn,
      at = { view, data };
    buttons();
    say("The map is being read ...");
    try {
      const [answer, image] = await Promise.all([
        ask.open(at),
        sprite?.data === data ? sprite : pictures.sprite(file(props.value.exhibits[data])),
        library().then(p => {
          Plotly = p;
        }),
      ]);
      if (mine !== turn) return;
      sprite = image;
      sprite.data = data;
      const label = [...answer.labels].map(Number),
        whole = views.find(v => v.view === view);
      shown = {
        xy: arrays.floats(answer.xy),
        index: new Int32Array(arrays.decode(answer.index).buffer),
        label,
        about: answer.about,
        near: [],
        chosen: null,
        own: null,
        other: whole?.other || null,
      };
      say(answer.about);
      chart.hidden = false;
      await draw();
      landing();
    } catch (error) {
      if (mine !== turn) return;
      shown = null;
      find(".right").hidden = true;
      chart.hidden = true;
      say(error.message, true);
    }
  };

  // ---- a live layout -----------------------------------------------------------------------------------------------------------------------
  for (const range of element.querySelectorAll(".form input")) {
    const show = () => {
      range.nextElementSibling.textContent = range.value;
    };
    range.addEventListener("input", show);
    show();
  }
  const busy = on => {
    find(".go").hidden = on;
    find(".stop").hidden = !on;
    find("progress").hidden = !on;
  };
  const percent = share => `${(100 * share).toFixed(0)} %`;
  find(".go").addEventListener("click", async () => {
    const form = Object.fromEntries(["n_neighbors", "min_dist", "images"].map(name => [name, +find("." + name).value])),
      mine = data;
    busy(true);
    find(".stage").textContent = "starting";
    try {
      ({ job } = await ask.remap({ data, ...form, image: own ? own.base64 : null }));
      let state;
      do {
        await new Promise(done => setTimeout(done, 400));
        state = await ask.progress({ job });
        find("progress").value = state.share;
        find(".stage").textContent = `${state.stage}, ${percent(state.share)}, ${state.seconds} s`;
      } while (!state.final && element.isConnected);
      if (state.error) {
        find(".stage").textContent = state.error;
        return;
      }
      const f = state.found;
      const found =
        `Computed in ${state.seconds} s. Of ${f.others} further test images, placed by weighted neighbours ${percent(f.weighted)} of the ten nearest ` +
        `on the map have the same class (${f.weighted_ms.toFixed(2)} ms each); by umap.transform ${percent(f.transform)} (${f.transform_ms.toFixed(1)} ms each, ` +
        `the first ${(f.first_ms / 1000).toFixed(1)} s).`;
      find(".stage").textContent = found;
      views = [
        ...views.filter(v => !v.view.startsWith("remap-")),
        { view: job, title: `n_neighbors ${form.n_neighbors}, min_dist ${form.min_dist}`, other: f.own[0] || null },
      ];
      if (data === mine) {
        view = job;
        await open();
      }
    } catch (error) {
      find(".stage").textContent = error.message;
    } finally {
      job = "";
      busy(false);
    }
  });
  find(".stop").addEventListener("click", () => {
    if (job) ask.halt({ job }).catch(dom.toast);
  });

  // ---- menus, chooser, theme, size -------------------------------------------------------------------------------------------------------------
  watch("value", () => {
    if (props.value.data === data) return;
    data = props.value.data;
    views = views.filter(v => !v.view.startsWith("remap-"));
    if (!views.some(v => v.view === view)) view = views[0].view;
    own = null;
    open();
  });
  mail.receive(props.value.pick, image => {
    own = image;
    landing();
  });
  new MutationObserver(() => draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  new ResizeObserver(() => {
    if (shown && chart.clientWidth) drawn ? Plotly.Plots.resize(chart) : draw();
  }).observe(chart);
  open();
};
