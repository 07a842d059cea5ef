"""Remote commands: what is sent to a remote venue for an order, in decimal text of the order's own steps."""

from __future__ import annotations

from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.remote_order_messages import AmendOrder, PlaceOrder
from floorwire.core.venue_names import bare
from floorwire.engine.remote_state import RemoteOrder


def place_order(order: Order, client_id: str, instrument: Instrument) -> PlaceOrder:
    """Return the command that places the order."""
    ticket, price, size = order.ticket, instrument.price, instrument.size
    return PlaceOrder(
        client_id,
        order.order_id,
        bare(ticket.symbol),
        ticket.side,
        ticket.type,
        ticket.time_in_force,
        None if ticket.lots is None else size.format(ticket.lots),
        None if ticket.spend is None else instrument.format_notional(ticket.spend),
        None if ticket.price_ticks is None else price.format(ticket.price_ticks),
        price.format(order.price_ticks),
        None if ticket.stop_ticks is None else price.format(ticket.stop_ticks),
        ticket.post_only,
        ticket.reduce_only,
        ticket.expires_us,
    )


def amend_order(
    order: Order, remote: RemoteOrder, price_ticks: int, lots: int, instrument: Instrument
) -> AmendOrder:
    """Return the command that amends the order."""
    return AmendOrder(
        remote.client_id,
        remote.venue_order_id,
        bare(order.ticket.symbol),
        instrument.price.format(price_ticks),
        instrument.size.format(lots),
    )
