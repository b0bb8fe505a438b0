"""How many cores there are, and how they are shared out among the workers."""

from __future__ import annotations

import os

from genviz import argument

MOST = 4  # workers


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """CPU threads of a worker: its share of the cores, or GENVIZ_THREADS. Constant, since the count may change the last bits of a film."""
    return argument.threads(os.environ.get("GENVIZ_THREADS") or max(1, cores() // workers()))


def workers() -> int:
    """How many workers the cores have room for when many films are asked for: two from two cores on, four from eight on."""
    if os.environ.get("GENVIZ_THREADS"):
        return max(1, min(MOST, cores() // threads()))
    return min(MOST, cores(), max(2, cores() // 2))
