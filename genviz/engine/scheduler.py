"""The scheduler gives every live film a turn after the other, and serves answers between two turns.

The next turn goes to the film that has had the least time of computing; among films that had the same, to the one that has waited longest.
So films with equal steps take turns, and a short film waits for as much of the others' time as it takes itself, not for a step of each. A
film that comes later starts level with those that are there: it owes nothing and is owed nothing.

Nothing holds the scheduler for longer than a turn: a step that would, takes breaths (genviz.model), each of which ends a turn. So does an
answer: it is begun before the next turn of a film, because somebody drags, and if that does not finish it, its other turns and those of
films alternate.

It runs where torch runs, knows nothing of pipes or processes, and is told what to do by commands:

    ("start", id, order, done)    make a film; steps up to `done` were sent before a crash and are made again without being sent
    ("stop", id)  ("pause", id)  ("go", id)  ("close",)
    ("call", id, model, data, method, arrays, options); ("stop", id) takes it back while it waits
    ("go on", id, call)    a `Call` that was begun elsewhere (genviz.engine.interactive)

What happened comes out as events, many in one message: ("shot", id, shot), ("end", id, status, sentence),
("answer", id, True, value), ("answer", id, False, sentence). Every film that was started and not stopped ends in one "end".
"""

from __future__ import annotations

import importlib
import queue
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from genviz.engine.job import Order, Shot

GATHER = 0.03  # seconds of events that go into one message at most, however long the round
TICK = 0.02  # seconds of computing that count as the same
BEAT = 1.0  # seconds after which an empty message says "still at work"


class Film:
    """A film under way: its generator, the last step that was sent, the seconds that it took, and the clock that gives it turns."""

    def __init__(self, id: str, order: Order, done: int, shots: Generator[Shot | None, None, None], clock: float):
        self.id, self.order, self.done, self.shots, self.seconds, self.clock = id, order, done, shots, 0.0, clock


class Call:
    """A question under way: the turns of its answer, at whose end the event that tells it is in `told`."""

    def __init__(self, stage: Any, id: str, *question: Any):
        self.id, self.told = id, []
        self.turns = self._answer(stage, *question)

    def _answer(self, stage: Any, model: str, data: str, method: str, arrays: tuple, options: dict) -> Generator[None, None, None]:
        try:
            answer = yield from stage.answering(model, data, method, arrays, options)
            self.told.append(("answer", self.id, True, answer))
        except Exception as error:
            self.told.append(("answer", self.id, False, sentence(error)))

    def turn(self) -> bool:
        """One turn; was it the last?"""
        return next(self.turns, Call) is Call


