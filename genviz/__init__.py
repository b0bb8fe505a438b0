"""GenViz: deep generative models that can be watched at work. The Python API:

    import genviz
    genviz.models()                                              # every trained model: what it can do, its knobs
    genviz.data()                                                # the data sets, and who is trained on them
    genviz.cards()                                               # how each was trained, and what was measured
    genviz.load("diffusion/ddpm", "fashion_mnist")               # a Model in eval mode
    genviz.sample("vae/vae", "mnist", n=16, seed=0)              # (16, 1, 28, 28) in [-1, 1]
    genviz.film("autoregressive/pixel_cnn", "mnist", n=4)        # Frames from noise to data

Same model, knobs, n and seed: the same pictures as in the app, bit for bit. In a notebook samples, films, cards and lists of them show
themselves. Importing this imports no torch; the first call does.
The families with their stories, models and recipes are in `genviz.families.FAMILIES`.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from functools import lru_cache, partial
from inspect import signature
from types import ModuleType
from typing import TYPE_CHECKING, Any

from genviz import data

if TYPE_CHECKING:
    from genviz.checkpoint import Card
    from genviz.engine.stage import Stage
    from genviz.model import Model
    from genviz.notebook import Film
    from genviz.samples import Samples
    from genviz.table import Table

__version__ = "0.2.0"
__all__ = ["cards", "data", "film", "load", "models", "sample"]

GIVEN = 2**28  # bytes of arrays that a walk starts from


def models(ability: str = "", trained_on: str = "") -> Table[dict[str, Any]]:
    """The trained models as plain dictionaries: name, family, data that it is trained on, title, shape of a sample, abilities, knobs ...

    `ability` keeps those that can do something ("encode", "energy", "complete"), `trained_on` those trained on a set. ValueError for a name
    that no model and no set has.
    """
    from genviz import catalogue, inventory
    from genviz.table import Table

    there = catalogue.build()
    known = {
        "ability": {a for m in inventory.every(there) for a in inventory.abilities(m)},
        "trained_on": {d["name"] for d in inventory.data(there)},
    }
    for what, value in (("ability", ability), ("trained_on", trained_on)):
        if value and value not in known[what]:
            raise ValueError(f"'{what}' must be one of {', '.join(sorted(known[what]))}, not {value!r:.40}.")
    return Table(inventory.models(there, ability, trained_on))


class _Data(ModuleType):
    """`genviz.data` is a room of this package, genviz/data; called, it lists the data sets."""

    def __call__(self) -> Table[dict[str, Any]]:
        """The data sets as plain dictionaries: name, title, classes, and the models that are trained on it."""
        from genviz import catalogue, inventory
        from genviz.table import Table

        return Table(inventory.data(catalogue.build()))


sys.modules["genviz.data"].__class__ = _Data  # a function of that name would be lost as soon as somebody imports genviz.data


def cards() -> Table[Card]:
    """The card of every trained model: arguments, parameters, recipe, metrics."""
    from genviz import checkpoint
    from genviz.table import Table

    return Table(checkpoint.cards())


def load(name: str, data: str, device: str = "auto") -> Model:
    """A trained model, as in load("vae/vae", "mnist"), in eval mode, without gradients, on a device ("auto": cuda, mps or cpu).

    Raises KeyError with the list of known names, ValueError for a device that is not there, CheckpointError for a damaged file.
    """
    from genviz import argument, checkpoint

    device = argument.device(device)
    checkpoint.card_of(name, data)  # raises KeyError
    return _stage(device).model(name, data)


def sample(name: str, data: str, n: int = 16, seed: int = 0, *, device: str = "auto", **knobs: Any) -> Samples:
    """n samples, float (n, 1, 28, 28) in [-1, 1], on the CPU: a torch.Tensor that shows itself in a notebook. Knobs as in the app;
    ValueError for a wrong one, KeyError for a name.

    `walk` and `given` as in `film`: the end of another walk.
    """
    from genviz.samples import Samples

    frames = deque(film(name, data, n, seed, device=device, **knobs), maxlen=1)
    return frames[0].x.detach().to("cpu").float().clone().as_subclass(Samples)


def film(name: str, data: str, n: int = 4, seed: int = 0, *, device: str = "auto", walk: str = "sample",
         given: Mapping[str, Any] | None = None, **knobs: Any) -> Film:  # fmt: skip
    """Every Frame of the walk from the prior draw (step 0) to the sample (step == steps); frame.x is (n, 1, 28, 28). Iterate over it once,
    or let a notebook show it.

    `walk` names another of the model's walks, and `given` what it starts from, numbers, arrays and texts by name; they may also stand
    beside the knobs, as in film("autoregressive/gpt", "shakespeare", prompt="ROMEO:"). A sampler may paint on in the tensor that it
    yielded: clone what you keep. Errors as in `sample`, at once.
    """
    from genviz import argument, media, notebook
    from genviz.data import DATA
    from genviz.engine import request
    from genviz.frame import describe_knobs, read_knobs

    n, seed = argument.whole("n", n, 1, 1024), argument.seed(seed)
    model = load(name, data, device)
    if walk not in model.walks:
        raise ValueError(f"{name} has no walk '{walk}'; it has {', '.join(model.walks)}.")
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"'given' must be arrays by name, not {given!r:.40}.")
    takes = list(signature(getattr(model, walk)).parameters)[3:]  # beside n, knobs and rng
    given = {**(given or {}), **{key: knobs.pop(key) for key in takes if key in knobs}}
    read_knobs(describe_knobs(model.Knobs), knobs)
    read = media.of(model.medium).read
    given = request.arrays({key: read(key, v, DATA[data]) if isinstance(v, str) else v for key, v in given.items()}, GIVEN)
    try:
        signature(getattr(model, walk)).bind(n, None, None, **given)
    except TypeError as error:
        raise ValueError(f"The walk '{walk}' of {name} cannot begin like this: {error}.") from None
    begin = partial(_stage(device).frames, name, data, walk, n, seed, knobs, given)
    return notebook.Film(begin, notebook.title(name, data, walk, n, seed, knobs))


@lru_cache(maxsize=4)
def _stage(device: str) -> Stage:
    from genviz.engine.stage import Stage

    return Stage(device)
