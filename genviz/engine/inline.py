"""The same scheduler without a process, in a thread of this one: for tests, notebooks and machines that allow no children.

It imports torch here, and a crash of the model is a crash of the page; otherwise every call behaves as with a worker.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from genviz.engine.scheduler import Scheduler, drain, make_stage, sentence
from genviz.engine.worker import Death


class Inline:
    """A handle with the methods of `Worker`."""

    pid = 0

    def __init__(self, device: str, stage: str, seconds: float, silence: float):
        self._inbox: queue.SimpleQueue = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(device, stage, seconds), daemon=True, name="genviz-scheduler")
        self._thread.start()

    def _run(self, device: str, where: str, seconds: float) -> None:
        try:
            stage = make_stage(where, device)
            self._outbox.put([("ready", stage.catalogue())])
            Scheduler(stage, seconds=seconds).run(lambda wait: drain(self._inbox, wait), self._outbox.put)
        except Exception as error:
            self._outbox.put([("broken", sentence(error))])
        finally:
            self._outbox.put(None)

    def send(self, command: tuple) -> None:
        self._inbox.put(command)

    def messages(self) -> Iterator[list[tuple]]:
        while (events := self._outbox.get()) is not None:
            yield events

    def kill(self, stuck: bool = False) -> None:
        """A thread cannot be killed; its film ends at its own bounds."""

    def close(self, patience: float = 2.0) -> None:
        self.send(("close",))
        self._thread.join(patience)

    def bury(self) -> Death:
        return Death()
