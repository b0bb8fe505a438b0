"""Films in the waiting line and with the workers, and the hire of workers.

A film goes from the line to the least loaded worker as soon as the bounds allow. Where cores are left and many films under way, another
worker is hired, which takes over half of the young films of the busiest one, of each model alike, and makes them again. A film outlives
its worker: it goes back to the head of the line, and on from the step that arrived last.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import deque
from collections.abc import Iterable

from genviz.engine.cores import workers as room
from genviz.engine.films import Films
from genviz.engine.job import Full, Job, Limits, Order, Ticket
from genviz.engine.questions import Questions, tell
from genviz.engine.supervisor import Supervisor
from genviz.engine.worker import BEATS, Death

AGAIN = "The worker stopped and is being started again; the film goes on where it was."
CRASHED = "The worker crashed on this film more than once; choose other settings."
KILLED = "The worker was ended from outside again and again while it worked on this film, perhaps for want of memory; choose fewer images."
KILLS = 5  # of its worker that a film may live through
CROWD = 2  # films under way for each worker, above which another one is started


class Queue:
    """`lock` guards everything here and in the engine; methods without a lock of their own are called under it."""

    def __init__(self, backend: str, device: str, stage: str, limits: Limits, workers: int | None):
        self.limits = limits
        self.lock = threading.RLock()
        self.films = Films(limits)
        self.questions = Questions()
        self.line: deque[Job] = deque()  # films waiting for a place
        self.live: dict[str, Job] = {}  # films that the workers have
        self.catalogue: dict | None = None
        self.ready = threading.Event()  # there is a catalogue, or nothing will come
        self.broken = ""  # why nothing can be made any more
        self.work = threading.Event()  # there is something to watch over
        self.ended = threading.Condition(self.lock)  # a film was
        self._numbers = itertools.count()
        self._backend, self._args = backend, (device, stage, limits.seconds, limits.silence)
        self._most = 1 if backend == "inline" else workers or room()
        self.supervisors: list[Supervisor] = []
        self._hire()
        threading.Thread(target=self._watch, daemon=True, name="genviz-watch").start()

    def unfinished(self) -> list[Job]:
        return [*self.live.values(), *self.line]

    def number(self) -> str:
        return str(next(self._numbers))

    def add(self, order: Order, key: str) -> Job:
        """A film that nobody else has ordered goes to the end of the line. Full where that is too long."""
        if len(self.line) >= self.limits.line:
            raise Full(f"The house is full: {len(self.line)} films are waiting; try again in a minute.")
        job = Job(f"film-{self.number()}", order, key, bytes=sum(a.nbytes for a in order.given.values()))
        self.line.append(job)
        self.films.add(job)
        return job

    def go_on(self, job: Job) -> None:
        """Somebody looks at a film that was paused."""
        if job.paused:
            job.paused = False
            job.host.send("go", job.id)  # type: ignore[union-attr]

    def leave(self, ticket: Ticket, why: str) -> None:
        """Somebody does not want a film any more, which ends it where nobody else does."""
        if ticket.final:
            return
        ticket.left, ticket.seen = why, len(ticket.job.shots)
        del ticket.job.tickets[ticket.id]
        wake([ticket])
        if not ticket.job.tickets:
            self.end(ticket.job, "cancelled", why)

    def end(self, job: Job, status: str, message: str = "") -> None:
        """The one answer that every film gets."""
        if self.live.pop(job.id, None) is not None:
            job.host.send("stop", job.id)  # type: ignore[union-attr]
        if job in self.line:
            self.line.remove(job)
        job.status, job.message, job.paused = status, message, False
        self.films.finish(job)
        wake(job.tickets.values())
        self.ended.notify_all()

    def fill(self) -> None:
        """Give films from the line to workers, as far as the bounds allow; those under suspicion run alone."""
        ready = [supervisor for supervisor in self.supervisors if supervisor.ready]
        if not (ready and self.unfinished()):
            return
        now, active = time.monotonic(), [j for j in self.live.values() if not j.paused]
        images, held = sum(j.order.n for j in active), sum(j.bytes for j in self.live.values())
        for job in list(self.line):
            full = len(active) >= self.limits.live or images + job.order.n > self.limits.images or held > self.limits.held
            alone = job.alone or any(j.alone for j in active)
            if active and (full or alone):
                break
            if job.idle(now) > self.limits.pause:
                continue  # nobody looks: whoever does look goes first
            self.line.remove(job)
            self.live[job.id] = job
            job.status, job.message = "running", ""
            self._begin(job, min(reversed(ready), key=lambda s: _load(s, active, job)))
            active.append(job)
            images += job.order.n
        self._level(ready, active)
        if len(active) > CROWD * len(self.supervisors) and len(self.supervisors) < self._most:
            self._hire()

    def wake_all(self) -> None:
        wake(ticket for job in self.unfinished() for ticket in job.tickets.values())

    def _begin(self, job: Job, supervisor: Supervisor) -> None:
        job.host = supervisor
        supervisor.send("start", job.id, job.order, job.step)

    def _level(self, ready: list[Supervisor], active: list[Job]) -> None:
        """A worker with nothing to do takes over half of the young films of the busiest, of each model half; they begin again there."""
        for supervisor in ready:
            if any(job.host is supervisor for job in active):
                continue
            busiest = max(ready, key=lambda s: sum(job.host is s for job in active))
            young = [job for job in active if job.host is busiest and job.young and not job.doubts]
            for job in sorted(young, key=lambda j: j.order.model)[1::2]:
                busiest.send("stop", job.id)
                self._begin(job, supervisor)

    def _hire(self) -> None:
        """Start a worker."""
        with self.lock:
            self.supervisors.append(Supervisor(self._backend, self._args, take=self._take, started=self._started, died=self.died,
                                               gave_up=self.gave_up))  # fmt: skip

    def shut(self, why: str, status: str) -> None:
        """Nothing can be made any more."""
        with self.lock:
            self.broken = self.broken or why
            for job in self.unfinished():
                self.end(job, status, why)
            self.questions.shut(why)
            self.ready.set()

    # What a supervisor tells, from its thread.

    def _started(self, supervisor: Supervisor) -> None:
        with self.lock:
            for command in self.questions.again() if supervisor is self.supervisors[0] else ():
                supervisor.send(*command)

    def _take(self, supervisor: Supervisor, events: list[tuple]) -> None:
        """Put a message's events into the films and wake who waits."""
        with self.lock:
            changed: dict[str, Job] = {}
            answers = []
            for kind, *event in events:
                job = self.live.get(event[0]) if kind in ("shot", "end") else None
                if job is not None and job.host is not supervisor:
                    continue  # sent before it moved to another worker
                if kind == "ready":
                    self.catalogue = event[0]
                    self._most = self._most if event[0]["device"] == "cpu" else 1
                    self.ready.set()
                elif kind == "begun":
                    self.questions.begin(event[0])
                elif kind in ("answer", "quick"):
                    answers.append(tuple(event[:3]))
                elif job is not None and kind == "end":
                    self.end(job, event[1], event[2])
                elif job is not None and kind == "shot":
                    job.shots.append(event[1])
                    job.bytes += event[1].bytes
                    changed[job.id] = job
                    if job.bytes > self.limits.film:
                        self.end(job, "error", f"The film is larger than {self.limits.film // 2**20} MB; choose fewer images or steps.")
            wake(ticket for job in changed.values() for ticket in job.tickets.values())
            self.questions.answer(answers)
            self.fill()

    def died(self, supervisor: Supervisor, death: Death) -> bool:
        """Send the films of a dead worker back to the head of the line, and ask who was to blame.

        Who was on stage in a crash runs alone from then on, and its owner gets the error if it crashes again; where a question was being
        answered at the same time, which may as well have been it, only after the second time. Where nobody knows who was on stage, all
        run alone after the second time. The others only have to wait. Who was on stage when the worker was ended from outside is most
        likely as innocent as they are, unless it happens again and again.
        """
        with self.lock:
            lost = [j for j in self.live.values() if j.host is supervisor]
            asked = [id for id in death.suspects if id in self.questions]
            blamed = bool(self.ready.is_set() and (lost or len(self.questions) and supervisor is self.supervisors[0]))
            for job in reversed(lost):
                del self.live[job.id]
                on_stage = job.id in death.suspects or (not death.suspects and len(lost) == 1 and not len(self.questions))
                if death.outside:
                    job.kills, job.doubts = job.kills + on_stage, job.doubts + on_stage
                elif on_stage and (job.alone or not asked):
                    job.crashes, job.doubts = job.crashes + 1, job.doubts + 2
                else:
                    job.doubts += on_stage or not death.suspects
                job.status, job.message, job.paused = "waiting", AGAIN, False
                self.line.appendleft(job)
            for job in [j for j in self.line if j.crashes >= 2 or j.kills >= KILLS]:
                self.end(job, "error", CRASHED if job.crashes >= 2 else KILLED)
            self.line = deque(sorted(self.line, key=lambda j: not j.alone))
            wake(ticket for job in lost for ticket in job.tickets.values())
            if not death.outside:
                self.questions.crash(asked)
            return blamed

    def gave_up(self, supervisor: Supervisor, why: str) -> None:
        with self.lock:
            if supervisor is not self.supervisors[0]:  # the others do without it
                self.supervisors.remove(supervisor)
                self._most = len(self.supervisors)
                return self.fill()
        self.shut(why, "error")

    def _watch(self) -> None:
        """While there is work, once a second: leases of films that nobody asks for, workers that are not heard or are stuck in one turn."""
        limits, since = self.limits, {}  # since when each worker has had something to do
        while True:
            self.work.wait()
            time.sleep(min(1.0, limits.pause / 4, limits.silence / BEATS))
            with self.lock:
                if self.broken:
                    return
                now, first = time.monotonic(), self.supervisors[0]
                self._check_leases(now)
                self.fill()
                busy = {(j.host, False) for j in self.live.values() if not j.paused}
                busy |= {(first, False)} if len(self.questions) > self.questions.waiting else set()
                busy |= {(first, True)} if self.questions.waiting else set()
                since = {who: since.get(who, now) for who in busy if self.ready.is_set()}
                for (supervisor, quick), begun in since.items():
                    if now - max(begun, supervisor.quick if quick else supervisor.heard) > limits.stall:  # type: ignore[union-attr]
                        supervisor.kill(stuck=True)  # type: ignore[union-attr]
                for supervisor in self.supervisors:
                    supervisor.listen(BEATS)
                if not len(self.questions) and not self.unfinished():
                    self.work.clear()

    def _check_leases(self, now: float) -> None:
        """Tickets that nobody uses are given back; a film of which all are unused for a while is paused."""
        for job in self.unfinished():
            for ticket in [t for t in job.tickets.values() if t.idle(now) > self.limits.lease]:
                self.leave(ticket, f"Nobody asked for this film during {self.limits.lease:g} seconds.")
            if job.id in self.live and not job.paused and job.idle(now) > self.limits.pause:
                job.paused = True
                job.host.send("pause", job.id)  # type: ignore[union-attr]


def _load(supervisor: Supervisor, active: list[Job], job: Job) -> int:
    """Images that a worker has under way; those of the same model count more, for they cost alike and are best shared."""
    return sum(other.order.n * (3 if other.order.model == job.order.model else 1) for other in active if other.host is supervisor)


def wake(tickets: Iterable[Ticket]) -> None:
    """Wake everybody who waits with these tickets, with one call for each event loop."""
    futures: dict[asyncio.AbstractEventLoop, list[tuple]] = {}
    for ticket in tickets:
        for loop, future in ticket.waiters:
            futures.setdefault(loop, []).append((future, None))
        ticket.waiters.clear()
    for loop, results in futures.items():
        tell(loop, results)
