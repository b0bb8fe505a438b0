"""Every film that is known: by its order while it is made and afterwards, and by the tickets of those who ordered it.

Both are bounded. Finished films are kept within `Limits.kept` bytes; who was not asked for longest goes first, and its tickets with it.
A film that failed or was stopped is not found by its order: whoever asks again has it made again.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict

from genviz.engine.job import Full, Job, Limits, Ticket


class Films:
    """Always used under the lock of the engine."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.tickets: OrderedDict[str, Ticket] = OrderedDict()  # in the order of their last use
        self._by_order: dict[str, Job] = {}
        self._finished: OrderedDict[str, Job] = OrderedDict()  # by id, in the order of their last use
        self._bytes = 0  # of finished films

    def find(self, key: str) -> Job | None:
        """The film of an order, whether it waits, runs or is done."""
        return self._by_order.get(key)

    def add(self, job: Job) -> None:
        if job.key:
            self._by_order[job.key] = job

    def make_room(self) -> None:
        """For one ticket more. Full where too many are in use."""
        if len(self.tickets) >= self.limits.records:
            old = next((ticket for ticket in self.tickets.values() if ticket.final), None)
            if old is None:
                raise Full("The house is full: too many films are being watched; try again in a minute.")
            self._forget(old)

    def hand_out(self, job: Job, client: str = "") -> Ticket:
        """A ticket for a film."""
        ticket = Ticket(secrets.token_urlsafe(16), job, client)
        self.tickets[ticket.id] = job.tickets[ticket.id] = ticket
        self.use(ticket)
        return ticket

    def use(self, ticket: Ticket) -> None:
        """It was asked for: it and its film are forgotten last."""
        self.tickets.move_to_end(ticket.id)
        if ticket.job.id in self._finished:
            self._finished.move_to_end(ticket.job.id)

    def finish(self, job: Job) -> None:
        """A film has ended; others make room for it."""
        if job.status != "done" and self._by_order.get(job.key) is job:
            del self._by_order[job.key]
        self._finished[job.id] = job
        self._bytes += job.bytes
        while len(self._finished) > 1 and (self._bytes > self.limits.kept or len(self._finished) > self.limits.records):
            _, old = self._finished.popitem(last=False)
            self._bytes -= old.bytes
            if self._by_order.get(old.key) is old:
                del self._by_order[old.key]
            for ticket in [t for t in self.tickets.values() if t.job is old]:
                self._forget(ticket)

    def _forget(self, ticket: Ticket) -> None:
        self.tickets.pop(ticket.id, None)
        ticket.job.tickets.pop(ticket.id, None)
