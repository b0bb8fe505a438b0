"""The score-based family against densities whose score, flow and likelihood are known in closed form."""

from __future__ import annotations

import asyncio
import base64
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy import asked

from genviz.data import points as truth
from genviz.data.exhibit import exhibit
from genviz.families.diffusion.diffusion import Diffusion
from genviz.families.score import flow, grey, score
from genviz.families.score.page.arrow.panel import Arrow
from genviz.families.score.page.familiar.panel import DIFFUSION, SCORE, Familiar
from genviz.families.score.page.likelihood.panel import Likelihood
from genviz.families.score.plane import SMALLEST, PlaneScore
from genviz.families.score.score import ALONE, NO_CLASS, TOGETHER, Score
from genviz.families.score.walk import SAMPLERS, levels
from genviz.metrics.likelihood import bits_per_dim, log_likelihood
from genviz.model import finish
from genviz.nn.ask import Ask

POINTS, SHARES = torch.tensor([-0.8, 0.1, 0.9]), torch.tensor([0.5, 0.2, 0.3])
MU, STD = 0.4, 0.3
SETTINGS = {  # steps enough to be exact, corrector, snr
    "probability_flow": (100, 0, 0.0),
    "predictor_corrector": (200, 1, 0.16),
    "annealed_langevin": (400, 4, 0.3),
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(x, sigma):
    """Score of N(MU, STD^2) with noise sigma."""
    return (MU - x) / (STD**2 + sigma**2)


def few(x, sigma):
    """Score of data that take three values only."""
    sigma = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, *[1] * (x.ndim - 1))
    logits = SHARES.log() - (x[..., None] - POINTS) ** 2 / (2 * sigma[..., None] ** 2)
    return ((logits.softmax(-1) * POINTS).sum(-1) - x) / sigma**2


def end(name, gradient, sigmas, n=4000):
    steps, corrector, snr = SETTINGS[name]
    *_, x = SAMPLERS[name](asked(gradient), sigmas[0] * torch.randn(n, generator=rng()), sigmas, rng(1), corrector, snr)
    return x


def stirred(model):
    """Weights moved away from the zeros of the start, so that inputs matter."""
    for p in model.parameters():
        if p.ndim > 1 and not p.any():
            torch.nn.init.normal_(p, std=0.1, generator=rng(5))
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return stirred(Score(16, 16, 1, 1))


@pytest.fixture(scope="module")
def pictures():
    return torch.from_numpy(exhibit("mnist")[0][:2, None].copy())


# Samplers


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_reach_a_gaussian_and_points(name):
    x = end(name, gaussian, levels(SETTINGS[name][0], 0.005, 20.0))
    assert x.mean().item() == pytest.approx(MU, abs=0.03)
    assert x.std().item() == pytest.approx(STD, rel=0.05)
    x = end(name, few, levels(SETTINGS[name][0], 0.005, 20.0))
    distance, nearest = (x[:, None] - POINTS).abs().min(1)
    assert distance.max() < 1e-3
    assert torch.allclose(torch.bincount(nearest, minlength=3) / len(x), SHARES, atol=0.04)


def test_the_flow_follows_the_exact_curve_with_second_order():
    x = 20.0 * torch.randn(200, generator=rng(), dtype=torch.float64)
    exact = MU + (x - MU) * STD / math.sqrt(STD**2 + 400)
    errors = []
    for n in (16, 32, 64):
        *_, there = SAMPLERS["probability_flow"](asked(gaussian), x, levels(n, 0.002, 20.0))
        errors.append((there - exact).abs().max().item())
    assert errors[0] > 3 * errors[1] > 9 * errors[2] and errors[2] < 0.006


def test_the_corrector_mends_a_hasty_predictor():
    sigmas = levels(12, 0.02, 20.0)
    spread = []
    for corrector in (0, 8):
        start = 20 * torch.randn(4000, generator=rng())
        *_, x = SAMPLERS["predictor_corrector"](asked(gaussian), start, sigmas, rng(1), corrector, 0.3)
        spread.append(abs(x.std().item() - STD))
    assert spread[1] < spread[0] / 2


