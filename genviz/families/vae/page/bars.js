// Charts of both panels, as SVG text drawn at the size that the page gives.
export const nats = v => v.toFixed(1).replace("-", "\u2212");
export const nice = top => { const p = 10 ** Math.floor(Math.log10(top)); return [.1, .2, .25, .5, 1, 2, 2.5].map(m => m * p).find(v => v >= top / 5); };
export const letter = svg => parseFloat(getComputedStyle(svg).fontSize);
export const fill = (svg, width, height, inside) => {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`); svg.setAttribute("width", width); svg.setAttribute("height", height);
  svg.innerHTML = inside;
};
// bars: KL of every dimension of one picture; a tick across each: the average over test pictures. Silent dimensions are grey stubs.
export const kl_bars = (svg, each, average, active) => {
  const width = svg.parentElement.clientWidth && Math.min(svg.parentElement.clientWidth, parseFloat(getComputedStyle(svg).maxWidth) || 1e9);
  if (!width) return;
  const type = letter(svg), left = 3 * type, bottom = 2.6 * type, height = Math.max(170, 12 * type), n = each.length;
  const step = nice(Math.max(1, ...each, ...(average || []))), top = Math.ceil(Math.max(1, ...each, ...(average || [])) / step) * step;
  const y = v => (height - bottom) - v / top * (height - bottom - type), wide = (width - left) / n;
  let text = "";
  for (let v = 0; v <= top + 1e-9; v += step)
    text += `<line class="${v ? "grid" : "axis"}" x1="${left}" x2="${width}" y1="${y(v)}" y2="${y(v)}"/>` +
            `<text x="${left - 6}" y="${y(v) + type / 3}" text-anchor="end">${+v.toFixed(2)}</text>`;
  const every = [1, 2, 5, 10, 20].find(e => wide * e > 1.7 * type) || 50;
  each.forEach((v, i) => {
    const x = left + wide * (i + .5), half = Math.min(wide * .38, 22), on = !average || average[i] >= active;
    const colour = on ? "var(--color-accent)" : "var(--body-text-color-subdued)";
    text += `<rect x="${x - half}" y="${Math.min(y(v), y(0) - 2)}" width="${2 * half}" height="${Math.max(y(0) - y(v), 2)}" fill="${colour}"/>`;
    if (average) text += `<line x1="${x - half}" x2="${x + half}" y1="${y(average[i])}" y2="${y(average[i])}" ` +
                         `stroke="var(--body-text-color)" stroke-width="2"/>`;
    if (!(i % every)) text += `<text x="${x}" y="${height - bottom + 1.2 * type}" text-anchor="middle">${i}</text>`;
  });
  text += `<text x="${width}" y="${height - 2}" text-anchor="end">latent dimension</text><text x="0" y="${height - 2}">KL in nats</text>`;
  fill(svg, width, height, text);
};
export const key = (each, average, n, active) => {
  const on = (average || each).filter(v => v >= active).length;
  return `<span class="swatch" style="background: var(--color-accent)"></span> KL of this picture per latent dimension` +
    (average ? `, <span class="ticked"></span> average of ${n.toLocaleString("en")} test pictures. ` +
      `<b>${on} of ${each.length}</b> dimensions are active (at least ${active} nats on average)` +
      (on < each.length ? `; the <span class="swatch" style="background: var(--body-text-color-subdued)"></span> others ` +
        `have collapsed onto the prior and say nothing about x.` : ".") : ".");
};
