"""Placing: from an accepted order to the command that the venue gets, once and after a restart."""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.core.order_commands import Place
from floorwire.core.orders import Order
from floorwire.engine.effective_limits import EffectiveLimits


def placed(order: Order, owner: int, limits: EffectiveLimits) -> Place:
    """Return the command for a new order."""
    ticket = order.ticket
    return Place(
        ticket.symbol,
        order.order_id,
        owner,
        ticket.side,
        order.lots,
        order.price_ticks,
        ticket.time_in_force,
        ticket.post_only,
        ticket.stop_ticks,
        ticket.expires_us,
        ticket.spend,
        0,
        limits.cancels_self_trade,
    )


def placed_again(order: Order, owner: int, limits: EffectiveLimits) -> Place:
    """Return the command for what is left of an order, in a market that does not have it.

    What rested may cross there now and fill, post-only or not.
    """
    ticket = order.ticket
    return replace(
        placed(order, owner, limits),
        post_only=False,
        stop_ticks=None if order.triggered else ticket.stop_ticks,
        spend=None if ticket.spend is None else ticket.spend - order.filled_turnover,
        filled_lots=order.filled_lots,
    )
