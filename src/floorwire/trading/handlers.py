"""Handlers of requests about orders and accounts: authorise, parse, and ask the order manager."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from floorwire.channels import balances, fills, orders, positions
from floorwire.core.account_events import MassCancel, OrderFilled
from floorwire.core.authorization import Action, Principal, decide
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Refused, Report
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import NO_VENUES, VenueNames, bare
from floorwire.engine import order_parsing
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.protocol.account_rows import FillRow, OrderRow
from floorwire.protocol.replies import AllCancelled, BalanceList, OrderList, OrderReply, PositionList
from floorwire.protocol.trading_requests import (
    MIN_DEADMAN_S,
    AccountSummary,
    Balances,
    Deadman,
    Fills,
    Ledger,
    OneOrder,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    Orders,
    OrderStatus,
    Positions,
    Query,
)
from floorwire.trading.fill_search import FillSearch
from floorwire.trading.query_turns import ROWS_A_STEP
from floorwire.trading.visibility import Visibility

ShortQuery: TypeAlias = OrderStatus | Balances | Positions
"""Queries with short replies, from memory."""
MAX_FILL_ID = 1 << 63
"""Higher than the id of any fill."""
MAX_EXAMINED = 5_000
"""Open orders that one request for ``orders`` examines."""
EXAMINED_A_STEP = 1_000
"""How many of them in one step."""
MAX_LISTED_IDS = 1_000
"""Ids in the reply to a cancel of many orders."""
ValueT = TypeVar("ValueT")
Resolve: TypeAlias = Callable[[str], Instrument | None]
"""Returns the instrument for a symbol as a client writes it; None where there is not exactly one.

