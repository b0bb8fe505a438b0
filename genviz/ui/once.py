"""Answers that take a while and are the same for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any


class Once:
    """Answers by key: made when first asked for, then remembered; a failure is not. Who hangs up ends nothing for others."""

    def __init__(self) -> None:
        self.made: dict[Hashable, asyncio.Future] = {}

    async def __call__(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:
        task = self.made.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self.made[key] = asyncio.ensure_future(make())
        return await asyncio.shield(task)
