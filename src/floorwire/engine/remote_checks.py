"""Remote checks: what else is checked of an order and of an amend, if the venue is outside this process.

They come before the checks of ``order_checks``, and use up no order rate.

    check      error code         refused where
    account    forbidden          the venue's credentials belong to another account of ours
    venue      venue_unavailable  the private stream is down, or the account was not reconciled since then
    amend      venue_rejected     the venue cannot amend an order, or no stop order
               venue_unavailable  the order is on its way, unknown or in quarantine, or an amend is on its way
               bad_request        the new quantity is filled already
"""

from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.orders import OPEN, Order, OrderTicket
from floorwire.core.refusal import Refusal
from floorwire.engine.remote_orders import RemoteOrders

ON_THE_WAY = frozenset({"submitting", "unknown"})


def check_order(remote: RemoteOrders, ticket: OrderTicket) -> None:
    """Check that a new order may go to the venue. Raises Refusal."""
    if ticket.account != remote.account:
        raise Refusal(Code.FORBIDDEN, f"orders at {remote.venue} belong to another account")
    if not remote.is_ready:
        what = "its account was not reconciled yet" if remote.is_linked else "its private stream is down"
        raise Refusal(Code.VENUE_UNAVAILABLE, f"{remote.venue} takes no orders now: {what}")


def check_amend(remote: RemoteOrders, order: Order, lots: int | None) -> None:
    """Check that an order may be amended at the venue. Raises Refusal.

    A closed order is refused later.
    """
    if order.state not in OPEN:
        return
    if not remote.policy.can_amend:
        text = f"{remote.venue} cannot amend orders: cancel it, and place another one"
        raise Refusal(Code.VENUE_REJECTED, text)
    if order.ticket.stop_ticks is not None and not remote.policy.amends_stops:
        text = f"{remote.venue} cannot amend stop orders: cancel it, and place another one"
        raise Refusal(Code.VENUE_REJECTED, text)
    if not remote.is_linked:
        raise Refusal(Code.VENUE_UNAVAILABLE, f"the private stream of {remote.venue} is down")
    if order.state in ON_THE_WAY:
        raise Refusal(Code.VENUE_UNAVAILABLE, f"{remote.venue} has not said yet that it has the order")
    if remote.is_quarantined(order.order_id):
        raise Refusal(Code.VENUE_UNAVAILABLE, "the order is in quarantine; an operator has to release it")
    if order.amending:
        raise Refusal(Code.VENUE_UNAVAILABLE, "an amend of the order is on its way")
    if lots is not None and lots <= order.filled_lots:
        raise Refusal(Code.BAD_REQUEST, "quantity: so much is filled already", {"field": "quantity"})
