// Sending an image from one tool to another. Tools are declared in Python (lab.tool) and listed in the page. A receiver in a tab that was
// never opened does not exist yet, so the image waits until the tool starts and asks for it.
import { open } from "./dom.js";
import { tools } from "./told.js";

const takers = {},
  waiting = {};

/** This widget is the receiver of a tool or channel; take({pixels, label, from, ...}). */
export const receive = (tool, take) => {
  takers[tool] = take;
  if (tool in waiting) {
    const parcel = waiting[tool];
    delete waiting[tool];
    take(parcel);
  }
};

/** Opens the tool's tab and hands the image over. */
export const send = async (tool, parcel) => {
  const entry = tools.find(t => t.tool === tool);
  if (entry) for (const tab of entry.tabs) await open(tab);
  if (takers[tool]) takers[tool](parcel);
  else waiting[tool] = parcel;
};
