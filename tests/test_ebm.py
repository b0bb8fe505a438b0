"""Chains against Gaussians whose moments are known, the gradient of learning against its two phases, Z against the closed form."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from genviz import checkpoint
from genviz.compare.plane import strayed
from genviz.data.exhibit import exhibit
from genviz.data.points import log_prob, points
from genviz.families.ebm import FAMILY
from genviz.families.ebm import plane as plane_module
from genviz.families.ebm.buffer import Buffer
from genviz.families.ebm.chain import State, accept
from genviz.families.ebm.ebm import CHAINS, EBM, LARGEST, LENGTH, MOVES, SMALLEST, UNIT, cool, cooling, held
from genviz.families.ebm.hmc import hmc, roll
from genviz.families.ebm.langevin import langevin, step
from genviz.families.ebm.mala import mala
from genviz.families.ebm.nets import Hill, Potential
from genviz.families.ebm.plane import SAMPLERS, Plane, log_partition

MEAN = torch.tensor([1.0, -0.5])
COVARIANCE = torch.tensor([[0.6, 0.3], [0.3, 0.4]])
PRECISION = torch.linalg.inv(COVARIANCE)
EXACT = {"mala": (mala, 0.5), "hmc": (hmc, 0.25)}  # with a step size that is refused now and then


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(x, precision=PRECISION):
    """Energy and slope of N(MEAN, precision^-1)."""
    gradient = (x - MEAN) @ precision
    return 0.5 * ((x - MEAN) * gradient).sum(1), gradient


def moments(sampler, step_size, steps=60, n=20_000, slope=gaussian, **options):
    """Mean, covariance and share of taken steps of n chains that began far from the target."""
    taken, start = [], 3 * torch.randn(n, 2, generator=rng(7))
    for state in sampler(slope, start, steps, step_size, rng(1), **options):
        taken.append(state.accepted.float().mean().item())
    return state.x.mean(0), state.x.T.cov(), sum(taken[1:]) / steps


@pytest.fixture(scope="module")
def model() -> EBM:
    torch.manual_seed(0)
    return EBM(fine=16, middle=16, coarse=16).eval()


# Samplers


@pytest.mark.parametrize("name", EXACT)
def test_metropolis_samplers_reach_a_gaussian_whatever_the_step(name):
    sampler, step_size = EXACT[name]
    mean, covariance, taken = moments(sampler, step_size)
    assert 0.5 < taken < 0.99, "the step is meant to be refused now and then"
    torch.testing.assert_close(mean, MEAN, atol=0.025, rtol=0)  # 4 standard errors of 20,000 draws
    torch.testing.assert_close(covariance, COVARIANCE, atol=0.03, rtol=0)


@pytest.mark.parametrize("size", [0.2, 0.6])
def test_langevin_reaches_a_gaussian_with_the_bias_of_its_step(size):
    """Its covariance solves C = A C A + s^2 I with A = 1 - s^2 P / 2, that is C = P^-1 (1 - s^2 P / 4)^-1."""
    mean, covariance, taken = moments(langevin, size, steps=round(60 / size**2))
    expected = COVARIANCE @ torch.linalg.inv(torch.eye(2) - size**2 * PRECISION / 4)
    assert taken == 1
    torch.testing.assert_close(mean, MEAN, atol=0.025, rtol=0)
    torch.testing.assert_close(covariance, expected, atol=0.03, rtol=0)
    assert size < 0.5 or (covariance - COVARIANCE).diagonal().min() > 0.08, "a large step must show its bias"


@pytest.mark.parametrize("name", EXACT)
def test_small_steps_are_always_taken(name):
    sampler, size = EXACT[name]
    rates = [moments(sampler, size * f, steps=20, n=2000)[2] for f in (3, 1, 0.2, 0.02)]
    assert rates == sorted(rates)
    assert rates[0] < 0.9 and rates[-1] > 0.999


@pytest.mark.parametrize("sampler", SAMPLERS.values())
def test_noise_is_a_temperature(sampler):
    """With the noise times tau, chains sample exp(-E / tau^2): the covariance grows by tau^2; without noise they roll to the minimum."""
    covariance = moments(sampler, 0.15, steps=400, n=5000, noise=1.5)[1]
    torch.testing.assert_close(covariance / 1.5**2, COVARIANCE, atol=0.06, rtol=0)
    *_, cold = sampler(gaussian, 3 * torch.randn(50, 2, generator=rng()), 400, 0.3, rng(1), noise=0.0)
    torch.testing.assert_close(cold.x, MEAN.expand(50, 2), atol=1e-3, rtol=0)


def test_refused_chains_stay_where_they_are():
    before = None
    for state in mala(gaussian, torch.randn(200, 2, generator=rng()), 20, 1.2, rng(1)):
        energy, gradient = gaussian(state.x)
        torch.testing.assert_close((state.energy, state.gradient), (energy, gradient))
        if before is not None:
            assert torch.equal((state.x == before.x).all(1), ~state.accepted)
        before = state


def test_metropolis_rule():
    u = torch.linspace(0, 1, 1001)[:-1]
    assert accept(torch.full_like(u, -1.0), 1.0, u).all()
    assert accept(torch.full_like(u, 1.0), 1.0, u).float().mean().item() == pytest.approx(math.exp(-1), abs=2e-3)
    assert accept(torch.full_like(u, 1.0), 0.5, u).float().mean().item() == pytest.approx(math.exp(-2), abs=2e-3)
    assert not accept(torch.full_like(u, 1.0), 0.0, u).any()


def test_leapfrog_is_reversible_and_keeps_the_total_energy():
    x, p = torch.randn(2, 10, 2, generator=rng(), dtype=torch.float64)

    def slope(x):
        gradient = (x - MEAN) @ PRECISION.double()
        return 0.5 * ((x - MEAN) * gradient).sum(1), gradient

    start = State(x, *slope(x), torch.ones(10, dtype=torch.bool))
    end, q = roll(slope, start, p, 0.1, 8)
    back, r = roll(slope, end, -q, 0.1, 8)
    torch.testing.assert_close(back.x, x)
    torch.testing.assert_close(-r, p)
    drift = [
        ((e.energy + q.square().sum(1) / 2) - (start.energy + p.square().sum(1) / 2)).abs().max()
        for e, q in (roll(slope, start, p, 0.1 / k, 8 * k) for k in (1, 2))
    ]
    assert drift[1] < 0.3 * drift[0], "the error of leapfrog falls with the square of its step"


@pytest.mark.parametrize("sampler", SAMPLERS.values())
def test_chains_do_not_know_of_each_other_and_start_where_told(sampler):
    start = torch.randn(5, 2, generator=rng())
    states = list(sampler(gaussian, start, 3, 0.1, rng(1)))
    assert len(states) == 4 and torch.equal(states[0].x, start) and states[0].accepted.all()
    assert torch.equal(states[0].energy, gaussian(start)[0])
    other = torch.cat([start[:1], start[1:] + 100])
    again = list(sampler(gaussian, other, 3, 0.1, rng(1)))
    assert all(torch.equal(a.x[0], b.x[0]) for a, b in zip(states, again, strict=True))


# Slopes


@pytest.mark.parametrize("told", [{}, {"label": torch.tensor([0, 9, 4]), "guidance": 2.5}], ids=["no class", "guided"])
@pytest.mark.parametrize("sigma", [LARGEST, 0.8, SMALLEST])
def test_the_slope_of_a_picture_equals_finite_differences_and_autograd(sigma, told):
    torch.manual_seed(0)
    double = EBM(fine=16, middle=16, coarse=16).double()
    x = torch.randn(3, 1, 28, 28, generator=rng(), dtype=torch.float64)
    energy, slope = double.slope(x, sigma, **told)
    torch.testing.assert_close(energy, double.energy(x, sigma, **told).detach())
    for place in [(0, 0), (13, 14), (27, 27), (5, 20)]:
        shift = torch.zeros_like(x)
        shift[:, 0, place[0], place[1]] = 1e-4
        difference = (double.energy(x + shift, sigma, **told) - double.energy(x - shift, sigma, **told)) / 2e-4
        torch.testing.assert_close(slope[:, 0, place[0], place[1]], difference.detach(), rtol=1e-5, atol=1e-5)
    x = x.requires_grad_()
    torch.testing.assert_close(slope, torch.autograd.grad(double.energy(x, sigma, **told).sum(), x)[0])


def test_energies_of_classes_add_up_and_classify(model):
    """exp(-E(x)) is the sum of exp(-E(x, c)), and p(c | x) the share of each; guidance counts that share more or less often."""
    x = torch.rand(4, 1, 28, 28, generator=rng()) * 2 - 1
    each = torch.stack([model.energy(x, SMALLEST, torch.full((4,), c)) for c in range(10)], 1).detach()
    whole = model.energy(x).detach()
    torch.testing.assert_close(whole, -torch.logsumexp(-each, 1))
    p = model.classify(x)
    torch.testing.assert_close(p, torch.softmax(-each, 1), rtol=1e-3, atol=1e-4)
    label = torch.tensor([3, 1, 4, 1])
    for guidance in (0.0, 0.5, 3.0):
        expected = whole - guidance * p.gather(1, label[:, None])[:, 0].log()
        torch.testing.assert_close(model.energy(x, SMALLEST, label, guidance).detach(), expected, rtol=1e-4, atol=1e-2)


def test_every_picture_may_have_a_noise_of_its_own(model):
    x, sigma = torch.randn(3, 1, 28, 28, generator=rng()), torch.tensor([2.0, 0.3, 1.0])
    energy, slope = model.slope(x, sigma)
    for i, one in enumerate(sigma):
        torch.testing.assert_close((energy[i : i + 1], slope[i : i + 1]), model.slope(x[i : i + 1], one), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "sigma", [1.0, plane_module.SMALLEST, torch.linspace(0.02, 1, 50, dtype=torch.float64)], ids=["much", "little", "each"]
)
def test_the_slope_of_a_point_equals_finite_differences(sigma):
    torch.manual_seed(0)
    plane, x = Plane().double(), torch.randn(50, 2, generator=rng(), dtype=torch.float64)
    energy, slope = plane.slope(x, sigma)
    torch.testing.assert_close(energy, plane.energy(x, sigma).detach())
    for axis in (0, 1):
        shift = torch.zeros(2, dtype=torch.float64)
        shift[axis] = 1e-5
        difference = (plane.energy(x + shift, sigma) - plane.energy(x - shift, sigma)) / 2e-5
        torch.testing.assert_close(slope[:, axis], difference.detach(), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize(
    "net, given, asked",
    [
        (Potential(16, 16, 16), (torch.randn(2, 1, 28, 28), torch.zeros(2)), {"mix": lambda f: f.softmax(1)}),
        (Hill(), (torch.randn(2, 2), torch.zeros(2)), {"slope": True}),
    ],
)
def test_a_slope_leaves_no_graph_and_no_gradient(net, given, asked):
    _, slope = net(*given, **asked)
    assert not slope.requires_grad and all(p.requires_grad and p.grad is None for p in net.parameters())


class Silent(nn.Module):
    """A network that knows nothing: f = 0 for every class."""

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(()))

    def forward(self, x, level, mix=None):
        return x.sum((1, 2, 3))[:, None] * self.nothing * torch.ones(10), torch.zeros_like(x) if mix else None


def test_without_a_network_the_energy_is_that_of_independent_pixels(model):
    """For x from N(0, UNIT^2) the silent model is exact: its energy, its jump (the posterior mean) and its chains."""
    silent = EBM(fine=16, middle=16, coarse=16)
    silent.net = Silent()
    x, eps = torch.randn(2, 200, 1, 28, 28, generator=rng())
    for sigma in (LARGEST, 0.7, SMALLEST):
        y = UNIT * x + sigma * eps
        energy, slope = silent.slope(y, sigma)
        exact = torch.distributions.Normal(0, math.hypot(sigma, UNIT))
        shift = -exact.log_prob(y).flatten(1).sum(1) - energy
        torch.testing.assert_close(shift, shift[:1].expand(200), rtol=1e-4, atol=1e-2)
        torch.testing.assert_close(silent.jump(y, slope, sigma), y * UNIT**2 / (UNIT**2 + sigma**2))
    *_, before, end = silent.sample(300, EBM.Knobs(), rng())
    knobs = EBM.Knobs()
    v, kept = LARGEST**2 + UNIT**2, 1 - knobs.step_size**2 / 2  # of a pixel on its way; wide valleys lose some width to a long step
    for sigma, colder in pairwise(cooling(knobs.steps - 1).tolist()):
        v = (1 - (1 - kept) * sigma**2 / (sigma**2 + UNIT**2)) ** 2 * v + colder**2 - (kept * sigma) ** 2
    assert (before.x * math.hypot(1, SMALLEST)).std().item() == pytest.approx(math.sqrt(v), rel=0.05)  # and x0_hat is held within [-1, 1]
    assert end.x.mean().abs() < 0.01


@pytest.mark.parametrize("size", [0.3, 0.7, 1.4])
def test_a_step_leads_from_one_noise_to_the_next(size):
    """Where x0_hat is the picture itself, all that is left of y is noise, and it has the size that was asked for."""
    x, sigma = torch.full((5000, 1, 4, 4), 0.5), torch.tensor([3.0, 0.4]).repeat(2500)
    wide = sigma.view(-1, 1, 1, 1)
    y = x + wide * torch.randn(x.shape, generator=rng())
    y = cool(y, (y - x) / wide**2, size, sigma, 0.97 * sigma, torch.randn(x.shape, generator=rng(1)))
    for part in (0, 1):
        assert (y - x)[part::2].std().item() == pytest.approx(0.97 * sigma[part].item(), rel=0.02)
    small, eps = 0.01, torch.randn(x.shape, generator=rng(2))
    torch.testing.assert_close(cool(y, y, small, 1.0, 1.0, eps), step(y, y, small, eps), rtol=0, atol=1e-5)  # Langevin's, where it is short


def test_matching_is_least_where_the_jump_is_right():
    """With f = 0 and data from N(0, UNIT^2) the jump is the posterior mean, and 1 per pixel is left at every sigma."""
    silent = EBM(fine=16, middle=16, coarse=16)
    silent.net = Silent()
    x = UNIT * torch.randn(400, 1, 28, 28, generator=rng())
    matching, naming = silent.matching(x, torch.arange(400) % 10, rng())
    assert matching.item() == pytest.approx(1, rel=0.01) and naming.item() == pytest.approx(math.log(10))


def test_noise_falls_evenly_to_the_smallest():
    way = cooling(LENGTH)
    assert way[-1].item() == pytest.approx(SMALLEST) and way[0].item() == pytest.approx(LARGEST) and len(way) == LENGTH + 1
    assert torch.allclose(way[1:] / way[:-1], (way[1] / way[0]).expand(LENGTH), atol=1e-5)


# Learning


class Linear(nn.Module):
    """A toy in the place of the network: f(x) = w . x, so that df/dw is x itself."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.3, -0.2]))

    def forward(self, x, level, slope=False):
        return x @ self.w, self.w.detach().expand_as(x) if slope else None


