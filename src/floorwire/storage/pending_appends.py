"""Appends that are not durable yet: counted, limited, and completed in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec

from floorwire.storage.journal import (
    JournalBrokenError,
    JournalEntry,
    JournalError,
    JournalFullError,
    OnDurable,
)


class PendingAppend(msgspec.Struct, frozen=True):
    """The arguments of one append."""

    entries: Sequence[JournalEntry]
    on_durable: OnDurable


class AppendsDone(msgspec.Struct, frozen=True):
    """Appends whose commit has ended, in order. ``error`` is None, or why they may not be durable."""

    appends: deque[PendingAppend]
    error: JournalError | None = None


class PendingAppends:
    """Record numbers, and the number of records that wait for the disk. Used on the event loop only."""

    def __init__(self, limit: int, last_n: int) -> None:
        """``limit``: records that may wait. ``last_n``: the last record of the opened journal."""
        self.last_n = last_n
        self.durable_n = last_n
        self.broken: JournalError | None = None
        self._failed: JournalError | None = None
        """Why no append is told as durable any more, whatever its commit says."""
        self._limit = limit
        self._count = 0
        """Records that wait now."""

    def admit(self, entries: Sequence[JournalEntry]) -> int:
        """Number the entries and return the last number. Raises as ``Journal.append`` does."""
        if self.broken is not None:
            raise JournalBrokenError(str(self.broken))
        # One append of any size is admitted below the limit. Otherwise a large one could never be.
        if self._count >= self._limit and entries:
            raise JournalFullError(self._count, self._limit)
        self._count += len(entries)
        self.last_n += len(entries)
        return self.last_n

    def complete(self, done: AppendsDone) -> None:
        """Call each append's ``on_durable``, in order.

        Where one raises, the others are called in the loop's next turn.
        """
        error = done.error or self._failed
        if error is not None:
            self.broken = error
        try:
            while done.appends:
                append = done.appends.popleft()
                self._count -= len(append.entries)
                if error is None:
                    self.durable_n += len(append.entries)
                append.on_durable(error)
        finally:
            if done.appends:
                asyncio.get_running_loop().call_soon(self.complete, done)

    def fail(self, error: JournalError) -> None:
        """Refuse all further appends, and tell no append that waits as durable."""
        self.broken = self._failed = error

    def close(self) -> None:
        """Refuse all further appends."""
        if self.broken is None:
            self.broken = JournalBrokenError("the journal is closed")
