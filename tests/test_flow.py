"""The flow against what can be known: autograd's Jacobians, densities in closed form, integrals on a grid, and its own way back."""

from __future__ import annotations

import asyncio
import base64
import math

import numpy as np
import pytest
import torch

from genviz import checkpoint
from genviz.data import of
from genviz.data.exhibit import exhibit
from genviz.families.flow import mixture
from genviz.families.flow.dequantise import SPREAD, to_levels
from genviz.families.flow.flow import Flow, fold, scales, unfold, whole
from genviz.families.flow.layers import Block, Halves, Scale
from genviz.families.flow.net import CoarseNet, FlatNet
from genviz.families.flow.page.along.panel import Along
from genviz.families.flow.page.inside.panel import Inside, lesson
from genviz.families.flow.page.mesh.panel import REACH, Mesh
from genviz.families.flow.plane import Plane

CARDS = [c for c in checkpoint.cards() if c.name == "flow/flow"]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stirred(model: torch.nn.Module, size: float = 0.05) -> torch.nn.Module:
    """The model away from its start, so that all parts of it matter; in eval mode."""
    noise = rng(5)
    with torch.no_grad():
        for p in model.parameters():
            p += size * torch.randn(p.shape, generator=noise).to(p.dtype)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def model() -> Flow:
    torch.manual_seed(0)
    return stirred(Flow(8, 8, 1))


@pytest.fixture(scope="module")
def plane() -> Plane:
    torch.manual_seed(0)
    return stirred(Plane(4, 24, 5), 0.15)


@pytest.fixture
def x() -> torch.Tensor:
    """Eight test pictures (8, 1, 28, 28)."""
    return torch.from_numpy(exhibit("mnist")[0][:8, None].astype(np.float32)) / 127.5 - 1


def jacobian_ladj(f, x: torch.Tensor) -> float:
    """log |det| of the Jacobian of f at x (1, ...), by autograd."""
    full = torch.autograd.functional.jacobian(f, x, vectorize=True).reshape(x.numel(), x.numel())
    return torch.linalg.slogdet(full.double())[1].item()


# The curve


def test_the_curve_rises_with_the_slope_it_says_and_is_undone() -> None:
    p = mixture.start(4)[None, :, None].double() + torch.randn(3, mixture.size(4), 400, generator=rng(), dtype=torch.float64)
    y = (4 * torch.randn(3, 400, generator=rng(1), dtype=torch.float64)).requires_grad_()
    z, ladj = mixture.forward(y, p)
    (slope,) = torch.autograd.grad(z.sum(), y)
    assert torch.allclose(slope.log(), ladj, atol=1e-9)
    a = mixture.read(p)[3]
    assert (ladj >= a + math.log(mixture.LEAK) - 1e-9).all(), "nowhere flatter than the leak"
    assert torch.allclose(mixture.inverse(z, p), y, atol=1e-5)
    assert torch.allclose(mixture.inverse(z.float(), p.float()), y.float(), atol=1e-3)


def test_two_far_modes_are_undone_in_single_precision() -> None:
    """Between the modes the mixture is flat to the last digit; only the leak tells places apart."""
    p = torch.zeros(1, mixture.size(2), 1)
    p[:, 2:4, 0], p[:, 4:6] = torch.tensor([-3.0, 3.0]), -4.0
    y = torch.linspace(-4, 4, 801)[None]
    p = p.expand(1, -1, 801)
    z, _ = mixture.forward(y, p)
    assert (z.diff() > 0).all()
    assert (mixture.inverse(z, p) - y).abs().max() < 1e-4


# Layers


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-8), (torch.float32, 1e-4)])
def test_ladj_of_blocks_is_autograds(dtype: torch.dtype, close: float) -> None:
    torch.manual_seed(0)
    scale = stirred(Scale([Block(c, CoarseNet(3, mixture.start(4), 8, 1)) for c in (2, 1, 3, 0)]), 0.1).to(dtype)
    h = torch.randn(1, 4, 3, 3, generator=rng(), dtype=torch.float64).to(dtype)
    _, ladj = scale(h)
    assert ladj.shape == (1, 4)
    assert ladj.sum().item() == pytest.approx(jacobian_ladj(lambda h: scale(h)[0], h), abs=close)
    for block, one in zip(scale.blocks, ladj[0], strict=True):
        assert one.item() == pytest.approx(jacobian_ladj(lambda h, block=block: block(h)[0], h), abs=close)
        h = block(h)[0]


