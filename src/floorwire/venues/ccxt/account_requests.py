"""Reads of an account through ccxt: an order with its executions, and the reconciliation.

Lists are read page by page until one is not full. A list that does not end so may lack orders: then it proves
nothing, and the read fails.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TypeAlias, TypeVar

import msgspec

from floorwire.core.ports import Answer
from floorwire.core.remote_order_messages import (
    Executed,
    OrderAnswer,
    OrderSeen,
    QueryOrder,
    Reconcile,
    ReconcileAnswer,
    VenueBalance,
)
from floorwire.venues.ccxt import order_codes
from floorwire.venues.ccxt.order_messages import (
    Call,
    ExecutionRow,
    FetchBalance,
    FetchList,
    FetchOrder,
    ListMethod,
    OrderRow,
    result,
)
from floorwire.venues.ccxt.order_terms import OrderTerms
from floorwire.venues.common.order_amounts import amount, is_zero, plain
from floorwire.venues.common.request_sequences import BadAnswerError, HttpRequest, Steps

PAGE = 50
"""Rows of a page. Each exchange of the list gives so many."""
MOST_PAGES = 10
OVERLAP_MS = 120_000
"""Executions are read again for so long: they may be listed late, and clocks differ."""
SETTLED_MS = 300_000
"""Executions older than this are listed."""
FIRST_MS = 86_400_000
"""How far back the first reconciliation goes."""
SEARCH_MS = 600_000
"""An order of an earlier process was sent at most so long before the last reconciliation."""
STATES: dict[str, str] = {
    "open": "open",
    "canceled": "cancelled",
    "expired": "expired",
    "rejected": "rejected",
}
RowT = TypeVar("RowT", OrderRow, ExecutionRow)
Rows: TypeAlias = Generator[HttpRequest, Answer, list[RowT]]


def request(call: Call, budget: str = "read") -> HttpRequest:
    """Return a call as a request. Its path is the method of ccxt."""
    method = call.name if isinstance(call, FetchList) else str(call.__struct_config__.tag)
    return HttpRequest(method, "", "POST", msgspec.json.encode(call), budget)


def query(command: QueryOrder, native: str, since_ms: int | None, terms: OrderTerms) -> Steps:
    """Ask for an order. ``since_ms``: it was placed later; None: nobody knows. Raises ValueError."""
    row: OrderRow | None
    if command.venue_order_id:
        answer = yield request(FetchOrder(command.venue_order_id, native))
        row = None if order_codes.is_not_found(answer) else result(answer, OrderRow)
    else:
        row = yield from _search(command.client_id, native, since_ms, terms)
    if row is None:
        return (OrderAnswer(command.query, None),)
    shown = seen(row, terms, command.client_id)
    if shown is None:
        raise BadAnswerError("an order without a state")
    executions: tuple[Executed, ...] = ()
    if not is_zero(shown.filled):
        from_ms = None if row.ts_ms is None else row.ts_ms - OVERLAP_MS
        rows: list[ExecutionRow] = yield from _all(list[ExecutionRow], "fetchMyTrades", native, from_ms)
        executions = tuple(executed(one) for one in rows if one.order == row.id)
    return (OrderAnswer(command.query, shown, executions),)


def _search(
    client_id: str, native: str, since_ms: int | None, terms: OrderTerms
) -> Generator[HttpRequest, Answer, OrderRow | None]:
    """Look for an order by our id: among the open ones first, then among those that ended meanwhile."""
    if since_ms is None:
        raise BadAnswerError("not reconciled yet")
    ours = (client_id, terms.ids.prefix + client_id)
    answer = yield request(FetchList("fetchOpenOrders", native))
    rows = result(answer, list[OrderRow])
    found = next((row for row in rows if row.client_id in ours), None)
    if found is None and len(rows) >= PAGE:
        raise BadAnswerError("open orders: nobody knows whether these are all")
    for name in terms.lists:
        if found is not None:
            break
        listed: list[OrderRow] = yield from _all(list[OrderRow], name, native, since_ms)  # type: ignore[arg-type]
        found = next((row for row in listed if row.client_id in ours), None)
    return found


def reconcile(command: Reconcile, date_ms: int, terms: OrderTerms) -> Steps:
    """Ask for open orders, executions and balances. The cursor is a time. Raises ValueError."""
    open_orders: list[OrderSeen] = []
    for native in terms.symbols:
        answer = yield request(FetchList("fetchOpenOrders", native))
        shown = [seen(row, terms) for row in result(answer, list[OrderRow])]
        if None in shown:
            raise BadAnswerError("an open order without a state")
        open_orders += [one for one in shown if one is not None]
    executions: list[Executed] = []
    cursor_ms = cursor_of(command.cursor, date_ms)
    for native in terms.symbols:
        rows: list[ExecutionRow] = yield from _all(
            list[ExecutionRow], "fetchMyTrades", native, cursor_ms - OVERLAP_MS
        )
        executions += map(executed, rows)
    answer = yield request(FetchBalance())
    totals = result(answer, dict[str, str])
    balances = tuple(
        VenueBalance(asset, plain(total)) for asset, total in totals.items() if not is_zero(total)
    )
    cursor = str(max(cursor_ms, date_ms - SETTLED_MS))
    return (ReconcileAnswer(command.request, tuple(open_orders), tuple(executions), balances, cursor),)


def cursor_of(cursor: str, date_ms: int) -> int:
    """Return the time from which executions are not known yet."""
    return int(cursor) if cursor.isascii() and cursor.isdecimal() else date_ms - FIRST_MS


def _all(page: type[list[RowT]], name: ListMethod, native: str, since_ms: int | None) -> Rows[RowT]:
    """Return all rows of a list since a time. Raises ValueError where nobody knows whether these are all."""
    found: dict[RowT, None] = {}
    for _ in range(MOST_PAGES):
        answer = yield request(FetchList(name, native, since_ms, PAGE))
        rows = result(answer, page)
        is_new = not found.keys() >= set(rows)
        found |= dict.fromkeys(rows)
        if len(rows) < PAGE:
            return list(found)
        times = [row.ts_ms for row in rows if row.ts_ms is not None]
        if not is_new or not times:
            break
        since_ms = max(times)
    raise BadAnswerError(f"{name}: nobody knows whether these are all")


def seen(row: OrderRow, terms: OrderTerms, client_id: str = "") -> OrderSeen | None:
    """Return what a row says of an order; None where it lacks the state. Raises AmountError."""
    if row.filled is None or row.status is None:
        return None
    state = STATES.get(row.status)
    if row.status == "closed":
        is_whole = row.amount is not None and amount(row.filled) >= amount(row.amount)
        state = "filled" if is_whole else "cancelled"
    if state is None:
        return None
    return OrderSeen(
        client_id=client_id or (row.client_id or "").removeprefix(terms.ids.prefix),
        venue_order_id=row.id,
        state=state,  # type: ignore[arg-type] # of the table
        filled=plain(row.filled),
        updated=row.updated_ms or 0,
        price=_positive(row.price),
        quantity=_positive(row.amount),
    )


def _positive(text: str | None) -> str | None:
    return None if text is None or is_zero(text) else plain(text)


def executed(row: ExecutionRow) -> Executed:
    """Return one execution. Where ccxt does not tell the fee, it has none: balances show it later."""
    if not row.id or not row.order:
        raise BadAnswerError("an execution without an id")
    quote = row.symbol.partition("/")[2]
    return Executed(
        client_id="",
        venue_order_id=row.order,
        execution_id=f"{row.symbol} {row.order} {row.id}",  # both sides of a trade may be ours
        trade_id=row.id,
        price=plain(row.price),
        quantity=plain(row.amount),
        liquidity="maker" if row.is_maker else "taker",
        fee=plain(row.fee or "0"),
        fee_asset=row.fee_asset or quote,
    )


def own(rows: Iterable[OrderRow], terms: OrderTerms) -> list[OrderSeen]:
    """Return what rows of a stream say; those without a state are left out. Raises AmountError."""
    return [one for one in (seen(row, terms) for row in rows) if one is not None]
