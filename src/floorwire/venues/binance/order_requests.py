"""Requests of Binance about orders: what is sent for each command, before it is signed.

Source: github.com/binance/binance-spot-api-docs, web-socket-api.md. The same parameters are those of REST.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import (
    AmendOrder,
    CancelOrder,
    Executed,
    OrderSeen,
    PlaceOrder,
    QueryOrder,
)
from floorwire.venues.binance.signing import Params
from floorwire.venues.common.limit_terms import limit_price
from floorwire.venues.common.order_exchange import UnplaceableError

PLACE_WINDOW_MS = 2_000
"""A request is refused if it comes later than this: the shorter, the sooner "not found" means something."""
WINDOW_MS = 5_000
MOST_TRADES = 1_000
"""Executions in an answer."""
TIMES_IN_FORCE = {"gtc": "GTC", "ioc": "IOC", "fok": "FOK"}


class Placing(msgspec.Struct, frozen=True):
    """The answer says what became of a new order."""

    command: PlaceOrder


class Cancelling(msgspec.Struct, frozen=True):
    """The answer says what became of a cancel."""

    command: CancelOrder


class Amending(msgspec.Struct, frozen=True):
    """The answer says what became of an amend."""

    command: AmendOrder


class Looking(msgspec.Struct, frozen=True):
    """The answer has an order, or says that there is none."""

    command: QueryOrder


class LookingForFills(msgspec.Struct, frozen=True):
    """The answer has executions of an order that was found."""

    command: QueryOrder
    seen: OrderSeen
    executions: tuple[Executed, ...] = ()
    """Of earlier pages."""


class Reconciling(msgspec.Struct, frozen=True):
    """The answer is the next part of a reconciliation."""

    request: int


class AskingTime(msgspec.Struct, frozen=True):
    """The answer has Binance's time. ``date_us``: ours, when it was asked."""

    session: str
    date_us: int


class Subscribing(msgspec.Struct, frozen=True):
    """The answer says that the account's events come on this session."""

    session: str


Purpose: TypeAlias = (
    Placing | Cancelling | Amending | Looking | LookingForFills | Reconciling | AskingTime | Subscribing
)


class Call(msgspec.Struct, frozen=True):
    """One request. ``purpose``: what its answer is for."""

    method: str
    params: Params
    weight: int
    purpose: Purpose
    window_ms: int = WINDOW_MS
    is_signed: bool = True
    tries: int = 1
    """How often it was sent, this time included. Cancels and reads may be sent again."""


REST: dict[str, tuple[Literal["GET", "DELETE"], str]] = {
    "order.cancel": ("DELETE", "/api/v3/order"),
    "order.status": ("GET", "/api/v3/order"),
    "myTrades": ("GET", "/api/v3/myTrades"),
    "openOrders.status": ("GET", "/api/v3/openOrders"),
    "account.status": ("GET", "/api/v3/account"),
}
"""Cancels and reads, which go by REST while no session is up."""


def place(command: PlaceOrder, native: str) -> Call:
    """Return the request for a new order. Raises UnplaceableError where Binance has no such order.

    A reduce-only order is a sell, and each sell on spot only reduces what the account has.
    """
    params: dict[str, str | int | bool] = {
        "symbol": native,
        "side": command.side.upper(),
        "newClientOrderId": command.client_id,
        "newOrderRespType": "FULL",
    }
    if command.time_in_force == "gtd":
        raise UnplaceableError(Code.VENUE_REJECTED, "Binance has no orders that are good till a date")
    if command.type in {"stop", "stop_limit"}:
        params |= _stop(command)
    elif command.quantity is None:
        params |= _market_by_amount(command)
    else:
        params |= _limit(command, command.quantity)
    return Call("order.place", params, 1, Placing(command), PLACE_WINDOW_MS)


def _limit(command: PlaceOrder, quantity: str) -> Params:
    # A market order of Binance has no worst price. A limit order that takes or ends has one.
    price = limit_price(command)
    if not command.post_only:
        time_in_force = TIMES_IN_FORCE[_force(command)]
        return {"type": "LIMIT", "timeInForce": time_in_force, "price": price, "quantity": quantity}
    if command.time_in_force != "gtc":
        raise UnplaceableError(
            Code.VENUE_REJECTED, "a post-only order of Binance is good till it is cancelled"
        )
    return {"type": "LIMIT_MAKER", "price": price, "quantity": quantity}


