"""Errors of Kraken about orders: which of them prove that nothing was done, and which prove nothing.

Source: the API guide of Kraken, "Errors". Errors are texts: a letter for the kind, a group, and what
happened. One that is not here proves nothing.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    PlaceAnswer,
    PlaceOrder,
)
from floorwire.venues.common.order_outcomes import MOST_MESSAGE, OrderOutcome, OrderRequest, rejected

Verdict: TypeAlias = Literal["refused", "over", "unknown"]
"""``refused``: the request had no effect. ``over``: Kraken has no such open order."""

OVER = ("EOrder:Unknown order", "EOrder:Invalid order")
RATE_LIMIT = "EOrder:Rate limit exceeded"
LOCKOUT = "EGeneral:Temporary lockout"
"""Kraken: wait minutes. Requests in between make it longer."""
REST_RATE_LIMIT = "EAPI:Rate limit exceeded"

_UNKNOWN = ("cl_ord_id", "duplicate")
"""Where an error names these, an order with the id may exist."""
_REFUSED: tuple[tuple[str, Code], ...] = (
    # Kraken: the engine does not match an order after its deadline
    ("EService:Deadline elapsed", Code.VENUE_UNAVAILABLE),
    ("EService:Market in", Code.MARKET_HALTED),
    ("EOrder:Insufficient funds", Code.INSUFFICIENT_BALANCE),
    ("EOrder:Order minimum not met", Code.MIN_NOTIONAL),
    ("EOrder:Cost minimum not met", Code.MIN_NOTIONAL),
    ("EOrder:Invalid price", Code.TICK_SIZE),
    ("EOrder:Tick size check failed", Code.TICK_SIZE),
    ("EOrder:Post only order", Code.POST_ONLY_WOULD_CROSS),
    ("EOrder:Orders limit exceeded", Code.MAX_OPEN_ORDERS),
    (RATE_LIMIT, Code.RATE_LIMITED),
    ("EOrder:", Code.VENUE_REJECTED),
    (REST_RATE_LIMIT, Code.RATE_LIMITED),
    ("EAPI:", Code.VENUE_REJECTED),
    ("EGeneral:Invalid arguments", Code.VENUE_REJECTED),
    ("EGeneral:Permission denied", Code.VENUE_REJECTED),
    (LOCKOUT, Code.VENUE_UNAVAILABLE),
    ("EQuery:Unknown asset pair", Code.UNKNOWN_SYMBOL),
    ("EAccount:", Code.VENUE_REJECTED),
    ("ETrade:", Code.VENUE_REJECTED),
)
"""By the beginning of the error; the first that fits counts."""


def verdict(error: str) -> Verdict:
    """Return what an error says about the request that it answers."""
    if error.startswith(OVER):
        return "over"
    if any(word in error.lower() for word in _UNKNOWN):
        return "unknown"
    return "refused" if any(error.startswith(beginning) for beginning, _ in _REFUSED) else "unknown"


def reason(error: str) -> Code:
    """Return the code that clients get for a refusal."""
    found = (code for beginning, code in _REFUSED if error.startswith(beginning))
    return next(found, Code.VENUE_REJECTED)


def outcome(request: OrderRequest, error: str) -> OrderOutcome:
    """Return what an error makes of a request."""
    said = verdict(error)
    if isinstance(request, PlaceOrder):
        if said == "unknown":
            return PlaceAnswer(request.client_id, "unknown", message=error[:MOST_MESSAGE])
        return rejected(request, reason(error), error)
    if isinstance(request, AmendOrder):
        return AmendAnswer(request.client_id, "unknown" if said == "unknown" else "refused", reason(error))
    return CancelAnswer(request.client_id, said)
