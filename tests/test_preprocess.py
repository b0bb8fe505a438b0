"""A drawing is prepared as its data set was: the data set's own images pass through unchanged."""

import io

import numpy as np
import pytest
from PIL import Image

from genviz.data.drawing import fit, read
from genviz.data.exhibit import exhibit


def png(pixels, mode=None):
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "PNG")
    return file.getvalue()


def centre_of_mass(x):
    i = np.arange(28)
    return (x.sum(1) @ i) / x.sum(), (x.sum(0) @ i) / x.sum()


def test_test_digits_stay_as_they_are():
    images, _ = exhibit("mnist")
    kept = sum(np.array_equal(fit(image, "mnist"), image) for image in images[:1000])
    assert kept >= 998  # the longer side of one image in 5,000 is not 20


def test_test_clothes_move_by_at_most_a_pixel():
    images, _ = exhibit("fashion_mnist")
    equal = 0
    for image in images[:500]:
        fitted = fit(image, "fashion_mnist")
        shifts = [np.roll(fitted, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        rows, columns = image.any(1).sum(), image.any(0).sum()
        equal += max(rows, columns) != 28 or any(np.array_equal(image, s) for s in shifts)
    assert equal >= 495


@pytest.mark.parametrize("where", [(3, 5), (100, 10), (30, 140)])
def test_a_digit_drawn_anywhere_at_any_size_is_centred(where):
    images, _ = exhibit("mnist")
    for image in images[:20]:
        large = np.asarray(Image.fromarray(image).resize((84, 84)))
        page = np.zeros((280, 280), np.uint8)
        page[where[0] : where[0] + 84, where[1] : where[1] + 84] = large
        fitted = fit(page, "mnist").astype(float)
        assert fitted.shape == (28, 28)
        assert all(13.4 <= c < 14.6 for c in centre_of_mass(fitted))
        rows, columns = fitted.any(1).sum(), fitted.any(0).sum()
        assert max(rows, columns) == 20
        near = [np.roll(fitted, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        assert max(np.corrcoef(x.ravel(), image.ravel())[0, 1] for x in near) > 0.85  # and it is still that digit


def test_the_longest_edge_of_clothes_is_28():
    page = np.zeros((200, 300), np.uint8)
    page[50:70, 20:260] = 200
    fitted = fit(page, "fashion_mnist")
    rows, columns = np.flatnonzero(fitted.any(1)), np.flatnonzero(fitted.any(0))
    assert len(columns) == 28 and len(rows) == 2 and rows.tolist() == [13, 14]


@pytest.mark.parametrize("data", ["mnist", "fashion_mnist"])
def test_an_empty_drawing_is_refused(data):
    with pytest.raises(ValueError, match="empty"):
        fit(np.zeros((280, 280), np.uint8), data)
    with pytest.raises(ValueError, match="empty"):
        read(png(np.full((50, 60), 255, np.uint8)))


def test_dark_ink_on_paper_becomes_bright_ink_on_black():
    paper = np.full((100, 80, 3), 240, np.uint8)
    paper[30:60, 35:45] = (20, 20, 90)
    ink = read(png(paper))
    assert ink.shape == (100, 80) and ink.max() == 255 and ink[0, 0] == 0
    assert ink[30:60, 35:45].min() > 250 and np.count_nonzero(ink) == 300


def test_ink_on_a_transparent_page():
    page = np.zeros((64, 64, 4), np.uint8)
    page[20:40, 30:34, 3] = 255
    ink = read(png(page))
    assert np.count_nonzero(ink) == 80 and ink[25, 31] == 255


def test_an_image_of_the_data_set_is_read_back_exactly():
    images, _ = exhibit("mnist")
    assert np.array_equal(read(png(images[7].copy())), images[7])


@pytest.mark.parametrize("file", [b"", b"hello", b"\x89PNG\r\n\x1a\n broken", b"GIF89a" + b"\0" * 40])
def test_a_wrong_file_is_refused_in_one_sentence(file):
    with pytest.raises(ValueError, match="no picture"):
        read(file)


def test_a_huge_file_is_refused():
    with pytest.raises(ValueError, match="8 MB"):
        read(b"\0" * (8 * 2**20 + 1))
