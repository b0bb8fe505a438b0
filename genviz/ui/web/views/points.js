// Points in the plane: drawn by whoever listens to the player, between two frames on their way.
import * as arrays from "../core/arrays.js";
import { make } from "../core/dom.js";

/** @type {import("./view.js").MakeView} */
export default ({ tell }) => ({
  box: make("div", { className: "panes" }),
  read: shot => ({ ...shot, points: arrays.floats(shot.points), aux: {} }),
  begin: () => {},
  fit: () => {},
  draw: ({ frames, order, t }) => tell("points", { model: order.model, data: order.data, frames: frames.map(f => f.points), at: t }),
  pace: 1, // frames a second at the least
  save: () => ({ columns: 1, only: null, panes: [] }),
});
