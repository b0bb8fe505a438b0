"""Training: one loop for every model.

    python -m genviz.train vae/vae mnist              # one model
    python -m genviz.train --all                      # every model that has no weights yet, in order
    python -m genviz.train vae/vae mnist --budget 20  # stop after 20 minutes, the learning rate having fallen by then

Each step draws a batch, asks the model for its loss, and moves the weights by AdamW; an exponential moving average of the weights is
what is kept. A checkpoint under runs/ (GENVIZ_RUNS names another folder) every minute lets a killed run go on where it was; it tells
what training it is of, and another one does not take it up. Selection looks at 5,000 training images that are held out; the test set is
not read here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load as unpacked
from safetensors.torch import save as packed
from torch import Tensor

from genviz import argument, checkpoint, file
from genviz.argument import Command, pick_device, reader
from genviz.data import DATA, examples
from genviz.data.images import batches
from genviz.families import FAMILIES, on
from genviz.family import Entry, Recipe
from genviz.file import FileError
from genviz.history import History
from genviz.model import Model


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands; `held_out` is the loss on the held-out images, None between evaluations."""

    step: int
    steps: int
    seconds: float
    loss: float
    held_out: float | None  # at the end; None all the while, and for a model without a loss on held-out data


class Ema:
    """Exponential moving average of a model's weights: w <- d w + (1 - d) weight, with d rising to `decay` over the first steps."""

    def __init__(self, model: Model, decay: float):
        self.decay, self.steps = decay, 0
        self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: Model) -> None:
        self.steps += 1
        d = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for key, value in model.state_dict().items():
            if value.is_floating_point():
                self.weights[key].lerp_(value, 1 - d)
            else:
                self.weights[key].copy_(value)


def rate(progress: float, recipe: Recipe) -> float:
    """Learning rate at a share of the run in [0, 1]: linear warm-up, then half a cosine down to `last`."""
    if progress < recipe.warmup:
        return recipe.lr * progress / recipe.warmup
    above = 0.5 * (1 + math.cos(math.pi * (progress - recipe.warmup) / (1 - recipe.warmup)))
    return recipe.lr * (recipe.last + (1 - recipe.last) * above)


@torch.no_grad()
def evaluate(model: Model, data: str, seed: int = 0, batch: int = 250) -> float | None:
    """Mean loss on the 5,000 held-out examples, always with the same noise; None for a model without a loss of its own."""
    if type(model).loss is Model.loss:
        return None
    was, rng = model.training, torch.Generator().manual_seed(seed)
    model.eval()
    x, label = examples(data, "held_out")
    device = model.device
    losses = [
        model.loss(model.prepare(x[i : i + batch], rng).to(device), label[i : i + batch].to(device), rng).item()
        for i in range(0, len(x), batch)
    ]
    model.train(was)
    return sum(losses) / len(losses)


