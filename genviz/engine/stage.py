"""Where models perform: the device, the loaded models, the seeds, and the choice of the frames that are shown.

A film is one generator, moved on by one `next()` at a time, always with its own random numbers and the same number of threads: that
is why it is the same film bit for bit, alone or among three hundred, in the app and in `genviz.sample`. A long answer is one, too. Where
a generator yields None it takes a breath (genviz.model), so that whoever moves it on can give others their turn.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genviz import catalogue, checkpoint
from genviz.argument import pick_device
from genviz.engine.cores import threads
from genviz.engine.job import Order, Refused, Shot
from genviz.frame import Frame, Later, describe_knobs, read_knobs
from genviz.medium import MEDIA
from genviz.model import ABILITIES, AT_ONCE, Model, abilities, answers, breaths, finish, pieces

WEIGHTS = 512 * 2**20  # bytes of models that are kept loaded; films and answers under way keep theirs beyond it


@contextlib.contextmanager
def own_threads() -> Iterator[None]:
    """Compute with `threads()` for a while and give the caller's setting back. Never open it around a `yield`."""
    was = torch.get_num_threads()
    torch.set_num_threads(threads())
    try:
        yield
    finally:
        torch.set_num_threads(was)


def in_turns(steps: Generator) -> Generator:
    """A generator of a model, each step of it without gradients and with `threads()`; returns what it returns."""
    try:
        while True:
            with own_threads(), torch.no_grad():
                try:
                    one = next(steps)
                except StopIteration as end:
                    return end.value
            yield one
    finally:
        steps.close()


def shown(step: int, steps: int, frames: int) -> int:
    """The slot of a step among `frames` slots; a frame is kept when its slot is a new one. Slot 0 is the first, frames - 1 the last."""
    return step * (frames - 1) // max(steps, 1)


