"""The journal of ``journal=memory``: as fast as memory, and gone with the process."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from floorwire.storage.journal import (
    Entry,
    ForgottenError,
    JournalBrokenError,
    JournalError,
    JournalFullError,
    OnDurable,
    Record,
    Snapshot,
)


class MemoryJournal:
    """Keeps the latest records only; the loop's next turn stands for the disk, and batches form as there."""

    def __init__(self, max_waiting: int, max_kept: int) -> None:
        self._max_waiting = max_waiting
        self._max_kept = max_kept
        self._kept: deque[Record] = deque()
        self._by_account: defaultdict[str, deque[Record]] = defaultdict(deque)
        self._waiting: list[Record] = []
        self._told: list[OnDurable] = []
        self._snapshot: Snapshot | None = None
        self._last_n = 0
        self._durable_n = 0
        self._broken: JournalError | None = None

    @property
    def last_n(self) -> int:
        return self._last_n

    @property
    def durable_n(self) -> int:
        return self._durable_n

    @property
    def broken(self) -> JournalError | None:
        return self._broken

    @property
    def first_n(self) -> int:
        """The number of the first record that is kept, or that will be."""
        return self._kept[0].n if self._kept else self._durable_n + 1

    def append(self, entries: Sequence[Entry], on_durable: OnDurable) -> int:
        if self._broken is not None:
            raise self._broken
        if len(self._waiting) + len(entries) > self._max_waiting:
            raise JournalFullError(len(self._waiting), self._max_waiting)
        for entry in entries:
            self._last_n += 1
            self._waiting.append(Record(self._last_n, entry.account, entry.kind, entry.ts_us, entry.payload))
        if not self._told:
            asyncio.get_running_loop().call_soon(self._commit)
        self._told.append(on_durable)
        return self._last_n

    def _commit(self) -> None:
        records, told = self._waiting, self._told
        self._waiting, self._told = [], []
        for record in records:
            self._kept.append(record)
            self._by_account[record.account].append(record)
        while len(self._kept) > self._max_kept:
            self._forget(self._kept.popleft())
        if records:
            self._durable_n = records[-1].n
        for on_durable in told:
            on_durable(None)

    def _forget(self, record: Record) -> None:
        records = self._by_account[record.account]
        records.popleft()
        if not records:
            del self._by_account[record.account]

    def read(self, after_n: int = 0) -> Iterator[Record]:
        self._check_kept(after_n)
        yield from [record for record in self._kept if record.n > after_n]

    async def read_account(self, account: str, after_n: int, limit: int) -> Sequence[Record]:
        self._check_kept(after_n)
        newer: deque[Record] = deque(maxlen=limit)
        for record in reversed(self._by_account.get(account, ())):
            if record.n <= after_n:
                break
            newer.appendleft(record)
        return list(newer)

    def _check_kept(self, after_n: int) -> None:
        if after_n + 1 < self.first_n:
            raise ForgottenError(after_n, self.first_n)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.n > self._durable_n:
            raise ValueError(f"a snapshot of record {snapshot.n}; durable is only {self._durable_n}")
        if self._snapshot is None or snapshot.n >= self._snapshot.n:
            self._snapshot = snapshot

    def latest_snapshot(self) -> Snapshot | None:
        return self._snapshot

    def close(self) -> None:
        if self._broken is None:
            self._broken = JournalBrokenError("the journal is closed")
