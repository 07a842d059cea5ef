"""Who waits for the disk: counted, bounded, and told in order."""

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
    """What one append asked for."""

    entries: Sequence[JournalEntry]
    on_durable: OnDurable


class AppendsDone(msgspec.Struct, frozen=True):
    """What became of appends, in order: None, or why they may not be durable."""

    appends: deque[PendingAppend]
    error: JournalError | None = None


class PendingAppends:
    """The numbers of a journal and its appenders, on the event loop."""

    def __init__(self, limit: int, last_n: int) -> None:
        self.last_n = last_n
        self.durable_n = last_n
        self.broken: JournalError | None = None
        self._limit = limit
        self._count = 0

    def take(self, entries: Sequence[JournalEntry]) -> int:
        """Count the entries in; return the number of the last. Raises as ``Journal.append`` does."""
        if self.broken is not None:
            raise JournalBrokenError(str(self.broken))
        if self._count >= self._limit and entries:  # one append of any size fits: none is refused for good
            raise JournalFullError(self._count, self._limit)
        self._count += len(entries)
        self.last_n += len(entries)
        return self.last_n

    def tell(self, done: AppendsDone) -> None:
        """Tell the appenders in order; where one raises, the others at the loop's next turn."""
        if done.error is not None:
            self.broken = done.error
        try:
            while done.appends:
                append = done.appends.popleft()
                self._count -= len(append.entries)
                if done.error is None:
                    self.durable_n += len(append.entries)
                append.on_durable(done.error)
        finally:
            if done.appends:
                asyncio.get_running_loop().call_soon(self.tell, done)

    def close(self) -> None:
        """Take no more."""
        if self.broken is None:
            self.broken = JournalBrokenError("the journal is closed")
