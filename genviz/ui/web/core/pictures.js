// Arrays and sprites onto a canvas. A sprite holds images of side x side pixels, row by row.

const SIDE = 28;

/** Colours of the ten classes, apart for colour-blind eyes (Tol's bright and muted sets), readable on light and dark. */
export const CLASSES = ["#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#999933", "#EE7733", "#009988", "#8866BB"];

/** A PNG by its address -> ImageBitmap. */
export const sprite = async url => createImageBitmap(await (await fetch(url)).blob());

/** Gives a canvas its size, and leaves what it shows where that is its size already. */
export const size = (canvas, w, h) => {
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
};

/** Decodes a PNG (or takes a bitmap) onto a canvas at its own size; CSS enlarges it. */
export const draw = async (canvas, url) => {
  const bitmap = typeof url === "string" ? await sprite(url) : url;
  size(canvas, bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return bitmap;
};

/** Image i of a sprite onto a canvas. */
export const cell = (canvas, bitmap, i, columns, side = SIDE) => {
  size(canvas, side, side);
  canvas.getContext("2d").drawImage(bitmap, (i % columns) * side, Math.floor(i / columns) * side, side, side, 0, 0, side, side);
};

/** Image i of a sprite -> side * side grey bytes. */
export const pixels = (image, i = 0, columns = 1, side = SIDE) => {
  const pen = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, (i % columns) * side, Math.floor(i / columns) * side, side, side, 0, 0, side, side);
  const rgba = pen.getImageData(0, 0, side, side).data,
    grey = new Uint8ClampedArray(side * side);
  for (let p = 0; p < grey.length; p++) grey[p] = rgba[4 * p];
  return grey;
};

/** RGBA of count pixels from shade(i) -> [r, g, b], or null where nothing is to be seen. */
export const rgba = (count, shade) => {
  const data = new Uint8ClampedArray(4 * count);
  for (let p = 0; p < count; p++) {
    const c = shade(p);
    if (c) {
      data[4 * p] = c[0];
      data[4 * p + 1] = c[1];
      data[4 * p + 2] = c[2];
      data[4 * p + 3] = 255;
    }
  }
  return data;
};

const put = (canvas, width, count, shade) => {
  size(canvas, width, count / width);
  canvas.getContext("2d").putImageData(new ImageData(rgba(count, shade), width, count / width), 0, 0);
};

/** Grey bytes onto a canvas. */
export const paint = (canvas, grey, side = SIDE) => put(canvas, side, grey.length, p => [grey[p], grey[p], grey[p]]);

/** Pixels of shade(i) enlarged onto a canvas of any size, hard-edged. */
export const enlarged = (canvas, side, shade) => {
  const pen = canvas.getContext("2d"),
    small = new OffscreenCanvas(side, side);
  small.getContext("2d").putImageData(new ImageData(rgba(side * side, shade), side, side), 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  return pen;
};

const VIRIDIS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

/** 0 .. 1 -> [r, g, b], from dark violet to yellow. */
export const colour = u => {
  const x = Math.min(Math.max(u, 0), 1) * (VIRIDIS.length - 1),
    i = Math.min(Math.floor(x), VIRIDIS.length - 2),
    f = x - i;
  return VIRIDIS[i].map((c, k) => c + f * (VIRIDIS[i + 1][k] - c));
};

/** -1 .. 1 -> blue, white, orange; the same colours as pictures.signed in Python. */
export const signed = u => {
  const x = Math.min(Math.max(u, -1), 1),
    end = x < 0 ? [33, 102, 172] : [214, 84, 20],
    a = Math.abs(x);
  return end.map(c => 255 - a * (255 - c));
};

/**
 * Numbers as a heat map.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} numbers
 * @param {number} width
 * @param {{signed?: boolean, low?: number, high?: number}} [options]
 */
export const heat = (canvas, numbers, width, { signed: both = false, low, high } = {}) => {
  let top = high ?? -Infinity,
    bottom = low ?? Infinity;
  for (let i = 0; i < numbers.length; i++) {
    if (high === undefined && numbers[i] > top) top = numbers[i];
    if (low === undefined && numbers[i] < bottom) bottom = numbers[i];
  }
  const bound = Math.max(Math.abs(top), Math.abs(bottom), 1e-12);
  put(canvas, width, numbers.length, p =>
    both ? signed(numbers[p] / bound) : colour((numbers[p] - bottom) / Math.max(top - bottom, 1e-12)),
  );
};
