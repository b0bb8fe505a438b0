"""Keeps one worker alive: starts it, hands on what it sends, starts another when it dies, and gives up when that does not help."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from genviz.engine.worker import Death

STARTS = 3  # workers in a row that may die young
PAUSES = (0.5, 30.0)  # seconds before a start that failed is tried again: at first, and at most
PATIENCE = 300.0  # seconds that a worker may take to start: two or three, minutes where other programs keep every core busy


class Supervisor:
    """`take(supervisor, events)` gets every message, `died(supervisor, death)` is told of a death before the next start and says whether
    there is a film or a question to blame, `started(supervisor)` is told of a start, `gave_up(supervisor, sentence)` that there will be
    no other.

    Where the system refuses to start a worker, for want of memory, room or rights, `why` says so until it does.
    """

    def __init__(self, backend: str, args: tuple, *, take: Callable[[Supervisor, list[tuple]], None],
                 started: Callable[[Supervisor], None], died: Callable[[Supervisor, Death], bool],
                 gave_up: Callable[[Supervisor, str], None]):  # fmt: skip
        self._backend, self._args = backend, args
        self._take, self._started, self._died, self._gave_up = take, started, died, gave_up
        self._host: Any = None
        self._closed = threading.Event()
        self.why = ""  # no worker can be started
        self.ready = False  # the worker has started and takes films
        self.heard = self.quick = time.monotonic()  # when it last had a turn behind it, and a short answer
        self.silent = 0  # looks of the watcher since it was last heard at all
        # This thread lives as long as the engine and starts every worker: Linux kills a child when the thread that started it ends.
        self._thread = threading.Thread(target=self._run, daemon=True, name="genviz-supervisor")
        self._thread.start()

    def send(self, *command: Any) -> None:
        """To the worker; dropped where there is none, because the next one is told everything when it starts."""
        host = self._host
        if host is not None:
            host.send(command)

    @property
    def pid(self) -> int:
        host = self._host
        return host.pid if host is not None else 0

    def kill(self, stuck: bool = False) -> None:
        host = self._host
        if host is not None:
            host.kill(stuck)

    def listen(self, looks: int) -> None:
        """The watcher looks: a worker that was not heard since `looks` of its looks is dead or was stopped, and is replaced.

        Counted in looks and not in seconds, so that a machine that slept or starves the watcher too makes no corpses.
        """
        self.silent += self.ready and self._backend == "worker"
        if self.silent > looks:
            self.silent = 0
            self.kill()

    def close(self) -> None:
        self._closed.set()
        host = self._host
        if host is not None:
            host.close()
        self._thread.join(5)

    def _run(self) -> None:
        young, pause = 0, PAUSES[0]
        while not self._closed.is_set():
            try:
                host = self._start()
            except OSError as error:
                self.why = f"No worker can be started ({error.strerror or error}); it is tried again, and the film goes on from there."
                self._closed.wait(pause)
                pause = min(2 * pause, PAUSES[1])
                continue
            born, broken, pause, self.why = time.monotonic(), "", PAUSES[0], ""
            self._host, self.heard, self.quick, self.silent = host, born + PATIENCE, born + PATIENCE, 0
            self._started(self)
            for events in host.messages():
                self.silent = 0
                if events is None:
                    continue
                if events and all(e[0] in ("quick", "begun") for e in events):
                    self.quick = time.monotonic()
                else:
                    self.heard = time.monotonic()
                broken = next((e[1] for e in events if e[0] == "broken"), broken)
                self.ready = self.ready or any(e[0] == "ready" for e in events)
                self._take(self, events)
            self._host, self.ready = None, False
            death = host.bury()
            if self._closed.is_set():
                return
            blamed = self._died(self, death)
            young = 0 if blamed or time.monotonic() - born > 60 else young + 1
            if broken:
                return self._gave_up(self, f"The worker cannot start: {broken}")
            if young >= STARTS:
                return self._gave_up(self, f"The worker died {STARTS} times in a row with nothing to do; the terminal may say why.")

    def _start(self) -> Any:
        if self._backend == "inline":
            from genviz.engine.inline import Inline as Host
        else:
            from genviz.engine.worker import Worker as Host
        return Host(*self._args)