def _optimizer(player: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW over a player's weights; matrices and kernels decay, biases and scales do not."""
    decayed = [p for p in player.parameters() if p.ndim > 1]
    plain = [p for p in player.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, fused=True)  # one pass over the weights: 4-8 x on a CPU


def fit(
    model: Model,
    recipe: Recipe,
    data: str,
    seed: int = 0,
    budget: float | None = None,
    run: Path | None = None,
    every: float = 60.0,
    history: History | None = None,
    half: bool = False,
    args: Mapping[str, Any] | None = None,
) -> Iterator[Progress]:
    """Train `model` in place, yielding progress after every step; at the end it holds the averaged weights.

    `budget` in minutes ends the run early, `run` is a folder for the checkpoint that a later call with the same arguments resumes from
    (FileError where it is another training's, or damaged), `args` are the model's own, which tell its training from those of its like,
    `history` collects what is to be watched again afterwards, `half` has products of matrices and convolutions done in bfloat16.
    """
    device, rng = model.device, torch.Generator().manual_seed(seed)
    x, label = examples(data, "train")
    steps_per_epoch = len(x) // recipe.batch
    steps = max(1, round(recipe.epochs * steps_per_epoch))
    optimizers = [_optimizer(player, recipe) for player in model.players()]
    ema = Ema(model, recipe.ema)
    history = history or History(model, data)

    def share(step: int, spent: float) -> float:
        return max(step / steps, spent / (60 * budget) if budget else 0.0)

    told = passport(model, recipe, data, seed, args or {})
    step, spent = _resume(run, told, model, optimizers, ema, rng, history, share) if run else (0, 0.0)
    begun, saved = time.monotonic() - spent, time.monotonic()
    average, progress = None, 0.0
    model.train()
    while step < steps and progress < 1:
        for xb, yb in batches(x, label, recipe.batch, rng):
            spent = time.monotonic() - begun
            progress = share(step, spent)
            if progress >= 1:
                break
            if history.due(progress):
                history.moment(model, ema.weights, step)
            noted = []
            losses = _halved(model.losses(model.prepare(xb, rng).to(device), yb.to(device), rng), device, half)
            for player, optimizer, loss in zip(model.players(), optimizers, losses, strict=True):
                if not torch.isfinite(loss):
                    raise FloatingPointError(f"The loss is {loss.item()} at step {step}; lower the learning rate of the recipe.")
                for group in optimizer.param_groups:
                    group["lr"] = rate(progress, recipe)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(player.parameters(), recipe.clip)
                optimizer.step()
                noted.append(loss.detach())
            ema.update(model)
            if step % 20 == 0 or average is None:
                average = noted[-1].item() if average is None else 0.9 * average + 0.1 * noted[-1].item()
            if step % history.every == 0:
                history.loss(step, [float(loss) for loss in noted])
            step += 1
            if run and time.monotonic() - saved > every:
                _keep(run, told, model, optimizers, ema, rng, step, spent, history)
                saved = time.monotonic()
            yield Progress(step, steps, spent, average, None)
    if history.due(1.0):
        history.moment(model, ema.weights, step)
    model.load_state_dict(ema.weights)
    model.eval()
    if run:
        _keep(run, told, model, optimizers, ema, rng, step, spent, history)
    yield Progress(step, steps, spent, average or math.nan, evaluate(model, data))


def _halved(losses: Iterator[Tensor], device: torch.device, half: bool) -> Iterator[Tensor]:
    """The same losses, computed in bfloat16 where that is safe; their gradients follow, the weights stay as they are."""
    while True:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):  # closed before the yield: it belongs to the thread
            loss = next(losses, None)
        if loss is None:
            return
        yield loss


FORMAT = "1"  # of the checkpoint of a run


def passport(model: Model, recipe: Recipe, data: str, seed: int, args: Mapping[str, Any]) -> dict[str, str]:
    """What a run's checkpoint is of; one with another passport is not taken up. A longer training goes on from a shorter one, so the
    number of epochs is no part of it."""
    kept = dataclasses.asdict(recipe) | {"epochs": 0}
    return {
        "format": FORMAT, "model": f"{type(model).__module__}:{type(model).__qualname__}", "args": json.dumps(dict(args), sort_keys=True),
        "data": data, "seed": str(seed), "recipe": hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest(),
    }  # fmt: skip


