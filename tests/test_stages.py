"""Training in stages: who learns when, by which optimiser, from what; and that a kill in any stage loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from toy import Toy

from genviz import checkpoint
from genviz.data.images import batches
from genviz.families import find
from genviz.family import Entry, Family, Recipe
from genviz.frame import Frame
from genviz.model import Model, NoKnobs, randn
from genviz.training import fit as training
from genviz.training.steps import Learner, Step, precision, rate, steps


class TwoStage(Model):
    """An autoencoder of 8 numbers, then a prior over them whose two matrices are one, as in a language model."""

    calls = 0  # of the codes

    def __init__(self, z_dim: int = 8):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(784, z_dim), nn.Linear(z_dim, 784)
        self.norm = nn.BatchNorm1d(z_dim)
        self.prior = nn.Sequential(nn.Linear(z_dim, z_dim), nn.Tanh(), nn.Linear(z_dim, z_dim))
        self.prior[2].weight = self.prior[0].weight  # tied

    def players(self, stage: str = "") -> tuple[nn.Module, ...]:
        return (self.prior,) if stage == "prior" else (nn.ModuleList([self.encoder, self.decoder, self.norm]),)

    def losses(self, x: Tensor, label: Tensor, rng: torch.Generator, stage: str = "") -> Iterator[Tensor]:
        if stage == "prior":
            assert not self.norm.training and x.shape[1:] == (8,), "it learns from codes, and nothing else moves"
            yield (self.prior(x + 0.1 * randn(*x.shape, rng=rng)) - x).square().mean()
        else:
            yield (self.decoder(self.norm(self.encoder(x.flatten(1)))) - x.flatten(1)).square().mean()

    def codes(self, x: Tensor, stage: str) -> Tensor | None:
        if stage == "prior":
            TwoStage.calls += 1
            return self.norm(self.encoder(x.flatten(1)))
        return None

    @torch.no_grad()
    def sample(self, n: int, knobs: NoKnobs, rng: torch.Generator) -> Iterator[Frame]:
        yield Frame(self.decoder(self.prior(randn(n, 8, rng=rng))).view(-1, 1, 28, 28), 0, 0, 1)


class Pair(Toy):
    """Two players without a game: each has a matrix to make small."""

    def __init__(self):
        super().__init__()
        self.critic, self.painter = nn.Linear(2, 2), nn.Linear(2, 2)
        self.asked = ""

    def players(self, stage: str = "") -> tuple[nn.Module, ...]:
        return self.critic, self.painter

    def losses(self, x: Tensor, label: Tensor, rng: torch.Generator, stage: str = "") -> Iterator[Tensor]:
        try:
            for name in ("critic", "painter"):
                self.asked += name[0]
                yield getattr(self, name).weight.square().sum()
        finally:
            self.asked += "."


STAGES = (Recipe(steps=12, batch=32, lr=1e-2, learns="autoencoder"), Recipe(epochs=2, batch=32, learns="prior", optimizer="rmsprop"))
ENTRY = Entry("two", "Two stages", "test_stages:TwoStage", {"z_dim": 8}, STAGES)


@pytest.fixture(autouse=True)
def small_data(monkeypatch) -> None:
    rng = torch.Generator().manual_seed(0)
    x = (torch.rand(160, 1, 28, 28, generator=rng) * 255).to(torch.uint8)
    label = torch.arange(160) % 10
    monkeypatch.setattr(training, "examples", lambda data, split: (x, label) if split == "train" else (x[:60], label[:60]))


def made() -> TwoStage:
    torch.manual_seed(0)
    return TwoStage()


def fit(model: Model, recipes=STAGES, **options) -> list[training.Progress]:
    return list(training.fit(model, recipes, "mnist", **options))


# ---- what it does --------------------------------------------------------------------------------------------------------------------


SMALL = {"coarse": 8, "fine": 8, "widths": (8, 8, 8)}


@pytest.mark.parametrize("name, batch, args", [
    ("gan/gan", 8, SMALL), ("vae/vae_2d", 16, {}), ("vae/plane", 50, {}), ("gan/plane", 32, {}), ("ebm/plane", 32, {}),
])  # fmt: skip
def test_a_recipe_of_one_stage_takes_the_steps_of_a_plain_loop(monkeypatch, name, batch, args) -> None:
    """Bit for bit what anybody would write down: AdamW for each player in turn, a clipped gradient, a cosine, an average."""
    entry = find(name)[1]
    x, label = training.examples("mnist", "train")
    if "plane" in name:
        x = torch.randn(320, 2, generator=torch.Generator().manual_seed(1))
        label = torch.zeros(320, dtype=torch.int64)
        monkeypatch.setattr(training, "examples", lambda data, split: (x, label))
    (recipe,) = entry.recipes
    recipe = Recipe(**recipe.plain() | {"batch": batch, "epochs": 4 * batch / len(x), "half": ""})
    torch.manual_seed(3)
    model = entry.model_class()(**{**entry.args, **args})
    torch.manual_seed(3)
    plain = entry.model_class()(**{**entry.args, **args})
    monkeypatch.setattr(training, "evaluate", lambda *_, **__: None)
    monkeypatch.setattr(training.History, "due", lambda *_: False)
    total = len(fit(model, recipe, seed=5)) - 1

    rng = torch.Generator().manual_seed(5)
    optimizers = []
    for player in plain.players():
        groups = [[p for p in player.parameters() if p.ndim > 1], [p for p in player.parameters() if p.ndim <= 1]]
        decays = (recipe.weight_decay, 0.0)
        given = [{"params": g, "weight_decay": d} for g, d in zip(groups, decays, strict=True)]
        optimizers.append(torch.optim.AdamW(given, lr=recipe.lr, betas=recipe.betas, fused=True))
    average = {k: v.detach().clone() for k, v in plain.state_dict().items()}
    plain.train()
    for step, (xb, yb) in enumerate(batches(x, label, batch, rng)):
        if step == total:
            break
        losses = plain.losses(plain.prepare(xb, rng), yb, rng)
        for player, optimizer, loss in zip(plain.players(), optimizers, losses, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate(step / total, recipe)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(player.parameters(), recipe.clip)
            optimizer.step()
        d = min(recipe.ema, (2 + step) / (11 + step))
        for key, value in plain.state_dict().items():
            average[key] = average[key].lerp(value, 1 - d) if value.is_floating_point() else value
    assert total == 4 and all(torch.equal(value, average[key]) for key, value in model.state_dict().items())


def test_each_stage_moves_its_players_alone_and_learns_from_codes_computed_once() -> None:
    model, TwoStage.calls = made(), 0
    begun = {k: v.clone() for k, v in model.state_dict().items()}
    walk, first = training.fit(model, STAGES, "mnist"), {}
    for progress in walk:
        if progress.stage == "autoencoder" and progress.held_out is not None:
            first = {k: v.clone() for k, v in model.state_dict().items()}
            assert progress.step == progress.steps == 12
    ended = model.state_dict()
    assert progress.stage == "prior" and progress.step == progress.steps == 10 and progress.held_out is not None
    assert all(torch.equal(first[k], begun[k]) == k.startswith("prior") for k in begun), "first all but the prior"
    assert all(torch.equal(ended[k], first[k]) != k.startswith("prior") for k in begun), "then the prior alone"
    assert TwoStage.calls == 2, "once for the training images, once for those held out"
    assert all(p.requires_grad for p in model.parameters()) and not model.training


def test_a_stage_is_left_as_it_was_when_a_training_is_stopped_inside_it() -> None:
    model = made()
    walk = training.fit(model, STAGES, "mnist")
    next(p for p in walk if p.stage == "prior")
    assert not model.encoder.weight.requires_grad
    walk.close()
    assert all(p.requires_grad for p in model.parameters())


def test_a_budget_is_shared_among_the_stages(monkeypatch) -> None:
    clock = iter(range(10**6))
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(clock)))
    long, last = [Recipe(steps=10**6, batch=32, learns=stage) for stage in ("autoencoder", "prior")], {}
    for progress in training.fit(made(), long, "mnist", budget=2):
        last[progress.stage] = progress
    assert last["autoencoder"].seconds == pytest.approx(60, abs=5) and last["prior"].seconds == pytest.approx(120, abs=8)


@pytest.mark.parametrize("updates, order", [((), "cp.cp.cp."), ((2, 1), "c.cp.c."), ((1, 3), "cp.cp.cp.")])
def test_a_player_may_move_more_often_than_another(updates, order) -> None:
    torch.manual_seed(0)
    model = Pair()
    before = [p.weight.clone() for p in model.players()]
    moved: list[list[bool]] = []
    for made in steps(model, Recipe(steps=3, updates=updates, warmup=0), [(torch.zeros(1), torch.zeros(1))] * 3, torch.Generator()):
        if made is not None:
            now = [p.weight.clone() for p in model.players()]
            moved.append([not torch.equal(a, b) for a, b in zip(before, now, strict=True)])
            before = now
            assert isinstance(made, Step) and len(made.losses) == 2
    assert model.asked == order
    assert moved == {(): [[True, True]] * 3, (2, 1): [[True, False], [True, True], [True, False]],
                     (1, 3): [[False, True], [False, True], [True, True]]}[updates]  # fmt: skip


def test_between_two_players_there_is_a_breath() -> None:
    made = list(steps(Pair(), Recipe(steps=2), [(torch.zeros(1), torch.zeros(1))] * 2, torch.Generator()))
    assert [one is None for one in made] == [True, False, True, False]


def test_optimisers_are_known_by_name_and_what_is_unknown_is_refused() -> None:
    for name, kind in (("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("rmsprop", torch.optim.RMSprop)):
        assert type(Learner(Toy(), Recipe(optimizer=name)).optimizers[0]) is kind
    for wrong, sentence in (
        ({"optimizer": "sgd"}, "no optimizer 'sgd'"),
        ({"half": "all"}, "no half 'all'"),
        ({"updates": (0, 1)}, "at least once"),
    ):
        with pytest.raises(ValueError, match=sentence):
            Recipe(**wrong)
    with pytest.raises(ValueError, match="Pair has 2 players, its recipe tells the updates of 1"):
        Learner(Pair(), Recipe(updates=(5,)))


def test_only_convolutions_are_halved_where_the_recipe_says_so() -> None:
    x, conv = torch.randn(2, 1, 8, 8, requires_grad=True), nn.Conv2d(1, 3, 3)
    exact = conv(x)
    with precision(torch.device("cpu"), "convolutions"):
        rough, product = conv(x), F.linear(torch.full((1, 1), 1.001), torch.ones(1, 1))
    assert rough.dtype == torch.float32 and not torch.equal(rough, exact) and torch.allclose(rough, exact, atol=0.05)
    assert product.item() == pytest.approx(1.001, abs=1e-6), "a matrix is multiplied as ever"
    rough.sum().backward()
    assert x.grad is not None and conv.weight.grad.dtype == torch.float32


# ---- kills ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage, at", [("autoencoder", 5), ("autoencoder", 12), ("prior", 4), ("prior", 10)])
def test_a_run_killed_in_any_stage_goes_on_there(tmp_path, stage, at) -> None:
    killed = training.fit(made(), STAGES, "mnist", run=tmp_path, every=0)
    next(p for p in killed if p.stage == stage and p.step == at)
    killed.close()
    torch.manual_seed(1)
    model = TwoStage()
    rest = fit(model, run=tmp_path)
    first = next((p for p in rest if p.held_out is None), rest[0])
    assert (first.stage, first.step) in ((stage, at), (stage, at + 1), ("prior", 1)) and rest[-1].step == 10
    assert model.prior[0].weight is model.prior[2].weight, "tied weights stay tied"
    assert rest[-1].held_out == pytest.approx(fit(made())[-1].held_out, rel=0.2), "what was learnt before the kill is not lost"
    assert fit(TwoStage(), run=tmp_path)[0].held_out == pytest.approx(rest[-1].held_out), "an ended run is at its end"


def test_the_optimiser_of_a_stage_goes_on_with_what_it_knew(tmp_path) -> None:
    killed = training.fit(made(), STAGES, "mnist", run=tmp_path, every=0)
    next(p for p in killed if p.stage == "prior" and p.step == 4)
    killed.close()
    state = load_file(tmp_path / "state.safetensors")
    known = [v for k, v in state.items() if k.endswith("square_avg")]
    assert known and all(v.any() for v in known) and float(state["at"][3]) == 1


def test_a_file_of_a_run_from_before_there_were_stages_is_taken_up(tmp_path) -> None:
    """It says three numbers of where it stands; the fields that recipes have got since are no part of what it is of."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    from genviz.training import resume

    recipe = Recipe(epochs=1, batch=32)
    fit(Toy(), recipe, run=tmp_path)
    path = tmp_path / "state.safetensors"
    with safe_open(path, "pt") as opened:
        said = opened.metadata()
    state = load_file(path)
    state["at"] = state["at"][:3].clone()
    save_file(state, path, said | {"sha256": resume._digest(state)})

    assert fit(Toy(), Recipe(epochs=2, batch=32), run=tmp_path)[0].step == 6


