// What the charts of this tab share: a canvas at the screen's own resolution, axes with round numbers, the page's colours.
import { css } from "../../../ui/web/core/dom.js";

export const nats = x => Math.round(x).toLocaleString("en").replace("-", "\u2212");
export const ticks = (low, high, count) => {  // round numbers between two ends
  const raw = (high - low) / count, p = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map(m => m * p).find(s => s >= raw);
  return [...Array(Math.floor(high / step) - Math.ceil(low / step) + 1).keys()].map(i => (Math.ceil(low / step) + i) * step);
};
export const board = (element, canvas, height) => {  // -> {pen, width, height, type}: CSS pixels, cleared; null while the canvas is not on screen
  const width = canvas.clientWidth, dense = devicePixelRatio || 1;
  if (!width) return null;
  canvas.width = width * dense; canvas.height = height * dense; canvas.style.height = height + "px";
  const pen = canvas.getContext("2d"), type = parseFloat(getComputedStyle(element).fontSize) * .86;
  pen.scale(dense, dense);
  pen.font = `${type}px ${getComputedStyle(element).fontFamily}`;
  return {pen, width, height, type, ink: css("--body-text-color"), pale: css("--body-text-color-subdued"),
    line: css("--border-color-primary"), accent: css("--color-accent")};
};
export const stroke = (pen, colour, width, points) => {
  pen.strokeStyle = colour; pen.lineWidth = width; pen.beginPath();
  points.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
  pen.stroke();
};
export const write = (pen, text, x, y, colour, align = "left") => { pen.fillStyle = colour; pen.textAlign = align; pen.fillText(text, x, y); };
export const redraw = (element, draw) => { new ResizeObserver(draw).observe(element); addEventListener("genviz-look", draw); };
