// Charts as SVG text, drawn at the size that the page gives.
export const chart = (svg, tall, [x0, x1], [y0, y1], title, inside, ticks = [[], []]) => {
  const width = svg.parentElement.clientWidth, type = parseFloat(getComputedStyle(svg).fontSize), left = 3.6 * type, low = 1.6 * type, top = 1.7 * type;
  if (!width) return;
  const x = u => left + (u - x0) / (x1 - x0 || 1) * (width - left - 8), y = u => tall - low - (u - y0) / (y1 - y0 || 1) * (tall - low - top);
  let text = `<text class="strong" x="0" y="${type}">${title}</text>`;
  for (const u of ticks[1]) text += `<line class="grid" x1="${left}" x2="${width - 8}" y1="${y(u)}" y2="${y(u)}"/><text x="${left - 6}" y="${y(u) + type / 3}" text-anchor="end">${+u.toPrecision(3)}</text>`;
  for (const [u, word] of ticks[0]) text += `<text x="${x(u)}" y="${tall - 3}" text-anchor="${u <= x0 ? "start" : u >= x1 ? "end" : "middle"}">${word}</text>`;
  text += `<line class="axis" x1="${left}" x2="${width - 8}" y1="${tall - low}" y2="${tall - low}"/>` + inside(x, y);
  svg.setAttribute("viewBox", `0 0 ${width} ${tall}`); svg.setAttribute("height", tall); svg.innerHTML = text;
  svg.across = px => x0 + (px - left) / (width - left - 8) * (x1 - x0);
};
export const path = (kind, points) => `<path class="${kind}" d="M${points.map(p => p.map(u => u.toFixed(1)).join(" ")).join("L")}"/>`;
export const bars = (kind, shares, [low, high], x, y) => shares.map((share, i) => {
  const a = x(low + i * (high - low) / shares.length), b = x(low + (i + 1) * (high - low) / shares.length);
  return share ? `<rect class="${kind}" x="${a}" width="${b - a}" y="${y(share)}" height="${y(0) - y(share)}"/>` : "";
}).join("");
export const ends = ([low, high]) => [[low, low.toFixed(1)], [high, high.toFixed(1)], ...(low < -.15 * (high - low) && high > .15 * (high - low) ? [[0, "0"]] : [])];
