"""Reads of a Bybit account: what it has of an order, and reconciliation.

Source: the API guide of Bybit, version 5, "Trade" and "Account".
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from floorwire.core.codes import Code
from floorwire.core.order_ports import InstrumentNames
from floorwire.core.ports import Answer
from floorwire.core.remote_order_messages import (
    Executed,
    OrderAnswer,
    OrderSeen,
    QueryOrder,
    Reconcile,
    ReconcileAnswer,
    SeenState,
    VenueBalance,
)
from floorwire.venues.bybit import order_messages as messages
from floorwire.venues.common.order_amounts import amount, is_zero, plain
from floorwire.venues.common.request_sequences import BadAnswerError, HttpRequest, Steps

OPEN_ORDERS = "/v5/order/realtime"
HISTORY = "/v5/order/history"
EXECUTIONS = "/v5/execution/list"
DCP_INFO = "/v5/account/query-dcp-info"
SET_DCP = "/v5/order/disconnected-cancel-all"
BALANCE = "/v5/account/wallet-balance"
ORDER_PAGE = 50
EXECUTION_PAGE = 100
"""Rows of a page: Bybit sends no more."""
MOST_ORDER_PAGES = 20
"""Bybit: an account has at most 500 open orders."""
MOST_EXECUTION_PAGES = 50
"""Older ones are not read then. An order of ours that lacks fills is asked for by itself anyway."""
WEEK_MS = 7 * 86_400_000
"""Bybit: the longest time that one request may ask for."""
MOST_WEEKS = 12
OVERLAP_MS = 60_000
"""Executions of this long before the cursor are read again: lists may lag."""
FIRST_MS = 600_000
"""How far back the first reading goes. Executions of open orders are asked for by order."""

ExecutionRows: TypeAlias = Generator[HttpRequest, Answer, list[messages.ExecutionRow]]
STATES: dict[str, SeenState] = {
    "New": "open",
    "PartiallyFilled": "open",
    "Untriggered": "open",
    "Triggered": "open",  # Bybit: for a moment, until it is New
    "Filled": "filled",
    "Cancelled": "cancelled",
    "PartiallyFilledCanceled": "cancelled",
    "Deactivated": "cancelled",
    "Rejected": "rejected",
}
POST_ONLY = "EC_PostOnlyWillTakeLiquidity"
SELF_TRADE = "CancelBySmp"


# --- what rows mean ----------------------------------------------------------------------------------


def order_seen(row: messages.OrderRow) -> OrderSeen | None:
    """Return what a row says about its order; None if it has a status that Bybit does not document.

    Raises ValueError if its filled size is no number.
    """
    state = STATES.get(row.order_status)
    if state is None:
        return None
    filled = plain(row.cum_exec_qty or "0")
    code: Code | None = None
    if state in ("cancelled", "rejected"):
        state, code = _end(row, state, filled)
    is_limited = row.order_type == "Limit"
    return OrderSeen(
        client_id=row.order_link_id,
        venue_order_id=row.order_id,
        state=state,
        filled=filled,
        updated=row.updated_time,
        price=row.price or None if is_limited else None,
        # the quantity of a market order may be an amount of the quote currency
        quantity=row.qty or None if is_limited else None,
        code=code,
    )


def _end(row: messages.OrderRow, state: SeenState, filled: str) -> tuple[SeenState, Code | None]:
    """Return how an order ended, and why. Bybit accepts orders that may not rest, and then ends them."""
    is_unfilled = is_zero(filled)
    if row.reject_reason == POST_ONLY and is_unfilled:
        return "rejected", Code.POST_ONLY_WOULD_CROSS
    if row.cancel_type == SELF_TRADE:
        return state, Code.SELF_TRADE
    if row.time_in_force == "FOK" and is_unfilled:
        return "rejected", Code.FOK_UNFILLED
    if state == "rejected":
        return state, Code.VENUE_REJECTED
    return state, Code.NO_LIQUIDITY if row.time_in_force == "IOC" else None


def executed(row: messages.ExecutionRow, names: InstrumentNames) -> Executed | None:
    """Return the execution; None if the row is about none (a settlement).

    Raises ValueError if its fee is no number.
    """
    if row.exec_type != "Trade" or row.category != "spot":
        return None
    fee = plain(row.exec_fee or "0")
    return Executed(
        client_id=row.order_link_id,
        venue_order_id=row.order_id,
        execution_id=row.exec_id,
        trade_id=row.exec_id,
        price=row.exec_price,
        quantity=row.exec_qty,
        liquidity="maker" if row.is_maker else "taker",
        fee=fee,
        fee_asset=row.fee_currency or _fee_asset(row, fee, names),
    )


def _fee_asset(row: messages.ExecutionRow, fee: str, names: InstrumentNames) -> str:
    """Return the asset of a fee that names none. Bybit: what is received pays it; a rebate is the other."""
    base, _, quote = (names.symbol(row.symbol) or "").partition("-")
    is_base = (row.side == "Buy") != (amount(fee) < 0)
    return base if is_base else quote


def balance(row: messages.CoinRow) -> VenueBalance:
    """Return what the account has of a coin, without what it has borrowed. Raises ValueError."""
    own = amount(row.wallet_balance or "0") - amount(row.spot_borrow or "0")
    return VenueBalance(row.coin, f"{max(own, amount('0')):f}")


# --- sequences ---------------------------------------------------------------------------------------


def query(command: QueryOrder, names: InstrumentNames) -> Steps:
    """Ask for an order, then for its executions. Raises ValueError where that has no usable answer."""
    # The id alone: with an order id beside it Bybit would look for that one only.
    of_order = {"category": "spot", "orderLinkId": command.client_id}
    row: messages.OrderRow | None = None
    for path in (OPEN_ORDERS, HISTORY):  # the second one lags, and the first one forgets
        answer = yield HttpRequest(path, urlencode(of_order))
        rows, _ = messages.page(answer, messages.ORDERS)
        row = next((found for found in rows if found.order_link_id == command.client_id), None)
        if row is not None:
            break
    seen = None if row is None else order_seen(row)
    if row is not None and seen is None:
        raise BadAnswerError("an unknown status")
    if seen is not None and is_zero(seen.filled):
        return (OrderAnswer(command.query, seen),)
    rows_of_order = yield from _executions(of_order)
    found = tuple(
        one
        for one in (executed(execution, names) for execution in reversed(rows_of_order))
        if one is not None and one.client_id == command.client_id
    )
    if seen is None and found:
        raise BadAnswerError("executions of an order that is not listed")
    return (OrderAnswer(command.query, seen, found),)


def reconcile(command: Reconcile, names: InstrumentNames, date_us: int) -> Steps:
    """Ask for open orders, then executions after the cursor, then balances. Raises ValueError.

    The cursor is the time of the latest execution that was read, in milliseconds. ``date_us``: Bybit's.
    """
    orders = yield from _open_orders()
    now_ms = date_us // 1_000
    last_ms = int(command.cursor) if command.cursor else now_ms - FIRST_MS
    start_ms = max(last_ms - OVERLAP_MS, now_ms - MOST_WEEKS * WEEK_MS)
    rows: list[messages.ExecutionRow] = []
    while start_ms <= now_ms + OVERLAP_MS:
        span = {"category": "spot", "startTime": str(start_ms), "endTime": str(start_ms + WEEK_MS)}
        rows += yield from _executions(span)
        start_ms += WEEK_MS
    answer = yield HttpRequest(BALANCE, urlencode({"accountType": "UNIFIED"}))
    accounts, _ = messages.page(answer, messages.ACCOUNTS)
    balances = [balance(coin) for account in accounts for coin in account.coin]
    executions = sorted(rows, key=lambda row: row.exec_time)
    cursor = max([last_ms, *(row.exec_time for row in rows)])
    return (
        ReconcileAnswer(
            command.request,
            tuple(seen for seen in map(order_seen, orders) if seen is not None and seen.state == "open"),
            tuple(one for one in (executed(row, names) for row in executions) if one is not None),
            tuple(one for one in balances if not is_zero(one.total)),
            str(cursor),
        ),
    )


def cancel_on_disconnect(seconds: int) -> Steps:
    """Let Bybit cancel all orders so long after the last private link with the topic is gone (DCP).

    It stays set, so it is looked at, and set only where it is another time. Raises ValueError.
    """
    answer = yield HttpRequest(DCP_INFO)
    window = messages.dcp_window(answer)
    if window is None:
        raise BadAnswerError("Bybit has not enabled DCP for spot orders of this account")
    if window != str(seconds):
        body = msgspec.json.encode({"product": "SPOT", "timeWindow": seconds})
        answer = yield HttpRequest(SET_DCP, "", "POST", body)
        messages.done(answer)
    return ()


def _open_orders() -> Generator[HttpRequest, Answer, list[messages.OrderRow]]:
    found: list[messages.OrderRow] = []
    query = first = urlencode({"category": "spot", "openOnly": "0", "limit": str(ORDER_PAGE)})
    for _ in range(MOST_ORDER_PAGES):
        answer = yield HttpRequest(OPEN_ORDERS, query)
        rows, cursor = messages.page(answer, messages.ORDERS)
        found += rows
        if not cursor or len(rows) < ORDER_PAGE:
            return found
        query = _next(first, cursor)
    raise BadAnswerError("too many open orders")


def _executions(of: dict[str, str]) -> ExecutionRows:
    """Return the executions, the newest first."""
    found: list[messages.ExecutionRow] = []
    query = first = urlencode(of | {"limit": str(EXECUTION_PAGE)})
    for _ in range(MOST_EXECUTION_PAGES):
        answer = yield HttpRequest(EXECUTIONS, query)
        rows, cursor = messages.page(answer, messages.EXECUTIONS)
        found += rows
        if not cursor or len(rows) < EXECUTION_PAGE:
            break
        query = _next(first, cursor)
    return found


def _next(first: str, cursor: str) -> str:
    """Return the query for the next page. Bybit's cursors are percent-encoded already."""
    return f"{first}&cursor={quote(cursor, safe='%')}"
