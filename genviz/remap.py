"""A live layout: UMAP of a part of the map with other parameters, in a process of its own.

Importing and compiling umap takes seconds and its loops keep a core busy, so the app starts `python -m genviz.remap`, sends it the
latent points, and reads progress and result line by line. The process also places further points in both ways, by weighted neighbours
and by `umap.transform`, to compare the two. It is killed by Cancel, when nobody asks for it during 20 seconds, and with the app. Only
whoever began it knows its name, so nobody else can read or stop it.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import secrets
import struct
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from typing import Any

import numpy as np

from genviz import argument
from genviz.argument import Command, reader
from genviz.engine.worker import die_with
from genviz.map import Map, layout

LIVE, KEPT, PATIENCE = 2, 8, 20.0  # processes at once, finished layouts remembered, seconds without a question


class Remaps:
    """The layouts under way and the last finished ones, by name. Safe to use from any thread."""

    def __init__(self):
        self._jobs: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, points: dict[str, np.ndarray], about: dict[str, str]) -> str:
        """Begin a layout; `points` is what `_child` reads. Returns the job's name; ValueError where too many are under way."""
        with self._lock:
            if sum(not job["final"] for job in self._jobs.values()) >= LIVE:
                raise ValueError(f"{LIVE} maps are being computed already; try again in a minute.")
            file = io.BytesIO()
            np.savez(file, **points)
            name = f"remap-{secrets.token_urlsafe(16)}"
            job = {"process": None, "stage": "starting", "share": 0.0, "final": False, "error": "", "touched": time.monotonic(),
                   "points": points, "about": about, "map": None, "found": None, "begun": time.monotonic()}  # fmt: skip
            self._jobs[name] = job
            for old in [n for n, j in self._jobs.items() if j["final"]][:-KEPT]:
                del self._jobs[old]
        threading.Thread(target=self._run, args=(job, file.getvalue()), daemon=True).start()
        return name

    def look(self, name: str) -> dict[str, Any]:
        """Where a layout stands: stage, share in [0, 1], seconds, final, error, and when done `found` (the comparison)."""
        job = self._job(name)
        job["touched"] = time.monotonic()
        return {k: job[k] for k in ("stage", "share", "final", "error", "found")} | {"seconds": round(time.monotonic() - job["begun"], 1)}

    def map(self, name: str) -> tuple[Map, np.ndarray]:
        """A finished layout and the places of its points in the exhibit; ValueError while it is not finished."""
        job = self._job(name)
        if job["map"] is None:
            raise ValueError("This map is not finished.")
        return job["map"], job["points"]["index"]

    def cancel(self, name: str) -> None:
        job = self._job(name)
        self._end(job, "Cancelled.")

    def _job(self, name: str) -> dict[str, Any]:
        with self._lock:
            if name not in self._jobs:
                raise ValueError("This map is no longer here; compute it again.")
            return self._jobs[name]

    def _end(self, job: dict, why: str) -> None:
        with self._lock:
            job["error"] = job["error"] or why
            if job["process"] is not None:
                job["process"].kill()

    def _run(self, job: dict, data: bytes) -> None:
        """Start the process, send the points, then take what it says until it ends.

        Linux kills a child when the thread that started it ends, so it is this one, which ends after the child.
        """
        env, result = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}, None
        with self._lock:
            if job["error"]:
                job["final"] = True
                return
            try:
                process = job["process"] = subprocess.Popen(
                    [sys.executable, "-m", "genviz.remap", str(os.getpid())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
                )
            except OSError as error:
                job |= {"error": f"The computation of the map cannot be started ({error.strerror or error}).", "final": True}
                return
        threading.Thread(target=self._guard, args=(job,), daemon=True).start()
        with process.stdin as pipe:  # open until the end: when it closes, the app is gone
            with contextlib.suppress(BrokenPipeError):
                pipe.write(struct.pack("<Q", len(data)) + data)
                pipe.flush()
            for line in process.stdout:
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    if "xy" in said:
                        result = said
                    elif "stage" in said:
                        job["stage"], job["share"] = said["stage"], said["share"]
            process.wait()
        if result and not job["error"]:
            points = job["points"]
            xy = np.frombuffer(base64.b64decode(result.pop("xy")), np.float32).reshape(-1, 2)
            job["map"], job["found"] = Map(points["mu"], xy, points["labels"], job["about"]), result
        elif not job["error"]:
            job["error"] = "The computation of the map ended without a result; the log of the app says why."
        job["final"] = True

    def _guard(self, job: dict) -> None:
        while job["process"].poll() is None:
            time.sleep(1)
            if time.monotonic() - job["touched"] > PATIENCE:
                self._end(job, "Nobody waited for this map.")


def agreement(places: np.ndarray, labels: np.ndarray, of: Map, k: int = 10) -> float:
    """Share of the k nearest map points (in the plane) that have the class of a placed point: places (M, 2), labels (M,)."""
    d2 = np.square(places[:, None] - of.xy[None]).sum(2)
    near = np.argpartition(d2, k, axis=1)[:, :k]
    return float((of.labels[near] == labels[:, None]).mean())


def _child(parent: int) -> None:
    """Read points from stdin (size, then npz: mu, labels, rest, rest_labels, own (0 or 1, z_dim), n_neighbors, min_dist); write JSON."""
    die_with(parent)
    pipe, out = sys.stdin.buffer, sys.stdout
    sys.stdout = sys.stderr  # what libraries print must not mix with the answer

    def say(**what: Any) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    say(stage="loading umap (the first time it compiles itself)", share=0.02)
    points = np.load(io.BytesIO(pipe.read(*struct.unpack("<Q", pipe.read(8)))))
    die_with(parent, pipe)
    mu, rest, rest_labels, own = points["mu"], points["rest"], points["rest_labels"], points["own"]
    import umap  # noqa: F401  (slow: shown as a stage of its own)

    say(stage="joining nearest neighbours", share=0.08)
    n_neighbors, min_dist, moving = int(points["n_neighbors"]), float(points["min_dist"]), True

    def show(share: float) -> None:
        if moving:  # umap.transform moves its points too, and would tell of it
            say(stage="laying out", share=0.15 + 0.65 * share)

    fitted = layout(mu, n_neighbors, min_dist, show=show)
    moving = False
    xy = fitted.embedding_.astype(np.float32)
    made = Map(mu, xy, points["labels"], {})
    say(stage="placing other images in both ways", share=0.82)
    begun = time.perf_counter()
    weighted = np.stack([made.place(m) for m in rest])
    weighted_ms = (time.perf_counter() - begun) * 1000 / len(rest)
    begun = time.perf_counter()
    fitted.transform(rest[:1])
    first_ms = (time.perf_counter() - begun) * 1000
    begun = time.perf_counter()
    transformed = fitted.transform(np.concatenate([rest, own]))
    transform_ms = (time.perf_counter() - begun) * 1000 / (len(rest) + len(own))
    say(xy=base64.b64encode(xy.tobytes()).decode(), own=transformed[len(rest) :].tolist(), others=len(rest),
        weighted=agreement(weighted, rest_labels, made), transform=agreement(transformed[: len(rest)], rest_labels, made),
        weighted_ms=weighted_ms, transform_ms=transform_ms, first_ms=first_ms)  # fmt: skip


def main() -> None:
    command = Command("python -m genviz.remap", "Lay out latent points that come on stdin. The app starts this; it is of no use by hand.")
    command.add_argument("parent", type=reader(argument.whole, "parent", 0, 2**31), help="the process of the app, with which it ends")
    args = command.parse_args()
    with command.sentences(), contextlib.suppress(BrokenPipeError):
        _child(args.parent)


if __name__ == "__main__":
    main()
