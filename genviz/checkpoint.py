"""Trained weights and their passport.

A checkpoint is two files, `<family>/<model>-<data>.safetensors` and the same name with `.json`, its `Card`: in `pretrained/` those that are
shipped, in the user's own folder (GENVIZ_HOME, by default `runs`; there in `models/`) those that were trained here. Weights are read from
a memory map into a net built on the `meta` device; the file's sha256 must be the card's. Nothing is ever unpickled. A card that cannot be
believed is left out with a sentence that names its file; all others stay.

Weights are kept in half precision, or, for a card of dtype "int8", each row of a matrix or kernel as w = scale * q with q in -127 ... 127
and the scale in float16, stored beside it as "<name>.scale": a quarter of the size of float32, at an error of at most half a step of q.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genviz import file
from genviz.data import of
from genviz.data import own as own_data
from genviz.file import FileError
from genviz.table import table

if TYPE_CHECKING:
    from torch import Tensor

    from genviz.family import Entry, Family
    from genviz.model import Model

PRETRAINED = Path(os.environ.get("GENVIZ_PRETRAINED", file.shipped()))
DTYPES = ("float16", "bfloat16", "float32", "int8")
SCALE, STEPS = ".scale", 127  # of a row kept in int8
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
    history_sha256: str = ""  # of the history of the training (genviz.training.history), "" where none was kept
    entry: str = ""  # the model of the family that one with a name of its own is built as; "" is that of its name
    own: bool = False  # in the user's folder; a file does not say so, its place does

    @property
    def name(self) -> str:
        """As in load(name, data): "vae/vae_2d"."""
        return f"{self.family}/{self.model}"

    @property
    def path(self) -> Path:
        return root(self.own) / self.family / f"{self.model}-{self.data}.safetensors"

    @property
    def card_path(self) -> Path:
        return self.path.with_suffix(".json")

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


def root(own: bool) -> Path:
    """Where cards, weights and figures are: those that are shipped, or the user's own."""
    return file.home() / "models" if own else PRETRAINED


def exists(name: str, data: str) -> bool:
    """Whether there is a card of "family/model" on a data set, shipped or own, readable or not."""
    family, _, model = name.partition("/")
    return any(_card_path(root(own), family, model, data).exists() for own in (False, True))


def root_of(name: str, data: str) -> Path:
    """Where the figures of "family/model" on a data set belong: to its card."""
    family, _, model = name.partition("/")
    return root(own=not _card_path(PRETRAINED, family, model, data).exists() and _card_path(root(True), family, model, data).exists())


def _card_path(root: Path, family: str, model: str, data: str) -> Path:
    return root / family / f"{model}-{data}.json"


def cards() -> list[Card]:
    """Every card that can be believed, the shipped ones by family and name, then the user's own; warns of the others. Reads JSON only."""
    found, faults = read_cards()
    for sentence in faults:
        file.warn(sentence)
    return found


def read_cards() -> tuple[list[Card], list[str]]:
    """Every card that can be believed, and a sentence for each file that is none."""
    found: dict[tuple[str, str], Card] = {}
    faults = []
    for own in (False, True):
        for path in sorted(root(own).glob("*/*.json")):
            if path.parent.name == PASSPORTS:
                continue
            try:
                card = read_card(path, own)
                if (card.name, card.data) in found:
                    raise CheckpointError(f"{file.shown(path)} in {root(own)} bears the name of a model that is shipped; rename it.")
                found[card.name, card.data] = card
            except CheckpointError as error:
                faults.append(str(error))
    return [*found.values()], faults


def read_card(path: Path, own: bool = False) -> Card:
    """The card in a file; CheckpointError where it is damaged, of another version, of an unknown model, or in another's place."""
    name = file.shown(path)
    try:
        card = replace(file.record(Card, file.read_json(path), name), own=own)
        place = file.shown(card.card_path)
        if name != place:
            raise FileError(f"{name} says that it is {place:.80}.")
        _entry_of(card)
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
        else "a stage of its recipe" if not _stages(card.recipe)
        else ""
    )  # fmt: skip
    if wrong:
        raise CheckpointError(f"{name} is damaged: {wrong} cannot be what it was; restore the file or train the model again.")
    return card


