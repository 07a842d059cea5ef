"""The journal of ``journal=memory``: it keeps records in memory and loses them when the process ends."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from operator import attrgetter

from floorwire.storage.journal import (
    ForgottenError,
    JournalEntry,
    JournalError,
    JournalPart,
    JournalRecord,
    JournalSnapshot,
    OnDurable,
    OnWritten,
    WhileWriting,
)
from floorwire.storage.pending_appends import AppendsDone, PendingAppend, PendingAppends

_n = attrgetter("n")


class MemoryJournal:
    """Keeps the latest records only. Each turn of the event loop commits all that was appended before it.

    ``max_waiting``: records that may wait for the commit. ``max_kept``: records that are kept.
    """

    def __init__(self, max_waiting: int, max_kept: int) -> None:
        self._max_kept = max_kept
        self._loop: asyncio.AbstractEventLoop | None = None
        self._kept_n = 0
        self._kept: deque[JournalRecord] = deque()
        self._by_account: defaultdict[str, deque[JournalRecord]] = defaultdict(deque)
        self._waiting = PendingAppends(max_waiting, 0)
        self._appends: deque[PendingAppend] = deque()
        self._snapshot: JournalSnapshot | None = None

    @property
    def last_n(self) -> int:
        return self._waiting.last_n

    @property
    def durable_n(self) -> int:
        return self._waiting.durable_n

    @property
    def undurable_records(self) -> int:
        return self._waiting.count

    @property
    def broken(self) -> JournalError | None:
        return self._waiting.broken

    @property
    def checkpoint_failures(self) -> int:
        return 0

    @property
    def is_restored(self) -> bool:
        return False

    @property
    def first_n(self) -> int:
        """The number of the first record that is kept; where none is, of the next one."""
        return self._kept[0].n if self._kept else self._kept_n + 1

    def append(
        self,
        entries: Sequence[JournalEntry],
        on_durable: OnDurable,
        while_writing: WhileWriting | None = None,
    ) -> int:
        last_n = self._waiting.admit(entries)
        if not self._appends:
            self._loop = self._loop or asyncio.get_running_loop()  # looked up once: it is a system call
            self._loop.call_soon(self._commit)
        self._appends.append(PendingAppend(entries, on_durable))
        return last_n

    def _commit(self) -> None:
        appends, self._appends = self._appends, deque()
        for append in appends:
            for entry in append.entries:
                self._keep(entry)
        self._waiting.complete(AppendsDone(appends))

    def _keep(self, entry: JournalEntry) -> None:
        self._kept_n += 1
        record = JournalRecord(self._kept_n, entry.account, entry.kind, entry.ts_us, entry.payload)
        self._kept.append(record)
        self._by_account[record.account].append(record)
        if len(self._kept) > self._max_kept:
            self._forget(self._kept.popleft())

    def _forget(self, record: JournalRecord) -> None:
        records = self._by_account[record.account]
        records.popleft()
        if not records:
            del self._by_account[record.account]

    def read(self, after_n: int = 0) -> Iterator[JournalRecord]:
        self._check_kept(after_n)
        yield from [record for record in self._kept if record.n > after_n]

    async def read_account(
        self, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        records: Sequence[JournalRecord] = self._by_account.get(account, ())
        if back:
            end = bisect_left(records, n, key=_n)
            if end == 0 and n > 1 < self.first_n:
                raise ForgottenError(n, self.first_n)
            return [records[at] for at in range(end - 1, max(end - limit, 0) - 1, -1)]
        self._check_kept(n)
        begin = bisect_right(records, n, key=_n)
        return [records[at] for at in range(begin, min(begin + limit, len(records)))]

    async def read_commits(self, after_n: int, limit: int) -> JournalPart:
        self._check_kept(after_n)
        begin = after_n + 1 - self.first_n
        end = min(begin + limit, len(self._kept))
        records = [self._kept[at] for at in range(begin, end)]
        return JournalPart(records, after_n + len(records), b"")

    async def digest_at(self, n: int) -> bytes | None:
        return None

    def latest(self, account: str, kind: str) -> JournalRecord | None:
        records = reversed(self._by_account.get(account, deque()))
        return next((record for record in records if record.kind == kind), None)

    def _check_kept(self, after_n: int) -> None:
        if after_n + 1 < self.first_n:
            raise ForgottenError(after_n, self.first_n)

    async def save_snapshot(self, snapshot: JournalSnapshot) -> None:
        if snapshot.n > self.durable_n:
            raise ValueError(f"a snapshot of record {snapshot.n}; durable is only {self.durable_n}")
        if self._snapshot is None or snapshot.n >= self._snapshot.n:
            self._snapshot = snapshot

    def latest_snapshot(self) -> JournalSnapshot | None:
        return self._snapshot

    def write_intent(self, intent: bytes, on_written: OnWritten) -> bool:
        return False

    def discard_intent(self) -> None:
        return None

    def intent(self) -> bytes | None:
        return None

    def check(self) -> None:
        return None

    def close(self) -> None:
        self._waiting.close()
