"""The exhibit holds what it says: 500 test images of every class, byte for byte."""

import subprocess
import sys

import numpy as np
import pytest

from genviz.data import of
from genviz.data.exhibit import choose, exhibit, path


@pytest.mark.parametrize("data", of("image"))
def test_500_images_of_every_class(data):
    images, labels = exhibit(data)
    assert images.shape == (5000, 28, 28) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [500] * 10
    assert len(np.unique(images.reshape(5000, -1), axis=0)) > 4990  # no image stands in for another


@pytest.mark.parametrize("data", of("image"))
def test_order_is_shuffled_and_arrays_are_read_only(data):
    images, labels = exhibit(data)
    assert np.bincount(labels[:500]).min() > 25  # a prefix shows every class
    with pytest.raises(ValueError):
        images[0, 0, 0] = 1


@pytest.mark.parametrize("data", of("image"))
def test_equals_the_test_set(data_sets, data):
    from genviz.data.images import images as read

    x, label = (t.numpy() for t in read(data, "test"))
    images, labels = exhibit(data)
    chosen = choose(label)
    assert np.array_equal(images, x[chosen, 0]) and np.array_equal(labels, label[chosen])
    assert len(set(chosen.tolist())) == 5000


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(KeyError, match="fashion_mnist"):
        path("cifar")


def test_needs_no_torch():
    code = "import sys; from genviz.data.exhibit import exhibit; exhibit('mnist'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0
