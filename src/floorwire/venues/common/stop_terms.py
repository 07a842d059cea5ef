"""Stop orders: what every exchange needs of one, and what none of ours takes.

A stop order of ours becomes a limit order at its worst price that takes or ends when it is triggered: the
balance that it holds is for this price. A stop-limit order keeps its limit.
"""

from __future__ import annotations

from typing import NamedTuple

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import PlaceOrder
from floorwire.venues.common.limit_terms import limit_price
from floorwire.venues.common.order_exchange import UnplaceableError

STOPS = ("stop", "stop_limit")


class StopTerms(NamedTuple):
    """The numbers of a stop order, as decimal text."""

    quantity: str
    stop_price: str
    limit: str


def is_stop(command: PlaceOrder) -> bool:
    """Return whether the order waits for a price."""
    return command.type in STOPS


def stop_terms(command: PlaceOrder, exchange: str) -> StopTerms:
    """Return the terms of a stop order. Raises UnplaceableError."""
    if command.quantity is None or command.stop_price is None:
        raise UnplaceableError(
            Code.VENUE_REJECTED, f"a stop order of {exchange} has a quantity and a stop price"
        )
    if command.post_only:
        raise UnplaceableError(Code.VENUE_REJECTED, f"{exchange} has no post-only stop orders")
    if command.time_in_force == "fok":
        raise UnplaceableError(Code.VENUE_REJECTED, f"{exchange} has no fill-or-kill stop orders")
    return StopTerms(command.quantity, command.stop_price, limit_price(command))
