"""How soon does a picture follow the pointer while others ask for likelihoods and films?

    python -m benchmarks.beside [--drags 200] [--films 8] [--answers 4]

One engine, as the app has it. A decode of the plane of latents is asked for again and again, 20 ms after the one before, first alone, then
beside `films` films of the diffusion model and `answers` likelihoods by the probability-flow ODE, each of which is asked for again when it
ends. Prints median and 95th percentile of both, how many turns of the others went on meanwhile, and the ratio. Target on two quiet cores:
p95 <= 25 ms beside four answers and eight films.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lecture_hall import share  # noqa: E402
from genviz.engine import Engine, Refused  # noqa: E402

PLANE, SCORE, FILM = "vae/vae_2d", "score/score", "diffusion/ddpm"


async def drag(engine: Engine, drags: int) -> list[float]:
    """Milliseconds of each decode."""
    found = []
    for i in range(drags):
        z = np.array([[np.sin(i / 7), np.cos(i / 9)]], np.float32)
        begun = time.perf_counter()
        await engine.call(PLANE, "mnist", "decode", z)
        found.append(1000 * (time.perf_counter() - begun))
        await asyncio.sleep(0.02)
    return found


async def films(engine: Engine, number: int, seen: list[int]) -> None:
    """Watch films of twenty steps, one after the other."""
    seed = 1000 * number
    while True:
        seed, have = seed + 1, 0
        job = engine.submit(FILM, "mnist", knobs={"steps": 20}, n=16, seed=seed)
        while (view := await engine.wait(job, have)).status in ("waiting", "running"):
            have += len(view.shots)
            seen[0] += len(view.shots)


async def likelihoods(engine: Engine, number: int, seen: list[int]) -> None:
    x = np.random.default_rng(number).uniform(-1, 1, (1, 1, 28, 28)).astype(np.float32)
    while True:
        with contextlib.suppress(Refused):  # not within 30 seconds
            await engine.call(SCORE, "mnist", "ode_log_prob", x, seed=number)
            seen[1] += 1


async def measure(args: argparse.Namespace) -> None:
    with Engine() as engine:
        engine.catalogue()
        await drag(engine, 20)  # loads the model
        alone = await drag(engine, args.drags)
        seen = [0, 0]
        others = [asyncio.create_task(films(engine, i, seen)) for i in range(args.films)]
        others += [asyncio.create_task(likelihoods(engine, i, seen)) for i in range(args.answers)]
        while seen[0] < 4 * args.films and args.films:  # until all are under way
            await asyncio.sleep(0.1)
        before = seen[0]
        beside = await drag(engine, args.drags)
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    for title, times in (("alone", alone), ("beside them", beside)):
        print(f"a decode {title}: median {share(times, 0.5):.1f} ms, p95 {share(times, 0.95):.1f} ms, longest {max(times):.1f} ms")
    p95 = share(beside, 0.95)
    print(f"meanwhile {seen[0] - before} frames of films, {seen[1]} likelihoods; p95 {p95 / share(alone, 0.95):.1f} times that alone; "
          f"target 25 ms {'reached' if p95 <= 25 else 'missed'}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--drags", type=int, default=200)
    parser.add_argument("--films", type=int, default=8)
    parser.add_argument("--answers", type=int, default=4)
    args = parser.parse_args()
    args.drags, args.films, args.answers = max(10, min(args.drags, 5000)), max(0, min(args.films, 32)), max(0, min(args.answers, 32))
    print(f"{args.films} films of {FILM}, {args.answers} likelihoods of {SCORE}, {args.drags} decodes of {PLANE}", flush=True)
    asyncio.run(measure(args))


if __name__ == "__main__":
    main()
