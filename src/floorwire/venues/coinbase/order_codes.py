"""Failures of Coinbase: which of them prove that nothing was done, and which prove nothing.

Source: the guide of Coinbase, "Create Order", "Edit Order", "Cancel Orders" and "Errors".
"""

from __future__ import annotations

from collections.abc import Iterable

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
from floorwire.venues.coinbase import order_messages as messages
from floorwire.venues.common.order_outcomes import MOST_MESSAGE, rejected

DUPLICATE = ("DUPLICATE", "CLIENT_ORDER_ID")
"""A reason with one of these: an order with the id exists, perhaps."""

_CODES: tuple[tuple[str, Code], ...] = (
    ("INSUFFICIENT_FUND", Code.INSUFFICIENT_BALANCE),
    ("POST_ONLY", Code.POST_ONLY_WOULD_CROSS),
    ("PRICE_PRECISION", Code.TICK_SIZE),
    ("SIZE_PRECISION", Code.LOT_SIZE),
    ("TOO_SMALL", Code.MIN_NOTIONAL),
    ("INVALID_PRODUCT_ID", Code.UNKNOWN_SYMBOL),
    ("ORDER_ENTRY_DISABLED", Code.MARKET_HALTED),
    ("UNTRADABLE_PRODUCT", Code.MARKET_HALTED),
    ("RATE_LIMIT", Code.RATE_LIMITED),
)
"""By a part of the reason; the first that is in it counts."""


def code_of(reason: str) -> Code:
    """Return the code that clients get for a reason."""
    return next((code for part, code in _CODES if part in reason), Code.VENUE_REJECTED)


def concrete(reasons: Iterable[str]) -> str:
    """Return the first reason that says something; "" if none does."""
    for reason in reasons:
        if reason and not reason.startswith("UNKNOWN") and "UNSPECIFIED" not in reason:
            return reason
    return ""


def placed(request: PlaceOrder, answer: Answer) -> PlaceAnswer:
    """Return what the answer to an order says. Raises ValueError where it is none of Coinbase."""
    if answer.status != 200:
        refused = refusal(answer)
        if refused is None:
            return PlaceAnswer(request.client_id, "unknown", message=f"status {answer.status}")
        return rejected(request, *refused)
    said = messages.result(answer, messages.Placed)
    if said.success:
        order_id = "" if said.success_response is None else said.success_response.order_id
        if not order_id:
            return PlaceAnswer(request.client_id, "unknown", message="no order id")
        return PlaceAnswer(request.client_id, "accepted", order_id)
    reason, message = _reason(said.error_response, said.failure_reason)
    if not reason or any(word in reason for word in DUPLICATE):
        return PlaceAnswer(request.client_id, "unknown", message=message)
    return rejected(request, code_of(reason), message)


def edited(request: AmendOrder, answer: Answer) -> AmendAnswer | None:
    """Return what the answer to an edit says; None: it was taken. Raises ValueError."""
    if answer.status != 200:
        refused = refusal(answer)
        if refused is None:
            return AmendAnswer(request.client_id, "unknown")
        return AmendAnswer(request.client_id, "refused", refused[0])
    said = messages.result(answer, messages.Edited)
    if said.success:
        return None
    reason = next(filter(None, (_reason(error, "")[0] for error in said.errors)), "")
    return AmendAnswer(request.client_id, "refused" if reason else "unknown", code_of(reason))


def cancelled(request: CancelOrder, result: messages.CancelResult | None) -> CancelAnswer:
    """Return what became of a cancel; None: the answer does not say."""
    if result is None:
        return CancelAnswer(request.client_id, "unknown")
    if result.success or result.failure_reason == "DUPLICATE_CANCEL_REQUEST":
        return CancelAnswer(request.client_id, "taken")  # the end comes in the channel
    if result.failure_reason == "UNKNOWN_CANCEL_ORDER":
        return CancelAnswer(request.client_id, "over")
    return CancelAnswer(request.client_id, "refused" if concrete([result.failure_reason]) else "unknown")


def refusal(answer: Answer) -> tuple[Code, str] | None:
    """Return why a request was refused by its status, for certain; None if that proves nothing."""
    body = messages.error_of(answer)
    message = f"{answer.status} {body.error} {body.message}".strip()[:MOST_MESSAGE]
    match answer.status:
        case 429:
            return Code.RATE_LIMITED, message
        case 401:
            return Code.VENUE_REJECTED, message
        case 400 if body.error == "INVALID_ARGUMENT":
            return Code.VENUE_REJECTED, message
        case 403 if body.error == "PERMISSION_DENIED":
            return Code.VENUE_REJECTED, message
    return None


def _reason(failure: messages.Failure | None, last: str) -> tuple[str, str]:
    """Return the reason, and the reason with the venue's own words."""
    if failure is None:
        return concrete([last]), last[:MOST_MESSAGE]
    reason = concrete(
        [
            failure.error,
            failure.new_order_failure_reason,
            failure.preview_failure_reason,
            failure.edit_failure_reason,
            last,
        ]
    )
    words = (reason, failure.message, failure.error_details)
    return reason, " ".join(filter(None, words))[:MOST_MESSAGE]
