"""From a photograph of handwriting to its ink alone: uneven light, noise, lines, shadows and table edges stay behind.

One threshold for a whole picture takes the dim corner of a page for ink. What the eye does is local: ink is what differs from the paper
around it. In four steps, each on a copy as small as it may be:

1. The paper under the ink. A closing (a maximum, then a minimum, over a window wider than any stroke) fills whatever is dark and thin and
   leaves slopes and straight edges of light where they are; an opening does so for chalk on a board. Paper reflects a share of the light
   that falls on it, so the ink is 1 - g / paper, the same in light and shade (as in flat-field correction).
2. Which ink. Thresholds run down a ladder, and at each the connected regions are found (maximally stable extremal regions, Matas et al.
   2002, are found in this way). A region counts by contrast * sqrt(area): how surely it stands out of noise. Specks count little; regions
   along the border (table, shadow, vignette) and long straight lines (ruled paper) hardly at all. Both signs are tried: the surest wins.
3. What belongs to it: neighbours of the surest region that are not much weaker than it, as the bar of a 5.
4. The grey of its strokes, from the largest copy: the paper is fitted again around the region, the ink is scaled so that its strokes
   are white, and what lies outside the region or below the noise is black.

Numpy and Pillow only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

SEEN = 256  # longest side of the copy on which ink is looked for
COARSE = 96  # ... of the copy on which the paper is estimated
WIDEST = 0.4  # window of the closing, as a share of the shorter side
BROADEST = 0.3  # stroke, as a share of a region's longer side; what is broader is a sheet of paper on a table, hardly a digit
LADDER = 10  # thresholds


@dataclass(frozen=True, slots=True)
class Find:
    """A region of ink: how surely it stands out, whether it looks like strokes, its pixels (H, W) bool on the copy, above which level, and
    the ink (H, W) of that copy."""

    score: float
    stroke: bool
    region: np.ndarray
    level: float
    ink: np.ndarray
    dark: bool  # ink on paper; else chalk on a board


def ink_of(grey: np.ndarray) -> np.ndarray | None:
    """A photograph (H, W) uint8 -> the ink (h, w) uint8 of what is written on it, bright on black and cropped; None where nothing is."""
    small = _resized(grey.astype(np.float32), min(1.0, SEEN / max(grey.shape)))
    finds = [find for dark in (True, False) if (find := _search(small, dark)) is not None]
    if not finds:
        return None
    best = max(finds, key=lambda find: find.score)
    for other in finds:  # the hole of a 0 stands out as much as its ring, but lies inside
        if other.stroke and other.score > 0.2 * best.score and _encloses(other.region, best.region):
            best = other
    return _developed(grey.astype(np.float32), best)


def _resized(x: np.ndarray, factor: float, size: tuple[int, int] | None = None) -> np.ndarray:
    """x (H, W) float32 scaled by a factor, or to (height, width): averaged when it shrinks, blended when it grows."""
    height, width = size or tuple(max(1, round(length * factor)) for length in x.shape)
    if (height, width) == x.shape:
        return x
    how = Image.Resampling.BOX if height < x.shape[0] else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(x).resize((width, height), how))


# ---- the paper ---------------------------------------------------------------------------------------------------------


def paper_under(grey: np.ndarray, dark: bool) -> np.ndarray:
    """The paper (H, W) under dark ink, or the board under chalk, of a picture (H, W) float32."""
    coarse = _smooth(_resized(grey, min(1.0, COARSE / max(grey.shape))))
    window = max(3, round(WIDEST * min(coarse.shape)))
    sign = 1 if dark else -1
    filled = sign * _closing(sign * coarse, window)
    return _resized(filled, 1, grey.shape)


def _closing(x: np.ndarray, window: int) -> np.ndarray:
    """Maximum, then minimum, over a square window; slopes go on beyond the border."""
    margin = min(window, *(length - 1 for length in x.shape))
    wide = np.pad(x, margin, "reflect", reflect_type="odd")
    return -_maximum(-_maximum(wide, window), window)[margin:-margin, margin:-margin]


def _maximum(x: np.ndarray, window: int) -> np.ndarray:
    """The maximum over a square window (odd, or one more) around each pixel, by doubling: 2 log2(window / 2) passes each way."""
    radius, x = window // 2, x.copy()
    for y in (x, x.T):
        for way in (y, y[::-1]):  # over [i, i + radius], then over [i - radius, i] of that
            reach = 0
            while reach < radius:
                step = min(reach + 1, radius - reach)
                np.maximum(way[:-step], way[step:], out=way[:-step])
                reach += step
    return x


def _smooth(x: np.ndarray) -> np.ndarray:
    """x blurred by [1, 2, 1] / 4 both ways."""
    wide = np.pad(x, 1, "edge")
    wide = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    return (wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) / 16


def _ink(grey: np.ndarray, paper: np.ndarray, dark: bool) -> np.ndarray:
    """How much light is missing, or is too much: a share of the paper's light for ink, of white for chalk; (H, W) float32."""
    grey, paper = grey + 16, paper + 16
    return 1 - grey / paper if dark else 1 - paper / grey


