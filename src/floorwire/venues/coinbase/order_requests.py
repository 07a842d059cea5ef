"""Order requests to Coinbase: what of a command becomes which field.

Source: the guide of Coinbase, "Create Order", "Edit Order". Amounts are text.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from floorwire.core.codes import Code
from floorwire.core.dates import rfc3339
from floorwire.core.remote_order_messages import AmendOrder, CancelOrder, PlaceOrder
from floorwire.venues.common.limit_terms import base_quantity, limit_price
from floorwire.venues.common.order_exchange import UnplaceableError
from floorwire.venues.common.stop_terms import is_stop, stop_terms


def place(command: PlaceOrder, product_id: str, base_increment: str) -> bytes:
    """Return the order. Raises UnplaceableError, and AmountError.

    A market order becomes a limit order at its worst price that takes or ends: a market order of Coinbase
    has no such price.
    """
    kind, configuration = _configuration(command, base_increment)
    return msgspec.json.encode(
        {
            "client_order_id": command.client_id,
            "product_id": product_id,
            "side": command.side.upper(),
            "order_configuration": {kind: configuration},
        }
    )


def edit(command: AmendOrder) -> bytes:
    """Return the edit. A size or a price that is left out would count as 0."""
    return msgspec.json.encode(
        {"order_id": command.venue_order_id, "price": command.price, "size": command.quantity}
    )


def cancel(commands: Iterable[CancelOrder]) -> bytes:
    """Return the cancels."""
    return msgspec.json.encode({"order_ids": [command.venue_order_id for command in commands]})


def _configuration(command: PlaceOrder, base_increment: str) -> tuple[str, dict[str, str | bool]]:
    if is_stop(command):
        return _stop(command)
    limit: dict[str, str | bool] = {
        "base_size": base_quantity(command, base_increment),
        "limit_price": limit_price(command),
    }
    if command.time_in_force == "fok":
        return "limit_limit_fok", limit
    if command.type == "market" or command.time_in_force == "ioc":
        return "sor_limit_ioc", limit  # Coinbase: the only one that takes or ends, and has a limit
    limit["post_only"] = command.post_only
    if command.time_in_force == "gtd" and command.expires_us is not None:
        limit["end_time"] = rfc3339(command.expires_us)
        return "limit_limit_gtd", limit
    return "limit_limit_gtc", limit


def _stop(command: PlaceOrder) -> tuple[str, dict[str, str | bool]]:
    """Coinbase: a stop order has a limit, at which it rests once it is triggered."""
    terms = stop_terms(command, "Coinbase")
    if command.type == "stop" or command.time_in_force == "ioc":
        raise UnplaceableError(
            Code.VENUE_REJECTED, "Coinbase has no stop order that takes or ends: send a stop_limit order"
        )
    direction = "UP" if command.side == "buy" else "DOWN"
    stop: dict[str, str | bool] = {
        "base_size": terms.quantity,
        "limit_price": terms.limit,
        "stop_price": terms.stop_price,
        "stop_direction": f"STOP_DIRECTION_STOP_{direction}",
    }
    if command.time_in_force == "gtd" and command.expires_us is not None:
        stop["end_time"] = rfc3339(command.expires_us)
        return "stop_limit_stop_limit_gtd", stop
    return "stop_limit_stop_limit_gtc", stop
