"""Group commit: all entries of one turn of the event loop are one append to the journal.

Replies and private events are sent when that append is durable, never before it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import msgspec
import structlog

from floorwire.core.account_events import AccountEntry
from floorwire.ops.stats import DeskStats
from floorwire.protocol.desk_ports import DeskClient
from floorwire.storage.journal import JournalError, JournalSnapshot
from floorwire.trading.account_store import AccountStore
from floorwire.trading.commit_batch import Callback, CommitBatch, DurableReply
from floorwire.trading.private_fanout import PrivateFanout
from floorwire.trading.risk_status import RiskStatus

log = structlog.get_logger("floorwire.desk")


class WaitingOrder(msgspec.Struct, frozen=True):
    """An order whose intent is being written, and what is called when it is on the disk."""

    order_id: int
    callbacks: list[Callback] = []


class Committer:
    """Collects a batch a turn, appends it to the journal, and sends what waited for it.

    There is one for each opening of the journal. When the journal fails, it ends: ``on_failure`` is called
    once, with the error.
    """

    def __init__(
        self,
        store: AccountStore,
        private_fanout: PrivateFanout,
        snapshot_records: int,
        on_failure: Callable[[Exception], None],
        stats: DeskStats,
    ) -> None:
        self.store = store
        self.risk_status = RiskStatus(store.order_manager)
        self._stats = stats
        self.saved_snapshot_n, self.snapshot_saved_s = store.snapshot_n, 0.0
        """The last record in the snapshot on disk, and when we saved it (monotonic seconds; 0: not by us)."""
        self._private_fanout = private_fanout
        self._snapshot_records = snapshot_records
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()  # looking it up each turn costs a system call
        self._batch = CommitBatch()
        self._is_commit_scheduled = False
        self._waiting_order: WaitingOrder | None = None
        self.has_failed = False
        self._snapshot_n = store.snapshot_n
        self._snapshot: JournalSnapshot | None = None
        self._snapshots_to_save: asyncio.Queue[JournalSnapshot] = asyncio.Queue(1)
        """At most one; all its records are durable."""

    def write_opening_records(self, stamp_us: int) -> None:
        """Append the first records in one write: all of them, or none."""
        first, entries = self.store.opening_records(stamp_us)
        batch = CommitBatch()
        batch.entries += entries
        if first or entries:
            self.store.journal.append([*first, *batch.journal_entries()], self._on_opening_records)

    def _on_opening_records(self, error: JournalError | None) -> None:
        if error is not None:
            self.fail(error)

    def add_entries(self, entries: Sequence[AccountEntry]) -> None:
        """Add entries to this turn's batch."""
        self._batch.entries += entries
        if not self._is_commit_scheduled:  # as ``_schedule``, without a call: orders come here
            self._is_commit_scheduled = True
            self._loop.call_soon(self._end_turn)

    def add_risk_entries(self, entries: Sequence[AccountEntry]) -> None:
        """Add changes of halts and limits. They are uncertain until the batch is durable."""
        self.add_entries(entries)
        self.risk_status.mark_uncertain(entries)
        self.when_durable(partial(self.risk_status.mark_durable, entries))

    def reply_when_durable(self, reply: DurableReply) -> None:
        """Send the reply when everything so far is durable; an error where the journal fails."""
        self._batch.replies.append(reply)
        if not self._is_commit_scheduled:
            self._schedule()

    def when_durable(self, callback: Callback) -> None:
        """Call back when everything so far is durable; never where the journal fails."""
        self._batch.callbacks.append(callback)
        if not self._is_commit_scheduled:
            self._schedule()

    def while_writing(self, callback: Callback) -> None:
        """Call back while the disk writes what was added so far. It may not be called. It never raises."""
        self._batch.preparations.append(callback)

    # --- an order whose intent is written before its records ----------------------------------------

    @property
    def takes_intents(self) -> bool:
        """Whether ``write_intent`` may succeed: this turn has changed nothing, and no intent is written."""
        batch = self._batch
        return not (batch.entries or batch.callbacks or self.has_failed or self._waiting_order)

    def write_intent(self, order_id: int, intent: bytes) -> bool:
        """Begin to write the intent of the order that is decided next; return whether that is possible.

        Until it is on the disk, nothing is appended to the journal: the order leaves first. Call
        ``discard_intent`` where the order is refused.
        """
        if not self.takes_intents or not self.store.journal.write_intent(intent, self._on_intent):
            return False
        self._waiting_order = WaitingOrder(order_id)
        return True

    def discard_intent(self) -> None:
        """The order was refused."""
        self._waiting_order = None
        self.store.journal.discard_intent()

    def when_order_durable(self, order_id: int, callback: Callback) -> bool:
        """Call back when the order is durable; never where the journal fails.

        Return whether the disk writes it already, as an intent. Else it is as ``when_durable``.
        """
        waiting = self._waiting_order
        if waiting is None or waiting.order_id != order_id:
            self.when_durable(callback)
            return False
        waiting.callbacks.append(callback)
        return True

    def _on_intent(self, is_written: bool) -> None:
        waiting, self._waiting_order = self._waiting_order, None
        if waiting is None:  # it was refused, or all has failed
            return
        for callback in waiting.callbacks:
            if is_written:
                callback()
            else:
                self.when_durable(callback)
        self.commit()

    def fail(self, error: Exception, failed: CommitBatch | None = None) -> None:
        """Stop: waiting requests, and those of batches on their way, get an error.

        ``failed``: the batch whose commit failed. Its requests came before those that wait, and so do its
        errors. After a failure only these are told.
        """
        if self.has_failed:
            if failed is not None:
                failed.reply_outcome_unknown()
            return
        self.has_failed, self._waiting_order = True, None
        self.risk_status.is_current = False
        batch, self._batch = self._batch, CommitBatch()
        self._on_failure(error)
        if failed is not None:
            failed.reply_outcome_unknown()
        batch.reply_outcome_unknown()

    def _schedule(self) -> None:
        self._is_commit_scheduled = True
        self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        """Commit, unless an order's intent is being written: the order leaves first."""
        if self._waiting_order is None:
            self.commit()

    def commit(self) -> None:
        """Append the batch to the journal."""
        self._is_commit_scheduled = False
        batch, self._batch = self._batch, CommitBatch()
        if not (batch.entries or batch.replies or batch.callbacks):
            return
        if self.has_failed:
            batch.reply_outcome_unknown()
            return
        try:
            last_n = self.store.journal.append(
                batch.journal_entries(),
                partial(self._on_durable, batch, time.perf_counter_ns()),
                batch.prepare if batch.preparations else None,
            )
        except Exception as error:  # of the journal; or what no record can hold, a bug of ours
            if not isinstance(error, JournalError):
                log.exception("fault", records=len(batch.entries))
            self._batch = batch
            self.fail(error)
            return
        since = last_n - self._snapshot_n
        # With more orders, snapshots are rarer, so that the cost for each record stays the same.
        if since >= self._snapshot_records and since >= self.store.order_manager.kept_count():
            self._snapshot_n = last_n
            self._snapshot = JournalSnapshot(last_n, self.store.order_manager.snapshot())

    def _on_durable(self, batch: CommitBatch, appended_ns: int, error: JournalError | None) -> None:
        if error is not None or self.has_failed:
            self.fail(error or JournalError("failed before"), batch)
            return
        durable_ns = time.perf_counter_ns()
        recipients: dict[DeskClient, None] = batch.send_replies()
        self._private_fanout.publish(batch.entries, recipients)
        for client in recipients:
            client.flush()
        if batch.entries:
            self._stats.commit_latency.observe((durable_ns - appended_ns) // 1000)
        snapshot = self._snapshot
        if (
            snapshot is not None
            and snapshot.n <= self.store.journal.durable_n
            and self._snapshots_to_save.empty()
        ):
            self._snapshot = None
            self._snapshots_to_save.put_nowait(snapshot)

    @contextmanager
    def fail_on_error(self, source: str) -> Iterator[None]:
        """Fail where the body raises, as if the journal had. The caller goes on: market data too."""
        try:
            yield
        except Exception as fault:  # a bug of ours or of a venue
            log.exception("fault", at=source)
            self.fail(fault)

    async def save_snapshots(self) -> None:
        """Save snapshots as they become durable, until cancelled."""
        while True:  # No name here keeps a snapshot: it holds all that was kept when it was made.
            await self._save(await self._snapshots_to_save.get())

    async def _save(self, snapshot: JournalSnapshot) -> None:
        try:
            await self.store.journal.save_snapshot(snapshot)
            self.saved_snapshot_n, self.snapshot_saved_s = snapshot.n, time.monotonic()
        except Exception as error:  # of the disk; or what no snapshot can hold, a bug of ours
            self._stats.snapshot_failures += 1
            if isinstance(error, JournalError):
                log.error("snapshot not saved", error=str(error))
            else:
                log.exception("snapshot not saved")

    async def wait_until_durable(self) -> None:
        """Return when everything so far is durable, or has failed."""
        done = asyncio.get_running_loop().create_future()
        try:
            self.commit()
            self.store.journal.append((), lambda _: None if done.done() else done.set_result(None))
        except JournalError:
            return
        await done
