from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import AmendAnswer, CancelAnswer, PlaceAnswer
from floorwire.venues.kraken.order_codes import outcome, verdict
from tests.venues.order_driver import amend, cancel, place


@pytest.mark.parametrize(
    "error",
    [
        "EService:Unavailable",
        "EService:Busy",
        "EService:Timeout",
        "EGeneral:Internal error",
        "EDatabase:Internal error",
        "EOrder:cl_ord_id not unique",
        "EOrder:Duplicate order",
        "Exceeded msg rate",
        "",
    ],
)
def test_error_that_proves_nothing_is_unknown(error: str) -> None:
    assert outcome(place("a"), error) == PlaceAnswer("a", "unknown", message=error)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("EService:Deadline elapsed", Code.VENUE_UNAVAILABLE),
        ("EService:Market in cancel_only mode", Code.MARKET_HALTED),
        ("EService:Market in post_only mode", Code.MARKET_HALTED),
        ("EOrder:Insufficient funds", Code.INSUFFICIENT_BALANCE),
        ("EOrder:Order minimum not met", Code.MIN_NOTIONAL),
        ("EOrder:Cost minimum not met", Code.MIN_NOTIONAL),
        ("EOrder:Invalid price", Code.TICK_SIZE),
        ("EOrder:Tick size check failed", Code.TICK_SIZE),
        ("EOrder:Post only order", Code.POST_ONLY_WOULD_CROSS),
        ("EOrder:Orders limit exceeded", Code.MAX_OPEN_ORDERS),
        ("EOrder:Rate limit exceeded", Code.RATE_LIMITED),
        ("EOrder:Something new", Code.VENUE_REJECTED),
        ("EAPI:Invalid key", Code.VENUE_REJECTED),
        ("EAPI:Invalid nonce", Code.VENUE_REJECTED),
        ("EAPI:Rate limit exceeded", Code.RATE_LIMITED),
        ("EGeneral:Invalid arguments:volume", Code.VENUE_REJECTED),
        ("EGeneral:Permission denied", Code.VENUE_REJECTED),
        ("EGeneral:Temporary lockout", Code.VENUE_UNAVAILABLE),
        ("EQuery:Unknown asset pair", Code.UNKNOWN_SYMBOL),
        ("EAccount:Locked", Code.VENUE_REJECTED),
        ("ETrade:Locked", Code.VENUE_REJECTED),
    ],
)
def test_error_that_proves_that_no_order_exists(error: str, code: Code) -> None:
    assert outcome(place("a"), error) == PlaceAnswer("a", "rejected", code=code, message=error)


def test_cancels_and_amends() -> None:
    assert verdict("EOrder:Unknown order") == "over"
    assert outcome(cancel("a"), "EOrder:Unknown order") == CancelAnswer("a", "over")
    assert outcome(cancel("a"), "EGeneral:Permission denied") == CancelAnswer("a", "refused")
    assert outcome(cancel("a"), "EService:Busy") == CancelAnswer("a", "unknown")
    assert outcome(amend("a"), "EOrder:Unknown order") == AmendAnswer("a", "refused")
    assert outcome(amend("a"), "EOrder:Insufficient funds") == AmendAnswer(
        "a", "refused", Code.INSUFFICIENT_BALANCE
    )
    assert outcome(amend("a"), "EService:Timeout") == AmendAnswer("a", "unknown")
