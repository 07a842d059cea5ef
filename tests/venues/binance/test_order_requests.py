"""What is sent for each kind of order, and what Binance has no order for."""

from __future__ import annotations

import pytest

from floorwire.core.remote_order_messages import PlaceOrder
from floorwire.venues.binance import order_requests
from floorwire.venues.common.order_exchange import UnplaceableError
from tests.venues.binance.order_session import amend, cancel, place, query


def sent(command: PlaceOrder) -> dict[str, str | int | bool]:
    """Return what differs from order to order."""
    call = order_requests.place(command, "BTCUSDT")
    assert call.method == "order.place"
    params = dict(call.params)
    assert params.pop("symbol") == "BTCUSDT"
    assert params.pop("side") == "BUY"
    assert params.pop("newClientOrderId") == command.client_id
    assert params.pop("newOrderRespType") == "FULL"
    return params


def test_limit_orders() -> None:
    assert sent(place()) == {"type": "LIMIT", "timeInForce": "GTC", "price": "100.0", "quantity": "0.5"}
    assert sent(place(time_in_force="ioc"))["timeInForce"] == "IOC"
    assert sent(place(time_in_force="fok"))["timeInForce"] == "FOK"


def test_post_only_is_a_type_and_has_no_time_in_force() -> None:
    assert sent(place(post_only=True)) == {"type": "LIMIT_MAKER", "price": "100.0", "quantity": "0.5"}


def test_a_market_order_keeps_its_worst_price() -> None:
    market = place(type="market", time_in_force="ioc", price=None, worst="105.5")
    assert sent(market) == {"type": "LIMIT", "timeInForce": "IOC", "price": "105.5", "quantity": "0.5"}
    whole = place(type="market", time_in_force="fok", price=None, worst="105.5")
    assert sent(whole)["timeInForce"] == "FOK"


def test_a_market_order_by_amount() -> None:
    market = place(type="market", time_in_force="ioc", quantity=None, spend="250.00", price=None)
    assert sent(market) == {"type": "MARKET", "quoteOrderQty": "250.00"}


def test_stop_orders() -> None:
    stop = place(type="stop", time_in_force="ioc", price=None, worst="120.0", stop="110.0")
    assert sent(stop) == {
        "type": "STOP_LOSS_LIMIT",
        "timeInForce": "IOC",
        "price": "120.0",
        "stopPrice": "110.0",
        "quantity": "0.5",
    }
    stop_limit = place(type="stop_limit", price="111.0", worst="111.0", stop="110.0")
    assert sent(stop_limit)["timeInForce"] == "GTC"
    assert sent(stop_limit)["price"] == "111.0"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (place(time_in_force="gtd"), "good till a date"),
        (place(post_only=True, time_in_force="ioc"), "post-only"),
        (place(type="stop", price=None, stop="110.0", post_only=True), "post-only stop"),
        (place(type="stop", price=None, quantity=None, spend="5", stop="110.0"), "a quantity"),
        (place(type="market", time_in_force="fok", quantity=None, spend="5", price=None), "by amount"),
        (place(quantity=None, spend="5"), "an amount to spend"),
    ],
)
def test_orders_that_binance_does_not_have(command: PlaceOrder, why: str) -> None:
    with pytest.raises(UnplaceableError, match=why):
        order_requests.place(command, "BTCUSDT")


def test_an_order_is_named_by_the_id_of_binance_where_that_is_known() -> None:
    # With both ids both have to match, and a cancelled order has another client id.
    assert order_requests.cancel(cancel("17"), "BTCUSDT").params == {"symbol": "BTCUSDT", "orderId": 17}
    assert order_requests.look(query(1, "17"), "BTCUSDT").params == {"symbol": "BTCUSDT", "orderId": 17}
    by_client = {"symbol": "BTCUSDT", "origClientOrderId": "fw0a1b2c3d7"}
    assert order_requests.cancel(cancel(), "BTCUSDT").params == by_client
    assert order_requests.look(query(1, "\u0661"), "BTCUSDT").params == by_client


def test_an_amend_keeps_the_client_id() -> None:
    call = order_requests.amend(amend("0.25", venue_order_id="17"), "BTCUSDT")
    assert call.method == "order.amend.keepPriority"
    assert call.params == {
        "symbol": "BTCUSDT",
        "orderId": 17,
        "newClientOrderId": "fw0a1b2c3d7",
        "newQty": "0.25",
    }


def test_what_may_be_accepted_late_is_accepted_for_a_short_time_only() -> None:
    assert order_requests.place(place(), "BTCUSDT").window_ms == 2_000
    assert order_requests.amend(amend("0.25"), "BTCUSDT").window_ms == 2_000
    assert order_requests.cancel(cancel(), "BTCUSDT").window_ms == 5_000
