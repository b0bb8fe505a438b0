"""The burst in small: eight people press Sample at once; all are served, and who has to wait is told the place in the line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from until import until

from benchmarks import burst
from genviz.engine import Engine, Limits
from genviz.ui import film


@contextmanager
def serving(**options) -> Iterator[int]:
    """A page's routes over HTTP on an engine of its own; the port."""
    with Engine("cpu", backend="inline", **options) as engine:
        engine.catalogue()
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=film.routes(engine)), port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True
        thread.join(10)


def test_eight_at_once_in_every_family_are_all_served(capsys) -> None:
    kinds = burst.defaults()
    assert {model.split("/")[0] for model, _ in kinds} >= {"autoregressive", "vae", "diffusion"}
    clients = [burst.Client(*kinds[seed % len(kinds)], seed) for seed in range(8)]
    with serving() as port:
        asyncio.run(burst.burst(port, 2, clients, 240))
    assert [c.error for c in clients] == [""] * 8 and all(0 < c.first <= c.served for c in clients)
    assert burst.report(clients, 240) and "0 errors, 0 lost" in capsys.readouterr().out


@pytest.mark.parametrize("live", [1, 2])
def test_who_waits_is_told_the_place_and_comes_nearer(live) -> None:
    clients = [burst.Client("toys/toy", "mnist", seed, {"steps": 10, "pace": 0.1}) for seed in range(6)]  # a second each
    with serving(stage="troubled:ToyStage", limits=Limits(live=live)) as port:
        asyncio.run(burst.burst(port, 1, clients, 60))
    assert [c.error for c in clients] == [""] * 6 and all(c.served for c in clients)
    places = [c.places for c in clients if c.places]
    assert len(places) >= 2 and all(p == sorted(set(p), reverse=True) and min(p) >= 1 and max(p) <= 5 for p in places)


def test_what_goes_wrong_is_counted_not_hidden(capsys) -> None:
    wrong, right, late = burst.Client("toys/none", "mnist", 0), burst.Client("toys/toy", "mnist", 0), burst.Client("toys/toy", "mnist", 1)
    with serving(stage="troubled:ToyStage") as port:
        asyncio.run(burst.burst(port, 1, [wrong, right], 60))
    assert not burst.report([wrong, right, late], 60)
    told = capsys.readouterr().out
    assert "1 errors, 1 lost" in told and "There is no model" in told