def _entry_of(card: Card) -> tuple[Family, Entry]:
    """The family and entry that a card is built as; KeyError for one that is not known, or that does not fit the card's place."""
    from genviz.families import find

    family, entry = find(f"{card.family}/{card.entry or card.model}")
    if card.entry and not (card.own and own_data.NAME.fullmatch(card.model)):
        raise KeyError(f"'{card.model:.40}' is no name of an own model.")
    if card.entry and any(e.name == card.model for e in family.models):
        raise KeyError(f"'{card.model}' is the name of a model of GenViz and cannot be that of another.")
    return _knowing(f"{family.name}/{entry.name}", family, entry, card.data)


def _stages(recipe: dict[str, Any]) -> bool:
    stages = recipe.get("stages", [])
    return isinstance(stages, list) and all(isinstance(stage, dict) and isinstance(stage.get("learns", ""), str) for stage in stages)


def find(name: str) -> tuple[Family, Entry]:
    """The family and entry of "family/model", own names among them; KeyError that lists the known ones."""
    from genviz import families

    try:
        return families.find(name)
    except KeyError as error:
        for family, entry in entries():
            if name == f"{family.name}/{entry.name}":
                return family, entry
        own = [c.name for c in read_cards()[0] if c.entry]
        raise KeyError(f"{error.args[0][:-1]}, {', '.join(own)}." if own else error.args[0]) from None


def entry_name(name: str) -> str:
    """The name of the entry that "family/model" is built as: its own, or that of a model with a name of the user's."""
    own = next((c.entry for c in read_cards()[0] if c.own and c.name == name and c.entry), "")
    return own or name.partition("/")[2]


def made_for(name: str, data: str) -> tuple[Family, Entry]:
    """The same, of a model that can be trained on a data set: those of its entry, and, for one of images, any of the user's own."""
    return _knowing(name, *find(name), data)


def _knowing(name: str, family: Family, entry: Entry, data: str) -> tuple[Family, Entry]:
    own = own_data.names() if set(entry.data) & set(of("image")) and data not in entry.data else ()
    if data not in (*entry.data, *own):
        raise KeyError(f"'{name}' knows no data set '{data}'; it knows {', '.join(dict.fromkeys((*entry.data, *own)))}.")
    return family, entry


def entries(known: list[Card] | None = None) -> list[tuple[Family, Entry]]:
    """Every model in teaching order, those with names of their own behind the others of their family; `data` of each are all sets that it
    is made for or was trained on."""
    from genviz.families import FAMILIES

    found = []
    own = [card for card in (read_cards()[0] if known is None else known) if card.own]
    for family in FAMILIES.values():
        mine = [card for card in own if card.family == family.name]
        for entry in family.models:
            extra = [card.data for card in mine if card.model == entry.name and card.data not in entry.data]
            found.append((family, replace(entry, data=(*entry.data, *extra)) if extra else entry))
        named = [card for card in mine if card.entry]
        for name in dict.fromkeys(card.model for card in named):
            alike = [card for card in named if card.model == name]
            like, data = family.entry(alike[0].entry), tuple(card.data for card in alike)
            found.append((family, replace(like, name=name, title=alike[0].title, args=alike[0].args, data=data)))
    return found


def _metric(metric: dict[str, Any]) -> bool:
    return metric.keys() == METRIC.keys() and all(isinstance(metric[k], kind) and metric[k] is not True for k, kind in METRIC.items())


def _small(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_small, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) or value is None or abs(value) <= LARGEST


def card_of(name: str, data: str) -> Card:
    """The card of "family/model" on a data set; KeyError that lists the known ones or says how to train it, CheckpointError for a
    damaged card."""
    known, _ = read_cards()
    for card in known:
        if card.name == name and card.data == data:
            return card
    family, _, model = str(name).partition("/")
    for own in (False, True):
        if own_data.NAME.fullmatch(model) and (path := _card_path(root(own), family, model, str(data))).exists():
            read_card(path, own)  # raises: it was left out
    made_for(name, data)  # raises for a name that no family has, and for a data set that the model has not
    raise KeyError(
        f"'{name}' is not trained on '{data}' yet; train it with: python -m genviz.train {name} {data}. "
        f"Trained are: {', '.join(f'{c.name} on {c.data}' for c in known) or 'none'}."
    )


