"""Order requests to Bybit: what of a command becomes which field.

Source: the API guide of Bybit, version 5, "Place Order", "Amend Order", "Cancel Order". The WebSocket and
REST have the same fields.
"""

from __future__ import annotations

from typing import TypeAlias

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import AmendOrder, CancelOrder, PlaceOrder
from floorwire.venues.common.limit_terms import limit_price
from floorwire.venues.common.order_exchange import UnplaceableError

Argument: TypeAlias = dict[str, str | int]
CATEGORY = "spot"
TIMES_IN_FORCE = {"gtc": "GTC", "ioc": "IOC", "fok": "FOK"}
SIDES = {"buy": "Buy", "sell": "Sell"}


def place(command: PlaceOrder, native: str) -> Argument:
    """Return the order. Raises UnplaceableError.

    A market order becomes a limit order at its worst price that takes or ends. An amount to spend is a market
    order by quote: Bybit spends no more, and its protection price bounds the price.
    """
    if command.type in ("stop", "stop_limit"):
        # Bybit takes from the market's price in which direction a stop is crossed, so that one could wait for
        # the other direction.
        raise UnplaceableError(Code.VENUE_REJECTED, "stop orders are not sent to Bybit")
    force = TIMES_IN_FORCE.get(command.time_in_force)
    if force is None:
        raise UnplaceableError(Code.VENUE_REJECTED, "Bybit has no orders that end at a date")
    common: Argument = {
        "category": CATEGORY,
        "symbol": native,
        "side": SIDES[command.side],
        "orderLinkId": command.client_id,
        "isLeverage": 0,
        "orderFilter": "Order",
    }
    if command.quantity is None:
        if command.quote_quantity is None or command.time_in_force == "fok":
            raise UnplaceableError(Code.VENUE_REJECTED, "a market order by amount fills as far as it can")
        # Without marketUnit the unit depends on the side.
        return common | {
            "orderType": "Market",
            "marketUnit": "quoteCoin",
            "qty": command.quote_quantity,
            "timeInForce": "IOC",
        }
    if command.type == "market":
        force = "FOK" if force == "FOK" else "IOC"
    elif command.post_only:
        if force != "GTC":
            raise UnplaceableError(Code.VENUE_REJECTED, "a post-only order of Bybit is good till cancelled")
        force = "PostOnly"
    return common | {
        "orderType": "Limit",
        "qty": command.quantity,
        "price": limit_price(command),
        "timeInForce": force,
    }


def amend(command: AmendOrder, native: str, *, price: bool, quantity: bool) -> Argument:
    """Return the amend. Only what changes is sent. ``qty`` is the total, filled parts included."""
    argument = _which(command, native)
    if quantity:
        argument["qty"] = command.quantity
    if price:
        argument["price"] = command.price
    return argument


def cancel(command: CancelOrder, native: str) -> Argument:
    """Return the cancel."""
    return _which(command, native)


def _which(command: AmendOrder | CancelOrder, native: str) -> Argument:
    return {"category": CATEGORY, "symbol": native, "orderLinkId": command.client_id}
