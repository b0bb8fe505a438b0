"""What the app computes in processes of their own belongs to whoever began it, and ends with the app."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from until import until

from genviz import compare
from genviz.remap import Remaps
from genviz.remeasure import Remeasures

ROOT = Path(__file__).resolve().parent.parent
POINTS = {"mu": np.zeros((500, 4), np.float32), "labels": np.zeros(500, int), "rest": np.zeros((2, 4), np.float32),
          "rest_labels": np.zeros(2, int), "own": np.zeros((0, 4), np.float32), "n_neighbors": np.int64(5),
          "min_dist": np.float64(0.1)}  # fmt: skip
APP = """
import sys
sys.path.insert(0, "tests")
from test_children import begin
from until import until
jobs, name = begin(sys.argv[1])
until(lambda: jobs.look(name)["stage"] != "starting")
print(jobs._jobs[name]["process"].pid, flush=True)
sys.stdin.read()
"""


def begin(kind: str) -> tuple[Remaps | Remeasures, str]:
    if kind == "map":
        jobs = Remaps()
        return jobs, jobs.start(POINTS, {})
    jobs = Remeasures()
    return jobs, jobs.start(next(row for row in compare.read() if row.name == "diffusion/ddpm"), 0)


def final(jobs: Remaps | Remeasures, name: str) -> dict:
    """Where it stands when it has ended."""
    until(lambda: jobs.look(name)["final"])
    return jobs.look(name)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("kind", ["map", "measurement"])
def test_nobody_guesses_the_name_of_what_somebody_else_began(kind: str) -> None:
    jobs, name = begin(kind)
    prefix, _, secret = name.partition("-")
    try:
        assert len(secret) >= 20
        for guess in (f"{prefix}-1", f"{prefix}-0", "", name[:-1], name + "0"):
            for verb in (jobs.look, jobs.cancel):
                with pytest.raises(ValueError, match="no longer here"):
                    verb(guess)
        assert jobs.look(name)["error"] == ""
    finally:
        jobs.cancel(name)
    assert final(jobs, name)["error"] == "Cancelled."


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["map", "measurement"])
def test_it_ends_with_the_app_however_that_ends(kind: str) -> None:
    app = subprocess.Popen([sys.executable, "-c", APP, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    child = int(app.stdout.readline())
    assert alive(child)
    app.send_signal(signal.SIGKILL)
    app.wait()
    until(lambda: not alive(child), missing="It did not end with the app")
    app.stdin.close()
    app.stdout.close()


def test_what_cannot_be_started_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(subprocess, "Popen", full)
    for kind in ("map", "measurement"):
        jobs, name = begin(kind)
        assert "cannot be started (No space left on device)" in final(jobs, name)["error"]
