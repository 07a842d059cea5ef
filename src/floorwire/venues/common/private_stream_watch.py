"""Notices that a private stream is open and tells nothing."""

from __future__ import annotations

from collections.abc import Hashable

from floorwire.venues.common.pending_requests import NEVER_US

MOST_KEPT = 1_000
"""Order ids of each kind. Older ones are forgotten."""


class PrivateStreamWatch:
    """Compares the orders that the exchange has accepted with those that its stream tells of.

    Most exchanges number nothing on this stream. A stream that has silently ended looks like a quiet one.
    """

    __slots__ = ("_due_us", "_patience_us", "_told")

    def __init__(self, patience_us: int) -> None:
        """``patience_us``: so long after an order was accepted the stream has told of it."""
        self._patience_us = patience_us
        self._due_us: dict[Hashable, int] = {}
        """By order: when the stream has to have told of it."""
        self._told: dict[Hashable, None] = {}
        """The orders that it told of last. The stream may be faster than the answer."""

    def accepted(self, order: Hashable, now_us: int) -> None:
        """The exchange said in an answer that it has the order."""
        if order not in self._told and len(self._due_us) < MOST_KEPT:
            self._due_us.setdefault(order, now_us + self._patience_us)

    def told(self, order: Hashable) -> None:
        """The stream told of the order."""
        self._due_us.pop(order, None)
        self._told[order] = None
        if len(self._told) > MOST_KEPT:
            del self._told[next(iter(self._told))]

    def due_us(self) -> int:
        """Return when the stream is overdue."""
        return next(iter(self._due_us.values()), NEVER_US)

    def is_overdue(self, now_us: int) -> bool:
        """Return whether the stream should have told of an order."""
        return now_us >= self.due_us()

    def clear(self) -> None:
        """Expect nothing of what was before. The stream is a new one."""
        self._due_us.clear()