class Stage:
    """Loads models when they are first asked for, keeps them, and runs their walks and answers without gradients.

    Two threads may ask at once (genviz.engine.interactive). `weights` bounds the bytes of the models that are kept: those that were not
    asked for longest go, and are loaded again when they are.
    """

    def __init__(self, device: str = "auto", weights: int = WEIGHTS):
        self.device, self.weights = pick_device(device), weights
        self._models: OrderedDict[tuple[str, str], Model] = OrderedDict()  # in the order of their last use
        self._lock, self._loading = threading.Lock(), threading.Lock()

    def catalogue(self) -> dict:
        """What there is, as plain data (see genviz.catalogue)."""
        return catalogue.build() | {"device": self.device}

    def load(self, name: str, data: str) -> Model:
        """Fill a model from its card; a stage for tests has models of its own."""
        return checkpoint.load(checkpoint.card_of(name, data), self.device)

    def model(self, name: str, data: str) -> Model:
        """The model in eval mode on the device, channels last, without gradients; loaded once while it is used."""
        if (model := self._kept(name, data)) is not None:
            return model
        with self._loading:  # by the one who comes first
            if (model := self._kept(name, data)) is not None:
                return model
            try:
                model = self.load(name, data)
            except KeyError as error:
                raise Refused(str(error.args[0])) from None
            model = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
            with self._lock:
                self._models[name, data] = model
                sizes = {key: size(kept) for key, kept in self._models.items()}
                for key in list(self._models)[:-1]:  # the one who came last stays in any case
                    if sum(sizes.values()) > self.weights:
                        del self._models[key], sizes[key]
        return model

    def _kept(self, name: str, data: str) -> Model | None:
        with self._lock:
            if (name, data) in self._models:
                self._models.move_to_end((name, data))
            return self._models.get((name, data))

    def frames(
        self,
        name: str,
        data: str,
        walk: str = "sample",
        n: int = 16,
        seed: int = 0,
        knobs: Mapping[str, Any] | None = None,
        given: Mapping[str, np.ndarray] | None = None,
    ) -> Iterator[Frame]:
        """Every frame of a walk with all its extras; x (n, *shape) on the stage's device. Knobs are checked here, against the class."""
        frames = self.walk(name, data, walk, n, seed, knobs, given)
        try:
            for frame in frames:
                if frame is not None:
                    if isinstance(frame.aux, Later):  # now, with our threads, for they go into the film
                        finish(in_turns(frame.aux.breaths()))
                    yield frame
        finally:
            frames.close()

    def walk(
        self,
        name: str,
        data: str,
        walk: str,
        n: int,
        seed: int,
        knobs: Mapping[str, Any] | None,
        given: Mapping[str, np.ndarray] | None,
    ) -> Generator[Frame | None, None, None]:
        """The frames of a walk and its breaths; extras that cost network calls are computed when they are looked at."""
        with own_threads():
            model = self.model(name, data)
            if walk not in model.walks:
                raise Refused(f"{name} has no walk '{walk}'; it has {', '.join(model.walks)}.")
            typed = model.Knobs(**read_knobs(describe_knobs(model.Knobs), knobs or {}))
            tensors = {key: self._tensor(value) for key, value in (given or {}).items()}
            rng = torch.Generator().manual_seed(seed)
            call = getattr(model, walk)
            try:
                inspect.signature(call).bind(n, typed, rng, **tensors)
            except TypeError:
                raise Refused(f"The walk '{walk}' of {name} is given {_given_to(call)}, not {', '.join(tensors) or 'nothing'}.") from None
            turns, begun = in_turns((breaths(call) or call)(n, typed, rng, **tensors)), False
        try:
            for frame in turns:
                begun = begun or frame is not None
                yield frame
        except (RuntimeError, TypeError, IndexError) as error:
            if begun or not tensors:
                raise
            shapes = ", ".join(f"{key} of shape {tuple(tensor.shape)}" for key, tensor in tensors.items())
            raise Refused(f"The walk '{walk}' of {name} cannot begin with {shapes}, for {n} at once.") from error
        finally:
            turns.close()

    def film(self, order: Order) -> Generator[Shot | None, None, None]:
        """One turn at a time: a Shot where a frame is kept, None where it is thinned out or a breath is taken.

        Raises Refused with a sentence on NaN.
        """
        slot, last, steps, last_kept, begun, seconds = -1, None, 0, -1, time.perf_counter(), 0.0
        longest = MEDIA[self.model(order.model, order.data).medium].steps
        frames = self.walk(order.model, order.data, order.walk, order.n, order.seed, order.knobs, order.given)
        try:
            for frame in frames:
                if frame is not None and order.aux and isinstance(frame.aux, Later):
                    turns = in_turns(frame.aux.breaths())
                    while True:  # what is asked for beside x is the work of the next turns
                        seconds += time.perf_counter() - begun
                        yield None
                        begun = time.perf_counter()
                        if next(turns, Later) is Later:
                            break
                seconds += time.perf_counter() - begun
                if frame is None:
                    yield None
                    begun = time.perf_counter()
                    continue
                if frame.steps > longest:
                    raise Refused(f"A film has at most {longest:,} steps, not {frame.steps:,}.")
                last, steps, here = frame.step, frame.steps, shown(frame.step, frame.steps, max(order.frames, 2))
                if here > slot:
                    ms = 1000 * seconds / max(frame.step - last_kept, 1)
                    slot, last_kept, seconds = here, frame.step, 0.0
                    yield self._shot(frame, order, ms)
                else:
                    yield None
                begun = time.perf_counter()
        finally:
            frames.close()
        if last is None or last < steps:
            raise Refused(f"The film ended before its last step{'' if last is None else f', at step {last} of {steps}'}.")

    def _shot(self, frame: Frame, order: Order, ms: float) -> Shot:
        # A sampler may go on painting in the tensor that it yielded, so everything is copied here.
        x = frame.x.detach().to("cpu", torch.float32, copy=True).numpy()
        if not np.isfinite(x).all():
            raise Refused(
                f"The picture stopped being a number (NaN or infinity) at step {frame.step} of {frame.steps}; "
                f"a gentler setting of the knobs may help."
            )
        aux = {name: frame.aux[name].detach().to("cpu", copy=True).numpy() for name in order.aux if name in frame.aux}
        return Shot(x, frame.step, frame.steps, frame.nfe, round(ms, 3), frame.caption, aux)

    def answer(self, name: str, data: str, method: str, arrays: tuple, options: Mapping[str, Any]) -> Any:
        """Call an ability or one of the `answers` of a model: arrays become tensors, what comes back becomes numpy.

        Raises Refused with one sentence for an unknown method or option and for a wrong shape.
        """
        return finish(self.answering(name, data, method, arrays, options))

    def answering(self, name: str, data: str, method: str, arrays: tuple, options: Mapping[str, Any]) -> Generator[None, None, Any]:
        """The same, one turn at a time; the first ends before a network is asked, but where the answer is short: one that takes no
        breaths, about AT_ONCE pictures at most."""
        with own_threads(), torch.no_grad():
            model = self.model(name, data)
            can = [*abilities(model), *answers(model), "prepare"]
            if method not in can:
                raise Refused(f"{name} has no answer '{method}'; it has {', '.join(can) or 'none'}.")
            tensors = [self._tensor(a) for a in arrays]
            _check_shapes(model, name, method, tensors)
            call = getattr(model, method)
            known = inspect.signature(call).parameters
            options = {key: self._tensor(v) if isinstance(v, np.ndarray) else v for key, v in options.items()}
            seed = options.pop("seed", 0)
            if "rng" in known:
                options["rng"] = torch.Generator().manual_seed(int(seed))
            if isinstance(options.get("knobs"), Mapping):
                options["knobs"] = model.Knobs(**read_knobs(describe_knobs(model.Knobs), options["knobs"]))
            try:
                inspect.signature(call).bind(*tensors, **options)
            except TypeError as error:
                raise Refused(f"{name}.{method} cannot be called like this: {error}.") from None
            sliced = MEDIA[model.medium].sliced
            if (breathing := breaths(call)) is not None:
                steps = breathing(*tensors, **options)
            else:
                steps = _in_parts(call, tensors, options, AT_ONCE if sliced and method in ROW_BY_ROW else None)
            long = breathing is not None or sliced and any(t.ndim and len(t) > AT_ONCE for t in tensors)
        if long:
            yield
        return _plain((yield from in_turns(steps)))

    def _tensor(self, array: Any) -> Tensor:
        tensor = torch.from_numpy(np.array(array))  # a copy: what came through the pipe is read-only
        return (tensor.float() if tensor.is_floating_point() else tensor).to(self.device)


