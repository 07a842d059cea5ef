"""Exports the history of accounts as tables: closed and open orders, fills, changes of balances.

The rows are those of the protocol. They are made from the journal's records, in their order, with as much
memory as the accounts themselves take. Symbols and assets are identities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from floorwire.channels import fills, orders
from floorwire.connectors.table_columns import Columns, ColumnType, Row
from floorwire.core.account_events import AccountEntry, OrderEnded, OrderFilled
from floorwire.core.orders import OPEN, Order
from floorwire.core.venue_names import NO_VENUES, bare
from floorwire.engine.accounts import Accounts
from floorwire.protocol.account_rows import FillRow, LedgerRow, OrderRow
from floorwire.storage.journal import JournalRecord
from floorwire.trading import account_history_pages
from floorwire.trading.account_history_projection import AccountHistoryProjection
from floorwire.trading.account_store import EPOCH_KIND, decode_entry

Table: TypeAlias = Literal["orders", "fills", "ledger"]
ExportedRow: TypeAlias = OrderRow | FillRow | LedgerRow
DECIMALS: Final = frozenset(
    (
        "quantity",
        "filled_quantity",
        "remaining_quantity",
        "price",
        "average_price",
        "quote_quantity",
        "stop_price",
        "fee",
        "amount",
        "balance",
    )
)
INTEGERS: Final = frozenset(("expires", "created", "updated", "time"))
BOOLEANS: Final = frozenset(("triggered", "post_only", "reduce_only"))


def columns(kind: type[msgspec.Struct], *first: str) -> Columns:
    """Return the columns of a kind of row, after text columns of these names."""
    return {**dict.fromkeys(first, "text"), **{name: _type(name) for name in kind.__struct_fields__}}


def _type(name: str) -> ColumnType:
    if name in DECIMALS:
        return "decimal"
    if name in INTEGERS:
        return "integer"
    return "boolean" if name in BOOLEANS else "text"


ROWS: Final[Mapping[Table, type[ExportedRow]]] = {"orders": OrderRow, "fills": FillRow, "ledger": LedgerRow}
OWNER: Final = "owner"
"""The column with the account that a row is of. A row's own ``account`` is the other one of a transfer."""


def table_row(row: ExportedRow) -> Row:
    """Return the row of the protocol as one of a table: its amounts are numbers."""
    made: Row = {}
    for name in type(row).__struct_fields__:
        value = getattr(row, name)
        if value is not UNSET and value is not None:
            made[name] = Decimal(value) if name in DECIMALS else value
    return made


class ExportFilter(msgspec.Struct, frozen=True):
    """Which rows are wanted. None: all. Dates are of the creation of an order, else of the row itself."""

    account: str | None = None
    name: str | None = None
    """A symbol, or of the ledger an asset: with its venue, or without it for every venue."""
    from_us: int = 0
    to_us: int | None = None

    def wants(self, account: str, name: str, at_us: int) -> bool:
        """Return whether a row is wanted."""
        return (
            self.account in (None, account)
            and self.name in (None, name, bare(name))
            and self.from_us <= at_us
            and (self.to_us is None or at_us < self.to_us)
        )


def export(table: Table, records: Iterable[JournalRecord], wanted: ExportFilter) -> Iterator[Row]:
    """Yield the rows of a table, the oldest first. Raises what reading the records raises.

    Orders come as they closed, and then those that are open.
    """
    for account, row in _MAKERS[table](records, wanted):
        yield {OWNER: account, **table_row(row)}


def _followed(records: Iterable[JournalRecord], accounts: Accounts) -> Iterator[AccountEntry]:
    """Yield the entries, each after ``accounts`` has applied it."""
    for record in records:
        if record.kind != EPOCH_KIND:
            entry = decode_entry(record.n, record.payload)
            accounts.apply(entry.event)
            yield entry


def _orders(records: Iterable[JournalRecord], wanted: ExportFilter) -> Iterator[tuple[str, OrderRow]]:
    accounts = Accounts()
    for entry in _followed(records, accounts):
        event = entry.event
        if isinstance(event, OrderEnded | OrderFilled) and event.order.state not in OPEN:
            yield from _order(accounts, event.order, wanted)
    for account in accounts.by_name.values():
        for order in account.open.values():
            yield from _order(accounts, order, wanted)


def _order(accounts: Accounts, order: Order, wanted: ExportFilter) -> Iterator[tuple[str, OrderRow]]:
    ticket = order.ticket
    if wanted.wants(ticket.account, ticket.symbol, order.created_us):
        yield ticket.account, orders.row(order, accounts.instrument_of(order))


def _fills(records: Iterable[JournalRecord], wanted: ExportFilter) -> Iterator[tuple[str, FillRow]]:
    accounts = Accounts()
    for entry in _followed(records, accounts):
        event = entry.event
        if isinstance(event, OrderFilled):
            symbol = event.order.ticket.symbol
            if wanted.wants(event.account, symbol, event.ts_us):
                yield event.account, fills.row(event, accounts.instrument_of(event.order))


def _ledger(records: Iterable[JournalRecord], wanted: ExportFilter) -> Iterator[tuple[str, LedgerRow]]:
    projection = AccountHistoryProjection(decode_entry, lambda entry: entry)
    for record in records:
        for booked in projection.rows((record,)).ledger:
            for number, change in enumerate(booked.record.changes):
                if wanted.wants(booked.account, change.asset, booked.record.ts_us):
                    yield (
                        booked.account,
                        account_history_pages.ledger_row(NO_VENUES, booked.n, number, booked.record),
                    )


_Maker: TypeAlias = Callable[[Iterable[JournalRecord], ExportFilter], Iterator[tuple[str, ExportedRow]]]
_MAKERS: Final[Mapping[Table, _Maker]] = {"orders": _orders, "fills": _fills, "ledger": _ledger}
