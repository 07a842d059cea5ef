from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.venues.common.order_amounts import (
    AmountError,
    amount,
    bought_by,
    is_zero,
    negated,
    plain,
    total,
)


def test_amounts() -> None:
    assert amount("0.010") == Decimal("0.01")
    assert is_zero("0.000")
    assert not is_zero("-1")
    assert plain("1e-08") == "0.00000001"
    assert plain("0.010") == "0.010"
    assert (negated("-0.5"), negated("0.5"), negated("0"), negated("-0.0")) == ("0.5", "-0.5", "0", "0")
    assert total(["0.1", "0.2"]) == Decimal("0.3")
    assert total([]) == 0


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-Infinity", "1e99", "1e-99", "1" * 65, "1,5"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(AmountError):
        amount(text)


@given(st.text())
def test_any_text_is_an_amount_or_an_error(text: str) -> None:
    with contextlib.suppress(AmountError):
        plain(text), negated(text)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.sampled_from(["0.00001", "0.5", "1", "100"]))
def test_what_an_amount_buys_costs_no_more(quote: int, price: int, step: str) -> None:
    size = Decimal(bought_by(str(quote), str(price), step))
    assert size % Decimal(step) == 0
    assert size * price <= quote < (size + Decimal(step)) * price


def test_buying_needs_a_price_and_a_step() -> None:
    for price, step in (("0", "1"), ("1", "0")):
        with pytest.raises(AmountError):
            bought_by("5", price, step)
