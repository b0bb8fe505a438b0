"""300 people open the page within ten seconds. How long does each wait for it, and what does a view cost?

    python -m benchmarks.page_load [--visitors 300] [--window 10]

Two servers, one after the other, with the same page, on loopback:

- GenViz as it is: `python app.py`, whose door keeps the page zipped (genviz/ui/kept.py).
- Gradio's own: the same app without its door, so that Gradio draws up the page anew for everybody.

A visitor opens a connection, as a browser does accepting gzip, and reads the page and then every script and style that its HTML names.
Prints the waiting times for the page and for all of it, the CPU of the app a view, bytes, errors, and the ratio. Targets: page p95
<= 0.5 s on two quiet cores, and a few milliseconds of CPU. Bounded: visitors and window have upper limits, and both servers are stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import random
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.burst import computed  # noqa: E402
from benchmarks.lecture_hall import Browser, running, share  # noqa: E402


@dataclass
class Seen:
    """What the visitors of one server saw: seconds to the page, to all of it, and what went over the line."""

    pages: list[float] = field(default_factory=list)
    wholes: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    bytes: int = 0
    cpu: float = 0.0  # seconds of the app


async def names(port: int) -> list[str]:
    """The scripts and styles that the page names; read once, so that the visitors cost this process little."""
    async with Browser(port) as browser:
        page = await browser.fetch("/", zipped=True)
    text = (gzip.decompress(page) if page[:2] == b"\x1f\x8b" else page).decode()
    return re.findall(r'(?:src|href)="\.?(/[^"]+)"', text)


async def visit(port: int, at: float, files: list[str], seen: Seen) -> None:
    """Open the page `at` seconds from now."""
    await asyncio.sleep(at)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(120), Browser(port) as browser:
            size = len(await browser.fetch("/", zipped=True))
            seen.pages.append(time.monotonic() - begun)
            for path in files:
                size += len(await browser.fetch(path, zipped=True))
            seen.bytes += size
            seen.wholes.append(time.monotonic() - begun)
    except Exception as error:
        seen.errors.append(f"{type(error).__name__}: {error}")


async def crowd(port: int, visitors: int, window: float, files: list[str], seen: Seen) -> None:
    chance = random.Random(0)
    await asyncio.gather(*(visit(port, chance.uniform(0, window), files, seen) for _ in range(visitors)))


def run(command: list[str], args: argparse.Namespace) -> Seen:
    with running(command, args.port) as process:
        files = asyncio.run(names(args.port))
        asyncio.run(visit(args.port, 0.0, files, Seen()))  # somebody has seen it before
        seen, before = Seen(), computed(process.pid)
        asyncio.run(crowd(args.port, args.visitors, args.window, files, seen))
        seen.cpu = computed(process.pid) - before
        return seen


def serve_without_door(port: int) -> None:
    """GenViz as Gradio serves it: the same page, scripts and routes, without the door."""
    from genviz.engine import Engine
    from genviz.ui.app import build
    from genviz.ui.theme import page

    with Engine() as engine:
        demo = build(engine)
        options = page(demo, engine)
        options["app_kwargs"] = {"routes": options["app_kwargs"]["routes"]}
        demo.launch(server_name="127.0.0.1", server_port=port, quiet=True, **options)


def report(title: str, seen: Seen, visitors: int) -> float:
    """Print one server's figures; returns the 95th percentile of the wait for the page."""
    print(f"{title}:")
    slowest = max(seen.pages, default=float("nan"))
    print(f"  page     p50 {share(seen.pages, 0.5):.3f} s, p95 {share(seen.pages, 0.95):.3f} s, max {slowest:.3f} s")
    print(f"  with all its HTML names  p95 {share(seen.wholes, 0.95):.3f} s")
    print(f"  {1000 * seen.cpu / visitors:.1f} ms of CPU and {seen.bytes / visitors / 1000:.0f} kB a view; {len(seen.errors)} errors")
    for error in sorted(set(seen.errors))[:3]:
        print(f"  {seen.errors.count(error)} x {error[:200]}")
    return share(seen.pages, 0.95)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--visitors", type=int, default=300)
    parser.add_argument("--window", type=float, default=10.0, help="seconds within which everybody comes")
    parser.add_argument("--port", type=int, default=7843)
    parser.add_argument("--only", choices=("genviz", "gradio"))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.visitors, args.window = min(args.visitors, 1000), min(args.window, 60.0)
    if args.serve:
        return serve_without_door(args.port)
    print(f"{args.visitors} visitors within {args.window:g} s", flush=True)
    port = str(args.port)
    servers = {
        "genviz": ("GenViz", [sys.executable, "app.py", "--host", "127.0.0.1", "--port", port]),
        "gradio": ("The same page drawn up by Gradio for every view", [sys.executable, __file__, "--serve", "--port", port]),
    }
    found: dict[str, tuple[float, float]] = {}
    for name, (title, command) in servers.items():
        if args.only in (None, name):
            seen = run(command, args)
            found[name] = report(title, seen, args.visitors), seen.cpu
            sys.stdout.flush()
    if len(found) == 2:
        waits, costs = zip(found["gradio"], found["genviz"], strict=True)
        print(f"page, p95: {waits[0] / waits[1]:.0f} times sooner; CPU a view: {costs[0] / costs[1]:.0f} times less")
    if "genviz" in found:
        print(f"page p95 <= 0.5 s: {'yes' if found['genviz'][0] <= 0.5 else 'no'}")


if __name__ == "__main__":
    main()
