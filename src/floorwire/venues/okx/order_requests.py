"""Order requests to OKX: what of a command becomes which field.

Source: the API guide of OKX, "Place order", "Amend order", "Cancel order". On the WebSocket an instrument is
named by its number (``instIdCode``), on REST by its id.
"""

from __future__ import annotations

from typing import TypeAlias

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import AmendOrder, CancelOrder, PlaceOrder
from floorwire.venues.common.limit_terms import base_quantity, limit_price
from floorwire.venues.common.order_exchange import UnplaceableError

Argument: TypeAlias = dict[str, str | int]
ORDER_TYPES = {"gtc": "limit", "ioc": "ioc", "fok": "fok"}


def place(command: PlaceOrder, inst_id_code: int, lot_size: str) -> Argument:
    """Return the order. Raises UnplaceableError.

    A market order becomes a limit order at its worst price that takes or ends. So OKX can fill it at no worse
    price, and its size is never an amount of quote, which it is for market buys without ``tgtCcy``.
    """
    if command.type in ("stop", "stop_limit"):
        raise UnplaceableError(Code.VENUE_REJECTED, "stop orders are not sent to OKX")
    order_type = ORDER_TYPES.get(command.time_in_force)
    if order_type is None:
        raise UnplaceableError(Code.VENUE_REJECTED, "OKX has no orders that end at a date")
    if command.type == "market":
        order_type = "fok" if command.time_in_force == "fok" else "ioc"
    elif command.post_only:
        order_type = "post_only"
    return {
        "instIdCode": inst_id_code,
        "tdMode": "cash",
        "side": command.side,
        "ordType": order_type,
        "px": limit_price(command),
        "sz": base_quantity(command, lot_size),
        "clOrdId": command.client_id,
    }


def amend(command: AmendOrder, inst_id_code: int, number: str) -> Argument:
    """Return the amend; its result names ``number``. ``newSz`` is the total, filled parts included."""
    return {
        "instIdCode": inst_id_code,
        "clOrdId": command.client_id,
        "reqId": number,
        "newSz": command.quantity,
        "newPx": command.price,
    }


def cancel(command: CancelOrder, inst_id_code: int) -> Argument:
    """Return the cancel for the WebSocket."""
    return {"instIdCode": inst_id_code, "clOrdId": command.client_id}


def cancel_by_rest(command: CancelOrder, inst_id: str) -> Argument:
    """Return the cancel for REST."""
    return {"instId": inst_id, "clOrdId": command.client_id}