def test_halves_move_one_half_and_are_undone() -> None:
    torch.manual_seed(0)
    v = torch.randn(2, 49, generator=rng())
    for moved in (0, 1):
        half = stirred(Halves(moved, FlatNet(24 + moved, 25 - moved, mixture.start(4), 16)))
        w, _ = half(v)
        assert torch.equal(w[:, 1 - moved :: 2], v[:, 1 - moved :: 2]) and (w[:, moved::2] != v[:, moved::2]).all()
        assert torch.allclose(half.back(w), v, atol=1e-5)


def test_folded_layers_equal_unfolded_ones(model: Flow) -> None:
    y = torch.randn(2, 1, 28, 28, generator=rng())
    z, ladj = model.to_z(y)
    model.train()
    plain = model.to_z(y)
    for block in [*model.fine.blocks, *model.coarse.blocks]:
        assert block.kept is None, "weights that may change are not remembered"
        h = torch.randn(1, 4, 2, 2, generator=rng())
        slow = torch.einsum("ij,bjhw->bihw", block.mix, h * block.log_scale.exp()[:, None, None] + block.shift[:, None, None])
        fast = torch.nn.functional.conv2d(h, block.fold().weight[:, :, None, None], block.fold().bias)
        assert torch.allclose(slow, fast, atol=1e-6)
    model.eval()
    assert torch.allclose(z, plain[0], atol=1e-6) and torch.allclose(ladj, plain[1], atol=1e-4)


def test_changed_weights_are_noticed(model: Flow) -> None:
    y = torch.randn(1, 1, 28, 28, generator=rng())
    before, _ = model.to_z(y)
    kept = model.state_dict()["fine.blocks.0.log_scale"].clone()
    model.fine.blocks[0].log_scale += 0.1
    model.eval()
    assert not torch.allclose(model.to_z(y)[0], before)
    model.fine.blocks[0].log_scale.copy_(kept)
    model.eval()
    assert torch.equal(model.to_z(y)[0], before)


# The whole flow


def test_shapes_of_a_picture_fit_together() -> None:
    x = torch.arange(784.0).view(1, 1, 28, 28)
    h = fold(x)
    c = fold(h[:, :1])
    v = c[:, 0].flatten(1)
    assert torch.equal(unfold(h), x) and torch.equal(whole(h, c), x) and torch.equal(whole(h, c, v), x)
    assert [p.shape[1] for p in scales(x)] == [588, 147, 49]
    assert sorted(torch.cat(scales(x), 1)[0].tolist()) == list(range(784))
    assert torch.equal(v[0], x[0, 0, ::4, ::4].flatten())


def test_ladj_of_the_flow_is_autograds() -> None:
    torch.manual_seed(0)
    model = stirred(Flow(4, 4, 1, pieces=2)).double()
    y = torch.randn(1, 1, 28, 28, generator=rng(), dtype=torch.float64)
    _, ladj = model.to_z(y)
    assert ladj.sum().item() == pytest.approx(jacobian_ladj(lambda y: model.to_z(y)[0], y), abs=1e-4)


def test_ladj_of_the_logit_is_its_derivative(model: Flow, x: torch.Tensor) -> None:
    """d y / d (x + u), by the formula and by differences in float64."""
    noise, values = model.noise.double(), ((x[:1].double() + 1) * 127.5).round()
    eps = torch.randn(x[:1].shape, generator=rng(), dtype=torch.float64)
    try:
        y, ladj, log_q = noise(values, eps)
        level = 256 * torch.sigmoid(SPREAD * y)
        assert ((level - values > 0) & (level - values < 1)).all(), "u lies between the byte and the next"
        step = 1e-6 * torch.minimum(level, 256 - level)
        slope = (torch.logit((level + step) / 256) - torch.logit((level - step) / 256)) / (2 * step * SPREAD)
        assert ladj.item() == pytest.approx(slope.log().sum().item(), abs=1e-4)
        u = torch.sigmoid(torch.logit(level - values))
        near = noise(values, eps + 1e-6)[0]
        stretch = (256 * torch.sigmoid(SPREAD * near) - level) / 1e-6  # d u / d eps, of each pixel alone
        normal = -eps * eps / 2 - math.log(2 * math.pi) / 2
        assert u.isfinite().all() and log_q.item() == pytest.approx((normal - stretch.log()).sum().item(), abs=1e-2)
    finally:
        model.float()


