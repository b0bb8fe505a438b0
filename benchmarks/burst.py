"""A burst: 50 people press Sample in the same moment, each in the tab of a random family. Is everybody served, and how soon?

    python -m benchmarks.burst [--clients 50] [--n 16] [--limit 30] [--address http://127.0.0.1:7860]

Every family of the catalogue is in it, with its tab's default model and knobs; seeds differ. The app is started afresh, so that loading the
models is in the figures, and asked through the routes that the player asks (genviz/ui/film.py); with --address, an app that runs already.
Prints the time until each film was whole (median, 95th percentile, longest), by family too, errors, lost requests, and the places in the
waiting line that were shown, and the seconds of CPU that the app took: where the cores are its own, nobody waits much longer than that.
Targets: no error, nothing lost, everybody served within 30 s. Up to 400 films the engine gives each its share of the time, so that nobody
waits in a line: all films grow at once, and the page shows the step that each has reached. Loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.lecture_hall import Browser, running, share


@dataclass
class Client:
    """One person: what was asked for, and what came of it."""

    model: str
    data: str
    seed: int
    knobs: dict = field(default_factory=dict)  # none: the defaults
    served: float = 0.0  # seconds until the film was whole
    first: float = 0.0  # seconds until its first frame
    places: list[int] = field(default_factory=list)  # in the waiting line, as they were shown
    error: str = ""


def defaults() -> list[tuple[str, str]]:
    """The model and data set with which each family's tab opens."""
    from genviz import catalogue

    found = [catalogue.first_trained(family) for family in catalogue.build()["families"]]
    return [(model["name"], data) for model, data in found if model]


async def ask(port: int, n: int, client: Client) -> None:
    """Press Sample, and watch until the film is final; whatever happens is noted down."""
    begun, have = time.monotonic(), 0
    try:
        async with Browser(port) as browser:
            await browser.greet()
            begun = time.monotonic()
            order = {
                "model": client.model,
                "data": client.data,
                "n": n,
                "seed": client.seed,
                "knobs": client.knobs,
            }
            job = json.loads(await browser.fetch("/genviz/submit", order))
            if "error" in job:
                raise RuntimeError(job["error"])
            while True:
                view = json.loads(await browser.fetch(f"/genviz/wait?job={job['job']}&have={have}"))
                have += len(view["shots"])
                client.first = client.first or (time.monotonic() - begun if have else 0.0)
                if view["place"] and view["place"] not in client.places[-1:]:
                    client.places.append(view["place"])
                if view["status"] in ("error", "cancelled"):
                    raise RuntimeError(view["message"])
                if view["status"] == "done":
                    client.served = time.monotonic() - begun
                    return
    except Exception as error:
        client.error = f"{type(error).__name__}: {error}"


async def burst(port: int, n: int, clients: list[Client], deadline: float) -> None:
    """All clients at once; who has no answer at the deadline is lost."""
    asked = [asyncio.create_task(ask(port, n, client)) for client in clients]
    _, late = await asyncio.wait(asked, timeout=deadline)
    for task in late:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


def computed(app: int) -> float:
    """Seconds of CPU that a process and its children have taken (Linux; elsewhere nan): what a busy machine cannot blur."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            if app in (int(stat.parent.name), int(fields[1])):
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total or float("nan")


def report(clients: list[Client], limit: float) -> bool:
    """Print the figures; were all served in time?"""
    served = [c.served for c in clients if c.served]
    errors = [c.error for c in clients if c.error]
    lost = len(clients) - len(served) - len(errors)
    kinds: dict[str, list[Client]] = defaultdict(list)
    for client in clients:
        kinds[client.model].append(client)
    print(f"served: median {share(served, 0.5):.1f} s, p95 {share(served, 0.95):.1f} s, longest {max(served, default=float('nan')):.1f} s")
    print(f"first frame: median {share([c.first for c in clients], 0.5):.1f} s, longest {max(c.first for c in clients):.1f} s")
    for model, some in sorted(kinds.items()):
        times = [c.served for c in some if c.served]
        print(f"  {model}: {len(some)} films, median {share(times, 0.5):.1f} s, longest {max(times, default=float('nan')):.1f} s")
    places = [place for c in clients for place in c.places]
    print(f"places in the waiting line: {f'{len(places)} shown, up to {max(places)}' if places else 'none, all films grew at once'}")
    print(f"{len(errors)} errors, {lost} lost")
    for error in sorted(set(errors))[:3]:
        print(f"  {errors.count(error)} x {error[:200]}")
    good = not errors and not lost and max(served) <= limit
    print(f"everybody served within {limit:g} s: {'yes' if good else 'no'}")
    return good


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--n", type=int, default=16, help="samples of a click; the app's default")
    parser.add_argument("--limit", type=float, default=30.0, help="seconds within which everybody should be served")
    parser.add_argument("--deadline", type=float, default=300.0, help="seconds after which a film counts as lost")
    parser.add_argument("--address", help="of an app that runs already")
    parser.add_argument("--port", type=int, default=7843)
    args = parser.parse_args()
    kinds, chance = defaults(), random.Random(0)
    clients = [Client(*chance.choice(kinds), seed) for seed in range(min(args.clients, 400))]
    print(f"{len(clients)} clients at once, {args.n} samples each, families: {', '.join(model for model, _ in kinds)}", flush=True)
    deadline = min(args.deadline, 1200.0)
    if args.address:
        asyncio.run(burst(urlsplit(args.address).port or 80, args.n, clients, deadline))
    else:
        command = [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(args.port)]
        with running(command, args.port) as process:
            before = computed(process.pid)
            asyncio.run(burst(args.port, args.n, clients, deadline))
            print(f"the app computed for {computed(process.pid) - before:.1f} s")
    raise SystemExit(not report(clients, args.limit))


if __name__ == "__main__":
    main()
