"""The engine under people who press Sample together, leave, and ask for what breaks a model; every test is bounded in seconds."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from until import until

from genviz.engine import Engine, Limits, Refused, Shot, View, cores, scheduler, supervisor, worker
from genviz.engine.scheduler import Scheduler
from genviz.engine.worker import Death

TOY = ("toys/toy", "mnist")
STAGE = "troubled:ToyStage"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine("cpu", stage=STAGE) as made:
        made.catalogue()
        yield made


async def whole(engine: Engine, job: str, seconds: float = 300) -> tuple[View, list[Shot]]:
    """A film to its end, fetched as the player does."""
    shots: list[Shot] = []
    async with asyncio.timeout(seconds):
        while True:
            view = await engine.wait(job, len(shots))
            shots += view.shots
            if view.status in ("done", "cancelled", "error"):
                return view, shots


def film(engine: Engine, **kwargs) -> tuple[View, list[Shot]]:
    return asyncio.run(whole(engine, engine.submit(*TOY, **kwargs)))


def same(one: list[Shot], other: list[Shot]) -> bool:
    """Everything but the time it took."""
    return len(one) == len(other) and all(
        (a.step, a.steps, a.nfe, a.caption) == (b.step, b.steps, b.nfe, b.caption)
        and np.array_equal(a.x, b.x)
        and a.aux.keys() == b.aux.keys()
        and all(np.array_equal(a.aux[k], b.aux[k]) for k in a.aux)
        for a, b in zip(one, other, strict=True)
    )


def test_a_film_arrives_whole(engine: Engine) -> None:
    view, shots = film(engine, knobs={"steps": 7}, n=3, seed=5, aux=("eps",))
    assert view.status == "done" and view.place == 0
    assert [s.step for s in shots] == list(range(8)) and {s.steps for s in shots} == {7}
    assert all(s.x.shape == (3, 1, 28, 28) and s.x.dtype == np.float32 and s.ms > 0 for s in shots)
    assert all(set(s.aux) == {"eps"} for s in shots)  # "other" was not asked for
    assert not np.array_equal(shots[0].x, shots[-1].x)
    assert not np.array_equal(shots[-1].x, film(engine, knobs={"steps": 7}, n=3, seed=6)[1][-1].x)


@pytest.mark.parametrize(("steps", "frames"), [(100, 10), (9, 10), (5, 60), (784, 60), (1, 2), (50, 2), (61, 60)])
def test_thinning_keeps_first_and_last(engine: Engine, steps: int, frames: int) -> None:
    kept = [s.step for s in film(engine, knobs={"steps": steps}, n=1, frames=frames)[1]]
    assert kept[0] == 0 and kept[-1] == steps and len(kept) == min(frames, steps + 1)
    gaps = np.diff(kept)
    assert gaps.max() - gaps.min() <= 1


def test_same_film_alone_and_among_many(engine: Engine) -> None:
    _, alone = film(engine, knobs={"steps": 20}, n=4, seed=9, aux=("eps",))

    async def crowd() -> list:
        jobs = [engine.submit(*TOY, knobs={"steps": 20}, n=1 + i % 5, seed=i) for i in range(40)]
        jobs.append(engine.submit(*TOY, knobs={"steps": 20}, n=4, seed=9, aux=("eps",)))
        jobs += [engine.submit(*TOY, knobs={"steps": 20}, n=1 + i % 5, seed=i) for i in range(40)]
        return await asyncio.gather(*(whole(engine, j) for j in jobs))

    crowd_films = asyncio.run(crowd())
    assert {view.status for view, _ in crowd_films} == {"done"}
    assert same(crowd_films[40][1], alone)
    assert same(crowd_films[3][1], crowd_films[44][1])


def test_inline_makes_the_same_film(engine: Engine) -> None:
    with Engine("cpu", "inline", stage=STAGE) as inline:
        assert same(film(inline, knobs={"steps": 12}, seed=3)[1], film(engine, knobs={"steps": 12}, seed=3)[1])
        z = np.ones((2, 4))
        one, other = asyncio.run(inline.call(*TOY, "decode", z)), asyncio.run(engine.call(*TOY, "decode", z))
        assert np.array_equal(one, other)
        assert film(inline, knobs={"trouble": "raise"})[0].status == "error"


def test_walks_take_tensors(engine: Engine) -> None:
    x = np.linspace(-1, 1, 2 * 784).reshape(2, 1, 28, 28)
    view, shots = film(engine, walk="branch", n=2, given={"x": x})
    assert view.status == "done" and np.array_equal(shots[0].x, x.astype(np.float32))
    view, _ = film(engine, walk="branch", n=3, given={"x": x})
    assert view.status == "error" and "x must have the shape" in view.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n": 0}, "'n' must lie between 1 and 64"),
        ({"n": "many"}, "'n' must be a whole number"),
        ({"n": 2.5}, "'n' must be a whole number"),
        ({"seed": -1}, "'seed' must lie between"),
        ({"seed": 2**32}, "'seed' must lie between"),
        ({"seed": float("nan")}, "'seed' must be a whole number"),
        ({"seed": 10**400}, "'seed' must"),
        ({"seed": None}, "'seed' must be a whole number"),
        ({"knobs": {"steps": "ten"}}, "'steps' must be a whole number"),
        ({"knobs": {"steps": 10**9}}, "'steps' must lie between"),
        ({"knobs": {"speed": 1}}, "no knob 'speed'"),
        ({"walk": "__init__"}, "no walk '__init__'"),
        ({"model": "toys/none"}, "There is no model 'toys/none'; the models are: toys/toy."),
        ({"data": "cifar"}, "knows no data set 'cifar'"),
        ({"data": "fashion_mnist"}, "python -m genviz.train toys/toy fashion_mnist"),
        ({"given": {"x": np.full((1, 1, 28, 28), np.nan)}}, "no finite number"),
        ({"given": {"x": [[1, 2], [3]]}}, "rows of one length"),
        ({"given": {"x": "text"}}, "array of numbers"),
        ({"given": {"x": np.zeros((1000, 784))}}, "larger than 1 MB"),
    ],
)
def test_refused_in_one_sentence(engine: Engine, change: dict, words: str) -> None:
    asked = {"model": TOY[0], "data": TOY[1]} | change
    with pytest.raises(Refused, match=None) as refused:
        engine.submit(asked.pop("model"), asked.pop("data"), **asked)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_stop_frees_the_worker_within_one_step(engine: Engine) -> None:
    async def stop() -> tuple[float, str]:
        job = engine.submit(*TOY, knobs={"steps": 1000, "pace": 0.05}, frames=1000)
        await engine.wait(job, 2)
        begun = time.monotonic()
        engine.cancel(job)
        _, shots = await whole(engine, engine.submit(*TOY, knobs={"steps": 1}, n=1))
        assert len(shots) == 2
        return time.monotonic() - begun, job

    seconds, job = asyncio.run(stop())
    assert seconds < 20  # 1000 steps would take 50
    assert engine.look(job).status == "cancelled"
    have = len(engine.look(job).shots)
    film(engine, knobs={"steps": 10, "pace": 0.02})  # in which time it would have gone on
    assert len(engine.look(job).shots) == have < 500


def test_a_closed_tab_stops_all_its_films(engine: Engine) -> None:
    jobs = [engine.submit(*TOY, knobs={"steps": 1000, "pace": 0.02}, client="tab") for _ in range(3)]
    other = engine.submit(*TOY, knobs={"steps": 5}, client="other")
    engine.cancel_client("tab")
    assert {engine.look(j).status for j in jobs} == {"cancelled"}
    assert asyncio.run(whole(engine, other))[0].status == "done"


def test_killed_worker_same_film_no_frame_twice(engine: Engine) -> None:
    asked = {"knobs": {"steps": 60, "pace": 0.02}, "n": 2, "seed": 4}
    _, undisturbed = film(engine, **asked)

    async def disturbed() -> tuple:
        job, other = engine.submit(*TOY, **asked), engine.submit(*TOY, **asked | {"seed": 5})
        await engine.wait(job, 10)
        before = engine.pids[0]
        os.kill(before, signal.SIGKILL)
        first, second = await asyncio.gather(whole(engine, job), whole(engine, other))
        assert engine.pids[0] != before
        return first, second

    (view, shots), (other, _) = asyncio.run(disturbed())
    assert view.status == other.status == "done"
    assert same(shots, undisturbed)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("raise", "RuntimeError: the toy broke"),
        ("nan", "at step 3 of 40"),
        ("short", "at step 2 of 40"),
        ("exit", "The worker crashed on this film more than once"),
        ("kill", "The worker crashed on this film more than once"),
    ],
)
def test_poison_answers_its_owner_only(engine: Engine, trouble: str, words: str) -> None:
    asked = {"knobs": {"steps": 40, "pace": 0.01}, "n": 2}
    _, undisturbed = film(engine, **asked, seed=1)

    async def together() -> list:
        jobs = [engine.submit(*TOY, **asked, seed=i) for i in (0, 1)]
        jobs.append(engine.submit(*TOY, knobs=asked["knobs"] | {"trouble": trouble}, n=2))
        jobs.append(engine.submit(*TOY, **asked, seed=2))
        return await asyncio.gather(*(whole(engine, j) for j in jobs))

    films = asyncio.run(together())
    assert [view.status for view, _ in films] == ["done", "done", "error", "done"]
    assert words in films[2][0].message and "\n" not in films[2][0].message
    assert same(films[1][1], undisturbed)


def test_a_stuck_step_is_stopped() -> None:
    with Engine("cpu", stage=STAGE, limits=Limits(stall=1.0)) as engine:

        async def together() -> list:
            jobs = [engine.submit(*TOY, knobs={"steps": 30, "trouble": t}, n=1) for t in ("none", "hang")]
            return await asyncio.gather(*(whole(engine, j) for j in jobs))

        films = asyncio.run(together())
        assert [view.status for view, _ in films] == ["done", "error"]


def test_a_film_may_not_compute_for_ever() -> None:
    with Engine("cpu", "inline", stage=STAGE, limits=Limits(seconds=0.3)) as engine:
        view, _ = film(engine, knobs={"steps": 1000, "pace": 0.05}, n=1)
        assert view.status == "error" and "0.3 seconds of computing" in view.message
        assert film(engine, knobs={"steps": 3}, n=1)[0].status == "done"


def test_line_and_clients_are_bounded() -> None:
    limits = Limits(live=2, line=3, client=2)
    with Engine("cpu", "inline", stage=STAGE, limits=limits) as engine:
        slow = {"knobs": {"steps": 1000, "pace": 0.05}, "n": 1}
        mine = [engine.submit(*TOY, **slow, client="me", seed=i) for i in range(2)]
        with pytest.raises(Refused, match="You have 2 films under way"):
            engine.submit(*TOY, **slow, client="me")
        waiting = [engine.submit(*TOY, **slow, client=f"{i}", seed=i) for i in range(2, 5)]
        with pytest.raises(Refused, match="The house is full: 3 films are waiting"):
            engine.submit(*TOY, **slow, seed=5)
        assert [engine.look(j).status for j in mine] == ["running", "running"]
        assert [engine.look(j).place for j in waiting] == [1, 2, 3]
        assert engine.look(waiting[1]).message == "Number 2 in the waiting line."
        engine.cancel(mine[0])
        assert [(engine.look(j).status, engine.look(j).place) for j in waiting] == [("running", 0), ("waiting", 1), ("waiting", 2)]
        engine.cancel_client("me")
        assert [engine.look(j).place for j in waiting] == [0, 0, 1]
        for job in waiting:
            engine.cancel(job)
        assert film(engine, knobs={"steps": 2}, n=1)[0].status == "done"


def test_nobody_asks_pause_then_lease_ends() -> None:
    with Engine("cpu", "inline", stage=STAGE) as engine:
        slow = {"knobs": {"steps": 400, "pace": 0.01}, "n": 1, "frames": 1000}
        tickets = [engine.submit(*TOY, **slow, seed=seed) for seed in (1, 2)]
        dropped, taken_up = (engine._films.tickets[ticket] for ticket in tickets)

        def nobody_asked(ticket, seconds: float) -> None:
            ticket.touched -= seconds

        for ticket in (dropped, taken_up):
            nobody_asked(ticket, engine.limits.pause)
        until(lambda: dropped.job.paused and taken_up.job.paused)
        film(engine, knobs={"steps": 1})  # by now it has stopped
        still = len(taken_up.job.shots)
        film(engine, knobs={"steps": 10, "pace": 0.02})
        assert len(taken_up.job.shots) == still < 400
        nobody_asked(dropped, engine.limits.lease)
        until(lambda: dropped.final)
        view, shots = asyncio.run(whole(engine, taken_up.id))
        assert view.status == "done" and [s.step for s in shots] == list(range(401))
        view = engine.look(dropped.id)
        assert view.status == "cancelled" and "Nobody asked" in view.message


def test_finished_films_are_forgotten_by_size() -> None:
    with Engine("cpu", "inline", stage=STAGE, limits=Limits(kept=200_000)) as engine:
        jobs = []
        for seed in range(4):  # 3 shots of 16 images: 150,528 bytes
            jobs.append(engine.submit(*TOY, knobs={"steps": 2}, seed=seed))
            assert asyncio.run(whole(engine, jobs[-1]))[0].status == "done"
        assert [engine.look(j).status for j in jobs] == ["error", "error", "error", "done"]
        assert "no longer here" in engine.look(jobs[0]).message


def test_answers(engine: Engine) -> None:
    async def ask() -> None:
        x = await engine.call(*TOY, "decode", np.zeros((3, 4)))
        assert x.shape == (3, 1, 28, 28) and x.dtype == np.float32
        mu, log_var = await engine.call(*TOY, "encode", x)
        assert mu.shape == log_var.shape == (3, 4)
        one, same = [await engine.call(*TOY, "elbo", x, seed=1) for _ in range(2)]
        other = await engine.call(*TOY, "elbo", x, seed=2)
        assert one.shape == (3,) and np.array_equal(one, same) and not np.array_equal(one, other)
        answer = await engine.call(*TOY, "twice", np.ones(2), times=3.0)
        assert answer["times"] == 3.0 and np.array_equal(answer["x"], [3, 3])
        assert (await engine.call(*TOY, "draw", seed=1)).shape == (3,)

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("method", "arrays", "options", "words"),
    [
        ("forward", (), {}, "has no answer 'forward'"),
        ("__class__", (), {}, "has no answer '__class__'"),
        ("decode", (np.zeros((2, 5)),), {}, "shape (B, 4)"),
        ("decode", (np.zeros(4),), {}, "shape (B, 4)"),
        ("decode", (), {}, "takes 1 array, not 0"),
        ("decode", (np.zeros((0, 4)),), {}, "1 to 4096 rows"),
        ("decode", (np.full((1, 4), np.inf),), {}, "no finite number"),
        ("decode", ("text",), {}, "array of numbers"),
        ("encode", (np.zeros((2, 784)),), {}, "shape (B, 1, 28, 28)"),
        ("twice", (np.zeros(2),), {"often": 2}, "cannot be called like this"),
        ("elbo", (np.zeros((1, 1, 28, 28)),), {"seed": "x"}, "'seed' must be a whole number"),
        ("crash", (), {}, "The worker crashed on this question"),
        ("slow", (), {"seconds": 2.0, "timeout": 0.2}, "no answer within 0.2 seconds"),
    ],
)
def test_wrong_questions_get_one_sentence(engine: Engine, method: str, arrays: tuple, options: dict, words: str) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(engine.call(*TOY, method, *arrays, **options))
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_answers_come_while_a_film_runs(engine: Engine) -> None:
    async def drag() -> str:
        job = engine.submit(*TOY, knobs={"steps": 1000, "pace": 0.05}, n=1)  # 50 seconds
        await engine.wait(job)
        for _ in range(10):
            await engine.call(*TOY, "decode", np.zeros((1, 4)))
        status = engine.look(job).status
        engine.cancel(job)
        return status

    assert asyncio.run(drag()) == "running"


def test_a_second_worker_helps_when_films_crowd(engine: Engine) -> None:
    asked = {"knobs": {"steps": 50, "pace": 0.02}, "n": 2}
    _, undisturbed = film(engine, **asked, seed=3)
    with Engine("cpu", stage=STAGE, workers=2, limits=Limits(silence=300)) as pair:
        pair.catalogue()

        async def crowd() -> list:
            few = [pair.submit(*TOY, **asked, seed=i) for i in range(2)]
            assert len(pair.pids) == 1  # two films are no crowd
            jobs = few + [pair.submit(*TOY, **asked, seed=i) for i in range(2, 12)]
            assert len(pair.pids) == 2
            watched = [asyncio.create_task(whole(pair, j, 300)) for j in jobs]
            hosts = lambda: {id(pair._films.tickets[j].job.host) for j in jobs}  # noqa: E731
            os.kill(pair.pids[0], signal.SIGSTOP)  # the films stay young for as long as the second one needs to start
            await asyncio.to_thread(until, lambda: len(hosts()) == 2, 300, "It took over no film")
            os.kill(pair.pids[0], signal.SIGCONT)
            os.kill(pair.pids[1], signal.SIGKILL)  # and again, when it died
            return await asyncio.gather(*watched)

        films = asyncio.run(crowd())
        assert {view.status for view, _ in films} == {"done"}
        assert all([s.step for s in shots] == list(range(51)) for _, shots in films)  # none lost, none twice
        assert same(films[3][1], undisturbed)
        assert all(pair.pids) and len(set(pair.pids)) == 2


def test_films_go_on_without_a_second_worker_that_cannot_start() -> None:
    with Engine("cpu", stage=STAGE, workers=2) as pair:
        pair.catalogue()
        jobs = [pair.submit(*TOY, knobs={"steps": 30, "pace": 0.02}, n=1, seed=i) for i in range(6)]
        pair.queue.gave_up(pair.queue.supervisors[1], "The worker cannot start.")
        assert len(pair.pids) == 1

        async def watch() -> list:
            return await asyncio.gather(*(whole(pair, j) for j in jobs))

        assert {view.status for view, _ in asyncio.run(watch())} == {"done"} and len(pair.pids) == 1


def crashed(engine: Engine, record: str, outside: bool, seen: bool = True) -> None:
    """What the supervisor says when its worker has died with this film on stage; `seen` where that is known."""
    with engine._lock:  # before it starts another one, all of the films are given back to a worker that is still there
        job = engine._films.tickets[record].job
        engine.queue.died(job.host, Death((job.id,) if seen else (), outside))
        engine.queue.fill()


def test_who_was_not_on_stage_is_never_told_to_choose_other_settings() -> None:
    with Engine("cpu", "inline", stage=STAGE) as engine:
        engine.catalogue()
        slow = {"knobs": {"steps": 1000, "pace": 0.05}, "n": 1, "frames": 1000}
        jobs = [engine.submit(*TOY, **slow, seed=i) for i in range(32)]
        for culprit in jobs[:3]:
            while engine.look(culprit).status != "running":  # those under suspicion have the stage to themselves
                engine.cancel(next(j for j in jobs if engine.look(j).status == "running"))
            crashed(engine, culprit, outside=False)
        left = [engine.look(j) for j in jobs[3:]]
        assert not any("other settings" in view.message or view.status == "error" for view in left)


@pytest.mark.parametrize("seen", [True, False])
def test_who_crashes_alone_is_told_so(seen: bool) -> None:
    with Engine("cpu", "inline", stage=STAGE) as engine:
        engine.catalogue()
        slow = {"knobs": {"steps": 1000, "pace": 0.05}, "n": 1, "frames": 1000}
        culprit, other = (engine.submit(*TOY, **slow, seed=i) for i in range(2))
        for _ in range(1 if seen else 2):  # where nobody knows who was on stage, both are suspects after the second time
            crashed(engine, culprit, outside=False, seen=seen)
        running = [j for j in (culprit, other) if engine.look(j).status == "running"]
        assert len(running) == 1, "a suspect has the stage to itself"
        if running != [culprit]:
            engine.cancel(running[0])
        while engine.look(culprit).status != "error":
            crashed(engine, culprit, outside=False, seen=seen)
        assert "choose other settings" in engine.look(culprit).message and engine.look(other).status != "error"


def test_films_outlive_a_worker_that_is_ended_from_outside_three_times() -> None:
    with Engine("cpu", "inline", stage=STAGE) as engine:
        engine.catalogue()
        jobs = [engine.submit(*TOY, knobs={"steps": 1000, "pace": 0.05}, n=1, seed=i) for i in range(4)]
        for _ in range(3):
            crashed(engine, next(j for j in jobs if engine.look(j).status == "running"), outside=True)
        assert not any(engine.look(j).status == "error" for j in jobs)


def test_a_stopped_worker_is_replaced_within_seconds_and_the_film_goes_on() -> None:
    with Engine("cpu", stage=STAGE, limits=Limits(silence=2.0)) as engine:

        async def stopped() -> tuple[View, list[Shot], list[str]]:
            job, said = engine.submit(*TOY, knobs={"steps": 50, "pace": 0.02}, n=1), []
            await engine.wait(job, 5)
            before = engine.pids[0]
            os.kill(before, signal.SIGSTOP)
            begun = time.monotonic()
            while engine.pids[0] == before:  # a stuck turn would only be known after 90 seconds, and nothing may be before its silence
                assert not said or time.monotonic() - begun < 60
                said.append((await engine.wait(job, 1000, timeout=0.1)).message)
            return *await whole(engine, job, 300), said

        view, shots, said = asyncio.run(stopped())
        assert view.status == "done" and [s.step for s in shots] == list(range(51)) and said


def test_a_page_hears_at_once_that_its_worker_was_killed() -> None:
    with Engine("cpu", stage=STAGE) as engine:

        async def killed() -> tuple[View, float]:
            job = engine.submit(*TOY, knobs={"steps": 1000, "pace": 0.05}, n=1)
            await engine.wait(job, 1)
            waiting = asyncio.create_task(engine.wait(job, 1000, timeout=60))
            os.kill(engine.pids[0], signal.SIGKILL)
            begun = time.monotonic()
            return await waiting, time.monotonic() - begun

        view, seconds = asyncio.run(killed())
        assert view.status == "waiting" and "being started again" in view.message and seconds < 30  # not the sixty that it would wait


def test_a_worker_that_is_busy_is_heard_all_the_while() -> None:
    with Engine("cpu", stage=STAGE, limits=Limits(silence=2.0)) as engine:

        async def busy() -> float:
            return await engine.call(*TOY, "slow", seconds=5.0)

        before = (engine.catalogue(), engine.pids)[1]
        assert asyncio.run(busy()) == 5.0 and engine.pids == before


def test_a_full_temporary_folder_harms_no_film(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_, **__) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(worker.os, "memfd_create", full, raising=False)
    monkeypatch.setattr(worker.tempfile, "TemporaryFile", full)
    with Engine("cpu", stage=STAGE) as engine:
        assert film(engine, knobs={"steps": 5})[0].status == "done"
        assert film(engine, knobs={"steps": 5, "trouble": "exit"})[0].status == "error"  # alone, so it must have been this one


def test_a_worker_that_cannot_be_started_is_tried_again_and_the_page_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    started, popen, tries = threading.Event(), worker.subprocess.Popen, []

    def refused(*args, **kwargs):
        tries.append(args)
        if started.is_set():
            return popen(*args, **kwargs)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(supervisor, "PAUSES", (0.05, 0.1))
    with Engine("cpu", stage=STAGE) as engine:
        engine.catalogue()

        async def watch() -> tuple[View, View]:
            job = engine.submit(*TOY, knobs={"steps": 60, "pace": 0.02}, n=1)
            await engine.wait(job, 1)
            monkeypatch.setattr(worker.subprocess, "Popen", refused)
            os.kill(engine.pids[0], signal.SIGKILL)
            while "No space left" not in (view := await engine.wait(job, 1000, timeout=0.1)).message or len(tries) < 3:
                pass
            started.set()
            return view, (await whole(engine, job, 300))[0]

        waiting, done = asyncio.run(asyncio.wait_for(watch(), 300))
        assert waiting.status == "waiting" and "tried again" in waiting.message and done.status == "done"


def test_an_app_that_is_stopped_lets_short_films_end_and_says_so() -> None:
    with Engine("cpu", "inline", stage=STAGE) as engine:
        engine.catalogue()
        short = engine.submit(*TOY, knobs={"steps": 20, "pace": 0.02}, n=1)
        long = engine.submit(*TOY, knobs={"steps": 1000, "pace": 0.05}, n=1)
        until(lambda: engine.look(long).shots)
        leaving = threading.Thread(target=engine.finish, args=(8.0,))
        leaving.start()
        until(lambda: "being stopped" in engine.look(long).message)
        with pytest.raises(Refused, match="takes no new films"):
            engine.submit(*TOY, knobs={"steps": 1}, n=1)
        leaving.join(300)
        assert engine.look(short).status == "done" and len(engine.look(short).shots) == 21
        assert engine.look(long).status == "cancelled" and "stopped before" in engine.look(long).message


def test_a_film_ends_when_its_last_viewer_has_left(engine: Engine) -> None:
    slow = {"knobs": {"steps": 1000, "pace": 0.05}, "n": 1}
    job = engine.submit(*TOY, **slow, viewer="original")
    asyncio.run(engine.wait(job, 0, viewer="copy"))
    for leaver in ("copy", "copy", "stranger", ""):
        engine.cancel(job, leaver)
        assert engine.look(job).status in ("waiting", "running")
    asyncio.run(engine.wait(job, 0, viewer="copy"))
    engine.cancel(job, "original")
    assert engine.look(job).status in ("waiting", "running")
    engine.cancel(job, "copy")
    assert engine.look(job).status == "cancelled"
    job = engine.submit(*TOY, **slow, viewer="somebody")
    engine.cancel(job)  # whoever runs the engine asks for no leave
    assert engine.look(job).status == "cancelled"


def test_workers_fill_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(count: int, threads: str = "") -> int:
        monkeypatch.setattr(cores, "cores", lambda: count)
        monkeypatch.setenv("GENVIZ_THREADS", threads)
        return cores.workers()

    assert [of(1), of(2), of(3), of(4), of(8), of(16)] == [1, 2, 2, 2, 4, 4]
    assert [of(2, "2"), of(4, "2"), of(64, "1")] == [1, 2, 4]


def test_no_orphan_and_every_film_ends_when_the_engine_closes() -> None:
    engine = Engine("cpu", stage=STAGE)
    engine.catalogue()
    job, pid = engine.submit(*TOY, knobs={"steps": 1000, "pace": 0.05}), engine.pids[0]
    engine.close()
    assert engine.look(job).status == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(Refused, match="closed"):
        engine.submit(*TOY)


def test_a_worker_that_cannot_start_says_why() -> None:
    with Engine("cpu", stage="troubled:NoStage") as engine, pytest.raises(RuntimeError, match="NoStage"):
        engine.catalogue()


class Scripted:
    """A stage whose films are scripts, to look at the order of the scheduler."""

    def film(self, order: str) -> Iterator[Shot]:
        for step in range(4):
            yield Shot(np.zeros(1, np.float32), step, 3, step, 0.1, order)

    def answering(self, *question) -> Iterator[None]:
        return "!"
        yield


def played(arrivals: dict[int, tuple], stage: Scripted | None = None) -> tuple[str, int]:
    """What happens with the films a, b, c when commands arrive before certain turns: captions and answers, messages."""
    sent: list[list[tuple]] = []
    turns = iter(range(1000))
    first = [("start", name, name, -1) for name in "abc"]

    def receive(wait: bool) -> list[tuple]:
        turn = next(turns)
        return first if turn == 0 else [arrivals[turn]] if turn in arrivals else [("close",)] if wait else []

    Scheduler(stage or Scripted()).run(receive, sent.append)
    events = [event for message in sent for event in message]
    assert all(message for message in sent)
    return "".join(e[2].caption if e[0] == "shot" else e[3] for e in events if e[0] != "end"), len(sent)


def test_scheduler_gives_one_step_in_turn() -> None:
    order, messages = played({})
    assert order == "abcabcabcabc"
    assert messages <= 8  # events are gathered, there is no message for each of the 15


class Costly(Scripted):
    """Films whose every step takes 30 ms, but those of "s", by a clock that it keeps itself."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def film(self, order: str) -> Iterator[Shot]:
        for shot in super().film(order):
            self.now += 0 if order == "s" else 0.03
            yield shot


def test_scheduler_gives_equal_time_so_that_a_short_film_is_served_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    def timed(arrivals: dict[int, tuple]) -> str:
        stage = Costly()
        monkeypatch.setattr(scheduler, "time", stage)
        return played(arrivals, stage)[0]

    order = timed({5: ("start", "s", "s", -1)})
    assert order[order.index("s") :][:6].count("s") == 4, order
    late = timed({7: ("start", "d", "d", -1)})  # who comes later does not hold up those that are there
    assert late.count("d") == 4 and "dd" not in late[:-3] and set(late[-2:]) == {"d"}, late


def test_scheduler_answers_before_the_next_step_and_stops_at_once() -> None:
    assert played({5: ("call", "id", "m", "d", "f", (), {})})[0] == "abcab!cabcabc"
    assert played({4: ("stop", "b")})[0] == "abcacacac"
    assert played({4: ("pause", "b"), 6: ("go", "b")})[0].count("b") == 4
    assert played({3: ("start", "d", "d", -1)})[0] == "abcdabcdabcdabcd"
    assert played({3: ("start", "d", "d", 1)})[0].count("d") == 2  # made again, sent from the step after
