// What the page tells all its widgets (genviz/ui/theme.py): tools that receive images, titles of models and data sets, the names of their
// classes, and the models that paint pixel by pixel.

/** @type {{tools: {tool: string, label: string, family: string, tabs: string[]}[], titles: Object<string, string>, classes: Object<string, string[]>, raster: string[]}} */
const told = {
  tools: [],
  titles: {},
  classes: {},
  raster: [],
  ...JSON.parse(globalThis.document?.getElementById("gv-told")?.textContent || "{}"),
};
export const { tools, titles, classes, raster } = told;
