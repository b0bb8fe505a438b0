"""A live layout: UMAP of a part of the map with other parameters, in a process of its own (genviz.background).

Importing and compiling umap takes seconds and its loops keep a core busy, so the app starts `python -m genviz.remap`, sends it the
latent points, and hears of its progress and its result. The process also places further points in both ways, by weighted neighbours and
by `umap.transform`, to compare the two.
"""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import numpy as np

from genviz import argument
from genviz.argument import Command, reader
from genviz.background import Background, child
from genviz.map import Map, layout, umap_must_be_there


class Remaps(Background):
    """The layouts under way and the last finished ones, by name."""

    module, kind, noun, live = "genviz.remap", "remap", "map", 2
    full = "2 maps are being computed already; try again in a minute."
    first = {"stage": "starting", "share": 0.0, "found": None}

    def start(self, points: dict[str, np.ndarray], about: dict[str, str]) -> str:
        """Begin a layout; `points` is what `main` reads. Returns the job's name; ValueError where too many are under way or umap-learn is
        not installed."""
        umap_must_be_there()
        file = io.BytesIO()
        np.savez(file, **points)  # type: ignore[arg-type]
        return self.begin([], (points, about), file.getvalue(), {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})

    def finish(self, job: dict[str, Any]) -> dict[str, Any]:
        points, about = job["about"]
        xy = np.frombuffer(base64.b64decode(job["said"]["xy"]), np.float32).reshape(-1, 2)
        job["map"] = Map(points["mu"], xy, points["labels"], about)
        return {"found": {k: v for k, v in job["said"].items() if k not in ("xy", *self.first)}}

    def map(self, name: str) -> tuple[Map, np.ndarray]:
        """A finished layout and the places of its points in the exhibit; ValueError while it is not finished."""
        job = self.job(name)
        if "map" not in job:
            raise ValueError("This map is not finished.")
        return job["map"], job["about"][0]["index"]


def agreement(places: np.ndarray, labels: np.ndarray, of: Map, k: int = 10) -> float:
    """Share of the k nearest map points (in the plane) that have the class of a placed point: places (M, 2), labels (M,)."""
    d2 = np.square(places[:, None] - of.xy[None]).sum(2)
    near = np.argpartition(d2, k, axis=1)[:, :k]
    return float((of.labels[near] == labels[:, None]).mean())


def main() -> None:
    """The child: what was sent is an npz with mu, labels, rest, rest_labels, own (0 or 1, z_dim), n_neighbors and min_dist."""
    command = Command("python -m genviz.remap", "Lay out latent points that come on stdin. The app starts this; it is of no use by hand.")
    command.add_argument("parent", type=reader(argument.whole, "parent", 0, 2**31), help="the process of the app, with which it ends")
    command.parse_args()
    _, sent, say = child()
    say(stage="loading umap (the first time it compiles itself)", share=0.02)
    points = np.load(io.BytesIO(sent))
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


if __name__ == "__main__":
    main()
