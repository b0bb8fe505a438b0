// How a medium is shown. A view is made once for a player and knows nothing of clocks, lines and links:
//
//     box       what stands on the stage
//     read      a shot as it arrives, and the frame before it -> a frame {n, step, steps, nfe, ms, caption, ...}, perhaps a promise
//     begin     the first frame of a film is there
//     fit       the stage has another size
//     draw      a moment of the film: {a: the frame, b: the next one where steps between two can be shown, t, step, frames, order, fine}
//     fine      can the steps between two frames be shown, because what is painted stays?
//     caption   what is said of such a step
//     pointer   this sample stands alone, or null
//     parcel    what is sent of a sample to another tool
//     save      {columns, only, panes} for a file of what is shown
//     close     frames that nobody shows any more
//     pace      frames a second at the least

/**
 * @typedef {Object} View
 * @property {HTMLElement} box
 * @property {(shot: any, last: any) => any} read
 * @property {(first: any, order: any) => void} begin
 * @property {() => void} fit
 * @property {(moment: any) => void} draw
 * @property {(frames: any[], order: any) => boolean} [fine]
 * @property {(step: number) => string} [caption]
 * @property {(i: number | null) => void} [pointer]
 * @property {(i: number) => any} [parcel]
 * @property {() => any} save
 * @property {(frames: any[]) => void} [close]
 * @property {number} [pace]
 *
 * @typedef {Object} Stage what a view is given
 * @property {HTMLElement} stage
 * @property {{name: string, label: string, paint: string}[]} rows extras beside x
 * @property {string} label the name under x where there are rows
 * @property {string[]} raster models that paint pixel by pixel
 * @property {(i: number | null) => void} choose
 * @property {(p: any) => void} pixel the pointer is on a pixel
 * @property {() => boolean} reads does anybody want to know of pixels?
 * @property {(kind: string, what: any) => void} tell
 *
 * @typedef {(stage: Stage) => View} MakeView
 */
import audio from "./audio.js";
import image from "./image.js";
import points from "./points.js";
import text from "./text.js";

/** @type {Object<string, MakeView>} */
export const VIEWS = { image, points, text, audio };

/** How a film is shown, by what its first message says. @param {{medium: string}} shot */
export const medium_of = shot => {
  if (!VIEWS[shot.medium]) throw new Error(`This page has no view of ${shot.medium}; reload it.`);
  return shot.medium;
};
