"""How long from `python app.py` to the first page, and from Sample to the first frame?

    python -m benchmarks.start [--runs 3]

Every run starts the app afresh, asks for the page until it is served, then presses Sample once in each family (the routes that the
player uses) and five times again. Targets: page <= 4.5 s, first click to first frame <= 1.5 s, later ones <= 0.2 s. Medians and the
worst are printed. Loopback only; the app is stopped after each run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def fetch(url: str, body: dict | None = None) -> bytes:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def first_page(url: str, process: subprocess.Popen, begun: float) -> float:
    while time.monotonic() - begun < 120 and process.poll() is None:
        try:
            fetch(url)
            return time.monotonic() - begun
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    raise SystemExit("The app did not start.")


def first_frame(url: str, model: str, data: str, seed: int) -> float:
    begun = time.monotonic()
    job = json.loads(fetch(url + "genviz/submit", {"model": model, "data": data, "n": 16, "seed": seed}))
    if "error" in job:
        raise SystemExit(job["error"])
    while True:
        view = json.loads(fetch(f"{url}genviz/wait?job={job['job']}&have=0"))
        if view["shots"]:
            seconds = time.monotonic() - begun
            fetch(url + "genviz/cancel", {"jobs": [job["job"]]})
            return seconds
        if view["status"] in ("done", "cancelled", "error"):
            raise SystemExit(f"{model}: {view['message']}")


def cards() -> list[tuple[str, str]]:
    """The first trained model of each family and its data set."""
    sys.path.insert(0, str(ROOT))
    import genviz

    found: dict[str, tuple[str, str]] = {}
    for card in genviz.cards():
        found.setdefault(card.family, (card.name, card.data))
    return list(found.values())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--port", type=int, default=7842)
    args = parser.parse_args()
    url, models = f"http://127.0.0.1:{args.port}/", cards()
    pages: list[float] = []
    firsts: dict[str, list[float]] = {m: [] for m, _ in models}
    later: dict[str, list[float]] = {m: [] for m, _ in models}
    for _ in range(max(1, min(args.runs, 10))):
        begun = time.monotonic()
        command = [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(args.port)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            try:
                pages.append(first_page(url, process, begun))
                for model, data in models:
                    firsts[model].append(first_frame(url, model, data, 0))
                    later[model] += [first_frame(url, model, data, seed) for seed in range(1, 6)]
            finally:
                process.terminate()
    print(f"python app.py to the first page: median {statistics.median(pages):.2f} s, worst {max(pages):.2f} s (target 4.5)")
    print("click to first frame, median (worst):  first (target 1.5)   later (target 0.2)")
    for model, _ in models:
        one, more = firsts[model], later[model]
        print(f"  {model:36} {statistics.median(one):.3f} s ({max(one):.3f})   {statistics.median(more):.3f} s ({max(more):.3f})")


if __name__ == "__main__":
    main()
