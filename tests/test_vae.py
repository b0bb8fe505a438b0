"""VAE: its bounds against the exact log p(x) of a 2-D latent, its KL against torch.distributions, its walk and its answers."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

from genviz.checkpoint import Card, load, save
from genviz.families.vae.vae import VAE, VAEKnobs, gaussian_kl, log_normal

SHAPES = [{"z_dim": 2, "net": "mlp", "width": 16}, {"z_dim": 5, "net": "conv", "width": 16}]


def small(noise: float = 0.0, **args) -> VAE:
    """A small net with random weights; `noise` makes its pictures and clouds differ more."""
    torch.manual_seed(0)
    model = VAE(**args).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter += noise * torch.randn_like(parameter)
    return model


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, seed: int = 0) -> torch.Tensor:
    """Random black and white pictures, -1 or 1."""
    return (torch.rand(n, 1, 28, 28, generator=seeded(seed)) < 0.3).float() * 2 - 1


@pytest.fixture(params=SHAPES, ids=lambda a: a["net"])
def model(request) -> VAE:
    return small(0.1, **request.param)


@pytest.fixture(scope="module")
def exact() -> tuple[VAE, torch.Tensor, torch.Tensor]:
    """A model with two latents, pictures that it drew, and their log p(x) by brute force: a sum over a fine grid of z."""
    model = small(**SHAPES[0])
    model.decoder[0].weight *= 3  # pictures that depend on z, so that there is a posterior to miss
    frames = list(model.sample(6, VAEKnobs(show="sample"), seeded(3)))
    x = frames[-1].x
    axis = torch.linspace(-6, 6, 121)
    z = torch.cartesian_prod(axis, axis)
    cell = (axis[1] - axis[0]).item() ** 2
    log_prior = log_normal(z)
    assert math.isclose((log_prior.exp().sum() * cell).item(), 1, abs_tol=1e-4)
    logits = model.logits(z)
    log_p = [(F.logsigmoid(picture * logits).flatten(1).sum(1) + log_prior).logsumexp(0) + math.log(cell) for picture in x]
    return model, x, torch.stack(log_p)


def mean_bound(model: VAE, x: torch.Tensor, k: int, draws: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard error of the bound with k draws per picture, each (B,)."""
    many = model.importance_weighted(x.repeat(draws, 1, 1, 1), k, seeded(k), chunk=2400).view(draws, -1)
    return many.mean(0), many.std(0) / math.sqrt(draws)


def test_the_elbo_lies_below_the_exact_likelihood(exact) -> None:
    model, x, log_p = exact
    elbo = torch.stack([model.elbo(x, seeded(s)) for s in range(400)])
    assert (elbo.mean(0) < log_p - 0.01).all()
    assert (log_p - elbo.mean(0)).max() > 0.5  # an untrained encoder misses by a lot: the case is not trivial


def test_bounds_rise_with_k_towards_the_exact_likelihood(exact) -> None:
    model, x, log_p = exact
    elbo = torch.stack([model.elbo(x, seeded(s)) for s in range(400)]).mean(0)
    last, error = mean_bound(model, x, 1)
    assert ((last - elbo).abs() < 5 * error * math.sqrt(2)).all()  # IW-1 is an ELBO
    for k in (5, 50):
        bound, error = mean_bound(model, x, k)
        assert (bound > last).all() and (bound < log_p + 4 * error).all()
        last = bound
    tight, error = mean_bound(model, x, 3000, draws=4)
    assert ((tight - log_p).abs() < 0.3).all()


def test_the_bound_does_not_depend_on_chunks() -> None:
    model, x = small(0.1, **SHAPES[0]), pictures(8)  # 8 x 2 numbers a draw: torch fills blocks of 16, so equal noise in any chunk
    whole = model.importance_weighted(x, 12, seeded(), chunk=1000)
    assert torch.allclose(model.importance_weighted(x, 12, seeded(), chunk=1), whole, atol=1e-3)
    assert torch.allclose(model.importance_weighted(x, 12, seeded(), chunk=40), whole, atol=1e-3)  # 5 + 5 + 2 draws


def test_kl_and_normal_against_torch() -> None:
    mu, log_var, z = torch.randn(3, 8, 4, generator=seeded())
    q, p = Normal(mu, (log_var / 2).exp()), Normal(0.0, 1.0)
    assert torch.allclose(gaussian_kl(mu, log_var), kl_divergence(q, p), atol=1e-6)
    assert torch.allclose(log_normal(z, mu, log_var), q.log_prob(z).sum(1), atol=1e-5)
    assert torch.allclose(log_normal(z), p.log_prob(z).sum(1), atol=1e-5)


def test_parts_add_up(model: VAE) -> None:
    x = pictures(7)
    reconstruction, kl, each = model.parts(x, seeded(1))
    assert each.shape == (7, model.z_dim) and (each >= 0).all()
    assert torch.allclose(each.sum(1), kl)
    assert torch.equal(model.elbo(x, seeded(1)), reconstruction - kl)
    mu, log_var = model.encode(x)
    z = mu + (log_var / 2).exp() * torch.randn(mu.shape, generator=seeded(1))
    probability = (model.decode(z) + 1) / 2
    direct = -F.binary_cross_entropy(probability, (x + 1) / 2, reduction="none").flatten(1).sum(1)
    assert torch.allclose(reconstruction, direct, rtol=1e-4)


