"""Errors of ccxt: which of them prove that an order does not exist, and which prove nothing.

ccxt sorts each exchange's codes into classes (``ccxt/base/errors.py``). Only classes of refusals count as a
proof. Network errors, limits, nonces and answers that cannot be read prove nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from floorwire.core.codes import Code
from floorwire.core.ports import Answer
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    PlaceAnswer,
    PlaceOrder,
)
from floorwire.venues.ccxt.order_messages import Failure, OrderRow, failure, result
from floorwire.venues.common.order_exchange import TryAgain
from floorwire.venues.common.order_outcomes import MOST_MESSAGE, rejected

NO_PROOF = frozenset(
    ("OrderNotFound", "OrderNotCached", "OrderNotFillable", "DuplicateOrderId", "OperationFailed")
)
"""They are about an order that exists, perhaps, or about the way to the exchange."""
PROOFS: tuple[tuple[str, Code], ...] = (
    ("InsufficientFunds", Code.INSUFFICIENT_BALANCE),
    ("OrderImmediatelyFillable", Code.POST_ONLY_WOULD_CROSS),
    ("MarketClosed", Code.MARKET_HALTED),
    ("BadSymbol", Code.UNKNOWN_SYMBOL),
    ("AuthenticationError", Code.VENUE_REJECTED),
    ("ArgumentsRequired", Code.VENUE_REJECTED),
    ("NotSupported", Code.VENUE_REJECTED),
    ("InvalidOrder", Code.VENUE_REJECTED),
    ("OperationRejected", Code.VENUE_REJECTED),
    ("BadRequest", Code.VENUE_REJECTED),
)
"""By class; the first that the error is of counts."""
LIMITS = ("RateLimitExceeded", "DDoSProtection")
WAIT_US = 1_000_000


def placed(request: PlaceOrder, answer: Answer) -> PlaceAnswer:
    """Return what the answer to an order says. Raises ValueError where it says nothing."""
    refused = failure(answer)
    if refused is None:
        order_id = result(answer, OrderRow).id
        outcome = PlaceAnswer(request.client_id, "accepted", order_id)
        return outcome if order_id else PlaceAnswer(request.client_id, "unknown")
    code = _proof(refused.kinds)
    if code is None:
        message = f"{_name(refused)}: {refused.message}"[:MOST_MESSAGE]
        return PlaceAnswer(request.client_id, "unknown", message=message)
    return rejected(request, code, f"{_name(refused)}: {refused.message}")


def edited(request: AmendOrder, answer: Answer) -> AmendAnswer | None:
    """Return what the answer to an amend says; None: it is taken, and the order has to be looked at.

    Raises ValueError where it says nothing.
    """
    refused = failure(answer)
    if refused is None:
        result(answer, OrderRow)
        return None
    code = _proof(refused.kinds)
    if code is not None:
        return AmendAnswer(request.client_id, "refused", code)
    is_over = "OrderNotFound" in refused.kinds
    return AmendAnswer(request.client_id, "refused" if is_over else "unknown")


def cancelled(request: CancelOrder, answer: Answer) -> CancelAnswer | TryAgain:
    """Return what the answer to a cancel says. Raises ValueError where it says nothing."""
    refused = failure(answer)
    if refused is None:
        result(answer, OrderRow)
        return CancelAnswer(request.client_id, "taken")
    if not refused.kinds or any(kind in LIMITS for kind in refused.kinds):
        return TryAgain(WAIT_US)
    if "OrderNotFound" in refused.kinds:
        return CancelAnswer(request.client_id, "over")
    return CancelAnswer(request.client_id, "refused" if "AuthenticationError" in refused.kinds else "unknown")


def is_not_found(answer: Answer) -> bool:
    """Return whether the exchange says that there is no such order. Raises ValueError."""
    refused = failure(answer)
    return refused is not None and "OrderNotFound" in refused.kinds


def _proof(kinds: Collection[str]) -> Code | None:
    """Return the code of an order that does not exist; None where that is not proven."""
    if any(kind in NO_PROOF for kind in kinds):
        return None
    return next((code for kind, code in PROOFS if kind in kinds), None)


def _name(refused: Failure) -> str:
    return refused.kinds[0] if refused.kinds else "error"
