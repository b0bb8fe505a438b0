"""How long does it take to place a new image on the map, and how well does it lie there?

    python -m benchmarks.place [--data mnist] [--transform]

Every tenth point is taken off the shipped map and placed by its weighted nearest neighbours in latent space (genviz.map.Map.place: one
matrix product and a partial sort). Printed: median and 99th percentile of the time; the distance from where UMAP itself had put the
point; and the share of the ten nearest points on the map that have its class, beside the same share at UMAP's own place.
With --transform UMAP is fitted to the same 4,500 points and `umap.transform` places the other 500 (minutes). Target: <= 1 ms.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from genviz import map as maps  # noqa: E402
from genviz.remap import agreement  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--transform", action="store_true", help="also fit UMAP and compare with umap.transform")
    args = parser.parse_args()
    try:
        whole = maps.read(args.data)
    except ValueError as error:
        parser.error(str(error))
    out = np.arange(len(whole.mu)) % 10 == 0
    kept = maps.Map(whole.mu[~out], whole.xy[~out], whole.labels[~out], whole.about)
    rest, labels = whole.mu[out], whole.labels[out]
    kept.place(rest[0])
    spent, places = [], []
    for mu in rest:
        begun = time.perf_counter()
        places.append(kept.place(mu))
        spent.append((time.perf_counter() - begun) * 1000)
    median, worst = np.percentile(spent, [50, 99])
    far = np.median(np.linalg.norm(np.stack(places) - whole.xy[out], axis=1)) / np.linalg.norm(whole.xy.std(0))
    print(f"{args.data}: {len(kept.mu):,} points in {kept.mu.shape[1]} dimensions, {len(rest)} placed")
    print(f"weighted neighbours: {median:.3f} ms median, {worst:.3f} ms p99; target <= 1 ms: {'reached' if median <= 1 else 'missed'}")
    print(f"  {far:.2f} standard deviations of the map away from UMAP's own place (median)")
    placed, own = agreement(np.stack(places), labels, kept), agreement(whole.xy[out], labels, kept)
    print(f"  class agreement {placed:.3f}, at UMAP's own places {own:.3f}")
    if args.transform:
        begun = time.perf_counter()
        fitted = maps.layout(kept.mu, int(whole.about["n_neighbors"]), float(whole.about["min_dist"]))
        print(f"umap.fit of {len(kept.mu):,}, import and compilation with it: {time.perf_counter() - begun:.1f} s")
        fresh = maps.Map(kept.mu, fitted.embedding_.astype(np.float32), kept.labels, {})
        ours = np.stack([fresh.place(mu) for mu in rest])
        begun = time.perf_counter()
        fitted.transform(rest[:1])
        first = time.perf_counter() - begun
        begun = time.perf_counter()
        theirs = fitted.transform(rest)
        each = (time.perf_counter() - begun) * 1000 / len(rest)
        singles = []
        for mu in rest[:20]:
            begun = time.perf_counter()
            fitted.transform(mu[None])
            singles.append((time.perf_counter() - begun) * 1000)
        print(f"umap.transform: first point {first:.2f} s, then {np.median(singles):.1f} ms one at a time, {each:.2f} ms each in one batch")
        theirs, ours = agreement(theirs, labels, fresh), agreement(ours, labels, fresh)
        print(f"  class agreement on this map: umap.transform {theirs:.3f}, weighted neighbours {ours:.3f}")


if __name__ == "__main__":
    main()
