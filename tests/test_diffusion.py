"""Samplers against denoisers whose answer is known in closed form, and the bookkeeping of the diffusion walks."""

from dataclasses import replace

import pytest
import torch
from toy import asked

from genviz.families.diffusion.ddim import ddim
from genviz.families.diffusion.ddpm import ddpm
from genviz.families.diffusion.diffusion import NO_CLASS, SAMPLERS, Diffusion, grid, guess
from genviz.families.diffusion.dpm_solver import dpm_solver
from genviz.families.diffusion.heun import heun
from genviz.model import finish
from genviz.noise import SCHEDULES, Cosine, Linear, karras, spherical

VP = Cosine()
SOLVERS = {"heun": heun, "dpm_solver": dpm_solver, "ddim": ddim}  # deterministic ones
POINTS, SHARES = torch.tensor([-0.8, 0.1, 0.9]), torch.tensor([0.5, 0.2, 0.3])
MU, STD = 0.4, 0.3


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(x_t, t, schedule=VP):
    """E[x | x_t] for data N(MU, STD^2)."""
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    return MU + STD**2 * alpha * (x_t - alpha * MU) / (alpha**2 * STD**2 + sigma**2)


def points(x_t, t):
    """E[x | x_t] for data that take three values only."""
    alpha, sigma = VP.alpha(t), VP.sigma(t)
    logits = SHARES.log() - (x_t[..., None] - alpha * POINTS) ** 2 / (2 * sigma**2)
    return (logits.softmax(-1) * POINTS).sum(-1)


def end(sampler, denoise, x_t, times, **options):
    *_, x = sampler(asked(denoise), x_t, times, rng(1), **options)
    return x


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = Diffusion(16, 16, 1, 1)
    for p in model.parameters():  # away from the zeros of the start, so that inputs matter
        if p.ndim > 1 and not p.any():
            torch.nn.init.normal_(p, std=0.1)
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_follow_the_exact_curve_of_gaussian_data(name):
    x_t = torch.randn(200, generator=rng(), dtype=torch.float64)
    r = 60.0
    exact = MU + (x_t / VP.alpha(VP.time(torch.tensor(r, dtype=torch.float64))) - MU) * STD / (STD**2 + r**2) ** 0.5
    errors = [(end(SOLVERS[name], gaussian, x_t, VP.time(karras(n, 0.002, r))) - exact).abs().max().item() for n in (16, 32, 64)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < (0.06 if name == "ddim" else 0.006)
    fall = errors[0] / errors[2]  # four times the steps: 4 for a first-order method, 16 for a second-order one
    assert fall > (3 if name == "ddim" else 8), errors


@pytest.mark.parametrize("schedule", [Cosine(), Linear()], ids=["cosine", "linear"])
def test_solvers_agree_on_every_schedule(schedule):
    """The same ratios under another schedule are the same walk, x_t / alpha_t."""
    ratios = karras(12, 0.02, 40.0)
    y = 40.0 * torch.randn(50, generator=rng(), dtype=torch.float64)
    for name, sampler in SOLVERS.items():
        times = schedule.time(ratios)
        x = end(sampler, lambda x, t: gaussian(x, t, schedule), y * schedule.alpha(times[0]), times, schedule=schedule)
        times = VP.time(ratios)
        assert torch.allclose(x, end(sampler, gaussian, y * VP.alpha(times[0]), times), atol=1e-6), name


@pytest.mark.parametrize(("name", "eta"), [*((name, 0.0) for name in SAMPLERS), ("ddim", 0.5), ("ddim", 1.0)])
def test_every_sampler_reaches_the_distribution(name, eta):
    x_t = torch.randn(20_000, generator=rng())
    # to smaller noise than for pictures, where the last step may denoise from 0.1 at once: it gives the mean, which has too little spread
    times = VP.time(karras(100, 0.002, 300.0)) if name in ("heun", "dpm_solver") else grid(name, 400 if name == "ddpm" or eta else 100)
    x = end(SAMPLERS[name], gaussian, x_t, times, eta=eta)
    assert x.mean().item() == pytest.approx(MU, abs=0.02)
    assert x.std().item() == pytest.approx(STD, rel=0.03)
    x = end(SAMPLERS[name], points, x_t, times, eta=eta)
    distance, nearest = (x[:, None] - POINTS).abs().min(1)
    assert distance.max() < 1e-3
    found = torch.bincount(nearest, minlength=3) / len(x)
    assert torch.allclose(found, SHARES, atol=0.03), found


def test_ddim_with_eta_one_is_ddpm():
    x_t = torch.randn(50, generator=rng(), dtype=torch.float64)
    times = grid("ddpm", 40)
    a = list(ddpm(asked(points), x_t, times, rng(3)))
    b = list(ddim(asked(points), x_t, times, rng(3), eta=1.0))
    assert all(torch.allclose(p, q, atol=1e-9) for p, q in zip(a, b, strict=True))
    assert not torch.allclose(a[-2], list(ddim(asked(points), x_t, times, rng(3), eta=0.5))[-2], atol=1e-3)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 1000])
