"""The engine: films and short answers from models, for many people at once, without torch in this process.

    engine = Engine(device="auto")
    job = engine.submit("diffusion/ddpm", "mnist", knobs={"steps": 20}, n=16, seed=0)
    view = await engine.wait(job, have=0)         # View(status, place, message, shots)
    x = await engine.call("vae/vae", "mnist", "decode", z)

One worker process owns torch and gives every live film one step in turn. Every film ends in exactly one answer: done, cancelled, or an
error in a sentence. A film is re-makeable from its order, so it outlives the worker and the connection of its owner.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from genviz.catalogue import model_in
from genviz.engine.job import Job, Limits, Order, Refused, Shot, View
from genviz.frame import read_knobs

__all__ = ["Engine", "Limits", "Refused", "Shot", "View"]

GONE = "This film is no longer here; press Sample to make it again."
AGAIN = "The worker stopped and is being started again; the film goes on where it was."
STARTS = 3  # worker starts in a row that may fail


class Engine:
    """`device`: auto, cpu, cuda, mps. `backend`: "worker" (a process) or "inline" (a thread). Safe to use from any thread or event loop.

    `stage` names the class that makes films where torch is; tests put their own there.
    """

    def __init__(
        self, device: str = "auto", backend: str = "worker", *, limits: Limits | None = None, stage: str = "genviz.engine.stage:Stage"
    ):
        if backend not in ("worker", "inline"):
            raise ValueError(f"The backend is 'worker' or 'inline', not {backend!r}.")
        self.limits = limits or Limits()
        self._host_args = (device, stage, self.limits.seconds)
        self._backend = backend
        self._lock = threading.RLock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()  # finished ones in the order of their last use
        self._line: deque[Job] = deque()
        self._live: dict[str, Job] = {}
        self._calls: dict[str, tuple[tuple, asyncio.AbstractEventLoop, asyncio.Future]] = {}
        self._numbers = itertools.count()
        self._kept = 0
        self._catalogue: dict | None = None
        self._broken = ""
        self._ready = threading.Event()
        self._closed = False
        self._host: Any = None
        self._heard = time.monotonic()
        self._stir = threading.Event()  # there is something to watch over
        # A thread that lives as long as the engine starts every worker: Linux kills a child when the thread that started it ends.
        self._keeper = threading.Thread(target=self._keep, daemon=True, name="genviz-keeper")
        self._keeper.start()
        threading.Thread(target=self._watch, daemon=True, name="genviz-watch").start()

    # ------------------------------------------------------------------ what the screen asks

    def catalogue(self) -> dict:
        """Families, models, knobs, cards and data sets as plain data; waits for the worker's first start. RuntimeError if it cannot."""
        if not self._ready.wait(120):
            raise RuntimeError("The worker did not start within two minutes.")
        if self._catalogue is None:
            raise RuntimeError(self._broken)
        return self._catalogue

    def submit(
        self,
        model: str,
        data: str,
        *,
        walk: str = "sample",
        knobs: Mapping[str, Any] | None = None,
        n: int = 16,
        seed: int = 0,
        client: str = "",
        given: Mapping[str, Any] | None = None,
        aux: tuple[str, ...] = (),
        frames: int = 60,
    ) -> str:
        """Ask for a film; returns its id at once. Raises Refused with one sentence for anything that cannot be.

        n images (1 to 64); `given` arrays go to the walk by name; `aux` names the extras of a frame that are wanted; at most `frames`
        shots are delivered, evenly chosen, the first and the last always.
        """
        entry = self._entry(model, data)
        if walk not in entry["walks"]:
            raise Refused(f"{model} has no walk '{walk}'; it has {', '.join(entry['walks'])}.")
        try:
            typed = read_knobs(entry["knobs"], knobs or {})
        except ValueError as error:
            raise Refused(str(error)) from None
        order = Order(model, data, walk, typed, _whole("n", n, 1, 64), _whole("seed", seed, 0, 2**32 - 1), self._arrays(given or {}),
                      tuple(map(str, aux)), _whole("frames", frames, 2, 1000))  # fmt: skip
        with self._lock:
            unfinished = [*self._live.values(), *self._line]
            if client and sum(j.client == client for j in unfinished) >= self.limits.client:
                raise Refused(f"You have {self.limits.client} films under way already; stop one or wait for it.")
            if len(self._line) >= self.limits.line:
                raise Refused(f"The house is full: {len(self._line)} films are waiting; try again in a minute.")
            if self._closed or self._broken:
                raise Refused(self._broken or "The engine is closed.")
            job = Job(f"{next(self._numbers)}-{uuid.uuid4().hex[:12]}", client, order)
            self._jobs[job.id] = job
            self._line.append(job)
            self._fill()
        self._stir.set()
        return job.id

    def look(self, job: str, have: int = 0) -> View:
        """Where a film stands, with its shots from index `have`; at once."""
        with self._lock:
            record = self._jobs.get(job)
            if record is None:
                return View("error", message=GONE)
            record.touched = time.monotonic()
            if record.paused:
                self._resume(record)
            if record.final:
                record.delivered = True
                self._jobs.move_to_end(job)
            place, message = 0, record.message
            if record.status == "waiting":
                place = self._line.index(record) + 1
                message = message or (f"Number {place} in the waiting line." if place else "")
            return View(record.status, place, message, record.shots[max(0, have) :])

    async def wait(self, job: str, have: int = 0, timeout: float = 10.0) -> View:
        """Like `look`, as soon as there are more than `have` shots or the film is final; after `timeout` seconds in any case.

        A film in the waiting line answers within two seconds, so that its place can be shown.
        """
        with self._lock:
            view, record = self.look(job, have), self._jobs.get(job)
            if record is None or view.shots or record.final:
                return view
            loop = asyncio.get_running_loop()
            waiter = (loop, loop.create_future())
            record.waiters.append(waiter)
        try:
            await asyncio.wait_for(waiter[1], min(timeout, 2.0) if view.status == "waiting" else timeout)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                if waiter in record.waiters:
                    record.waiters.remove(waiter)
                record.touched = time.monotonic()
        return self.look(job, have)

    def cancel(self, job: str) -> None:
        """Stop a film; the worker is free within one step. Unknown and finished ones are left alone."""
        with self._lock:
            record = self._jobs.get(job)
            if record is not None and not record.final:
                self._end(record, "cancelled", "Stopped.")
                self._fill()

    def cancel_client(self, client: str) -> None:
        """Stop every film of a client, as when its tab was closed."""
        with self._lock:
            for record in [j for j in [*self._live.values(), *self._line] if j.client == client]:
                self.cancel(record.id)

    async def call(self, model: str, data: str, method: str, *arrays: Any, timeout: float = 30.0, **options: Any) -> Any:
        """A short answer of a model, served before the next film step: an ability or one of its `answers`, arrays in, numpy out.

        Option `seed` makes the `rng` of methods that draw. Raises Refused with one sentence.
        """
        entry = self._entry(model, data)
        can = [*entry["abilities"], *entry["answers"]]
        if method not in can:
            raise Refused(f"{model} has no answer '{method}'; it has {', '.join(can) or 'none'}.")
        if "seed" in options:
            options["seed"] = _whole("seed", options["seed"], 0, 2**32 - 1)
        sent = tuple(self._arrays({f"array {i + 1}": a for i, a in enumerate(arrays)}).values())
        options |= self._arrays({k: v for k, v in options.items() if isinstance(v, np.ndarray)})
        loop = asyncio.get_running_loop()
        future: asyncio.Future = loop.create_future()
        with self._lock:
            if self._closed or self._broken:
                raise Refused(self._broken or "The engine is closed.")
            if len(self._calls) >= self.limits.calls:
                raise Refused("Too many questions at once; try again in a moment.")
            id = f"call-{next(self._numbers)}"
            command = ("call", id, model, data, method, sent, options)
            self._calls[id] = (command, loop, future)
            if self._host is not None:
                self._host.send(command)
        self._stir.set()
        try:
            ok, value = await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise Refused(f"{model}.{method} gave no answer within {timeout:.0f} seconds.") from None
        finally:
            with self._lock:
                self._calls.pop(id, None)
        if not ok:
            raise Refused(value)
        return value

    def close(self) -> None:
        """Stop everything; unfinished films end as cancelled. The engine cannot be used again."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for record in [*self._live.values(), *self._line]:
                self._end(record, "cancelled", "The engine was closed.")
            self._drop_calls("The engine was closed.")
            host = self._host
        self._stir.set()
        if host is not None:
            host.close()
        self._keeper.join(5)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id of the worker, 0 where there is none."""
        host = self._host
        return host.pid if host is not None else 0

    # ------------------------------------------------------------------ checking

    def _entry(self, model: str, data: str) -> dict:
        try:
            entry = model_in(self.catalogue(), model)
        except KeyError as error:
            raise Refused(str(error.args[0])) from None
        if data not in entry["data"]:
            raise Refused(f"{model} knows no data set '{data}'; it knows {', '.join(entry['data'])}.")
        if data not in entry["cards"]:
            raise Refused(f"{model} is not trained on {data} yet; train it with: python -m genviz.train {model} {data}")
        return entry

    def _arrays(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        arrays = {}
        for name, value in given.items():
            try:
                array = np.asarray(value)
                arrays[str(name)] = array.astype(np.float32) if array.dtype.kind == "f" else array
            except ValueError:
                raise Refused(f"{name} must be an array of numbers with rows of one length.") from None
            if array.dtype.kind not in "fiub":
                raise Refused(f"{name} must be an array of numbers.")
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise Refused(f"{name} holds a value that is no finite number.")
        if sum(a.nbytes for a in arrays.values()) > self.limits.given:
            raise Refused(f"What was sent is larger than {self.limits.given // 2**20} MB.")
        return arrays

    # ------------------------------------------------------------------ the films; always under the lock

    def _fill(self) -> None:
        """Give films from the line a place on the rota, as far as the bounds allow; suspects of two crashes run alone."""
        if self._host is None:
            return
        now = time.monotonic()
        for record in list(self._line):
            suspect = record.strikes >= 2
            if any(j.strikes >= 2 for j in self._live.values()) or (suspect and self._active()):
                return
            room = len(self._active()) < self.limits.live
            if not room or self._active() and sum(j.order.n for j in self._active()) + record.order.n > self.limits.images:
                return
            if record.idle(now) > self.limits.pause:
                continue  # nobody looks: whoever does look goes first
            self._line.remove(record)
            self._live[record.id] = record
            record.status, record.message = "running", ""
            self._host.send(("start", record.id, record.order, record.shots[-1].step if record.shots else -1))

    def _active(self) -> list[Job]:
        return [j for j in self._live.values() if not j.paused]

    def _resume(self, record: Job) -> None:
        record.paused = False
        if self._host is not None and record.id in self._live:
            self._host.send(("go", record.id))

    def _end(self, record: Job, status: str, message: str = "") -> None:
        """The one answer that every film gets."""
        if record.final:
            return
        if self._live.pop(record.id, None) and status != "done" and self._host is not None:
            self._host.send(("stop", record.id))
        if record in self._line:
            self._line.remove(record)
        record.status, record.message, record.paused = status, message, False
        self._kept += record.bytes
        self._jobs.move_to_end(record.id)
        self._wake([record])
        finished = [j for j in self._jobs.values() if j.final and j is not record]
        for old in sorted(finished, key=lambda j: not j.delivered):  # those that were seen first, each in the order of last use
            if self._kept <= self.limits.kept and len(self._jobs) <= 20 * self.limits.live:
                break
            self._kept -= old.bytes
            del self._jobs[old.id]

    def _wake(self, records: list[Job]) -> None:
        """Wake everybody who waits for these films, with one call for each event loop."""
        futures: dict[asyncio.AbstractEventLoop, list[asyncio.Future]] = {}
        for record in records:
            for loop, future in record.waiters:
                futures.setdefault(loop, []).append(future)
            record.waiters.clear()
        for loop, waiting in futures.items():
            _tell(loop, [(future, None) for future in waiting])

    # ------------------------------------------------------------------ the worker

    def _keep(self) -> None:
        """Start a worker, take what it sends, start another when it dies."""
        failures = 0
        while not self._closed:
            host = self._start()
            with self._lock:
                self._host, self._heard = host, time.monotonic()
                for command, _, _ in self._calls.values():
                    host.send(command)
                self._fill()
            for events in host.messages():
                failures = 0 if self._take(events) else failures + 1
            with self._lock:
                self._host = None
            suspect = host.bury()
            if self._closed:
                return
            if self._died(suspect) and not failures:
                continue
            failures += 1
            if failures >= STARTS or self._broken:
                self._give_up()
                return

    def _start(self) -> Any:
        if self._backend == "inline":
            from genviz.engine.inline import Inline as Host
        else:
            from genviz.engine.worker import Worker as Host
        return Host(*self._host_args)

    def _take(self, events: list[tuple]) -> bool:
        """Put a message's events into the mailboxes and wake who waits."""
        answers: dict[asyncio.AbstractEventLoop, list] = {}
        with self._lock:
            self._heard, changed = time.monotonic(), []
            for kind, *event in events:
                if kind == "shot" and (record := self._live.get(event[0])) is not None:
                    record.shots.append(event[1])
                    record.bytes += event[1].bytes
                    changed.append(record)
                elif kind == "end" and (record := self._live.get(event[0])) is not None:
                    self._end(record, event[1], event[2])
                elif kind == "answer" and (call := self._calls.get(event[0])) is not None:
                    answers.setdefault(call[1], []).append((call[2], (event[1], event[2])))
                elif kind == "ready":
                    self._catalogue = event[0]
                    self._ready.set()
                elif kind == "broken":
                    self._broken = f"The worker cannot start: {event[0]}"
            self._wake(changed)
            self._fill()
        for loop, results in answers.items():
            _tell(loop, results)
        return True

    def _died(self, suspect: str) -> bool:
        """Send the films of a dead worker back to the head of the line; a film alive in three crashes is not tried again."""
        with self._lock:
            worked = self._ready.is_set()
            for record in reversed(list(self._live.values())):
                record.strikes += 2 if record.id == suspect else 1
                if record.strikes >= 3:
                    self._end(record, "error", "The worker crashed on this film more than once; choose other settings.")
                    continue
                del self._live[record.id]
                record.status, record.message, record.paused = "waiting", AGAIN, False
                self._line.appendleft(record)
            self._line = deque(sorted(self._line, key=lambda j: j.strikes < 2))
            if suspect in self._calls:
                _, loop, future = self._calls.pop(suspect)
                _tell(loop, [(future, (False, "The worker crashed on this question; choose other settings."))])
            return worked

    def _give_up(self) -> None:
        with self._lock:
            self._broken = self._broken or f"The worker could not be started {STARTS} times in a row; the terminal says why."
            for record in [*self._live.values(), *self._line]:
                self._end(record, "error", self._broken)
            self._drop_calls(self._broken)
            self._ready.set()

    def _drop_calls(self, message: str) -> None:
        for _, loop, future in self._calls.values():
            _tell(loop, [(future, (False, message))])
        self._calls.clear()

    def _watch(self) -> None:
        """Once a second while there is work: leases of films that nobody asks for, and a worker that is stuck in one step."""
        while not self._closed:
            self._stir.wait()
            time.sleep(min(1.0, self.limits.pause / 4))
            with self._lock:
                now = time.monotonic()
                for record in [*self._live.values(), *self._line]:
                    idle = record.idle(now)
                    if idle > self.limits.lease:
                        self._end(record, "cancelled", f"Nobody asked for this film during {self.limits.lease:.0f} seconds.")
                    elif idle > self.limits.pause and not record.paused and record.id in self._live and self._host is not None:
                        record.paused = True
                        self._host.send(("pause", record.id))
                self._fill()
                busy = bool(self._active() or self._calls) and self._ready.is_set()
                if not (self._live or self._line or self._calls) and not self._closed:
                    self._stir.clear()
                if not busy:
                    self._heard = now
                elif now - self._heard > self.limits.stall and self._host is not None:
                    self._heard = now
                    self._host.kill()


def _tell(loop: asyncio.AbstractEventLoop, results: list[tuple[asyncio.Future, Any]]) -> None:
    """Set results of futures from another thread; people who left meanwhile are no error."""

    def set_all() -> None:
        for future, value in results:
            if not future.done():
                future.set_result(value)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(set_all)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    try:
        number = int(value)
        if isinstance(value, bool) or number != float(value):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise Refused(f"'{name}' must be a whole number, not {value!r}.") from None
    if not low <= number <= high:
        raise Refused(f"'{name}' must lie between {low} and {high}, not {value}.")
    return number