def test_shapes_and_ranges(model: VAE) -> None:
    x = pictures(3)
    mu, log_var = model.encode(x)
    assert mu.shape == log_var.shape == (3, model.z_dim)
    for y in (model.decode(30 * torch.randn(3, model.z_dim, generator=seeded())), model.reconstruct(x)):
        assert y.shape == x.shape and y.abs().max() <= 1
    assert torch.equal(model.reconstruct(x), model.decode(mu))


def test_training_pictures_are_black_or_white_at_their_grey(model: VAE) -> None:
    grey = torch.full((1, 1, 28, 28), 64, dtype=torch.uint8).repeat(200, 1, 1, 1)
    x = model.prepare(grey, seeded())
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    assert abs((x > 0).float().mean().item() - 64 / 255) < 0.005
    assert model.pixels == "binary"


@pytest.mark.parametrize("spherical", [False, True])
def test_interpolation_ends_at_its_pictures(model: VAE, spherical: bool) -> None:
    a, b = pictures(2, 1), pictures(2, 2)
    path = model.interpolate(a, b, steps=5, spherical=spherical)
    assert path.shape == (2, 5, 1, 28, 28) and path.isfinite().all()
    assert torch.allclose(path[:, 0], model.reconstruct(a), atol=1e-4) and torch.allclose(path[:, -1], model.reconstruct(b), atol=1e-4)
    same = model.interpolate(a, a, steps=3, spherical=spherical)  # no arc between a point and itself
    assert torch.allclose(same[:, 1], model.reconstruct(a), atol=1e-4)


def test_sampling_is_one_step_and_leaves_no_gradient(model: VAE) -> None:
    model.requires_grad_(True)
    first, last = model.sample(4, VAEKnobs(), seeded(5))
    assert (first.step, last.step, last.steps, first.nfe, last.nfe) == (0, 1, 1, 0, 1)
    assert not last.x.requires_grad and torch.is_grad_enabled()
    assert torch.equal(last.x, model.decode(last.aux["z"])) and torch.equal(first.aux["z"], last.aux["z"])
    assert torch.equal(last.x, list(model.sample(4, VAEKnobs(), seeded(5)))[-1].x)
    assert not torch.equal(last.x, list(model.sample(4, VAEKnobs(), seeded(6)))[-1].x)
    assert torch.equal(last.x, model.draw(4, seeded(5)))


def test_knobs_do_what_they_say(model: VAE) -> None:
    still = list(model.sample(3, VAEKnobs(temperature=0.0), seeded()))[-1]
    assert torch.equal(still.x, model.decode(torch.zeros(3, model.z_dim)))
    drawn = [list(model.sample(1, VAEKnobs(temperature=0.0, show="sample"), seeded(s)))[-1].x for s in range(300)]
    assert set(torch.stack(drawn).unique().tolist()) == {-1.0, 1.0}
    assert (torch.cat(drawn).mean(0) - still.x[0]).abs().mean() < 0.06  # drawn pixels average to the mean picture


def test_loss_weighs_the_kl_and_turns_to_the_tighter_bound() -> None:
    x, label = pictures(4), torch.zeros(4, dtype=torch.int64)
    for beta in (0.25, 4.0):
        model = small(0.1, beta=beta, **SHAPES[0])
        reconstruction, kl, _ = model.parts(x, seeded())
        assert torch.isclose(model.loss(x, label, seeded()), (beta * kl - reconstruction).mean())
    model = small(0.1, k=5, k_from=2, **SHAPES[0]).train()
    for step in range(1, 5):
        plain, tight = -model.elbo(x, seeded()).mean(), -model.importance_weighted(x, 5, seeded(), chunk=20).mean()
        assert torch.isclose(model.loss(x, label, seeded()), plain if step <= 2 else tight)
    assert model.eval().loss(x, label, seeded()) == tight and model.seen == 4  # looking is not training
    with pytest.raises(ValueError, match="beta"):
        VAE(beta=4.0, k=5)


def test_gradients_reach_every_weight_under_both_losses(model: VAE) -> None:
    for k in (1, 4):
        model.k, model.seen, model.k_from = k, torch.tensor(1), 0
        model.requires_grad_(True).zero_grad()
        model.loss(pictures(4), torch.zeros(4), seeded()).backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_a_checkpoint_keeps_the_count_of_steps(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("genviz.checkpoint.PRETRAINED", tmp_path)
    args = {"z_dim": 5, "net": "conv", "width": 16, "k": 5, "k_from": 2}
    model = small(**args)
    model.seen += 7
    card = save(model, Card("vae", "vae", "mnist", "VAE", args, 0, {}, 0.0, "", 0))
    again = load(card)
    assert again.seen == 7
    assert torch.allclose(again.reconstruct(pictures(2)), model.reconstruct(pictures(2)), atol=5e-3)  # weights are kept in fp16
