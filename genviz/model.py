"""The border between models and everything else: `Model` with one required method, and the abilities a model may have.

**Breaths.** A worker gives every film and every question its share of one thread of work, so nobody may hold it for long: a turn has one
call of a network, with AT_ONCE pictures at most. A walk or an answer that needs more between two frames, or before it can answer, is
written as a generator that yields None there, which is a breath: others have their turn, and it goes on where it was. Whoever is in no
hurry never sees a breath: a decorated method is called as any other, and only the stage (genviz.engine.stage) asks for its `breaths`.

    @breathing_walk                       @breathing_answer
    @torch.no_grad()                      def norms(self, x, sigmas, rng):
    def sample(self, n, knobs, rng):          for sigma in sigmas:
        yield Frame(x, 0, ...)                    found.append(self.score(x, sigma))
        x = self.net(x)                           yield
        yield                                 return torch.stack(found)
        yield Frame(self.net(x), 1, ...)
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from genviz.frame import Frame
from genviz.likelihood import Likelihood

AT_ONCE = 32  # pictures that a network is asked about in one turn

T = TypeVar("T")


def finish(steps: Generator[Any, Any, T]) -> T:
    """What a generator returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def last(items: Iterator[T]) -> Generator[None, None, T]:
    """The last of some items, of which there is one at least, with a breath after each."""
    found = next(items)
    yield
    for item in items:
        found = item
        yield
    return found


def breathing_walk(walk: Callable[..., Generator[Frame | None, None, None]]) -> Callable[..., Iterator[Frame]]:
    """A walk that takes breaths; called as a method it yields its frames alone."""

    @functools.wraps(walk)
    def frames(*args: Any, **given: Any) -> Iterator[Frame]:
        steps = walk(*args, **given)
        try:
            for frame in steps:
                if frame is not None:
                    yield frame
        finally:
            steps.close()

    frames.breaths = walk  # type: ignore[attr-defined]
    return frames


def breathing_answer(answer: Callable[..., Generator[None, None, T]]) -> Callable[..., T]:
    """An answer that takes breaths; called as a method it answers at once."""

    @functools.wraps(answer)
    def whole(*args: Any, **options: Any) -> T:
        return finish(answer(*args, **options))

    whole.breaths = answer  # type: ignore[attr-defined]
    return whole


def breaths(method: Callable) -> Callable[..., Generator] | None:
    """A decorated function, or bound method of a model, as the generator that takes breaths; None where it takes none."""
    found, model = getattr(method, "breaths", None), getattr(method, "__self__", None)
    return found if found is None or model is None else functools.partial(found, model)


def pieces(n: int, size: int = AT_ONCE) -> Iterator[slice]:
    """Slices of 0 ... n of at most `size` each."""
    return (slice(i, min(i + size, n)) for i in range(0, n, size))


@dataclass(frozen=True)
class NoKnobs:
    """Knobs of a model that has none."""


