"""What codes of Bybit prove."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import CancelAnswer, PlaceAnswer
from floorwire.venues.bybit.order_codes import outcome, verdict
from floorwire.venues.bybit.order_messages import PlacedRow
from tests.venues.order_driver import cancel, place

UNKNOWN = (
    10000, 10016, 429, 170001, 170007, 170032, 170035, 170146, 170147, 170310, 170149, 170150, 170311, 170212,
    170234, 110079,
)  # fmt: skip
REFUSED = (
    10001, 10002, 10003, 10004, 10005, 10007, 10010, 10019, 20006, 10404, 170121, 170131, 170134, 170136,
    170137, 170140, 170193, 170194, 170218, 170810, 110120,
)  # fmt: skip
OVER = (110001, 170213, 110008, 110010, 170139, 170142, 170143, 170190)


@pytest.mark.parametrize("code", UNKNOWN)
def test_codes_that_prove_nothing(code: int) -> None:
    assert verdict(code) == "unknown"


@pytest.mark.parametrize("code", REFUSED)
def test_codes_that_prove_that_nothing_was_done(code: int) -> None:
    assert verdict(code) == "refused"


@pytest.mark.parametrize("code", [170141, 110072, 10014])
def test_a_duplicate_means_that_the_first_one_exists(code: int) -> None:
    assert verdict(code) == "unknown"
    assert verdict(10001, "OrderLinkedID is duplicate") == "unknown"


@pytest.mark.parametrize("code", OVER)
def test_the_order_has_ended(code: int) -> None:
    assert verdict(code) == "over"
    answer = outcome(place(), PlacedRow(code))
    assert isinstance(answer, PlaceAnswer)
    assert answer.outcome == "unknown"
    assert outcome(cancel(), PlacedRow(code)) == CancelAnswer("fw0000000a1", "over")


@pytest.mark.parametrize("code", [10006, 10403, 10429, 20003])
def test_too_many_requests(code: int) -> None:
    answer = outcome(place(), PlacedRow(code))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)


@given(st.integers(180_000, 10_000_000), st.text())
def test_a_code_that_nobody_knows_proves_nothing(code: int, text: str) -> None:
    assert verdict(code, text) == "unknown"
