"""Placing a new point on a map, reading maps, and the formulas of interpolation."""

import sys

import numpy as np
import pytest

from genviz import checkpoint, map
from genviz.map import Map
from genviz.remap import Remaps
from genviz.ui.panels.interpolation import linear, spherical
from genviz.ui.panels.latent_plane import lattice


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    mu = rng.normal(size=(500, 12)).astype(np.float16).astype(np.float32)
    return Map(mu, rng.normal(size=(500, 2)).astype(np.float32) * 10, rng.integers(0, 10, 500), {})


def test_a_point_of_the_map_lands_on_itself(small):
    for i in range(0, 500, 25):
        assert np.allclose(small.place(small.mu[i]), small.xy[i], atol=1e-3)


def test_neighbours_are_those_of_a_full_search(small):
    mu = np.random.default_rng(1).normal(size=12)
    every = np.linalg.norm(small.mu - mu, axis=1)
    near, distance = small.neighbours(mu, 15)
    assert near.tolist() == np.argsort(every)[:15].tolist()
    assert np.allclose(distance, np.sort(every)[:15], atol=1e-4)


def test_a_new_point_is_the_weighted_mean_of_its_neighbours(small):
    mu = np.random.default_rng(2).normal(size=12)
    near, distance = small.neighbours(mu, 10)
    w = distance.astype(np.float64) ** -8
    assert np.allclose(small.place(mu, 10), (w[:, None] * small.xy[near]).sum(0) / w.sum(), atol=1e-3)
    few = small.xy[near]
    assert (few.min(0) - 1e-4 <= small.place(mu)).all() and (small.place(mu) <= few.max(0) + 1e-4).all()


def test_halfway_between_two_far_pairs_is_halfway_on_the_map():
    mu = np.array([[0, 0], [2, 0]] + [[90, 90]] * 20, np.float32)
    xy = np.array([[0, 0], [8, 4]] + [[-50, -50]] * 20, np.float32)
    assert np.allclose(Map(mu, xy, np.zeros(22, int), {}).place(np.array([1.0, 0.0])), [4, 2], atol=1e-4)


def test_without_a_map_the_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    map.read.cache_clear()
    with pytest.raises(ValueError, match="python -m genviz.map"):
        map.read("mnist")
    with pytest.raises(ValueError, match="fashion_mnist"):
        map.read("cifar")
    map.path("mnist").parent.mkdir()
    map.path("mnist").write_bytes(b"no safetensors")
    with pytest.raises(ValueError, match="cannot be read"):
        map.read("mnist")
    map.read.cache_clear()


@pytest.mark.parametrize("data", ["mnist", "fashion_mnist"])
def test_the_shipped_map(data):
    found = map.read(data)
    assert found.xy.shape == (5000, 2) and len(found.mu) == 5000 and np.isfinite(found.xy).all() and np.isfinite(found.mu).all()
    d2 = np.square(found.xy[:500, None] - found.xy[None]).sum(2)
    near = np.argsort(d2, axis=1)[:, 1:11]
    assert (found.labels[near] == found.labels[:500, None]).mean() > 0.6  # chance is 0.1


def test_the_line_and_the_arc():
    a, b, t = np.array([2.0, 0.0, 0.0]), np.array([0.0, 2.0, 0.0]), np.linspace(0, 1, 9)
    line, arc = linear(a, b, t), spherical(a, b, t)
    for path in (line, arc):
        assert np.allclose(path[0], a) and np.allclose(path[-1], b)
    assert np.allclose(line[4], [1, 1, 0])
    assert np.allclose(np.linalg.norm(arc, axis=1), 2)  # the arc keeps the distance from the origin
    assert np.allclose(np.degrees(np.arccos(arc[1:] @ a / 4)), np.arange(1, 9) * 90 / 8)  # and turns at constant speed


@pytest.mark.parametrize("b", [[2.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
def test_where_there_is_no_arc_there_is_the_line(b):
    a, t = np.array([1.0, 0.0]), np.linspace(0, 1, 5)
    assert np.allclose(spherical(a, np.array(b), t), linear(a, np.array(b), t))


def test_the_lattice_of_an_atlas_is_laid_like_the_screen():
    z = lattice(np.zeros(2, np.float32), *np.eye(2, dtype=np.float32), -3, 3, 5).reshape(5, 5, 2)
    assert z[0, 0].tolist() == [-3, 3] and z[0, -1].tolist() == [3, 3] and z[-1, 0].tolist() == [-3, -3] and z[2, 2].tolist() == [0, 0]
    a, p, q = np.array([1.0, 0, 0]), np.array([0.0, 1, 0]), np.array([0.0, 0, 1])
    z = lattice(a, p, q, 0, 1, 2)
    assert z.tolist() == [[1, 0, 1], [1, 1, 1], [1, 0, 0], [1, 1, 0]]


def test_without_umap_a_new_layout_is_refused_in_a_sentence(monkeypatch, small):
    monkeypatch.setitem(sys.modules, "umap", None)
    for ask in (lambda: map.layout(small.mu, 5, 0.1), lambda: Remaps().start({}, {})):
        with pytest.raises(ValueError, match=r"^A new layout needs .* pip install umap-learn$"):
            ask()
