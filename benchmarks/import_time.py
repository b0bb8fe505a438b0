"""How long does `import genviz` take beyond `import torch`, and what would the app's web process wait for?

    python -m benchmarks.import_time [--runs 5]

Each import is timed in a fresh interpreter; the median of the runs is printed. Target: under 0.1 s beyond torch.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = "import time; {before}; begun = time.perf_counter(); import {module}; print(time.perf_counter() - begun)"


def seconds(module: str, before: str, runs: int) -> float:
    code = CODE.format(module=module, before=before)
    times = [
        float(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout)
        for _ in range(runs)
    ]
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = max(1, min(parser.parse_args().runs, 20))
    print(f"median of {runs} fresh interpreters, seconds")
    for title, module, before in [
        ("import genviz", "genviz", "pass"),
        ("import genviz, after torch", "genviz", "import torch"),
        ("import genviz.engine (the web process)", "genviz.engine", "pass"),
        ("import torch", "torch", "pass"),
        ("import gradio", "gradio", "pass"),
    ]:
        print(f"{title:42} {seconds(module, before, runs):7.3f}", flush=True)


if __name__ == "__main__":
    main()
