"""Who drags waits for nobody: short answers go ahead of films and of long answers. The order of service is looked at, not the time."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator
from typing import Any

import pytest
from numbers_stage import NAME, Numbers

from genviz.engine import Engine, Refused
from genviz.engine.interactive import serve
from genviz.engine.scheduler import Scheduler, drain


def test_a_short_answer_comes_in_the_middle_of_a_step() -> None:
    """The step goes on for as long as the question is not answered, so an answer between two turns would never come."""
    with Engine("cpu", stage="numbers_stage:Numbers", workers=1) as engine:

        async def drag() -> tuple[str, str]:
            job = engine.submit(*NAME)
            long = asyncio.create_task(engine.call(*NAME, "length", turns=3))
            while len(engine.look(job).shots) < 2:  # now it is in its second step
                await engine.wait(job, 1)
            opened = await engine.call(*NAME, "open", timeout=100)
            while (view := await engine.wait(job, 100)).status == "running":
                pass
            assert await long == "length" and len(engine.look(job).shots) == 5
            return opened, view.status

        assert asyncio.run(asyncio.wait_for(drag(), 200)) == ("open", "done")


def test_a_worker_that_dies_on_a_question_says_so_and_the_film_beside_it_goes_on() -> None:
    with Engine("cpu", stage="test_interactive:Fragile", workers=1) as engine:

        async def crash() -> tuple[str, list[int]]:
            job = engine.submit(*NAME)
            await engine.wait(job, 1)
            with pytest.raises(Refused) as refused:
                await engine.call(*NAME, "length", turns=0, timeout=100)
            while (await engine.wait(job, 100)).status in ("waiting", "running"):
                if len(engine.look(job).shots) == 2 and engine.pids[0]:
                    await engine.call(*NAME, "open", timeout=100)
            return str(refused.value), [shot.step for shot in engine.look(job).shots]

        said, steps = asyncio.run(asyncio.wait_for(crash(), 200))
        assert "crashed on this question" in said and steps == [0, 1, 2, 3, 4]


class Fragile(Numbers):
    """Its worker dies while it answers."""

    def said(self, method: str) -> Any:
        import os

        os._exit(3)


class Scripted:
    """Films and answers that note down each of their turns."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def film(self, order: str) -> Iterator[None]:
        while True:
            self.said.append(order)
            yield

    def answering(self, name: str, data: str, method: str, arrays: tuple, options: dict) -> Iterator[None]:
        if options["turns"] > 1:
            yield  # before it begins
        for left in reversed(range(options["turns"])):
            self.said.append(method)
            if left:
                yield
        return method


class Over(Exception):
    pass


def served(*commands: tuple) -> tuple[Scripted, list, list]:
    """What was said, sent and handed on when these commands wait together."""
    stage, sent, handed, inbox = Scripted(), [], [], queue.SimpleQueue()
    for command in commands:
        inbox.put(command)
    inbox.put(("stop", "end"))

    def hand_on(command: tuple) -> None:
        if command == ("stop", "end"):
            raise Over
        handed.append(command)

    with pytest.raises(Over):
        serve(stage, inbox, sent.extend, hand_on)
    return stage, sent, handed


def asked(id: str, turns: int) -> tuple:
    return ("call", id, "m", "d", id, (), {"turns": turns})


def test_short_answers_go_ahead_of_long_ones_that_were_asked_before() -> None:
    stage, sent, handed = served(asked("L", 3), asked("M", 3), asked("d", 1))
    assert stage.said == ["d"] and sent == [("begun", "L"), ("begun", "M"), ("quick", "d", True, "d")]
    assert [command[:2] for command in handed] == [("go on", "L"), ("go on", "M")]


def test_a_long_answer_that_was_handed_on_takes_its_turns_among_films() -> None:
    stage, _, handed = served(asked("L", 3))
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    inbox.put(("start", "a", "a", -1))
    inbox.put(handed[0])
    scheduler = Scheduler(stage)

    def receive(wait: bool) -> list[tuple]:
        return [("close",)] if stage.said.count("L") == 3 else drain(inbox, False)

    scheduler.run(receive, lambda events: None)
    assert "LL" not in "".join(stage.said) and stage.said.count("a") >= 2, stage.said


def test_what_nobody_waits_for_any_more_is_not_begun_and_does_not_go_on() -> None:
    stage, sent, handed = served(asked("L", 3), asked("d", 1), ("stop", "d"))
    assert stage.said == [] and sent == [("begun", "L")] and handed[-1] == ("stop", "d")
    stage, _, handed = served(asked("L", 3), ("stop", "L"))
    assert handed == [("stop", "L")] and stage.said == []
