"""What is sent for each kind of order, and what Bybit has no order for."""

from __future__ import annotations

import pytest

from floorwire.core.remote_order_messages import PlaceOrder
from floorwire.venues.bybit import order_requests
from floorwire.venues.common.order_exchange import UnplaceableError
from tests.venues.order_driver import place


def sent(command: PlaceOrder) -> dict[str, str | int]:
    """Return what differs from order to order."""
    argument = order_requests.place(command, "BTCUSDT")
    common = ("category", "symbol", "side", "orderLinkId", "isLeverage", "orderFilter")
    return {name: value for name, value in argument.items() if name not in common}


def test_limit_orders() -> None:
    limit = {"orderType": "Limit", "qty": "0.010", "price": "30000.0", "timeInForce": "GTC"}
    assert sent(place()) == limit
    assert sent(place(time_in_force="ioc")) == {**limit, "timeInForce": "IOC"}
    assert sent(place(time_in_force="fok")) == {**limit, "timeInForce": "FOK"}
    assert sent(place(post_only=True)) == {**limit, "timeInForce": "PostOnly"}
    assert order_requests.place(place(side="sell"), "BTCUSDT")["side"] == "Sell"


def test_a_market_order_keeps_its_worst_price() -> None:
    market = place(type="market", time_in_force="ioc", price=None, worst_price="31500.0")
    assert sent(market) == {
        "orderType": "Limit",
        "qty": "0.010",
        "price": "31500.0",
        "timeInForce": "IOC",
    }
    whole = place(type="market", time_in_force="fok", price=None, worst_price="31500.0")
    assert sent(whole)["timeInForce"] == "FOK"


def test_an_amount_to_spend_names_its_unit() -> None:
    market = place(type="market", time_in_force="ioc", quantity=None, quote_quantity="200.00", price=None)
    assert sent(market) == {
        "orderType": "Market",
        "qty": "200.00",
        "marketUnit": "quoteCoin",
        "timeInForce": "IOC",
    }


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (place(time_in_force="gtd"), "end at a date"),
        (place(type="stop", stop_price="1.0", price=None), "stop orders"),
        (place(type="stop_limit", stop_price="1.0"), "stop orders"),
        (place(post_only=True, time_in_force="ioc"), "post-only"),
        (
            place(type="market", quantity=None, quote_quantity="5", price=None, time_in_force="fok"),
            "by amount",
        ),
    ],
)
def test_orders_that_bybit_does_not_have(command: PlaceOrder, why: str) -> None:
    with pytest.raises(UnplaceableError, match=why):
        order_requests.place(command, "BTCUSDT")
