"""Codes of OKX about orders: which of them prove that nothing was done, and which prove nothing.

Source: the API guide of OKX, "Error Code". A code that is not here proves nothing.
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
from floorwire.venues.okx.order_messages import PlacedRow

Verdict: TypeAlias = Literal["done", "refused", "over", "unknown"]
"""``refused``: the request had no effect. ``over``: the order that it is about has ended, or is ending."""

DONE = "0"
NOT_FOUND = "51603"
BAD_CLOCK = frozenset(("50102", "60006"))
"""The timestamp of the request is too far from the venue's time."""
TOO_MANY = frozenset(("50011", "50061", "60014"))
"""Too many requests. The request had no effect."""

_REFUSED: dict[str, Code] = {
    **dict.fromkeys(TOO_MANY, Code.RATE_LIMITED),
    # OKX: the request came after its expTime, and was not looked at
    "50036": Code.VENUE_UNAVAILABLE,
    "50037": Code.VENUE_UNAVAILABLE,
    "51000": Code.VENUE_REJECTED,
    "51001": Code.UNKNOWN_SYMBOL,
    "51006": Code.PRICE_BAND,
    "51116": Code.PRICE_BAND,
    "51137": Code.PRICE_BAND,
    "51138": Code.PRICE_BAND,
    "51008": Code.INSUFFICIENT_BALANCE,
    "51131": Code.INSUFFICIENT_BALANCE,
    "51020": Code.MIN_NOTIONAL,
    "51120": Code.MIN_NOTIONAL,
    "51121": Code.LOT_SIZE,
    "51150": Code.TICK_SIZE,
    "51155": Code.VENUE_REJECTED,
    "51513": Code.RATE_LIMITED,  # three amends of the order are in flight
    "60013": Code.VENUE_REJECTED,
}
_OVER = frozenset(("51400", "51401", "51402", "51410", "51503", "51509", "51510"))
_AUTHENTICATION = "501"
"""50100 to 50199: the key, the signature, the address, the environment."""


def verdict(code: str, text: str = "") -> Verdict:
    """Return what a code says about the request that it answers; ``text`` is the message beside it."""
    if code == DONE:
        return "done"
    if code in _OVER:
        return "over"
    if code == "51000" and "clordid" in text.lower():
        return "unknown"  # OKX: some duplicates of clOrdId come with this code; then the first one exists
    is_known = code in _REFUSED or (len(code) == 5 and code.startswith(_AUTHENTICATION))
    return "refused" if is_known else "unknown"


def reason(code: str) -> Code:
    """Return the code that clients get for a refusal."""
    return _REFUSED.get(code, Code.VENUE_REJECTED)


def outcome(request: OrderRequest, row: PlacedRow) -> OrderOutcome:
    """Return what the verdict about an order makes of its request."""
    said = verdict(row.s_code, row.s_msg)
    if isinstance(request, PlaceOrder):
        if said == "done":
            return PlaceAnswer(request.client_id, "accepted", row.ord_id)
        # OKX: sCode names the kind of a failure, and subCode what it was
        message = " ".join(filter(None, (row.s_code, row.sub_code, row.s_msg)))[:MOST_MESSAGE]
        if said == "refused":
            return rejected(request, reason(row.s_code), message)
        return PlaceAnswer(request.client_id, "unknown", message=message)
    if isinstance(request, AmendOrder):
        is_certain = said in ("refused", "over")
        return AmendAnswer(request.client_id, "refused" if is_certain else "unknown", reason(row.s_code))
    return CancelAnswer(request.client_id, "taken" if said == "done" else said)
