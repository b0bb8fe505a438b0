"""Work that lasts from seconds to minutes, in a child process that tells its progress: what begins, watches and ends one.

    class Sums(Background):                             # in the app
        module, kind, full = "genviz.sums", "sum", "Two sums are under way already; try again in a minute."
        first = {"stage": "starting", "share": 0.0}     # what `look` shows until the child says something else

        def finish(self, job): return {"sum": job["said"]["sum"]}

    name = sums.begin(["--fast"], sent=data)            # python -m genviz.sums; `data` is what it reads
    sums.look(name)                                     # {"stage", "share", "seconds", "final", "error"}, at the end "sum", too

    args, data, say = child()                           # in genviz.sums
    say(stage="adding", share=0.5)

The child is killed by `cancel`, when nobody looks during `patience` seconds, and with the app, however that ends. Names are not to be
guessed, so nobody reads or stops what somebody else began. Only the standard library is imported here.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

KEPT, PATIENCE = 8, 20.0  # finished jobs remembered, seconds without a question
SIZE = struct.Struct("<Q")


class Background:
    """Jobs of one kind under way, `live` at most, and the last finished ones, by name. Safe to use from any thread.

    A subclass names the `module` that its child runs, the `kind` that begins the names, the `noun` and the refusal of one job too many
    (`full`) for sentences, and what is shown at `first`: keys that the child says again later. `finish(job)` makes of what the child said
    (`job["said"]`) what is shown at the end; KeyError where it said nothing of the kind.
    """

    module = kind = noun = full = ""
    live = 1
    first: Mapping[str, Any] = {}

    def __init__(self, patience: float = PATIENCE):
        self.patience = patience
        self._jobs: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def finish(self, job: dict[str, Any]) -> Mapping[str, Any]:
        return {}

    def begin(self, args: list[str], about: Any = None, sent: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """Begin a job; returns its name. `about` is kept for `finish`. ValueError where too many are under way."""
        now = time.monotonic()
        job = {"process": None, "final": False, "error": "", "about": about, "said": {}, "shown": dict(self.first), "begun": now,
               "touched": now}  # fmt: skip
        with self._lock:
            if sum(not j["final"] for j in self._jobs.values()) >= self.live:
                raise ValueError(self.full)
            name = f"{self.kind}-{secrets.token_urlsafe(16)}"
            self._jobs[name] = job
            for old in [n for n, j in self._jobs.items() if j["final"]][:-KEPT]:
                del self._jobs[old]
        threading.Thread(target=self._run, args=(job, args, sent, dict(env or {})), daemon=True, name=f"genviz-{self.kind}").start()
        return name

    def look(self, name: str) -> dict[str, Any]:
        """Where a job stands: what is shown of it, seconds, final, and why it ended without a result ("" where it did not)."""
        job = self.job(name)
        job["touched"] = time.monotonic()
        final = job["final"]  # it is set last, so it is read first
        return {**job["shown"], "final": final, "error": job["error"], "seconds": round(time.monotonic() - job["begun"], 1)}

    def cancel(self, name: str) -> None:
        self._end(self.job(name), "Cancelled.")

    def job(self, name: str) -> dict[str, Any]:
        """Everything that is known of a job; ValueError for a name that was never given or is forgotten."""
        with self._lock:
            if name not in self._jobs:
                raise ValueError(f"This {self.noun} is no longer here; begin it again.")
            return self._jobs[name]

    def _end(self, job: dict, why: str) -> None:
        with self._lock:
            if not job["final"]:
                job["error"] = job["error"] or why
                if job["process"] is not None:
                    job["process"].kill()

    def _run(self, job: dict, args: list[str], sent: bytes, env: dict[str, str]) -> None:
        """Start the child, send what it reads, then take what it says until it ends.

        Linux kills a child when the thread that started it ends, so it is this one, which ends after the child.
        """
        try:
            with tempfile.TemporaryDirectory(prefix="genviz-") as folder:
                process = self._start(job, args, env | {"GENVIZ_RUNS": folder})
                if process is not None:
                    with process:
                        self._talk(job, process, sent)
        except OSError as error:
            job["error"] = job["error"] or f"Work on this {self.noun} cannot be started ({error.strerror or error})."
        if not job["error"]:
            try:
                job["shown"] |= self.finish(job)
            except KeyError:
                job["error"] = f"This {self.noun} ended without a result; the log of the app says why."
        job["final"] = True

    def _start(self, job: dict, args: list[str], env: dict[str, str]) -> subprocess.Popen | None:
        """The child; None where the job was cancelled before it began. It writes drafts into a folder that does not outlive it."""
        command = [sys.executable, "-m", self.module, str(os.getpid()), *args]
        with self._lock:
            if job["error"]:
                return None
            job["process"] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(1) | env)
        threading.Thread(target=self._guard, args=(job,), daemon=True, name=f"genviz-{self.kind}-guard").start()
        return job["process"]

    def _talk(self, job: dict, process: subprocess.Popen, sent: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(SIZE.pack(len(sent)) + sent)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]  # it stays open until the end: when it closes, the app is gone
        for line in process.stdout:  # type: ignore[union-attr]
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                job["error"] = job["error"] or said.pop("error", "")
                job["said"] |= said
                job["shown"] |= {k: said[k] for k in self.first if k in said}
        with contextlib.suppress(OSError):  # what it did not read is nobody's any more
            process.stdin.close()  # type: ignore[union-attr]

    def _guard(self, job: dict) -> None:
        while job["process"].poll() is None:
            time.sleep(1)
            if time.monotonic() - job["touched"] > self.patience:
                self._end(job, f"Nobody waited for this {self.noun}.")


def child() -> tuple[list[str], bytes, Callable[..., None]]:
    """In the child, first of all: the arguments of `start`, what was sent, and `say`. What libraries print goes to the log."""
    parent, *args = sys.argv[1:]
    die_with(int(parent))
    pipe, out = sys.stdin.buffer, sys.stdout
    sys.stdout = sys.stderr
    sent = pipe.read(*SIZE.unpack(pipe.read(SIZE.size)))
    die_with(int(parent), pipe)

    def say(**what: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            out.write(json.dumps(what) + "\n")
            out.flush()

    return args, sent, say


def environment(threads: int) -> dict[str, str]:
    """For a child that imports what we import, and computes with so many threads unless the user says another number."""
    paths = os.pathsep.join(dict.fromkeys(os.path.abspath(p) for p in [*sys.path, os.getcwd()]))
    threaded = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return threaded | os.environ | {"PYTHONPATH": paths}


def _until_closed(pipe: int) -> None:
    """Read to the end, past Python's own buffer: its lock, held by a thread that waits, would abort the end of the process."""
    while os.read(pipe, 4096):
        pass
    os._exit(0)


def die_with(parent: int, pipe: BinaryIO | None = None) -> None:
    """Ask the kernel to kill this process when the thread that started it ends, as with its parent (Linux). Elsewhere the end of the pipe
    does it: whoever does not read it himself gives `pipe`, from which nothing more is to come."""
    if pipe is not None:
        threading.Thread(target=_until_closed, args=(pipe.fileno(),), daemon=True, name="genviz-parent").start()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(0)
