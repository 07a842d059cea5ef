"""Limits that an operator may set, and those that would be none."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine.effective_limits import check


@pytest.mark.parametrize("text", ["0", "0.05", "0.999999", "0.999999999999999999"])
def test_a_collar_is_some_of_the_price(text: str) -> None:
    check(Limits(price_collar=text))


@pytest.mark.parametrize("text", ["1", "1.000", "2", "1.000000000000000001", "999999999999999999"])
def test_all_of_the_price_or_more_is_no_collar(text: str) -> None:
    with pytest.raises(Refusal, match="price_collar: less than 1") as caught:
        check(Limits(price_collar=text))
    assert caught.value.code is Code.BAD_REQUEST


@pytest.mark.parametrize(
    "limits", [Limits(max_order_notional="9" * 5_000), Limits(max_position={"BTC": "9" * 5_000})]
)
def test_an_amount_without_end_is_not_said_back_whole(limits: Limits) -> None:
    with pytest.raises(Refusal, match="is not an amount") as caught:
        check(limits)
    assert caught.value.message == f"'{'9' * 40}' is not an amount"
