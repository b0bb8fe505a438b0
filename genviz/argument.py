"""What commands and the Python API are given, read by one set of types.

A reader returns a value or raises ValueError (KeyError for an unknown name) with one sentence. In Python the caller sees the sentence; a
`Command` prints it and ends with status 2:

    command = Command("python -m genviz.train", "Train a model of GenViz.")
    command.add_argument("--threads", type=reader(threads))
    args = command.parse_args()
    with command.sentences():
        ...
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import socket
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, TypeVar

from genviz.file import FileWarning, reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, and how much of it is; what `Command.bar` shows."""

    text: str
    done: int
    total: int


SEEDS = 2**32 - 1
DEVICES = ("auto", "cpu", "cuda", "mps")


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number within bounds, both inclusive; 3.0 and "3" count as 3."""
    try:
        number = int(value)
        if isinstance(value, bool) or number != float(value):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"'{name}' must be a whole number, not {short(value)}.") from None
    if not low <= number <= high:
        raise ValueError(f"'{name}' must lie between {low} and {high}, not {short(number)}.")
    return number


def number(name: str, value: Any, low: float, high: float) -> float:
    """A finite number within bounds, both inclusive."""
    try:
        found = float(value)
        if isinstance(value, bool) or not math.isfinite(found):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"'{name}' must be a number, not {short(value)}.") from None
    if not low <= found <= high:
        raise ValueError(f"'{name}' must lie between {low:g} and {high:g}, not {found:g}.")
    return found


def short(value: Any) -> str:
    """A value as a sentence may quote it: as Python writes it, whatever it is, cut to 40 characters."""
    try:
        return repr(value)[:40]
    except (ValueError, RecursionError):  # a number of more digits than Python writes down, or lists without end in one another
        return f"such a {'number' if isinstance(value, int) else 'value'}"


def seed(value: Any) -> int:
    return whole("seed", value, 0, SEEDS)


def threads(value: Any) -> int:
    return whole("threads", value, 1, 1024)


def port(value: Any) -> int:
    return whole("port", value, 1, 65535)


def minutes(value: Any) -> float:
    """Of computing: from a second to a year."""
    return number("budget", value, 1 / 60, 525_600)


def device(value: Any) -> str:
    """ "auto", "cpu", "cuda", "cuda:1" or "mps"; whether the machine has it, `pick_device` says."""
    kind, _, place = str(value).partition(":")
    if kind not in DEVICES or (":" in str(value) and not (kind == "cuda" and place.isdecimal())):
        raise ValueError(f"There is no device {value!r:.40}; there are {', '.join(DEVICES)}.")
    return str(value)


def pick_device(value: str = "auto") -> str:
    """ "auto" -> cuda, mps or cpu, whichever the machine has first; a named device must be there. ValueError. Imports torch."""
    import torch

    kind, _, place = device(value).partition(":")
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if kind == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if count[name])
    if int(place or 0) >= count[kind]:
        raise ValueError(f"This machine has no device '{value}'; it has {', '.join(name for name, there in count.items() if there)}.")
    return value


def model(value: Any) -> str:
    """The name of a model, "family/model"; KeyError that lists the known ones."""
    from genviz import checkpoint

    checkpoint.find(str(value))
    return value


def one_of(what: str, known: Any) -> Callable[[Any], str]:
    """A reader of a name among known ones; KeyError that lists them."""

    def read(value: Any) -> str:
        if value not in known:
            raise KeyError(f"There is no {what} {value!r:.40}; there are {', '.join(known)}.")
        return value

    return read


def free(host: str, at: int) -> None:
    """ValueError where nothing can be served at an address: the port is taken, or reserved, or the host is none of this machine's."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, at, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[:1]:
            with socket.socket(family, kind, protocol) as door:
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, sys.platform != "win32")
                door.bind(address)
    except (OSError, UnicodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "no name of a machine"
        raise ValueError(f"Nothing can be served at {host}, port {at}: {why}; choose another with --port or --host.") from None


def reader(read: Callable[..., Any], *bounds: Any) -> Callable[[str], Any]:
    """A type for `add_argument`. `bounds` are the name, lowest and highest value of `whole` and `number`."""

    def typed(text: str) -> Any:
        try:
            return read(bounds[0], text, *bounds[1:]) if bounds else read(text)
        except (ValueError, KeyError) as error:
            raise argparse.ArgumentTypeError(str(error.args[0])) from None

    return typed


class Command(argparse.ArgumentParser):
    """The parser of every command. Its words can be printed whatever the encoding of the terminal, and its errors are sentences."""

    def __init__(self, name: str, description: str):
        super().__init__(prog=name, description=description)
        for stream in (sys.stdout, sys.stderr):  # gradio prints an emoji; a terminal in CP1252, or a file, may not know it
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        warnings.showwarning = _said(warnings.showwarning)

    @contextlib.contextmanager
    def sentences(self) -> Iterator[None]:
        """What goes wrong inside ends the command with one sentence and status 2, Ctrl+C with 130."""
        try:
            yield
        except KeyboardInterrupt:
            self.exit(130, "\nstopped\n")
        except (KeyError, ValueError, FloatingPointError, OSError) as error:
            self.fail(error)

    def bar(self, items: Iterable[T], title: str = "") -> Iterator[T]:
        """The same items, with a bar on stderr once they take over a second. An item that tells of progress (`step` of `steps` or `done`
        of `total`, with `text` and `loss` where it has them) moves the bar to there, any other counts as one."""
        from tqdm import tqdm

        total = len(items) if isinstance(items, Sized) else None
        with tqdm(desc=title, total=total, delay=1, mininterval=0.1 if sys.stderr.isatty() else 30, file=sys.stderr) as bar:
            for item in items:
                done, of = (getattr(item, a, getattr(item, b, None)) for a, b in (("step", "done"), ("steps", "total")))
                if of is not None:
                    bar.total = of
                    bar.set_description_str(getattr(item, "text", title), refresh=False)
                    if hasattr(item, "loss"):
                        bar.set_postfix_str(f"loss {item.loss:.4f}", refresh=False)
                    bar.n = min(bar.n, done)  # another stage begins
                    bar.update(done - bar.n)
                yield item
                if of is None:
                    bar.update()

    @contextlib.contextmanager
    def shares(self, title: str) -> Iterator[Callable[[float], None]]:
        """A bar for what tells a share in [0, 1] to a function."""
        from tqdm import tqdm

        shape = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
        with tqdm(desc=title, total=1.0, delay=1, bar_format=shape, disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
            yield lambda share: bar.update(share - bar.n)

    def fail(self, error: Exception) -> None:
        """End with the sentence of an error."""
        if isinstance(error, OSError):
            sentence = (f"{error.filename}: " if error.filename else "") + reason(error)
        else:
            sentence = str(error.args[0]) if error.args else type(error).__name__
        self.exit(2, f"{self.prog}: {sentence}\n")


def _said(show: Callable[..., None]) -> Callable[..., None]:
    """Warnings about files as plain sentences on stderr, all others as before."""

    def say(message: Any, category: type[Warning], *where: Any, **options: Any) -> None:
        if issubclass(category, FileWarning):
            print(message, file=sys.stderr)
        else:
            show(message, category, *where, **options)

    return say