@pytest.mark.parametrize("guidance", [1.0, 2.0])
@pytest.mark.parametrize(("name", "steps"), [("probability_flow", 9), ("predictor_corrector", 13), ("annealed_langevin", 11)])
def test_nfe_is_what_a_hook_counts(model, name, steps, guidance):
    pictures = []
    hook = model.net.register_forward_hook(lambda _, given, __: pictures.append(len(given[0])))
    try:
        knobs = replace(Score.Knobs(), sampler=name, steps=5, corrector=2, guidance=guidance)
        frames = list(model.sample(3, knobs, rng()))
    finally:
        hook.remove()
    assert [f.step for f in frames] == list(range(6)) and len(pictures) == steps
    assert frames[-1].nfe == sum(pictures) / 3 == guidance * steps


def test_guidance_takes_the_part_of_the_class_more_than_once(model):
    x, sigma, label = 0.1 * torch.randn(4, 1, 28, 28, generator=rng()), torch.full((4,), 0.3), torch.tensor([1, 2, 3, 4])
    untold, told = model.score(x, sigma), model.score(x, sigma, label)
    assert not torch.allclose(untold, told, atol=1e-3)
    thrice = untold + 3 * (told - untold)
    inside = (x + 0.3**2 * thrice).abs() < 1  # a guess of the data beyond white or black is cut
    assert inside.sum() > 1000 and torch.allclose(model.score(x, sigma, label, 3.0)[inside], thrice[inside], atol=1e-3)
    assert torch.equal(model.score(x, sigma, None, 3.0), untold), "without a class there is nothing to exaggerate"


def test_frames_say_the_same_in_three_ways(model):
    frames, sigmas = list(model.sample(4, replace(Score.Knobs(), steps=6), rng())), levels(6, score.SMALLEST, score.LARGEST)
    for frame, sigma in zip(frames[:-1], sigmas, strict=False):
        x = frame.x * math.sqrt(1 + sigma**2)
        assert torch.allclose(frame.aux["score"], (frame.aux["x0_hat"] - x) / sigma**2, rtol=1e-3, atol=1e-4 / sigma)
        assert torch.allclose(frame.aux["norm"], frame.aux["score"].flatten(1).norm(dim=1))
    assert torch.equal(frames[-1].x, frames[-1].aux["x0_hat"])


def test_diffuse_starts_from_the_picture(model):
    x = torch.linspace(-1, 1, 784).view(1, 28, 28)
    near = list(model.diffuse(5, replace(Score.Knobs(), steps=3), rng(), x=x, sigma=torch.tensor(0.02)))
    assert (near[0].x - x).std().item() == pytest.approx(0.02, rel=0.1) and near[0].caption == "sigma = 0.02"
    with pytest.raises(ValueError, match="between 0 and 50"):
        next(model.diffuse(1, Score.Knobs(), rng(), x=x, sigma=torch.tensor(60.0)))


# Likelihood


def velocity(gradient):
    def v(y, u):
        a, s = math.cos(u), math.sin(u)
        eps_hat = -(s / a) * gradient(y / a, s / a)
        return a * eps_hat - s * (y / a - s / a * eps_hat)

    return v


@pytest.mark.parametrize("options", [{"steps": 30}, {"tolerance": 1e-6}], ids=["rk4", "dopri5"])
def test_the_likelihood_of_a_gaussian_is_exact(options):
    x, sigma = MU + STD * torch.randn(50, 4, generator=rng(), dtype=torch.float64), 0.05
    width = math.sqrt(STD**2 + sigma**2)
    exact = torch.distributions.Normal(MU, width).log_prob(x).sum(1)
    nats, nfe = flow.log_prob(velocity(gaussian), x, flow.units(x), sigma, 2000.0, **options)
    assert torch.allclose(nats.mean(0), exact, atol=1e-3)
    assert nfe > 0 if "tolerance" in options else nfe == 120
    one, _ = flow.log_prob(velocity(gaussian), x, flow.signs(1, x, rng()), sigma, 2000.0, **options)
    assert torch.allclose(one[0], exact, atol=1e-3)  # the Jacobian is diagonal: random signs are exact


