from __future__ import annotations

import json

import pytest

from floorwire.core.codes import Code
from floorwire.core.ports import Answer
from floorwire.core.remote_order_messages import AmendAnswer, CancelAnswer, PlaceAnswer
from floorwire.venues.coinbase.order_codes import cancelled, edited, placed
from floorwire.venues.coinbase.order_messages import CancelResult
from tests.venues.order_driver import amend, cancel, place


def answer(body: object, status: int = 200) -> Answer:
    return Answer(1, status, (body if isinstance(body, str) else json.dumps(body)).encode())


def failure(**fields: str) -> dict[str, object]:
    return {
        "success": False,
        "failure_reason": "UNKNOWN_FAILURE_REASON",
        "order_id": "",
        "error_response": {"error": "UNKNOWN_FAILURE_REASON", "message": "", **fields},
    }


def test_success_has_the_id_of_the_order() -> None:
    body = {
        "success": True,
        "success_response": {"order_id": "88", "product_id": "BTC-USD", "client_order_id": "a"},
        "order_configuration": {},
    }
    assert placed(place("a"), answer(body)) == PlaceAnswer("a", "accepted", "88")
    assert placed(place("a"), answer({"success": True})).outcome == "unknown"


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        (
            {"error": "INSUFFICIENT_FUND", "message": "Insufficient balance"},
            Code.INSUFFICIENT_BALANCE,
            "INSUFFICIENT_FUND Insufficient balance",
        ),
        (
            {"preview_failure_reason": "PREVIEW_INSUFFICIENT_FUNDS"},
            Code.INSUFFICIENT_BALANCE,
            "PREVIEW_INSUFFICIENT_FUNDS",
        ),
        (
            {"new_order_failure_reason": "INVALID_LIMIT_PRICE_POST_ONLY"},
            Code.POST_ONLY_WOULD_CROSS,
            "INVALID_LIMIT_PRICE_POST_ONLY",
        ),
        ({"error": "INVALID_PRICE_PRECISION"}, Code.TICK_SIZE, "INVALID_PRICE_PRECISION"),
        ({"error": "INVALID_SIZE_PRECISION"}, Code.LOT_SIZE, "INVALID_SIZE_PRECISION"),
        ({"error": "INVALID_PRODUCT_ID"}, Code.UNKNOWN_SYMBOL, "INVALID_PRODUCT_ID"),
        (
            {"error": "UNSUPPORTED_ORDER_CONFIGURATION"},
            Code.VENUE_REJECTED,
            "UNSUPPORTED_ORDER_CONFIGURATION",
        ),
        ({"error": "ORDER_ENTRY_DISABLED"}, Code.MARKET_HALTED, "ORDER_ENTRY_DISABLED"),
        ({"error": "UNTRADABLE_PRODUCT"}, Code.MARKET_HALTED, "UNTRADABLE_PRODUCT"),
        ({"error": "COMMANDER_REJECTED_NEW_ORDER"}, Code.VENUE_REJECTED, "COMMANDER_REJECTED_NEW_ORDER"),
    ],
)
def test_first_reason_that_says_something_counts(fields: dict[str, str], code: Code, message: str) -> None:
    assert placed(place("a"), answer(failure(**fields))) == PlaceAnswer(
        "a", "rejected", code=code, message=message
    )


@pytest.mark.parametrize(
    "body",
    [
        failure(),
        failure(preview_failure_reason="UNKNOWN_PREVIEW_FAILURE_REASON"),
        failure(error="DUPLICATE_CLIENT_ORDER_ID"),
        {"success": False},
        {"success": False, "failure_reason": "UNKNOWN_FAILURE_REASON"},
    ],
)
def test_failure_without_a_reason_proves_nothing(body: object) -> None:
    assert placed(place("a"), answer(body)).outcome == "unknown"


@pytest.mark.parametrize(
    ("status", "body", "outcome", "code"),
    [
        (400, {"error": "INVALID_ARGUMENT", "message": "bad"}, "rejected", Code.VENUE_REJECTED),
        (401, "Unauthorized", "rejected", Code.VENUE_REJECTED),
        (403, {"error": "PERMISSION_DENIED"}, "rejected", Code.VENUE_REJECTED),
        (429, {"errors": [{"id": "rate_limit_exceeded"}]}, "rejected", Code.RATE_LIMITED),
        (400, "<html>", "unknown", Code.VENUE_REJECTED),
        (403, "<html>cloudflare</html>", "unknown", Code.VENUE_REJECTED),
        (404, {}, "unknown", Code.VENUE_REJECTED),
        (408, "", "unknown", Code.VENUE_REJECTED),
        (499, "", "unknown", Code.VENUE_REJECTED),
        (500, {"error": "INTERNAL"}, "unknown", Code.VENUE_REJECTED),
        (520, "<html>", "unknown", Code.VENUE_REJECTED),
        (0, "", "unknown", Code.VENUE_REJECTED),
    ],
)
def test_statuses(status: int, body: object, outcome: str, code: Code) -> None:
    found = placed(place("a"), answer(body, status))
    assert (found.outcome, found.code) == (outcome, code)


def test_answer_that_is_none_raises() -> None:
    with pytest.raises(ValueError, match="JSON"):
        placed(place("a"), answer("<html>"))


def test_edits() -> None:
    assert edited(amend("a"), answer({"success": True})) is None
    below = {"success": False, "errors": [{"edit_failure_reason": "CANNOT_EDIT_TO_BELOW_FILLED_SIZE"}]}
    assert edited(amend("a"), answer(below)) == AmendAnswer("a", "refused")
    funds = {"success": False, "errors": [{"preview_failure_reason": "PREVIEW_INSUFFICIENT_FUND"}]}
    assert edited(amend("a"), answer(funds)) == AmendAnswer("a", "refused", Code.INSUFFICIENT_BALANCE)
    vague = {"success": False, "errors": [{"edit_failure_reason": "UNKNOWN_EDIT_ORDER_FAILURE_REASON"}]}
    assert edited(amend("a"), answer(vague)) == AmendAnswer("a", "unknown")
    assert edited(amend("a"), answer("", 503)) == AmendAnswer("a", "unknown")
    assert edited(amend("a"), answer("", 429)) == AmendAnswer("a", "refused", Code.RATE_LIMITED)


@pytest.mark.parametrize(
    ("success", "reason", "outcome"),
    [
        (True, "UNKNOWN_CANCEL_FAILURE_REASON", "taken"),
        (False, "DUPLICATE_CANCEL_REQUEST", "taken"),
        (False, "UNKNOWN_CANCEL_ORDER", "over"),
        (False, "UNKNOWN_CANCEL_FAILURE_REASON", "unknown"),
        (False, "COMMANDER_REJECTED_CANCEL_ORDER", "refused"),
    ],
)
def test_cancels(success: bool, reason: str, outcome: str) -> None:
    found = cancelled(cancel("a"), CancelResult("88", success, reason))
    assert found.outcome == outcome
    assert cancelled(cancel("a"), None) == CancelAnswer("a", "unknown")
