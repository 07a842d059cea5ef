"""Objections: why a request is refused for what it is, whatever the limits are."""

from __future__ import annotations

from typing import NoReturn

from floorwire.core.codes import Code
from floorwire.core.orders import OPEN, Order, Ticket
from floorwire.core.refusal import Refusal


def another(ticket: Ticket, order: Order) -> NoReturn:
    """The client order id is known of an order with other content. Raises Refusal."""
    raise Refusal(
        Code.DUPLICATE_CLIENT_ORDER_ID,
        f"{ticket.client_order_id} was used for another order",
        {"client_order_id": ticket.client_order_id, "order_id": str(order.order_id)},
    )


def late(deadline_us: int, wall_us: int) -> NoReturn:
    """The deadline has passed. Raises Refusal."""
    by_us = wall_us - deadline_us
    raise Refusal(Code.DEADLINE_PASSED, f"came {by_us} us after its deadline", {"late_us": by_us})


def expired() -> NoReturn:
    """The date of a gtd order has passed. Raises Refusal."""
    raise Refusal(Code.BAD_REQUEST, "expires: has passed", {"field": "expires"})


def cannot_reduce() -> NoReturn:
    """A reduce-only buy: nothing is held short. Raises Refusal."""
    raise Refusal(Code.REDUCE_ONLY, "a buy reduces no position: nothing is held short here")


def closed(order: Order) -> None:
    """Check that the order is open. Raises Refusal."""
    if order.state not in OPEN:
        raise Refusal(
            Code.ORDER_CLOSED,
            f"order {order.order_id} is {order.state}",
            {"order_id": str(order.order_id), "state": order.state},
        )


def unchangeable(ticket: Ticket, price_ticks: int | None, lots: int | None) -> None:
    """Check that an amend names something that the order has. Raises Refusal."""
    if price_ticks is None and lots is None:
        raise Refusal(Code.BAD_REQUEST, "give price, quantity, or both", {"field": "price"})
    if price_ticks is not None and ticket.price_ticks is None:
        raise Refusal(Code.BAD_REQUEST, f"price: {ticket.type} orders have none", {"field": "price"})
    if lots is not None and ticket.lots is None:
        raise Refusal(Code.BAD_REQUEST, "quantity: the order has quote_quantity", {"field": "quantity"})