def test_the_gradient_of_learning_is_the_difference_of_the_two_phases():
    """dE/dw = -(SCALE / sigma) x / (sigma^2 + 1)^(1/2): lowered at the data, raised at darts, each counted exp(-E) times."""
    plane, x, r = Plane(), torch.randn(64, 2, generator=rng()), rng(3)
    plane.net = Linear()
    plane.contrast(x, r).backward()
    r = rng(3)
    sigma = plane_module.LARGEST * (plane_module.SMALLEST / plane_module.LARGEST) ** torch.rand(1, generator=r)
    total = (sigma**2 + 1).sqrt()
    y, darts = x + sigma * torch.randn(64, 2, generator=r), total * plane.start(plane_module.DARTS, r)
    weight = torch.softmax(-plane.energy(darts, sigma), 0).detach()
    lower, raised = (-plane_module.SCALE / sigma * at / total for at in (y, darts))
    torch.testing.assert_close(plane.net.w.grad, (lower.mean(0) - (weight[:, None] * raised).sum(0)) / 2)


def test_matching_finds_the_slope_of_a_gaussian():
    """Without a network the energy is that of N(0, I) with noise: x0_hat is the posterior mean, and 1 per coordinate is left."""
    plane = Plane()
    plane.net = Linear()
    with torch.no_grad():
        plane.net.w.zero_()
    assert plane.matching(torch.randn(20_000, 2, generator=rng()), rng(1)).item() == pytest.approx(1, rel=0.02)


