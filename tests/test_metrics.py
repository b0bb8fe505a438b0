"""Each metric against a closed form, another library or a plain loop; the shipped classifiers against the figures of their passports."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from genviz import checkpoint
from genviz.checkpoint import CheckpointError
from genviz.data.exhibit import exhibit
from genviz.likelihood import Likelihood, find
from genviz.metrics import classifier
from genviz.metrics.coverage import coverage
from genviz.metrics.distance import frechet, gaussian_frechet, kid, moments
from genviz.metrics.likelihood import bits_per_dim, log_likelihood


def clouds(n: int, m: int, d: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=rng, dtype=torch.float64)
    return torch.randn(n, d, generator=rng).double() @ mix, torch.randn(m, d, generator=rng).double() * 1.5 + 0.3


def test_frechet_of_two_gaussians_in_closed_form() -> None:
    mu_1, mu_2 = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 1.0, 0.5])
    s_1, s_2 = torch.tensor([0.5, 2.0, 1.0]), torch.tensor([1.5, 0.1, 3.0])  # standard deviations along shared axes
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q
    cov_1, cov_2 = (turn * s.square().double() @ turn.T for s in (s_1, s_2))
    expected = (mu_1 - mu_2).square().sum() + (s_1 - s_2).square().sum()  # commuting covariances
    assert gaussian_frechet(mu_1, cov_1, mu_2, cov_2) == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("n", [500, 20])  # 20 pictures of 32 features: singular covariances
def test_frechet_against_scipy(n: int) -> None:
    a, b = clouds(n, 400, 32)
    (mu_1, cov_1), (mu_2, cov_2) = ((v.mean(0), np.cov(v, rowvar=False)) for v in (a.numpy(), b.numpy()))
    expected = np.square(mu_1 - mu_2).sum() + np.trace(cov_1 + cov_2 - 2 * np.real(sqrtm(cov_1 @ cov_2)))
    assert frechet(a, b) == pytest.approx(expected, rel=1e-6 if n > 32 else 1e-3)
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-8)
    assert abs(frechet(a, a)) < 1e-6 * moments(a)[1].trace()


def test_frechet_needs_two_pictures() -> None:
    with pytest.raises(ValueError, match="at least two"):
        frechet(torch.zeros(1, 4), torch.zeros(5, 4))


def test_kid_against_torchmetrics_and_a_loop() -> None:
    from torchmetrics.image.kid import poly_mmd

    a, b = clouds(60, 60, 8)
    assert kid(a, b, block=7) == pytest.approx(poly_mmd(a, b).item(), rel=1e-9)
    a, b = a[:5], b[:4]

    def k(u: torch.Tensor, v: torch.Tensor) -> float:
        return (float(u @ v) / 8 + 1) ** 3

    own_a = sum(k(a[i], a[j]) for i in range(5) for j in range(5) if i != j) / 20
    own_b = sum(k(b[i], b[j]) for i in range(4) for j in range(4) if i != j) / 12
    assert kid(a, b) == pytest.approx(own_a + own_b - 2 * sum(k(u, v) for u in a for v in b) / 20, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "seed"), [(40, 30, 0), (25, 50, 1)])
def test_coverage_against_a_loop(n: int, m: int, seed: int) -> None:
    real, generated = clouds(n, m, 4, seed)
    generated[:3] = real[:3] + 0.01  # nearly the same pictures on both sides; exact ties would hang on the last bit

    def reach(points: torch.Tensor, k: int) -> list[float]:
        return [sorted(float((p - q).square().sum()) for j, q in enumerate(points) if j != i)[k - 1] for i, p in enumerate(points)]

    def inside(p: torch.Tensor, centre: torch.Tensor, radius: float) -> bool:
        return float((p - centre).square().sum()) <= radius

    near, own, far = reach(real, 3), reach(generated, 3), reach(real, 5)
    found = coverage(real, generated, block=7)
    assert found.precision == pytest.approx(np.mean([any(inside(g, r, t) for r, t in zip(real, near, strict=True)) for g in generated]))
    assert found.recall == pytest.approx(np.mean([any(inside(r, g, t) for g, t in zip(generated, own, strict=True)) for r in real]))
    assert found.density == pytest.approx(sum(inside(g, r, t) for g in generated for r, t in zip(real, far, strict=True)) / 5 / m)
    assert found.coverage == pytest.approx(np.mean([any(inside(g, r, t) for g in generated) for r, t in zip(real, far, strict=True)]))
    assert 0 < found.precision < 1 and 0 < found.recall < 1, "a case that tells nothing"


def test_coverage_of_extremes() -> None:
    real, _ = clouds(50, 1, 4)
    same, lost, collapsed = coverage(real, real.clone()), coverage(real, real + 1000), coverage(real, real[:1] + 1e-6 * real)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert (lost.precision, lost.recall, lost.density, lost.coverage) == (0, 0, 0, 0)
    assert collapsed.precision == 1 and collapsed.recall < 0.1 and collapsed.coverage < 0.3  # good but all alike
    with pytest.raises(ValueError, match="more than 5"):
        coverage(real[:5], real)


def test_bits_per_dim() -> None:
    assert bits_per_dim(784 * math.log(256), 784) == pytest.approx(8)  # a uniform byte costs 8 bits


class Coin:
    """Independent pixels, white with probability 1/4; its bounds are true bounds with known gaps."""

    device = torch.device("cpu")
    likelihoods = (
        Likelihood("exact", "log_prob", levels=2),
        Likelihood("iw", "importance_weighted", {"k": 500}, levels=2),
        Likelihood("elbo", "elbo", levels=2),
    )

    def prepare(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return (torch.rand(x.shape, generator=rng) < x / 255).float() * 2 - 1

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0, math.log(0.25), math.log(0.75)).flatten(1).sum(1)

    def elbo(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return self.log_prob(x) - 1

    def importance_weighted(self, x: torch.Tensor, k: int, rng: torch.Generator) -> torch.Tensor:
        return self.log_prob(x) - 1 / k


def test_log_likelihood() -> None:
    x = torch.zeros(7, 1, 28, 28, dtype=torch.uint8)
    x[3:] = 255
    coin = Coin()
    exactly = coin.likelihoods[0]
    parts = list(log_likelihood(coin, x, exactly, batch=3))
    assert [len(p) for p in parts] == [3, 3, 1]
    exact = torch.cat(parts)
    assert exact.tolist() == pytest.approx([784 * math.log(0.75)] * 3 + [784 * math.log(0.25)] * 4)
    for kind, gap in (("ELBO", 1), ("IW-1", 1), ("IW-500", 1 / 500)):
        found = torch.cat(list(log_likelihood(coin, x, find(coin.likelihoods, kind))))
        assert (exact - found).tolist() == pytest.approx([gap] * 7, abs=1e-4)
    grey = torch.full((6, 1, 28, 28), 128, dtype=torch.uint8)  # half of the pixels, by chance
    whole = torch.cat(list(log_likelihood(coin, grey, exactly, batch=2)))
    assert len(set(whole.tolist())) > 1
    assert torch.equal(whole[2:], torch.cat(list(log_likelihood(coin, grey, exactly, batch=2, first=2))))  # taken up half-way
    for kind in ("IW-0", "IW-", "exactly", ""):
        with pytest.raises(ValueError, match="there is exact, IW-500, ELBO"):
            find(coin.likelihoods, kind)
    with pytest.raises(ValueError, match="there is none"):
        find((), "ELBO")


def test_a_density_of_real_numbers_is_never_told_in_bits_of_bytes() -> None:
    assert [Likelihood("exact", "log_prob", levels=k).unit for k in (0, 2, 16, 256)] == ["nats", "nats", "bits/dim", "bits/dim"]
    with pytest.raises(ValueError, match="real numbers"):
        Likelihood("exact", "log_prob", levels=0, unit="bits/dim")
    with pytest.raises(ValueError, match="there are exact, ode"):
        Likelihood("guess", "log_prob")
    assert [Likelihood(k, "f", {"k": 500} if k == "iw" else {}).bound for k in ("exact", "ode", "iw", "elbo", "ais")] == [0, 0, 1, 1, 0]


def test_classifier_files_are_checked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    with pytest.raises(CheckpointError, match="python -m genviz.metrics.classifier mnist"):
        classifier.load("mnist")
    torch.manual_seed(0)
    net = classifier.Classifier(width=16).eval()
    facts = classifier.save(net, "mnist", {"args": {"width": 16}})
    assert json.loads((tmp_path / "classifier/features-mnist.json").read_text(encoding="utf-8")) == facts == classifier.passport("mnist")
    assert checkpoint.cards() == []  # a passport is no card
    x = torch.rand(3, 1, 28, 28) * 2 - 1
    features = classifier.features(x, "mnist", batch=2)
    assert features.shape == (3, 128) and features.dtype == torch.float64 and features.min() >= 0
    assert torch.allclose(net.head(features.float()), net(x), atol=1e-4)  # the features are what the last layer reads
    whole = classifier.path_of("mnist").read_bytes()
    classifier.path_of("mnist").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    classifier._load.cache_clear()
    with pytest.raises(CheckpointError, match="sha256"):
        classifier.load("mnist")


@pytest.mark.parametrize("data", ["mnist", "fashion_mnist"])
def test_augmentation_keeps_range_and_shape(data: str) -> None:
    x = torch.from_numpy(exhibit(data)[0][:64].copy()).unsqueeze(1).float() / 127.5 - 1
    y = classifier.augment(x, classifier.RECIPES[data][0], torch.Generator().manual_seed(0))
    assert y.shape == x.shape and y.min() >= -1.0001 and y.max() <= 1.0001
    assert (y != x).flatten(1).any(1).float().mean() > 0.8  # most pictures changed,
    assert y.mean() == pytest.approx(x.mean().item(), abs=0.15)  # none was lost


def test_a_new_block_starts_as_the_identity() -> None:
    small, deep = classifier.Classifier(16).eval(), classifier.Classifier(16, blocks=1).eval()
    deep.load_state_dict(small.state_dict(), strict=False)
    x = torch.rand(3, 1, 28, 28) * 2 - 1
    assert torch.allclose(small(x), deep(x), atol=1e-5)


SHIPPED = ("mnist", "fashion_mnist")


@pytest.mark.parametrize("data", SHIPPED)
def test_shipped_classifier_is_as_good_as_its_passport_says(data: str) -> None:
    measured = {m["name"]: m["value"] for m in classifier.passport(data)["metrics"]}
    assert measured["test_accuracy"] >= {"mnist": 99.5, "fashion_mnist": 93.5}[data]
    pictures, label = exhibit(data)
    net = classifier.load(data)
    with torch.no_grad():
        x = torch.from_numpy(pictures.copy()).unsqueeze(1).float() / 127.5 - 1
        right = torch.cat([net(part).argmax(1) for part in x.split(250)]) == torch.from_numpy(label.copy())
    share = measured["test_accuracy"] / 100
    spread = 100 * math.sqrt(share * (1 - share) / len(label))  # the exhibit is half of the test set
    assert 100 * right.float().mean().item() == pytest.approx(100 * share, abs=3 * spread)


@pytest.mark.parametrize("data", SHIPPED)
def test_classifier_on_the_whole_test_set(data_sets, data: str) -> None:
    measured = {m["name"]: m["value"] for m in classifier.passport(data)["metrics"]}
    assert classifier.accuracy(classifier.load(data), data, "test") == pytest.approx(measured["test_accuracy"], abs=0.03)


def test_a_table_of_counts_pays_for_what_it_does_not_know(monkeypatch) -> None:
    """A bit for each pixel of noise, as many as there are, never fewer than none."""
    from genviz.data import images as source
    from genviz.metrics import counting

    noise = torch.randint(0, 2, (300, 1, 28, 28), generator=torch.Generator().manual_seed(0)).mul(255).byte()
    monkeypatch.setattr(source, "images", lambda data, split: (noise, None))
    bits, _ = counting.score("mnist", 2)
    assert bits == pytest.approx(784, rel=0.01)


def test_nothing_is_below_the_entropy_of_the_binarisation(monkeypatch) -> None:
    """A perfect model of images that are all the same grey pays just that; bytes within their level cost what they cost."""
    from genviz.compare import measure

    grey = torch.full((5, 1, 28, 28), 51, dtype=torch.uint8)
    monkeypatch.setattr(measure, "images", lambda data, split: (grey, torch.zeros(5, dtype=torch.long)))
    for kept in (measure.entropy, measure.filling, measure.counting):
        kept.cache_clear()
    try:
        p = 0.2
        assert measure.entropy("grey") == pytest.approx(-784 * (p * math.log(p) + (1 - p) * math.log(1 - p)), rel=1e-6)
        monkeypatch.setattr("genviz.data.images.images", lambda data, split: (grey, None))
        assert 0 < measure.filling("grey", 16) < 0.02, "a level with one byte in it tells nearly all"
    finally:
        for kept in (measure.entropy, measure.filling, measure.counting):
            kept.cache_clear()


def test_quotas_of_classes_take_the_chance_out_of_the_floor() -> None:
    from genviz.compare import measure

    label = torch.tensor([0] * 600 + [1] * 300 + [2] * 100)
    assert measure.quotas(label, 7) == [(0, 4), (1, 2), (2, 1)]
    drawn = [measure.balanced(label, 50, torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    assert all(torch.bincount(label[d]).tolist() == [30, 15, 5] and len(set(d.tolist())) == 50 for d in drawn)
    assert drawn[0].tolist() != drawn[1].tolist()
    few = measure.chosen(torch.arange(100), 10)
    assert len(few) == 10 and few.max() > 20 and torch.equal(few, measure.chosen(torch.arange(100), 10))
