"""Bounds for what Gradio keeps of a session, by number and by age.

Two things cost memory. **State**: at a session's first question Gradio copies the configuration of every component of the page (0.5 MB and
40 ms), for "deep links", which are shut here: a `Session` copies none. **Mail**: what an event answers waits in a mailbox until the
session listens, which it may never do, and a film of 64 images and 1,000 frames is 25 MB. A mailbox that nobody has opened for a minute is
thrown away with all that is under way for it; the longest unopened ones sooner, where there are many or they hold much.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
from types import SimpleNamespace
from typing import Any

from gradio.state_holder import SessionState, StateHolder
from gradio.utils import LRUCache

AGE = 60.0  # seconds that a mailbox may stay unopened; a listener opens it at least every ten
GRACE = 3.0  # seconds that it may in any case, even in a crowd
BOXES, MAIL = 400, 2000  # mailboxes, and messages in all of them together, that may be unopened for longer than that
ROOM = 800  # events under way and waiting
LOOK = 0.1  # seconds between two looks of Gradio's queue for events, which are a few verbs over HTTP; its own are a thousand a second
STATES, IDLE = 2000, 3600.0  # sessions with a state, and seconds until an unused one is forgotten


class Session(SessionState):
    """A session's own changes of the page, without a copy of the page."""

    def __init__(self, blocks: Any):
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks=()))  # type: ignore[arg-type]


class Sessions(StateHolder):
    """Sessions by name; the longest unused one makes room."""

    def __getitem__(self, session_id: str) -> SessionState:
        with self.lock:
            if session_id not in self.session_data:
                self.session_data[session_id] = Session(self.blocks)
        return super().__getitem__(session_id)

    def forget(self, idle: float = IDLE) -> None:
        """Forget who has not been here for `idle` seconds."""
        before = datetime.datetime.now() - datetime.timedelta(seconds=idle)
        with self.lock:
            for name in [name for name, used in list(self.time_last_used.items()) if used < before]:
                self.session_data.pop(name, None)
                self.time_last_used.pop(name, None)


class Mailbox(asyncio.Queue):
    """A mailbox that knows since when nobody has opened it."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = time.monotonic()

    async def get(self) -> Any:
        self.opened = time.monotonic()
        return await super().get()


class Mailboxes(LRUCache):
    """Gradio's mailboxes by session; whatever queue is put in, a `Mailbox` is kept."""

    def __setitem__(self, session: str, _: Any) -> None:
        super().__setitem__(session, Mailbox())


class Bounds:
    """Keeps the sessions of one page within bounds."""

    def __init__(self, demo: Any):
        self._demo = demo

    def full(self) -> bool:
        """No event more may be asked for."""
        return len(self._demo._queue.event_ids_to_events) >= ROOM

    @contextlib.asynccontextmanager
    async def kept(self, app: Any):
        """While the app runs."""
        self._demo.state_session_capacity = STATES
        app.state_holder = Sessions()
        app.state_holder.set_blocks(self._demo)
        self._demo._queue.pending_messages_per_session = Mailboxes(STATES)
        self._demo._queue.sleep_when_free = LOOK
        self._demo._queue.progress_update_sleep_when_free = 5 * LOOK  # for bars of Gradio's, of which there are none here
        task = asyncio.create_task(self._watch(app))
        try:
            yield
        finally:
            task.cancel()

    async def _watch(self, app: Any) -> None:
        while True:
            await asyncio.sleep(1.0)
            for session in stale(self._demo._queue.pending_messages_per_session, time.monotonic()):
                await drop(self._demo._queue, session)
            app.state_holder.forget()


def stale(boxes: dict[str, Mailbox], now: float) -> list[str]:
    """The sessions whose mailboxes have to go, the longest unopened first."""
    unopened = sorted((now - box.opened, name) for name, box in boxes.items() if now - box.opened > GRACE)
    mail, count, gone = sum(boxes[name].qsize() for _, name in unopened), len(unopened), []
    for age, name in reversed(unopened):
        if age > AGE or mail > MAIL or count > BOXES:
            gone.append(name)
            mail, count = mail - boxes[name].qsize(), count - 1
    return gone


async def drop(queue: Any, session: str) -> None:
    """Throw a mailbox away; what is under way for it ends at its next step."""
    await queue.clean_events(session_hash=session)
    queue.pending_messages_per_session.pop(session, None)
    for event in queue.pending_event_ids_session.pop(session, ()):
        if (known := queue.event_ids_to_events.get(event)) is not None:
            known.alive = False
