"""The child process that owns torch and the device, and the web side's handle on it.

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
import time
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from genviz import argument
from genviz.engine.wire import read, write


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


MOST = 4  # workers
NICE = 5  # how much a worker steps back behind the page, which is to answer while all cores compute
BEATS = 5  # times that a child is heard in `silence` seconds


def threads() -> int:
    """CPU threads of a worker: its share of the cores, or GENVIZ_THREADS. Constant, since the count may change the last bits of a film."""
    return argument.threads(os.environ.get("GENVIZ_THREADS") or max(1, cores() // workers()))


def workers() -> int:
    """How many workers the cores have room for when many films are asked for: two from two cores on, four from eight on."""
    if os.environ.get("GENVIZ_THREADS"):
        return max(1, min(MOST, cores() // threads()))
    return min(MOST, cores(), max(2, cores() // 2))


class Death(NamedTuple):
    """How a child ended: who was on stage, "" where nobody was or it is not known, and whether it was ended from outside."""

    suspect: str = ""
    outside: bool = False


class Worker:
    """A started child. `send` never blocks; `messages()` yields lists of events and ends when the child is gone."""

    def __init__(self, device: str, stage: str, seconds: float, silence: float):
        self._board, self._stuck = board(), False
        paths = os.pathsep.join(dict.fromkeys(os.path.abspath(p) for p in [*sys.path, os.getcwd()]))  # it imports what we import
        threaded = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads()))  # unless the user says
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from genviz.engine.worker import main; main()", device, stage, str(seconds), str(silence / BEATS),
                 str(self._board), str(os.getpid())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=threaded | os.environ | {"PYTHONPATH": paths},
                pass_fds=[self._board] if self._board >= 0 else [])  # fmt: skip
        except OSError:
            self._read_board()
            raise
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

    def messages(self) -> Iterator[list[tuple] | None]:
        yield from read(self._process.stdout)

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
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        outside = hasattr(signal, "SIGKILL") and self._process.returncode == -signal.SIGKILL and not self._stuck
        return Death(self._read_board(), outside)

    def _read_board(self) -> str:
        if self._board < 0:
            return ""
        os.lseek(self._board, 0, os.SEEK_SET)
        suspect = os.read(self._board, 64).decode().strip()
        os.close(self._board)
        return suspect


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


def main() -> None:
    """The child: `device stage seconds beat board parent` in sys.argv."""
    device, where, seconds, pause, board, parent = sys.argv[1:]
    die_with(int(parent))
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)  # these are for the parent, which closes us
    if hasattr(os, "nice"):
        os.nice(NICE)
    pipe_in, pipe_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)  # whatever a model prints goes to the terminal, not into the pipe
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
    one_at_a_time = threading.Lock()

    def send(message: list[tuple] | None) -> None:
        with one_at_a_time:
            write(pipe_out, message)

    def beat() -> None:
        with contextlib.suppress(OSError):  # the parent is gone
            while True:
                time.sleep(float(pause))
                send(None)

    def listen() -> None:
        for command in read(pipe_in):
            inbox.put(command)
        os._exit(0)  # the parent is gone

    threading.Thread(target=listen, daemon=True, name="genviz-reader").start()
    threading.Thread(target=beat, daemon=True, name="genviz-beat").start()
    on_stage = ""

    def note(id: str) -> None:
        nonlocal on_stage
        if id != on_stage:
            on_stage = id
            with contextlib.suppress(OSError):  # there is none, or no room
                os.lseek(int(board), 0, os.SEEK_SET)
                os.write(int(board), id.ljust(32).encode())

    Rota(stage, note, float(seconds)).run(lambda wait: drain(inbox, wait), send)


def drain(inbox: queue.SimpleQueue, wait: bool) -> list[tuple]:
    """Everything in a queue; sleeps for the first one if it may wait."""
    commands = [inbox.get()] if wait else []
    while True:
        try:
            commands.append(inbox.get_nowait())
        except queue.Empty:
            return commands


def die_with(parent: int, pipe: BinaryIO | None = None) -> None:
    """Ask the kernel to kill this process when the thread that started it ends, as with its parent (Linux). Elsewhere the end of the pipe
    does it: whoever does not read it himself gives `pipe`, from which nothing more is to come."""
    if pipe is not None:
        threading.Thread(target=lambda: (pipe.read(), os._exit(0)), daemon=True, name="genviz-parent").start()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(0)