def test_chains_move_while_weights_learn_and_gather_no_gradient():
    torch.manual_seed(0)
    model = EBM(fine=16, middle=16, coarse=16).train()
    x = torch.rand(4, 1, 28, 28, generator=rng()) * 2 - 1
    (loss,) = model.losses(x, torch.arange(4), rng(3))
    assert loss.requires_grad and not model.buffer.x.requires_grad
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert "buffer" not in " ".join(model.state_dict())
    loss.backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in model.parameters())


def test_learning_raises_the_likelihood_of_a_gaussian():
    """A bowl too wide for the data becomes the data's Gaussian: grid likelihood before and after."""
    torch.manual_seed(0)
    plane, data = Plane(32, 2), 0.5 * torch.randn(2000, 2, generator=rng()) + torch.tensor([1.0, 0.0])
    optimizer = torch.optim.Adam(plane.parameters(), lr=3e-3)
    r, likelihood = rng(5), []
    for place in range(201):
        if place in (0, 200):
            likelihood.append(-plane.loss(data, torch.zeros(2000), r).item())
        (loss,) = plane.losses(data[torch.randperm(2000, generator=r)[:256]], torch.zeros(256), r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    best = -1 - math.log(2 * math.pi * 0.25)
    assert likelihood[0] < best - 1.5 and best - 0.1 < likelihood[1] < best + 0.05


def test_chains_in_the_buffer_grow_old_and_begin_anew():
    ones = lambda n, rng: torch.ones(n, 1)  # noqa: E731
    buffer, r = Buffer(torch.zeros(2000, 1), 10, rng()), rng(1)
    for time in range(10):
        x, age = buffer.take(2000, ones, r)
        assert len(buffer.taken.unique()) == 2000 and age.max() == time, "some of the first live for a whole life"
        assert (x[age == 0] == (time > 0)).all() and (x[age > 0] >= 2).all(), "a new chain begins at its start"
        buffer.put(x + 2)
    assert torch.bincount(buffer.age)[1:].tolist() == pytest.approx([200] * 10, abs=80), "chains of every age"
    before = buffer.age.clone()
    _, age = buffer.take(2000, ones, r)
    assert (age[before[buffer.taken] == 10] == 0).all(), "nobody is older than a life"
    with pytest.raises(ValueError, match="2000 chains"):
        buffer.take(2001, ones, r)


def test_chains_of_pictures_cool_down_in_the_buffer(model):
    """A chain never stands at a noise that it has not walked to, not even the first ones: a run that goes on is not torn apart by them."""
    assert model.buffer is None
    fresh = EBM(fine=16, middle=16, coarse=16)
    x, label, sigma = fresh.negatives(CHAINS, rng())
    assert torch.equal(label, fresh.buffer.taken % 10)
    assert len(fresh.buffer.x) == CHAINS and fresh.buffer.life == LENGTH // MOVES and x.isfinite().all()
    assert torch.allclose(sigma, cooling(LENGTH)[MOVES].expand(CHAINS)), "all begin with the most noise"
    over = fresh.buffer.end == 1
    *_, sigma = fresh.negatives(CHAINS, rng(1))
    second = torch.empty_like(sigma)
    second[fresh.buffer.taken] = sigma
    assert over.any() and torch.allclose(second[over], cooling(LENGTH)[MOVES]), "a new chain in place of one that is over"
    assert torch.allclose(second[~over], cooling(LENGTH)[2 * MOVES])


# Z


def test_log_z_on_the_grid_is_that_of_a_gaussian():
    expected = math.log(2 * math.pi) + torch.logdet(COVARIANCE).item() / 2
    small = lambda x: 0.5 * (x @ PRECISION * x).sum(1)  # noqa: E731
    assert log_partition(small).item() == pytest.approx(expected, abs=1e-4)
    assert log_partition(lambda x: small(x) + 5).item() == pytest.approx(expected - 5, abs=1e-4)


def test_partition_makes_a_density_of_mass_one():
    torch.manual_seed(0)
    plane = Plane().eval()
    axis = torch.arange(-4, 4, 0.05) + 0.025
    with torch.no_grad():
        plane.net.last.weight.mul_(0.02)  # a landscape without cliffs, as after training
        mass = (-plane.energy(torch.cartesian_prod(axis, axis)) - plane.partition()).exp().sum() * 0.05**2
    assert mass.item() == pytest.approx(1, abs=1e-3)


# Walks


def test_a_walk_cools_down_and_ends_with_its_jump(model):
    frames = list(model.sample(3, replace(EBM.Knobs(), steps=5), rng()))
    way = cooling(4).tolist()
    assert [f.nfe for f in frames] == [0, 2, 3, 4, 5, 5]  # noise is shown before anything is asked
    assert torch.equal(frames[-1].x, frames[-2].aux["x0_hat"]) and frames[-1].x.abs().max() <= 1
    for frame, sigma in zip(frames[:-1], way, strict=True):
        y = frame.x * math.hypot(1, sigma)
        energy, slope = model.slope(y, sigma, torch.arange(3), EBM.Knobs().guidance)
        x0_hat = model.jump(y, slope, sigma).clamp(-1, 1)
        torch.testing.assert_close(frame.aux["energy"], energy)
        torch.testing.assert_close(frame.aux["score"] * sigma**2, x0_hat - y, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(frame.aux["x0_hat"], x0_hat, atol=1e-4, rtol=1e-4)
    assert frames[0].caption == f"sigma = {way[0]:.2f}"
    assert frames[1].caption == f"sigma = {way[1]:.2f}, mean energy = {frames[1].aux['energy'].mean():.0f}"
    r = rng()
    start = model.start(3, r)
    moved = cool(start, -frames[0].aux["score"], EBM.Knobs().step_size, way[0], way[1], torch.randn(3, 1, 28, 28, generator=r))
    torch.testing.assert_close(frames[1].x * math.hypot(1, way[1]), moved, atol=1e-4, rtol=1e-4)


def test_chains_begin_at_the_picture_with_noise_on_it(model):
    x = torch.linspace(-1, 1, 784).view(1, 28, 28)
    first = next(model.chains(200, EBM.Knobs(), rng(), x=x)).x * math.hypot(1, SMALLEST)
    assert (first.mean(0) - x).abs().max() < 5 * SMALLEST / math.sqrt(200)
    assert (first - x).std().item() == pytest.approx(SMALLEST, rel=0.01)


def test_phases_are_data_and_the_end_of_its_chain(model):
    x = torch.rand(2, 1, 28, 28, generator=rng()) * 2 - 1
    answer = model.phases(x, replace(EBM.Knobs(), steps=3), rng(4))
    assert torch.equal(answer["y_data"], model.blur(x, rng(4)))
    for side in ("data", "model"):
        energy, slope = model.slope(answer[f"y_{side}"])
        torch.testing.assert_close((answer[f"energy_{side}"], answer[f"slope_{side}"]), (energy, slope))
    assert not torch.equal(answer["y_data"], answer["y_model"])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_plane_walks_with_every_sampler(sampler):
    torch.manual_seed(0)
    plane = Plane().eval()
    knobs = replace(Plane.Knobs(), sampler=sampler, steps=4)
    frames = list(plane.chains(6, knobs, rng(), x=torch.tensor([0.5, -1.0])))
    assert torch.equal(frames[0].x, torch.tensor([[0.5, -1.0]]).expand(6, 2))
    assert frames[-1].nfe == {"langevin": 5, "mala": 5, "hmc": 33}[sampler]
    shares = [f.aux["accepted"].mean().item() for f in frames[1:]]
    assert frames[-1].caption.endswith(f"{100 * sum(shares) / 4:.0f} % of steps taken")
    assert frames[-1].caption.startswith(f"sigma = 0.02, mean energy = {frames[-1].aux['energy'].mean():.2f}")


@pytest.mark.parametrize("steps", [1, 7, 20, 57])
def test_points_cool_down_with_steps_as_long_as_their_noise(steps):
    torch.manual_seed(0)
    plane, knobs = Plane().eval(), Plane.Knobs(steps=steps)
    frames = list(plane.sample(6, knobs, rng()))
    assert [f.step for f in frames] == list(range(steps + 1)) and torch.equal(frames[0].x, plane.start(6, rng()))
    sigma = [float(f.caption.split(",")[0].removeprefix("sigma = ")) for f in frames]
    assert sigma == sorted(sigma, reverse=True) and sigma[-1] == plane_module.SMALLEST
    torch.testing.assert_close(frames[-1].aux["energy"], plane.energy(frames[-1].x), rtol=1e-4, atol=1e-2)
    still = list(plane.sample(6, replace(knobs, hottest=plane_module.SMALLEST), rng()))
    assert {f.caption.split(",")[0] for f in still} == {"sigma = 0.02"}, "without cooling"


# What a user sees of the shipped weights


def shipped(name: str) -> list:
    return [pytest.param(c, id=c.data) for c in checkpoint.cards() if c.name == name]


@pytest.mark.parametrize("card", shipped("ebm/plane"))
def test_the_landscape_is_the_density_of_the_data(card):
    """Less than 0.15 nats of divergence from the true density, with Z from the grid."""
    x = points(card.data, "test")[0]
    excess = checkpoint.load(card).loss(x, x, rng()) + log_prob(card.data, x).mean()
    assert -0.02 < excess.item() < 0.15


@pytest.mark.parametrize("card", shipped("ebm/plane"))
def test_the_scene_of_the_plateau_shows_chains_that_do_not_arrive(card):
    (scene,) = (s for s in FAMILY.scenes if "plateau" in s.title)
    assert strayed(card, **scene.knobs) > 0.15 > 2 * strayed(card)


@pytest.mark.parametrize("card", shipped("ebm/ebm"))
def test_a_picture_that_is_held_does_not_become_a_cartoon(card):
    """However long somebody waits: held for 1,728 steps more than a chain of training had, 7 % of a garment's pixels were pure white, eight
    times as many as on the way there. Larger steps get there sooner, so they end sooner."""
    model = checkpoint.load(card)
    x = torch.from_numpy(exhibit(card.data)[0][0, None].astype("float32")) / 127.5 - 1
    for knobs in (EBM.Knobs(steps=1 + LENGTH + 1728), EBM.Knobs(steps=1000, step_size=1.5)):
        frames = [f for f in model.chains(2, knobs, rng(), x=x) if f.step in (0, f.steps)]
        start, end = ((f.aux["x0_hat"] > 0.98).float().mean().item() for f in frames)
        assert end < 1.5 * start + 0.01
        assert frames[-1].step * knobs.step_size**2 == pytest.approx(LENGTH * 0.5**2, rel=0.1)
    assert held(EBM.Knobs()) == EBM.Knobs().steps and held(EBM.Knobs(steps=30, step_size=1.9)) < held(EBM.Knobs(steps=30)) == 30
