"""Commits: what each turn of the event loop did, into the journal, and out to whoever waits for that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import structlog

from floorwire.core.account_events import AccountEntry
from floorwire.ops.stats import DeskStats
from floorwire.protocol.desk_ports import DeskClient
from floorwire.storage.journal import JournalError, JournalSnapshot
from floorwire.trading.account_store import AccountStore
from floorwire.trading.commit_batch import Afterwards, CommitBatch, PendingAnswer
from floorwire.trading.private_fanout import PrivateFanout
from floorwire.trading.risk_status import RiskStatus

log = structlog.get_logger("floorwire.desk")


class Committer:
    """One journal's, from its opening until it fails. ``on_failure`` is called once, with why."""

    def __init__(
        self,
        book: AccountStore,
        streams: PrivateFanout,
        snapshot_records: int,
        on_failure: Callable[[Exception], None],
        stats: DeskStats,
    ) -> None:
        self.book = book
        self.risk_status = RiskStatus(book.order_manager)
        self._stats = stats
        self.saved_n, self.saved_s = book.snapshot_n, 0.0
        """The record of the last snapshot on disk, and when it was put there (monotonic; 0: before us)."""
        self._streams = streams
        self._snapshot_records = snapshot_records
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()  # to ask each turn would be a system call each turn
        self._turn = CommitBatch()
        self._is_due = False
        self.has_failed = False
        self._snapshot_n = book.snapshot_n
        self._snapshot: JournalSnapshot | None = None
        self.ready: asyncio.Queue[JournalSnapshot] = asyncio.Queue(1)
        """A snapshot to save, of what is durable."""

    def begin(self, stamp_us: int) -> None:
        """Write what the journal has to begin with, all or nothing of it."""
        first, entries = self.book.begin(stamp_us)
        turn = CommitBatch()
        turn.entries += entries
        if first or entries:
            self.book.journal.append([*first, *turn.records()], self._on_begun)

    def _on_begun(self, error: JournalError | None) -> None:
        if error is not None:
            self.fail(error)

    @property
    def behind(self) -> int:
        """How many records wait for the disk."""
        return self.book.journal.last_n - self.book.journal.durable_n

    def book_entries(self, entries: Sequence[AccountEntry]) -> None:
        """Journal these with the turn."""
        self._turn.entries += entries
        self._schedule()

    def rule(self, entries: Sequence[AccountEntry]) -> None:
        """Journal these with the turn; the halts and limits among them are in doubt until that is durable."""
        self.book_entries(entries)
        self.risk_status.doubt(entries)
        self.then(partial(self.risk_status.settle, entries))

    def answer(self, answer: PendingAnswer) -> None:
        """Tell the client when everything so far is durable."""
        self._turn.answers.append(answer)
        self._schedule()

    def then(self, afterwards: Afterwards) -> None:
        """Do this when everything so far is durable; never, where that fails."""
        self._turn.afterwards.append(afterwards)
        self._schedule()

    def fail(self, error: Exception) -> None:
        """Tell whoever waits, now and later, that nothing is certain; once."""
        if self.has_failed:
            return
        self.has_failed = True
        self.risk_status.is_current = False
        turn, self._turn = self._turn, CommitBatch()
        self._on_failure(error)
        turn.lose()

    def _schedule(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self.end_turn)

    def end_turn(self) -> None:
        """Hand the turn to the journal."""
        self._is_due = False
        turn, self._turn = self._turn, CommitBatch()
        if not (turn.entries or turn.answers or turn.afterwards):
            return
        if self.has_failed:
            turn.lose()
            return
        try:
            last_n = self.book.journal.append(
                turn.records(), partial(self._on_durable, turn, time.perf_counter_ns())
            )
        except Exception as error:  # of the journal; or what no record can hold, a fault of ours
            if not isinstance(error, JournalError):
                log.exception("fault", records=len(turn.entries))
            self._turn = turn
            self.fail(error)
            return
        since = last_n - self._snapshot_n
        # Where more orders are known, that much rarer: saving them all costs each record the same.
        if since >= self._snapshot_records and since >= self.book.order_manager.kept():
            self._snapshot_n = last_n
            self._snapshot = JournalSnapshot(last_n, self.book.order_manager.snapshot())

    def _on_durable(self, turn: CommitBatch, handed_ns: int, error: JournalError | None) -> None:
        if error is not None or self.has_failed:
            self.fail(error or JournalError("failed before"))
            turn.lose()
            return
        durable_ns = time.perf_counter_ns()
        told: dict[DeskClient, None] = turn.answer()
        self._streams.publish(turn.entries, told)
        for client in told:
            client.flush()
        if turn.entries:
            self._stats.commit_latency.observe((durable_ns - handed_ns) // 1000)
        snapshot = self._snapshot
        if snapshot is not None and snapshot.n <= self.book.journal.durable_n and self.ready.empty():
            self._snapshot = None
            self.ready.put_nowait(snapshot)

    @contextmanager
    def failing_alone(self, what: str) -> Iterator[None]:
        """Where the body raises, fail as if the journal had: the caller goes on, market data above all."""
        try:
            yield
        except Exception as fault:  # ours, or of a venue
            log.exception("fault", at=what)
            self.fail(fault)

    async def save_snapshots(self) -> None:
        """Save what is ready, until cancelled."""
        while True:
            snapshot = await self.ready.get()
            try:
                await self.book.journal.save_snapshot(snapshot)
                self.saved_n, self.saved_s = snapshot.n, time.monotonic()
            except Exception as error:  # of the disk; or what no snapshot can hold, a fault of ours
                self._stats.snapshot_failures += 1
                if isinstance(error, JournalError):
                    log.error("snapshot not saved", error=str(error))
                else:
                    log.exception("snapshot not saved")

    async def settled(self) -> None:
        """Return when everything so far is durable, or has failed."""
        done = asyncio.get_running_loop().create_future()
        try:
            self.end_turn()
            self.book.journal.append((), lambda _: done.set_result(None))
        except JournalError:
            return
        await done
