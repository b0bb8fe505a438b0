"""The plane: what is shipped of the truth, the small models of three families against closed forms, and the panel's questions."""

from __future__ import annotations

import asyncio
import base64
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genviz import checkpoint
from genviz.data import DATA, of
from genviz.data import plane as shown
from genviz.data.points import log_prob, points, score
from genviz.engine import Shot
from genviz.families.autoregressive.plane import PlanePixels
from genviz.families.diffusion.diffusion import SAMPLERS
from genviz.families.diffusion.plane import SCHEDULE, PlaneDiffusion
from genviz.families.vae.plane import PlaneVAE, log_normal
from genviz.family import Recipe
from genviz.training.fit import fit
from genviz.ui import film, panels
from genviz.ui.panels.plane import ARROWS, LAYERS, MESH, PART, Plane, layers


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def grid(cells: int = 400, half: float = 4.0) -> tuple[torch.Tensor, float]:
    """Places (cells^2, 2) and the area of a cell."""
    axis = half * ((2 * torch.arange(cells) + 1) / cells - 1)
    return torch.cartesian_prod(axis, axis), (2 * half / cells) ** 2


def random(kind: type, **args):
    """A model whose weights are stirred, so that it is no longer what it was made to be at the start."""
    torch.manual_seed(0)
    model = kind(**args).eval().requires_grad_(False)
    for p in model.parameters():
        p += 0.1 * torch.randn_like(p)
    return model


def trained(name: str, kind: type, data: str = "eight_gaussians", steps: int = 600, **args) -> list[tuple[str, torch.nn.Module]]:
    """The shipped weights of "family/plane" with their data sets, or one model after a few seconds of training where none are shipped."""
    cards = [c for c in checkpoint.cards() if c.name == name]
    if cards:
        return [(c.data, checkpoint.load(c)) for c in cards]
    torch.manual_seed(0)
    model = kind(**args)
    for _ in fit(model, Recipe(epochs=steps / 200, batch=250, lr=3e-3, ema=0.99), data):
        pass
    return [(data, model.requires_grad_(False))]


# ---- the truth that is shipped


@pytest.mark.parametrize("data", of("points"))
def test_the_shipped_truth_is_the_formulas(data: str) -> None:
    x, log_p = shown.truth(data)
    assert x.shape == (2000, 2) and np.allclose(x, points(data, "test")[0][:2000], atol=2e-3)
    exact = log_prob(data, torch.from_numpy(shown.lattice()).double()).numpy().reshape(120, 120)
    assert np.allclose(np.exp(log_p), np.exp(exact), rtol=0.02, atol=1e-3)
    assert np.exp(log_p.astype(np.float64)).sum() * 0.05**2 == pytest.approx(1, abs=5e-3)
    with pytest.raises(ValueError):
        x[0] = 0


@pytest.mark.parametrize("data", of("points"))
@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_noise_blurs_the_density(data: str, sigma: float) -> None:
    density, arrows = shown.noisy(data, sigma, 24)
    x = torch.from_numpy(shown.lattice(24)).double()
    exact = log_prob(data, x, sigma).exp().numpy().reshape(24, 24)
    assert np.abs(density - exact).max() < 0.005 * exact.max()
    near = exact.ravel() > 1e-6  # where anybody looks; further out the formula of the checkerboard runs out of digits
    assert np.allclose(arrows[near], score(data, x, sigma).numpy()[near], rtol=0.05, atol=0.2)


def test_a_lattice_is_read_like_a_screen() -> None:
    x = shown.lattice(4)
    assert x[0].tolist() == [-2.25, 2.25] and x[1].tolist() == [-0.75, 2.25] and x[-1].tolist() == [2.25, -2.25]
    with pytest.raises(KeyError, match="two_moons"):
        shown.truth("mnist")


# ---- autoregressive


def test_two_mixtures_make_a_density() -> None:
    model, (x, area) = random(PlanePixels, components=4, width=16), grid(600, 12)
    assert float(model.log_prob(x).double().exp().sum()) * area == pytest.approx(1, abs=1e-3)


def test_x1_comes_first_and_stays() -> None:
    model = random(PlanePixels)
    empty, half, whole = (f.x for f in model.sample(50, PlanePixels.Knobs(), seeded()))
    assert not empty.any() and not half[:, 1].any()
    assert torch.equal(half[:, 0], whole[:, 0]) and whole[:, 1].std() > 0


def test_samples_follow_the_mixtures() -> None:
    """The mean of log p over samples is minus the entropy of the model, which a grid computes."""
    model, (x, area) = random(PlanePixels, components=4, width=16), grid(600, 12)
    logs = model.log_prob(x).double()
    *_, last = model.sample(20_000, PlanePixels.Knobs(), seeded())
    mine = model.log_prob(last.x)
    assert float(mine.mean()) == pytest.approx(float((logs.exp() * logs).sum()) * area, abs=5 * float(mine.std()) / math.sqrt(20_000))
    *_, cold = model.sample(2000, PlanePixels.Knobs(temperature=0.1), seeded())
    assert model.log_prob(cold.x).mean() > mine.mean() + 0.5