def test_hutchinson_is_unbiased_and_unit_vectors_are_exact():
    a = torch.randn(5, 5, generator=rng(), dtype=torch.float64)
    x = torch.zeros(1, 5, dtype=torch.float64)
    start, stop = math.atan(0.1), math.atan(10.0)
    exact = a.trace().item() * (stop - start) - 2.5 * math.log(2 * math.pi) + 5 * math.log(math.cos(start))

    def each(probes):
        return flow.log_prob(lambda y, u: y @ a.T, x, probes, 0.1, 10.0, steps=4)[0][:, 0]

    assert each(flow.units(x)).mean().item() == pytest.approx(exact, abs=1e-6)
    many = each(flow.signs(4000, x, rng()))
    assert many.std() > 0.1
    assert many.mean().item() == pytest.approx(exact, abs=4 * many.std().item() / 4000**0.5)


def test_pixels_on_their_own_have_the_likelihood_of_their_histogram(pictures, monkeypatch):
    """With the network's say taken away at every noise, log p must be the sum of log histogram: flow, lift and Jacobian at once."""
    monkeypatch.setattr(score, "_say", torch.ones_like)
    monkeypatch.setattr(score, "LARGEST", 5000.0)  # these pixels are no picture: their mean must drown in the noise
    other = Score(16, 16, 1, 1).double().eval().requires_grad_(False)
    x = other.prepare(pictures, rng()).double()
    place = torch.bucketize(pictures.float().flatten(1), torch.tensor(grey.BINS)[1:-1] - 0.5)
    exact = (grey.flat() / torch.tensor(grey.BINS).diff()).double().log()[place].sum(1)
    nats = other.likelihood(x, rng(), probes=1, steps=60)["nats"][0]
    assert torch.allclose(nats, exact, atol=2e-3 * 784 * math.log(2)), (nats, exact)


def test_ode_log_prob_is_reported_in_bits_of_bytes(model, pictures):
    assert [one.name for one in Score.likelihoods] == ["ODE"]
    x = model.prepare(pictures, rng())
    nats = model.ode_log_prob(x, rng(3))
    assert nats.shape == (2,) and nats.isfinite().all() and not nats.requires_grad
    assert torch.equal(nats, model.ode_log_prob(x, rng(3))) and not torch.equal(nats, model.ode_log_prob(x, rng(4)))
    (chunk,) = log_likelihood(model, pictures, Score.likelihoods[0])
    assert 0 < bits_per_dim(-chunk.mean().item(), 784) < 20
    estimates = model.likelihood(x, rng(3), probes=3, steps=5)
    assert estimates["nats"].shape == (3, 2) and estimates["nfe"] == 20
    for wrong in ({"probes": 0}, {"steps": 1000}, {"tolerance": 1e-9}):
        with pytest.raises(ValueError, match="Ask for"):
            model.likelihood(x, rng(), **wrong)


# A pixel by itself


def posterior_mean(x, sigma, shares):
    """E[grey | x] by a sum over a fine grid."""
    edges = (torch.tensor(grey.BINS, dtype=torch.float64) - 0.5) * grey.BYTE - 1
    g = torch.linspace(edges[0], edges[-1], 200_001, dtype=torch.float64)
    height = (shares.double() / edges.diff())[torch.bucketize(g, edges[1:-1])]
    weight = height * torch.exp(-((x[:, None] - g) ** 2) / (2 * sigma**2))
    return (weight * g).sum(1) / weight.sum(1)


@pytest.mark.parametrize("sigma", [0.002, 0.01, 0.05])
def test_the_grey_of_a_pixel_is_its_posterior_mean(sigma):
    shares = torch.rand(len(grey.BINS) - 1, generator=rng()).add(0.1)
    shares /= shares.sum()
    x = torch.cat([torch.linspace(-1.0, -0.96, 9), torch.linspace(0.97, 1.01, 9), torch.tensor([-0.5, 0.3])])
    assert torch.allclose(grey.denoise(x, sigma, shares).double(), posterior_mean(x.double(), sigma, shares), atol=0.02 * sigma)
    far = torch.tensor([-1 - 20 * sigma, 1 + 20 * sigma])
    assert grey.denoise(far, sigma, shares).isfinite().all()


