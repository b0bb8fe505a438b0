"""Photographs of handwriting are read: in each of two dozen ways of photographing paper, and where there is nothing to read."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

import numpy as np
import photograph as ways
import pytest
from PIL import Image

from genviz.data.drawing import fit, prepared, read
from genviz.data.morphology import labelled

COUNT = 20
_right: Counter[str] = Counter()


@pytest.mark.parametrize("way", ways.WAYS, ids=lambda way: way.__name__)
def test_a_photographed_digit_is_called_by_its_name(way) -> None:
    _right[way.__name__] = int(ways.called_right(*ways.photographs(way, COUNT)).sum())
    assert _right[way.__name__] >= 0.9 * COUNT


def test_nineteen_of_twenty_are_right_over_all_ways() -> None:
    for way in ways.WAYS:  # those that were photographed above, and those that another process had
        if way.__name__ not in _right:
            _right[way.__name__] = int(ways.called_right(*ways.photographs(way, COUNT)).sum())
    assert sum(_right.values()) >= 0.95 * COUNT * len(ways.WAYS)


@pytest.mark.parametrize("noise", [0, 3, 8])
def test_an_empty_sheet_is_refused(noise: int) -> None:
    rng = np.random.default_rng(noise)
    for _ in range(5):
        shot = ways.any_shot(rng, noise=noise)
        sheet = np.full((shot.height, shot.width, 3), 230.0)
        with pytest.raises(ValueError, match="empty"):
            read(ways.expose(sheet, ways.falling(shot, rng, 0.25), shot, rng))
        with pytest.raises(ValueError, match="empty"):
            read(ways.expose(sheet, ways.waves(shot, rng, 0.3), shot, rng))


@pytest.mark.parametrize("noise", [0, 4])
def test_a_garment_keeps_its_greys_in_uneven_light(noise: int) -> None:
    rng, shot = np.random.default_rng(noise), ways.Shot(400, 400, 0.7, paper=(245,) * 3, ink=(10,) * 3, noise=noise)
    for garment in ways.exhibit("fashion_mnist")[0][:12]:
        clean = prepared(ways.expose(ways.lay(garment, shot)[0], 1.0, replace(shot, noise=0), rng), "fashion_mnist")
        photographed = prepared(ways.expose(ways.lay(garment, shot)[0], ways.falling(shot, rng, 0.25), shot, rng), "fashion_mnist")
        near = [np.roll(photographed, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        assert max(np.corrcoef(x.ravel(), clean.ravel())[0, 1] for x in near) > 0.9


def test_regions_are_those_that_hang_together() -> None:
    spiral = ["#######", "......#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######"]
    mask = np.array([[c == "#" for c in row] for row in spiral])
    label, count = labelled(mask)
    assert count == 1 and np.array_equal(label > 0, mask)
    label, count = labelled(np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]], bool))
    assert count == 3 and label[0, 0] == label[1, 1] and len({label[0, 0], label[0, 3], label[2, 3]}) == 3
    assert labelled(np.zeros((3, 4), bool))[1] == 0


def test_twelve_megapixels_read_like_their_small_copy() -> None:
    rng, shot = np.random.default_rng(0), ways.Shot(height=768, width=1024, noise=4)
    small = ways.expose(ways.lay(ways.exhibit("mnist")[0][11], shot)[0], ways.falling(shot, rng, 0.25), shot, rng)
    large = io.BytesIO()
    Image.open(io.BytesIO(small)).resize((4096, 3072)).save(large, "JPEG", quality=85)
    a, b = fit(read(small), "mnist"), fit(read(large.getvalue()), "mnist")
    assert np.abs(a.astype(float) - b).mean() < 4
