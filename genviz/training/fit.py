"""A whole training: data, a schedule with an end, a checkpoint that a killed run goes on from, weights and card in the end.

A model that is trained in stages (a VQ-VAE, then the prior over its codes) has one recipe for each. A stage ends with the averages of its
weights, the next one goes on from them, and what it learns from is computed once where the model says so (`Model.codes`): one class, one
checkpoint, one card. Selection looks at training images that are held out; the test set is not read here.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genviz import argument, checkpoint, file
from genviz.argument import pick_device
from genviz.data import examples, of
from genviz.data.images import batches
from genviz.data.own import NAME
from genviz.family import Recipe
from genviz.model import Model
from genviz.training import resume
from genviz.training.history import History
from genviz.training.steps import Learner, learning, resting, steps

CLASSES = 10  # that models know which are told the label
AT_ONCE = 250  # examples in one call where nothing is learnt


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands; `step` and `steps` are those of its stage, seconds those of all."""

    step: int
    steps: int
    seconds: float
    loss: float
    held_out: float | None  # mean loss on held-out data at the end of a stage; None before, and for a model without such a loss
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each stage ends: after its steps, or after its share of `budget` minutes."""

    steps: tuple[int, ...]
    budget: float | None = None

    def share(self, stage: int, step: int, seconds: float) -> float:
        """How much of a stage is done after so many of its steps and seconds."""
        minutes = self.budget * (self.steps[stage] / sum(self.steps)) if self.budget else math.inf
        return max(step / self.steps[stage], seconds / (60 * minutes))

    def whole(self, stage: int, share: float) -> float:
        """How much of the whole training is done with a share of a stage."""
        return sum(self.steps[:stage]) / sum(self.steps) + share * (self.steps[stage] / sum(self.steps))


@torch.no_grad()
def evaluate(model: Model, data: str, seed: int = 0, batch: int = AT_ONCE, stage: str = "") -> float | None:
    """Mean loss on the held-out examples, always with the same noise; None for a model without a loss of its own, or of several players."""
    if len(model.players(stage)) > 1 if stage else type(model).loss is Model.loss:
        return None
    rng, device = torch.Generator().manual_seed(seed), model.device
    x, label = examples(data, "held_out")
    codes, total = coded(model, x, stage), 0.0
    with resting(model):
        for i in range(0, len(x), batch):
            at = slice(i, i + batch)
            asked = (model.prepare(x[at], rng) if codes is None else codes[at]).to(device), label[at].to(device), rng
            total += (next(model.losses(*asked, stage)) if stage else model.loss(*asked)).item()
    return total / -(-len(x) // batch)


@torch.no_grad()
def coded(model: Model, x: Tensor, stage: str, seed: int = 0) -> Tensor | None:
    """The codes (N, ...) on the CPU that a stage learns from, of examples x; None where it learns from x itself."""
    if type(model).codes is Model.codes:
        return None
    rng, found = torch.Generator().manual_seed(seed), []
    with resting(model):
        for part in x.split(AT_ONCE):
            codes = model.codes(model.prepare(part, rng).to(model.device), stage)
            if codes is None:
                break
            found.append(codes.cpu())
    return torch.cat(found) if found else None


def drawn(model: Model, data: str, recipe: Recipe, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end, x as the losses take it; every pass in another order."""
    x, label = examples(data, "train")
    codes = coded(model, x, recipe.learns)
    while True:
        for xb, yb in batches(x if codes is None else codes, label, min(recipe.batch, len(x)), rng):
            yield (model.prepare(xb, rng) if codes is None else xb).to(model.device), yb.to(model.device)