def write_card(card: Card) -> None:
    """Write a card; FileError where that fails."""
    file.write_json(card.card_path, {k: v for k, v in asdict(card).items() if k != "own" and (v or k != "entry")})


def save(model: Model, card: Card, history: dict[str, Tensor] | None = None, dtype: str = "") -> Card:
    """Write weights (in `dtype`, by default the card's), the history of the training where there is one, and the card; returns it with its
    hashes. Tied weights are written once.

    FileError where a file cannot be written; what stood there before is whole then.
    """
    from safetensors.torch import save as packed

    from genviz.model import tied

    card, again = replace(card, dtype=dtype or card.dtype), tied(model)
    state: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        if name not in again:
            state |= _shrunk(name, value.detach().cpu(), card.dtype)
    hashes = {}
    for path, name, tensors in ((card.path, "sha256", state), (card.history_path, "history_sha256", history)):
        if tensors:
            weights = packed({k: v.contiguous() for k, v in tensors.items()})
            file.write(path, weights)
            hashes[name] = hashlib.sha256(weights).hexdigest()
    card = replace(card, **hashes)
    write_card(card)
    return card


def _shrunk(name: str, value: Tensor, dtype: str) -> dict[str, Tensor]:
    """A tensor as a file keeps it: numbers that are not whole in `dtype`, and in int8 with a scale for each row."""
    import torch

    if not value.is_floating_point():
        return {name: value}
    if dtype != "int8" or value.ndim < 2 or value[0].numel() < 2:
        return {name: value.to(torch.float16 if dtype == "int8" else getattr(torch, dtype))}
    rows = value.float().flatten(1)
    scale = (rows.abs().amax(1) / STEPS).half()
    if not scale.isfinite().all():
        raise FileError(f"The weights '{name}' are too large to be kept in int8.")
    whole = (rows / scale.float().clamp(min=torch.finfo(torch.float32).tiny)[:, None]).round().clamp(-STEPS, STEPS)
    return {name: whole.to(torch.int8).view_as(value), name + SCALE: scale}


def _grown(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file as the model takes them: those of int8 multiplied by their scales."""
    found = dict(state)
    for name in [n for n in state if n + SCALE in state]:
        whole, scale = state[name], found.pop(name + SCALE)
        if whole.is_floating_point() or scale.shape != whole.shape[:1]:
            raise FileError(f"'{name}' and its scale do not fit each other")
        found[name] = whole.float() * scale.float().view(-1, *[1] * (whole.ndim - 1))
    return found


def history(card: Card) -> dict[str, Tensor]:
    """What was kept of a training (see genviz.training.history); {} where nothing was, CheckpointError for a damaged file."""
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
    import torch

    from genviz.model import tie, tied

    name, kind = file.shown(card.path), _entry_of(card)[1].model_class()
    state = _tensors(card.path, card.sha256, f"{name} is missing; train it with: python -m genviz.train {card.name} {card.data}")
    model = _outlined(kind, card)
    try:
        state = _grown(state)
    except FileError as error:
        raise CheckpointError(f"{name} is damaged: {error}; restore the file or train the model again.") from None
    wanted, again = model.state_dict(), tied(model)
    state |= {key: state[first] for key, first in again.items() if first in state and key not in state}
    for key in sorted(wanted.keys() | state.keys()):
        here, there = wanted.get(key), state.get(key)
        if here is not None and there is not None and there.dtype == torch.int8 and here.is_floating_point():
            raise CheckpointError(f"{name} is damaged: '{key}' has no scale; restore the file or train the model again.")
        if here is None or there is None or here.shape != there.shape:
            raise CheckpointError(
                f"{name} does not fit {card.name}: '{key}' is {'absent' if there is None else tuple(there.shape)} in the file "
                f"and {'absent' if here is None else tuple(here.shape)} in the model."
            )
    state = {k: v.to(wanted[k].dtype) for k, v in state.items()}
    model.load_state_dict(state, assign=True)
    tie(model, again)
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
        raise CheckpointError(f"{file.shown(card.card_path)} does not fit {card.name}: its arguments build no model ({error}).") from None
