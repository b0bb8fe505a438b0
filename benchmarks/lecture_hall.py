"""A lecture hall: 300 students press Sample within ten seconds. How long does each wait for the first picture?

    python -m benchmarks.lecture_hall [--students 300] [--window 10] [--steps 20] [--n 16] [--equal]

Two servers, one after the other, with the same model, knobs and pictures:

- GenViz as it is: `python app.py`, asked through the very routes that the player of the page asks (genviz/ui/film.py). Plain routes were
  chosen over Gradio's server functions because they cost a fraction of them and can be sent while a page closes.
- the default: a Gradio app whose generator calls torch in the web process, with Gradio's queue as it is by default.

The students are HTTP clients on loopback in this process, none of whom shares a connection. Every third one opens the page first, the
others have it open (and its cookie, which tells one student from another); meanwhile a latecomer opens the page once a second. Prints the
waiting times for the first frame and the last, errors, lost films, page loads, the CPU that the workers took, counted in films alone, and
the ratio. Targets: first frame p95 <= 0.5 s on two quiet cores, <= 2 s beside one busy one (--busy 1). With --equal all press the same, as
when a lecturer has them open a link: at most 1.2 films' worth of computing, and the last frame p95 <= 1.5 s. Bounded: students, window and
deadline have upper limits, and both servers are stopped at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = "diffusion/ddpm"


@dataclass
class Outcome:
    """What one student saw: seconds to the first frame and to the last, or why not."""

    first: float = 0.0
    last: float = 0.0
    frames: int = 0
    error: str = ""


@dataclass
class Server:
    """How a hall is run: the command that starts it, and what a student does there."""

    title: str
    command: list[str]
    visit: Callable
    outcomes: list[Outcome] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    alone: float = 0.0  # seconds of CPU that the workers take for one film
    workers: float = 0.0  # and for the hall,
    app: float = 0.0  # and the process that serves the pages


class Browser:
    """One connection kept alive, as a student's browser keeps it."""

    def __init__(self, port: int):
        self.port, self.cookie = port, ""

    async def __aenter__(self) -> Browser:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def _ask(self, path: str, body: dict | None, zipped: bool = False, method: str = "") -> dict[str, str]:
        sent = json.dumps(body).encode() if body is not None else b""
        head = [
            f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Content-Type: application/json",
            f"Content-Length: {len(sent)}",
            *([f"Cookie: {self.cookie}"] if self.cookie else []),
            *(["Accept-Encoding: gzip"] if zipped else []),
        ]
        self.writer.write("\r\n".join([*head, "\r\n"]).encode() + sent)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        told = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        if " 200 " not in lines[0]:
            said = b"".join([chunk async for chunk in self._chunks(told)]) if method != "HEAD" else b""
            raise ConnectionError(f"{lines[0]} {said[:300].decode(errors='replace')}")
        self.cookie = told.get("set-cookie", "").split(";")[0] or self.cookie
        return told

    async def _chunks(self, head: dict[str, str]) -> AsyncIterator[bytes]:
        if "content-length" in head:
            yield await self.reader.readexactly(int(head["content-length"]))
            return
        while size := int(await self.reader.readline(), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()

    async def fetch(self, path: str, body: dict | None = None, zipped: bool = False) -> bytes:
        return b"".join([chunk async for chunk in self._chunks(await self._ask(path, body, zipped))])

    async def greet(self) -> None:
        """As if the page had been opened before: its cookie, without the page; nothing where there are no pages."""
        with contextlib.suppress(ConnectionError):
            await self._ask("/", None, method="HEAD")

    async def stream(self, path: str) -> AsyncIterator[dict]:
        """Server-sent events."""
        rest = b""
        async for chunk in self._chunks(await self._ask(path, None)):
            *events, rest = (rest + chunk).split(b"\n\n")
            for event in events:
                if event.startswith(b"data:"):
                    yield json.loads(event[5:])


async def visit_genviz(browser: Browser, seed: int, args: argparse.Namespace, seen: Callable[[int], None]) -> None:
    """Sample in GenViz: submit, then ask for frames until the film is final."""
    knobs = {"steps": args.steps, "guidance": 1.0}
    order = {"model": MODEL, "data": args.data, "walk": "sample", "knobs": knobs, "n": args.n, "seed": seed,
             "frames": 60}  # fmt: skip
    job = json.loads(await browser.fetch("/genviz/submit", order))
    if "error" in job:
        raise RuntimeError(job["error"])
    have = 0
    while True:
        view = json.loads(await browser.fetch(f"/genviz/wait?job={job['job']}&have={have}"))
        have += len(view["shots"])
        seen(have)
        if view["status"] in ("error", "cancelled"):
            raise RuntimeError(view["message"])
        if view["status"] == "done":
            return


async def visit_default(browser: Browser, seed: int, args: argparse.Namespace, seen: Callable[[int], None]) -> None:
    """Sample in a default Gradio app: join the queue, then read its stream."""
    session = uuid.uuid4().hex[:11]
    async with Browser(browser.port) as listener:
        await browser.fetch("/gradio_api/queue/join", {"data": [seed], "fn_index": 0, "session_hash": session})
        have = 0
        async for event in listener.stream(f"/gradio_api/queue/data?session_hash={session}"):
            if event["msg"] == "process_generating":
                have += 1
                seen(have)
            elif event["msg"] == "process_completed":
                if not event["success"]:
                    raise RuntimeError(str(event["output"]))
                return


async def student(server: Server, port: int, seed: int, at: float, args: argparse.Namespace, outcome: Outcome) -> None:
    """Press Sample `at` seconds from now; the wait is counted from there, for who opens the page first from when it is there."""
    await asyncio.sleep(at)
    begun = time.monotonic()

    def seen(frames: int) -> None:
        if frames and not outcome.frames:
            outcome.first = time.monotonic() - begun
        outcome.frames = frames

    try:
        async with asyncio.timeout(args.deadline), Browser(port) as browser:
            if seed % 3:
                await browser.greet()
            else:
                await browser.fetch("/", zipped=True)
                server.loads.append(time.monotonic() - begun)
            begun = time.monotonic()
            await server.visit(browser, seed, args, seen)
        outcome.last = time.monotonic() - begun
        if outcome.frames < args.steps + 1:
            outcome.error = f"{outcome.frames} frames only"
    except TimeoutError:
        outcome.error = "lost"
    except Exception as error:
        outcome.error = f"{type(error).__name__}: {error}"


async def latecomers(port: int, loads: list[float], until: float) -> None:
    """Somebody opens the page every second."""
    while time.monotonic() < until:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(60), Browser(port) as browser:
                await browser.fetch("/", zipped=True)
            loads.append(time.monotonic() - begun)
        except Exception as error:
            loads.append(60.0)
            print(f"  page load failed: {type(error).__name__} {error}")
        await asyncio.sleep(max(0.0, 1 - (time.monotonic() - begun)))


async def hall(server: Server, port: int, args: argparse.Namespace, app: int) -> None:
    chance = random.Random(0)
    await student(server, port, 1, 0.0, args, Outcome())  # the lecturer has shown it once: model loaded, kernels chosen
    _, before = cpu(app)
    await student(server, port, 2, 0.0, args, Outcome())
    began, begun = cpu(app)
    server.alone = begun - before
    server.outcomes = [Outcome() for _ in range(args.students)]
    clicks = [
        student(server, port, 999 if args.equal else 1000 + i, chance.uniform(0, args.window), args, o)
        for i, o in enumerate(server.outcomes)
    ]
    await asyncio.gather(latecomers(port, server.loads, time.monotonic() + args.window + 5), *clicks)
    served, done = cpu(app)
    server.app, server.workers = served - began, done - begun


def cpu(app: int) -> tuple[float, float]:
    """Seconds of CPU that a process and its children have taken (Linux; elsewhere 0): what a busy machine cannot blur."""
    own = children = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            own += seconds * (int(stat.parent.name) == app)
            children += seconds * (int(fields[1]) == app)
    return own, children


def run(server: Server, port: int, args: argparse.Namespace) -> None:
    with running(server.command, port) as process, busy(args.busy):
        asyncio.run(hall(server, port, args, process.pid))


@contextlib.contextmanager
def busy(cores: int) -> Iterator[None]:
    """Other programs that keep so many cores busy meanwhile."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[subprocess.Popen]:
    """A server, from when it listens on `port` until it has ended; SystemExit where it does not start within two minutes."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            begun = time.monotonic()
            while not listening(port):
                if time.monotonic() - begun > 120 or process.poll() is not None:
                    raise SystemExit("The server did not start.")
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def serve_default(port: int, args: argparse.Namespace) -> None:
    """The peer: torch in the web process, one generator event, everything at Gradio's defaults. The small PNG is ours, so that the
    comparison is about who computes where and when."""
    import gradio as gr

    import genviz
    from genviz.plots import pictures

    def sample(seed: float):
        for frame in genviz.film(MODEL, args.data, args.n, int(seed), steps=args.steps, guidance=1.0):
            yield f'<img src="{pictures.sprite(frame.x.cpu().numpy())}">'

    with gr.Blocks() as demo:
        seed, picture = gr.Number(0), gr.HTML()
        gr.Button("Sample").click(sample, seed, picture)
    demo.launch(server_name="127.0.0.1", server_port=port, quiet=True)


def share(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else float("nan")


def report(server: Server) -> float:
    """Print one server's figures; returns the 95th percentile of the first frame, a lost film counting as endless."""
    good = [o for o in server.outcomes if not o.error]
    firsts = [o.first if o.frames else float("inf") for o in server.outcomes]
    errors = [o.error for o in server.outcomes if o.error and o.error != "lost"]
    lost = sum(o.error == "lost" for o in server.outcomes)
    lasts = [o.last for o in good]
    print(f"{server.title}:")
    print(f"  first frame p50 {share(firsts, 0.5):.2f} s, p95 {share(firsts, 0.95):.2f} s")
    print(f"  last frame  p50 {share(lasts, 0.5):.2f} s, p95 {share(lasts, 0.95):.2f} s")
    print(f"  page loads  p50 {share(server.loads, 0.5):.2f} s, max {max(server.loads, default=float('nan')):.2f} s")
    if server.alone:
        print(f"  the workers computed for {server.workers:.1f} s, {server.workers / server.alone:.2f} times one film alone; "
              f"the process of the page for {server.app:.1f} s")  # fmt: skip
    print(f"  {len(errors)} errors, {lost} lost")
    for error in sorted(set(errors))[:3]:
        print(f"  {errors.count(error)} x {error[:200]}")
    return share(firsts, 0.95)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--window", type=float, default=10.0, help="seconds within which everybody clicks")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--n", type=int, default=16, help="images of a click; the app's default")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--deadline", type=float, default=400.0, help="seconds after which a film counts as lost")
    parser.add_argument("--port", type=int, default=7841)
    parser.add_argument("--busy", type=int, default=0, help="cores that other programs keep busy meanwhile")
    parser.add_argument("--equal", action="store_true", help="all press the same")
    parser.add_argument("--only", choices=("genviz", "default"))
    parser.add_argument("--serve-default", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.busy = max(0, min(args.busy, 4))
    args.students, args.window, args.deadline = min(args.students, 1000), min(args.window, 60.0), min(args.deadline, 1200.0)
    if args.serve_default:
        sys.path.insert(0, str(ROOT))
        return serve_default(args.port, args)
    asked = f"{args.steps} steps without guidance, {args.n} images each"
    same = ", all the same" if args.equal else ""
    print(f"{args.students} students within {args.window:g} s, {MODEL} on {args.data}, {asked}{same}", flush=True)
    told = ["--steps", str(args.steps), "--n", str(args.n), "--data", args.data]
    port = str(args.port)
    servers = {
        "genviz": Server("GenViz", [sys.executable, "app.py", "--host", "127.0.0.1", "--port", port], visit_genviz),
        "default": Server(
            "Gradio's default queue, torch in-process", [sys.executable, __file__, "--serve-default", "--port", port, *told], visit_default
        ),
    }
    p95 = {}
    for name, server in servers.items():
        if args.only in (None, name):
            run(server, args.port, args)
            p95[name] = report(server)
            sys.stdout.flush()
    if len(p95) == 2:
        print(f"first frame, p95: {p95['default'] / p95['genviz']:.1f} times sooner (target >= 8); "
              f"page loads <= 1 s: {'yes' if max(servers['genviz'].loads) <= 1 else 'no'}")  # fmt: skip


if __name__ == "__main__":
    main()
