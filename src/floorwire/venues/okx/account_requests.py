"""Reads of an OKX account: what it has of an order, and reconciliation.

Source: the API guide of OKX, "Order Book Trading / Trade" and "Trading Account".
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias
from urllib.parse import urlencode

import msgspec

from floorwire.core.codes import Code
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
from floorwire.venues.common.order_amounts import is_zero, negated, plain, total
from floorwire.venues.common.request_sequences import BadAnswerError, HttpRequest, Steps
from floorwire.venues.okx import order_messages as messages
from floorwire.venues.okx.order_codes import NOT_FOUND

ORDER = "/api/v5/trade/order"
OPEN_ORDERS = "/api/v5/trade/orders-pending"
FILLS = "/api/v5/trade/fills"
OLD_FILLS = "/api/v5/trade/fills-history"
"""OKX: ``fills`` has those of three days, this one those of three months."""
BALANCE = "/api/v5/account/balance"
CANCEL_ALL_AFTER = "/api/v5/trade/cancel-all-after"
PAGE = 100
"""Rows of a page: OKX sends no more."""
MOST_ORDER_PAGES = 50
"""OKX: an account has at most 4,000 open orders."""
MOST_FILL_PAGES = 30
"""Older fills are not read then. An order of ours that lacks fills is asked for by itself anyway."""
POST_ONLY = "31"
"""``cancelSource`` of a post-only order that would have taken."""

FillRows: TypeAlias = Generator[HttpRequest, Answer, list[messages.FillRow]]
STATES: dict[str, SeenState] = {
    "live": "open",
    "partially_filled": "open",
    "filled": "filled",
    "canceled": "cancelled",
    "mmp_canceled": "cancelled",
}


# --- what rows mean ----------------------------------------------------------------------------------


def order_seen(row: messages.OrderRow) -> OrderSeen | None:
    """Return what a row says about its order; None if it has a state that OKX does not document.

    Raises ValueError if its filled size is no number.
    """
    state = STATES.get(row.state)
    if state is None:
        return None
    filled = plain(row.acc_fill_sz or "0")
    code: Code | None = None
    if state == "cancelled":
        # OKX accepts orders that may not rest, and then cancels them
        if row.cancel_source == POST_ONLY and is_zero(filled):
            state, code = "rejected", Code.POST_ONLY_WOULD_CROSS
        elif row.ord_type == "fok" and is_zero(filled):
            state, code = "rejected", Code.FOK_UNFILLED
        elif row.ord_type == "ioc":
            code = Code.NO_LIQUIDITY
    return OrderSeen(
        client_id=row.cl_ord_id,
        venue_order_id=row.ord_id,
        state=state,
        filled=filled,
        updated=row.u_time,
        price=row.px or None,
        # OKX: the size of a market order may be an amount of the quote currency
        quantity=row.sz or None if row.ord_type != "market" else None,
        code=code,
    )


def executed_now(row: messages.OrderRow) -> Executed | None:
    """Return the execution that a frame of the channel ``orders`` is about; None if it is about none.

    Raises ValueError if its fee is no number.
    """
    # OKX: an empty trade id means that nothing was filled now. Without its fee it comes by a query.
    if not row.trade_id or not row.fill_sz or row.fill_fee is None or is_zero(row.fill_sz):
        return None
    return _execution(row, row.fill_fee, row.fill_fee_ccy)


def _executed(row: messages.FillRow) -> Executed:
    return _execution(row, row.fee, row.fee_ccy)


def _execution(row: messages.OrderRow | messages.FillRow, fee: str, fee_asset: str) -> Executed:
    return Executed(
        client_id=row.cl_ord_id,
        venue_order_id=row.ord_id,
        execution_id=_execution_id(row.inst_id, row.trade_id, row.ord_id),
        trade_id=row.trade_id,
        price=row.fill_px,
        quantity=row.fill_sz,
        liquidity="maker" if row.exec_type == "M" else "taker",
        fee=negated(fee or "0"),  # OKX: negative is what was paid
        fee_asset=fee_asset,
    )


def _execution_id(inst_id: str, trade_id: str, ord_id: str) -> str:
    """Return what is unique: trade ids are per instrument, and both orders of a trade have the same one."""
    return f"{inst_id}:{trade_id}:{ord_id}"


# --- sequences ---------------------------------------------------------------------------------------


def query(command: QueryOrder, inst_id: str) -> Steps:
    """Ask for an order, then for its executions. Raises ValueError where that has no usable answer."""
    answer = yield HttpRequest(ORDER, urlencode({"instId": inst_id, "clOrdId": command.client_id}))
    try:
        row = messages.rows(answer, messages.ORDERS)[0]
    except messages.RefusedReadError as error:
        if error.code == NOT_FOUND:
            return (OrderAnswer(command.query, None),)
        raise
    seen = order_seen(row)
    if seen is None or seen.client_id != command.client_id:
        raise BadAnswerError("another order, or an unknown state")
    if is_zero(seen.filled):
        return (OrderAnswer(command.query, seen),)
    of_order = {"instType": "SPOT", "instId": inst_id, "ordId": row.ord_id}
    fills = yield from _fills(FILLS, "read", of_order, 0)
    if total(row.fill_sz for row in fills) < total([seen.filled]):
        fills = yield from _fills(OLD_FILLS, "history", of_order, 0)
    return (OrderAnswer(command.query, seen, tuple(map(_executed, reversed(fills)))),)


def reconcile(command: Reconcile) -> Steps:
    """Ask for open orders, then fills after the cursor, then balances. Raises ValueError on a bad answer.

    The cursor is the highest ``billId`` that was read.
    """
    orders = yield from _open_orders()
    last = int(command.cursor or "0")
    fills = yield from _fills(FILLS, "read", {"instType": "SPOT"}, last)
    answer = yield HttpRequest(BALANCE, budget="balance")
    accounts = messages.rows(answer, messages.ACCOUNTS)
    balances = [
        VenueBalance(row.ccy, row.cash_bal)
        for account in accounts
        for row in account.details
        if row.cash_bal and not is_zero(row.cash_bal)
    ]
    cursor = max([last, *(int(row.bill_id) for row in fills)])
    seen = tuple(found for found in map(order_seen, orders) if found is not None)
    executions = tuple(map(_executed, reversed(fills)))
    return (ReconcileAnswer(command.request, seen, executions, tuple(balances), str(cursor)),)


def cancel_all_after(seconds: int) -> Steps:
    """Let OKX cancel all orders of the account after a time, unless asked again. Raises ValueError."""
    body = msgspec.json.encode({"timeOut": str(seconds)})
    answer = yield HttpRequest(CANCEL_ALL_AFTER, "", "POST", body, "switch")
    messages.rows(answer, messages.SWITCHES)
    return ()


def _open_orders() -> Generator[HttpRequest, Answer, list[messages.OrderRow]]:
    found: list[messages.OrderRow] = []
    page = {"instType": "SPOT", "limit": str(PAGE)}
    for _ in range(MOST_ORDER_PAGES):
        answer = yield HttpRequest(OPEN_ORDERS, urlencode(page))
        rows = messages.rows(answer, messages.ORDERS)
        found += rows
        if len(rows) < PAGE:
            return found
        page["after"] = rows[-1].ord_id
    raise BadAnswerError("too many open orders")


def _fills(path: str, budget: str, of: dict[str, str], last: int) -> FillRows:
    """Return the fills with a ``billId`` above ``last``, the newest first."""
    found: list[messages.FillRow] = []
    page = of | {"limit": str(PAGE)} | ({"before": str(last)} if last else {})
    for _ in range(MOST_FILL_PAGES):
        answer = yield HttpRequest(path, urlencode(page), budget=budget)
        rows = messages.rows(answer, messages.FILLS)
        newer = [row for row in rows if int(row.bill_id) > last]
        found += newer
        # OKX sends the newest of those after ``before``: the older ones of them are on further pages
        if len(rows) < PAGE or len(newer) < len(rows):
            break
        page["after"] = rows[-1].bill_id
    return found
