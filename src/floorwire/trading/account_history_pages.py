"""Pages of the account history: orders, fills and changes of balances as rows of the protocol.

The rows are made in turns of the event loop, a hundred at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from floorwire.channels import fills as fill_rows
from floorwire.channels import orders as order_rows
from floorwire.core.account_events import OrderEnded, OrderFilled
from floorwire.core.codes import Code
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.core.units import format_units, trim
from floorwire.core.venue_names import VenueNames
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.account_rows import FillRow, LedgerRow, OrderRow
from floorwire.protocol.desk_ports import Turns
from floorwire.protocol.replies import FillList, Gap, HistoryGap, LedgerList, OrderList
from floorwire.protocol.trading_requests import Fills, Ledger, Orders
from floorwire.storage.account_history_index import (
    AccountHistoryIndex,
    HistoryPage,
    HistoryQuery,
    HistoryRecord,
    LedgerPage,
)
from floorwire.storage.account_history_rows import LedgerRecord
from floorwire.trading.account_history_indexer import AccountHistoryIndexer
from floorwire.trading.account_store import decode_entry
from floorwire.trading.fill_search import FillSearch
from floorwire.trading.visibility import Visibility

ROWS_A_TURN: Final = 100
TURN_US: Final = 700
"""The price of making so many rows."""
CLOSED: Final = ("filled", "cancelled", "rejected", "expired")
CHANGE_BITS: Final = 16
"""An entry of the ledger is known by its record, and in these bits by its place among the changes of it."""
MAX_EXAMINED: Final = 2_000
"""Records that one request for the ledger of an asset examines. A page may be short for it."""
LARGEST_ID: Final = (1 << 63) - 1
EXPIRED: Final = "expired"

RowT = TypeVar("RowT")
ItemT = TypeVar("ItemT")


class HistoryView(msgspec.Struct, frozen=True):
    """What one client may see of one account."""

    order_manager: OrderManager
    indexer: AccountHistoryIndexer
    turns: Turns
    account: str
    visibility: Visibility
    symbol: str | None = None
    """The only symbol that the client asked for."""

    @property
    def names(self) -> VenueNames:
        """The names that the client knows symbols and assets by."""
        return self.visibility.names

    def query(self, request: Orders | Fills | Ledger, states: tuple[str, ...] | None = None) -> HistoryQuery:
        """Return the query of a request, from the latest row on."""
        return HistoryQuery(
            self.account,
            request.limit,
            from_us=0 if request.from_us is UNSET else request.from_us,
            to_us=None if request.to_us is UNSET else request.to_us,
            symbol=self.symbol,
            sees=None if self.visibility.sees_all else self.visibility.sees_symbol,
            states=states,
        )

    async def rows(self, items: Sequence[ItemT], row: Callable[[ItemT], RowT]) -> list[RowT]:
        """Return a row for each item, made in turns."""
        made: list[RowT] = []
        for begin in range(0, len(items), ROWS_A_TURN):
            await self.turns.wait(self.account, TURN_US)
            made += map(row, items[begin : begin + ROWS_A_TURN])
        return made


# --- orders ---------------------------------------------------------------------------------------------


async def orders(view: HistoryView, request: Orders, open_orders: Sequence[Order], n: int) -> OrderList:
    """Return a page of orders, the latest created first.

    ``open_orders``: all orders of the account that were open after record ``n``, where they are wanted, the
    oldest first. Raises Refusal, sqlite3.Error.
    """
    states = CLOSED if request.state in ("closed", "all") else (str(request.state),)
    query = view.query(request, states if len(states) == 1 else None)
    before = _id(request.before)
    page, is_whole, place = await view.indexer.read(
        n, lambda index: _read_orders(index, query, before, open_orders)
    )
    closed = {record.id for record in page.rows}
    is_wanted = partial(_is_wanted, view, replace(query, before=place))
    resting = [order for order in open_orders if order.order_id not in closed and is_wanted(order)]
    resting = sorted(resting, key=attrgetter("created_us"))[: -query.limit - 2 : -1]
    found: list[tuple[int, int, Order | HistoryRecord]] = [
        *((record.at_us, record.id, record) for record in page.rows),
        *((order.created_us, order.order_id, order) for order in resting),
    ]
    found.sort(key=lambda item: item[:2], reverse=True)
    if page.next is not None:
        found = [item for item in found if item[:2] >= page.next]
    shown = found[: query.limit]
    last = page.next and page.next[1]
    if len(found) > len(shown):
        last = shown[-1][1]
    rows = await view.rows([item[2] for item in shown], partial(_order_row, view))
    return OrderList(
        id=request.id,
        orders=rows,
        next=UNSET if last is None else str(last),
        gap=UNSET if last is not None or is_whole else HistoryGap(EXPIRED),
    )


def _read_orders(
    index: AccountHistoryIndex, query: HistoryQuery, before: int | None, open_orders: Iterable[Order]
) -> tuple[HistoryPage, bool, tuple[int, int] | None]:
    """Return the closed orders, whether none was forgotten, and the place that ``before`` names.

    Raises Refusal. Runs in the thread of the index.
    """
    place: tuple[int, int] | None = None
    if before is not None:
        created_us = index.created_us(query.account, before)
        if created_us is None:
            created_us = next((one.created_us for one in open_orders if one.order_id == before), None)
        if created_us is None:
            text = f"before: the account has no order {before}, or it was forgotten"
            raise Refusal(Code.UNKNOWN_ORDER, text, {"field": "before"})
        place = created_us, before
    return index.orders(replace(query, before=place)), not index.forgotten_n, place


def _is_wanted(view: HistoryView, query: HistoryQuery, order: Order) -> bool:
    created_us, symbol = order.created_us, order.ticket.symbol
    return (
        (query.before is None or (created_us, order.order_id) < query.before)
        and query.from_us <= created_us
        and (query.to_us is None or created_us < query.to_us)
        and view.symbol in (None, symbol)
        and view.visibility.sees_symbol(symbol)
    )


def _order_row(view: HistoryView, found: Order | HistoryRecord) -> OrderRow:
    order = found
    if isinstance(order, HistoryRecord):
        event = view.order_manager.identified_entry(decode_entry(order.n, order.payload)).event
        assert isinstance(event, OrderEnded | OrderFilled), "records of this kind close orders"
        order = event.order
    return order_rows.row(order, view.order_manager.instrument_of(order), view.names)


# --- fills ----------------------------------------------------------------------------------------------


async def fills(view: HistoryView, request: Fills, searched: FillSearch | None, n: int) -> FillList:
    """Return a page of fills, the latest first.

    ``searched``: the search of all fills in memory, unless the request names dates. Raises Refusal,
    sqlite3.Error.
    """
    before = _id(request.before)
    page, first = await view.indexer.read(n, lambda index: _read_fills(index, view.query(request), before))
    lost = first[0] - 1 if first else view.order_manager.seqs(view.account).fills
    if searched is not None and searched.remaining <= lost:  # the index keeps less than memory has
        gap = Gap(1, searched.remaining, EXPIRED)
        return FillList(id=request.id, fills=searched.rows, gap=gap)
    rows = await view.rows(page.rows, partial(_fill_row, view))
    is_end = page.next is None and (request.from_us is UNSET or not first or request.from_us <= first[1])
    return FillList(
        id=request.id,
        fills=rows,
        next=UNSET if page.next is None else str(page.next[1]),
        gap=Gap(1, lost, EXPIRED) if is_end and lost else UNSET,
    )


def _read_fills(
    index: AccountHistoryIndex, query: HistoryQuery, before: int | None
) -> tuple[HistoryPage, tuple[int, int] | None]:
    """Return the fills, and the seq and date of the first that is kept. Runs in the thread of the index."""
    place = None if before is None else index.fill_place(before)
    return index.fills(replace(query, before=place)), index.first_fill(query.account)


def _fill_row(view: HistoryView, record: HistoryRecord) -> FillRow:
    event = view.order_manager.identified_entry(decode_entry(record.n, record.payload)).event
    assert isinstance(event, OrderFilled), "records of this kind are fills"
    return fill_rows.row(event, view.order_manager.instrument_of(event.order), view.names)


# --- changes of balances --------------------------------------------------------------------------------


async def ledger(view: HistoryView, request: Ledger, asset: str | None, n: int) -> LedgerList:
    """Return a page of changes of balances, or of those of one asset, the latest first.

    Raises Refusal, sqlite3.Error.
    """
    before = _id(request.before)
    wants_all = asset is None and view.visibility.sees_all
    examined = request.limit if wants_all else MAX_EXAMINED
    query = replace(view.query(request), limit=examined)
    assets = None if view.visibility.sees_all else view.visibility.assets()
    page, is_whole = await view.indexer.read(n, lambda index: _read_ledger(index, query, before))
    found: list[tuple[int, int, LedgerRecord]] = []
    for begin in range(0, len(page.rows), ROWS_A_TURN):
        await view.turns.wait(view.account, TURN_US)
        for record_n, record in page.rows[begin : begin + ROWS_A_TURN]:
            for number in range(len(record.changes) - 1, -1, -1):
                entry_id, change = record_n << CHANGE_BITS | number, record.changes[number]
                if before is not None and entry_id >= before:
                    continue
                if asset in (None, change.asset) and (
                    view.visibility.sees_symbol(record.symbol)
                    if record.symbol
                    else assets is None or change.asset in assets
                ):
                    found.append((record_n, number, record))
        if len(found) > request.limit:
            break
    shown = found[: request.limit]
    last: int | None = None if page.next is None else page.next[1] << CHANGE_BITS
    if len(found) > len(shown):
        last = shown[-1][0] << CHANGE_BITS | shown[-1][1]
    rows = await view.rows(shown, lambda item: ledger_row(view.names, *item))
    return LedgerList(
        id=request.id,
        entries=rows,
        next=UNSET if last is None else str(last),
        gap=UNSET if last is not None or is_whole else HistoryGap(EXPIRED),
    )


def _read_ledger(
    index: AccountHistoryIndex, query: HistoryQuery, before: int | None
) -> tuple[LedgerPage, bool]:
    """Return the changes, and whether none was forgotten. Runs in the thread of the index."""
    place: tuple[int, int] | None = None
    if before is not None:  # the record that the entry is of has older entries too
        place = index.ledger_place(query.account, (before >> CHANGE_BITS) + 1)
    return index.ledger(replace(query, before=place)), not index.forgotten_n


def ledger_row(names: VenueNames, n: int, number: int, record: LedgerRecord) -> LedgerRow:
    """Return one change of record ``n`` as a row. ``number``: its place among them."""
    change = record.changes[number]
    return LedgerRow(
        entry_id=str(n << CHANGE_BITS | number),
        cause=change.cause,
        asset=names.shown(change.asset),
        amount=trim(format_units(int(change.amount), change.decimals)),
        balance=trim(format_units(change.total, change.decimals)),
        symbol=_given(names.shown(record.symbol)),
        order_id=str(record.order_id) if record.order_id else UNSET,
        fill_id=str(record.fill_id) if record.fill_id else UNSET,
        reference=_given(record.reference),
        account=_given(record.other_account),
        time=record.ts_us,
    )


def _id(text: str | UnsetType) -> int | None:
    """Return the id; an id of 19 digits may be larger than any that the server gave."""
    return None if text is UNSET else min(int(text), LARGEST_ID)


def _given(text: str) -> str | UnsetType:
    return text or UNSET
