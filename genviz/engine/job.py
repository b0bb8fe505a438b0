"""What crosses the pipe and what the screen sees of it: a film that was asked for, its shots, and where it stands.

An order fixes its film bit for bit, so whoever gives an equal order holds a `Ticket` for the same `Job`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from genviz.engine.supervisor import Supervisor

FINAL = ("done", "cancelled", "error")


class Refused(ValueError):
    """Something was asked for that cannot be given; the message is one sentence for the person who asked."""


class Full(Refused):
    """The house is full just now; the same question may be answered in a moment."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of an engine; nothing in it grows without one."""

    live: int = 400  # films that get steps in turn
    images: int = 8192  # images in those films together
    line: int = 1000  # films waiting for a place
    client: int = 8  # unfinished films of one client
    address: int = 32  # and of all clients at an address who have no name of their own: theirs is "@" and the address
    calls: int = 256  # short answers under way
    seconds: float = 300.0  # of computing that one film may take
    stall: float = 90.0  # seconds that a single turn may take before its worker is stopped
    silence: float = 5.0  # seconds without a sign of life until a worker counts as dead
    viewers: int = 64  # pages that are known to watch with one ticket
    film: int = 128 * 2**20  # bytes of one film
    held: int = 2 * 2**30  # bytes of unfinished films, above which none is begun
    kept: int = 512 * 2**20  # bytes of finished films, those that were not asked for longest go first
    records: int = 8000  # films known at all, and tickets for them
    pause: float = 20.0  # seconds without anybody asking until a film is paused,
    lease: float = 120.0  # and until it is cancelled


@dataclass(frozen=True, slots=True)
class Order:
    """A film that was asked for, complete: whoever holds the order can make the film again, bit for bit."""

    model: str
    data: str
    walk: str
    knobs: Mapping[str, Any]
    n: int
    seed: int
    given: Mapping[str, np.ndarray]
    aux: tuple[str, ...]
    frames: int  # at most so many shots; the first and the last always

    @property
    def key(self) -> str:
        """The same for equal orders and for no others: a digest, also of every byte that is given, so that a film from somebody's own
        drawing is found by whoever holds the same drawing."""
        plain = [self.model, self.data, self.walk, sorted(self.knobs.items()), self.n, self.seed, sorted(self.aux), self.frames]
        digest = hashlib.sha256(json.dumps(plain).encode())
        for name, array in sorted(self.given.items()):
            digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame that left the worker: `Frame` with numpy arrays, and how long a step took."""

    x: np.ndarray  # (n, *shape) float32
    step: int
    steps: int
    nfe: int
    ms: float  # milliseconds per step since the shot before
    caption: str = ""
    aux: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return self.x.nbytes + sum(a.nbytes for a in self.aux.values())


@dataclass(frozen=True, slots=True)
class View:
    """Where a film stands, with its shots from the index that was asked for."""

    status: str  # "waiting", "running", "done", "cancelled" or "error"
    place: int = 0  # in the waiting line, 1 = next; 0 where it does not wait
    message: str = ""
    shots: list[Shot] = field(default_factory=list)
    order: Order | None = None  # what was asked for; None of a film that is not known
    before: Shot | None = None  # the shot before those, which whoever asks has got


@dataclass(eq=False, slots=True)
class Job:
    """The web side's record of a film that is made once, for all who ordered it."""

    id: str
    order: Order
    key: str = ""  # under which it is found; "" where it is not to be
    status: str = "waiting"
    message: str = ""
    shots: list[Shot] = field(default_factory=list)
    bytes: int = 0
    host: Supervisor | None = None  # whose worker makes it
    tickets: dict[str, Ticket] = field(default_factory=dict)  # of those who watch it
    crashes: int = 0  # that happened while it was on stage
    kills: int = 0  # of its worker, from outside, while it was on stage
    doubts: int = 0  # times it may have been to blame; with two it runs alone, where it can harm nobody and is proved right or wrong
    paused: bool = False

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def step(self) -> int:
        """The last step that arrived, -1 where none did."""
        return self.shots[-1].step if self.shots else -1

    @property
    def young(self) -> bool:
        """Less than half of its steps are made."""
        return not self.shots or 2 * self.shots[-1].step < self.shots[-1].steps

    @property
    def alone(self) -> bool:
        """Nothing else may run beside it."""
        return self.doubts >= 2

    def idle(self, now: float) -> float:
        """Seconds since anybody asked for it; 0 while somebody waits."""
        return min((ticket.idle(now) for ticket in self.tickets.values()), default=float("inf"))


@dataclass(eq=False, slots=True)
class Ticket:
    """One order of a film: by its id, which nobody guesses, it is looked at and left."""

    id: str
    job: Job
    client: str = ""
    viewers: set[str] = field(default_factory=set)  # pages that watch it; it is given back when the last of them has left
    touched: float = field(default_factory=time.monotonic)  # when somebody last asked with it
    waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future]] = field(default_factory=list)
    left: str = ""  # why it was given back; from then on it sees the `seen` shots that there were, whatever becomes of the film
    seen: int = 0

    @property
    def final(self) -> bool:
        return bool(self.left) or self.job.final

    def idle(self, now: float) -> float:
        """Seconds since anybody asked with it; 0 while somebody waits."""
        return 0.0 if self.waiters else now - self.touched
