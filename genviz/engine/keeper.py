"""Keeps one worker alive: starts it, hands on what it sends, starts another when it dies, and gives up when that does not help."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

STARTS = 3  # workers in a row that may die young
PATIENCE = 120.0  # seconds that a worker may take to start


class Keeper:
    """`take(keeper, events)` gets every message, `died(keeper, suspect)` is told of a death before the next start and says whether there
    is a film or a question to blame, `started(keeper)` is told of a start, `gave_up(keeper, sentence)` that there will be no other.
    """

    def __init__(self, backend: str, args: tuple, *, take: Callable[[Keeper, list[tuple]], None],
                 started: Callable[[Keeper], None], died: Callable[[Keeper, str], bool],
                 gave_up: Callable[[Keeper, str], None]):  # fmt: skip
        self._backend, self._args = backend, args
        self._take, self._started, self._died, self._gave_up = take, started, died, gave_up
        self._host: Any = None
        self._closed = False
        self.ready = False  # the worker has started and takes films
        self.heard = time.monotonic()  # when it last sent something
        # This thread lives as long as the engine and starts every worker: Linux kills a child when the thread that started it ends.
        self._thread = threading.Thread(target=self._run, daemon=True, name="genviz-keeper")
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

    def kill(self) -> None:
        host = self._host
        if host is not None:
            host.kill()

    def close(self) -> None:
        self._closed = True
        host = self._host
        if host is not None:
            host.close()
        self._thread.join(5)

    def _run(self) -> None:
        young = 0
        while not self._closed:
            host, born, broken = self._start(), time.monotonic(), ""
            self._host, self.heard = host, born + PATIENCE
            self._started(self)
            for events in host.messages():
                self.heard = time.monotonic()
                broken = next((e[1] for e in events if e[0] == "broken"), broken)
                self.ready = self.ready or any(e[0] == "ready" for e in events)
                self._take(self, events)
            self._host, self.ready = None, False
            suspect = host.bury()
            if self._closed:
                return
            blamed = self._died(self, suspect)
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
