"""The densities in the plane: samples, density and score tell one story, at every noise level."""

from __future__ import annotations

import math

import pytest
import torch

from genviz.data import examples, of
from genviz.data.points import draw, log_prob, points, score


def grid(step: float, half: float = 5.0) -> torch.Tensor:
    axis = torch.arange(-half, half, step, dtype=torch.float64) + step / 2
    return torch.cartesian_prod(axis, axis)


def test_names_are_one_list() -> None:
    assert len(of("points")) == 6


@pytest.mark.parametrize("data", of("points"))
@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_density_has_mass_one(data: str, sigma: float) -> None:
    assert float(log_prob(data, grid(0.05), sigma).exp().sum()) * 0.05**2 == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("data", of("points"))
@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_score_is_the_gradient_of_log_prob(data: str, sigma: float) -> None:
    rng = torch.Generator().manual_seed(0)
    x = (draw(data, 200, rng) + sigma * torch.randn(200, 2, generator=rng)).double()
    h = 1e-5
    for axis in (0, 1):
        shift = torch.zeros(2, dtype=torch.float64)
        shift[axis] = h
        slope = (log_prob(data, x + shift, sigma) - log_prob(data, x - shift, sigma)) / (2 * h)
        torch.testing.assert_close(score(data, x, sigma)[:, axis], slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("data", of("points"))
def test_samples_follow_the_density(data: str) -> None:
    """Mean log-density of samples = minus the entropy, computed by the grid; moments near 0 and 1."""
    x = points(data, "test")[0]
    logs = log_prob(data, grid(0.05))
    p = logs.exp()
    entropy = -float((p * logs.where(p > 0, 0.0)).sum()) * 0.05**2
    mine = -log_prob(data, x.double())
    assert float(mine.mean()) == pytest.approx(entropy, abs=4 * float(mine.std()) / math.sqrt(len(x)) + 2e-3)
    assert x.abs().max() < 2.6 and float(x.std(0).min()) > 0.5 and float(x.std(0).max()) < 1.4


@pytest.mark.parametrize("data", of("points"))
def test_splits_are_fixed_and_apart(data: str) -> None:
    sizes = {split: examples(data, split) for split in ("train", "held_out", "test")}
    assert [len(x) for x, _ in sizes.values()] == [50_000, 5_000, 10_000]
    assert all(x.dtype == torch.float32 and label.shape == (len(x),) for x, label in sizes.values())
    assert not torch.equal(sizes["train"][0][:5000], sizes["held_out"][0])


def test_checkerboard_without_noise_has_no_score() -> None:
    with pytest.raises(ValueError, match="noise"):
        score("checkerboard", torch.zeros(1, 2), 0.0)
    with pytest.raises(KeyError, match="two_moons"):
        draw("spiral", 3, torch.Generator().manual_seed(0))
