"""Images as small lossless PNG files that the browser enlarges.

A sample of 28 x 28 pixels is sent as 28 x 28 pixels: the page enlarges it with `image-rendering: pixelated`, which is exact, and the
server saves the work. All images of one frame travel side by side in one grey PNG, a sprite. The writer below uses the Up filter (each
row minus the row above) and the deflate of isal, which packs as small as zlib's fastest setting in a third of the time (PNG
specification, W3C 2003, section 9).
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from isal import isal_zlib

SIDE = 28


def png(pixels: np.ndarray) -> bytes:
    """A PNG file from uint8 pixels: (H, W) grey or (H, W, 3) colour."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise ValueError(f"A picture is uint8 of shape (H, W) or (H, W, 3), not {pixels.dtype} {pixels.shape}.")
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 2  # filter type "Up"
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])  # uint8 wraps, as the filter asks
    data = isal_zlib.compress(filtered.tobytes(), 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def data_url(file: bytes) -> str:
    """PNG bytes as a URL that an <img> or `genviz.sprite` shows without another request."""
    return "data:image/png;base64," + base64.b64encode(file).decode()


def columns_of(n: int) -> int:
    """Columns of the squarest grid that holds n cells; the player and `grid` agree on it."""
    return max(1, math.ceil(math.sqrt(n)))


def grid(x: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Images x (n, 1, H, W) or (n, H, W) in [-1, 1] -> uint8 (rows * H, columns * W), row by row; empty cells are black. Images in colour
    (n, 3, H, W) -> uint8 (rows * H, columns * W, 3)."""
    if x.ndim == 4 and x.shape[1] == 3:
        return _lay(_bytes(x.transpose(0, 2, 3, 1)), columns)
    return _lay(_bytes(x.reshape(-1, *x.shape[-2:])), columns)


def _flat(x: np.ndarray) -> np.ndarray:
    """Numbers (n, C, H, W) or (n, H, W) -> (n, H, W) float32; of three colours the mean."""
    x = np.nan_to_num(np.asarray(x, np.float32))
    return x.mean(1) if x.ndim == 4 and x.shape[1] == 3 else x.reshape(-1, *x.shape[-2:])


def sprite(x: np.ndarray, columns: int | None = None) -> str:
    """`data_url(png(grid(x)))`: what a widget sends."""
    return data_url(png(grid(x, columns)))


def _bytes(x: np.ndarray) -> np.ndarray:
    """[-1, 1] -> 0 .. 255, rounded; what lies outside is clipped."""
    scaled = np.multiply(x, 127.5, dtype=np.float32)
    scaled += 128.0
    np.fmax(scaled, 0, out=scaled)  # fmax and fmin make 0 of "not a number"
    np.fmin(scaled, 255, out=scaled)
    return scaled.astype(np.uint8)


def _lay(cells: np.ndarray, columns: int | None) -> np.ndarray:
    """Cells (n, H, W) or (n, H, W, 3) uint8 side by side."""
    n, height, width = cells.shape[:3]
    columns = columns or columns_of(n)
    rows = -(-n // columns)
    if rows * columns > n:
        cells = np.concatenate([cells, np.zeros((rows * columns - n, *cells.shape[1:]), np.uint8)])
    tail = cells.shape[3:]
    return cells.reshape(rows, columns, height, width, *tail).swapaxes(1, 2).reshape(rows * height, columns * width, *tail)


def signed(x: np.ndarray, columns: int | None = None, limit: float | None = None) -> np.ndarray:
    """Heat map of numbers with a sign (a score, a difference): (n, C, H, W) -> uint8 (rows * H, columns * W, 3).

    Negative is blue, zero white, positive orange-red; `limit` is the number of the full colour (default: the largest absolute value of
    each image). Blue and orange stay apart for colour-blind eyes.
    """
    x = _flat(x)
    bound = np.abs(x).max(axis=(1, 2), keepdims=True) if limit is None else np.float32(limit)
    u = np.clip(x / np.maximum(bound, 1e-12), -1, 1)[..., None]
    colours = np.where(u < 0, 255 + u * (255 - _COLD), 255 - u * (255 - _WARM))
    return _lay((colours + 0.5).astype(np.uint8), columns)


_COLD = np.array([33, 102, 172], np.float32)
_WARM = np.array([214, 84, 20], np.float32)


def heat(x: np.ndarray, columns: int | None = None, limit: float | None = None) -> np.ndarray:
    """Heat map of numbers from 0 up (an entropy, a probability): (n, C, H, W) -> uint8 (rows * H, columns * W, 3), dark blue to yellow."""
    x = _flat(x)
    bound = x.max(axis=(1, 2), keepdims=True) if limit is None else np.float32(limit)
    u = np.clip(x / np.maximum(bound, 1e-12), 0, 1) * (len(_VIRIDIS) - 1)
    low = np.minimum(u.astype(int), len(_VIRIDIS) - 2)
    colours = _VIRIDIS[low] + (u - low)[..., None] * (_VIRIDIS[low + 1] - _VIRIDIS[low])
    return _lay((colours + 0.5).astype(np.uint8), columns)


_VIRIDIS = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], np.float32)


def from_base64(text: str, shape: Sequence[int | None] = (1, SIDE, SIDE)) -> np.ndarray:
    """One image as the page sends it (`encode` of core/arrays.js: its bytes row by row, colours side by side) -> float32 (1, *shape) in
    [-1, 1]. ValueError with one sentence for anything else."""
    channels, height, width = shape
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        data = b""
    if len(data) != channels * height * width:
        raise ValueError(f"An image is needed here: {height} x {width} {'grey pixels' if channels == 1 else 'pixels in colour'}.")
    x = np.frombuffer(data, np.uint8).astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(x.reshape(1, height, width, channels).transpose(0, 3, 1, 2))
