"""Place commands: what puts an accepted order on its venue, new or after a restart."""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.core.order_commands import Place
from floorwire.core.orders import Order
from floorwire.engine.effective_limits import EffectiveLimits


def place_command(order: Order, owner: int, limits: EffectiveLimits) -> Place:
    """Return the command that places a new order. ``owner`` is the number of its account, for self-trades."""
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


def restore_command(order: Order, owner: int, limits: EffectiveLimits) -> Place:
    """Return the command that places the rest of an open order again, in a market that lost it.

    The market may have moved past the order's price, so the order may fill at once. It is not sent as
    post-only, because the market would then reject an order that had rested. A triggered stop does not wait
    again.
    """
    ticket = order.ticket
    return replace(
        place_command(order, owner, limits),
        post_only=False,
        stop_ticks=None if order.triggered else ticket.stop_ticks,
        spend=None if ticket.spend is None else ticket.spend - order.filled_turnover,
        filled_lots=order.filled_lots,
    )
