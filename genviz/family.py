"""A family of generative models as plain data: its name, its models in teaching order, their recipes.

Importing a family reads no model code: an `Entry` names its class as "module:Class" and imports it on first use, so that the web
process can list everything without torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genviz.data import of

if TYPE_CHECKING:
    from genviz.model import Model


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained; one optimiser (AdamW) and one schedule (linear warm-up, then a cosine) serve every family."""

    epochs: float = 20.0  # passes over the 55,000 training images
    batch: int = 128
    lr: float = 1e-3  # peak
    warmup: float = 0.02  # share of the run
    last: float = 0.0  # learning rate at the end, as a share of the peak
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.999  # decay of the moving average of the weights, which is what is kept


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of a family: `name` as in load("vae/<name>", ...), the class behind it, its constructor arguments and its recipe."""

    name: str
    title: str  # as in a menu: "VAE, 2-D latent"
    model: str  # "genviz.families.vae.vae:VAE"
    args: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe = Recipe()
    data: tuple[str, ...] = of("image")
    year: int = 0  # of the paper that brought it, 0 where it belongs to no year
    after: str = ""  # its ancestor, "family/name" or a name of the same family
    changed: str = ""  # what it does otherwise than its ancestor, in one sentence

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
