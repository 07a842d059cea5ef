from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import AmendAnswer, CancelAnswer, PlaceAnswer
from floorwire.venues.okx.order_codes import outcome, reason, verdict
from floorwire.venues.okx.order_messages import PlacedRow
from tests.venues.order_driver import amend, cancel, place


@pytest.mark.parametrize(
    "code",
    [
        "50001",
        "50004",
        "50013",
        "50026",
        "51149",
        "51412",
        "64007",
        "51054",
        "51016",
        "50071",
        "59999",
        "1",
        "2",
        "",
        "x" * 50,
    ],
)
def test_code_that_proves_nothing_is_unknown(code: str) -> None:
    assert verdict(code) == "unknown"
    assert outcome(place("a"), PlacedRow(s_code=code)) == PlaceAnswer("a", "unknown", message=code)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("50011", Code.RATE_LIMITED),
        ("50061", Code.RATE_LIMITED),
        ("60014", Code.RATE_LIMITED),
        ("50036", Code.VENUE_UNAVAILABLE),
        ("50037", Code.VENUE_UNAVAILABLE),
        ("50101", Code.VENUE_REJECTED),
        ("50113", Code.VENUE_REJECTED),
        ("50119", Code.VENUE_REJECTED),
        ("51000", Code.VENUE_REJECTED),
        ("51001", Code.UNKNOWN_SYMBOL),
        ("51006", Code.PRICE_BAND),
        ("51116", Code.PRICE_BAND),
        ("51137", Code.PRICE_BAND),
        ("51138", Code.PRICE_BAND),
        ("51008", Code.INSUFFICIENT_BALANCE),
        ("51131", Code.INSUFFICIENT_BALANCE),
        ("51020", Code.MIN_NOTIONAL),
        ("51120", Code.MIN_NOTIONAL),
        ("51121", Code.LOT_SIZE),
        ("51150", Code.TICK_SIZE),
        ("51155", Code.VENUE_REJECTED),
        ("60013", Code.VENUE_REJECTED),
    ],
)
def test_code_that_proves_that_no_order_exists(code: str, why: Code) -> None:
    assert reason(code) == why
    assert outcome(place("a"), PlacedRow(s_code=code, s_msg="no", sub_code="7")) == PlaceAnswer(
        "a", "rejected", code=why, message=f"{code} 7 no"
    )


def test_bad_parameter_that_names_the_client_id_may_be_a_duplicate() -> None:
    assert verdict("51000", "Parameter clOrdId error") == "unknown"
    assert verdict("51000", "Parameter sz error") == "refused"


@pytest.mark.parametrize("code", ["51400", "51401", "51402", "51410", "51503", "51509", "51510"])
def test_order_that_is_over(code: str) -> None:
    assert outcome(cancel("a"), PlacedRow(s_code=code)) == CancelAnswer("a", "over")
    assert outcome(amend("a"), PlacedRow(s_code=code)) == AmendAnswer("a", "refused")


def test_cancels() -> None:
    assert outcome(cancel("a"), PlacedRow(s_code="0")) == CancelAnswer("a", "taken")
    assert outcome(cancel("a"), PlacedRow(s_code="50113")) == CancelAnswer("a", "refused")
    assert outcome(cancel("a"), PlacedRow(s_code="51412")) == CancelAnswer("a", "unknown")


def test_amends() -> None:
    assert outcome(amend("a"), PlacedRow(s_code="51513")) == AmendAnswer("a", "refused", Code.RATE_LIMITED)
    assert outcome(amend("a"), PlacedRow(s_code="50004")) == AmendAnswer("a", "unknown")
