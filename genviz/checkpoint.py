"""Trained weights and their passport.

A checkpoint is two files, `pretrained/<family>/<model>-<data>.safetensors` and the same name with `.json`, its `Card`. Weights are
read from a memory map into a net built on the `meta` device; the file's sha256 must be the card's. Nothing is ever unpickled. A card that
cannot be believed is left out with a sentence that names its file; all others stay.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genviz import file
from genviz.file import FileError
from genviz.table import table

if TYPE_CHECKING:
    from torch import Tensor

    from genviz.model import Model

PRETRAINED = Path(os.environ.get("GENVIZ_PRETRAINED", file.shipped()))
DTYPES = ("float16", "bfloat16", "float32")
METRIC = {"name": str, "value": (int, float), "unit": str, "protocol": str, "command": str}
LARGEST = 100_000  # number among the arguments of a model; a damaged one must not fill the memory
PASSPORTS = "classifier"  # the folder whose JSON files are no cards (genviz.metrics.classifier)


class CheckpointError(FileError):
    """A card or weight file that is missing, truncated, altered or of another model; the message says which and what to do."""


@dataclass(frozen=True)
class Card:
    """What one trained model is: how it was built, trained and measured."""

    family: str
    model: str
    data: str
    title: str
    args: dict[str, Any]  # constructor arguments
    parameters: int
    recipe: dict[str, Any]
    seconds: float  # of training
    machine: str
    seed: int
    sha256: str = ""
    dtype: str = "float16"
    licence: str = "MIT"
    trained_on: str = "55,000 of the 60,000 training images; 5,000 held out for selection"
    metrics: list[dict[str, Any]] = field(default_factory=list)  # {"name", "value", "unit", "protocol", "command"}
    history_sha256: str = ""  # of the history of the training (genviz.history), "" where none was kept

    @property
    def name(self) -> str:
        """As in load(name, data): "vae/vae_2d"."""
        return f"{self.family}/{self.model}"

    @property
    def path(self) -> Path:
        return PRETRAINED / self.family / f"{self.model}-{self.data}.safetensors"

    @property
    def history_path(self) -> Path:
        return self.path.with_suffix(".history.safetensors")

    def metric(self, name: str) -> float | None:
        """The value of a metric, None where it was not measured."""
        return next((m["value"] for m in self.metrics if m["name"] == name), None)

    def row(self) -> dict[str, Any]:
        """The card as a line of a table."""
        return {"name": self.name, "data": self.data, "title": self.title, "parameters": self.parameters,
                "minutes of training": round(self.seconds / 60, 1),
                "measured": {m["name"]: f"{m['value']:.4g} {m['unit']}".strip() for m in self.metrics}}  # fmt: skip

    def _repr_html_(self) -> str:
        about = self.row() | {"recipe": self.recipe, "machine": self.machine, "licence": self.licence, "trained on": self.trained_on}
        return table([{"": key, "card": value} for key, value in about.items()])


def cards(root: Path | None = None) -> list[Card]:
    """Every card under `pretrained/` that can be believed, by family and name; warns of the others. Reads JSON only."""
    found, faults = read_cards(root)
    for sentence in faults:
        file.warn(sentence)
    return found


def read_cards(root: Path | None = None) -> tuple[list[Card], list[str]]:
    """Every card that can be believed, and a sentence for each file that is none."""
    found, faults = [], []
    for path in sorted((root or PRETRAINED).glob("*/*.json")):
        if path.parent.name == PASSPORTS:
            continue
        try:
            found.append(read_card(path))
        except CheckpointError as error:
            faults.append(str(error))
    return found, faults


def read_card(path: Path) -> Card:
    """The card in a file; CheckpointError where it is damaged, of another version, of an unknown model, or in another's place."""
    from genviz.families import on

    name = file.shown(path)
    try:
        card = file.record(Card, file.read_json(path), name)
        place = f"{card.family}/{card.model}-{card.data}.json"
        if name != place:
            raise FileError(f"{name} says that it is {place:.80}.")
        on(card.name, card.data)
    except KeyError as error:
        raise CheckpointError(f"{name} is of nothing that this version of GenViz knows. {error.args[0]}") from None
    except FileError as error:
        raise CheckpointError(str(error)) from None
    hashes = [card.sha256, *([card.history_sha256] if card.history_sha256 else [])]
    wrong = (
        "its hash" if not all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes)
        else "its number format" if card.dtype not in DTYPES
        else "its parameters or seconds" if card.parameters < 0 or card.seconds < 0
        else "an argument" if not _small(card.args)
        else "one of its metrics" if not all(_metric(m) for m in card.metrics)
        else ""
    )  # fmt: skip
    if wrong:
        raise CheckpointError(f"{name} is damaged: {wrong} cannot be what it was; restore the file or train the model again.")
    return card


def _metric(metric: dict[str, Any]) -> bool:
    return metric.keys() == METRIC.keys() and all(isinstance(metric[k], kind) and metric[k] is not True for k, kind in METRIC.items())


