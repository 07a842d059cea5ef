"""Handlers of requests about orders and accounts: authorise, parse, and ask the order manager."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from floorwire.channels import balances, fills, orders, positions
from floorwire.core.account_events import MassCancel, OrderFilled
from floorwire.core.authorization import Action, Principal, decide
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Refused, Report
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order, OrderTicket
from floorwire.core.refusal import Refusal
from floorwire.engine import order_parsing
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.protocol.replies import AllCancelled, BalanceList, OrderList, OrderReply, PositionList
from floorwire.protocol.rows import FillRow, OrderRow
from floorwire.protocol.trading_requests import (
    MIN_DEADMAN_S,
    Balances,
    Deadman,
    Fills,
    OneOrder,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    Orders,
    OrderStatus,
    Positions,
)
from floorwire.trading.fill_history import FillSearch
from floorwire.trading.visibility import Visibility

MemoryQuery: TypeAlias = OrderStatus | Orders | Balances | Positions
"""Queries that are answered from memory alone."""
MAX_FILL_ID = 1 << 63
"""Higher than the id of any fill."""
MAX_EXAMINED = 5_000
"""Open orders that one request for ``orders`` examines."""
MAX_LISTED_IDS = 1_000
"""Ids in the reply to a cancel of many orders."""
ValueT = TypeVar("ValueT")
Resolve: TypeAlias = Callable[[str], Instrument | None]
"""Returns the instrument for a symbol as a client writes it; None where there is not exactly one."""


def place(
    order_manager: OrderManager, resolve: Resolve, principal: Principal, request: OrderPlace, at: Moment
) -> OrderDecision:
    """Decide about a new order. Raises Refusal.

    Idempotency: a client order id that the account used before returns the earlier order as a duplicate, so a
    client may safely send a request again.
    """
    instrument = _instrument(resolve, principal, Action.ORDER_PLACE, request.symbol, at.wall_us)
    return order_manager.place(
        _ticket(order_manager, principal, request, instrument.symbol),
        at,
        key=principal.key,
        max_notional=principal.max_notional,
        deadline_us=None if request.deadline is UNSET else request.deadline,
    )


def _ticket(
    order_manager: OrderManager, principal: Principal, request: OrderPlace, symbol: str
) -> OrderTicket:
    quote_quantity, tif = request.quote_quantity, request.time_in_force
    return order_parsing.parse_order(
        order_manager.instrument_units(symbol),
        account=principal.account,
        client_order_id=request.client_order_id,
        side=request.side,
        type="limit" if request.type is UNSET else request.type,
        quantity=None if request.quantity is UNSET else request.quantity,
        quote_quantity=None if quote_quantity is UNSET else quote_quantity,
        price=None if request.price is UNSET else request.price,
        stop_price=None if request.stop_price is UNSET else request.stop_price,
        time_in_force=None if tif is UNSET else tif,
        expires_us=None if request.expires is UNSET else request.expires,
        post_only=request.post_only is True,
        reduce_only=request.reduce_only is True,
    )


def amend(
    order_manager: OrderManager, principal: Principal, request: OrderAmend, at: Moment
) -> OrderDecision:
    """Decide about an amend. Raises Refusal."""
    order = _order(order_manager, principal, Action.ORDER_AMEND, request, at.wall_us)
    instrument = order_manager.instrument_units(order.ticket.symbol).instrument
    return order_manager.amend(
        order,
        at,
        price_ticks=None
        if request.price is UNSET
        else order_parsing.ticks(instrument, "price", request.price),
        lots=None if request.quantity is UNSET else order_parsing.lots(instrument, request.quantity),
        key=principal.key,
        max_notional=principal.max_notional,
        deadline_us=_or_none(request.deadline),
    )


def cancel(
    order_manager: OrderManager, principal: Principal, request: OrderCancel, wall_us: int
) -> OrderDecision:
    """Decide about a cancel. Raises Refusal."""
    return order_manager.cancel(_order(order_manager, principal, Action.ORDER_CANCEL, request, wall_us))


def cancel_all(resolve: Resolve, principal: Principal, request: OrderCancelAll, wall_us: int) -> MassCancel:
    """Return which orders to cancel: all open ones, or those of one symbol. Raises Refusal."""
    symbol = _symbol(resolve, principal, Action.ORDER_CANCEL_ALL, request.symbol, wall_us)
    return MassCancel(principal.account, symbol)


def all_cancelled(request: OrderCancelAll, order_ids: Sequence[int]) -> AllCancelled:
    """Return the reply to a cancel of these orders."""
    listed = [str(order_id) for order_id in order_ids[:MAX_LISTED_IDS]]
    return AllCancelled(id=request.id, count=len(order_ids), order_ids=listed)


def deadman_us(request: Deadman) -> int:
    """Return the length of the dead man's timer; 0 disarms it. Raises Refusal for one that is too short."""
    if 0 < request.timeout_s < MIN_DEADMAN_S:
        message = f"timeout_s: 0 disarms; else at least {MIN_DEADMAN_S:g} s"
        raise Refusal(Code.BAD_REQUEST, message, {"field": "timeout_s"})
    return round(request.timeout_s * 1_000_000)


