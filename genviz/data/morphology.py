"""Neighbourhoods of pixels, in numpy and Pillow only: maxima over windows, regions that hang together, smaller copies, noise.

A maximum over a window, and the minimum that it is of the negative, are the dilation and the erosion of mathematical morphology (Serra
1982); a maximum followed by a minimum is a closing, which fills what is dark and narrower than the window.
"""

from __future__ import annotations

import numpy as np
from PIL import Image


def resized(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x (H, W) float32 in another size (height, width): averaged where it shrinks, blended where it grows."""
    if size == x.shape:
        return x
    how = Image.Resampling.BOX if size[0] < x.shape[0] else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(x).resize(size[::-1], how))


def copy_of(x: np.ndarray, longest: int, shortest: int = 0) -> np.ndarray:
    """x (H, W) float32 so that its longer side has at most `longest` pixels and at least `shortest`."""
    side = max(x.shape)
    factor = min(1.0, longest / side) if side > shortest else shortest / side
    return resized(x, (max(1, round(x.shape[0] * factor)), max(1, round(x.shape[1] * factor))))


def maximum(x: np.ndarray, window: int) -> np.ndarray:
    """The maximum over a square window (odd, or one more) around each pixel, by doubling: 2 log2(window / 2) passes each way."""
    radius, x = window // 2, x.copy()
    for y in (x, x.T):
        for way in (y, y[::-1]):  # over [i, i + radius], then over [i - radius, i] of that
            reach = 0
            while reach < min(radius, len(way) - 1):
                step = min(reach + 1, radius - reach)
                np.maximum(way[:-step], way[step:], out=way[:-step])
                reach += step
    return x


def closed(x: np.ndarray, window: int) -> np.ndarray:
    """Closing of x (H, W) with a square window; slopes go on beyond the border."""
    margin = min(window, *(length - 1 for length in x.shape))
    wide = np.pad(x, margin, "reflect", reflect_type="odd")
    filled = -maximum(-maximum(wide, window), window)
    return filled[margin : margin + x.shape[0], margin : margin + x.shape[1]]


def smooth(x: np.ndarray) -> np.ndarray:
    """x (H, W) blurred by [1, 2, 1] / 4 both ways; white noise keeps 3 / 8 of its deviation."""
    wide = np.pad(x, 1, "edge")
    wide = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    return (wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) / 16


def noise_of(x: np.ndarray, share: float = 0.5) -> float:
    """Standard deviation of the noise of x (H, W): of its second differences, the quantile that edges hardly move (0.5 or 0.25)."""
    if min(x.shape) < 3:
        return 0.0
    second = np.abs(x[2:] - 2 * x[1:-1] + x[:-2])
    return float(np.quantile(second, share) / {0.5: 0.6745, 0.25: 0.3186}[share] / 6**0.5)


def labelled(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Connected regions (8 neighbours) of a mask (H, W) bool -> their numbers from 1 (H, W) int32, and how many there are.

    Runs of a row are nodes, runs that touch in the next row are edges; the least number travels along edges, and shortcuts halve the way.
    """
    height, width = mask.shape[0], mask.shape[1] + 2
    wide = np.zeros((height, width), np.int8)
    wide[:, 1:-1] = mask
    change = np.diff(wide.ravel())
    start, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)  # a run covers (start, end] of the flat wide mask
    if not len(start):
        return np.zeros(mask.shape, np.int32), 0
    first, last = np.searchsorted(end, start - width), np.searchsorted(start, end - width, "right")  # runs above that touch it
    many = np.maximum(last - first, 0)
    run = np.repeat(np.arange(len(start)), many)
    above = np.arange(len(run)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
    root = np.arange(len(start))
    while True:
        least, new = np.minimum(root[run], root[above]), root.copy()
        np.minimum.at(new, root[run], least)
        np.minimum.at(new, root[above], least)
        new = new[new[new]]
        if np.array_equal(new, root):
            break
        root = new
    names, number = np.unique(root, return_inverse=True)
    flat = np.zeros(height * width + 1, np.int32)
    flat[start + 1] = number + 1
    flat[end + 1] -= (number + 1).astype(np.int32)
    return np.cumsum(flat, dtype=np.int32)[:-1].reshape(height, width)[:, 1:-1], len(names)


def box_of(region: np.ndarray, room: int = 0) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of a region's pixels (H, W) bool with some room around; the last two lie outside."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    height, width = region.shape
    return (max(0, int(rows[0]) - room), max(0, int(columns[0]) - room),
            min(height, int(rows[-1]) + 1 + room), min(width, int(columns[-1]) + 1 + room))  # fmt: skip