def test_shortest_and_longest_walk(name, steps):
    walk = list(SAMPLERS[name](asked(points), torch.randn(20, generator=rng()), grid(name, steps), rng(1)))
    assert len(walk) == steps + 1
    assert all(x.isfinite().all() for x in walk)
    if steps == 1:  # one step can only give the mean of the data
        assert torch.allclose(walk[-1], (POINTS * SHARES).sum().expand(20), atol=0.05)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_nfe_is_what_a_hook_counts(model, name, guidance):
    knobs = replace(Diffusion.Knobs(), sampler=name, steps=5, guidance=guidance)
    calls = []
    hook = model.net.register_forward_hook(lambda _, given, __: calls.append(len(given[0])))
    try:
        seen = [(f.step, f.nfe, sum(calls) / 3) for f in model.sample(3, knobs, rng())]
    finally:
        hook.remove()
    assert [s for s, _, _ in seen] == list(range(6))
    assert all(nfe == counted for _, nfe, counted in seen)
    assert len(calls) == (9 if name == "heun" else 5), "both sides of the guidance are asked for in one call"
    assert sum(calls) == 3 * len(calls) * (1 if guidance == 1 else 2)


def test_a_seed_is_a_film(model):
    knobs = replace(Diffusion.Knobs(), sampler="ddpm", steps=4)
    a, b, c = (list(model.sample(4, knobs, rng(seed))) for seed in (7, 7, 8))
    assert all(torch.equal(p.x, q.x) and torch.equal(p.aux["score"], q.aux["score"]) for p, q in zip(a, b, strict=True))
    assert not torch.equal(a[-1].x, c[-1].x)
    assert all(not f.x.requires_grad for f in a)


def test_x0_hat_eps_hat_and_score_say_the_same(model):
    knobs = replace(Diffusion.Knobs(), sampler="heun", steps=6)
    frames, times = list(model.sample(4, knobs, rng())), grid("heun", 6)
    for frame, t in zip(frames[:-1], times, strict=False):
        alpha, sigma = VP.alpha(t).float(), VP.sigma(t).float()
        x0_hat, eps_hat, score = (frame.aux[k] for k in ("x0_hat", "eps_hat", "score"))
        assert torch.allclose(frame.x, alpha * x0_hat + sigma * eps_hat, atol=1e-5)
        assert torch.allclose(score, (alpha * x0_hat - frame.x) / sigma**2, rtol=1e-3, atol=1e-4 / float(sigma) ** 2)
    assert torch.equal(frames[-1].x, frames[-1].aux["x0_hat"])


