"""An order fixes its film, so all who give the same one watch the same film, and nobody can end it for another or learn of him."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from numbers_stage import NAME, Numbers

from genviz.engine import Engine, Full, Limits, View

DRAWING = np.linspace(-1, 1, 4, dtype=np.float32).reshape(1, 1, 2, 2)


def house(**limits: int) -> Engine:
    Numbers.MADE.clear()
    Numbers.HOLD.set()
    return Engine("cpu", "inline", stage="numbers_stage:Numbers", limits=Limits(**limits))


@pytest.fixture
def engine() -> Iterator[Engine]:
    with house() as made:
        made.catalogue()
        yield made


@pytest.fixture
def held(engine: Engine) -> Iterator[Engine]:
    """Films stop after two shots until HOLD is set."""
    Numbers.HOLD.clear()
    yield engine
    Numbers.HOLD.set()


def press(engine: Engine, client: str = "", **order) -> str:
    return engine.submit(*NAME, client=client, viewer=f"page of {client}", **order)


def until(engine: Engine, job: str, shots: int = 10**6) -> View:
    """A film when it has so many shots, or is final."""

    async def watch() -> View:
        async with asyncio.timeout(120):
            while True:
                view = await engine.wait(job, shots - 1)
                if view.shots or view.status in ("done", "cancelled", "error"):
                    return engine.look(job)

    return asyncio.run(watch())


def steps(view: View) -> list[int]:
    return [shot.step for shot in view.shots]


def test_a_hall_that_presses_the_same_is_shown_one_film_from_its_first_shot(held: Engine) -> None:
    first = press(held, "first", seed=7)
    assert steps(until(held, first, 2)) == [0, 1]
    late = [press(held, f"student {i}", seed=7) for i in range(20)]
    assert [steps(held.look(job)) for job in late] == [[0, 1]] * 20 and len({first, *late}) == 21
    Numbers.HOLD.set()
    films = [until(held, job) for job in [first, *late]]
    assert {view.status for view in films} == {"done"} and all(steps(view) == [0, 1, 2, 3, 4] for view in films)
    assert all(a.x is b.x for view in films for a, b in zip(view.shots, films[0].shots, strict=True)) and len(Numbers.MADE) == 1
    later = press(held, "who comes after it", seed=7)
    assert held.look(later).status == "done" and steps(held.look(later)) == [0, 1, 2, 3, 4] and len(Numbers.MADE) == 1


def test_one_who_stops_or_closes_the_tab_ends_nothing_for_the_others(held: Engine) -> None:
    stops, closes, stays = (press(held, name, seed=1) for name in ("stops", "closes", "stays"))
    until(held, stays, 2)
    held.cancel(stops, "page of stops")
    held.cancel_client("closes")
    held.cancel(stays, "page of stops")  # a page that has no part in it
    assert [held.look(job).status for job in (stops, closes, stays)] == ["cancelled", "cancelled", "running"]
    Numbers.HOLD.set()
    assert steps(until(held, stays)) == [0, 1, 2, 3, 4]
    assert [steps(held.look(job)) for job in (stops, closes)] == [[0, 1]] * 2, "who stopped it sees what there was then"


def test_a_film_that_all_have_left_ends_and_is_made_again_for_the_next(held: Engine) -> None:
    both = [press(held, name, seed=2) for name in "ab"]
    until(held, both[0], 2)
    for job in both:
        held.cancel(job)
    assert not held.queue.unfinished()
    again = press(held, "c", seed=2)
    Numbers.HOLD.set()
    assert until(held, again).status == "done" and len(Numbers.MADE) == 2


def test_who_is_told_that_it_stopped_is_told_at_once(held: Engine) -> None:
    mine, theirs = press(held, "me", seed=3), press(held, "them", seed=3)
    until(held, mine, 2)

    async def stop() -> View:
        waiting = asyncio.create_task(held.wait(mine, 2, timeout=100))
        await asyncio.sleep(0)
        held.cancel(mine)
        return await asyncio.wait_for(waiting, 60)

    assert asyncio.run(stop()).status == "cancelled" and held.look(theirs).status == "running"


@pytest.mark.parametrize(
    "other",
    [{"seed": 5}, {"n": 3}, {"knobs": {"steps": 3}}, {"walk": "branch"}, {"aux": ("eps",)}, {"frames": 59}, {"given": {"y": DRAWING}},
     {"given": {"x": DRAWING + np.float32(1e-6)}}, {"given": {"x": DRAWING.astype(int)}}, {"given": {"x": DRAWING.reshape(4)}}],
    ids=str,
)  # fmt: skip
def test_another_order_is_another_film(engine: Engine, other: dict) -> None:
    mine = {"seed": 4, "n": 2, "given": {"x": DRAWING}}
    for order in (mine, mine | other, {**mine, "given": {"x": DRAWING.copy()}}):
        assert until(engine, press(engine, **order)).status == "done"
    assert len(Numbers.MADE) == 2, "a film from a drawing is found with the same drawing, and with nothing else"


def test_what_failed_is_not_kept_for_the_next(engine: Engine) -> None:
    for _ in range(2):
        assert until(engine, press(engine, knobs={"fails": True})).status == "error"
    assert len(Numbers.MADE) == 2


def test_an_opening_film_is_not_taken_for_one_that_was_made(engine: Engine) -> None:
    view = until(engine, press(engine, seed=6))
    stored = dataclasses.replace(Numbers.MADE[0], seed=8)
    kept = engine.keep(stored, view.shots)
    assert engine.look(kept).status == "done" and until(engine, press(engine, seed=8)).shots[0].x[0, 0, 0, 0] == 800


def test_the_film_that_nobody_asked_for_longest_is_forgotten_first() -> None:
    with house(kept=700) as engine:  # a film is five shots of two pictures: 160 bytes
        jobs = [press(engine, seed=seed, n=2) for seed in range(4)]
        assert [until(engine, job).status for job in jobs] == ["done"] * 4
        until(engine, press(engine, seed=0, n=2))  # used again, not made again
        until(engine, press(engine, seed=9, n=2))
        assert [order.seed for order in Numbers.MADE] == [0, 1, 2, 3, 9]
        assert "no longer here" in engine.look(jobs[1]).message and engine.look(jobs[0]).status == "done"
        assert until(engine, press(engine, seed=1, n=2)).status == "done"
        assert [order.seed for order in Numbers.MADE] == [0, 1, 2, 3, 9, 1]


def test_tickets_are_bounded_too() -> None:
    with house(records=3) as engine:
        for _ in range(10):
            assert until(engine, press(engine)).status == "done"
        assert len(engine._films.tickets) <= 3 and len(Numbers.MADE) == 1
        Numbers.HOLD.clear()
        used = [press(engine, seed=1) for _ in range(3)]
        with pytest.raises(Full, match="too many films are being watched"):
            press(engine, seed=2)
        assert [j.order.seed for j in engine.queue.unfinished()] == [1], "who was refused left nothing behind"
        Numbers.HOLD.set()
        assert [until(engine, job).status for job in used] == ["done"] * 3


def test_a_film_goes_on_while_one_of_its_viewers_looks_and_ends_for_him_who_does_not() -> None:
    with house(pause=0.4, lease=1.0) as engine:
        Numbers.HOLD.clear()
        looks, sleeps = press(engine, "looks"), press(engine, "sleeps")

        async def watch() -> None:
            while not engine._films.tickets[sleeps].left:
                await engine.wait(looks, 2, timeout=0.1)

        asyncio.run(asyncio.wait_for(watch(), 120))
        assert "Nobody asked" in engine.look(sleeps).message
        Numbers.HOLD.set()
        assert until(engine, looks).status == "done"
