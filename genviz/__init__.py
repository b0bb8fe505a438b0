"""GenViz: deep generative models that can be watched at work. The Python API:

    import genviz
    genviz.cards()                                               # every trained model
    genviz.load("diffusion/ddpm", "fashion_mnist")               # a Model in eval mode
    genviz.sample("vae/vae", "mnist", n=16, seed=0)              # (16, 1, 28, 28) in [-1, 1]
    genviz.film("autoregressive/pixel_cnn", "mnist", n=4)        # Frames from noise to data

Same model, knobs, n and seed: the same pictures as in the app, bit for bit. Importing this imports no torch; the first call does.
The families with their stories, models and recipes are in `genviz.families.FAMILIES`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from genviz.checkpoint import Card
    from genviz.engine.stage import Stage
    from genviz.frame import Frame
    from genviz.model import Model

__version__ = "0.2.0"
__all__ = ["cards", "film", "load", "sample"]

GIVEN = 2**28  # bytes of arrays that a walk starts from


def cards() -> list[Card]:
    """The card of every trained model: arguments, parameters, recipe, metrics."""
    from genviz import checkpoint

    return checkpoint.cards()


def load(name: str, data: str, device: str = "auto") -> Model:
    """A trained model, as in load("vae/vae", "mnist"), in eval mode, without gradients, on a device ("auto": cuda, mps or cpu).

    Raises KeyError with the list of known names, ValueError for a device that is not there, CheckpointError for a damaged file.
    """
    from genviz import argument, checkpoint

    device = argument.device(device)
    checkpoint.card_of(name, data)  # raises KeyError
    return _stage(device).model(name, data)


def sample(name: str, data: str, n: int = 16, seed: int = 0, *, device: str = "auto", **knobs: Any) -> Tensor:
    """n samples, float (n, 1, 28, 28) in [-1, 1], on the CPU. Knobs as in the app; ValueError for a wrong one, KeyError for a name.

    `walk` and `given` as in `film`: the end of another walk.
    """
    frames = deque(film(name, data, n, seed, device=device, **knobs), maxlen=1)
    return frames[0].x.detach().to("cpu").float().clone()


def film(name: str, data: str, n: int = 4, seed: int = 0, *, device: str = "auto", walk: str = "sample",
         given: Mapping[str, Any] | None = None, **knobs: Any) -> Iterator[Frame]:  # fmt: skip
    """Every Frame of the walk from the prior draw (step 0) to the sample (step == steps); frame.x is (n, 1, 28, 28).

    `walk` names another of the model's walks, and `given` what it starts from, numbers and arrays by name. A sampler may paint on in the
    tensor that it yielded: clone what you keep. Errors as in `sample`, at once.
    """
    from genviz import argument
    from genviz.engine import request
    from genviz.frame import describe_knobs, read_knobs

    n, seed = argument.whole("n", n, 1, 1024), argument.seed(seed)
    model = load(name, data, device)
    if walk not in model.walks:
        raise ValueError(f"{name} has no walk '{walk}'; it has {', '.join(model.walks)}.")
    read_knobs(describe_knobs(model.Knobs), knobs)
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"'given' must be arrays by name, not {given!r:.40}.")
    given = request.arrays(given or {}, GIVEN)
    try:
        signature(getattr(model, walk)).bind(n, None, None, **given)
    except TypeError as error:
        raise ValueError(f"The walk '{walk}' of {name} cannot begin like this: {error}.") from None
    return _stage(device).frames(name, data, walk, n, seed, knobs, given)


@lru_cache(maxsize=4)
def _stage(device: str) -> Stage:
    from genviz.engine.stage import Stage

    return Stage(device)
