"""The journal together with the order manager that is replayed from it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec
import structlog

from floorwire.core import account_events
from floorwire.core.ports import Prices
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.storage.journal import (
    Journal,
    JournalEntry,
    JournalRecord,
    JournalSnapshot,
    JournalVersionError,
)
from floorwire.trading import order_intents

EPOCH_KIND = "begun"
"""The kind of the record that holds the epoch of the private channels: the first record, and the first one
after a restore from a backup."""
RESERVED_IDS = 1_000_000_000
"""Ids to reserve after a restore, besides one a microsecond: the lost history may have used them."""
EPOCH_BYTES = 4

log = structlog.get_logger("floorwire.desk")
_entry_decoder = msgspec.msgpack.Decoder(account_events.AccountEntry)


class AccountStore:
    """The accounts as of the journal's last record. To make it replays the journal: it blocks.

    Raises JournalError.
    """

    def __init__(self, journal: Journal, rules: TradingRules, prices: Callable[[str], Prices]) -> None:
        self.journal = journal
        self.order_manager, snapshot_n = _snapshot(journal, rules, prices)
        self.epoch = ""
        self.replayed_records = 0
        self.last_ts_us = 0
        """The date of the last record that was read."""
        self.snapshot_n = snapshot_n
        for record in journal.read(snapshot_n):
            if record.kind == EPOCH_KIND:
                self.epoch = record.payload.decode()
            else:
                self.order_manager.apply(decode_entry(record.n, record.payload).event)
            self.replayed_records += 1
            self.last_ts_us = record.ts_us
        if not self.epoch and (epoch_record := journal.latest("", EPOCH_KIND)) is not None:
            self.epoch = epoch_record.payload.decode()
        self.repair_entries = self._recovered_order()
        """Entries to journal before anything else: the order of an intent, and what repairs earlier versions'
        journals (amounts too large for a record, names without a venue, positions)."""
        self.repair_entries += self.order_manager.coarsen_units(self.last_ts_us)
        if rules.default_venue:
            self.repair_entries += self.order_manager.identify(rules.default_venue, self.last_ts_us)
        self.repair_entries += self.order_manager.correct_positions(self.last_ts_us)

    def _recovered_order(self) -> list[account_events.AccountEntry]:
        """Book an order that may have left before the journal had it. Return the entries."""
        intent = self.journal.intent()
        entries = [] if intent is None else order_intents.recovered(self.order_manager, self.epoch, intent)
        for entry in entries:
            log.warning(
                "an order may have left before the journal had it; its venue is asked",
                account=entry.event.account,
                order=self.order_manager.last_order_id(),
            )
        return entries

    def opening_records(self, stamp_us: int) -> tuple[list[JournalEntry], list[account_events.AccountEntry]]:
        """Return the records and the entries to append first.

        A new journal begins with its epoch. A journal restored from a backup gets a new epoch, and reserves
        the ids that the lost history may have used: a billion, and one a microsecond since the last record.
        So two restores of one backup differ.
        """
        reserved: list[account_events.AccountEntry] = []
        if self.epoch and not self.journal.is_restored:
            return [], self.repair_entries
        if self.journal.is_restored:
            more = RESERVED_IDS + max(0, stamp_us - self.last_ts_us)  # another number at each restore
            log.warning(
                "the journal is a copy, or its end may be lost: new epoch, later ids", ids_left_out=more
            )
            order_id, fill_id = (
                self.order_manager.last_order_id() + more,
                self.order_manager.last_fill_id() + more,
            )
            reserved = [self.order_manager.reserve_ids(order_id, fill_id, stamp_us)]
        epoch_record = _epoch_record(stamp_us)
        self.epoch = epoch_record.payload.decode()
        return [epoch_record], [*self.repair_entries, *reserved]


def open_account_store(
    open_journal: Callable[[], Journal], rules: TradingRules, prices: Callable[[str], Prices]
) -> AccountStore:
    """Open the journal and read the accounts from it; blocks.

    Raises JournalError, and then leaves nothing open.
    """
    started = time.monotonic()
    journal = open_journal()
    try:
        store = AccountStore(journal, rules, prices)
        state = store.order_manager.state_hash()
    except BaseException:
        journal.close()
        raise
    log.info(
        "accounts read",
        records=journal.last_n,
        replayed=store.replayed_records,
        seconds=round(time.monotonic() - started, 3),
        state=state,
    )
    return store


def as_restored_entry(record: JournalRecord) -> JournalEntry:
    """Return the record as an entry of a repaired journal, whose end was lost.

    The epoch is new, because seqs of lost events are used again for other events.
    """
    if record.kind == EPOCH_KIND:
        return _epoch_record(record.ts_us)
    return JournalEntry(record.account, record.kind, record.ts_us, record.payload)


def _epoch_record(stamp_us: int) -> JournalEntry:
    return JournalEntry("", EPOCH_KIND, stamp_us, secrets.token_hex(EPOCH_BYTES).encode())


def _snapshot(
    journal: Journal, rules: TradingRules, prices: Callable[[str], Prices]
) -> tuple[OrderManager, int]:
    snapshot: JournalSnapshot | None = journal.latest_snapshot()
    if snapshot is None:
        return OrderManager(rules, prices), 0
    try:
        return OrderManager.restored(snapshot.state, rules, prices), snapshot.n
    except msgspec.MsgspecError as error:  # its digest is right: another version wrote it
        log.warning("snapshot of another version; reading from the start", n=snapshot.n, error=str(error))
        return OrderManager(rules, prices), 0


def decode_entry(n: int, payload: bytes) -> account_events.AccountEntry:
    """Decode the entry of record ``n``, which was verified. Raises JournalVersionError where that fails."""
    try:
        return _entry_decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise JournalVersionError(
            f"record {n} is not damaged, but a newer version of Floorwire wrote it: start that one ({error})"
        ) from None