def answer_query(
    order_manager: OrderManager,
    resolve: Resolve,
    principal: Principal,
    visibility: Visibility,
    request: MemoryQuery,
    wall_us: int,
) -> OrderReply | OrderList | BalanceList | PositionList:
    """Return the reply to a query. Raises Refusal."""
    match request:
        case OrderStatus():
            order = _order(order_manager, principal, Action.ORDER_STATUS, request, wall_us)
            return OrderReply(id=request.id, order=order_rows(order_manager, [order])[0])
        case Orders():
            symbol = _symbol(resolve, principal, Action.ORDERS, request.symbol, wall_us)
            return _list_orders(order_manager, principal.account, visibility, request, symbol)
        case Balances():
            authorise(principal, Action.BALANCES, wall_us)
            held = visibility.balances(order_manager.balances(principal.account))
            return BalanceList(id=request.id, balances=[balances.row(balance) for balance in held])
        case Positions():
            authorise(principal, Action.POSITIONS, wall_us)
            owned = visibility.positions(order_manager.positions(principal.account))
            return PositionList(id=request.id, positions=[positions.row(position) for position in owned])


def _list_orders(
    order_manager: OrderManager,
    account: str,
    visibility: Visibility,
    request: Orders,
    symbol: str | None,
) -> OrderList:
    """Return one page of open orders. It examines a limited number of orders, so it may be short."""
    after = 0 if request.after is UNSET else int(request.after)
    examined = order_manager.open_orders_after(account, after, MAX_EXAMINED)
    is_last = len(examined) < MAX_EXAMINED
    wanted = [
        order for order in visibility.orders(examined) if symbol is None or order.ticket.symbol == symbol
    ]
    shown = wanted[: request.limit]
    last_id = None
    if len(wanted) > len(shown):
        last_id = shown[-1].order_id
    elif not is_last:
        last_id = examined[-1].order_id
    return OrderList(
        id=request.id,
        orders=order_rows(order_manager, shown),
        next=UNSET if last_id is None else str(last_id),
    )


def row_count(order_manager: OrderManager, account: str, request: MemoryQuery | Fills) -> int:
    """Return how many rows to charge for the reply: 0 for the short ones."""
    if isinstance(request, Orders):
        count = order_manager.open_order_count(account)
        rows = min(request.limit, count)
        # An order that is examined and not listed costs a tenth of a row. Its id is copied in any case.
        return rows + (min(count, MAX_EXAMINED) - rows) // 10 + count // 500
    return min(request.limit, order_manager.seqs(account).fills) if isinstance(request, Fills) else 0


def order_rows(order_manager: OrderManager, listed: list[Order]) -> list[OrderRow]:
    """Return the orders as rows of the protocol."""
    return [orders.row(order, order_manager.instrument_of(order)) for order in listed]


def list_fills(
    order_manager: OrderManager,
    resolve: Resolve,
    principal: Principal,
    visibility: Visibility,
    request: Fills,
    wall_us: int,
) -> FillSearch:
    """Start the search for the fills that were asked for, with those in memory. Raises Refusal."""
    symbol = _symbol(resolve, principal, Action.FILLS, request.symbol, wall_us)
    before = MAX_FILL_ID if request.before is UNSET else int(request.before)
    return start_fill_search(order_manager, principal.account, visibility, request.limit, before, symbol)


def start_fill_search(
    order_manager: OrderManager,
    account: str,
    visibility: Visibility,
    limit: int,
    before: int = MAX_FILL_ID,
    symbol: str | None = None,
) -> FillSearch:
    """Return a search for fills older than the id ``before`` that has checked those in memory.

    ``symbol``: only fills of this symbol, in its canonical form.
    """

    def row(fill: OrderFilled) -> FillRow:
        return fills.row(fill, order_manager.instrument_of(fill.order))

    fill_search = FillSearch(order_manager.seqs(account).fills, row, visibility, limit, before, symbol)
    fill_search.add(order_manager.fills(account))
    return fill_search


def refusal_code(reports: Sequence[Report], order: Order) -> Code | None:
    """Return why the venue refused the command; None where it did not."""
    for report in reports:
        if type(report) is Refused and report.order_id == order.order_id:
            return report.code
    return None


def authorise(principal: Principal, action: Action, wall_us: int, symbol: str | None = None) -> None:
    """Raise Refusal where the principal may not do this action with its account."""
    refusal = decide(principal, action, wall_us, symbol=symbol, account=principal.account)
    if refusal is not None:
        raise refusal


def _instrument(
    resolve: Resolve, principal: Principal, action: Action, text: str, wall_us: int
) -> Instrument:
    instrument = resolve(text)
    authorise(principal, action, wall_us, text if instrument is None else instrument.symbol)
    if instrument is None:
        raise Refusal(
            Code.UNKNOWN_SYMBOL, f"{text!r} names no instrument, or more than one", {"symbol": text}
        )
    return instrument


def _symbol(
    resolve: Resolve, principal: Principal, action: Action, text: str | UnsetType, wall_us: int
) -> str | None:
    """Return the symbol that filters a list; None for all symbols. Raises Refusal."""
    if text is not UNSET:
        return _instrument(resolve, principal, action, text, wall_us).symbol
    authorise(principal, action, wall_us)
    return None


def _order(
    order_manager: OrderManager, principal: Principal, action: Action, request: OneOrder, wall_us: int
) -> Order:
    if (request.order_id is UNSET) is (request.client_order_id is UNSET):
        raise Refusal(Code.BAD_REQUEST, "give order_id or client_order_id, not both", {"field": "order_id"})
    order_id = None if request.order_id is UNSET else int(request.order_id)
    try:
        order = order_manager.find(principal.account, order_id, _or_none(request.client_order_id))
    except Refusal:
        authorise(
            principal, action, wall_us, next(iter(principal.symbols or ()), None)
        )  # not authorised goes before unknown order
        raise
    authorise(principal, action, wall_us, order.ticket.symbol)
    return order


def _or_none(value: ValueT | UnsetType) -> ValueT | None:
    return None if value is UNSET else value