def test_score_is_tweedie_and_denoise_is_the_walk_in_another_scale(model):
    x, sigma = torch.randn(4, 1, 28, 28, generator=rng()), torch.tensor([0.1, 0.5, 2.0, 9.0])
    x0_hat = model.denoise(x, sigma)
    assert torch.allclose(model.score(x, sigma), (x0_hat - x) / sigma.view(-1, 1, 1, 1) ** 2)
    for i in range(4):
        t = VP.time(sigma[i].double())
        other = finish(guess(model, torch.tensor([NO_CLASS]), 1.0)(x[i : i + 1] * VP.alpha(t), t))
        assert torch.allclose(x0_hat[i : i + 1], other, atol=1e-4)
    told = model.denoise(x, sigma, torch.tensor([3, 3, 3, 3]))
    assert not torch.allclose(told, x0_hat)


def test_forward_process_has_the_stated_mean_and_variance(model):
    x = torch.linspace(-1, 1, 784).view(1, 28, 28)
    knobs = replace(Diffusion.Knobs(), steps=4)
    frames = list(model.forward_process(400, knobs, rng(), x=x))
    assert torch.allclose(frames[0].x, x.expand(400, 1, 28, 28))
    for frame in frames:
        t = torch.tensor(frame.step / 4, dtype=torch.float64)
        alpha, sigma = float(VP.alpha(t)), float(VP.sigma(t))
        assert frame.nfe == 0
        assert (frame.x.mean(0) - alpha * x).abs().max() <= 5 * sigma / 20 + 1e-6  # 400 draws
        rest = frame.x - alpha * x
        assert rest.std().item() == pytest.approx(sigma, rel=0.01, abs=1e-6)


def test_diffuse_starts_at_its_time_and_keeps_the_picture_where_little_noise_was_added(model):
    x = torch.rand(1, 28, 28, generator=rng()) * 2 - 1
    knobs = replace(Diffusion.Knobs(), steps=3)
    far, near = (list(model.diffuse(5, knobs, rng(), x=x, t=torch.tensor(t))) for t in (0.9, 0.02))
    assert (far[-1].x - x).abs().mean() > 5 * (near[-1].x - x).abs().mean()
    assert near[0].caption.startswith("t = 0.02")
    with pytest.raises(ValueError, match="between 0 and 1"):
        next(model.diffuse(1, knobs, rng(), x=x, t=torch.tensor(1.5)))


def test_branches_share_their_root_and_part(model):
    knobs = replace(Diffusion.Knobs(), steps=12, guidance=1.0)
    trunk = list(model.sample(1, knobs, rng()))
    frames = list(model.branch(4, knobs, rng(), step=torch.tensor(3.0)))
    assert torch.equal(frames[0].x, trunk[3].x.expand(4, 1, 28, 28))
    assert frames[0].caption == trunk[3].caption
    assert frames[0].nfe == 3 and frames[1].nfe == 4  # three for the trunk up to the step, one for the first guess of the branches
    assert torch.allclose(frames[0].aux["x0_hat"][:1], trunk[3].aux["x0_hat"], atol=1e-5)  # the same class is told
    assert not torch.allclose(frames[-1].x[0], frames[-1].x[1], atol=1e-3)
    other = list(model.branch(4, knobs, rng(), step=torch.tensor(3.0), draw=torch.tensor(1.0)))
    assert torch.equal(frames[0].x, other[0].x) and not torch.allclose(frames[-1].x, other[-1].x, atol=1e-3)
    given = next(model.branch(4, knobs, rng(9), step=torch.tensor(3), x_t=trunk[3].x[0]))
    assert torch.equal(given.x, frames[0].x)
    with pytest.raises(ValueError, match="0 to 11"):
        next(model.branch(1, knobs, rng(), step=torch.tensor(12)))


def test_interpolation_ends_at_its_two_noises(model):
    knobs, other = replace(Diffusion.Knobs(), steps=2), torch.tensor(9.0)
    a, b = (torch.randn(1, 28, 28, generator=rng(s)) for s in (4, 9))
    assert torch.equal(a, next(model.sample(3, knobs, rng(4))).x[0])  # the noise of a seed is the one that `sample` starts from
    sphere = next(model.interpolate(5, knobs, rng(4), other=other)).x
    line = next(model.interpolate(5, knobs, rng(4), other=other, linear=torch.tensor(1.0))).x
    for x in (sphere, line):
        assert torch.allclose(x[0], a, atol=1e-5) and torch.allclose(x[-1], b, atol=1e-5)
    assert sphere[2].norm() > 0.97 * (a.norm() + b.norm()) / 2
    assert line[2].norm() < 0.8 * (a.norm() + b.norm()) / 2
    assert torch.allclose(spherical(a, b, torch.tensor([0.5]))[0], sphere[2], atol=1e-5)


