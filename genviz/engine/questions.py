"""Short answers that somebody waits for: which are asked, and whose future each one ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Loop = asyncio.AbstractEventLoop
CRASHED = "The worker crashed on this question; choose other settings."


@dataclass(slots=True)
class Question:
    """What was asked, as the worker is told, and who waits for the answer."""

    command: tuple
    loop: Loop
    future: asyncio.Future
    begun: bool = False  # it is a long one, and takes its turns among films


class Questions:
    """Questions under way, by id. Always used under the lock of the engine."""

    def __init__(self) -> None:
        self._asked: dict[str, Question] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def __contains__(self, id: str) -> bool:
        return id in self._asked

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return sum(not question.begun for question in self._asked.values())

    def ask(self, id: str, command: tuple) -> asyncio.Future:
        """Note down a question of the running task; the future becomes (True, value) or (False, sentence)."""
        loop = asyncio.get_running_loop()
        self._asked[id] = Question(command, loop, loop.create_future())
        return self._asked[id].future

    def again(self) -> list[tuple]:
        """The commands for a worker that knows of none."""
        for question in self._asked.values():
            question.begun = False
        return [question.command for question in self._asked.values()]

    def begin(self, id: str) -> None:
        if id in self._asked:
            self._asked[id].begun = True

    def drop(self, id: str) -> bool:
        """Nobody waits for it any more; was it still under way?"""
        return self._asked.pop(id, None) is not None

    def answer(self, answers: Iterable[tuple[str, bool, Any]]) -> None:
        """Give (id, good, value) to those who wait, with one call for each event loop."""
        told: dict[Loop, list[tuple]] = {}
        for id, good, value in answers:
            if (question := self._asked.pop(id, None)) is not None:
                told.setdefault(question.loop, []).append((question.future, (good, value)))
        for loop, results in told.items():
            tell(loop, results)

    def crash(self, ids: list[str]) -> None:
        """The worker died while it answered these, which are not asked again."""
        self.answer([(id, False, CRASHED) for id in ids])

    def shut(self, why: str) -> None:
        self.answer([(id, False, why) for id in list(self._asked)])


def tell(loop: Loop, results: list[tuple[asyncio.Future, Any]]) -> None:
    """Set results of futures from another thread; people who left meanwhile are no error."""

    def set_all() -> None:
        for future, value in results:
            if not future.done():
                future.set_result(value)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(set_all)
