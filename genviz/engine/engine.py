"""What the screen asks: films and short answers from models, for many people at once, without torch in this process.

    engine = Engine(device="auto")
    job = engine.submit("diffusion/ddpm", "mnist", knobs={"steps": 20}, n=16, seed=0)
    view = await engine.wait(job, have=0)         # View(status, place, message, shots)
    x = await engine.call("vae/vae", "mnist", "decode", z)

A worker process owns torch and gives every live film its share of the time, a step at a turn; where cores are left and many films
under way, a second one helps (genviz.engine.queue). Equal orders share one film: whoever comes late sees it from its first shot, and it
ends when the last one has left. Every film ends in exactly one answer: done, cancelled, or an error in a sentence. A film is re-makeable
from its order, so it outlives the worker and the connection of its owner, and can move to a worker with nothing to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

from genviz.engine import request
from genviz.engine.job import Full, Job, Limits, Order, Refused, Shot, Ticket, View
from genviz.engine.queue import Queue
from genviz.engine.supervisor import PATIENCE

GONE = "This film is no longer here; press Sample to make it again."
LEAVING = "The app is being stopped and takes no new films; try again in a minute."
LAST = "The app is being stopped; films under way have {seconds:g} seconds to end."


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
        self.queue = Queue(backend, device, stage, self.limits, workers)
        self._lock, self._films = self.queue.lock, self.queue.films
        self._leaving = ""  # what is said to those who watch while the app is being stopped

    def catalogue(self) -> dict:
        """Families, models, knobs, cards and data sets as plain data; waits for the worker's first start. RuntimeError if it cannot."""
        if not self.queue.ready.wait(PATIENCE):
            raise RuntimeError(self.queue.supervisors[0].why or f"The worker did not start within {PATIENCE:g} seconds.")
        if self.queue.catalogue is None:
            raise RuntimeError(self.queue.broken)
        return self.queue.catalogue

    def submit(self, model: str, data: str, *, walk: str = "sample", knobs: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0,
               client: str = "", viewer: str = "", given: Mapping[str, Any] | None = None, aux: Iterable[str] = (),
               frames: int | None = None) -> str:  # fmt: skip
        """Ask for a film; returns the id of a ticket for it at once. Raises Refused with one sentence for anything that cannot be.

        n samples and at most `frames` shots, evenly chosen, the first and the last always (bounds: genviz.medium); `given` arrays
        go to the walk by name; `aux` names the extras of a frame that are wanted. `client` is whose films are counted together, `viewer`
        the page that will watch it.
        """
        order = request.film(self.catalogue(), model, data, walk, knobs, n, seed, given, aux, frames)
        key = order.key
        with self._lock:
            if self.queue.broken:
                raise Refused(self.queue.broken)
            if self._leaving:
                raise Refused(LEAVING)
            most = self.limits.address if client.startswith("@") else self.limits.client
            if client and sum(ticket.client == client for ticket in self._unfinished()) >= most:
                raise Refused(f"You have {most} films under way already; stop one or wait for it.")
            self._films.make_room()
            job = self._films.find(key) or self.queue.add(order, key)
            ticket = self._films.hand_out(job, client)
            ticket.viewers.add(viewer)
            self.queue.fill()
        self.queue.work.set()
        return ticket.id

    def keep(self, order: Order, shots: list[Shot]) -> str:
        """Take in a finished film that was made elsewhere; returns a ticket, with which all look at it. No order finds it, for it may be
        stored in fewer bits than it would be made in."""
        with self._lock:
            self._films.make_room()
            job = Job(f"film-{self.queue.number()}", order, shots=shots, bytes=sum(s.bytes for s in shots))
            ticket = self._films.hand_out(job)
            self.queue.end(job, "done")
        return ticket.id

    def look(self, job: str, have: int = 0) -> View:
        """Where the film of a ticket stands, with its shots from index `have`; at once."""
        with self._lock:
            ticket = self._films.tickets.get(job)
            if ticket is None:
                return View("error", message=GONE)
            ticket.touched, film = time.monotonic(), ticket.job
            self._films.use(ticket)
            have = min(max(0, have), len(film.shots))
            before = film.shots[have - 1] if have else None
            if ticket.left:
                return View("cancelled", 0, ticket.left, film.shots[have : ticket.seen], film.order, before)
            self.queue.go_on(film)
            place, message = 0, film.message
            if film.status == "waiting":
                place = self.queue.line.index(film) + 1
                message = self.queue.supervisors[0].why or message or f"Number {place} in the waiting line."
            if not film.final:
                message = self._leaving or message
            return View(film.status, place, message, film.shots[have:], film.order, before)

    async def wait(self, job: str, have: int = 0, timeout: float = 10.0, viewer: str = "") -> View:
        """Like `look`, as soon as there are more than `have` shots or the film is final; after `timeout` seconds in any case.

        A film in the waiting line answers within two seconds, so that its place can be shown. Whoever waits with a name is a `viewer`
        until `cancel` is called with it.
        """
        with self._lock:
            view, ticket = self.look(job, have), self._films.tickets.get(job)
            if ticket is not None and viewer and len(ticket.viewers) < self.limits.viewers:
                ticket.viewers.add(viewer)
            if ticket is None or view.shots or ticket.final:
                return view
            loop = asyncio.get_running_loop()
            waiter = (loop, loop.create_future())
            ticket.waiters.append(waiter)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiter[1], min(timeout, 2.0) if view.status == "waiting" else timeout)
        finally:
            with self._lock:
                if waiter in ticket.waiters:
                    ticket.waiters.remove(waiter)
                ticket.touched = time.monotonic()
        return self.look(job, have)

    def cancel(self, job: str, viewer: str | None = None) -> None:
        """Give a ticket back; or, where a `viewer` leaves, as soon as no other is left who watches with it.

        The film itself stops, and the worker is free within one turn, where nobody else holds a ticket for it. Tickets that are unknown
        or of finished films are left alone.
        """
        with self._lock:
            ticket = self._films.tickets.get(job)
            if ticket is not None and viewer is not None:
                if viewer not in ticket.viewers:
                    return
                ticket.viewers.discard(viewer)
                if ticket.viewers:
                    return
            if ticket is not None:
                self.queue.leave(ticket, "Stopped.")
                self.queue.fill()

    def cancel_client(self, client: str) -> None:
        """Give back every ticket of a client, as when its tab was closed."""
        with self._lock:
            for ticket in [t for t in self._unfinished() if t.client == client]:
                self.queue.leave(ticket, "Stopped.")
            self.queue.fill()

    async def call(self, model: str, data: str, method: str, *arrays: Any, timeout: float = 30.0, **options: Any) -> Any:
        """A short answer of a model, served beside the films: an ability, one of its `answers`, or `prepare`; arrays in, numpy out.

        Option `seed` makes the `rng` of methods that draw. Raises Refused with one sentence.
        """
        sent, options = request.question(self.catalogue(), model, data, method, arrays, options)
        with self._lock:
            if self.queue.broken:
                raise Refused(self.queue.broken)
            if len(self.queue.questions) >= self.limits.calls:
                raise Full("Too many questions at once; try again in a moment.")
            id = f"call-{self.queue.number()}"
            command = ("call", id, model, data, method, sent, options)
            future = self.queue.questions.ask(id, command)
            self.queue.supervisors[0].send(*command)
        self.queue.work.set()
        try:
            good, value = await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise Refused(self.queue.supervisors[0].why or f"{model}.{method} gave no answer within {timeout:g} seconds.") from None
        finally:
            with self._lock:
                if self.queue.questions.drop(id):
                    self.queue.supervisors[0].send("stop", id)  # nobody listens any more
        if not good:
            raise Refused(value)
        return value

    def finish(self, seconds: float = 10.0) -> None:
        """Stop everything soon: new films are refused, those under way have so many seconds to end, and their viewers are told."""
        with self._lock:
            self._leaving = LAST.format(seconds=seconds)
            watched = bool(self.queue.unfinished())
            self.queue.wake_all()
            self.queue.ended.wait_for(lambda: not self.queue.unfinished(), seconds)
            self.queue.shut("The app was stopped before this film was finished.", "cancelled")
        if watched:
            time.sleep(min(1.0, seconds))  # the pages fetch the last frames
        self.close()

    def close(self) -> None:
        """Stop everything; unfinished films end as cancelled. The engine cannot be used again."""
        self.queue.shut("The engine was closed.", "cancelled")
        self.queue.work.set()
        for supervisor in self.queue.supervisors:
            supervisor.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers, 0 for one that is not there."""
        return [supervisor.pid for supervisor in self.queue.supervisors]

    def _unfinished(self) -> list[Ticket]:
        return [ticket for job in self.queue.unfinished() for ticket in job.tickets.values()]
