"""The book of accounts: the journal and the house that is the fold of it, opened and kept together."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

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
"""The kind of the first record: it holds the epoch of the private channels."""
EPOCH_BYTES = 4

_entries = msgspec.msgpack.Decoder(account_events.AccountEntry)


class AccountStore:
    """The accounts as of the journal's last record. Opening blocks. Raises JournalError."""

    def __init__(self, journal: Journal, rules: TradingRules, prices: Callable[[str], Prices]) -> None:
        self.journal = journal
        self.order_manager, snapshot_n = _snapshot(journal, rules, prices)
        self.epoch = ""
        self.replayed = 0
        self.snapshot_n = snapshot_n
        for record in journal.read(snapshot_n):
            if record.kind == BEGUN:
                self.epoch = record.payload.decode()
            else:
                self.order_manager.apply(decoded(record.n, record.payload).event)
            self.replayed += 1
        if snapshot_n:
            first = next(iter(journal.read(0)))
            self.epoch = first.payload.decode()

    def begin(self, now_us: int) -> JournalEntry | None:
        """Return the first record of a new journal, None where there is one."""
        if self.epoch:
            return None
        begun = _begun(now_us)
        self.epoch = begun.payload.decode()
        return begun


def kept(record: JournalRecord) -> JournalEntry:
    """Return how the record stands in a journal whose end was lost.

    The epoch is another one: numbers of lost events are given again, to others.
    """
    if record.kind == BEGUN:
        return _begun(record.ts_us)
    return JournalEntry(record.account, record.kind, record.ts_us, record.payload)


def _begun(now_us: int) -> JournalEntry:
    return JournalEntry("", BEGUN, now_us, secrets.token_hex(EPOCH_BYTES).encode())


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
