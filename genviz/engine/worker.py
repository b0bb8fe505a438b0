"""The child process that owns torch and the device, and the web side's handle on it.

Messages (genviz.engine.wire) go over the child's standard input and output. The web process never imports torch; the child dies with
its parent. Nobody polls: a thread on either side sleeps in `read`.
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

from genviz import argument
from genviz.engine.wire import read, write


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """CPU threads of a worker: all cores but one, which serves the page. Constant, because the count may change the last bits of a film."""
    return argument.threads(os.environ.get("GENVIZ_THREADS") or max(1, cores() - 1))


def workers() -> int:
    """How many workers the cores have room for when many films are asked for: two on two cores."""
    return max(1, min(4, cores() // threads()))


class Worker:
    """A started child. `send` never blocks; `messages()` yields lists of events and ends when the child is gone."""

    def __init__(self, device: str, stage: str, seconds: float):
        self._board, self._mark = tempfile.mkstemp(prefix="genviz-")
        paths = os.pathsep.join(dict.fromkeys(os.path.abspath(p) for p in [*sys.path, os.getcwd()]))  # it imports what we import
        threaded = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads()))  # unless the user says
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from genviz.engine.worker import main; main()", device, stage, str(seconds), self._mark,
             str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=threaded | os.environ | {"PYTHONPATH": paths})  # fmt: skip
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
                write(self._process.stdin, command)
        except OSError:
            pass  # the child is gone; messages() ends and the engine sees to the rest

    def messages(self) -> Iterator[list[tuple]]:
        yield from read(self._process.stdout)

    def kill(self) -> None:
        self._process.kill()

    def close(self, patience: float = 2.0) -> None:
        self.send(("close",))
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def bury(self) -> str:
        """After the end of messages(): who was on stage when it died, "" where nobody was."""
        self._process.kill()
        self._process.wait()
        self._outbox.put(None)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        os.lseek(self._board, 0, os.SEEK_SET)
        suspect = os.read(self._board, 64).decode().strip()
        os.close(self._board)
        with contextlib.suppress(OSError):
            os.unlink(self._mark)
        return suspect


def main() -> None:
    """The child: `device stage seconds mark parent` in sys.argv."""
    device, where, seconds, mark, parent = sys.argv[1:]
    die_with(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, which closes us
    pipe_in, pipe_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)  # whatever a model prints goes to the terminal, not into the pipe
    board = os.open(mark, os.O_WRONLY)
    with contextlib.suppress(OSError):  # the open file lives on without its name, except on Windows
        os.unlink(mark)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)

    from genviz.engine.inline import make_stage
    from genviz.engine.rota import Rota, sentence

    try:
        stage = make_stage(where, device)
        write(pipe_out, [("ready", stage.catalogue())])
    except Exception as error:
        write(pipe_out, [("broken", sentence(error))])
        if not isinstance(error, ValueError):
            raise
        return
    inbox: queue.SimpleQueue = queue.SimpleQueue()

    def listen() -> None:
        for command in read(pipe_in):
            inbox.put(command)
        os._exit(0)  # the parent is gone

    threading.Thread(target=listen, daemon=True, name="genviz-reader").start()
    on_stage = ""

    def note(id: str) -> None:
        nonlocal on_stage
        if id != on_stage:
            on_stage = id
            os.lseek(board, 0, os.SEEK_SET)
            os.write(board, id.ljust(32).encode())

    Rota(stage, note, float(seconds)).run(lambda wait: drain(inbox, wait), lambda events: write(pipe_out, events))


def drain(inbox: queue.SimpleQueue, wait: bool) -> list[tuple]:
    """Everything in a queue; sleeps for the first one if it may wait."""
    commands = [inbox.get()] if wait else []
    while True:
        try:
            commands.append(inbox.get_nowait())
        except queue.Empty:
            return commands


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies (Linux); elsewhere the end of the pipe does it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(0)
