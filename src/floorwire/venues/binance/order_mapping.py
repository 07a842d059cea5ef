"""Maps messages of Binance about orders to reports.

What a report says of an order whose id was changed by a cancel names the id that the order had until then.
"""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import Executed, OrderSeen, QueryOrder, SeenState, VenueBalance
from floorwire.venues.binance import order_messages as messages
from floorwire.venues.common.order_amounts import AmountError, amount, is_zero, total

STATES: dict[str, SeenState] = {
    "NEW": "open",
    "PENDING_NEW": "open",
    "PENDING_CANCEL": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "REJECTED": "rejected",
    # No order of ours has a date. What expires was cancelled by the market, and has a reason.
    "EXPIRED": "cancelled",
    "EXPIRED_IN_MATCH": "cancelled",
}
EXPIRY_REASONS: dict[str, Code] = {
    "UNFILLED_IOC_QUANTITY_EXPIRED": Code.NO_LIQUIDITY,
    "INSUFFICIENT_LIQUIDITY": Code.NO_LIQUIDITY,
    "UNFILLED_FOK_ORDER_EXPIRED": Code.FOK_UNFILLED,
    "EXECUTION_RULE_PRICE_RANGE_EXCEEDED": Code.PRICE_BAND,
}
REJECT_REASONS: dict[str, Code] = {
    "INSUFFICIENT_BALANCES": Code.INSUFFICIENT_BALANCE,
    "WOULD_MATCH_IMMEDIATELY": Code.POST_ONLY_WOULD_CROSS,
}
LIMITED = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
"""Types of order whose price is a limit."""


def order_seen(row: messages.OrderRow, client_id: str = "") -> OrderSeen | None:
    """Return what an answer says of an order; None where it does not say the state. Raises ValueError.

    ``client_id``: the id that was asked for. Binance may have given the order another one since.
    """
    state = STATES.get(row.status)
    if state is None:
        return None
    is_limited = row.type in LIMITED
    state, why = _end(state, row.status, row.expiry_reason, row.time_in_force, row.executed_qty)
    return OrderSeen(
        client_id or row.orig_client_order_id or row.client_order_id,
        str(row.order_id),
        state,
        row.executed_qty,
        row.update_time or row.transact_time,
        row.price if is_limited else None,
        row.orig_qty if is_limited else None,
        why,
    )


def fills(row: messages.OrderRow, client_id: str) -> Iterator[Executed]:
    """Yield the executions that the answer to a new order has. They are those of a taker."""
    for fill in row.fills:
        yield Executed(
            client_id,
            str(row.order_id),
            execution_id(row.symbol, fill.trade_id),
            str(fill.trade_id),
            fill.price,
            fill.qty,
            "taker",
            fill.commission,
            fill.commission_asset,
        )


def reports(event: messages.ExecutionReport) -> Iterator[Executed | OrderSeen]:
    """Yield what an event reports: an execution, and the state of its order. Raises ValueError."""
    # c is the id of a cancel, and C that of the order.
    client_id = event.original_client_id or event.client_id
    order_id = str(event.order_id)
    if event.execution == "TRADE" and event.trade_id >= 0:
        yield Executed(
            client_id,
            order_id,
            execution_id(event.symbol, event.trade_id),
            str(event.trade_id),
            event.last_price,
            event.last_quantity,
            "maker" if event.is_maker else "taker",
            event.fee or "0",
            event.fee_asset or "",
        )
    state = STATES.get(event.status)
    if state is None:
        return
    is_limited = event.type in LIMITED
    state, why = _end(state, event.status, event.expiry_reason, event.time_in_force, event.filled)
    if event.status == "REJECTED":
        why = REJECT_REASONS.get(event.reject_reason, Code.VENUE_REJECTED)
    yield OrderSeen(
        client_id,
        order_id,
        state,
        event.filled,
        event.time,
        event.price if is_limited else None,
        event.quantity if is_limited else None,
        why,
    )


def executed(trade: messages.Trade, client_id: str = "") -> Executed:
    """Return an execution of the list of executions, which does not say the order's client id."""
    return Executed(
        client_id,
        str(trade.order_id),
        execution_id(trade.symbol, trade.id),
        str(trade.id),
        trade.price,
        trade.qty,
        "maker" if trade.is_maker else "taker",
        trade.commission,
        trade.commission_asset,
    )


def archived(asked: QueryOrder) -> OrderSeen:
    """Return what Binance says of an order that it has archived: it ended without any execution."""
    return OrderSeen(asked.client_id, asked.venue_order_id, "cancelled", "0")


def execution_id(native: str, trade_id: int) -> str:
    """Return what no other execution has: Binance counts the trades of each symbol."""
    return f"{native}:{trade_id}"


def balance(row: messages.Balance) -> VenueBalance:
    """Return what the account has of an asset. Raises ValueError."""
    return VenueBalance(row.asset, f"{total((row.free, row.locked)):f}")


def is_same(text: str, other: str) -> bool:
    """Return whether two texts are the same amount, however many zeros they end with."""
    try:
        return amount(text) == amount(other)
    except AmountError:
        return False


def _end(
    state: SeenState, status: str, reason: str | None, force: str, filled: str
) -> tuple[SeenState, Code | None]:
    """Return the state of an order, and why it ended where the market has ended it."""
    if status == "EXPIRED_IN_MATCH":
        return state, Code.SELF_TRADE
    if status != "EXPIRED":
        return state, Code.VENUE_REJECTED if state == "rejected" else None
    if reason is None:  # Binance: it says none before March 2026
        code = {"IOC": Code.NO_LIQUIDITY, "FOK": Code.FOK_UNFILLED}.get(force, Code.VENUE_REJECTED)
    else:
        code = EXPIRY_REASONS.get(reason, Code.VENUE_REJECTED)
    # An order that has to be filled whole is refused by the market, as everywhere here.
    is_refused = code is Code.FOK_UNFILLED and is_zero(filled)
    return ("rejected" if is_refused else state), code
