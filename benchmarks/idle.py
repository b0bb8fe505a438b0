"""What does an app cost that nobody uses?

    python -m benchmarks.idle [--seconds 20]

Starts the app, loads its page once, waits until it has come to rest, and then looks at the CPU that its processes take over the given time;
the same for an empty Gradio app beside it. CPU time is counted, not time, so a busy machine hardly blurs it. Target: <= 0.5 % of a core.
Loopback only; both are stopped at the end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import urllib.request

from benchmarks.lecture_hall import ROOT, cpu, wait_for

EMPTY = """
import gradio as gr
with gr.Blocks(analytics_enabled=False) as demo:
    gr.Markdown("nothing")
demo.launch(server_name="127.0.0.1", server_port={port}, quiet=True)
"""


def idle(command: list[str], port: int, seconds: float) -> tuple[float, float]:
    """The share of a core that an app takes at rest, in percent: its process, and its children."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process, 300)
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=120).read()
            for _ in range(30):  # at rest when a second costs little more than polling does
                before = sum(cpu(process.pid))
                time.sleep(1)
                if sum(cpu(process.pid)) - before < 0.1:
                    break
            begun, (app, workers) = time.monotonic(), cpu(process.pid)
            time.sleep(seconds)
            passed, (later, more) = time.monotonic() - begun, cpu(process.pid)
            return 100 * (later - app) / passed, 100 * (more - workers) / passed
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--port", type=int, default=7845)
    args = parser.parse_args()
    seconds = max(1.0, min(args.seconds, 600.0))
    own = [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(args.port)]
    other = [sys.executable, "-c", EMPTY.format(port=args.port + 1)]
    for title, command, port in (("GenViz", own, args.port), ("an empty Gradio app", other, args.port + 1)):
        app, workers = idle(command, port, seconds)
        target = f"; target 0.5 {'reached' if app + workers <= 0.5 else 'missed'}" if command is own else ""
        print(f"{title}: {app + workers:.2f} % of a core ({app:.2f} the page, {workers:.2f} its workers){target}", flush=True)


if __name__ == "__main__":
    main()
