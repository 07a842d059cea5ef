"""What a refusal proves. Everything that is not known to prove something is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.codes import Code
from floorwire.venues.binance.order_codes import is_rate_limit, may_be_sent_again, outcome


@pytest.mark.parametrize(
    ("status", "code", "text", "why"),
    [
        (400, -1013, "Filter failure: PRICE_FILTER", Code.TICK_SIZE),
        (400, -1013, "Filter failure: LOT_SIZE", Code.LOT_SIZE),
        (400, -1013, "Filter failure: NOTIONAL", Code.MIN_NOTIONAL),
        (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", Code.PRICE_BAND),
        (400, -1013, "Filter failure: a new one", Code.VENUE_REJECTED),
        (400, -2010, "Account has insufficient balance for requested action.", Code.INSUFFICIENT_BALANCE),
        (400, -2010, "Order would immediately match and take.", Code.POST_ONLY_WOULD_CROSS),
        (400, -2010, "Market is closed.", Code.MARKET_HALTED),
        (400, -1021, "Timestamp for this request is outside of the recvWindow.", Code.VENUE_UNAVAILABLE),
        (400, -1022, "Signature for this request is not valid.", Code.VENUE_REJECTED),
        (400, -1102, "Mandatory parameter 'x' was not sent", Code.VENUE_REJECTED),
        (401, -2015, "Invalid API-key, IP, or permissions for action.", Code.VENUE_REJECTED),
        (400, -1016, "This service is no longer available.", Code.VENUE_UNAVAILABLE),
        (429, -1015, "Too many new orders.", Code.RATE_LIMITED),
        (418, -1003, "Way too much request weight used; IP banned until 1.", Code.RATE_LIMITED),
        (403, 0, "", Code.VENUE_REJECTED),
    ],
)
def test_refusals_that_prove_that_no_order_exists(status: int, code: int, text: str, why: Code) -> None:
    assert outcome(status, code, text) == ("rejected", why)


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (500, 0, ""),
        (503, -1008, "Server is currently overloaded"),
        (504, -1007, "Timeout waiting for response from backend server."),
        (400, -1006, "Execution status unknown."),
        (400, -1007, "Send status unknown; execution status unknown."),
        (400, -1000, "An unknown error occurred"),
        (400, -1001, "Internal error"),
        (400, -1008, "Server is currently overloaded"),
        (400, -2010, "Duplicate order sent."),
        (409, -2021, "Order cancel-replace partially failed."),
        (400, -9999, "a code of next year"),
        (0, 0, ""),
        (302, 0, ""),
        (200, 0, ""),
    ],
)
def test_what_proves_nothing(status: int, code: int, text: str) -> None:
    assert outcome(status, code, text)[0] == "unknown"


@given(st.integers(500, 599), st.integers(-10_000, 0), st.text())
def test_a_fault_of_the_server_never_proves_anything(status: int, code: int, text: str) -> None:
    assert outcome(status, code, text)[0] == "unknown"


def test_what_is_worth_another_try() -> None:
    assert is_rate_limit(429, 0)
    assert is_rate_limit(400, -1003)
    assert not is_rate_limit(400, -1021)
    assert may_be_sent_again(400, -1021)
    assert may_be_sent_again(503, -1008)
    assert not may_be_sent_again(400, -2011)
