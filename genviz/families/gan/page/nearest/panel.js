import * as arrays from "../../../../ui/web/core/arrays.js";
import * as dom from "../../../../ui/web/core/dom.js";
import * as mail from "../../../../ui/web/core/mail.js";
import * as pictures from "../../../../ui/web/core/pictures.js";

export default ({ props, ask, watch, find, say }) => {
  const v = () => props.value;
  // Two rows of neighbours with their distances.
  let image = null,
    seen = "";
  const search = dom.latest(
    ask.neighbours,
    async answer => {
      const bitmap = await pictures.sprite(answer.sprite),
        n = answer.count;
      find(".found").replaceChildren(
        ...answer.rows.map((row, r) => {
          const box = document.createElement("div"),
            line = document.createElement("div");
          line.className = "line";
          row.distance.forEach((d, i) => {
            const figure = document.createElement("figure"),
              canvas = document.createElement("canvas");
            pictures.cell(canvas, bitmap, r * n + i, n);
            figure.append(canvas, Object.assign(document.createElement("figcaption"), { textContent: d.toPrecision(3) }));
            line.append(figure);
          });
          const closer = Math.round((100 * row.typical.filter(t => t < row.distance[0]).length) / row.typical.length);
          box.append(
            Object.assign(document.createElement("p"), {
              innerHTML:
                `Nearest by <b>${row.by}</b>: at <span class="num">${row.distance[0].toPrecision(3)}</span>; ` +
                `of ${row.typical.length} test images <b>${closer} %</b> have a nearer one.`,
            }),
            line,
          );
          return box;
        }),
      );
      find(".words").textContent = answer.about;
      say("");
    },
    { flights: 1, fail: error => say(error.message, true) },
  );
  const again = () => {
    const { model, data } = v(),
      key = model + data + (image ? image.base64 || arrays.encode(image.pixels) : "");
    if (!image || key === seen) return;
    seen = key;
    pictures.paint(find(".x"), image.pixels);
    find(".from").textContent = image.from || "x";
    say("Looking; the first time on a data set takes some seconds.");
    search({ image: image.base64 || arrays.encode(image.pixels), model, data });
  };
  mail.receive(v().pick, taken => {
    image = taken;
    again();
  });
  watch("value", again);
  again();
};
