// The one pair that turns arrays into text and back: base64, as Python's pictures.from_base64 and ui read and write it.

/** @param {ArrayLike<number> & Iterable<number>} bytes numbers 0 to 255 */
export const encode = bytes => {
  let s = "";
  for (const b of bytes) s += String.fromCharCode(b);
  return btoa(s);
};

/** @param {string} text */
export const decode = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));

/** @param {string} text base64 of float32, as numpy's tobytes() */
export const floats = text => new Float32Array(decode(text).buffer);

/** Numbers in [-1, 1] -> grey bytes. @param {ArrayLike<number>} numbers */
export const grey = numbers => Uint8ClampedArray.from(numbers, x => 127.5 * x + 127.5);
