// The KL of every latent dimension, as both panels show it.
import { chart } from "../../../ui/web/core/chart.js";

/** Bars of one picture; a tick across each: the average over test pictures. Silent dimensions are grey stubs. */
export const kl_bars = (svg, each, average, active) => {
  const top = Math.max(1, ...each, ...(average || [])),
    n = each.length,
    type = parseFloat(getComputedStyle(svg).fontSize);
  const numbers = each.map((_, i) => i),
    most = svg.parentElement.clientWidth / n > 1.7 * type ? n : 10;
  chart(svg, {
    height: Math.max(190, 14 * type),
    title: "KL in nats",
    name: "kl",
    x: { low: -0.5, high: n - 0.5, ticks: n <= most ? numbers.map(i => [i, String(i)]) : most, title: "latent dimension" },
    y: { low: 0, high: 1.05 * top },
    marks: [
      {
        kind: "bars",
        at: each.map((v, i) => [i, v]),
        wide: 1,
        gap: 0.24,
        stubs: true,
        class: i => (!average || average[i] >= active ? "active" : "silent"),
      },
      ...(average || []).map((v, i) => ({
        kind: "line",
        class: "average",
        points: [
          [i - 0.38, v],
          [i + 0.38, v],
        ],
      })),
    ],
    table: {
      columns: ["latent dimension", "KL of this picture", ...(average ? ["average"] : [])],
      rows: each.map((v, i) => [i, v, ...(average ? [average[i]] : [])]),
    },
  });
};
export const key = (each, average, n, active) => {
  const on = (average || each).filter(v => v >= active).length;
  return (
    `<span class="swatch" style="background: var(--color-accent)"></span> KL of this picture per latent dimension` +
    (average
      ? `, <span class="ticked"></span> average of ${n.toLocaleString("en")} test pictures. ` +
        `<b>${on} of ${each.length}</b> dimensions are active (at least ${active} nats on average)` +
        (on < each.length
          ? `; the <span class="swatch" style="background: var(--body-text-color-subdued)"></span> others ` +
            `have collapsed onto the prior and say nothing about x.`
          : ".")
      : ".")
  );
};
