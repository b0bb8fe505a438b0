"""The game of the GANs against what is known of it, and what their tab answers."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import math
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save
from torch import nn

from genviz import load
from genviz.data import idx
from genviz.data.exhibit import exhibit
from genviz.data.idx import training_images
from genviz.families.gan.gan import FIXED, GAN, JUDGED, WALKED, ConditionalGAN, SelfConditionedGAN, truncate
from genviz.families.gan.nearest import nearest
from genviz.families.gan.nets import Block, fold
from genviz.families.gan.page.between.panel import Between
from genviz.families.gan.page.discriminator.panel import CROWD, Expert
from genviz.families.gan.page.nearest.panel import SHOWN, TYPICAL, Nearest
from genviz.families.gan.page.watched.panel import Watched
from genviz.families.gan.plane import Plane
from genviz.families.gan.wander import wander
from genviz.families.gan.watched import bins, history

SMALL = {"coarse": 16, "fine": 16, "widths": (16, 16, 16)}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(kind: type[GAN]) -> GAN:
    """A small random model whose batch norms and class vectors are not those of the start."""
    torch.manual_seed(0)
    model = kind(**SMALL)
    for norm in model.generator.normalised()[1]:
        norm.running_mean.normal_(std=0.3)
        norm.running_var.uniform_(0.5, 2)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.2)
    for part in model.modules():
        if isinstance(part, Block):
            nn.init.normal_(part.last.weight, std=0.05)
    if model.classes:
        nn.init.normal_(model.discriminator.label.weight)
    if isinstance(model, SelfConditionedGAN):
        model.meet(torch.rand(500, 1, 28, 28) * 2 - 1)
        model.played.fill_(torch.inf)
    return model.eval().requires_grad_(False)


@pytest.fixture(params=[GAN, ConditionalGAN, SelfConditionedGAN])
def model(request) -> GAN:
    return small(request.param)


def last(frames):
    *_, frame = frames
    return frame


# ---- the game ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [GAN, ConditionalGAN, SelfConditionedGAN, Plane])
def test_each_loss_moves_its_own_player_only(kind) -> None:
    torch.manual_seed(0)
    model = kind() if kind is Plane else kind(**SMALL)
    if isinstance(model, SelfConditionedGAN):
        model.played.fill_(torch.inf)  # past the game without kinds
    x = torch.randn(16, *model.shape).clamp(-1, 1)
    moved = []
    for player, loss in zip(model.players(), model.losses(x, torch.arange(16) % 10, rng()), strict=True):
        model.zero_grad(set_to_none=True)
        loss.backward()
        moved.append([name for name, other in model.named_children() if any(p.grad is not None for p in other.parameters())])
        assert all(p.grad is not None for p in player.parameters())
    assert moved == [["discriminator"], ["generator"]]
    assert all(p.requires_grad for player in model.players() for p in player.parameters())


def test_the_second_loss_sees_that_the_first_player_has_moved() -> None:
    torch.manual_seed(0)
    x, again = torch.rand(8, 1, 28, 28), []
    for shift in (0.0, 1.0):
        model = small(GAN).requires_grad_(True)
        losses = model.losses(x, torch.zeros(8, dtype=torch.int64), rng())
        next(losses)
        with torch.no_grad():
            model.discriminator.head.weight.mul_(1 + shift)
        again.append(next(losses).item())
    assert again[0] != again[1]


def test_the_best_discriminator_knows_the_odds() -> None:
    """D alone against a generator that is held at a known Gaussian: sigma(D) becomes p_data / (p_data + p_g)."""
    torch.manual_seed(0)
    model = Plane(gamma=0.0)
    model.generator = nn.Linear(2, 2).requires_grad_(False)
    model.generator.weight.copy_(0.7 * torch.eye(2))
    model.generator.bias.copy_(torch.tensor([0.8, 0.0]))

    def normal(x: torch.Tensor, mean: float, std: float) -> torch.Tensor:
        return torch.exp(-(x - torch.tensor([mean, 0.0])).square().sum(1) / (2 * std**2)) / (2 * math.pi * std**2)

    draws, steps = rng(1), 500
    optimizer = torch.optim.Adam(model.discriminator.parameters(), lr=4e-3, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        data = torch.randn(512, 2, generator=draws) - torch.tensor([0.8, 0.0])  # N((-0.8, 0), I)
        loss = next(model.losses(data, torch.zeros(512, dtype=torch.int64), draws))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        x = torch.cat(
            [torch.randn(2000, 2, generator=draws) - torch.tensor([0.8, 0.0]), model.decode(torch.randn(2000, 2, generator=draws))]
        )
        known = normal(x, -0.8, 1.0) / (normal(x, -0.8, 1.0) + normal(x, 0.8, 0.7))
        assert known.min() < 0.1 and known.max() > 0.9
        assert (model.odds(x) - known).abs().mean() < 0.02
        score, _ = model.judge(x)
        assert torch.allclose(torch.sigmoid(score), model.odds(x))


def test_in_pairs_the_best_score_is_the_log_ratio_up_to_a_constant() -> None:
    p, q = torch.tensor([0.5, 0.3, 0.15, 0.05]), torch.tensor([0.1, 0.2, 0.3, 0.4])
    model, score = small(GAN), torch.zeros(4, requires_grad=True)
    shares, optimizer = torch.outer(p, q).flatten(), torch.optim.LBFGS([score], max_iter=200, tolerance_grad=1e-9)
    real, fake = torch.arange(4).repeat_interleave(4), torch.arange(4).repeat(4)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        each = torch.stack([model.expert_loss(score[i : i + 1], score[j : j + 1]) for i, j in zip(real, fake, strict=True)])
        total = (shares * each).sum()
        total.backward()
        return total

    optimizer.step(loss)
    off = score.detach() - (p / q).log()
    assert (off - off.mean()).abs().max() < 1e-3


def test_the_penalty_is_the_squared_length_of_the_gradient() -> None:
    model = Plane()
    model.discriminator = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    weight = model.discriminator[0].weight
    slope = model.slope(torch.randn(7, 2))
    assert slope.item() == pytest.approx(weight.square().sum().item(), rel=1e-5)
    slope.backward()
    assert torch.allclose(weight.grad, 2 * weight)


def test_a_snapshot_of_a_training(model) -> None:
    x, label = torch.rand(1200, 1, 28, 28, generator=rng()) * 2 - 1, torch.arange(1200) % 10
    kept, again = (model.snapshot(x, label, rng(3)) for _ in range(2))
    assert kept["pictures"].shape == (FIXED, 28, 28) and kept["pictures"].dtype == torch.uint8
    assert kept["real"].shape == kept["fake"].shape == (JUDGED,)
    assert float(kept["real"].float().mean() + kept["fake"].float().mean()) == pytest.approx(0, abs=1e-2)
    assert all(torch.equal(kept[k], again[k]) for k in kept), "the same latents at every moment"


# ---- the networks --------------------------------------------------------------------------------------------------------------


def test_folded_norms_paint_the_same_pictures(model) -> None:
    z = torch.randn(5, model.z_dim, generator=rng())
    folded = model.decode(z)
    model.requires_grad_(True)
    with torch.no_grad():
        assert torch.allclose(model.decode(z), folded, atol=1e-5)
    weight, norm = torch.randn(98, 3), nn.BatchNorm2d(2).eval()  # a linear layer to seven times seven places of two channels
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    scaled, shift = fold(weight, norm)
    h = torch.randn(4, 3)
    maps = nn.functional.linear(h, weight).view(4, 7, 7, 2).permute(0, 3, 1, 2)
    assert torch.allclose(norm(maps), nn.functional.linear(h, scaled, shift).view(4, 7, 7, 2).permute(0, 3, 1, 2), atol=1e-5)


def test_a_changed_weight_is_folded_anew(model) -> None:
    z = torch.randn(3, model.z_dim, generator=rng())
    before = model.decode(z)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    model.generator.norms[1].running_var.mul_(2)
    assert not torch.allclose(model.decode(z), before, atol=1e-4)
    model.load_state_dict(state)
    assert torch.allclose(model.decode(z), before)
    state["generator.layers.3.weight"] *= 1.5
    model.load_state_dict(state, assign=True)
    assert not torch.allclose(model.decode(z), before, atol=1e-4)


def test_blocks_begin_as_nothing_and_then_matter() -> None:
    """A shallow game that is made deeper goes on from where it stood."""
    torch.manual_seed(0)
    shallow, deep = (GAN(**SMALL, **shape).eval().requires_grad_(False) for shape in ({"blocks": 0}, {"blocks": 2, "deeper": 1}))
    assert not deep.load_state_dict(shallow.state_dict(), strict=False).unexpected_keys
    z, x = torch.randn(5, shallow.z_dim, generator=rng()), torch.rand(5, 1, 28, 28, generator=rng()) * 2 - 1
    assert torch.equal(deep.decode(z), shallow.decode(z)) and torch.equal(deep.discriminator(x), shallow.discriminator(x))
    blocks = [part for part in deep.modules() if isinstance(part, Block)]
    assert len(blocks) == 10, "at each of two sizes two of the discriminator and three of the generator"
    for block in blocks:
        painted, score = deep.decode(z), deep.discriminator(x)
        nn.init.normal_(block.last.weight, std=0.05)
        changed = not torch.equal(deep.decode(z), painted), not torch.equal(deep.discriminator(x), score)
        assert sum(changed) == 1, "a block belongs to one player"


def test_the_class_matters_to_both_players() -> None:
    model = small(ConditionalGAN)
    z, x = torch.randn(1, 49, generator=rng()).expand(10, -1), torch.rand(1, 1, 28, 28, generator=rng()).expand(10, -1, -1, -1)
    pictures, (scores, _) = model.decode(z, torch.arange(10)), model.judge(x, torch.arange(10))
    assert len({p.numpy().tobytes() for p in pictures}) == 10
    assert len(set(scores.tolist())) == 10
    assert torch.equal(model.decode(z[:2]), model.decode(z[:2], 0)), "without a class it is the first one"
    three = last(model.sample(4, replace(model.Knobs(), label=3), rng()))
    assert torch.allclose(three.x, model.decode(three.aux["z"], 3))
    turn = last(model.sample(12, model.Knobs(), rng()))
    assert torch.allclose(turn.x, model.decode(turn.aux["z"], torch.arange(12) % 10))


def test_the_gradient_of_the_judge_is_what_differences_say(model) -> None:
    model = model.double()
    x = torch.rand(4, 1, 28, 28, generator=rng(), dtype=torch.float64) * 2 - 1
    told = (torch.arange(4),) if model.classes else ()
    way = torch.randn(4, 1, 28, 28, generator=rng(1), dtype=torch.float64)
    score, gradient = model.judge(x, *told)
    assert score.shape == (4,) and gradient.shape == x.shape and not gradient.requires_grad
    h = 1e-7
    difference = (model.judge(x + h * way, *told)[0] - model.judge(x - h * way, *told)[0]) / (2 * h)
    assert torch.allclose((gradient * way).flatten(1).sum(1), difference, rtol=1e-4)


def test_features_take_bytes_or_prepared_pictures(model) -> None:
    x = torch.randint(0, 256, (3, 1, 28, 28), generator=rng(), dtype=torch.uint8)
    assert torch.allclose(model.features(x), model.features(x.float() / 127.5 - 1), atol=1e-6)


# ---- latents and walks ---------------------------------------------------------------------------------------------------------


def test_truncation_draws_from_the_middle() -> None:
    z = torch.randn(20_000, generator=rng())
    assert torch.allclose(truncate(z, torch.inf), z, atol=1e-4)
    assert torch.equal(truncate(z, 0.0), torch.zeros_like(z))
    held = truncate(z, 1.0)
    again = z[z.abs() < 1]  # what is too large drawn again: the same distribution
    assert held.abs().max() <= 1 and torch.equal(held.argsort(), z.argsort())
    assert held.std().item() == pytest.approx(again.std().item(), rel=0.02)


def test_a_sample_shows_its_draw_first(model) -> None:
    first, second = model.sample(3, replace(model.Knobs(), truncation=2.0), rng())
    assert (first.nfe, second.nfe, second.steps) == (0, 1, 1)
    squares = first.x[:, 0, ::4, ::4].flatten(1)
    assert torch.allclose(squares, first.aux["z"] / 3) and torch.equal(first.x[:, :, 0, 0], first.x[:, :, 3, 3])
    draws = rng()
    torch.randn(3, model.z_dim, generator=draws)  # after z, the kinds are drawn
    assert first.aux["z"].abs().max() <= 2
    assert torch.allclose(second.x, model.paint(second.aux["z"], model.turn(3, model.Knobs(), draws)))


def test_stretches_of_a_walk_join_at_any_speed(model) -> None:
    frames = list(model.latent_walk(2, model.Knobs(), rng(5), position=3.5, speed=0.25))
    assert len(frames) == WALKED and [f.step for f in frames] == list(range(WALKED)) and frames[-1].nfe == WALKED
    fast = list(model.latent_walk(2, model.Knobs(), rng(5), position=3.5, speed=0.5))
    assert torch.allclose(frames[20].x, fast[10].x, atol=1e-5)
    further = next(model.latent_walk(2, model.Knobs(), rng(5), position=3.5 + WALKED * 0.25, speed=0.1))
    step = (frames[-1].x - frames[-2].x).abs().mean()
    assert (further.x - frames[-1].x).abs().mean() < 3 * step
    for wrong in ({"position": -1.0}, {"position": 1e9}, {"speed": 0.0}, {"speed": 2.0}):
        with pytest.raises(ValueError, match="positions from 0"):
            next(model.latent_walk(2, model.Knobs(), rng(5), **wrong))


def test_everywhere_on_a_walk_is_a_draw_from_the_prior() -> None:
    z = torch.stack([wander(position, 400, 49, 7) for position in np.linspace(0, 30, 13)])
    assert (z.std((1, 2)) - 1).abs().max() < 0.02 and z.mean((1, 2)).abs().max() < 0.03
    assert not torch.allclose(wander(2.0, 1, 49, 7), wander(2.0, 1, 49, 8))


def test_a_class_grid_shares_the_draw_down_its_columns() -> None:
    model = small(ConditionalGAN)
    frame = next(model.class_grid(30, model.Knobs(), rng()))
    z = frame.aux["z"].view(10, 3, 49)
    assert torch.equal(z, z[:1].expand_as(z)) and not torch.equal(z[0, 0], z[0, 1])
    assert torch.allclose(frame.x, model.decode(frame.aux["z"], torch.arange(10).repeat_interleave(3)))
    with pytest.raises(ValueError, match="10 rows"):
        next(model.class_grid(25, model.Knobs(), rng()))


# ---- neighbours and history ----------------------------------------------------------------------------------------------------


def test_nearest_finds_what_a_full_sort_finds() -> None:
    draw = np.random.default_rng(0)
    among, x = draw.integers(0, 256, (7000, 3, 3), dtype=np.uint8), draw.integers(0, 256, (4, 3, 3), dtype=np.uint8)
    distance, index = nearest(among, x, 5)
    every = np.linalg.norm(among.reshape(1, 7000, 9).astype(float) - x.reshape(4, 1, 9), axis=2)
    assert np.allclose(distance, np.sort(every, 1)[:, :5], atol=1e-2)
    assert np.allclose(np.take_along_axis(every, index, 1), distance, atol=1e-2)
    assert nearest(among, among[17:18], 1)[1][0, 0] == np.flatnonzero((among == among[17]).all((1, 2)))[0]


def test_training_images_are_read_where_they_are(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GENVIZ_DATA", str(tmp_path))
    assert training_images("mnist") is None
    x = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)
    monkeypatch.setattr(idx, "COUNTS", {"train": 200})
    monkeypatch.setattr(idx, "HELD_OUT", 50)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(struct.pack(">IIII", 2051, 200, 28, 28) + x.tobytes(), 1))
    assert np.array_equal(training_images("mnist"), x[:150])


def test_training_images_are_those_of_the_training(data_sets) -> None:
    from genviz.data.images import images

    for data in ("mnist", "fashion_mnist"):
        assert np.array_equal(training_images(data), images(data, "train")[0][:, 0].numpy())


@pytest.mark.parametrize("data", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("name", ["gan/conditional_gan", "gan/self_conditioned_gan"])
def test_draws_are_no_copies_of_training_images(name, data, data_sets) -> None:
    """Half of the draws lie as far from their nearest training image as half of the images that no model has seen."""
    model = load(name, data)
    draws = last(model.sample(300, model.Knobs(), rng())).x[:, 0]
    drawn, unseen = ((draws + 1) * 127.5).round().to(torch.uint8).numpy(), exhibit(data)[0][:300]
    middle = [np.median(nearest(training_images(data), x, 1)[0]) for x in (drawn, unseen)]
    assert 0.9 < middle[0] / middle[1] < 1.1


def test_a_history_is_read_without_torch_or_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GENVIZ_PRETRAINED", str(tmp_path))
    content = save({"step": np.arange(16)})
    card = {"family": "gan", "model": "gan", "data": "mnist", "history_sha256": hashlib.sha256(content).hexdigest()}
    with pytest.raises(ValueError, match="No history"):
        history(card)
    (tmp_path / "gan").mkdir()
    file = tmp_path / "gan" / "gan-mnist.history.safetensors"
    file.write_bytes(content)
    assert history(card)["step"].tolist() == list(range(16))
    file.write_bytes(content[:-1] + b"\x01")
    with pytest.raises(ValueError, match="damaged"):
        history(card)


def test_histograms_count_every_score() -> None:
    draw = np.random.default_rng(0)
    real, fake = draw.normal(1, 1, (16, 1000)), draw.normal(-1, 1, (16, 1000))
    (low, high), a, b = bins(real, fake)
    assert low < -1 < 1 < high and a.shape == b.shape == (16, 48)
    assert np.allclose(a.sum(1), 1) and np.allclose(b.sum(1), 1)
    middle = low + (np.arange(48) + 0.5) / 48 * (high - low)
    assert np.allclose(a @ middle, 1, atol=0.2) and np.allclose(b @ middle, -1, atol=0.2)


# ---- what the tab answers ------------------------------------------------------------------------------------------------------


class SmallEngine:
    """`call` as the engine answers it, for small random models."""

    def __init__(self):
        self.models, self.calls = {"gan/gan": small(GAN), "gan/conditional_gan": small(ConditionalGAN)}, []

    async def call(self, model, data, method, *arrays, **options):
        self.calls.append(method)
        options = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        answer = getattr(self.models[model], method)(*(torch.from_numpy(np.array(a)) for a in arrays), **options)
        return tuple(a.numpy() for a in answer) if isinstance(answer, tuple) else answer.numpy()


VALUE = {"conditional": ["gan/conditional_gan"], "kinds": {}, "z_dim": {"gan/gan": 49, "gan/conditional_gan": 49}}


def picture(i: int = 3) -> str:
    return base64.b64encode(exhibit("mnist")[0][i].tobytes()).decode()


async def ask(panel, name: str, **values):
    """A server function as the page asks it: one object in, {"ok"} or {"error"} out."""
    answer = await getattr(panel, name)(values)
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["ok"]


def test_the_expert_answers_for_every_class() -> None:
    engine = SmallEngine()
    panel = Expert(engine, VALUE)
    x = torch.tensor(exhibit("mnist")[0][3]).view(1, 1, 28, 28).float() / 127.5 - 1
    plain = asyncio.run(ask(panel, "judge", image=picture(), model="gan/gan", data="mnist", label=0))
    score, gradient = engine.models["gan/gan"].judge(x)
    assert plain["score"] == pytest.approx(score.item(), rel=1e-4) and "classes" not in plain
    assert np.allclose(plain["gradient"], gradient.flatten(), rtol=1e-2, atol=1e-6)
    told = asyncio.run(ask(panel, "judge", image=picture(), model="gan/conditional_gan", data="mnist", label=7))
    assert len(told["classes"]) == 10 and told["score"] == pytest.approx(told["classes"][7], rel=1e-3)
    with pytest.raises(ValueError, match="'label' must lie between 0 and 9"):
        asyncio.run(ask(panel, "judge", image=picture(), model="gan/conditional_gan", data="mnist", label=10))


@pytest.mark.parametrize("name", VALUE["z_dim"])
def test_the_crowd_is_counted_once(name) -> None:
    engine = SmallEngine()
    panel = Expert(engine, VALUE)

    async def twice() -> list[dict]:
        return await asyncio.gather(*(ask(panel, "crowd", model=name, data="mnist") for _ in range(2)))

    first, second = asyncio.run(twice())
    assert first == second and engine.calls.count("decode") == 1
    assert sum(first["real"]) == pytest.approx(1, abs=1e-2) and sum(first["fake"]) == pytest.approx(1, abs=1e-2)
    assert first["sorted"] == sorted(first["sorted"]) and len(first["sorted"]) == CROWD


def test_between_two_draws_the_arc_keeps_the_length() -> None:
    panel = Between(SmallEngine(), VALUE)
    asked = {"model": "gan/conditional_gan", "data": "mnist", "seed": 1, "other": 2, "label": 3}
    answer = asyncio.run(ask(panel, "between", **asked))
    assert answer["middle"] < min(answer["lengths"]) and 45 < answer["angle"] < 135
    assert answer["sprite"] != asyncio.run(ask(panel, "between", **{**asked, "label": 4}))["sprite"]
    same = asyncio.run(ask(panel, "between", **{**asked, "other": 1}))
    assert same["angle"] == pytest.approx(0, abs=0.1) and same["middle"] == pytest.approx(same["lengths"][0])


def test_neighbours_say_what_was_searched(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GENVIZ_DATA", str(tmp_path))  # no training set here
    panel = Nearest(SmallEngine(), VALUE)
    known = asyncio.run(ask(panel, "neighbours", image=picture(TYPICAL + 5), model="gan/gan", data="mnist"))
    assert "not here" in known["about"] and f"{5000 - TYPICAL:,} test images" in known["about"]
    for row in known["rows"]:
        assert row["distance"] == sorted(row["distance"]) and len(row["distance"]) == SHOWN and len(row["typical"]) == TYPICAL
        assert row["distance"][0] == pytest.approx(0, abs=1e-2), "the picture itself is among them"
        assert min(row["typical"]) > 0


def test_an_untrained_model_has_no_game_to_watch() -> None:
    panel = Watched(SmallEngine(), VALUE, {})
    with pytest.raises(ValueError, match="genviz.train gan/gan mnist"):
        asyncio.run(ask(panel, "watched", model="gan/gan", data="mnist"))


def test_a_watched_game_comes_in_one_answer(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GENVIZ_PRETRAINED", str(tmp_path))
    model, x = small(GAN), torch.rand(1000, 1, 28, 28)
    moments = [model.snapshot(x, torch.zeros(1000, dtype=torch.int64), rng()) for _ in range(16)]
    kept = {k: np.stack([m[k].numpy() for m in moments]) for k in moments[0]}
    kept |= {"step": np.arange(16), "frechet": np.ones(16, np.float32), "loss_step": np.arange(8), "loss": np.ones((8, 2), np.float32)}
    (tmp_path / "gan").mkdir()
    (tmp_path / "gan" / "gan-mnist.history.safetensors").write_bytes(content := save(kept))
    card = {"family": "gan", "model": "gan", "data": "mnist", "history_sha256": hashlib.sha256(content).hexdigest()}
    panel = Watched(SmallEngine(), VALUE, {("gan/gan", "mnist"): card})
    answer = asyncio.run(ask(panel, "watched", model="gan/gan", data="mnist"))
    assert len(answer["step"]) == len(answer["frechet"]) == len(answer["real"]) == len(answer["fake"]) == 16
    assert len(answer["loss"]) == 2 and len(answer["loss"][0]) == len(answer["loss_step"]) == 8
    assert answer["sprite"].startswith("data:image/png;base64,")


# ---- kinds ---------------------------------------------------------------------------------------------------------------------

KINDS = SelfConditionedGAN.classes


def heaps(n: int) -> torch.Tensor:
    """n pictures around as many far ones as there are kinds, first one of each."""
    far = torch.randn(KINDS, 784, generator=rng(5))
    which = torch.cat([torch.arange(KINDS), torch.randint(16, (n - KINDS,), generator=rng(6))])  # the first sixteen have most of them
    return (far[which] + 0.01 * torch.randn(n, 784, generator=rng(7))).view(n, 1, 28, 28)


def test_kinds_are_the_means_of_what_looks_alike_to_a_discriminator_that_has_played(monkeypatch) -> None:
    torch.manual_seed(0)
    model, x, none = SelfConditionedGAN(**SMALL), heaps(800), torch.zeros(100)
    z = model.latents(4, rng())
    assert torch.equal(model.generator(z), model.decode(z, 3)), "a kind means nothing before the first is told"
    monkeypatch.setattr("genviz.families.gan.gan.ALONE", 0.25)
    monkeypatch.setattr("genviz.families.gan.gan.PASS", len(x))
    assert model.told(x[:100], none) == model.told(x[:100], none) == () and not model.met.any(), "first it plays alone"
    nn.init.normal_(model.discriminator.stem.weight)  # it has learned
    for part in x.split(100):
        assert model.told(part, none) == ()
    seen, kind = model.see(x), model.kind(x)
    assert torch.allclose(seen, torch.nn.functional.normalize(model.discriminator.see(x)), atol=1e-6)
    assert torch.equal(torch.bincount(kind, minlength=KINDS), model.met.long())
    mean = torch.stack([seen[kind == k].mean(0) for k in range(KINDS)])
    assert torch.allclose(model.means, mean, atol=1e-5)
    nn.init.normal_(model.discriminator.stem.weight)  # it goes on learning, and the kinds stay
    (told,) = model.told(x[:100], none)
    assert torch.equal(told, kind[:100]) and torch.allclose(model.means, mean, atol=1e-5)
    count = torch.bincount(kind, minlength=KINDS) * (1 - 100 / len(x)) + torch.bincount(told, minlength=KINDS)
    assert torch.allclose(met := model.met.clone(), count), "the count goes on, and what lies a pass back fades from it"
    model.eval().told(x[:100], none)
    assert torch.equal(model.met, met), "only training counts"


def test_a_draw_has_each_kind_as_often_as_it_occurs() -> None:
    model = small(SelfConditionedGAN)
    model.met.copy_(torch.arange(float(KINDS)))
    for n in (1, 50, 2000):
        drawn = torch.bincount(model.turn(n, model.Knobs(), rng()), minlength=KINDS)
        assert drawn.sum() == n and (drawn - n * model.shares()).abs().max() <= 1.01, "no kind misses its due by more than one picture"
    first = torch.cat([model.turn(1, model.Knobs(), rng(seed)) for seed in range(10_000)])
    assert (torch.bincount(first, minlength=KINDS) / 10_000 - model.shares()).abs().max() < 0.01, "whichever number is drawn"
    assert torch.equal(model.turn(5, model.Knobs(kind=7), rng()), torch.full((5,), 7))
    z = torch.randn(40, model.z_dim, generator=rng())
    assert torch.equal(model.decode(z, 7), model.decode(z, torch.full((40,), 7)))
    place = torch.special.ndtr(z[:, 0])
    kind = torch.tensor([(model.shares().cumsum(0) < p).sum() for p in place])
    assert torch.allclose(model.decode(z), model.decode(z, kind), atol=1e-6)


def test_from_one_draw_to_another_the_kinds_are_blended() -> None:
    engine = SmallEngine()
    model = engine.models["gan/gan"] = small(SelfConditionedGAN)
    nn.init.normal_(model.generator.layers[0].weight)  # kinds have been told
    value = VALUE | {"kinds": {"gan/gan": KINDS}}
    asked = {"model": "gan/gan", "data": "mnist", "seed": 3, "other": KINDS + 7, "label": 0}
    answer = asyncio.run(ask(Between(engine, value), "between", **asked))
    assert answer["kinds"] == [3, 7]
    draws = np.stack([np.random.default_rng(seed).standard_normal(49).astype(np.float32) for seed in (3, KINDS + 7)])
    ends = model.decode(torch.from_numpy(draws), torch.tensor([3, 7]))
    line = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["sprite"].partition(",")[2]))))[:28].astype(float)
    for cell, end in zip((line[:, :28], line[:, -28:]), ends[:, 0], strict=True):
        assert np.abs(cell - ((end + 1) * 127.5).numpy()).max() <= 1
    half = torch.zeros(4, KINDS)
    half[:, [3, 7]] = 0.5
    z = torch.randn(4, 49, generator=rng())
    between = model.decode(z, half)
    assert all((between - model.decode(z, kind)).abs().max() > 1e-3 for kind in (3, 7))


def test_a_picture_is_judged_as_its_own_kind() -> None:
    model, x = small(SelfConditionedGAN), torch.rand(6, 1, 28, 28, generator=rng()) * 2 - 1
    assert torch.equal(model.judge(x)[0], model.discriminator(x, model.kind(x)))
    assert not torch.equal(model.judge(x)[0], model.discriminator(x))