def _market_by_amount(command: PlaceOrder) -> Params:
    # The amount is the bound here: Binance spends no more. Its price rules bound the price.
    if command.type != "market" or command.quote_quantity is None:
        raise UnplaceableError(Code.VENUE_REJECTED, "only market orders have an amount to spend")
    if command.time_in_force == "fok":
        raise UnplaceableError(
            Code.VENUE_REJECTED, "a market order by amount of Binance fills as far as it can"
        )
    return {"type": "MARKET", "quoteOrderQty": command.quote_quantity}


def _stop(command: PlaceOrder) -> Params:
    if command.quantity is None or command.stop_price is None:
        raise UnplaceableError(Code.VENUE_REJECTED, "a stop order of Binance has a quantity and a stop price")
    if command.post_only:
        raise UnplaceableError(Code.VENUE_REJECTED, "Binance has no post-only stop orders")
    return {
        "type": "STOP_LOSS_LIMIT",
        "timeInForce": TIMES_IN_FORCE[_force(command)],
        "price": limit_price(command),
        "stopPrice": command.stop_price,
        "quantity": command.quantity,
    }


def _force(command: PlaceOrder) -> str:
    is_market = command.price is None
    return "ioc" if is_market and command.time_in_force != "fok" else command.time_in_force


def cancel(command: CancelOrder, native: str) -> Call:
    """Return the request that cancels an order. By Binance's id it is faster, and no id has to match."""
    return Call("order.cancel", _which(command, native), 1, Cancelling(command))


def amend(command: AmendOrder, native: str) -> Call:
    """Return the request that reduces the quantity of an order, which keeps its place in the queue."""
    params = {
        **_which(command, native),
        # Without this one the order gets an id that Binance makes.
        "newClientOrderId": command.client_id,
        "newQty": command.quantity,
    }
    return Call("order.amend.keepPriority", params, 4, Amending(command), PLACE_WINDOW_MS)


def look(command: QueryOrder, native: str) -> Call:
    """Return the request for the present state of an order."""
    return Call("order.status", _which(command, native), 4, Looking(command))


def look_for_fills(native: str, order_id: int, purpose: LookingForFills) -> Call:
    """Return the request for executions of an order: the first ones, or those after the ones known."""
    params: dict[str, str | int | bool] = {"symbol": native, "orderId": order_id, "limit": MOST_TRADES}
    if purpose.executions:
        params["fromId"] = int(purpose.executions[-1].trade_id) + 1
    return Call("myTrades", params, 5, purpose)


def open_orders(purpose: Reconciling) -> Call:
    """Return the request for all open orders."""
    return Call("openOrders.status", {}, 80, purpose)


def trades(native: str, from_id: int | None, purpose: Reconciling) -> Call:
    """Return the request for executions of a symbol: from one on, or the latest ones."""
    params: dict[str, str | int | bool] = {"symbol": native, "limit": MOST_TRADES}
    if from_id is not None:
        params["fromId"] = from_id
    return Call("myTrades", params, 20, purpose)


def balances(purpose: Reconciling) -> Call:
    """Return the request for all balances that are not zero."""
    return Call("account.status", {"omitZeroBalances": True}, 20, purpose)


def server_time(session: str, date_us: int) -> Call:
    """Return the request for Binance's time."""
    return Call("time", {}, 1, AskingTime(session, date_us), is_signed=False)


def subscribe(session: str) -> Call:
    """Return the request for the account's events. This way of it works with keys of any type."""
    return Call("userDataStream.subscribe.signature", {}, 2, Subscribing(session))


def _which(command: CancelOrder | AmendOrder | QueryOrder, native: str) -> dict[str, str | int | bool]:
    # A cancelled order has another client id, so Binance's id comes first.
    if command.venue_order_id.isdecimal() and command.venue_order_id.isascii():
        return {"symbol": native, "orderId": int(command.venue_order_id)}
    return {"symbol": native, "origClientOrderId": command.client_id}