def test_the_lift_is_the_flow_of_a_pixel():
    shares, sigma = grey.flat(), 0.01
    x = ((torch.tensor([0, 0, 0, 1, 7, 128, 254, 255]) + torch.tensor([-0.4, 0, 0.3, 0, 0.2, 0, 0, 0.4])) * grey.BYTE - 1).double()
    lifted, stretch = grey.lift(x.view(1, -1), sigma, shares)
    walked, times = x.clone(), torch.linspace(math.log(1e-5), math.log(sigma), 1500).exp().double()
    for a, b in zip(times, times[1:], strict=False):  # dx / d log sigma = x - E[grey | x], by the midpoint rule
        m, h = (a * b).sqrt(), torch.log(b / a)
        half = walked + h / 2 * (walked - grey.denoise(walked, a, shares))
        walked = walked + h * (half - grey.denoise(half, m, shares))
    assert torch.allclose(lifted[0], walked, atol=2e-5)
    near = [grey.lift((x + d).view(1, -1), sigma, shares)[0] for d in (-1e-5, 1e-5)]
    assert stretch.item() == pytest.approx(((near[1] - near[0]) / 2e-5).log().sum().item(), abs=1e-3)


def test_greys_are_counted(model, pictures):
    shares = grey.count(model.prepare(pictures, rng()))
    assert shares.sum().item() == pytest.approx(1) and shares[0].item() == pytest.approx((pictures == 0).float().mean().item())
    assert torch.equal(shares, grey.count(score.dequantise(model.prepare(pictures, rng()), rng(1))))
    other = Score(16, 16, 1, 1)
    for _ in range(400):
        other.loss(model.prepare(pictures, rng()), torch.zeros(2, dtype=torch.long), rng()) if _ < 2 else other.greys.lerp_(shares, 0.01)
    assert torch.allclose(other.greys, shares, atol=0.02)
    other.eval().loss(torch.zeros(2, 1, 28, 28), torch.zeros(2, dtype=torch.long), rng())
    assert torch.allclose(other.greys, shares, atol=0.02), "held-out images are not counted"


# The network


def test_weights_of_a_diffusion_model_fit_and_answer_the_same():
    torch.manual_seed(3)
    there, here = stirred(Diffusion(32, 96, 2, 5)), Score(32, 96, 2, 5).eval()
    here.load_state_dict(there.state_dict())
    assert set(here.state_dict()) - set(there.state_dict()) == {"greys"}
    assert torch.equal(here.greys, grey.flat())
    sigma, label = torch.tensor([0.07, 0.5, 2.0, 9.0, 40.0]), torch.tensor([3, 0, 9, NO_CLASS, 5])
    x = torch.randn(5, 1, 28, 28, generator=rng()) * (1 + sigma.view(-1, 1, 1, 1))
    with torch.no_grad():
        assert torch.allclose(here.denoise(x, sigma), there.denoise(x, sigma), atol=1e-4)
        assert torch.allclose(here.denoise(x, sigma, label), there.denoise(x, sigma, label), atol=1e-4)


def test_score_is_tweedie(model):
    x, sigma = torch.randn(4, 1, 28, 28, generator=rng()), torch.tensor([0.005, 0.03, 2.0, 9.0])
    x0_hat = model.denoise(x, sigma)
    assert torch.allclose(model.score(x, sigma), (x0_hat - x) / sigma.view(-1, 1, 1, 1) ** 2)
    norms = model.norms(x.tanh(), torch.tensor([0.1, 1.0, 10.0]), rng())
    assert norms.shape == (4, 3) and (norms[:, 2] < norms[:, 0]).all()


def test_a_pixel_takes_over_as_the_noise_falls(model):
    assert torch.equal(score._say(torch.tensor([TOGETHER, 1.0, ALONE, 0.001])), torch.tensor([0.0, 0.0, 1.0, 1.0]))
    x = -1 + 0.004 * torch.randn(2, 1, 28, 28, generator=rng())
    sigma = torch.full((2,), 0.004)
    assert torch.allclose(model.denoise(x, sigma), grey.denoise(x, 0.004, model.greys).clamp(-1, 1), atol=1e-5)


def test_the_loss_of_a_perfect_network_is_small_and_of_a_silent_one_is_not(monkeypatch):
    other = Score(16, 16, 1, 1)
    x, label = torch.full((64, 1, 28, 28), 0.0), torch.zeros(64, dtype=torch.long)
    monkeypatch.setattr(score, "dequantise", lambda x, rng: x)
    assert other.loss(x, label, rng()) > 0.3

    def perfect(y, u, label):
        return y / torch.sin(u).view(-1, 1, 1, 1) * torch.cos(u).view(-1, 1, 1, 1)  # data are 0: eps = y / sin u, v = eps cos u

    monkeypatch.setattr(other, "v", perfect)
    assert other.loss(x, label, rng()) < 1e-6


