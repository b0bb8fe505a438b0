"""The web side's handle on a worker: a child process (genviz.engine.child) that owns torch and the device.

Messages (genviz.engine.wire) go over the child's standard input and output. The web process never imports torch; the child dies with
its parent. Nobody polls: a thread on either side sleeps in `read`. Once it has started, a thread of the child sends null several times in
`silence` seconds, even while a step computes for long: a child that is not heard for so long is dead or was stopped.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, NamedTuple, cast

from genviz.background import environment
from genviz.engine.cores import threads
from genviz.engine.wire import read, write

BEATS = 5  # times that a child is heard in `silence` seconds
PLACE = 32  # bytes of the board for the id of one who is on stage


class Death(NamedTuple):
    """How a child ended: who was on stage, a film and a question at most, none where it is not known, and whether it was ended from
    outside."""

    suspects: tuple[str, ...] = ()
    outside: bool = False


class Worker:
    """A started child. `send` never blocks; `messages()` yields lists of events and ends when the child is gone."""

    def __init__(self, device: str, stage: str, seconds: float, silence: float):
        self._board, self._stuck = board(), False
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from genviz.engine.child import main; main()", device, stage, str(seconds), str(silence / BEATS),
                 str(self._board), str(os.getpid())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(threads()),
                pass_fds=[self._board] if self._board >= 0 else [])  # fmt: skip
        except OSError:
            self._read_board()
            raise
        self._pipes = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        self._outbox: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._write, daemon=True, name="genviz-writer").start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, command: tuple) -> None:
        self._outbox.put(command)

    def _write(self) -> None:
        # A thread of its own, so that a child in a long step can never block the page.
        try:
            while (command := self._outbox.get()) is not None:
                write(self._pipes[0], command)
        except OSError:
            pass  # the child is gone; messages() ends and the engine sees to the rest

    def messages(self) -> Iterator[list[tuple] | None]:
        yield from read(self._pipes[1])

    def kill(self, stuck: bool = False) -> None:
        """End it at once; `stuck` where what it has on stage is to blame."""
        self._stuck = stuck
        self._process.kill()

    def close(self, patience: float = 2.0) -> None:
        self.send(("close",))
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def bury(self) -> Death:
        """After the end of messages(): how it died."""
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._outbox.put(None)
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.close()
        outside = hasattr(signal, "SIGKILL") and self._process.returncode == -signal.SIGKILL and not self._stuck
        return Death(self._read_board(), outside)

    def _read_board(self) -> tuple[str, ...]:
        if self._board < 0:
            return ()
        os.lseek(self._board, 0, os.SEEK_SET)
        text = os.read(self._board, 2 * PLACE).decode(errors="replace").replace("\0", " ")
        os.close(self._board)
        return tuple(text.split())


def board() -> int:
    """A file of some bytes without a name, which outlives the child that writes on it who is on stage: in memory, or else in the temporary
    folder; -1 where there can be none, and a crash is not traced to its owner."""
    try:
        if hasattr(os, "memfd_create"):
            return os.memfd_create("genviz")
        if os.name == "posix":  # elsewhere a child inherits no files
            with tempfile.TemporaryFile(buffering=0) as file:
                return os.dup(file.fileno())
    except OSError:
        pass  # no room: worse off is only whoever would be blamed in the place of another
    return -1