def test_labels_and_guidance_reach_the_network(model):
    x_t = torch.randn(2, 1, 28, 28, generator=rng())
    knobs = replace(Diffusion.Knobs(), steps=2)
    labels = []
    hook = model.net.register_forward_hook(lambda _, inputs, __: labels.append(inputs[2].tolist()))
    try:
        list(model.sample(12, knobs, rng()))
        assert labels[0] == [*range(10), 0, 1] + [NO_CLASS] * 12
        labels.clear()
        list(model.sample(2, replace(knobs, label=7, guidance=2.0), rng()))
        assert labels == [[7, 7, NO_CLASS, NO_CLASS]] * 2
        labels.clear()
        list(model.diffuse(2, replace(knobs, guidance=2.0), rng(), x=x_t[0].tanh(), t=torch.tensor(0.5)))
        assert labels == [[NO_CLASS, NO_CLASS]] * 2  # no class is told, so none is exaggerated
    finally:
        hook.remove()
    t = VP.time(torch.tensor(2.0, dtype=torch.float64))
    told, untold = (model.guess(x_t, t, torch.tensor([k, k])) for k in (3, NO_CLASS))
    stretched = finish(guess(model, torch.tensor([3, 3]), 2.0)(x_t, t))
    assert torch.allclose(stretched, (2 * told - untold).clamp(-1, 1), atol=1e-5)  # batches of another size round differently


def test_the_loss_of_a_perfect_network_is_zero(monkeypatch):
    model = Diffusion(16, 16, 1, 1)
    x, label = torch.full((32, 1, 28, 28), 0.3), torch.zeros(32, dtype=torch.long)

    def perfect(x_t, t, label):
        t = t.view(-1, 1, 1, 1)
        eps = (x_t - VP.alpha(t) * 0.3) / VP.sigma(t)
        return VP.alpha(t) * eps - VP.sigma(t) * 0.3

    assert model.loss(x, label, rng()) > 0.4  # of a network that answers nothing: alpha_t^2 + 0.09 sigma_t^2 on average
    monkeypatch.setattr(model, "v", perfect)
    assert model.loss(x, label, rng()) < 1e-6


def test_one_training_picture_in_ten_hides_its_class(monkeypatch):
    model, seen = Diffusion(16, 16, 1, 1), []
    monkeypatch.setattr(model, "v", lambda x_t, t, label: seen.append(label) or x_t)
    x, label = torch.zeros(2000, 1, 28, 28), torch.full((2000,), 4)
    model.loss(x, label, rng())
    assert 0.07 < (seen[0] == NO_CLASS).float().mean() < 0.13
    model.eval().loss(x, label, rng())
    assert (seen[1] == 4).all()


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    schedule, t = SCHEDULES[name], torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    assert torch.allclose(schedule.time(schedule.ratio(t)), t)
    assert (schedule.log_snr(t).diff() < 0).all()
    if name != "exploding":
        assert torch.allclose(schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2, torch.ones_like(t))


def test_karras_grid():
    ratios = karras(18, 0.02, 80.0)
    assert len(ratios) == 19 and ratios[-1] == 0
    assert ratios[0].item() == pytest.approx(80) and ratios[-2].item() > 0.02
    roots = ratios[:-1] ** (1 / 7)
    assert torch.allclose(roots.diff(), roots.diff()[0].expand(17)), "equally spaced under the root"
    assert roots[-1] + roots.diff()[0] == pytest.approx(0.02 ** (1 / 7)), "and sigma_min would be next, where 0 stands"
    with pytest.raises(ValueError, match="at least 1"):
        karras(0, 0.02, 80.0)
