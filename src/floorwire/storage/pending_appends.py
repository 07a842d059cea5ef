"""Appends that are not durable yet: counted, limited, and completed in order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence

import msgspec

from floorwire.storage.journal import (
    JournalBrokenError,
    JournalEntry,
    JournalError,
    JournalFullError,
    OnDurable,
    WhileWriting,
)

TURN_NS = 3_000_000
"""How long callbacks may hold the event loop in one turn."""


class PendingAppend(msgspec.Struct, frozen=True):
    """The arguments of one append."""

    entries: Sequence[JournalEntry]
    on_durable: OnDurable
    while_writing: WhileWriting | None = None


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
        self.count = 0
        """Records that wait now: for the disk, or for their callbacks."""
        self._done: deque[AppendsDone] = deque()
        """Commits that have ended, and whose callbacks were not all called."""

    def admit(self, entries: Sequence[JournalEntry]) -> int:
        """Number the entries and return the last number. Raises as ``Journal.append`` does."""
        if self.broken is not None:
            raise JournalBrokenError(str(self.broken))
        # One append of any size is admitted below the limit. Otherwise a large one could never be.
        if self.count >= self._limit and entries:
            raise JournalFullError(self.count, self._limit)
        self.count += len(entries)
        self.last_n += len(entries)
        return self.last_n

    def complete(self, done: AppendsDone) -> None:
        """Call each append's ``on_durable``, in order.

        After a disk has stalled there may be thousands. After TURN_NS, and where one raises, the others are
        called in the loop's next turn.
        """
        if done.error is not None:
            self.broken = done.error
        self._done.append(done)
        if len(self._done) == 1:  # otherwise a later turn comes to it
            self._call_back()

    def _call_back(self) -> None:
        until_ns, ended = 0, self._done
        try:
            while ended:
                appends, error = ended[0].appends, ended[0].error or self._failed
                while appends:
                    append = appends.popleft()
                    records = len(append.entries)
                    self.count -= records
                    if error is None:
                        self.durable_n += records
                    append.on_durable(error)
                    if appends:  # most commits have one append: they do not ask for the time
                        until_ns = until_ns or time.monotonic_ns() + TURN_NS
                        if time.monotonic_ns() >= until_ns:
                            return
                ended.popleft()
        finally:
            if ended:
                asyncio.get_running_loop().call_soon(self._call_back)

    def fail(self, error: JournalError) -> None:
        """Refuse all further appends, and tell no append that waits as durable."""
        self.broken = self._failed = error

    def close(self) -> None:
        """Refuse all further appends."""
        if self.broken is None:
            self.broken = JournalBrokenError("the journal is closed")
