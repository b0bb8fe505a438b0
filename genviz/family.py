"""A family of generative models as plain data: its name, its models in teaching order, their recipes.

Importing a family reads no model code: an `Entry` names its class as "module:Class" and imports it on first use, so that the web
process can list everything without torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from genviz.data import of

if TYPE_CHECKING:
    from genviz.model import Model

OPTIMIZERS = ("adamw", "adam", "rmsprop")
HALVES = ("", "autocast", "convolutions")

@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained, or one stage of it; one schedule (linear warm-up, then a cosine) serves every family.

    A model that is trained in stages has one recipe for each: `learns` names the stage, whose players alone move.
    """

    epochs: float = 20.0  # passes over the training examples
    batch: int = 128
    lr: float = 1e-3  # peak
    warmup: float = 0.02  # share of the run
    last: float = 0.0  # learning rate at the end, as a share of the peak
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.999  # decay of the moving average of the weights, which is what is kept
    steps: int = 0  # batches to learn from, in place of `epochs` where it is not 0
    learns: str = ""  # the stage as Model.players(stage) knows it, "prior"; "" is the whole model
    optimizer: str = "adamw"  # "adam", "adamw" or "rmsprop" (whose smoothing is betas[1] and whose momentum is betas[0])
    updates: tuple[int, ...] = ()  # moves of each player in a round of max(updates) batches: (5, 1) for a critic and a generator
    half: str = ""  # what --half computes in bfloat16: "autocast", all that autocast takes, or "convolutions" alone; "" nothing

    def __post_init__(self) -> None:
        for name, known in (("optimizer", OPTIMIZERS), ("half", HALVES)):
            if getattr(self, name) not in known:
                raise ValueError(f"A recipe has no {name} {getattr(self, name)!r}; there are {', '.join(filter(None, known))}.")
        if self.updates and min(self.updates) < 1:
            raise ValueError(f"Every player moves at least once in a round, not {self.updates}.")

    def plain(self) -> dict[str, Any]:
        """The recipe as a card keeps it, plain JSON: all fields before `steps`, and of those after it the ones that say something."""
        younger = fields(self)[[f.name for f in fields(self)].index("steps") :]
        silent = {f.name for f in younger if getattr(self, f.name) == f.default}
        found = {name: value for name, value in asdict(self).items() if name not in silent}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of a family: `name` as in load("vae/<name>", ...), the class behind it, its constructor arguments and its recipe, or the
    recipes of its stages in order."""

    name: str
    title: str  # as in a menu: "VAE, 2-D latent"
    model: str  # "genviz.families.vae.vae:VAE"
    args: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe | tuple[Recipe, ...] = Recipe()
    data: tuple[str, ...] = of("image")
    year: int = 0  # of the paper that brought it, 0 where it belongs to no year
    after: str = ""  # its ancestor, "family/name" or a name of the same family
    changed: str = ""  # what it does otherwise than its ancestor, in one sentence

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """One for each stage of the training."""
        return (self.recipe,) if isinstance(self.recipe, Recipe) else self.recipe

    def model_class(self) -> type[Model]:
        module, name = self.model.split(":")
        return getattr(importlib.import_module(module), name)


@dataclass(frozen=True, slots=True)
class Scene:
    """A preset that a lecturer shows: knobs of one model under a title."""

    title: str
    model: str
    knobs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a family answers when it is shown a picture x that it did not make (tab Compare, "Same drawing").

    `ask` names an answer, an ability or a walk of one of its models that takes x, and what it takes besides. `shows` are the pictures
    to show, each (part, label, paint): of a walk the parts are "first" and "last", of an answer those that `parts` names in order (or
    its own names, where it is a dictionary). `says` is the sentence below: {part} stands for a number of the answer, {z_dim} for the
    model's, and {below} for how many of {many} test images have a smaller number than x in the part `ranked`.
    """

    model: str  # the name of one of the family's entries
    ask: str
    says: str
    shows: tuple[tuple[str, str, str], ...] = ()
    parts: tuple[str, ...] = ()
    ranked: str = ""
    given: Mapping[str, float] = field(default_factory=dict)  # beside x
    n: int = 3  # pictures of a walk


@dataclass(frozen=True, slots=True)
class Family:
    """One tab. `story` is Markdown with LaTeX (usually the package's docstring); `replies` is empty where nothing can be asked."""

    name: str  # "vae"
    title: str  # "Variational autoencoders"
    short: str  # "VAEs", as on the tab
    line: str  # one sentence for the start page
    story: str
    models: tuple[Entry, ...]
    scenes: tuple[Scene, ...] = ()
    replies: tuple[Reply, ...] = ()

    def entry(self, name: str) -> Entry:
        for entry in self.models:
            if entry.name == name:
                return entry
        raise KeyError(f"{self.title} has no model '{name}'; it has {', '.join(e.name for e in self.models)}.")
