"""Measure a row of figures again, on this machine: `genviz.compare` in a process of its own.

Times belong to a machine, so the shipped ones say little about the computer in front of you. The app starts
`python -m genviz.remeasure vae/vae mnist '{}' 1000`, which measures at low priority, on the processor, and tells its progress and its
result line by line; with 0 pictures it measures times only, for which no data set is needed. One measurement runs at a time, because
two would disturb each other. It ends when it is cancelled, when nobody asks for it during 20 seconds, and with the app. Only whoever
began it knows its name, so nobody else can read or stop it. Nothing is written but drafts in a temporary folder: the shipped figures
stay as they are.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from dataclasses import asdict, replace
from typing import Any

from genviz import argument, checkpoint
from genviz.argument import Command, Progress, reader
from genviz.compare import Row
from genviz.data.idx import at_hand
from genviz.engine.worker import die_with, threads

KEPT, PATIENCE = 8, 20.0  # finished measurements remembered, seconds without a question


class Remeasures:
    """The measurement under way and the last finished ones, by name. Safe to use from any thread."""

    def __init__(self):
        self._jobs: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, row: Row, samples: int) -> str:
        """Measure a row's model at its setting again: times, and with `samples` > 0 everything else too, from so many pictures.

        Returns the job's name; ValueError where a measurement is under way or the data set is missing.
        """
        if samples and not at_hand(row.data):
            raise ValueError(
                f"The data set {row.data} is not on this machine (GENVIZ_DATA names its folder), so only times can be measured."
            )
        with self._lock:
            if any(not job["final"] for job in self._jobs.values()):
                raise ValueError("Something is being measured already, and two measurements would disturb each other; try again later.")
            name = f"remeasure-{secrets.token_urlsafe(16)}"
            job = {"process": None, "stage": "starting", "done": 0, "total": 1, "final": False, "error": "", "row": row, "found": None,
                   "begun": time.monotonic(), "touched": time.monotonic()}  # fmt: skip
            self._jobs[name] = job
            for old in [n for n, j in self._jobs.items() if j["final"]][:-KEPT]:
                del self._jobs[old]
        threading.Thread(target=self._run, args=(job, samples), daemon=True).start()
        return name

    def look(self, name: str) -> dict[str, Any]:
        """Where a measurement stands: stage, done, total, seconds, final, error and, at the end, `found`, the Row measured here."""
        job = self._job(name)
        job["touched"] = time.monotonic()
        return {k: job[k] for k in ("stage", "done", "total", "final", "error", "found")} | {
            "seconds": round(time.monotonic() - job["begun"], 1)
        }

    def cancel(self, name: str) -> None:
        self._end(self._job(name), "Cancelled.")

    def _job(self, name: str) -> dict[str, Any]:
        with self._lock:
            if name not in self._jobs:
                raise ValueError("This measurement is no longer here; start it again.")
            return self._jobs[name]

    def _end(self, job: dict, why: str) -> None:
        with self._lock:
            if not job["final"]:
                job["error"] = job["error"] or why
                if job["process"] is not None:
                    job["process"].kill()

    def _run(self, job: dict, samples: int) -> None:
        """Start the process and take what it says until it ends.

        Linux kills a child when the thread that started it ends, so it is this one, which ends after the child.
        """
        found = None
        try:
            with tempfile.TemporaryDirectory(prefix="genviz-") as drafts, self._start(job, drafts, samples) as process:
                for line in process.stdout:
                    said = json.loads(line)
                    found = said.pop("row", found)
                    job |= said
                process.wait()
        except OSError as error:
            job["error"] = job["error"] or f"The measurement cannot be started ({error.strerror or error})."
        if found and not job["error"]:
            job["found"] = replace(job["row"], **found)
        elif not job["error"]:
            job["error"] = "The measurement ended without a result; the log of the app says why."
        job["final"] = True

    def _start(self, job: dict, drafts: str, samples: int) -> subprocess.Popen:
        row = job["row"]
        threaded = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads()))
        paths = os.pathsep.join(dict.fromkeys(os.path.abspath(p) for p in [*sys.path, os.getcwd()]))  # it imports what we import
        own = {"PYTHONPATH": paths, "GENVIZ_RUNS": drafts, "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-m", "genviz.remeasure", row.name, row.data, json.dumps(row.knobs), str(samples), str(os.getpid())]
        with self._lock:
            job["process"] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=threaded | os.environ | own
            )  # it ends when its stdin is closed, as happens when the app is gone
            if job["error"]:  # cancelled meanwhile
                job["process"].kill()
        threading.Thread(target=self._guard, args=(job,), daemon=True).start()
        return job["process"]

    def _guard(self, job: dict) -> None:
        while job["process"].poll() is None:
            time.sleep(1)
            if time.monotonic() - job["touched"] > PATIENCE:
                self._end(job, "Nobody waited for this measurement.")


def _child(name: str, data: str, knobs: dict[str, Any], samples: int, parent: int) -> None:
    """Write JSON lines: {stage, done, total} all the while, then {row: the fields that were measured} or {error: one sentence}."""
    die_with(parent, sys.stdin.buffer)
    out = sys.stdout
    sys.stdout = sys.stderr  # what libraries print must not mix with the answer

    def say(**what: Any) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    if hasattr(os, "nice"):
        os.nice(10)  # pages and films come first
    say(stage="loading torch and the model")
    from genviz.compare import measure

    try:
        card = checkpoint.card_of(name, data)
        if samples:
            checkpoint.find(name)[1].model_class().measured = (knobs,)  # in this process the model is measured at one setting only
            for item in measure.measure(card, samples):
                if isinstance(item, Progress):
                    say(stage=item.text.split(": ", 1)[-1], done=item.done, total=item.total)
                else:
                    say(row=asdict(item))
            return
        import torch

        model = checkpoint.load(card).to(memory_format=torch.channels_last)
        times = {}
        for place, n in enumerate((1, 64)):
            say(stage=f"timing, {n} at a time", done=place, total=2)
            times[f"ms_{n}"] = measure.milliseconds(model, model.Knobs(**knobs), n)
        say(row={**times, "machine": measure.machine()})
    except (KeyError, ValueError) as error:
        say(error=str(error.args[0]))


def main() -> None:
    command = Command("python -m genviz.remeasure", "Measure a row again, told line by line. The app starts this; see genviz.compare.")
    command.add_argument("model", type=reader(argument.model))
    command.add_argument("data")
    command.add_argument("knobs", type=reader(json.loads), help="as JSON")
    command.add_argument("samples", type=reader(argument.whole, "samples", 0, 10_000), help="0 measures times alone")
    command.add_argument("parent", type=reader(argument.whole, "parent", 0, 2**31), help="the process of the app, with which it ends")
    args = command.parse_args()
    with command.sentences(), contextlib.suppress(BrokenPipeError):
        _child(args.model, args.data, args.knobs, args.samples, args.parent)


if __name__ == "__main__":
    main()