def _noise(x: np.ndarray) -> float:
    """Standard deviation of the noise of a picture, from the median of its second differences, which edges hardly move."""
    second = x[2:] - 2 * x[1:-1] + x[:-2]
    return float(np.median(np.abs(second)) / 0.6745 / 6**0.5)


# ---- the search -----------------------------------------------------------------------------------------------------------


def _search(small: np.ndarray, dark: bool) -> Find | None:
    """The surest region of ink of a copy."""
    ink = _ink(small, paper_under(small, dark), dark)
    noise = _noise(ink)
    while noise > 0.02:
        ink, noise, small = _smooth(ink), noise * 0.4, _smooth(small)
    step = _ink(-_maximum(-small, 9), small, True) if dark else _ink(_maximum(small, 9), small, False)
    low, high = max(5 * noise, 0.06), float(ink.max())
    if high <= low:
        return None
    best = None
    for level in np.geomspace(low, 0.9 * high, LADDER):
        found = _surest(ink, level, step)
        if found is not None and (best is None or found[0] > best.score):
            best = Find(*found, level, ink, dark)
    return best


def _surest(ink: np.ndarray, level: float, step: np.ndarray) -> tuple[float, bool, np.ndarray] | None:
    """Score, whether it looks like strokes, and pixels (H, W) bool of the surest region above a level, with neighbours; None without one."""
    label, count = labelled(ink > level)
    if not count:
        return None
    rows, columns = np.nonzero(label)
    which, values = label[rows, columns] - 1, ink[rows, columns]
    area, mass = np.bincount(which, minlength=count), np.bincount(which, values, minlength=count)
    top, left, bottom, right = _boxes(which, rows, columns, count)
    longest = np.maximum(bottom - top, right - left)

    near = _maximum(label, 5)  # two pixels around lie the soft edges of strokes; then comes the paper
    ring = np.flatnonzero((near == 0) & (around := _maximum(near, 5)).astype(bool))
    owner = around.ravel()[ring] - 1
    outline = np.maximum(np.bincount(owner, minlength=count), 1)
    contrast = mass / area - np.maximum(np.bincount(owner, ink.ravel()[ring], minlength=count) / outline, 0)
    seen = np.bincount(owner, step.ravel()[ring] > 0.6 * contrast[owner], minlength=count) / outline

    edge = (rows == 0) | (columns == 0) | (rows == ink.shape[0] - 1) | (columns == ink.shape[1] - 1)
    contact = np.bincount(which, edge, minlength=count) / np.minimum(bottom - top, right - left)
    score = contrast * np.sqrt(area) * seen**8 / (1 + 40 * contact**3)
    score[(longest > 0.5 * min(ink.shape)) & (area < 0.03 * longest**2)] *= 0.02  # straight lines: long, and thin for their length

    main = int(score.argmax())
    size = longest[main]
    inside = np.pad(label[top[main] : bottom[main], left[main] : right[main]] == main + 1, 1)
    broad = not _maximum(~inside, round(BROADEST * size)).all()
    if broad:
        score[main] *= 0.1
    gap = np.maximum(np.maximum(top - bottom[main], top[main] - bottom), np.maximum(left - right[main], left[main] - right))
    joined = (gap < 0.3 * size) & (mass > 0.04 * mass[main]) & (score > 0.15 * score[main]) & (contact <= contact[main])
    joined[main] = True
    return float(score[main]), bool(seen[main] > 0.8 and not broad), np.concatenate([[False], joined])[label]


