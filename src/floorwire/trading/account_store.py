"""The book of accounts: the journal and the house that is the fold of it, opened and kept together."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec
import structlog

from floorwire.core import account_events
from floorwire.core.ports import Prices
from floorwire.engine.order_manager import OrderManager, TradingRules
from floorwire.storage.journal import (
    Journal,
    JournalCorruptError,
    JournalEntry,
    JournalRecord,
    JournalSnapshot,
)

BEGUN = "begun"
"""The kind of the record that holds the epoch of the private channels: the first one, and the first after a
restore."""
RESERVED_IDS = 1_000_000_000
"""How many ids at least are left out after a restore: the lost history may have given them."""
EPOCH_BYTES = 4

log = structlog.get_logger("floorwire.desk")
_entries = msgspec.msgpack.Decoder(account_events.AccountEntry)
log = structlog.get_logger("floorwire.desk")


class AccountStore:
    """The accounts as of the journal's last record. Opening blocks. Raises JournalError."""

    def __init__(self, journal: Journal, rules: TradingRules, prices: Callable[[str], Prices]) -> None:
        self.journal = journal
        self.order_manager, snapshot_n = _snapshot(journal, rules, prices)
        self.epoch = ""
        self.replayed = 0
        self.last_us = 0
        """The time of the last record that was read."""
        self.snapshot_n = snapshot_n
        for record in journal.read(snapshot_n):
            if record.kind == BEGUN:
                self.epoch = record.payload.decode()
            else:
                self.order_manager.apply(decoded(record.n, record.payload).event)
            self.replayed += 1
            self.last_us = record.ts_us
        if not self.epoch and (begun := journal.latest("", BEGUN)) is not None:
            self.epoch = begun.payload.decode()
        self.mended = self.order_manager.mend(self.last_us)
        """What was made of amounts that fit into no record; to journal before anything else."""

    def begin(self, stamp_us: int) -> tuple[list[JournalEntry], list[account_events.AccountEntry]]:
        """Return the records to begin with, and what is to be journalled with them.

        A new journal begins with its epoch. A journal that was put back from a copy begins a new one, and
        reserves the ids that the lost history may have given: one a microsecond since the last record.
        """
        reserved: list[account_events.AccountEntry] = []
        if self.epoch and not self.journal.is_restored:
            return [], self.mended
        if self.epoch:
            more = max(RESERVED_IDS, stamp_us - self.last_us)
            log.warning("the journal was restored from a copy: new epoch, later ids", ids_left_out=more)
            order_id, fill_id = (
                self.order_manager.last_order_id() + more,
                self.order_manager.last_fill_id() + more,
            )
            reserved = [self.order_manager.reserve_ids(order_id, fill_id, stamp_us)]
        begun = _begun(stamp_us)
        self.epoch = begun.payload.decode()
        return [begun], [*self.mended, *reserved]


def open_book(
    open_journal: Callable[[], Journal], rules: TradingRules, prices: Callable[[str], Prices]
) -> AccountStore:
    """Open the journal and read the accounts from it; blocks.

    Raises JournalError, and then leaves nothing open.
    """
    began = time.monotonic()
    journal = open_journal()
    try:
        book = AccountStore(journal, rules, prices)
        state = book.order_manager.state_hash()
    except BaseException:
        journal.close()
        raise
    log.info(
        "accounts read",
        records=journal.last_n,
        replayed=book.replayed,
        seconds=round(time.monotonic() - began, 3),
        state=state,
    )
    return book


def kept(record: JournalRecord) -> JournalEntry:
    """Return how the record stands in a journal whose end was lost.

    The epoch is another one: numbers of lost events are given again, to others.
    """
    if record.kind == BEGUN:
        return _begun(record.ts_us)
    return JournalEntry(record.account, record.kind, record.ts_us, record.payload)


def _begun(stamp_us: int) -> JournalEntry:
    return JournalEntry("", BEGUN, stamp_us, secrets.token_hex(EPOCH_BYTES).encode())


def _snapshot(
    journal: Journal, rules: TradingRules, prices: Callable[[str], Prices]
) -> tuple[OrderManager, int]:
    snapshot: JournalSnapshot | None = journal.latest_snapshot()
    if snapshot is None:
        return OrderManager(rules, prices), 0
    try:
        return OrderManager.restored(snapshot.state, rules, prices), snapshot.n
    except msgspec.MsgspecError as error:
        raise JournalCorruptError(snapshot.n, f"the snapshot cannot be read: {error}") from None


def decoded(n: int, payload: bytes) -> account_events.AccountEntry:
    """Return the entry of a record. Raises JournalCorruptError where another version wrote it."""
    try:
        return _entries.decode(payload)
    except msgspec.MsgspecError as error:
        raise JournalCorruptError(n - 1, f"record {n} cannot be read: {error}") from None