def test_half_of_the_classes_are_hidden_in_training_and_all_afterwards(monkeypatch):
    other, seen = Score(16, 16, 1, 1), []
    monkeypatch.setattr(other, "v", lambda y, u, label: seen.append(label) or y)
    x, label = torch.zeros(1000, 1, 28, 28), torch.full((1000,), 4)
    other.loss(x, label, rng())
    assert 0.45 < (seen[0] == NO_CLASS).float().mean() < 0.55
    other.eval().loss(x, label, rng())
    assert (seen[1] == NO_CLASS).all()


def test_labels_reach_the_network(model):
    labels = []
    hook = model.net.register_forward_hook(lambda _, inputs, __: labels.append(inputs[2].tolist()))
    try:
        first = [
            next(model.sample(12, replace(Score.Knobs(), steps=2, guidance=1.0), rng())),
            next(model.sample(2, replace(Score.Knobs(), steps=2, label=7), rng())),
            next(model.diffuse(2, replace(Score.Knobs(), steps=2), rng(), x=torch.zeros(1, 28, 28), sigma=torch.tensor(1.0))),
        ]
        assert labels == [] and [frame.nfe for frame in first] == [0, 0, 0], "noise is shown before anything is asked"
        assert all(frame.aux["x0_hat"].shape == frame.aux["score"].shape for frame in first)
    finally:
        hook.remove()
    assert labels == [[*range(10), 0, 1], [7, 7, NO_CLASS, NO_CLASS], [NO_CLASS, NO_CLASS]]


# In the plane


@pytest.fixture(scope="module")
def plane():
    """A network of points, trained for a few seconds."""
    torch.manual_seed(0)
    model, x, draws = PlaneScore(), truth.points("eight_gaussians", "train")[0], rng()
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=0.0)
    for step in range(500):
        optimizer.param_groups[0]["lr"] = 8e-3 * min(1, step / 20) * 0.5 * (1 + math.cos(math.pi * step / 500))
        loss = model.loss(x[torch.randint(len(x), (500,), generator=draws)], x, draws)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval().requires_grad_(False)


def test_the_score_of_the_mixture_is_learnt(plane):
    x = truth.points("eight_gaussians", "held_out")[0][:1000]
    for sigma, allowed in ((0.1, 0.3), (0.3, 0.25), (1.0, 0.2), (4.0, 0.1)):
        noisy = x + sigma * torch.randn(x.shape, generator=rng())
        right, found = truth.score("eight_gaussians", noisy, sigma), plane.score(noisy, torch.full((1000,), sigma))
        assert ((found - right).square().sum() / right.square().sum()).sqrt() < allowed, sigma


def test_the_density_in_the_plane_is_one_and_near_the_truth(plane):
    line = torch.linspace(-3, 3, 121)
    p = plane.log_prob(torch.cartesian_prod(line, line)).exp()
    assert p.sum().item() * 0.05**2 == pytest.approx(1, abs=0.01)
    x = truth.points("eight_gaussians", "held_out")[0][:1000]
    assert plane.log_prob(x).mean().item() == pytest.approx(truth.log_prob("eight_gaussians", x, SMALLEST).mean().item(), abs=0.15)


@pytest.mark.parametrize("name", SAMPLERS)
def test_points_walk_to_the_data(plane, name):
    steps, corrector = {"probability_flow": (24, 0), "predictor_corrector": (60, 1), "annealed_langevin": (150, 3)}[name]
    knobs = replace(PlaneScore.Knobs(), sampler=name, steps=steps, corrector=corrector)
    *_, frame = plane.sample(1000, knobs, rng())
    assert frame.x.std(0).tolist() == pytest.approx([1.0, 1.0], abs=0.12)
    home = truth.log_prob("eight_gaussians", frame.x, 0.1).mean().item()
    assert home > truth.log_prob("eight_gaussians", truth.points("eight_gaussians", "held_out")[0], 0.1).mean().item() - 0.5