def test_there_and_back(model: Flow, x: torch.Tensor) -> None:
    answer = model.invert(x, rng())
    assert answer["error"].max() <= 1e-4 and answer["same"].all()
    assert torch.equal(to_levels(model.dequantise(x, rng())[0]), x), "the noise never reaches the next byte"
    total = answer["log_prior"].sum(1) + answer["ladj"].sum(1)
    assert torch.allclose(total, answer["log_prob"]) and len(answer["names"]) == answer["ladj"].shape[1]
    assert torch.allclose(answer["log_prob"] - answer["log_q"], model.elbo(x, rng()), atol=1e-2)
    assert torch.equal(model.restore(answer["z"].flatten(1)), x)
    y = model.dequantise(x, rng())[0]
    names, states, ladj = zip(*model.steps(y), strict=True)
    assert list(names) == model.names and torch.allclose(states[-1], model.to_z(y)[0], atol=1e-5)
    assert torch.allclose(torch.stack(ladj, 1), model.to_z(y)[1], atol=1e-3)


def identity() -> Flow:
    """A flow of layers that do nothing: z is the logit of the brightness over SPREAD."""
    model = Flow(4, 4, 0)
    with torch.no_grad():
        for net in model.modules():
            if isinstance(net, (FlatNet, CoarseNet)) or (hasattr(net, "head") and net is not model.noise):
                k = 4
                p = torch.zeros(mixture.size(k))
                p[2 * k : 3 * k] = mixture.NARROWEST + math.log(math.expm1(-mixture.NARROWEST))  # width 1
                p[3 * k] = mixture.STEEPEST * math.atanh(-math.log(1 + mixture.LEAK) / mixture.STEEPEST)
                net.head.weight.zero_()
                net.head.bias.copy_(p.repeat(len(net.head.bias) // len(p)))
        model.noise.head.weight.zero_()
    return model.eval().requires_grad_(False)


def test_the_bound_of_a_known_density(x: torch.Tensor) -> None:
    """With idle layers a byte's probability is a difference of normal distribution functions and the bound a one-dimensional integral."""
    model = identity()
    y = model.dequantise(x, rng())[0]
    assert torch.allclose(model.to_z(y)[0], y, atol=1e-4)
    assert model.to_z(y)[1].abs().max() < 1e-2
    edge = torch.logit(torch.arange(257, dtype=torch.float64) / 256) / SPREAD
    exact = torch.log(torch.special.ndtr(edge[1:]) - torch.special.ndtr(edge[:-1]))  # log P of every byte
    byte = torch.arange(256, dtype=torch.float64)[:, None]
    eps = torch.linspace(-8, 8, 4001, dtype=torch.float64)[None]
    u = torch.sigmoid(eps)
    level = byte + u
    z = torch.logit(level / 256) / SPREAD
    log_p = -z * z / 2 - math.log(2 * math.pi) / 2 + math.log(256 / SPREAD) - torch.log(level) - torch.log(256 - level)
    log_q = -eps * eps / 2 - math.log(2 * math.pi) / 2 - torch.log(u) - torch.log1p(-u)
    weight = torch.exp(-eps * eps / 2) / math.sqrt(2 * math.pi) * (16 / 4000)
    elbo = ((log_p - log_q) * weight).sum(1)
    assert (elbo <= exact + 1e-6).all()
    values = ((x + 1) * 127.5).round().long().flatten(1)
    draws = torch.stack([model.elbo(x, rng(s)) for s in range(200)]).double().mean(0)
    assert torch.allclose(draws, elbo[values].sum(1), atol=12), "standard error of a mean of 200 draws: about 2 nats"
    tight = torch.stack([model.importance_weighted(x, 16, rng(s)) for s in range(8)]).double().mean(0)
    assert (draws < tight).all() and (tight < exact[values].sum(1)).all()
    bits = model.loss(x, torch.zeros(8), rng()).item()
    assert bits == pytest.approx(-elbo[values].sum(1).mean().item() / (784 * math.log(2)), abs=0.05)


def test_bounds_tighten_with_the_draws(model: Flow, x: torch.Tensor) -> None:
    assert torch.allclose(model.importance_weighted(x, 1, rng()), model.elbo(x, rng()))
    means = [torch.stack([model.importance_weighted(x, k, rng(s)) for s in range(6)]).mean().item() for k in (1, 4, 16)]
    assert means[0] < means[1] < means[2]


# Walks


def test_temperature_zero_is_one_picture(model: Flow) -> None:
    cold = model.Knobs(temperature=0.0)
    first, other = ([f.x for f in model.sample(2, cold, rng(s))][-1] for s in (0, 1))
    assert torch.equal(first, other) and torch.equal(first[0], first[1])


def test_a_sample_is_what_its_z_stands_for(model: Flow) -> None:
    frames = list(model.sample(2, model.Knobs(), rng()))
    assert torch.equal(frames[-1].x, model.restore(frames[0].aux["z"].flatten(1)))
    assert torch.allclose((frames[-1].x + 1) * 127.5, ((frames[-1].x + 1) * 127.5).round(), atol=1e-4), "bytes"
    *_, y = model.from_z(frames[0].aux["z"])
    assert torch.allclose(model.to_z(y)[0], frames[0].aux["z"], atol=1e-3)


def test_films_go_both_ways(model: Flow, x: torch.Tensor) -> None:
    there = list(model.layers(3, model.Knobs(), rng(), x[:1]))
    back = list(model.layers(3, model.Knobs(), rng(), x[:1], back=1))
    assert len(there) == len(back) == there[-1].steps + 1
    assert torch.allclose(there[-1].x, back[0].x, atol=1e-5) and torch.equal(back[-1].x, x[:1].expand(3, -1, -1, -1))
    assert not torch.equal(there[-1].x[0], there[-1].x[1]), "other noise between the bytes, another z"
    for a, b in zip(there[1:-1], back[-2:0:-1], strict=True):
        assert torch.allclose(a.x, b.x, atol=1e-3)


@pytest.mark.parametrize("linear", [0, 1])
def test_the_way_between_two_pictures_ends_at_them(model: Flow, x: torch.Tensor, linear: int) -> None:
    *_, frame = model.interpolate(5, model.Knobs(), rng(), x[:2], linear)
    assert torch.equal(frame.x[[0, -1]], x[:2]) and len(frame.x) == 5
    with pytest.raises(ValueError, match="Two pictures"):
        next(model.interpolate(5, model.Knobs(), rng(), x[:3]))


# In the plane


def test_the_density_in_the_plane_sums_to_one(plane: Plane) -> None:
    side = torch.linspace(-15, 15, 1501)
    grid = torch.cartesian_prod(side, side)
    mass = sum(plane.log_prob(part).exp().double().sum() for part in grid.split(100_000)) * (30 / 1500) ** 2
    assert mass.item() == pytest.approx(1, abs=2e-3)


def test_ladj_in_the_plane_is_autograds_and_couplings_are_undone(plane: Plane) -> None:
    x = torch.randn(20, 2, generator=rng())
    _, ladj = plane.couplings(x)
    for point, one in zip(x[:5], ladj, strict=False):
        assert one.sum().item() == pytest.approx(jacobian_ladj(lambda v: plane.couplings(v)[0], point[None]), abs=1e-4)
    there = plane.warp(x)
    back = plane.warp(there[-1], back=True)
    assert there.shape == (5, 20, 2) and torch.allclose(back.flip(0), there, atol=1e-4)
    assert torch.allclose(plane.decode(there[-1]), x, atol=1e-4)
    assert all((a != b).any(0).sum() == 1 for a, b in zip(there, there[1:], strict=False)), "a coupling moves one coordinate"


# The tab


class SmallEngine:
    """`call` as the engine answers it, for small random nets."""

    def __init__(self, model: Flow, plane: Plane):
        self.models = {"flow/flow": model, "flow/plane": plane}

    async def call(self, name, data, method, *arrays, seed=None, **options):
        if seed is not None:
            options["rng"] = rng(seed)
        answer = getattr(self.models[name], method)(*(torch.from_numpy(np.array(a)) for a in arrays), **options)
        plain = lambda v: v.numpy() if isinstance(v, torch.Tensor) else v  # noqa: E731
        return {k: plain(v) for k, v in answer.items()} if isinstance(answer, dict) else plain(answer)


def ask(panel, name: str, **values) -> dict:
    """A server function as the page asks it."""
    answer = asyncio.run(getattr(panel, name)(values))
    assert "error" not in answer, answer
    return answer["ok"]


def picture(place: int) -> str:
    return base64.b64encode(exhibit("mnist")[0][place].tobytes()).decode()


def test_the_sum_on_screen_adds_up(model: Flow, plane: Plane) -> None:
    inside = Inside(SmallEngine(model, plane), {"families": [], "data": {}}, {})
    answer = ask(inside, "invert", image=picture(3), model="flow/flow", data="mnist", seed=0)
    assert answer["prior"] + answer["ladj_sum"] == pytest.approx(answer["log_prob"], abs=1e-2)
    assert answer["log_prob"] - answer["log_q"] < answer["tight"] < 0
    assert float(answer["error"]) <= 1e-4 and answer["same"] and len(answer["z"]) == 784
    assert len(answer["ladj"]) == len(answer["names"]) == 9
    assert answer["typical"] == pytest.approx(-784 * 1.4189385, abs=1e-3)  # minus the entropy of N(0, I)


def test_strips_and_mesh_of_the_tab(model: Flow, plane: Plane) -> None:
    engine = SmallEngine(model, plane)
    strips = ask(Along(engine, {}), "between", a=picture(3), b=picture(4), model="flow/flow", data="mnist")
    assert strips["sprite"].startswith("data:image/png") and 0 < strips["angle"] < 180
    assert strips["middle"] < max(strips["lengths"])
    mesh = ask(Mesh(engine, {}), "mesh", data="rings")
    corners = np.frombuffer(base64.b64decode(mesh["x"]), np.float32).reshape(mesh["steps"] + 1, 2, mesh["lines"], mesh["places"], 2)
    assert np.allclose(corners[0, 0, :, 0, 1], -REACH) and np.allclose(corners[0, 1, :, 0, 0], -REACH)
    assert np.isfinite(corners).all()


@pytest.mark.parametrize("card", CARDS, ids=[c.data for c in CARDS])
def test_shipped_weights_invert_test_images(card) -> None:
    model = checkpoint.load(card)
    x = torch.from_numpy(exhibit(card.data)[0][:200, None].astype(np.float32)) / 127.5 - 1
    answer = model.invert(x, rng())
    assert answer["error"].max() <= 1e-4 and answer["same"].all()


def test_good_likelihood_and_poor_pictures_are_said_with_the_figures_of_the_cards() -> None:
    from genviz import catalogue as catalogues
    catalogue = catalogues.build()
    for data in of("image"):
        card = checkpoint.card_of("flow/flow", data)
        text = lesson(catalogue, "flow/flow", data)
        assert f"{card.metric('bits_per_dim_iw_16'):.3f} bits a pixel (IW-16 bound)" in text
        ratio = card.metric("frechet_ratio")  # of the model as it is, whose density this is, not of a colder one
        assert f"its draws lie {ratio:.0f} times as far" in text
        score = checkpoint.card_of("score/score", data)
        assert card.metric("bits_per_dim_iw_16") <= score.metric("bits_per_dim_ode") and "no more than" in text
        assert f"{score.metric('bits_per_dim_ode'):.3f} bits a pixel (by the ODE)" in text
    assert lesson(catalogue, "flow/flow", "rings") == "", "nothing was measured there"
