"""Request checks: refusals that depend on the request and its order alone, not on prices or limits.

The numbers are those of the list in ``order_checks``.
"""

from __future__ import annotations

from typing import NoReturn

from floorwire.core.codes import Code
from floorwire.core.orders import OPEN, Order, OrderTicket
from floorwire.core.refusal import Refusal


def refuse_different(ticket: OrderTicket, order: Order) -> NoReturn:
    """Refuse a client order id that names an order with other content (check 4: idempotency).

    Raises Refusal: ``duplicate_client_order_id``.
    """
    raise Refusal(
        Code.DUPLICATE_CLIENT_ORDER_ID,
        f"{ticket.client_order_id} was used for another order",
        {"client_order_id": ticket.client_order_id, "order_id": str(order.order_id)},
    )


def refuse_late(deadline_us: int, wall_us: int) -> NoReturn:
    """Refuse a request whose deadline has passed (check 5). Raises Refusal: ``deadline_passed``."""
    by_us = wall_us - deadline_us
    raise Refusal(Code.DEADLINE_PASSED, f"came {by_us} us after its deadline", {"late_us": by_us})


def expired() -> NoReturn:
    """Refuse a gtd order whose date has passed (check 9). Raises Refusal: ``bad_request``."""
    raise Refusal(Code.BAD_REQUEST, "expires: has passed", {"field": "expires"})


def cannot_reduce() -> NoReturn:
    """Refuse a reduce-only buy (check 15): there are no short positions. Raises Refusal: ``reduce_only``."""
    raise Refusal(Code.REDUCE_ONLY, "a buy reduces no position: nothing is held short here")


def refuse_closed(order: Order) -> None:
    """Refuse to change an order that is not open. Raises Refusal: ``order_closed``."""
    if order.state not in OPEN:
        raise Refusal(
            Code.ORDER_CLOSED,
            f"order {order.order_id} is {order.state}",
            {"order_id": str(order.order_id), "state": order.state},
        )


def refuse_unchangeable(ticket: OrderTicket, price_ticks: int | None, lots: int | None) -> None:
    """Refuse an amend that changes nothing, or a price or quantity that the order does not have.

    Raises Refusal: ``bad_request``.
    """
    if price_ticks is None and lots is None:
        raise Refusal(Code.BAD_REQUEST, "give price, quantity, or both", {"field": "price"})
    if price_ticks is not None and ticket.price_ticks is None:
        raise Refusal(Code.BAD_REQUEST, f"price: {ticket.type} orders have none", {"field": "price"})
    if lots is not None and ticket.lots is None:
        raise Refusal(Code.BAD_REQUEST, "quantity: the order has quote_quantity", {"field": "quantity"})
