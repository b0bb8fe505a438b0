"""From a photograph of handwriting to its ink alone: uneven light, noise, lines, shadows and table edges stay behind.

One threshold for a whole picture takes the dim corner of a page for ink. What the eye does is local: ink is what differs from the paper
around it. In four steps, each on a copy as small as it may be:

1. The paper under the ink. A closing (a maximum, then a minimum, over a window wider than any stroke) fills whatever is dark and thin and
   leaves slopes and straight edges of light where they are; an opening does so for chalk on a board. Paper reflects a share of the light
   that falls on it, so the ink is 1 - g / paper, the same in light and shade (as in flat-field correction).
2. Which ink. Thresholds run down a ladder, and at each the connected regions are found (as for the maximally stable extremal regions of
   Matas et al. 2002). A region counts by contrast * sqrt(area), which is how surely it stands out of noise: specks count little. Its
   outline must be seen in the picture itself, not in the estimate of the paper alone. Regions along the border (table, shadow) and long
   straight lines (ruled paper) hardly count. Both signs are tried: the surest region wins.
3. What belongs to it: neighbours of the surest region that are not much weaker than it, as the bar of a 5.
4. The grey of its strokes, from the largest copy: the ink is scaled so that strokes are white, what lies outside the region or is fainter
   than a seventh is black.

Clothes are no strokes: what differs from a smooth ground (fitted to the border of the picture) is the garment.

Numpy and Pillow only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genviz.data.morphology import box_of, closed, copy_of, labelled, maximum, noise_of, resized, smooth

SEEN = 256  # longest side of the copy on which ink is looked for
COARSE = 96  # ... of the copy on which the paper is estimated
WIDEST = 0.4  # window of the closing, as a share of the shorter side
BROADEST = 0.3  # stroke, as a share of a region's longer side; what is broader is a sheet of paper on a table, hardly a digit
LADDER = 10  # thresholds
FAINTEST = 0.06  # ink, as a share of the light
SURE = 1.5  # score of a region that is ink; empty sheets reach 1.3 with a noise of 20 levels, written ones have 2.9


@dataclass(frozen=True, slots=True)
class Find:
    """A region of ink on the copy that was searched, (H, W) bool: how surely it stands out, by how much, whether it looks like strokes."""

    score: float
    contrast: float
    stroke: bool
    region: np.ndarray
    ink: np.ndarray  # (H, W), of the whole copy
    dark: bool  # ink on paper; else chalk on a board


def ink_of(grey: np.ndarray) -> np.ndarray | None:
    """A photograph (H, W) uint8 -> the ink (h, w) uint8 of what is written on it, bright on black and cropped; None where nothing is."""
    picture = grey.astype(np.float32)
    small = copy_of(picture, SEEN, SEEN // 2)
    noise = noise_of(picture, 0.25) if small.size > picture.size else noise_of(small)  # strokes fill much of a tiny one
    finds = [find for dark in (True, False) if (find := _search(small, noise, dark)) is not None]
    best = max(finds, key=lambda find: find.score, default=None)
    if best is None or best.score < SURE:
        return None
    for other in finds:  # the hole of a 0 stands out as much as its ring, but lies inside
        as_sure = other.score > 0.2 * best.score and other.contrast > 0.5 * best.contrast
        if other.stroke and as_sure and _encloses(other.region, best.region):
            best = other
    return _developed(picture, small, best)


def paper_under(grey: np.ndarray, dark: bool) -> np.ndarray:
    """The paper (H, W) under dark ink, or the board under chalk, of a picture (H, W) float32."""
    coarse = smooth(copy_of(grey, COARSE))
    sign = 1 if dark else -1
    return resized(sign * closed(sign * coarse, max(3, round(WIDEST * min(coarse.shape)))), grey.shape)


def _ink(grey: np.ndarray, paper: np.ndarray, dark: bool) -> np.ndarray:
    """The share of the light that is missing in ink, or beside chalk; (H, W) float32. Almost black is black, whatever its ratio."""
    grey, paper = grey + 16, np.maximum(paper, 0) + 16
    return 1 - grey / paper if dark else 1 - paper / grey


def _search(small: np.ndarray, noise: float, dark: bool) -> Find | None:
    """The surest region of ink of a copy (H, W) with so much noise."""
    paper = paper_under(small, dark)
    noise /= 16 + max(0.0, float(np.median(paper if dark else small)))
    while noise > 0.02:
        small, noise = smooth(small), noise * 0.4
    ink = _ink(small, paper, dark)
    step = _ink(-maximum(-small, 9), small, True) if dark else _ink(maximum(small, 9), small, False)  # what the picture shows nearby
    step = step - 2 * noise  # and is no chance
    low, high = max(5 * noise, FAINTEST), float(ink.max())
    best = None
    for level in np.geomspace(low, 0.9 * high, LADDER) if low < high else ():
        found = _surest(ink, level, step)
        if found is not None and (best is None or found[0] > best.score):
            best = Find(*found, ink, dark)
    return best


def _surest(ink: np.ndarray, level: float, step: np.ndarray) -> tuple[float, float, bool, np.ndarray] | None:
    """Score, contrast, whether it looks like strokes, and pixels (H, W) bool, of the surest region above a level and its neighbours."""
    label, count = labelled(ink > level)
    if not count:
        return None
    rows, columns = np.nonzero(label)
    which, values = label[rows, columns] - 1, ink[rows, columns]
    area, mass = np.bincount(which, minlength=count), np.bincount(which, values, minlength=count)
    top, left, bottom, right = _boxes(which, rows, columns, count)
    longest = np.maximum(bottom - top, right - left)

    near = maximum(label, 5)  # two pixels around lie the soft edges of strokes; then comes the paper
    ring = np.flatnonzero((near == 0) & (around := maximum(near, 5)).astype(bool))
    owner = around.ravel()[ring] - 1
    outline = np.maximum(np.bincount(owner, minlength=count), 1)
    contrast = mass / area - np.maximum(np.bincount(owner, ink.ravel()[ring], minlength=count) / outline, 0)
    seen = np.bincount(owner, step.ravel()[ring] > 0.6 * contrast[owner], minlength=count) / outline

    edge = (rows == 0) | (columns == 0) | (rows == ink.shape[0] - 1) | (columns == ink.shape[1] - 1)
    contact = np.bincount(which, edge, minlength=count) / np.minimum(bottom - top, right - left)
    score = contrast * np.sqrt(area) * seen**8 / (1 + 15 * contact**3)
    score[(longest > 0.5 * min(ink.shape)) & (area < 0.03 * longest**2)] *= 0.02  # straight lines: long, and thin for their length

    main = int(score.argmax())
    size = longest[main]
    inside = np.pad(label[top[main] : bottom[main], left[main] : right[main]] == main + 1, 1)
    broad = not maximum(~inside, round(BROADEST * size)).all()
    if broad:
        score[main] *= 0.1
    gap = np.maximum(np.maximum(top - bottom[main], top[main] - bottom), np.maximum(left - right[main], left[main] - right))
    joined = (gap < 0.3 * size) & (mass > 0.04 * mass[main]) & (score > 0.15 * score[main]) & (contact <= contact[main])
    joined[main] = True
    return float(score[main]), float(contrast[main]), bool(seen[main] > 0.8 and not broad), np.concatenate([[False], joined])[label]


def _boxes(which: np.ndarray, rows: np.ndarray, columns: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Top, left, bottom, right (count,) of the pixels of each region, which come row by row; the last two lie outside."""
    order = np.argsort(which, kind="stable")
    first = np.searchsorted(which[order], np.arange(count))
    rows, columns = rows[order], columns[order]
    return (np.minimum.reduceat(rows, first), np.minimum.reduceat(columns, first),
            np.maximum.reduceat(rows, first) + 1, np.maximum.reduceat(columns, first) + 1)  # fmt: skip