Raises Refusal ``venue_unavailable`` where its venue has listed nothing yet."""


def place(
    order_manager: OrderManager, resolve: Resolve, principal: Principal, request: OrderPlace, at: Moment
) -> OrderDecision:
    """Decide about a new order. Raises Refusal.

    Idempotency: a client order id that the account used before returns the earlier order as a duplicate, so a
    client may safely send a request again.
    """
    instrument = _instrument(resolve, principal, Action.ORDER_PLACE, request.symbol, at.wall_us)
    units = order_manager.instrument_units(instrument.symbol)
    return order_manager.place(
        order_parsing.parse_order(units, principal.account, request),
        at,
        key=principal.key,
        max_notional=principal.max_notional,
        deadline_us=None if request.deadline is UNSET else request.deadline,
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
    """Return which orders to cancel: all open ones that the key may see, or those of one symbol.

    Raises Refusal.
    """
    symbol = symbol_of(resolve, principal, Action.ORDER_CANCEL_ALL, request.symbol, wall_us)
    symbols = None if principal.symbols is None else tuple(sorted(principal.symbols))
    return MassCancel(principal.account, symbol, symbols=symbols)


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
    principal: Principal,
    visibility: Visibility,
    request: ShortQuery,
    wall_us: int,
) -> OrderReply | BalanceList | PositionList:
    """Return the reply to a query. Raises Refusal."""
    match request:
        case OrderStatus():
            order = _order(order_manager, principal, Action.ORDER_STATUS, request, wall_us)
            return OrderReply(id=request.id, order=order_rows(order_manager, [order], visibility.names)[0])
        case Balances():
            authorise(principal, Action.BALANCES, wall_us)
            held = visibility.balances(order_manager.balances(principal.account))
            return BalanceList(id=request.id, balances=[balances.row(one, visibility.names) for one in held])
        case Positions():
            authorise(principal, Action.POSITIONS, wall_us)
            owned = visibility.positions(order_manager.positions(principal.account))
            return PositionList(
                id=request.id, positions=[positions.row(one, visibility.names) for one in owned]
            )


def list_orders(
    order_manager: OrderManager,
    resolve: Resolve,
    principal: Principal,
    visibility: Visibility,
    request: Orders,
    wall_us: int,
) -> Generator[None, None, OrderList]:
    """Find one page of open orders as they are now. Return the steps that make the reply. Raises Refusal.

    It examines a limited number of orders, so the page may be short.
    """
    symbol = symbol_of(resolve, principal, Action.ORDERS, request.symbol, wall_us)
    after = 0 if request.after is UNSET else int(request.after)
    # Where every order is wanted, one more than the page has tells whether it is the last.
    wants_all = symbol is None and visibility.sees_all
    at_most = min(MAX_EXAMINED, request.limit + 1) if wants_all else MAX_EXAMINED
    examined = order_manager.open_orders_after(principal.account, after, at_most)
    is_last = len(examined) < at_most
    return _order_page(order_manager, visibility, request, symbol, examined, is_last=is_last)


def _order_page(
    order_manager: OrderManager,
    visibility: Visibility,
    request: Orders,
    symbol: str | None,
    examined: list[Order],
    *,
    is_last: bool,
) -> Generator[None, None, OrderList]:
    wanted: list[Order] = []
    for number, part in enumerate(_parts(examined, EXAMINED_A_STEP)):
        if number:
            yield
        wanted += [order for order in visibility.orders(part) if symbol in (None, order.ticket.symbol)]
    shown = wanted[: request.limit]
    next_page: str | UnsetType = UNSET
    if len(wanted) > len(shown):
        next_page = str(shown[-1].order_id)
    elif not is_last:
        next_page = str(examined[-1].order_id)
    rows: list[OrderRow] = []
    for part in _parts(shown, ROWS_A_STEP):
        if rows:
            yield
        rows += order_rows(order_manager, part, visibility.names)
    return OrderList(id=request.id, orders=rows, next=next_page)


def _parts(found: Sequence[ValueT], size: int) -> Iterator[Sequence[ValueT]]:
    """Yield the values in parts, one for each step."""
    return (found[begin : begin + size] for begin in range(0, len(found), size))


def row_count(order_manager: OrderManager, account: str, request: Query) -> int:
    """Return how many rows to charge for the reply: 0 for the short ones."""
    if isinstance(request, Ledger):
        return request.limit
    if isinstance(request, AccountSummary):
        return request.days
    if isinstance(request, Orders) and request.state not in (UNSET, "open"):
        return request.limit + order_manager.open_order_count(account) // 500
    if isinstance(request, Orders):
        count = order_manager.open_order_count(account)
        rows = min(request.limit, count)
        # An order that is examined and not listed costs a tenth of a row. Its id is copied in any case.
        return rows + (min(count, MAX_EXAMINED) - rows) // 10 + count // 500
    return min(request.limit, order_manager.seqs(account).fills) if isinstance(request, Fills) else 0


def order_rows(
    order_manager: OrderManager, listed: Iterable[Order], names: VenueNames = NO_VENUES
) -> list[OrderRow]:
    """Return the orders as rows of the protocol."""
    return [orders.row(order, order_manager.instrument_of(order), names) for order in listed]


def list_fills(
    order_manager: OrderManager,
    resolve: Resolve,
    principal: Principal,
    visibility: Visibility,
    request: Fills,
    wall_us: int,
) -> Generator[None, None, FillSearch]:
    """Start the search for the fills that were asked for. Raises Refusal.

    Return the steps that check the fills in memory, and then return the search.
    """
    symbol = symbol_of(resolve, principal, Action.FILLS, request.symbol, wall_us)
    before = MAX_FILL_ID if request.before is UNSET else int(request.before)
    search = _fill_search(order_manager, principal.account, visibility, request.limit, before, symbol)
    return _search_memory(search, order_manager.fills(principal.account))


def _search_memory(search: FillSearch, kept: Sequence[OrderFilled]) -> Generator[None, None, FillSearch]:
    checked = 0
    for part in _parts(kept, ROWS_A_STEP):
        search.add(part)
        checked += len(part)
        if search.is_done:
            break
        if checked < len(kept):
            yield
    return search


def latest_fills(
    order_manager: OrderManager, account: str, visibility: Visibility, limit: int
) -> list[FillRow]:
    """Return up to ``limit`` visible fills that are in memory, the latest first."""
    search = _fill_search(order_manager, account, visibility, limit, MAX_FILL_ID, None)
    search.add(order_manager.fills(account))
    return search.rows


def _fill_search(
    order_manager: OrderManager,
    account: str,
    visibility: Visibility,
    limit: int,
    before: int,
    symbol: str | None,
) -> FillSearch:
    """Return a search for fills older than the id ``before``.

    ``symbol``: only fills of this symbol, in its canonical form.
    """

    def row(fill: OrderFilled) -> FillRow:
        return fills.row(fill, order_manager.instrument_of(fill.order), visibility.names)

    return FillSearch(order_manager.seqs(account).fills, row, visibility, limit, before, symbol)


def refusal_code(reports: Sequence[Report], order: Order) -> Code | None:
    """Return why the venue refused the command; None where it did not."""
    for report in reports:
        if type(report) is Refused and report.order_id == order.order_id:
            return report.code
    return None


def authorise(
    principal: Principal,
    action: Action,
    wall_us: int,
    symbol: str | None = None,
    shown: str | None = None,
) -> None:
    """Raise Refusal where the principal may not do this action with its account.

    ``shown``: the symbol as the client wrote it.
    """
    refusal = decide(principal, action, wall_us, symbol=symbol, account=principal.account, shown=shown)
    if refusal is not None:
        raise refusal


def _instrument(
    resolve: Resolve, principal: Principal, action: Action, text: str, wall_us: int
) -> Instrument:
    instrument, unlisted = None, None
    try:
        instrument = resolve(text)
    except Refusal as not_yet:  # who may not do this is told so first
        unlisted = not_yet
    symbol = text if instrument is None else instrument.symbol
    refusal = decide(principal, action, wall_us, symbol=symbol, account=principal.account, shown=text)
    if refusal is not None:
        raise refusal
    if unlisted is not None:
        raise unlisted
    if instrument is None:
        raise Refusal(
            Code.UNKNOWN_SYMBOL, f"{text!r} names no instrument, or more than one", {"symbol": text}
        )
    return instrument


def symbol_of(
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
    authorise(principal, action, wall_us, order.ticket.symbol, bare(order.ticket.symbol))
    return order


def _or_none(value: ValueT | UnsetType) -> ValueT | None:
    return None if value is UNSET else value