def test_likelihood_training_comes_near_the_entropy() -> None:
    for data, model in trained("autoregressive/plane", PlanePixels):
        x = points(data, "test")[0]
        excess = float((log_prob(data, x) - model.log_prob(x)).mean())
        assert -0.01 < excess < 0.15, (data, excess)  # nats: KL(data || model), up to the chance of 10,000 points


# ---- VAE


def test_bounds_rise_to_the_integral_over_z() -> None:
    model, (z, area) = random(PlaneVAE, width=16), grid(500, 7)
    x = points("rings", "test")[0][:40]
    mean, log_var = model.observe(z)
    joint = torch.stack([log_normal(point, mean, log_var) for point in x]) + log_normal(z)  # (40, places)
    exact = joint.double().logsumexp(1) + math.log(area)
    many = x.repeat_interleave(400, 0)
    bounds = [model.elbo(many, seeded()).double(), *(model.importance_weighted(many, k, seeded()).double() for k in (4, 32))]
    means = [float(b.mean()) for b in bounds] + [float(exact.mean())]
    assert means == sorted(means) and means[1] - means[0] > 1e-3, means
    weights = model.importance_weighted(many, 32, seeded()).double().view(40, 400).exp()  # the average inside the log has no bias
    assert ((weights.mean(1) - exact.exp()).abs() < 5 * weights.std(1) / 20).all()


def test_one_draw_of_the_weighted_bound_is_an_elbo() -> None:
    model = random(PlaneVAE, width=16)
    x = torch.zeros(50_000, 2)
    one, elbo = model.importance_weighted(x, 1, seeded()), model.elbo(x, seeded(1))
    assert float(one.mean()) == pytest.approx(float(elbo.mean()), abs=5 * float(one.std()) / math.sqrt(len(x)))


def test_z_is_decoded_and_x_drawn_around_it() -> None:
    model = random(PlaneVAE)
    z, mean, x = (f.x for f in model.sample(4000, PlaneVAE.Knobs(), seeded()))
    assert torch.equal(mean, model.decode(z))
    assert torch.allclose(((x - mean) / (model.observe(z)[1] / 2).exp()).std(0), torch.ones(2), atol=0.05)
    still = list(model.sample(3, PlaneVAE.Knobs(temperature=0), seeded()))[1].x
    assert torch.allclose(still, model.decode(torch.zeros(1, 2)).expand(3, 2))


def test_latents_are_put_to_use() -> None:
    for data, model in trained("vae/plane", PlaneVAE):
        x = points(data, "test")[0][:1000]
        blind = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov())  # the best Gaussian, as if z said nothing
        gain = float((model.importance_weighted(x, 32, seeded()) - blind.log_prob(x)).mean())
        assert gain > 0.3, (data, gain)


# ---- diffusion


def exact_v(data: str):
    """v_hat of a perfect network: x0_hat follows from the true score, eps_hat and v from x0_hat."""

    def v(x_t, t):
        alpha, sigma = SCHEDULE.alpha(t)[:, None], SCHEDULE.sigma(t)[:, None]
        ratio = float((sigma / alpha)[0])
        x0_hat = x_t / alpha + ratio**2 * score(data, x_t / alpha, ratio)
        eps_hat = (x_t - alpha * x0_hat) / sigma
        return alpha * eps_hat - sigma * x0_hat

    return v


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_perfect_network_walks_to_the_data(sampler: str, monkeypatch) -> None:
    model, data = PlaneDiffusion(16).eval(), "eight_gaussians"
    monkeypatch.setattr(model, "v", exact_v(data))
    sigma, x = torch.full((50,), 0.5), torch.randn(50, 2, generator=seeded())
    assert torch.allclose(model.score(x, sigma), score(data, x, 0.5), rtol=1e-3, atol=1e-3)
    steps = 300 if sampler in ("ddpm", "ddim") else 40
    frames = list(model.sample(2000, PlaneDiffusion.Knobs(sampler=sampler, steps=steps), seeded()))
    assert frames[0].x.std() == pytest.approx(1, abs=0.05) and len(frames) == steps + 1
    reached, real = (log_prob(data, x).mean() for x in (frames[-1].x, points(data, "test")[0]))
    assert float(reached) == pytest.approx(float(real), abs=0.15)


def test_the_learnt_score_is_the_true_one() -> None:
    """Correlation above 0.95 and less than a tenth of the squared length missed at sigma = 0.5, where noisy data are."""
    for data, model in trained("diffusion/plane", PlaneDiffusion):
        x = points(data, "test")[0][:2000]
        x = x + 0.5 * torch.randn(x.shape, generator=seeded())
        learnt, true = model.score(x, torch.full((len(x),), 0.5)), score(data, x, 0.5)
        assert torch.corrcoef(torch.stack([learnt.flatten(), true.flatten()]))[0, 1] > 0.95, data
        assert (learnt - true).square().sum() < 0.1 * true.square().sum(), data


