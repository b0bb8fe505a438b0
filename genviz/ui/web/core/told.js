// What the page tells all its widgets (genviz/ui/theme.py): tools that receive images, titles of models and data sets, the names of their
// classes, the models that paint pixel by pixel, and of each
// medium the frames of a film and the files that it can be saved as.

/** @type {{tools: {tool: string, label: string, family: string, tabs: string[]}[], titles: Object<string, string>, classes: Object<string, string[]>, raster: string[], media: Object<string, {frames: number, kinds: string[]}>}} */
const told = {
  tools: [],
  titles: {},
  classes: {},
  raster: [],
  media: {},
  ...JSON.parse(globalThis.document?.getElementById("gv-told")?.textContent || "{}"),
};
export const { tools, titles, classes, raster, media } = told;
