"""Reads of a Kraken account: what it has of an order, reconciliation, and the token of the private link.

Source: the API guide of Kraken, "Account data". REST lags the stream, by up to a minute: what it does not
show proves nothing before that.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import urlencode

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
from floorwire.venues.common.order_amounts import amount, is_zero, plain
from floorwire.venues.common.request_sequences import BadAnswerError, HttpRequest, Steps
from floorwire.venues.kraken import limits
from floorwire.venues.kraken import order_messages as messages
from floorwire.venues.kraken.order_codes import OVER, REST_RATE_LIMIT
from floorwire.venues.kraken.order_instruments import OrderInstruments

QUERY_ORDERS = "/0/private/QueryOrders"
QUERY_TRADES = "/0/private/QueryTrades"
OPEN_ORDERS = "/0/private/OpenOrders"
CLOSED_ORDERS = "/0/private/ClosedOrders"
TRADES = "/0/private/TradesHistory"
BALANCE = "/0/private/BalanceEx"
CANCEL_ALL_AFTER = "/0/private/CancelAllOrdersAfter"
TOKEN = "/0/private/GetWebSocketsToken"  # noqa: S105 - a path
PAGE = 50
"""Executions of a page."""
MOST_PAGES = 4
"""Older executions are not read then. An order of ours that lacks some is asked for by itself anyway."""
MOST_TRADES = 20
"""Kraken: executions that one request names."""
OVERLAP_S = 120
"""Executions of this time before the cursor are read again: REST may show some late."""
FIRST_S = 86_400
"""Without a cursor, executions of this time are read."""
POST_ONLY_REASON = "post only"

Orders: TypeAlias = Mapping[str, messages.OrderInfo]
Trades: TypeAlias = Mapping[str, messages.TradeInfo]
STATES: dict[str, SeenState] = {
    "pending": "open",
    "open": "open",
    "closed": "filled",
    "canceled": "cancelled",
    "expired": "expired",
}


def end_of(filled: str, reason: str, time_in_force: str) -> tuple[SeenState, Code | None]:
    """Return how a cancelled order ended, and why. Raises AmountError."""
    if POST_ONLY_REASON in reason.lower() and is_zero(filled):
        return "rejected", Code.POST_ONLY_WOULD_CROSS
    if time_in_force.lower() == "fok" and is_zero(filled):
        return "rejected", Code.FOK_UNFILLED
    return "cancelled", Code.NO_LIQUIDITY if time_in_force.lower() == "ioc" else None


def order_seen(txid: str, order: messages.OrderInfo) -> OrderSeen:
    """Return what REST says about an order. Raises ValueError: an unknown state, or no amount.

    It has no time of the last change, so ``updated`` is 0: it is older than all that the stream says.
    """
    state, code, filled = STATES.get(order.status), None, plain(order.vol_exec)
    if state is None:
        raise BadAnswerError("unknown state")
    if state == "cancelled":
        state, code = end_of(filled, order.reason or "", order.timeinforce or "")
    # Kraken: the price of a stop order is that of its trigger, and price2 is its limit
    limit = {"limit": order.descr.price, "stop-loss-limit": order.descr.price2}.get(order.descr.ordertype, "")
    is_limit = bool(limit) and not is_zero(limit)
    return OrderSeen(
        client_id=order.cl_ord_id or "",
        venue_order_id=txid,
        state=state,
        filled=filled,
        price=limit if is_limit else None,
        quantity=order.vol if is_limit else None,
        code=code,
    )


def _executed(
    trade_id: str, trade: messages.TradeInfo, client_id: str, instruments: OrderInstruments
) -> Executed:
    pair = instruments.pair_of_rest(trade.pair)
    return Executed(
        client_id=client_id,
        venue_order_id=trade.ordertxid,
        execution_id=trade_id,
        trade_id="" if trade.trade_id is None else str(trade.trade_id),
        price=trade.price,
        quantity=trade.vol,
        liquidity="maker" if trade.maker else "taker",
        fee=plain(trade.fee),
        fee_asset="" if pair is None else pair.quote,
    )


# --- sequences ---------------------------------------------------------------------------------------


def _read(request: HttpRequest) -> Generator[HttpRequest, Answer, Answer]:
    """Read, until the count of the key allows it: it may be used up by an earlier process, or by others.

    The budget is empty after such a refusal, so the next try waits for it.
    """
    while True:
        answer = yield request
        if not messages.error_of(answer).startswith(REST_RATE_LIMIT):
            return answer


def token() -> Generator[HttpRequest, Answer, str]:
    """Ask for a token of the private WebSocket. It has to be used within 15 minutes. Raises ValueError."""
    answer = yield from _read(HttpRequest(TOKEN))
    return messages.result(answer, messages.Token).token


def cancel_all_after(seconds: int) -> Steps:
    """Let Kraken cancel all orders of the account after a time, unless asked again. Raises ValueError."""
    answer = yield HttpRequest(CANCEL_ALL_AFTER, urlencode({"timeout": seconds}))
    messages.result(answer, messages.Switch)
    return ()


def query(command: QueryOrder, instruments: OrderInstruments) -> Steps:
    """Ask for an order, then for its executions. Raises ValueError where that has no usable answer."""
    if command.venue_order_id:
        found = yield from _by_venue_id(command)
    else:
        found = yield from _by_client_id(command)
    if found is None:
        return (OrderAnswer(command.query, None),)
    txid, order = found
    seen = order_seen(txid, order)
    trades: Trades = {}
    if not is_zero(seen.filled):
        trades = yield from _trades_of(txid, order)
    executions = tuple(_executed(one, trades[one], command.client_id, instruments) for one in trades)
    return (OrderAnswer(command.query, seen, executions),)


Found: TypeAlias = Generator[HttpRequest, Answer, tuple[str, messages.OrderInfo] | None]


def _by_venue_id(command: QueryOrder) -> Found:
    form = urlencode({"txid": command.venue_order_id, "trades": "true", "consolidate_taker": "false"})
    answer = yield from _read(HttpRequest(QUERY_ORDERS, form))
    try:
        orders = messages.result(answer, dict[str, messages.OrderInfo])
    except messages.RefusedReadError as error:
        if error.error.startswith(OVER):
            return None
        raise
    order = orders.get(command.venue_order_id)
    if order is not None and order.cl_ord_id not in (None, "", command.client_id):
        raise BadAnswerError("another order")
    return None if order is None else (command.venue_order_id, order)


def _by_client_id(command: QueryOrder) -> Found:
    """Look for the order among the open ones, then among the closed ones."""
    form = {"cl_ord_id": command.client_id, "trades": "true"}
    answer = yield from _read(HttpRequest(OPEN_ORDERS, urlencode(form)))
    found = _with_client_id(messages.result(answer, messages.OpenOrders).open, command.client_id)
    if found is not None:
        return found
    form["consolidate_taker"] = "false"
    answer = yield from _read(HttpRequest(CLOSED_ORDERS, urlencode(form), weight=limits.HISTORY_WEIGHT))
    return _with_client_id(messages.result(answer, messages.ClosedOrders).closed, command.client_id)


def _with_client_id(orders: Orders, client_id: str) -> tuple[str, messages.OrderInfo] | None:
    return next(((txid, order) for txid, order in orders.items() if order.cl_ord_id == client_id), None)


def _trades_of(txid: str, order: messages.OrderInfo) -> Generator[HttpRequest, Answer, Trades]:
    """Return the executions of an order: those that it names, or else those of its time."""
    if order.trades:
        try:
            return (yield from _named_trades(order))
        except messages.RefusedReadError:
            pass  # the history has them too
    found = yield from _history(amount(messages.number(order.opentm)) - 1)
    return {one: trade for one, trade in found.items() if trade.ordertxid == txid}


def _named_trades(order: messages.OrderInfo) -> Generator[HttpRequest, Answer, Trades]:
    trades: dict[str, messages.TradeInfo] = {}
    for start in range(0, len(order.trades), MOST_TRADES):
        names = ",".join(order.trades[start : start + MOST_TRADES])
        answer = yield from _read(HttpRequest(QUERY_TRADES, urlencode({"txid": names})))
        trades |= messages.result(answer, dict[str, messages.TradeInfo])
    return trades


def _history(start: Decimal) -> Generator[HttpRequest, Answer, Trades]:
    """Return the executions after a time in seconds."""
    trades: dict[str, messages.TradeInfo] = {}
    for page in range(MOST_PAGES):
        form = {"start": f"{start:f}", "ofs": str(page * PAGE), "consolidate_taker": "false"}
        answer = yield from _read(HttpRequest(TRADES, urlencode(form), weight=limits.HISTORY_WEIGHT))
        found = messages.result(answer, messages.Trades)
        trades |= found.trades
        if not found.trades or len(trades) >= found.count:
            break
    return trades


def reconcile(command: Reconcile, instruments: OrderInstruments, venue_us: int) -> Steps:
    """Ask for open orders, executions since the cursor, and balances. Raises ValueError on a bad answer.

    The cursor is the time in seconds of the last execution that was read. ``venue_us``: the venue's date.
    """
    if command.is_second_look:
        balances = yield from _all_balances(instruments)
        return (ReconcileAnswer(command.request, (), (), balances, command.cursor, is_second_look=True),)
    answer = yield from _read(HttpRequest(OPEN_ORDERS))
    orders = messages.result(answer, messages.OpenOrders).open
    seen = tuple(order_seen(txid, order) for txid, order in orders.items())
    first = Decimal(venue_us // 1_000_000 - FIRST_S)
    start = amount(command.cursor) - OVERLAP_S if command.cursor else first
    trades = yield from _history(start)
    balances = yield from _all_balances(instruments)
    ordered = sorted(trades.items(), key=lambda item: _time(item[1]))  # the oldest first
    times = [_time(trade) for _, trade in ordered]
    return (
        ReconcileAnswer(
            command.request,
            seen,
            tuple(_executed(one, trade, "", instruments) for one, trade in ordered),
            balances,
            f"{max([amount(command.cursor or '0'), *times]):f}" if times else command.cursor,
        ),
    )


def _time(trade: messages.TradeInfo) -> Decimal:
    return amount(messages.number(trade.time))


def _all_balances(
    instruments: OrderInstruments,
) -> Generator[HttpRequest, Answer, tuple[VenueBalance, ...]]:
    answer = yield from _read(HttpRequest(BALANCE))
    return tuple(_balances(messages.result(answer, dict[str, messages.Balance]), instruments))


def _balances(
    balances: Mapping[str, messages.Balance], instruments: OrderInstruments
) -> Iterator[VenueBalance]:
    for name, balance in balances.items():
        # Kraken: what has a suffix (.F, .S, .M, .B) is lent or staked, and no money to trade with
        if "." not in name and not is_zero(balance.balance):
            yield VenueBalance(instruments.asset(name), balance.balance)