def test_ask_counts_and_hands_on_one_noise_per_example():
    parts = []
    ask = Ask(lambda x, sigma, part: parts.append(part) or -x / sigma**2, calls=2)
    assert torch.equal(finish(ask(torch.ones(3, 2), 2.0)), torch.full((3, 2), -0.25)) and ask.nfe == 2
    x = torch.randn(40, 1, 2, 2, generator=rng())
    question, parts[:] = ask.on_stage(x, 2.0), []
    breaths = sum(1 for _ in ask(x, 2.0))
    assert [part.stop for part in parts] == [16, 32, 40] and breaths == 2 and ask.nfe == 4, "many pictures in parts, a breath between"
    assert finish(ask.about(question)) is finish(ask(x, 2.0)) and len(parts) == 3 and ask.nfe == 4, "what is known is not asked again"


# The tab's server functions


class SmallEngine:
    """`call` as the engine answers it, for random nets."""

    def __init__(self):
        torch.manual_seed(0)
        self.models = {DIFFUSION: stirred(Diffusion(16, 16, 1, 1)), SCORE: stirred(Score(16, 16, 1, 1))}

    async def call(self, name, data, method, *arrays, seed=None, timeout=30.0, **options):
        options = {k: torch.from_numpy(np.array(o)) if isinstance(o, np.ndarray) else o for k, o in options.items()}
        if seed is not None:
            options["rng"] = rng(seed)
        answer = getattr(self.models[name], method)(*(torch.from_numpy(np.array(a)) for a in arrays), **options)
        return (
            {k: v.numpy() if isinstance(v, torch.Tensor) else v for k, v in answer.items()} if isinstance(answer, dict) else answer.numpy()
        )


def image() -> str:
    return base64.b64encode(exhibit("mnist")[0][3].tobytes()).decode()


def ask(panel, name: str, **values):
    """A server function as the page asks it: one object in, {"ok"} or {"error"} out."""
    answer = asyncio.run(getattr(panel, name)(values))
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["ok"]


def test_the_arrow_panel_shows_one_moment_and_the_whole_curve():
    panel, here = Arrow(SmallEngine(), {}), {"model": SCORE, "data": "mnist", "seed": 2}
    answer = ask(panel, "look", image=image(), sigma=0.5, **here)
    gradient = np.array(answer["score"])
    assert np.linalg.norm(gradient) == pytest.approx(answer["norm"], rel=1e-2)
    assert len(base64.b64decode(answer["x"])) == len(base64.b64decode(answer["x0_hat"])) == 784
    curve = ask(panel, "curve", image=image(), **here)
    assert curve["sigmas"][0] == 0.01 and curve["sigmas"][-1] == 50 and curve["norms"][0] > curve["norms"][-1]
    with pytest.raises(ValueError, match="'sigma' must lie"):
        ask(panel, "look", image=image(), sigma=0.0, **here)


def test_the_likelihood_panel_measures_by_name():
    panel, here = Likelihood(SmallEngine(), {}), {"image": image(), "model": SCORE, "data": "mnist", "seed": 0}
    answer = ask(panel, "measure", solver="rk4-5", probes=3, **here)
    assert len(answer["bits"]) == 3 and answer["nfe"] == 20 and len(set(answer["bits"])) > 1
    with pytest.raises(ValueError, match="no solver 'euler'"):
        ask(panel, "measure", solver="euler", probes=1, **here)


def test_two_families_are_asked_about_the_same_picture():
    engine = SmallEngine()
    panel = Familiar(engine, {})
    answer = ask(panel, "both", image=image(), sigma=0.5, label=-1, data="mnist", seed=0)
    for row in ("diffusion", "score", "difference"):
        x0_hat, eps_hat, gradient = (np.array(answer[row][n]) for n in ("x0_hat", "eps_hat", "score"))
        assert np.allclose(gradient, -eps_hat / 0.5, rtol=0.02, atol=0.05)
        assert row == "difference" or np.abs(x0_hat).max() <= 1
    assert answer["apart"]["eps_hat"] > 0
    engine.models[SCORE].load_state_dict(engine.models[DIFFUSION].state_dict())
    same = ask(panel, "both", image=image(), sigma=0.5, label=3, data="mnist", seed=0)
    assert same["apart"]["x0_hat"] < 1e-4, "equal weights must answer alike"