class Model(nn.Module, ABC):
    """A generative model of images in [-1, 1], or of points in the plane.

    `args` (the constructor's keyword arguments) must be plain JSON values. `walks` names the generator methods that may be asked for
    as a film, `answers` the plain methods that may be asked for as a short call; both beyond the abilities below.
    A walk has the signature (n, knobs, rng, **given) -> Iterator[Frame]; `given` are tensors. Its first frame costs no network call where
    that is possible, since a scheduler counts it as free; where it must, the walk takes a breath before it.
    """

    Knobs: ClassVar[type] = NoKnobs
    walks: ClassVar[tuple[str, ...]] = ("sample",)
    answers: ClassVar[tuple[str, ...]] = ()
    medium: ClassVar[str] = "image"  # of genviz.medium.MEDIA
    shape: tuple[int | None, ...] = (1, 28, 28)  # (2,) for points; a trailing None is any length up to the medium's bound
    levels: int = 256  # values that a number of x can take: 2 (-1 or 1), so many grey levels, or 0 for real numbers
    grows: ClassVar[str] = ""  # "pixels" where they are painted one by one in raster order, "places" where x grows longer, else ""
    z_dim: int | None = None  # numbers of a latent point, None without a latent space
    likelihoods: tuple[Likelihood, ...] = ()  # what it can say of the probability of x, the one that stands for it first
    beside: ClassVar[tuple[tuple[str, str, str], ...]] = ()  # aux that the screen shows beside x: name, label, how to paint it
    measured: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)  # the settings of the knobs at which `genviz.compare` measures it
    scored: ClassVar[int] = 10_000  # test images whose likelihood is reported, at most

    @abstractmethod
    def sample(self, n: int, knobs: Any, rng: torch.Generator) -> Iterator[Frame]:
        """Walk from n prior draws to n samples; decorate with @torch.no_grad()."""

    def prepare(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Bytes (B, 1, 28, 28) uint8 -> the x in [-1, 1] that this model is trained on and scored with; points (B, 2) stay as they are."""
        return x.float() / 127.5 - 1 if x.dtype == torch.uint8 else x

    def loss(self, x: Tensor, label: Tensor, rng: torch.Generator) -> Tensor:
        """Training loss, a scalar: x (B, *shape) as `prepare` made it, label (B,) int64. Also what is reported on held-out data."""
        raise TypeError(f"{type(self).__name__} is not trained by a single loss.")

    def players(self, stage: str = "") -> tuple[nn.Module, ...]:
        """Who learns in a stage: one optimiser each. A model is one player; a GAN is two. Without stages there is one, ""."""
        return (self,)

    def losses(self, x: Tensor, label: Tensor, rng: torch.Generator, stage: str = "") -> Iterator[Tensor]:
        """One training step: the loss of each player, in the order of `players`. A player has moved before the next loss is asked for."""
        yield self.loss(x, label, rng)

    def codes(self, x: Tensor, stage: str) -> Tensor | None:
        """What a stage learns from in place of x (B, *shape) in [-1, 1], (B, ...), one for each; it is computed once, before the stage
        begins. None where the stage learns from x itself."""
        return None

    def snapshot(self, x: Tensor, label: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """What the history of a training keeps of a moment (genviz.training.history): small tensors, from held-out x; {} for nothing."""
        return {}

    @property
    def pixels(self) -> str:
        """What a pixel is, in a word: "binary" (black or white), "levels" (a few grey levels) or "grey" (any value)."""
        return "binary" if self.levels == 2 else "grey" if self.levels in (0, 256) else "levels"

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


class _NoValues(TorchFunctionMode):
    """Skips the initial values of weights, which somebody else will fill."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def outline(kind: type[Model], args: Mapping[str, Any]) -> Model:
    """A model on the `meta` device: its shapes, without memory or values.

    It is built on the CPU and then moved, because the first `arange` or normal draw on `meta` would import for over a second.
    """
    with _NoValues():
        model = kind(**args)
    known = tied(model)
    tie(model.to("meta"), known)
    return model


def tied(model: nn.Module) -> dict[str, str]:
    """Names of the parameters that are one with an earlier one, and its name: {"out.weight": "embed.weight"}."""
    first: dict[int, str] = {}
    every = model.named_parameters(remove_duplicate=False)
    return {name: first[id(p)] for name, p in every if first.setdefault(id(p), name) != name}


def tie(model: nn.Module, names: Mapping[str, str]) -> None:
    """Make parameters one again, which loading or moving to `meta` has parted."""
    for name, first in names.items():
        owner, _, last = name.rpartition(".")
        setattr(model.get_submodule(owner), last, model.get_parameter(first))


def randn(*shape: int, rng: torch.Generator, device: torch.device | str = "cpu") -> Tensor:
    """Standard normal noise drawn on the CPU, so that a seed gives the same film on every device."""
    return torch.randn(*shape, generator=rng).to(device)


def rand(*shape: int, rng: torch.Generator, device: torch.device | str = "cpu") -> Tensor:
    """Uniform noise in [0, 1) drawn on the CPU, so that a seed gives the same film on every device."""
    return torch.rand(*shape, generator=rng).to(device)


def binarize(x: Tensor, rng: torch.Generator) -> Tensor:
    """Dynamic binarisation: bytes (B, 1, 28, 28) -> -1 or 1, each pixel on with probability x / 255 (Salakhutdinov and Murray 2008)."""
    p = x.float() / 255
    return (rand(*x.shape, rng=rng, device=x.device) < p).float() * 2 - 1


@runtime_checkable
class HasDecoder(Protocol):
    z_dim: int

    def decode(self, z: Tensor) -> Tensor:
        """z (B, z_dim) -> x (B, *shape), the mean picture."""
        ...


@runtime_checkable
class HasEncoder(Protocol):
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, *shape) -> mu (B, z_dim), log_var (B, z_dim) of the posterior."""
        ...


@runtime_checkable
class HasDensity(Protocol):
    def log_prob(self, x: Tensor) -> Tensor:
        """x (B, *shape) -> exact log p(x) in nats (B,)."""
        ...


@runtime_checkable
class HasBound(Protocol):
    def elbo(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """x (B, *shape) -> lower bound on log p(x) in nats (B,)."""
        ...


@runtime_checkable
class HasScore(Protocol):
    def score(self, x: Tensor, sigma: Tensor) -> Tensor:
        """x (B, *shape), sigma (B,) -> gradient of log p_sigma(x), like x."""
        ...


@runtime_checkable
class HasEnergy(Protocol):
    def energy(self, x: Tensor) -> Tensor:
        """x (B, *shape) -> E(x) (B,), p proportional to exp(-E)."""
        ...


ABILITIES = {"decode": HasDecoder, "encode": HasEncoder, "log_prob": HasDensity, "elbo": HasBound, "score": HasScore, "energy": HasEnergy}


def abilities(model: Model | type[Model]) -> list[str]:
    """Names of the abilities of a model or of its class: those methods that it has."""
    return [name for name in ABILITIES if callable(getattr(model, name, None))]


def answers(model: Model | type[Model]) -> list[str]:
    """Names of the plain methods that may be asked for as a short call, beyond the abilities: those that the model declares and every
    likelihood that it has, so that whoever compares likelihoods can ask any model."""
    asked = [one.method for one in model.likelihoods if one.method not in ABILITIES]
    return list(dict.fromkeys([*model.answers, *asked]))
