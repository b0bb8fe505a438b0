"""The engine: films and short answers from models, for many people at once, without torch in this process.

    engine = Engine(device="auto")
    job = engine.submit("diffusion/ddpm", "mnist", knobs={"steps": 20}, n=16, seed=0)
    view = await engine.wait(job, have=0)         # View(status, place, message, shots)
    x = await engine.call("vae/vae", "mnist", "decode", z)

A worker process owns torch and gives every live film its share of the time, a step at a turn; where cores are left and many films
under way, a second one helps. Every film ends in exactly one answer: done, cancelled, or an error in a sentence. A film is re-makeable
from its order, so it outlives the worker and the connection of its owner, and can move to a worker with nothing to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import Any

from genviz.engine import request
from genviz.engine.job import Full, Job, Limits, Order, Refused, Shot, View
from genviz.engine.keeper import PATIENCE, Keeper
from genviz.engine.worker import BEATS, Death
from genviz.engine.worker import workers as room

__all__ = ["Engine", "Full", "Limits", "Refused", "Shot", "View"]

GONE = "This film is no longer here; press Sample to make it again."
AGAIN = "The worker stopped and is being started again; the film goes on where it was."
CRASHED = "The worker crashed on this film more than once; choose other settings."
KILLED = "The worker was ended from outside again and again while it worked on this film, perhaps for want of memory; choose fewer images."
KILLS = 5  # of its worker that a film may live through
LEAVING = "The app is being stopped and takes no new films; try again in a minute."
LAST = "The app is being stopped; films under way have {seconds:g} seconds to end."
CROWD = 2  # films under way for each worker, above which another one is started

Loop = asyncio.AbstractEventLoop


class Engine:
    """`device`: auto, cpu, cuda, mps. `backend`: "worker" (a process) or "inline" (a thread). Safe to use from any thread or event loop.

    `stage` names the class that makes films where torch is; tests put their own there. `workers` is how many there may be on a CPU, as
    many as its cores have room for where none is given; the first one answers all questions.
    """

    def __init__(self, device: str = "auto", backend: str = "worker", *, limits: Limits | None = None,
                 stage: str = "genviz.engine.stage:Stage", workers: int | None = None):  # fmt: skip
        if backend not in ("worker", "inline"):
            raise ValueError(f"The backend is 'worker' or 'inline', not {backend!r}.")
        self.limits = limits or Limits()
        self._lock = threading.RLock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()  # finished ones in the order of their last use
        self._line: deque[Job] = deque()  # films waiting for a place
        self._live: dict[str, Job] = {}  # films that the worker has
        self._calls: dict[str, tuple[tuple, Loop, asyncio.Future]] = {}
        self._numbers = itertools.count()
        self._kept = 0  # bytes of finished films
        self._catalogue: dict | None = None
        self._ready = threading.Event()
        self._broken = ""  # why nothing can be made any more
        self._leaving = ""  # what is said to those who watch while the app is being stopped
        self._work = threading.Event()  # there is something to watch over
        self._ended = threading.Condition(self._lock)  # a film was
        self._backend, self._args = backend, (device, stage, self.limits.seconds, self.limits.silence)
        self._most = 1 if backend == "inline" else workers or room()
        self._keepers: list[Keeper] = []
        self._hire()
        threading.Thread(target=self._watch, daemon=True, name="genviz-watch").start()

    # What the screen asks.

    def catalogue(self) -> dict:
        """Families, models, knobs, cards and data sets as plain data; waits for the worker's first start. RuntimeError if it cannot."""
        if not self._ready.wait(PATIENCE):
            raise RuntimeError(self._keepers[0].why or f"The worker did not start within {PATIENCE:g} seconds.")
        if self._catalogue is None:
            raise RuntimeError(self._broken)
        return self._catalogue

    def submit(self, model: str, data: str, *, walk: str = "sample", knobs: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0,
               client: str = "", viewer: str = "", given: Mapping[str, Any] | None = None, aux: Iterable[str] = (),
               frames: int = 60) -> str:  # fmt: skip
        """Ask for a film; returns its id at once. Raises Refused with one sentence for anything that cannot be.

        n images (1 to 64); `given` arrays go to the walk by name; `aux` names the extras of a frame that are wanted; at most `frames`
        shots are delivered, evenly chosen, the first and the last always. `client` is whose films are counted together, `viewer` the page
        that will watch it.
        """
        order = request.film(self.catalogue(), model, data, walk, knobs, n, seed, given, aux, frames)
        with self._lock:
            if self._broken:
                raise Refused(self._broken)
            if self._leaving:
                raise Refused(LEAVING)
            most = self.limits.address if client.startswith("@") else self.limits.client
            if client and sum(j.client == client for j in self._unfinished()) >= most:
                raise Refused(f"You have {most} films under way already; stop one or wait for it.")
            if len(self._line) >= self.limits.line:
                raise Full(f"The house is full: {len(self._line)} films are waiting; try again in a minute.")
            job = Job(f"{next(self._numbers)}-{uuid.uuid4().hex[:12]}", client, order)
            job.bytes = sum(a.nbytes for a in order.given.values())
            job.viewers.add(viewer)
            self._jobs[job.id] = job
            self._line.append(job)
            self._fill()
        self._work.set()
        return job.id

    def keep(self, order: Order, shots: list[Shot]) -> str:
        """Take in a finished film that was made elsewhere; returns its id, under which it is looked at like any other."""
        with self._lock:
            job = Job(f"{next(self._numbers)}-{uuid.uuid4().hex[:12]}", "", order, shots=shots, bytes=sum(s.bytes for s in shots))
            self._jobs[job.id] = job
            self._end(job, "done")
        return job.id

    def look(self, job: str, have: int = 0) -> View:
        """Where a film stands, with its shots from index `have`; at once."""
        with self._lock:
            record = self._jobs.get(job)
            if record is None:
                return View("error", message=GONE)
            record.touched = time.monotonic()
            if record.paused:
                record.paused = False
                record.host.send("go", record.id)
            if record.final:
                self._jobs.move_to_end(job)
            place, message = 0, record.message
            if record.status == "waiting":
                place = self._line.index(record) + 1
                message = self._keepers[0].why or message or f"Number {place} in the waiting line."
            if not record.final:
                message = self._leaving or message
            return View(record.status, place, message, record.shots[max(0, have) :])

    async def wait(self, job: str, have: int = 0, timeout: float = 10.0, viewer: str = "") -> View:
        """Like `look`, as soon as there are more than `have` shots or the film is final; after `timeout` seconds in any case.

        A film in the waiting line answers within two seconds, so that its place can be shown. Whoever waits with a name is a `viewer`
        until `cancel` is called with it.
        """
        with self._lock:
            view, record = self.look(job, have), self._jobs.get(job)
            if record is not None and viewer and len(record.viewers) < self.limits.viewers:
                record.viewers.add(viewer)
            if record is None or view.shots or record.final:
                return view
            loop = asyncio.get_running_loop()
            waiter = (loop, loop.create_future())
            record.waiters.append(waiter)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiter[1], min(timeout, 2.0) if view.status == "waiting" else timeout)
        finally:
            with self._lock:
                if waiter in record.waiters:
                    record.waiters.remove(waiter)
                record.touched = time.monotonic()
        return self.look(job, have)

    def cancel(self, job: str, viewer: str | None = None) -> None:
        """Stop a film, the worker is free within one turn; or, where a `viewer` leaves, as soon as no other is left who watches it.

        Unknown and finished ones are left alone.
        """
        with self._lock:
            record = self._jobs.get(job)
            if record is not None and viewer is not None:
                if viewer not in record.viewers:
                    return
                record.viewers.discard(viewer)
                if record.viewers:
                    return
            if record is not None and not record.final:
                self._end(record, "cancelled", "Stopped.")
                self._fill()

    def cancel_client(self, client: str) -> None:
        """Stop every film of a client, as when its tab was closed."""
        with self._lock:
            for record in [j for j in self._unfinished() if j.client == client]:
                self._end(record, "cancelled", "Stopped.")
            self._fill()

    async def call(self, model: str, data: str, method: str, *arrays: Any, timeout: float = 30.0, **options: Any) -> Any:
        """A short answer of a model, served before the next film step: an ability, one of its `answers`, or `prepare`;
        arrays in, numpy out.

        Option `seed` makes the `rng` of methods that draw. Raises Refused with one sentence.
        """
        sent, options = request.question(self.catalogue(), model, data, method, arrays, options)
        loop = asyncio.get_running_loop()
        future: asyncio.Future = loop.create_future()
        with self._lock:
            if self._broken:
                raise Refused(self._broken)
            if len(self._calls) >= self.limits.calls:
                raise Full("Too many questions at once; try again in a moment.")
            id = f"call-{next(self._numbers)}"
            command = ("call", id, model, data, method, sent, options)
            self._calls[id] = (command, loop, future)
            self._keepers[0].send(*command)
        self._work.set()
        try:
            ok, value = await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise Refused(self._keepers[0].why or f"{model}.{method} gave no answer within {timeout:g} seconds.") from None
        finally:
            with self._lock:
                if self._calls.pop(id, None) is not None and not (future.done() and not future.cancelled()):
                    self._keepers[0].send("stop", id)  # nobody listens any more
        if not ok:
            raise Refused(value)
        return value

    def finish(self, seconds: float = 10.0) -> None:
        """Stop everything soon: new films are refused, those under way have so many seconds to end, and their viewers are told."""
        with self._lock:
            self._leaving = LAST.format(seconds=seconds)
            watched = bool(self._unfinished())
            self._wake(self._unfinished())
            self._ended.wait_for(lambda: not self._unfinished(), seconds)
            self._shut("The app was stopped before this film was finished.", "cancelled")
        if watched:
            time.sleep(min(1.0, seconds))  # the pages fetch the last frames
        self.close()

    def close(self) -> None:
        """Stop everything; unfinished films end as cancelled. The engine cannot be used again."""
        self._shut("The engine was closed.", "cancelled")
        self._work.set()
        for keeper in self._keepers:
            keeper.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers, 0 for one that is not there."""
        return [keeper.pid for keeper in self._keepers]

    # The films; always under the lock.

    def _unfinished(self) -> list[Job]:
        return [*self._live.values(), *self._line]

    def _fill(self) -> None:
        """Give films from the line a place on a rota, as far as the bounds allow; those under suspicion run alone."""
        ready = [keeper for keeper in self._keepers if keeper.ready]
        if not (ready and self._unfinished()):
            return
        now, active = time.monotonic(), [j for j in self._live.values() if not j.paused]
        images, held = sum(j.order.n for j in active), sum(j.bytes for j in self._live.values())
        for record in list(self._line):
            full = len(active) >= self.limits.live or images + record.order.n > self.limits.images or held > self.limits.held
            alone = record.alone or any(j.alone for j in active)
            if active and (full or alone):
                break
            if record.idle(now) > self.limits.pause:
                continue  # nobody looks: whoever does look goes first
            self._line.remove(record)
            self._live[record.id] = record
            record.status, record.message = "running", ""
            self._begin(record, min(reversed(ready), key=lambda k: _load(k, active, record)))
            active.append(record)
            images += record.order.n
        self._level(ready, active)
        if len(active) > CROWD * len(self._keepers) and len(self._keepers) < self._most:
            self._hire()

    def _begin(self, record: Job, keeper: Keeper) -> None:
        record.host = keeper
        keeper.send("start", record.id, record.order, record.step)

    def _level(self, ready: list[Keeper], active: list[Job]) -> None:
        """A worker with nothing to do takes over half of the young films of the busiest, of each model half; they begin again there."""
        for keeper in ready:
            if any(job.host is keeper for job in active):
                continue
            busiest = max(ready, key=lambda k: sum(job.host is k for job in active))
            young = [job for job in active if job.host is busiest and job.young and not job.doubts]
            for job in sorted(young, key=lambda j: j.order.model)[1::2]:
                busiest.send("stop", job.id)
                self._begin(job, keeper)

    def _hire(self) -> None:
        """Start a worker."""
        with self._lock:
            self._keepers.append(Keeper(self._backend, self._args, take=self._take, started=self._started, died=self._died,
                                        gave_up=self._gave_up))  # fmt: skip

    def _end(self, record: Job, status: str, message: str = "") -> None:
        """The one answer that every film gets."""
        if self._live.pop(record.id, None) is not None:
            record.host.send("stop", record.id)
        if record in self._line:
            self._line.remove(record)
        record.status, record.message, record.paused = status, message, False
        self._kept += record.bytes
        self._jobs.move_to_end(record.id)
        self._wake([record])
        self._ended.notify_all()
        if self._kept > self.limits.kept or len(self._jobs) > self.limits.records:
            for old in [j for j in self._jobs.values() if j.final and j is not record]:  # longest unused first; the newest stays
                if self._kept <= self.limits.kept and len(self._jobs) <= self.limits.records:
                    break
                self._kept -= old.bytes
                del self._jobs[old.id]

    def _wake(self, records: list[Job]) -> None:
        """Wake everybody who waits for these films, with one call for each event loop."""
        futures: dict[Loop, list[tuple]] = {}
        for record in records:
            for loop, future in record.waiters:
                futures.setdefault(loop, []).append((future, None))
            record.waiters.clear()
        for loop, results in futures.items():
            _tell(loop, results)

    def _shut(self, why: str, status: str) -> None:
        with self._lock:
            self._broken = self._broken or why
            for record in self._unfinished():
                self._end(record, status, why)
            for _, loop, future in self._calls.values():
                _tell(loop, [(future, (False, why))])
            self._calls.clear()
            self._ready.set()

    # What the keeper of a worker tells, from its thread.

    def _started(self, keeper: Keeper) -> None:
        with self._lock:
            for command, _, _ in self._calls.values() if keeper is self._keepers[0] else ():
                keeper.send(*command)

    def _take(self, keeper: Keeper, events: list[tuple]) -> None:
        """Put a message's events into the mailboxes and wake who waits."""
        answers: dict[Loop, list[tuple]] = {}
        with self._lock:
            changed = {}
            for kind, *event in events:
                record = self._live.get(event[0]) if kind in ("shot", "end") else None
                if record is not None and record.host is not keeper:
                    continue  # sent before it moved to another worker
                if kind == "ready":
                    self._catalogue = event[0]
                    self._most = self._most if event[0]["device"] == "cpu" else 1
                    self._ready.set()
                elif kind == "answer" and event[0] in self._calls:
                    _, loop, future = self._calls[event[0]]
                    answers.setdefault(loop, []).append((future, (event[1], event[2])))
                elif record is not None and kind == "end":
                    self._end(record, event[1], event[2])
                elif record is not None and kind == "shot":
                    record.shots.append(event[1])
                    record.bytes += event[1].bytes
                    changed[record.id] = record
                    if record.bytes > self.limits.film:
                        self._end(record, "error", f"The film is larger than {self.limits.film // 2**20} MB; choose fewer images or steps.")
            self._wake(list(changed.values()))
            self._fill()
        for loop, results in answers.items():
            _tell(loop, results)

    def _died(self, keeper: Keeper, death: Death) -> bool:
        """Send the films of a dead worker back to the head of the line, and ask who was to blame.

        Who was on stage in a crash runs alone from then on, and its owner gets the error if it crashes again. Where nobody knows who was on
        stage, all run alone after the second time. The others only have to wait. Who was on stage when the worker was ended from outside is
        most likely as innocent as they are, unless it happens again and again.
        """
        with self._lock:
            lost, suspect = [j for j in self._live.values() if j.host is keeper], death.suspect
            blamed = bool(self._ready.is_set() and (lost or self._calls and keeper is self._keepers[0]))
            for record in reversed(lost):
                del self._live[record.id]
                on_stage = record.id == suspect or (not suspect and len(lost) == 1 and not self._calls)
                if death.outside:
                    record.kills, record.doubts = record.kills + on_stage, record.doubts + on_stage
                else:
                    record.crashes += on_stage
                    record.doubts += 2 if on_stage else not suspect
                record.status, record.message, record.paused = "waiting", AGAIN, False
                self._line.appendleft(record)
            for record in [j for j in self._line if j.crashes >= 2 or j.kills >= KILLS]:
                self._end(record, "error", CRASHED if record.crashes >= 2 else KILLED)
            self._line = deque(sorted(self._line, key=lambda j: not j.alone))
            self._wake(lost)
            if suspect in self._calls and not death.outside:
                _, loop, future = self._calls.pop(suspect)
                _tell(loop, [(future, (False, "The worker crashed on this question; choose other settings."))])
            return blamed

    def _gave_up(self, keeper: Keeper, why: str) -> None:
        with self._lock:
            if keeper is not self._keepers[0]:  # the others do without it
                self._keepers.remove(keeper)
                self._most = len(self._keepers)
                return self._fill()
        self._shut(why, "error")

    def _watch(self) -> None:
        """While there is work, once a second: leases of films that nobody asks for, workers that are not heard or are stuck in one turn."""
        limits, since = self.limits, {}  # since when each worker has had something to do
        while True:
            self._work.wait()
            time.sleep(min(1.0, limits.pause / 4, limits.silence / BEATS))
            with self._lock:
                if self._broken:
                    return
                now = time.monotonic()
                for record in self._unfinished():
                    idle = record.idle(now)
                    if idle > limits.lease:
                        self._end(record, "cancelled", f"Nobody asked for this film during {limits.lease:g} seconds.")
                    elif idle > limits.pause and not record.paused and record.id in self._live:
                        record.paused = True
                        record.host.send("pause", record.id)
                self._fill()
                busy = {j.host for j in self._live.values() if not j.paused} | {self._keepers[0] if self._calls else None}
                since = {keeper: since.get(keeper, now) for keeper in self._keepers if keeper in busy and self._ready.is_set()}
                for keeper, begun in since.items():
                    if now - max(begun, keeper.heard) > limits.stall:
                        keeper.kill(stuck=True)
                for keeper in self._keepers:
                    keeper.listen(BEATS)
                if not self._calls and not self._unfinished():
                    self._work.clear()


def _load(keeper: Keeper, active: list[Job], record: Job) -> int:
    """Images that a worker has under way; those of the same model count more, for they cost alike and are best shared."""
    return sum(job.order.n * (3 if job.order.model == record.order.model else 1) for job in active if job.host is keeper)


def _tell(loop: Loop, results: list[tuple[asyncio.Future, Any]]) -> None:
    """Set results of futures from another thread; people who left meanwhile are no error."""

    def set_all() -> None:
        for future, value in results:
            if not future.done():
                future.set_result(value)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(set_all)
