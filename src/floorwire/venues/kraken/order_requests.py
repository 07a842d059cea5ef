"""Order requests to Kraken: what of a command becomes which field.

Source: the API guide of Kraken, "Spot WebSocket v2 / Add order, Amend order, Cancel order" and "AddOrder".
"""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import urlencode

import msgspec

from floorwire.core.dates import rfc3339
from floorwire.core.remote_order_messages import AmendOrder, CancelOrder, PlaceOrder
from floorwire.venues.common.limit_terms import base_quantity, limit_price
from floorwire.venues.common.order_amounts import plain
from floorwire.venues.common.stop_terms import is_stop, stop_terms
from floorwire.venues.kraken.order_instruments import Pair

Params: TypeAlias = dict[str, object]


def place(command: PlaceOrder, pair: Pair, deadline_us: int) -> Params:
    """Return the order for the WebSocket. Raises UnplaceableError, and AmountError.

    A market order becomes a limit order at its worst price that takes or ends; a stop order becomes one when
    it is triggered.
    """
    params: Params = {
        "order_type": "limit",
        "side": command.side,
        "order_qty": _exact(base_quantity(command, pair.lot_size)),
        "symbol": pair.symbol,
        "limit_price": _exact(limit_price(command)),
        "time_in_force": "ioc" if command.type in ("market", "stop") else command.time_in_force,
        "cl_ord_id": command.client_id,
        "deadline": rfc3339(deadline_us),
    }
    if is_stop(command):
        terms = stop_terms(command, "Kraken")
        params["order_type"] = "stop-loss-limit"
        params["triggers"] = {"reference": "last", "price": _exact(terms.stop_price), "price_type": "static"}
    if command.post_only:
        params["post_only"] = True
    if command.time_in_force == "gtd" and command.expires_us is not None:
        params["expire_time"] = rfc3339(command.expires_us)
    return params


def place_by_rest(command: PlaceOrder, pair: Pair, deadline_us: int) -> str:
    """Return the form that places a fill-or-kill order: the WebSocket has none. Raises UnplaceableError."""
    return urlencode(
        {
            "pair": pair.rest_name,
            "type": command.side,
            "ordertype": "limit",
            "price": limit_price(command),
            "volume": base_quantity(command, pair.lot_size),
            "timeinforce": "FOK",
            "cl_ord_id": command.client_id,
            "deadline": rfc3339(deadline_us),
        }
    )


def amend(command: AmendOrder, deadline_us: int) -> Params:
    """Return the amend. ``order_qty`` is the total, filled parts included. Raises AmountError."""
    return {
        **_named(command),
        "order_qty": _exact(command.quantity),
        "limit_price": _exact(command.price),
        "deadline": rfc3339(deadline_us),
    }


def cancel(command: CancelOrder) -> Params:
    """Return the cancel: Kraken takes lists."""
    return {name: [value] for name, value in _named(command).items()}


def cancel_by_rest(command: CancelOrder) -> str:
    """Return the form of the cancel."""
    named = _named(command)
    return urlencode({"txid" if name == "order_id" else name: value for name, value in named.items()})


def _named(command: AmendOrder | CancelOrder) -> dict[str, str]:
    if command.venue_order_id:
        return {"order_id": command.venue_order_id}
    return {"cl_ord_id": command.client_id}


def _exact(text: str) -> msgspec.Raw:
    """Return the decimal text as a JSON number with the same digits. Raises AmountError."""
    return msgspec.Raw(plain(text).encode())