def _digest(state: Mapping[str, Tensor]) -> str:
    """sha256 of the tensors by name; a file that was altered has another."""
    digest = hashlib.sha256()
    for key in sorted(state):
        digest.update(f"{key} {state[key].dtype} {tuple(state[key].shape)}".encode())
        digest.update(state[key].contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _keep(
    run: Path,
    told: Mapping[str, str],
    model: Model,
    optimizers: list[torch.optim.Optimizer],
    ema: Ema,
    rng: torch.Generator,
    step: int,
    spent: float,
    history: History,
) -> None:
    """Write everything that a resumed run needs into one safetensors file; FileError where that fails, as on a full disk."""
    state: dict[str, Tensor] = {f"model.{k}": v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    state |= {f"ema.{k}": v.cpu().contiguous() for k, v in ema.weights.items()}
    for player, optimizer in enumerate(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            state |= {f"adam.{player}.{index}.{k}": v.cpu().contiguous() for k, v in moments.items()}
    state |= {f"history.{k}": v.contiguous() for k, v in history.tensors().items()}
    state |= {"rng": rng.get_state(), "at": torch.tensor([step, spent, ema.steps], dtype=torch.float64)}
    file.write(run / "state.safetensors", packed(state, {**told, "sha256": _digest(state)}))


def _believed(path: Path, told: Mapping[str, str], model: Model) -> dict[str, Tensor]:
    """The checkpoint of a run, where it is whole and of this very training. FileError that says what to do."""
    otherwise = f"delete {path} to begin anew, or name another folder by GENVIZ_RUNS"
    try:
        content = file.content(path)
        state = unpacked(content)
        with safe_open(path, "pt") as opened:
            said = dict(opened.metadata() or {})
    except FileError as error:
        raise FileError(f"{error} It is where this run would be kept: {otherwise}.") from None
    except Exception as error:
        raise FileError(f"{file.shown(path)} is no readable safetensors file ({error}): {otherwise}.") from None
    if "format" not in said:
        raise FileError(f"{file.shown(path)} does not say what training it is of: {otherwise}.")
    for name, value in told.items():
        if said.get(name) != value:
            kind = "another recipe" if name == "recipe" else f"{name} {said.get(name)!r:.80} in place of {value!r:.80}"
            raise FileError(f"{file.shown(path)} is of another training ({kind}): {otherwise}.")
    if said.get("sha256") != _digest(state):
        raise FileError(f"{file.shown(path)} is damaged: {otherwise}.")
    wanted = {f"{part}.{k}": v for part in ("model", "ema") for k, v in model.state_dict().items()}
    found = {k: v for k, v in state.items() if k.startswith(("model.", "ema."))}
    for key in sorted(wanted.keys() | found.keys()):
        if key not in wanted or key not in found or wanted[key].shape != found[key].shape:
            raise FileError(f"{file.shown(path)} does not fit the model of today, by '{key}': {otherwise}.")
    return state


def _resume(
    run: Path,
    told: Mapping[str, str],
    model: Model,
    optimizers: list[torch.optim.Optimizer],
    ema: Ema,
    rng: torch.Generator,
    history: History,
    share: Callable[[int, float], float],
) -> tuple[int, float]:
    """Take up the run in a folder; (0, 0.0) where there is none. The order of the current pass is drawn anew.

    `told` is the passport that it must have, `share` tells how much of the whole training some steps and seconds are.
    """
    if not os.path.lexists(run / "state.safetensors"):
        return 0, 0.0
    state = _believed(run / "state.safetensors", told, model)
    model.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("model.")})
    for key, value in state.items():
        if key.startswith("ema."):
            ema.weights[key[4:]].copy_(value)
    for player, optimizer in enumerate(optimizers):
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            if key.startswith(f"adam.{player}."):
                index, name = key.split(".")[2:]
                moments.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    rng.set_state(state["rng"])
    step, spent, ema.steps = int(state["at"][0]), float(state["at"][1]), int(state["at"][2])
    history.take_up({key[8:]: value for key, value in state.items() if key.startswith("history.")}, share(step, spent))
    return step, spent


def train(
    name: str,
    data: str,
    device: str = "cpu",
    budget: float | None = None,
    seed: int = 0,
    compile: bool = False,
    half: bool = False,
    show=print,
) -> checkpoint.Card:
    """Train "family/model" on a data set by its recipe and write weights and card into `pretrained/`.

    KeyError for a name, ValueError for another argument that cannot be, FileError for data, a run or weights that cannot be read or
    written.
    """
    family, entry = on(name, data)
    device, seed = pick_device(device), argument.seed(seed)
    budget = budget and argument.minutes(budget)
    torch.manual_seed(seed)
    model = entry.model_class()(**entry.args).to(device, memory_format=torch.channels_last)
    for part in model.children() if compile else ():
        part.compile()
    run = Path(os.environ.get("GENVIZ_RUNS", "runs")) / f"{family.name}-{entry.name}-{data}"
    last, progress, history = 0.0, None, History(model, data)
    for progress in fit(model, entry.recipe, data, seed, budget, run, history=history, half=half, args=entry.args):
        if time.monotonic() - last > (0.5 if sys.stderr.isatty() else 30):
            last = time.monotonic()
            show(_bar(name, data, progress))
    assert progress is not None
    show(_bar(name, data, progress))
    kind = "points" if DATA[data].medium == "points" else "images"
    held_out = {
        "name": "held_out_loss",
        "value": progress.held_out,
        "unit": "loss",
        "protocol": f"5,000 held-out training {kind}, fixed noise",
        "command": f"python -m genviz.train {name} {data}",
    }
    recipe = dataclasses.asdict(entry.recipe) | {"steps": progress.step}
    machine = (
        torch.cuda.get_device_name() if str(device).startswith("cuda") else f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    )
    card = checkpoint.Card(
        family.name,
        entry.name,
        data,
        entry.title,
        dict(entry.args),
        sum(p.numel() for p in model.parameters()),
        recipe,
        round(progress.seconds, 1),
        machine,
        seed,
        trained_on=DATA[data].trained_on,
        metrics=[held_out] if progress.held_out is not None else [],
    )
    return checkpoint.save(model, card, history.tensors())


def _bar(name: str, data: str, p: Progress) -> str:
    share = p.step / p.steps
    left = p.seconds / max(p.step, 1) * (p.steps - p.step)
    filled = "#" * round(20 * share)
    return f"{name} {data} [{filled:<20}] {p.step}/{p.steps} loss {p.loss:.4f}, {p.seconds:.0f} s, {left:.0f} s left" + (
        f", held out {p.held_out:.4f}" if p.held_out is not None else ""
    )


def waiting() -> list[tuple[str, str]]:
    """Every (model, data) without a card, in teaching order; a damaged card is warned of and stays as it is."""
    checkpoint.cards()
    every: list[tuple[str, Entry, str]] = [(f.name, e, d) for f in FAMILIES.values() for e in f.models for d in e.data]
    return [(f"{f}/{e.name}", d) for f, e, d in every if not (checkpoint.PRETRAINED / f / f"{e.name}-{d}.json").exists()]


def main() -> None:
    command = Command("python -m genviz.train", "Train a model of GenViz.")
    command.add_argument("model", nargs="?", type=reader(argument.model), help="family/model, as in vae/vae_2d")
    command.add_argument("data", nargs="?", help="a data set of the model, as in mnist or two_moons")
    command.add_argument("--all", action="store_true", help="every model that has no weights yet, in order")
    command.add_argument("--device", type=reader(argument.device), default="auto", help="auto, cpu, cuda or mps")
    command.add_argument("--budget", type=reader(argument.minutes), help="minutes per model; the learning rate has fallen by then")
    command.add_argument("--threads", type=reader(argument.threads), help="CPU threads of torch")
    command.add_argument(
        "--compile", action="store_true", help="torch.compile the networks: a quarter to a half faster, needs a C++ compiler"
    )
    command.add_argument("--half", action="store_true", help="products in bfloat16: faster on CPUs with AMX and on GPUs")
    command.add_argument("--seed", type=reader(argument.seed), default=0)
    args = command.parse_args()
    if args.all == bool(args.model and args.data):
        command.error("name a model and a data set, or give --all")

    def show(line: str) -> None:
        print("\r" + line if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)

    with command.sentences():
        if args.threads:
            torch.set_num_threads(args.threads)
        for name, data in waiting() if args.all else [(args.model, args.data)]:
            card = train(name, data, args.device, args.budget, args.seed, args.compile, args.half, show)
            held_out = card.metric("held_out_loss")
            print(
                f"\nwrote {card.path.name}: {card.parameters:,} parameters, {card.seconds:.0f} s"
                + (f", held out {held_out:.4f}" if held_out is not None else "")
            )


if __name__ == "__main__":
    main()
