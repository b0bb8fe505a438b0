// Scores of real and of generated pictures, as the charts of this tab show them.

/** Two histograms over the same range, and a mark for one picture, as marks and table of a chart. */
export const bars = (real, fake, [low, high], at = null) => ({
  marks: [
    { kind: "bars", values: real, from: low, to: high, class: "real" },
    { kind: "bars", values: fake, from: low, to: high, class: "fake" },
    at !== null && { kind: "rule", x: at, class: "mark" },
  ],
  table: {
    columns: ["score", "real", "generated"],
    rows: real.map((share, i) => [+(low + ((i + 0.5) * (high - low)) / real.length).toPrecision(4), share, fake[i]]),
  },
});

/** The ends of a range, and 0 where there is room for it. @returns {[number, string][]} */
export const ends = ([low, high]) => {
  /** @type {[number, string][]} */
  const found = [
    [low, low.toFixed(1)],
    [high, high.toFixed(1)],
  ];
  if (low < -0.15 * (high - low) && high > 0.15 * (high - low)) found.push([0, "0"]);
  return found;
};
