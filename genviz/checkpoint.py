"""Trained weights and their passport.

A checkpoint is two files, `pretrained/<family>/<model>-<data>.safetensors` and the same name with `.json`, its `Card`. Weights are
read from a memory map into a net built on the `meta` device; the file's sha256 must be the card's. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from genviz.model import Model

PRETRAINED = Path(os.environ.get("GENVIZ_PRETRAINED", Path(__file__).resolve().parent.parent / "pretrained"))


class CheckpointError(ValueError):
    """A weight file that is missing, truncated, altered or of another model; the message says which and what to do."""


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


def cards(root: Path | None = None) -> list[Card]:
    """Every card under `pretrained/`, by family and name. Reads JSON only."""
    found = []
    for path in sorted((root or PRETRAINED).glob("*/*.json")):
        fields = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(fields, dict) and "sha256" in fields and "family" in fields:
            found.append(Card(**fields))
    return found


def card_of(name: str, data: str) -> Card:
    """The card of "family/model" on a data set; KeyError that lists the known ones, or says how to train it."""
    known = cards()
    for card in known:
        if card.name == name and card.data == data:
            return card
    from genviz.families import find

    _, entry = find(name)  # raises for a name that no family has
    if data not in entry.data:
        raise KeyError(f"'{name}' knows no data set '{data}'; it knows {', '.join(entry.data)}.")
    raise KeyError(
        f"'{name}' is not trained on '{data}' yet; train it with: python -m genviz.train {name} {data}. "
        f"Trained are: {', '.join(f'{c.name} on {c.data}' for c in known) or 'none'}."
    )


def write_card(card: Card) -> None:
    card.path.with_suffix(".json").write_text(json.dumps(asdict(card), indent=1) + "\n")


def save(model: Model, card: Card, history: dict[str, Tensor] | None = None) -> Card:
    """Write weights (in the card's dtype), the history of the training where there is one, and the card; returns it with its hashes."""
    import torch
    from safetensors.torch import save_file

    dtype = getattr(torch, card.dtype)
    state = {k: v.detach().cpu().to(dtype if v.is_floating_point() else v.dtype).contiguous() for k, v in model.state_dict().items()}
    card.path.parent.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for path, name, tensors in ((card.path, "sha256", state), (card.history_path, "history_sha256", history)):
        if tensors:
            partial = path.with_suffix(".partial")
            save_file({k: v.contiguous() for k, v in tensors.items()}, partial)
            partial.replace(path)
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    card = Card(**{**asdict(card), **hashes})
    write_card(card)
    return card


def history(card: Card) -> dict[str, Tensor]:
    """What was kept of a training (see genviz.history); {} where nothing was, CheckpointError for a damaged file."""
    from safetensors.torch import load_file

    if not card.history_sha256:
        return {}
    if not card.history_path.exists():
        raise CheckpointError(f"{card.history_path.name} is missing beside its card; train the model again.")
    status = card.history_path.stat()
    _checked(card.history_path, card.history_sha256, status.st_size, status.st_mtime_ns)
    return load_file(card.history_path)


@cache
def _checked(path: Path, sha256: str, size: int, changed: int) -> None:
    """Raise unless the file has the hash; remembered per file version, so that a second load does not read it twice."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise CheckpointError(
            f"{path.name} does not have the sha256 of its card: it is damaged or was replaced. Restore both files or train the model again."
        )


def load(card: Card, device: str = "cpu") -> Model:
    """The model of a card, filled, in eval mode, on a device; CheckpointError in one sentence for anything wrong with the file."""
    from safetensors.torch import load_file

    from genviz.families import find
    from genviz.model import outline

    _, entry = find(card.name)
    if not card.path.exists():
        raise CheckpointError(f"{card.path.name} is missing beside its card; train it with: python -m genviz.train {card.name} {card.data}")
    status = card.path.stat()
    _checked(card.path, card.sha256, status.st_size, status.st_mtime_ns)
    try:
        state = load_file(card.path)
    except Exception as error:
        raise CheckpointError(f"{card.path.name} is no readable safetensors file ({error}).") from None
    model = outline(entry.model_class(), card.args)
    wanted = model.state_dict()
    for key in sorted(wanted.keys() | state.keys()):
        here, there = wanted.get(key), state.get(key)
        if here is None or there is None or here.shape != there.shape:
            raise CheckpointError(
                f"{card.path.name} does not fit {card.name}: '{key}' is {'absent' if there is None else tuple(there.shape)} in the file "
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