def size(model: Model) -> int:
    """Bytes of its weights."""
    return sum(t.nbytes for t in (*model.parameters(), *model.buffers()))


ROW_BY_ROW = (  # answers in which nothing is drawn or summed up, so that many pictures may be asked about some at a time
    "decode", "encode", "log_prob", "score", "energy", "denoise", "slope", "clean", "classify", "conditional", "reconstruct", "judge",
    "features",
)  # fmt: skip


def _in_parts(call: Any, tensors: list[Tensor], options: Mapping[str, Any], rows: int | None) -> Generator[None, None, Any]:
    """Many rows some at a time, with what belongs to each of them; all at once where `rows` is None."""
    n, found = len(tensors[0]) if tensors else 0, []
    if rows is None or n <= rows:
        return call(*tensors, **options)

    def cut(value: Any, part: slice) -> Any:
        return value[part] if isinstance(value, Tensor) and value.ndim and len(value) == n else value

    for part in pieces(n, rows):
        found.append(call(*(cut(t, part) for t in tensors), **{k: cut(v, part) for k, v in options.items()}))
        yield
    return tuple(map(torch.cat, zip(*found, strict=True))) if isinstance(found[0], tuple) else torch.cat(found)


def _check_shapes(model: Model, name: str, method: str, tensors: list[Tensor]) -> None:
    """Abilities and `prepare` have known shapes: z (B, z_dim), x (B, *shape), sigma (B,)."""
    if method == "prepare":
        if any(t.dtype != torch.uint8 for t in tensors):
            raise Refused(f"{name}.prepare takes bytes (uint8).")
    elif method not in ABILITIES:
        return
    wanted = [(model.z_dim,)] if method == "decode" else [tuple(model.shape)]  # type: ignore[attr-defined]
    wanted += [()] if method == "score" else []
    if len(tensors) != len(wanted):
        raise Refused(f"{name}.{method} takes {len(wanted)} array{'s' if len(wanted) > 1 else ''}, not {len(tensors)}.")
    for tensor, tail in zip(tensors, wanted, strict=True):
        if tensor.ndim != 1 + len(tail) or tuple(tensor.shape[1:]) != tail or not 1 <= len(tensor) <= 4096:
            shape = ", ".join(["B", *map(str, tail)]) + ("," if not tail else "")
            raise Refused(f"{name}.{method} takes an array of shape ({shape}) with 1 to 4096 rows, not {tuple(tensor.shape)}.")
        if not tensor.isfinite().all():
            raise Refused(f"{name}.{method} takes finite numbers only.")


def _given_to(walk: Callable) -> str:
    """What a walk is given beside n, knobs and rng, in words."""
    more = list(inspect.signature(walk).parameters.values())[3:]
    return ", ".join(p.name + (" (or not)" if p.default is not p.empty else "") for p in more) or "nothing"


def _plain(value: Any) -> Any:
    """Tensors to numpy, through tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True).numpy()
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value)) if isinstance(value, tuple) else list(map(_plain, value))
    return value