# ---- one class, one checkpoint, one card ---------------------------------------------------------------------------------------------


@pytest.fixture
def known(tmp_path, monkeypatch) -> Path:
    import genviz.families

    family = Family("test", "Test", "Test", "", "", (ENTRY,))
    other = genviz.families.find
    monkeypatch.setattr(genviz.families, "find", lambda name: (family, ENTRY) if name == "test/two" else other(name))
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    monkeypatch.setenv("GENVIZ_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path / "home"))
    return tmp_path


def test_a_model_of_two_stages_is_one_card_and_its_tied_weights_are_one_in_the_file(known) -> None:
    *_, card = training.train("test/two", "mnist")
    assert isinstance(card, checkpoint.Card) and checkpoint.card_of("test/two", "mnist") == card
    assert card.metric("held_out_loss_autoencoder") is not None and card.metric("held_out_loss_prior") is not None
    assert [s["learns"] for s in card.recipe["stages"]] == ["autoencoder", "prior"] and card.recipe["steps"] == 22
    model = checkpoint.load(card)
    assert model.prior[0].weight is model.prior[2].weight
    assert sum(p.numel() for p in model.parameters()) == card.parameters
    stored = load_file(card.path)
    assert "prior.0.weight" in stored and "prior.2.weight" not in stored
