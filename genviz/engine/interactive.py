"""Short answers have a thread of their own in the worker, so that a drag waits for no step of a film and no turn of a long answer.

A step may take a network 50 ms, and it cannot be interrupted by us; but the operating system can: while torch computes, it lets go of
Python, and a thread that has slept comes first. So the picture under a pointer costs its own few milliseconds, whatever else is made. An
answer that is not short (genviz.engine.stage says which) takes a breath before it begins, and goes to the scheduler, where it takes turns.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

from genviz.engine.scheduler import Call, drain


def serve(stage: Any, inbox: queue.SimpleQueue, send: Callable[[list[tuple]], None], hand_on: Callable[[tuple], None],
          mark: Callable[[str], None] = lambda id: None) -> None:  # fmt: skip
    """Answer ("call", ...) after the other, for ever; `hand_on` takes ("go on", id, call) and what may concern such an answer later."""
    while True:
        commands = drain(inbox, True)
        gone = {command[1] for command in commands if command[0] == "stop"}
        for command in commands:
            if command[0] == "stop":
                hand_on(command)
            elif command[1] not in gone:
                answer_one(stage, command, send, hand_on, mark)


def answer_one(stage: Any, command: tuple, send: Callable, hand_on: Callable, mark: Callable) -> None:
    """One question: its answer is sent, or the rest of its turns handed on."""
    call = Call(stage, *command[1:])
    mark(call.id)
    if call.turn():
        send([("quick", *event[1:]) for event in call.told])
    else:
        hand_on(("go on", call.id, call))
        send([("begun", call.id)])
    mark("")