def _encloses(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether region b lies in a hole of region a: a is what comes after b's soft edge."""
    return bool(a[maximum(b, 9) & ~maximum(b, 5)].mean() > 0.7)


def _developed(picture: np.ndarray, small: np.ndarray, find: Find) -> np.ndarray:
    """The ink of a find in the best resolution: uint8, strokes white, cropped with some room around."""
    top, left, bottom, right = box_of(find.region)
    top, left, bottom, right = box_of(find.region, max(2, round(0.25 * max(bottom - top, right - left))))
    ink, region = find.ink[top:bottom, left:right], find.region[top:bottom, left:right]
    strokes = float(np.percentile(ink[region], 75))
    reach = max(3, round(0.06 * max(region.shape)))  # down to half the strokes' ink, but not along a line far away
    near = maximum((ink > 0.45 * strokes) & maximum(region, reach), 3)

    factor = max(picture.shape) / max(small.shape)
    y0, x0, y1, x1 = (round(v * factor) for v in (top, left, bottom, right))
    crop = picture[y0:y1, x0:x1]
    cover = np.clip(resized(near.astype(np.float32), crop.shape), 0, 1)
    fine = _ink(crop, resized(paper_under(small, find.dark)[top:bottom, left:right], crop.shape), find.dark)
    rest = fine[(cover < 0.01) & (fine < 0.5 * strokes)]
    if len(rest) > 20:
        fine = fine - np.median(rest)  # what is no stroke is paper
    value = np.clip(fine / strokes, 0, 1) * cover
    return np.where(value < 0.15, 0, value * 255 + 0.5).astype(np.uint8)


def garment_of(grey: np.ndarray) -> np.ndarray | None:
    """A photograph (H, W) uint8 of a garment -> its greys (h, w) uint8 on black, negated where the ground is bright; None without one."""
    picture = grey.astype(np.float32)
    small = copy_of(picture, SEEN)
    off = small - _ground(small)
    sign = 1 if np.median(small - off) < 128 else -1
    while (noise := noise_of(off)) > 4:
        off = smooth(off)
    label, count = labelled(np.abs(off) > max(5 * noise, FAINTEST * 255))
    if not count:
        return None
    area = np.bincount(label.ravel(), minlength=count + 1)
    area[0] = 0
    region = (area > 0.05 * area.max())[label]
    top, left, bottom, right = box_of(maximum(region, 3))
    factor = max(picture.shape) / max(small.shape)
    y0, x0, y1, x1 = (round(v * factor) for v in (top, left, bottom, right))
    cover = resized(maximum(region, 3).astype(np.float32), small.shape)[top:bottom, left:right]
    ground = (small - off)[top:bottom, left:right]
    crop = picture[y0:y1, x0:x1]
    value = sign * (crop - resized(ground, crop.shape)) * np.clip(resized(cover, crop.shape), 0, 1)
    most = float(np.percentile(value, 99.5))
    if most < FAINTEST * 255:
        return None
    return np.where(value < 0.05 * most, 0, np.clip(value / most, 0, 1) * 255 + 0.5).astype(np.uint8)


def _ground(small: np.ndarray) -> np.ndarray:
    """A quadratic surface (H, W) through the border of a picture; what crosses the border is left out, in three rounds."""
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in small.shape)
    y, x = np.meshgrid(y, x, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], -1)
    on = np.maximum(np.abs(x), np.abs(y)) > 0.94
    a, b = terms[on], small[on]
    kept = np.abs(b - np.median(b)) < 64
    for _ in range(3):
        fitted = np.linalg.lstsq(a[kept], b[kept], rcond=None)[0]
        miss = np.abs(b - a @ fitted)
        kept = miss <= max(3 * 1.4826 * float(np.median(miss)), 4.0)
    return terms @ fitted