def fit(
    model: Model,
    recipe: Recipe | Sequence[Recipe],
    data: str,
    seed: int = 0,
    budget: float | None = None,
    run: Path | None = None,
    every: float = 60.0,
    history: History | None = None,
    half: bool = False,
    args: Mapping[str, Any] | None = None,
) -> Iterator[Progress]:
    """Train `model` in place by a recipe, or by those of its stages, yielding progress after every step; at the end it holds the averages.

    `budget` in minutes ends it early, each stage after its share; `run` is a folder for the checkpoint that a later call with the same
    arguments resumes from (FileError where it is another training's, or damaged), with `every` seconds between two writings; `args` are
    the model's own, which tell its training from those of its like; `history` collects what is to be seen again afterwards; `half`
    computes in bfloat16 what the recipe names.
    """
    recipes = (recipe,) if isinstance(recipe, Recipe) else tuple(recipe)
    rng = torch.Generator().manual_seed(seed)
    many = len(examples(data, "train")[0])
    schedule = Schedule(tuple(r.steps or max(1, round(r.epochs * (many // r.batch))) for r in recipes), budget)
    history = history or History(model, data)
    told = resume.passport(model, recipes, data, seed, args or {})
    kept = resume.Run(run, told, model)
    kept.weights(model)
    begun, saved = time.monotonic() - kept.place.seconds, time.monotonic()
    for number in range(kept.place.stage, len(recipes)):
        now, length = recipes[number], schedule.steps[number]
        taken_up = bool(kept.state) and number == kept.place.stage
        entered = kept.place.begun if taken_up else time.monotonic() - begun if number else 0.0
        spent, progress, average = kept.place.seconds if taken_up else entered, 0.0, None
        before = sum(schedule.steps[:number])
        with learning(model, now.learns):
            learner = Learner(model, now)
            if taken_up:
                kept.take_up(learner, rng)
                done = schedule.whole(number, schedule.share(number, learner.step, spent - entered))
                history.take_up(kept.history(), done)
            walk = steps(model, now, drawn(model, data, now, rng), rng, learner, lambda: progress, half)  # noqa: B023
            while learner.step < length:
                spent = time.monotonic() - begun
                progress = schedule.share(number, learner.step, spent - entered)
                if progress >= 1:
                    break
                if history.due(schedule.whole(number, progress)):
                    history.snapshot(model, learner.ema.weights, before + learner.step)
                step, made = learner.step, next(one for one in walk if one is not None)
                if step % 20 == 0 or average is None or math.isnan(average):
                    last = made.losses[-1].item()
                    average = last if average is None or math.isnan(average) else 0.9 * average + 0.1 * last
                if (before + step) % history.every == 0:
                    history.loss(before + step, [float(loss) for loss in made.losses])
                if run and time.monotonic() - saved > every:
                    resume.keep(run, told, model, learner, rng, resume.Place(number, learner.step, spent, entered), history)
                    saved = time.monotonic()
                yield Progress(learner.step, length, spent, average, None, now.learns)
            walk.close()
        if number == len(recipes) - 1 and history.due(1.0):
            history.snapshot(model, learner.ema.weights, before + learner.step)
        model.load_state_dict(learner.ema.weights)
        model.eval()
        if run:
            resume.keep(run, told, model, learner, rng, resume.Place(number, learner.step, spent, entered), history)
        held_out = evaluate(model, data, stage=now.learns)
        yield Progress(learner.step, length, spent, math.nan if average is None else average, held_out, now.learns)


def train(
    name: str,
    data: str,
    device: str = "cpu",
    budget: float | None = None,
    seed: int = 0,
    compile: bool = False,
    half: bool = False,
    called: str = "",
    ship: bool = False,
    dtype: str = "float16",
) -> Iterator[Progress | checkpoint.Card]:
    """Train "family/model" on a data set by its recipes: Progress all the while, and in the end the Card, written with its weights.

    They are written to the user's own folder, under the name `called` or one that is free there (`own_name`); with `ship` over the
    shipped files. KeyError for a name, ValueError for another argument that cannot be, FileError for data, a run or weights that cannot
    be read or written.
    """
    family, entry = checkpoint.made_for(name, data)
    base = checkpoint.entry_name(name)
    model_name = base if ship else own_name(name, data, called)
    device, seed = pick_device(device), argument.seed(seed)
    budget = budget and argument.minutes(budget)
    torch.manual_seed(seed)
    model = entry.model_class()(**entry.args).to(device, memory_format=torch.channels_last)
    for part in model.children() if compile else ():
        part.compile()
    run = file.drafts() / f"{family.name}-{model_name}-{data}"
    file.must_be_writable(checkpoint.root(not ship) / family.name)
    file.must_be_writable(run)
    sizes = {split: len(examples(data, split)[0]) for split in ("train", "held_out")}
    if hasattr(model.Knobs, "label") and int(examples(data, "train")[1].max()) >= CLASSES:
        raise ValueError(f"{name} knows ten classes, and '{data}' has more.")
    ends: dict[str, Progress] = {}
    history = History(model, data)
    for progress in fit(model, entry.recipes, data, seed, budget, run, history=history, half=half, args=entry.args):
        ends[progress.stage] = progress
        yield progress
    title, kind = family.entry(base).title, "points" if data in of("points") else "images"
    card = checkpoint.Card(
        family.name,
        model_name,
        data,
        title if model_name == base else f"{title}: {model_name}",
        dict(entry.args),
        sum(p.numel() for p in model.parameters()),
        told(entry.recipes, ends),
        round(progress.seconds, 1),
        machine(device),
        seed,
        dtype=dtype,
        trained_on=trained_on(data, sizes),
        entry="" if model_name == base else base,
        own=not ship,
        metrics=[
            {
                "name": "held_out_loss" + (f"_{stage}" if stage else ""),
                "value": end.held_out,
                "unit": "loss",
                "protocol": f"{sizes['held_out']:,} held-out training {kind}, fixed noise",
                "command": f"python -m genviz.train {name} {data}" + ("" if model_name == base else f" --name {model_name}"),
            }
            for stage, end in ends.items()
            if end.held_out is not None
        ],
    )
    yield checkpoint.save(model, card, history.tensors())


def own_name(name: str, data: str, called: str = "") -> str:
    """What a model is called in the user's own folder: as they say, or by its own name where nothing of that name is shipped for the data,
    or that with "_own" behind it. ValueError for a name that cannot be."""
    family, base = checkpoint.find(name)[0], checkpoint.entry_name(name)
    if called and not NAME.fullmatch(called):
        raise ValueError(f"A model cannot be called {called!r:.50}: small letters, digits and '_', at most 40, a letter first.")
    if called and called != base and any(e.name == called for e in family.models):
        raise ValueError(f"There is a model '{family.name}/{called}' already; choose another name.")
    wanted = called or name.partition("/")[2]
    shipped = any((c.name, c.data) == (f"{family.name}/{wanted}", data) and not c.own for c in checkpoint.read_cards()[0])
    if shipped and called:
        raise ValueError(f"{family.name}/{called} on {data} is shipped; choose another name, or give --ship to write over it.")
    return f"{wanted}_own" if shipped else wanted


def trained_on(data: str, sizes: Mapping[str, int]) -> str:
    """What a card says of the examples that a model has learnt from."""
    if data in of("points"):
        return f"{sizes['train']:,} points; {sizes['held_out']:,} more held out for selection"
    every = sum(sizes.values())
    return f"{sizes['train']:,} of the {every:,} training images; {sizes['held_out']:,} held out for selection"


def told(recipes: Sequence[Recipe], ends: Mapping[str, Progress]) -> dict[str, Any]:
    """The recipes as a card keeps them, with the steps that were done; those of several stages under "stages"."""
    done = [recipe.plain() | ({"steps": ends[recipe.learns].step} if recipe.learns in ends else {}) for recipe in recipes]
    return done[0] if len(done) == 1 else {"steps": sum(stage.get("steps", 0) for stage in done), "stages": done}


def machine(device: str) -> str:
    """What a training ran on, in words."""
    if str(device).startswith("cuda"):
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
