"""The projection of the account history: from the journal's records, in order, to the rows of its index.

A record that closes an order, a fill, and each change of a balance is a row. What only holds a part of a
balance is none. It is pure, and it decodes no other records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from floorwire.core.account_events import (
    AccountEntry,
    AccountReset,
    Balance,
    Cause,
    Coarsened,
    Deposited,
    Identified,
    OrderEnded,
    OrderFilled,
    TransferReceived,
    TransferSent,
    VenueBalanceSet,
    Withdrawn,
)
from floorwire.core.microseconds import DAY_US
from floorwire.core.orders import OPEN, Order
from floorwire.storage.account_history_rows import (
    BalanceChange,
    IndexedBalance,
    IndexedDay,
    IndexedFill,
    IndexedLedger,
    IndexedOrder,
    IndexedRows,
    LedgerRecord,
)
from floorwire.storage.journal import JournalRecord
from floorwire.trading.commit_batch import EVENT_KINDS

_PROJECTED = (
    OrderEnded,
    OrderFilled,
    Deposited,
    Withdrawn,
    TransferSent,
    TransferReceived,
    AccountReset,
    VenueBalanceSet,
    Coarsened,
    Identified,
)
KINDS = frozenset(EVENT_KINDS[kind] for kind in _PROJECTED)
"""The kinds of records that are rows, or change what later rows are."""


class AccountHistoryProjection:
    """Makes the rows. It keeps each balance as the records so far left it.

    Balances have the assets of their records: an earlier version had one for all venues, until
    ``Identified``.
    """

    def __init__(
        self,
        decode: Callable[[int, bytes], AccountEntry],
        identified: Callable[[AccountEntry], AccountEntry],
        balances: Iterable[IndexedBalance] = (),
        at_us: int = 0,
    ) -> None:
        """``identified`` gives an entry of an earlier version its identities. ``at_us``: the latest date."""
        self._decode = decode
        self._identified = identified
        self._totals = {(row.account, row.asset): (row.total, row.decimals) for row in balances}
        self._has_skipped = False
        """Whether a balance without a total may be any; otherwise it was 0."""
        self.at_us = at_us
        """The latest date so far. A row is found by it: dates of records may go back at a start."""
        self._rows = _no_rows()
        self._days: dict[tuple[str, int, str], list[int]] = {}
        self._changed: set[tuple[str, str]] = set()

    def skip(self) -> None:
        """Go on with later records: those between are lost.

        What a balance was before its first record after them is not known, so that change is lost with them.
        """
        self._totals, self._has_skipped = {}, True

    def rows(self, records: Iterable[JournalRecord]) -> IndexedRows:
        """Return the rows of the next records."""
        self._rows, self._days, self._changed = _no_rows(), {}, set()
        for record in records:
            self.at_us = max(self.at_us, record.ts_us)
            if record.kind in KINDS:
                self._add(record)
        rows = self._rows
        rows.days = [IndexedDay(*key, *numbers) for key, numbers in self._days.items()]
        rows.balances = [
            IndexedBalance(*key, *self._totals[key]) for key in self._changed if key in self._totals
        ]
        return rows

    def _add(self, record: JournalRecord) -> None:
        entry = self._decode(record.n, record.payload)
        event = entry.event
        if isinstance(event, OrderFilled):
            order = self._order(entry)
            self._add_fill(record, event, order.ticket.symbol, entry.seqs.fills)
            if order.state not in OPEN:
                self._add_order(record, order)
        elif isinstance(event, OrderEnded):
            self._add_order(record, self._order(entry))
            self._rows.records.append((record.n, record.payload))
        elif isinstance(event, Deposited):
            self._book(record, event.account, "deposit", (event.balance,), str(event.deposit_id))
        elif isinstance(event, Withdrawn):
            self._book(record, event.account, "withdrawal", (event.balance,), event.request_id)
        elif isinstance(event, TransferSent | TransferReceived):
            other = event.receiver if isinstance(event, TransferSent) else event.sender
            self._book(record, event.account, "transfer", (event.balance,), event.request_id, other)
        elif isinstance(event, AccountReset):
            self._book(record, event.account, "reset", event.balances, event.request_id)
        elif isinstance(event, VenueBalanceSet):
            self._book(record, event.account, "venue", (event.balance,))
        elif isinstance(event, Coarsened):
            self._coarsen(record, dict(event.decimals))
        elif isinstance(event, Identified):
            self._identify(record, event)

    def _order(self, entry: AccountEntry) -> Order:
        event = self._identified(entry).event
        assert isinstance(event, OrderFilled | OrderEnded)
        return event.order

    def _add_order(self, record: JournalRecord, order: Order) -> None:
        ticket = order.ticket
        self._rows.orders.append(
            IndexedOrder(
                order.order_id, ticket.account, ticket.symbol, order.state, order.created_us, record.n
            )
        )

    # --- balances -----------------------------------------------------------------------------------

    def _add_fill(self, record: JournalRecord, event: OrderFilled, symbol: str, seq: int) -> None:
        account = event.account
        self._rows.records.append((record.n, record.payload))
        self._rows.fills.append(IndexedFill(event.fill_id, account, symbol, self.at_us, seq, record.n))
        quote, base = event.balances
        fee_asset = event.fee_asset or quote.asset
        changes: list[BalanceChange] = []
        for balance in (quote, base):
            fee = event.fee if balance.asset == fee_asset else 0
            gained = self._gained(account, balance)
            paid = None if gained is None else gained + fee
            changes += _change(balance, "fill", paid, balance.total + fee)
            changes += _change(balance, "fee", -fee, balance.total)
            if balance is quote:
                self._count(account, quote, event.ts_us, 1, abs(paid or 0), 0)
            if fee:
                self._count(account, balance, event.ts_us, 0, 0, fee)
        if event.fee_balance is not None:
            self._gained(account, event.fee_balance)
            changes += _change(event.fee_balance, "fee", -event.fee, event.fee_balance.total)
            self._count(account, event.fee_balance, event.ts_us, 0, 0, event.fee)
        order_id = event.order.order_id
        if changes:
            booked = LedgerRecord(event.ts_us, tuple(changes), symbol, order_id, event.fill_id)
            self._append(record, account, booked)

    def _count(
        self, account: str, balance: Balance, ts_us: int, fills: int, turnover: int, fees: int
    ) -> None:
        key = account, ts_us // DAY_US, balance.asset
        day = self._days.setdefault(key, [balance.decimals, 0, 0, 0])
        finer = 10 ** max(0, balance.decimals - day[0])
        coarser = 10 ** max(0, day[0] - balance.decimals)
        day[0] = max(day[0], balance.decimals)
        day[1] = day[1] * finer + turnover * coarser
        day[2] = day[2] * finer + fees * coarser
        day[3] += fills

    def _book(
        self,
        record: JournalRecord,
        account: str,
        cause: Cause,
        balances: Iterable[Balance],
        reference: str = "",
        other_account: str = "",
    ) -> None:
        changes = [
            change
            for balance in balances
            for change in _change(balance, cause, self._gained(account, balance), balance.total)
        ]
        if changes:
            booked = LedgerRecord(
                record.ts_us, tuple(changes), reference=reference, other_account=other_account
            )
            self._append(record, account, booked)

    def _append(self, record: JournalRecord, account: str, booked: LedgerRecord) -> None:
        self._rows.ledger.append(IndexedLedger(record.n, account, self.at_us, booked))

    def _gained(self, account: str, balance: Balance) -> int | None:
        """Return what the balance has more than before, and keep it; None where that is not known."""
        key = account, balance.asset
        is_known = key in self._totals or not self._has_skipped
        before, decimals = self._totals.get(key, (0, balance.decimals))
        if decimals != balance.decimals:  # an instrument with finer steps was listed
            before = before * 10**balance.decimals // 10**decimals
        self._totals[key] = balance.total, balance.decimals
        self._changed.add(key)
        return balance.total - before if is_known else None

    def _coarsen(self, record: JournalRecord, decimals_of: Mapping[str, int]) -> None:
        """Book what is less than one of the coarser units to nobody, for each account."""
        by_account: dict[str, list[BalanceChange]] = {}
        for (account, asset), (total, decimals) in list(self._totals.items()):
            coarser = decimals_of.get(asset)
            if coarser is None or coarser >= decimals:
                continue
            factor = 10 ** (decimals - coarser)
            rest = total % factor
            self._totals[account, asset] = total // factor, coarser
            self._changed.add((account, asset))
            left = Balance(asset, total - rest, 0, decimals)
            by_account.setdefault(account, []).extend(_change(left, "rounding", -rest, left.total))
        self._append_all(record, by_account)

    def _identify(self, record: JournalRecord, event: Identified) -> None:
        """Move each balance of an earlier version to the venues that have it now."""
        by_account: dict[str, list[BalanceChange]] = {}
        for account, balances in event.balances:
            changes = by_account.setdefault(account, [])
            kept = {balance.asset for balance in balances}
            for (owner, asset), (total, decimals) in list(self._totals.items()):
                if owner == account and asset not in kept and total:
                    none_left = Balance(asset, 0, 0, decimals)
                    changes += _change(none_left, "conversion", self._gained(account, none_left), 0)
            for balance in balances:
                changes += _change(balance, "conversion", self._gained(account, balance), balance.total)
        self._append_all(record, by_account)

    def _append_all(self, record: JournalRecord, by_account: Mapping[str, list[BalanceChange]]) -> None:
        """Append the changes of several accounts by one record. Their ids are beside each other."""
        for account, changes in by_account.items():
            if changes:
                self._append(record, account, LedgerRecord(record.ts_us, tuple(changes)))


def _change(balance: Balance, cause: Cause, units: int | None, total: int) -> list[BalanceChange]:
    if not units:
        return []
    return [BalanceChange(balance.asset, cause, str(units), total, balance.decimals)]


def _no_rows() -> IndexedRows:
    return IndexedRows([], [], [], [], [], [])
