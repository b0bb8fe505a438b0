"""Waiting in tests: for something to come true, never for a time to pass. The only place where a test sleeps."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(condition: Callable[[], Found], seconds: float = 300.0, missing: str = "It did not come true") -> Found:
    """The first value of `condition()` that is true, asked for again and again; an AssertionError where none comes in so many seconds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"{missing} within {seconds:g} seconds; it is {found!r}."
        time.sleep(0.01)
    return found


def answers(address: str) -> bool:
    """Whether a page is served at an address."""
    try:
        with urllib.request.urlopen(address, timeout=60) as page:
            return bool(page.read())
    except OSError:
        return False
