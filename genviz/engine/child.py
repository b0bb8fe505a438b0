"""The child process of a worker: reads commands from its standard input, runs a scheduler on them, and writes what happened.

It ends when its parent does, on whatever system: the kernel sees to it (Linux), or the end of the pipe.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time

from genviz.background import die_with
from genviz.engine.cores import threads
from genviz.engine.interactive import serve
from genviz.engine.scheduler import Scheduler, drain, make_stage, sentence
from genviz.engine.wire import read, write
from genviz.engine.worker import PLACE

NICE = 5  # how much a worker steps back behind the page, which is to answer while all cores compute


def main() -> None:
    """The child: `device stage seconds beat board parent` in sys.argv."""
    device, where, seconds, pause, board, parent = sys.argv[1:]
    die_with(int(parent))
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)  # these are for the parent, which closes us
    inbox, questions, stages, started = queue.SimpleQueue(), queue.SimpleQueue(), queue.SimpleQueue(), threading.Event()
    pipe_in, pipe_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)  # whatever a model prints goes to the terminal, not into the pipe
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    one_at_a_time = threading.Lock()

    def send(message: list[tuple] | None) -> None:
        with one_at_a_time:
            write(pipe_out, message)

    def beat() -> None:
        started.wait()
        with contextlib.suppress(OSError):  # the parent is gone
            while True:
                time.sleep(float(pause))
                send(None)

    def listen() -> None:
        for command in read(pipe_in):
            asked = command[0] == "call" or command[0] == "stop" and command[1].startswith("call-")
            (questions if asked else inbox).put(command)
        os._exit(0)  # the parent is gone

    def answer() -> None:
        stage = stages.get()
        settle()
        serve(stage, questions, send, inbox.put, Mark(int(board), 1))

    for target in (listen, beat, answer):
        threading.Thread(target=target, daemon=True, name=f"genviz-{target.__name__}").start()
    if hasattr(os, "nice"):  # on Linux of this thread and those that it starts: whoever drags, and signs of life, come before films
        os.nice(NICE)
    try:
        stage = make_stage(where, device)
        write(pipe_out, [("ready", stage.catalogue())])
    except Exception as error:
        write(pipe_out, [("broken", sentence(error))])
        if not isinstance(error, ValueError):
            raise
        return
    settle()
    stages.put(stage)
    started.set()
    Scheduler(stage, Mark(int(board), 0), float(seconds)).run(lambda wait: drain(inbox, wait), send)


class Mark:
    """Notes down who is on stage in one place of the board, which outlives this process."""

    def __init__(self, board: int, place: int):
        self._board, self._place, self._id = board, place, ""

    def __call__(self, id: str) -> None:
        if id != self._id and self._board >= 0:
            self._id = id
            with contextlib.suppress(OSError):  # there is no room
                os.pwrite(self._board, id.ljust(PLACE).encode(), self._place * PLACE)


def settle() -> None:
    """Give this thread the number of threads of a worker once and for all: while two compute, it must not change for either."""
    if torch := sys.modules.get("torch"):  # a stage that computes has imported it
        torch.set_num_threads(threads())
