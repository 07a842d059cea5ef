"""Reads of a Coinbase account: what it has of an order, and reconciliation.

Source: the guide of Coinbase, "Advanced Trade", orders, fills, accounts. Fills come seconds after the state
of an order that counts them: the desk asks again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import urlencode

from floorwire.core.codes import Code
from floorwire.core.dates import rfc3339
from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Answer
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    Executed,
    OrderAnswer,
    OrderSeen,
    QueryOrder,
    Reconcile,
    ReconcileAnswer,
    SeenState,
    VenueBalance,
)
from floorwire.venues.coinbase import order_codes, order_requests
from floorwire.venues.coinbase import order_messages as messages
from floorwire.venues.coinbase.order_codes import code_of
from floorwire.venues.coinbase.order_instruments import OrderInstruments
from floorwire.venues.common.decimals import rfc3339_us
from floorwire.venues.common.order_amounts import amount, is_zero, plain
from floorwire.venues.common.order_exchange import Answered, RestSteps
from floorwire.venues.common.request_sequences import BadAnswerError, HttpRequest, Steps

ORDER = "/api/v3/brokerage/orders/historical/"
EDIT = "/api/v3/brokerage/orders/edit"
ORDERS = "/api/v3/brokerage/orders/historical/batch"
FILLS = "/api/v3/brokerage/orders/historical/fills"
ACCOUNTS = "/api/v3/brokerage/accounts"
MOST_PAGES = 30
LOOK_BACK_US = 7 * 86_400 * SECOND_US
"""How far back an order is looked for whose time of placing is not known."""
MARGIN_US = 60 * SECOND_US
"""How far before its time of placing an order is looked for, and before the cursor executions are read."""
RECENT_US = 3_600 * SECOND_US
"""Of this time all orders are listed: those on their way into the book are not among the open ones."""
FIRST_US = 86_400 * SECOND_US
"""Without a cursor, executions of this time are read."""
OPEN = frozenset(("PENDING", "QUEUED", "OPEN", "CANCEL_QUEUED", "EDIT_QUEUED"))

STATES: dict[str, SeenState] = {
    **dict.fromkeys(OPEN, "open"),
    "FILLED": "filled",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
    "FAILED": "rejected",
}
Orders: TypeAlias = Generator[HttpRequest, Answer, list[messages.OrderRow]]
Fills: TypeAlias = Generator[HttpRequest, Answer, list[messages.FillRow]]


# --- what rows mean ----------------------------------------------------------------------------------


def state_of(
    status: str, filled: str, time_in_force: str, reject_reason: str | None
) -> tuple[SeenState, Code | None] | None:
    """Return the state of an order, and why it ended; None if Coinbase does not document the status.

    Raises AmountError.
    """
    state = STATES.get(status)
    if state == "rejected":
        return state, code_of(reject_reason or "")
    if state == "cancelled" and time_in_force == "FILL_OR_KILL" and is_zero(filled):
        return "rejected", Code.FOK_UNFILLED
    if state == "cancelled" and time_in_force == "IMMEDIATE_OR_CANCEL":
        return state, Code.NO_LIQUIDITY
    return None if state is None else (state, None)


def order_seen(row: messages.OrderRow) -> OrderSeen:
    """Return what REST says about an order. Raises ValueError: an unknown status, or no amount."""
    filled = plain(row.filled_size or "0")
    found = state_of(row.status, filled, row.time_in_force, row.reject_reason)
    if found is None:
        raise BadAnswerError("unknown status")
    limits = [one for one in row.order_configuration.values() if one is not None]
    has_limit = len(limits) == 1 and bool(limits[0].limit_price) and bool(limits[0].base_size)
    return OrderSeen(
        client_id=row.client_order_id,
        venue_order_id=row.order_id,
        state=found[0],
        filled=filled,
        price=limits[0].limit_price if has_limit else None,
        quantity=limits[0].base_size if has_limit else None,
        code=found[1],
    )


def user_order_seen(row: messages.UserOrder) -> OrderSeen | None:
    """Return what the channel says about an order; None if it has an unknown status. Raises ValueError.

    Its quantity is what is filled and what is left. Only of an order in the book is that all.
    """
    filled = plain(row.cumulative_quantity or "0")
    found = state_of(row.status, filled, row.time_in_force, row.reject_reason)
    if found is None:
        return None
    left = amount(row.leaves_quantity or "0")
    is_limit = row.order_type.lower().replace("_", " ") in ("limit", "stop limit")
    return OrderSeen(
        client_id=row.client_order_id,
        venue_order_id=row.order_id,
        state=found[0],
        filled=filled,
        price=row.limit_price if is_limit and row.limit_price and not is_zero(row.limit_price) else None,
        quantity=f"{amount(filled) + left:f}" if is_limit and row.status == "OPEN" and left else None,
        code=found[1],
    )


def _executed(row: messages.FillRow, client_id: str, instruments: OrderInstruments) -> Executed:
    size = amount(row.size)
    if row.size_in_quote:
        size /= amount(row.price)
    return Executed(
        client_id=client_id,
        venue_order_id=row.order_id,
        execution_id=row.entry_id,
        trade_id=row.trade_id,
        price=row.price,
        quantity=f"{size:f}",
        liquidity="maker" if row.liquidity_indicator == "MAKER" else "taker",
        fee=plain(row.commission or "0"),
        fee_asset=instruments.quote_of(row.product_id),
    )


# --- sequences ---------------------------------------------------------------------------------------


def query(command: QueryOrder, product_id: str, since_us: int, instruments: OrderInstruments) -> Steps:
    """Ask for an order, then for its executions. Raises ValueError where that has no usable answer.

    ``since_us``: it was placed after this, by the venue's clock.
    """
    if command.venue_order_id:
        answer = yield HttpRequest(ORDER + command.venue_order_id)
        if answer.status == 404:
            return (OrderAnswer(command.query, None),)
        row = messages.result(answer, messages.OneOrder).order
    else:
        # Coinbase finds no order by the client's id: all of its time are listed
        rows = yield from _listed({"product_ids": product_id, "start_date": rfc3339(since_us)})
        found = next((one for one in rows if one.client_order_id == command.client_id), None)
        if found is None:
            return (OrderAnswer(command.query, None),)
        row = found
    seen = order_seen(row)
    if seen.client_id != command.client_id:
        raise BadAnswerError("another order")
    fills: list[messages.FillRow] = []
    if not is_zero(seen.filled):
        fills = yield from _fills({"order_ids": row.order_id})
    return (OrderAnswer(command.query, seen, _executions(fills, command.client_id, instruments)),)


def amend(command: AmendOrder, number: int) -> RestSteps[AmendAnswer]:
    """Edit an order, once, then look whether it is as it was asked for: an edit is queued first."""
    answer = yield HttpRequest(EDIT, "", "POST", order_requests.edit(command), "order")
    refused = order_codes.edited(command, answer)
    if refused is not None:
        return (Answered(number, refused),)
    answer = yield HttpRequest(ORDER + command.venue_order_id)
    seen = order_seen(messages.result(answer, messages.OneOrder).order)
    is_done = (
        seen.price is not None
        and seen.quantity is not None
        and amount(seen.price) == amount(command.price)
        and amount(seen.quantity) == amount(command.quantity)
    )
    return (Answered(number, AmendAnswer(command.client_id, "amended" if is_done else "unknown")),)


def reconcile(command: Reconcile, instruments: OrderInstruments, venue_us: int) -> Steps:
    """Ask for open orders, executions since the cursor, and balances. Raises ValueError on a bad answer.

    The cursor is the time of the last execution that was read. ``venue_us``: the venue's date.
    """
    rows = yield from _listed({"order_status": "OPEN"})
    rows += yield from _listed({"start_date": rfc3339(venue_us - RECENT_US)})
    latest = {row.order_id: row for row in rows}
    since_us = rfc3339_us(command.cursor) - MARGIN_US if command.cursor else venue_us - FIRST_US
    fills = yield from _fills({"start_sequence_timestamp": rfc3339(max(0, since_us))})
    balances = yield from _balances()
    times = [row.sequence_timestamp for row in fills]
    return (
        ReconcileAnswer(
            command.request,
            tuple(order_seen(row) for row in latest.values() if row.status in STATES),
            _executions(fills, "", instruments),
            tuple(VenueBalance(asset, f"{total:f}") for asset, total in balances.items() if total),
            max([command.cursor, *times], key=lambda text: rfc3339_us(text) if text else 0),
        ),
    )


def _executions(
    fills: Iterable[messages.FillRow], client_id: str, instruments: OrderInstruments
) -> tuple[Executed, ...]:
    """Return the executions, the oldest first. Corrections are for people to look at."""
    ordered = sorted(fills, key=lambda row: rfc3339_us(row.sequence_timestamp))
    return tuple(_executed(row, client_id, instruments) for row in ordered if row.trade_type == "FILL")


def _listed(of: dict[str, str]) -> Orders:
    """Return all orders of a list. Raises BadAnswerError if it has too many pages to be read."""
    rows: list[messages.OrderRow] = []
    page = dict(of)
    for _ in range(MOST_PAGES):
        answer = yield HttpRequest(ORDERS, urlencode(page))
        found = messages.result(answer, messages.OrderPage)
        rows += found.orders
        if not found.has_next or not found.cursor:
            return rows
        page["cursor"] = found.cursor
    raise BadAnswerError("too many orders")


def _fills(of: dict[str, str]) -> Fills:
    """Return the executions, the newest first, of as many pages as are read at most."""
    rows: list[messages.FillRow] = []
    page = dict(of)
    for _ in range(MOST_PAGES):
        answer = yield HttpRequest(FILLS, urlencode(page))
        found = messages.result(answer, messages.FillPage)
        rows += found.fills
        if not found.fills or not found.cursor:
            break
        page["cursor"] = found.cursor
    return rows


def _balances() -> Generator[HttpRequest, Answer, dict[str, Decimal]]:
    """Return what there is of each currency, held parts included, in all wallets."""
    totals: dict[str, Decimal] = {}
    page = {"limit": "250"}
    for _ in range(MOST_PAGES):
        answer = yield HttpRequest(ACCOUNTS, urlencode(page))
        found = messages.result(answer, messages.AccountPage)
        for row in found.accounts:
            held = Decimal() if row.hold is None else amount(row.hold.value)
            before = totals.get(row.currency, Decimal())
            totals[row.currency] = before + amount(row.available_balance.value) + held
        if not found.has_next or not found.cursor:
            return totals
        page["cursor"] = found.cursor
    raise BadAnswerError("too many wallets")
