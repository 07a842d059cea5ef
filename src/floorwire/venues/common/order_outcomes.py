"""Outcomes of order requests that every exchange has: not sent at all, and nobody knows."""

from __future__ import annotations

from typing import Literal, TypeAlias

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    PlaceAnswer,
    PlaceOrder,
)

OrderRequest: TypeAlias = PlaceOrder | AmendOrder | CancelOrder
OrderOutcome: TypeAlias = PlaceAnswer | AmendAnswer | CancelAnswer
MOST_MESSAGE = 200
"""Characters of a venue's own words that are passed on."""


def kind_of(request: OrderRequest) -> Literal["place", "amend", "cancel"]:
    """Return what a request does."""
    if isinstance(request, PlaceOrder):
        return "place"
    return "amend" if isinstance(request, AmendOrder) else "cancel"


def unknown(request: OrderRequest) -> OrderOutcome:
    """Return the outcome of a request that was sent, and of which nobody says what became of it."""
    if isinstance(request, PlaceOrder):
        return PlaceAnswer(request.client_id, "unknown")
    if isinstance(request, AmendOrder):
        return AmendAnswer(request.client_id, "unknown")
    return CancelAnswer(request.client_id, "unknown")


def rejected(request: PlaceOrder, code: Code, message: str) -> PlaceAnswer:
    """Return the outcome of an order that does not exist, for certain."""
    return PlaceAnswer(request.client_id, "rejected", code=code, message=message[:MOST_MESSAGE])
