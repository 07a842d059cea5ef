"""The limit and the quantity of an order, and amounts that buy too little."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.venues.common.limit_terms import base_quantity, limit_price
from floorwire.venues.common.order_exchange import UnplaceableError
from tests.venues.order_driver import place


def test_a_limit_order_has_its_own_price_and_a_market_order_its_worst_one() -> None:
    assert limit_price(place(price="30000.0", worst_price="31000.0")) == "30000.0"
    assert limit_price(place(type="market", price=None, worst_price="31500.0")) == "31500.0"


def test_a_quantity_is_sent_as_it_is() -> None:
    assert base_quantity(place(quantity="0.010"), "1") == "0.010"


def test_an_amount_buys_whole_lots_at_the_limit() -> None:
    spend = place(type="market", price=None, worst_price="20000.0", quantity=None, quote_quantity="199.99")
    assert base_quantity(spend, "0.001") == "0.009"


@pytest.mark.parametrize("amount", ["19.99", None])
def test_an_amount_that_buys_nothing_is_not_placed(amount: str | None) -> None:
    spend = place(type="market", price=None, worst_price="20000.0", quantity=None, quote_quantity=amount)
    with pytest.raises(UnplaceableError) as refused:
        base_quantity(spend, "0.001")
    assert refused.value.code == Code.MIN_NOTIONAL
