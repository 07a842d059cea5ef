"""The limit price and the quantity that exchanges get of an order.

A market order of ours becomes a limit order at its worst price where that is safer, so it has both, too.
"""

from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import PlaceOrder
from floorwire.venues.common.order_amounts import bought_by, is_zero
from floorwire.venues.common.order_exchange import UnplaceableError


def limit_price(command: PlaceOrder) -> str:
    """Return the limit of a limit order; of any other, the price that it may not trade worse than."""
    return command.worst_price if command.price is None else command.price


def base_quantity(command: PlaceOrder, lot_size: str) -> str:
    """Return the quantity in the base asset: what the amount buys at the limit price, if it is an amount.

    Raises UnplaceableError.
    """
    if command.quantity is not None:
        return command.quantity
    quantity = bought_by(command.quote_quantity or "0", limit_price(command), lot_size)
    if is_zero(quantity):
        raise UnplaceableError(Code.MIN_NOTIONAL, "the amount buys less than the smallest quantity")
    return quantity
