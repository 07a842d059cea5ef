"""What codes of Bybit prove about an order request.

Source: the API guide of Bybit, version 5, "Error Codes". What is not named here proves nothing.
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
from floorwire.venues.bybit.order_messages import PlacedRow
from floorwire.venues.common.order_outcomes import MOST_MESSAGE, OrderOutcome, OrderRequest, rejected

Verdict: TypeAlias = Literal["done", "refused", "over", "again", "unknown"]
"""``refused``: the request had no effect. ``over``: the order that it is about has ended. ``again``: nothing
was done, and a cancel is worth another try."""

DONE = 0
BAD_CLOCK = 10002
TRADE_SERVICE_RESTARTS = 10019
ALREADY_SIGNED_IN = 20001
REPEATED_REQUEST = 20006
"""``reqId`` came before."""
TOO_MANY = frozenset((10006, 10403, 10429, 20003))
DUPLICATE = frozenset((170141, 110072, 10014))
"""An order with this id exists: ids are never used twice, so that is the one that was asked for."""

_REFUSED: dict[int, Code] = {
    **dict.fromkeys(TOO_MANY, Code.RATE_LIMITED),
    10001: Code.VENUE_REJECTED,
    BAD_CLOCK: Code.VENUE_UNAVAILABLE,
    # the key, the signature, the permissions, the address
    **dict.fromkeys((10003, 10004, 10005, 10007, 10010), Code.VENUE_REJECTED),
    TRADE_SERVICE_RESTARTS: Code.VENUE_UNAVAILABLE,
    REPEATED_REQUEST: Code.VENUE_REJECTED,
    10404: Code.VENUE_REJECTED,
    170121: Code.UNKNOWN_SYMBOL,
    170131: Code.INSUFFICIENT_BALANCE,
    170132: Code.PRICE_BAND,
    170133: Code.PRICE_BAND,
    170192: Code.PRICE_BAND,
    170193: Code.PRICE_BAND,
    170194: Code.PRICE_BAND,
    170134: Code.TICK_SIZE,
    170137: Code.LOT_SIZE,
    170136: Code.MIN_NOTIONAL,
    170140: Code.MIN_NOTIONAL,
    170218: Code.POST_ONLY_WOULD_CROSS,
    170810: Code.MAX_OPEN_ORDERS,
}
_OVER = frozenset((110001, 110008, 110010, 170139, 170142, 170143, 170190, 170213))
_AGAIN = frozenset((170144, 170191))
_VALIDATION = (range(110100, 110200), range(170100, 170200))
"""All of these but the others that are named here are about the values of a request."""
_NO_PROOF = DUPLICATE | frozenset((170146, 170147, 170149, 170150))


def verdict(code: int, text: str = "") -> Verdict:
    """Return what a code says about the request that it answers; ``text`` is the message beside it."""
    if code == DONE:
        return "done"
    if "duplicate" in text.lower() and code != REPEATED_REQUEST:
        return "unknown"
    if code in _OVER:
        return "over"
    if code in _AGAIN or code in TOO_MANY:
        return "again"
    if code in _NO_PROOF:
        return "unknown"
    is_known = code in _REFUSED or any(code in validation for validation in _VALIDATION)
    return "refused" if is_known else "unknown"


def reason(code: int) -> Code:
    """Return the code that clients get for a refusal."""
    return _REFUSED.get(code, Code.VENUE_REJECTED)


def outcome(request: OrderRequest, row: PlacedRow) -> OrderOutcome:
    """Return what an answer makes of its request."""
    said = verdict(row.code, row.text)
    if isinstance(request, PlaceOrder):
        if said == "done":
            return PlaceAnswer(request.client_id, "accepted", row.order_id)
        message = f"{row.code} {row.text}"[:MOST_MESSAGE]
        # Codes about an order that exists prove nothing of one that was to be placed.
        if said == "refused" or row.code in TOO_MANY:
            return rejected(request, reason(row.code), message)
        return PlaceAnswer(request.client_id, "unknown", message=message)
    if isinstance(request, AmendOrder):
        is_certain = said in ("refused", "over", "again")
        return AmendAnswer(request.client_id, "refused" if is_certain else "unknown", reason(row.code))
    if said == "done":
        return CancelAnswer(request.client_id, "taken")
    return CancelAnswer(request.client_id, "refused" if said == "again" else said)