def _boxes(which: np.ndarray, rows: np.ndarray, columns: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Top, left, bottom, right (count,) of the pixels of each region, which come row by row; the last two lie outside."""
    order = np.argsort(which, kind="stable")
    first = np.searchsorted(which[order], np.arange(count))
    rows, columns = rows[order], columns[order]
    return (np.minimum.reduceat(rows, first), np.minimum.reduceat(columns, first),
            np.maximum.reduceat(rows, first) + 1, np.maximum.reduceat(columns, first) + 1)  # fmt: skip


def labelled(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Connected regions (8 neighbours) of a mask (H, W) bool -> their numbers from 1 (H, W), and how many there are.

    Runs of a row are nodes, runs that touch in the next row are edges; the least number travels along edges, and shortcuts halve the way.
    """
    height, width = mask.shape
    wide = np.zeros((height, width + 2), np.int8)
    wide[:, 1:-1] = mask
    change = np.diff(wide.ravel())
    start, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)  # a run covers (start, end] of the flat wide mask
    runs = len(start)
    if not runs:
        return np.zeros(mask.shape, np.int32), 0
    above_start, above_end = start - (width + 2), end - (width + 2)  # where a run would lie in the row above
    first, last = np.searchsorted(end, above_start), np.searchsorted(start, above_end, "right")  # runs [first, last) touch it
    many = np.maximum(last - first, 0)
    a = np.repeat(np.arange(runs), many)
    b = np.arange(len(a)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
    root = np.arange(runs)
    while True:
        least = np.minimum(root[a], root[b])
        new = root.copy()
        np.minimum.at(new, root[a], least)
        np.minimum.at(new, root[b], least)
        new = new[new[new]]
        if np.array_equal(new, root):
            break
        root = new
    names, number = np.unique(root, return_inverse=True)
    flat = np.zeros(height * (width + 2) + 1, np.int32)
    flat[start + 1] = number + 1
    flat[end + 1] -= number + 1
    return np.cumsum(flat, dtype=np.int32)[:-1].reshape(height, width + 2)[:, 1:-1], len(names)


def _box(region: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of a region's pixels; the last two lie outside."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


def _encloses(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether region b lies in a hole of region a."""
    near = _maximum(b.astype(np.float32), 9) > _maximum(b.astype(np.float32), 5)
    return bool(a[near].mean() > 0.7)


# ---- the grey of the strokes -------------------------------------------------------------------------------------------------


def _developed(grey: np.ndarray, find: Find) -> np.ndarray:
    """The ink of a region in the best resolution: uint8, strokes white, cropped."""
    shape = find.region.shape
    top, left, bottom, right = _box(find.region)
    room = max(2, round(0.25 * max(bottom - top, right - left)))
    top, left, bottom, right = max(0, top - room), max(0, left - room), min(shape[0], bottom + room), min(shape[1], right + room)
    factor = max(grey.shape) / max(shape)
    ends = [round(v * factor) for v in (top, left, bottom, right)]
    crop = grey[ends[0] : ends[2], ends[1] : ends[3]]
    ink = find.ink[top:bottom, left:right]
    region = find.region[top:bottom, left:right]
    near = _maximum(region.astype(np.float32), 3) > 0
    strokes = float(np.percentile(ink[region], 75))
    paper = _resized(paper_under(_resized(grey, 1 / factor, shape), find.dark)[top:bottom, left:right], 1, crop.shape)
    fine = _ink(crop, paper, find.dark)
    # what is no stroke is paper: its plane is taken off
    cover = _resized(near.astype(np.float32), 1, crop.shape)
    y, x = np.mgrid[: crop.shape[0], : crop.shape[1]]
    free = (cover < 0.01) & (fine < 0.5 * strokes)
    if free.sum() > 20:
        fine = fine - np.median(fine[free])
    value = np.clip(fine / strokes, 0, 1) * np.clip(cover, 0, 1)
    value[value < 0.15] = 0
    out = (value * 255 + 0.5).astype(np.uint8)
    return out
