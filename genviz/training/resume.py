"""A killed training goes on: the checkpoint of a run, one safetensors file, written whole or not at all.

It holds the weights, their averages, what the optimisers and the random generator remember, the history so far, and where the run stands:
stage, step, seconds. It tells what training it is of, and another one does not take it up. The order of the current pass over the data
is drawn anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load as unpacked
from safetensors.torch import save as packed
from torch import Tensor

from genviz import file
from genviz.family import Recipe
from genviz.file import FileError
from genviz.model import Model
from genviz.training.history import History
from genviz.training.steps import Learner

FORMAT = "1"  # of the checkpoint of a run


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands: in which stage, after how many of its steps; seconds in all, and when the stage began."""

    stage: int = 0
    step: int = 0
    seconds: float = 0.0
    begun: float = 0.0


def passport(model: Model, recipes: Sequence[Recipe], data: str, seed: int, args: Mapping[str, Any]) -> dict[str, str]:
    """What a run's checkpoint is of; one with another passport is not taken up. A longer training goes on from a shorter one, in whichever
    precision, so the number of epochs or steps is no part of it."""
    kept = [{k: v for k, v in (recipe.plain() | {"epochs": 0}).items() if k not in ("steps", "half")} for recipe in recipes]
    return {
        "format": FORMAT, "model": f"{type(model).__module__}:{type(model).__qualname__}", "args": json.dumps(dict(args), sort_keys=True),
        "data": data, "seed": str(seed),
        "recipe": hashlib.sha256(json.dumps(kept[0] if len(kept) == 1 else kept, sort_keys=True).encode()).hexdigest(),
    }  # fmt: skip


def keep(run: Path, told: Mapping[str, str], model: Model, learner: Learner, rng: torch.Generator, place: Place, history: History) -> None:
    """Write everything that a resumed run needs into one file; FileError where that fails, as on a full disk."""
    state: dict[str, Tensor] = {f"model.{k}": v.detach().cpu() for k, v in model.state_dict().items()}
    state |= {f"ema.{k}": v.cpu() for k, v in learner.ema.weights.items()}
    for player, optimizer in enumerate(learner.optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            state |= {f"adam.{player}.{index}.{k}": v.cpu() for k, v in moments.items()}
    state |= {f"history.{k}": v for k, v in history.tensors().items()}
    at = [place.step, place.seconds, learner.ema.steps, place.stage, place.begun]
    state |= {"rng": rng.get_state(), "at": torch.tensor(at, dtype=torch.float64)}
    state = {k: v.contiguous() for k, v in state.items()}
    met: set[int] = set()
    for key, value in state.items():  # tied weights share their memory, which the file does not allow
        if (memory := value.untyped_storage().data_ptr()) in met:
            state[key] = value.clone()
        met.add(memory)
    file.write(run / "state.safetensors", packed(state, {**told, "sha256": _digest(state)}))


class Run:
    """What a folder holds of a run: read once, then taken up by the stage that it stopped in. FileError where it is not of this run.

    `place` is where it stands, the beginning where there is nothing yet.
    """

    def __init__(self, run: Path | None, told: Mapping[str, str], model: Model):
        self.state: dict[str, Tensor] = {}
        self.place = Place()
        if run and os.path.lexists(run / "state.safetensors"):
            self.state = _believed(run / "state.safetensors", told, model)
            step, seconds, _, stage, begun = (self.state["at"].tolist() + [0.0, 0.0])[:5]  # a file of one stage says no more than three
            self.place = Place(int(stage), int(step), seconds, begun)

    def weights(self, model: Model) -> None:
        """Give the model the weights that it had."""
        if self.state:
            model.load_state_dict(_part(self.state, "model."))

    def take_up(self, learner: Learner, rng: torch.Generator) -> None:
        """Give the learner of the stage that was stopped what it knew."""
        if not self.state:
            return
        for key, value in _part(self.state, "ema.").items():
            learner.ema.weights[key].copy_(value)
        for player, optimizer in enumerate(learner.optimizers):
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in _part(self.state, f"adam.{player}.").items():
                index, name = key.split(".")
                moments.setdefault(int(index), {})[name] = value
            optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
        rng.set_state(self.state["rng"])
        learner.step, learner.ema.steps = self.place.step, int(self.state["at"][2])

    def history(self) -> dict[str, Tensor]:
        return _part(self.state, "history.")


def _part(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key[len(name) :]: value for key, value in state.items() if key.startswith(name)}


def _digest(state: Mapping[str, Tensor]) -> str:
    """sha256 of the tensors by name; a file that was altered has another."""
    digest = hashlib.sha256()
    for key in sorted(state):
        digest.update(f"{key} {state[key].dtype} {tuple(state[key].shape)}".encode())
        digest.update(state[key].contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


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