def _small(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_small, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) or value is None or abs(value) <= LARGEST


def card_of(name: str, data: str) -> Card:
    """The card of "family/model" on a data set; KeyError that lists the known ones or says how to train it, CheckpointError for a
    damaged card."""
    from genviz.families import on

    known, _ = read_cards()
    for card in known:
        if card.name == name and card.data == data:
            return card
    on(name, data)  # raises for a name that no family has, and for a data set that the model has not
    family, _, model = name.partition("/")
    if (path := PRETRAINED / family / f"{model}-{data}.json").exists():
        return read_card(path)  # raises: it was left out
    raise KeyError(
        f"'{name}' is not trained on '{data}' yet; train it with: python -m genviz.train {name} {data}. "
        f"Trained are: {', '.join(f'{c.name} on {c.data}' for c in known) or 'none'}."
    )


def write_card(card: Card) -> None:
    """Write a card; FileError where that fails."""
    file.write_json(card.path.with_suffix(".json"), asdict(card))


def save(model: Model, card: Card, history: dict[str, Tensor] | None = None) -> Card:
    """Write weights (in the card's dtype), the history of the training where there is one, and the card; returns it with its hashes.

    FileError where a file cannot be written; what stood there before is whole then.
    """
    import torch
    from safetensors.torch import save as packed

    dtype = getattr(torch, card.dtype)
    state = {k: v.detach().cpu().to(dtype if v.is_floating_point() else v.dtype).contiguous() for k, v in model.state_dict().items()}
    hashes = {}
    for path, name, tensors in ((card.path, "sha256", state), (card.history_path, "history_sha256", history)):
        if tensors:
            weights = packed({k: v.contiguous() for k, v in tensors.items()})
            file.write(path, weights)
            hashes[name] = hashlib.sha256(weights).hexdigest()
    card = Card(**{**asdict(card), **hashes})
    write_card(card)
    return card


def history(card: Card) -> dict[str, Tensor]:
    """What was kept of a training (see genviz.history); {} where nothing was, CheckpointError for a damaged file."""
    if not card.history_sha256:
        return {}
    return _tensors(card.history_path, card.history_sha256, f"{file.shown(card.history_path)} is missing; train the model again.")


def _tensors(path: Path, sha256: str, missing: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, from a memory map; CheckpointError unless it is whole and has the hash."""
    from safetensors.torch import load_file

    try:
        status = path.stat()
    except OSError:
        status = os.stat_result((0,) * 10)  # `content` says what is wrong
    try:
        _checked(path, sha256, missing, status.st_size, status.st_mtime_ns)
        return load_file(path)
    except CheckpointError:
        raise
    except FileError as error:
        raise CheckpointError(str(error)) from None
    except Exception as error:
        raise CheckpointError(f"{file.shown(path)} is no readable safetensors file ({error}).") from None


@cache
def _checked(path: Path, sha256: str, missing: str, size: int, changed: int) -> None:
    """Raise unless the file has the hash; remembered per file version, so that a second load does not read it twice."""
    if hashlib.sha256(file.content(path, missing)).hexdigest() != sha256:
        raise CheckpointError(
            f"{file.shown(path)} does not have the sha256 of its card: it is damaged or was replaced. "
            f"Restore both files or train the model again."
        )


def load(card: Card, device: str = "cpu") -> Model:
    """The model of a card, filled, in eval mode, on a device; CheckpointError in one sentence for anything wrong with the file."""
    from genviz.families import find

    name, kind = file.shown(card.path), find(card.name)[1].model_class()
    state = _tensors(card.path, card.sha256, f"{name} is missing; train it with: python -m genviz.train {card.name} {card.data}")
    model = _outlined(kind, card)
    wanted = model.state_dict()
    for key in sorted(wanted.keys() | state.keys()):
        here, there = wanted.get(key), state.get(key)
        if here is None or there is None or here.shape != there.shape:
            raise CheckpointError(
                f"{name} does not fit {card.name}: '{key}' is {'absent' if there is None else tuple(there.shape)} in the file "
                f"and {'absent' if here is None else tuple(here.shape)} in the model."
            )
    state = {k: v.to(wanted[k].dtype) for k, v in state.items()}
    model.load_state_dict(state, assign=True)
    left = [name for name, buffer in model.named_buffers() if buffer.is_meta]
    if left:
        raise CheckpointError(
            f"{card.name} builds the buffers {left} at construction; make them parameters, persistent, or computed on use."
        )
    return model.requires_grad_(False).eval().to(device)


def _outlined(kind: type[Model], card: Card) -> Model:
    """The net that a card's arguments tell of, on `meta`; CheckpointError where they tell of none."""
    from genviz.model import outline

    try:
        inspect.signature(kind).bind(**card.args)
        return outline(kind, card.args)
    except Exception as error:
        raise CheckpointError(
            f"{file.shown(card.path.with_suffix('.json'))} does not fit {card.name}: its arguments build no model ({error})."
        ) from None