class Scheduler:
    """`stage` makes films and answers; `mark(id)` notes down who is on stage, so that a crash can be traced to its owner."""

    def __init__(self, stage: Any, mark: Callable[[str], None] = lambda id: None, seconds: float = 300.0):
        self.stage, self.mark, self.seconds = stage, mark, seconds
        self.turn: deque[Film] = deque()
        self.clock = 0.0  # of the film that was last in turn: where newcomers start
        self.fresh: deque[Film] = deque()  # their first frame costs little, so it comes before the turn of others
        self.paused: dict[str, Film] = {}
        self.calls: deque[Call] = deque()  # not begun
        self.long: deque[Call] = deque()  # taking breaths
        self.events: list[tuple] = []

    def run(self, receive: Callable[[bool], list[tuple]], send: Callable[[list[tuple]], None]) -> None:
        """Work until ("close",): `receive(wait)` gives the commands that came in, sleeping for the next one if it may wait."""
        left, sent, answered = 0, time.monotonic(), False
        while True:
            for command in receive(not (self.turn or self.fresh or self.calls or self.long or self.events)):
                if command[0] == "close":
                    return self._close()
                self._obey(command)
            if self.calls:  # before the next film step: somebody drags
                self._answer(self.calls.popleft())
                answered = True
                if self.events:
                    send(self._gathered())
                    sent = time.monotonic()
                continue
            answered = bool(self.long) and not (answered and (self.fresh or self.turn))
            if answered:
                self._answer(self.long.popleft())
            elif self.fresh:
                self._step(self.fresh.popleft())
            elif self.turn:
                left = min(left, len(self.turn)) or len(self.turn)
                self._step(self._next())
                left -= 1
            now = time.monotonic()
            if self.events and (left == 0 or not self.turn or now - sent > GATHER) or now - sent > BEAT:
                send(self._gathered())
                sent = now

    def _next(self) -> Film:
        film = min(self.turn, key=lambda f: int(f.clock / TICK))  # the first of those that had the least
        self.turn.remove(film)
        self.clock = max(self.clock, film.clock)
        return film

    def _gathered(self) -> list[tuple]:
        events, self.events = self.events, []
        return events

    def _obey(self, command: tuple) -> None:
        kind, id = command[0], command[1]
        if kind == "start":
            _, _, order, done = command
            self.fresh.append(Film(id, order, done, self.stage.film(order), self.clock))
        elif kind == "call":
            self.calls.append(Call(self.stage, *command[1:]))
        elif kind == "go on":
            self.long.append(command[2])
        elif kind == "go":
            if id in self.paused:
                film = self.paused.pop(id)
                film.clock = max(film.clock, self.clock)  # what it did not take is not made up for
                self.turn.append(film)
        else:
            film = self._take_off(id)
            if film is not None and kind == "pause":
                self.paused[id] = film
            elif film is not None:
                film.shots.close()

    def _take_off(self, id: str) -> Film | None:
        for calls in (self.calls, self.long):
            for call in [call for call in calls if call.id == id]:
                calls.remove(call)
                call.turns.close()
        for films in (self.fresh, self.turn):
            for film in films:
                if film.id == id:
                    films.remove(film)
                    return film
        return self.paused.pop(id, None)

    def _step(self, film: Film) -> None:
        self.mark(film.id)
        begun = time.monotonic()
        try:
            shot = next(film.shots)
        except StopIteration:
            return self.events.append(("end", film.id, "done", ""))
        except Exception as error:
            return self.events.append(("end", film.id, "error", sentence(error)))
        took = time.monotonic() - begun
        film.seconds += took
        film.clock += took
        if shot is not None and shot.step > film.done:
            self.events.append(("shot", film.id, shot))
        if shot is not None and shot.step >= shot.steps:  # closes the film in the same message as its last frame
            film.shots.close()
            return self.events.append(("end", film.id, "done", ""))
        if film.seconds > self.seconds:
            film.shots.close()
            return self.events.append(
                (
                    "end",
                    film.id,
                    "error",
                    f"The film took more than {self.seconds:g} seconds of computing; choose fewer steps or fewer images.",
                )
            )
        self.turn.append(film)

    def _answer(self, call: Call) -> None:
        """One turn of an answer; one that is not finished goes to the end of those that take breaths."""
        self.mark(call.id)
        if call.turn():
            self.events += call.told
        else:
            self.long.append(call)

    def _close(self) -> None:
        for film in [*self.fresh, *self.turn, *self.paused.values()]:
            film.shots.close()
        for call in [*self.calls, *self.long]:
            call.turns.close()


def sentence(error: Exception) -> str:
    """An exception as one sentence: a ValueError (Refused among them) speaks for itself, others are named."""
    text = " ".join(str(error).split())[:300] or type(error).__name__
    return text if isinstance(error, ValueError) else f"The model failed with {type(error).__name__}: {text}"


def make_stage(where: str, device: str) -> Any:
    """The stage named "module:Class", on a device."""
    module, name = where.split(":")
    return getattr(importlib.import_module(module), name)(device)


def drain(inbox: queue.SimpleQueue, wait: bool) -> list[tuple]:
    """Everything in a queue; sleeps for the first one if it may wait."""
    commands = [inbox.get()] if wait else []
    while True:
        try:
            commands.append(inbox.get_nowait())
        except queue.Empty:
            return commands