# ---- the panel


class Heights:
    """An engine whose models say how high up a place is; counts its calls."""

    def __init__(self):
        self.calls = []

    async def call(self, model, data, method, x, *more, **options):
        self.calls.append((method, len(x), options))
        return x if method in ("decode", "score") else x[:, 1]


def ask(widget, name: str, **values):
    answer = asyncio.run(getattr(widget, name)(values))
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["ok"]


def numbers(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.float32)


@pytest.fixture
def plane() -> Plane:
    return Plane(Heights(), "f.plane", [])


@pytest.mark.parametrize("method", LAYERS)
def test_a_grid_is_asked_once_in_parts(plane: Plane, method: str) -> None:
    answer = ask(plane, "grid", model="f/plane", data="rings", method=method)
    rows = numbers(answer["grid"]).reshape(shown.CELLS, shown.CELLS)
    assert np.all(rows[0] == rows[0, 0]) and rows[0, 0] > 2.9 and rows[-1, 0] < -2.9
    calls = len(plane.engine.calls)
    assert max(n for _, n, _ in plane.engine.calls) <= PART and sum(n for _, n, _ in plane.engine.calls) == shown.CELLS**2
    assert all(("seed" in options) == (method == "importance_weighted") for *_, options in plane.engine.calls)
    assert ask(plane, "grid", model="f/plane", data="rings", method=method) == answer and len(plane.engine.calls) == calls
    ask(plane, "grid", model="f/plane", data="two_moons", method=method)
    assert len(plane.engine.calls) == 2 * calls


def test_what_cannot_be_is_refused(plane: Plane) -> None:
    with pytest.raises(ValueError, match="no layer 'sample'"):
        ask(plane, "grid", model="f/plane", data="rings", method="sample")
    with pytest.raises(ValueError, match="'sigma' must lie between"):
        ask(plane, "score", model="f/plane", data="rings", sigma=0.0)


def test_arrows_of_model_and_truth_stand_at_the_same_places(plane: Plane) -> None:
    answer = ask(plane, "score", model="f/plane", data="rings", sigma=0.5)
    assert np.array_equal(numbers(answer["model"]).reshape(-1, 2), shown.lattice(ARROWS))
    x = torch.from_numpy(shown.lattice(ARROWS)).double()
    assert np.allclose(numbers(answer["true"]).reshape(-1, 2), score("rings", x, 0.5), atol=0.02)
    assert ask(plane, "score", model="f/plane", data="rings", sigma=0.6)["model"] == answer["model"] and len(plane.engine.calls) == 2


def test_the_mesh_is_made_of_straight_lines_before_it_is_decoded(plane: Plane) -> None:
    lines = numbers(ask(plane, "mesh", model="f/plane", data="rings")["lines"]).reshape(2, *MESH, 2)
    assert np.all(np.ptp(lines[0, :, :, 0], axis=1) == 0) and np.all(np.ptp(lines[1, :, :, 1], axis=1) == 0)
    assert np.all(np.diff(lines[0, 0, :, 1]) > 0)


@pytest.mark.parametrize(
    ("abilities", "answers", "expected"),
    [
        (["log_prob"], [], ["log_prob"]),
        (["decode", "encode", "elbo"], ["importance_weighted"], ["importance_weighted", "decode"]),
        (["decode", "log_prob"], ["warp"], ["log_prob", "decode"]),
        (["score"], [], ["score"]),
        (["energy"], ["slope"], ["energy"]),
        (["decode"], ["odds"], ["odds", "decode"]),
        (["elbo"], [], []),
    ],
)
def test_layers_follow_from_abilities(abilities, answers, expected) -> None:
    assert layers({"abilities": abilities, "answers": answers, "z_dim": 2}) == expected
    assert layers({"abilities": ["decode"], "answers": [], "z_dim": 16}) == []


def test_the_panel_comes_with_trained_planes_only() -> None:
    def titles(*planes: dict) -> list[str]:
        return [title for title, _ in panels.standard(SimpleNamespace(family={"planes": planes}, models=[{"abilities": ["decode"]}]))]

    assert titles() == titles({"cards": {}}) == ["Latent plane"]
    assert titles({"cards": {}}, {"cards": {"rings": {}}}) == ["In the plane", "Latent plane"]


def test_points_travel_as_numbers() -> None:
    x = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    shot = film.wired(Shot(x, 1, 4, 2, 0.5, "here"), None, {}, DATA["rings"])
    assert np.array_equal(numbers(shot["points"]).reshape(7, 2), x) and (shot["n"], shot["step"], shot["steps"]) == (7, 1, 4)
