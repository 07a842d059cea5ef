"""What stop orders have to name at the fake Binance, and which are refused."""

import pytest

from tests.fake_exchange.binance.client import BinanceClient, code
from tests.fake_exchange.binance.stop_orders import STOP, client, without

__all__ = ["client"]
BOTH_EMPTY = "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"
TRAILING = "Trailing stop orders are not supported for this symbol."


def missing(name: str) -> tuple[int, str]:
    return -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


def superfluous(name: str) -> tuple[int, str]:
    return -1106, f"Parameter '{name}' sent when not required."


@pytest.mark.parametrize(
    ("side", "kind", "stop_price"),
    [
        ("SELL", "STOP_LOSS_LIMIT", "60000.00"),
        ("SELL", "STOP_LOSS_LIMIT", "60000.01"),
        ("BUY", "STOP_LOSS_LIMIT", "60000.00"),
        ("BUY", "STOP_LOSS_LIMIT", "59999.99"),
        ("SELL", "TAKE_PROFIT_LIMIT", "60000.00"),
        ("BUY", "TAKE_PROFIT_LIMIT", "60000.00"),
    ],
)
async def test_a_stop_that_is_reached_is_refused(
    client: BinanceClient, side: str, kind: str, stop_price: str
) -> None:
    params = STOP | {"side": side, "type": kind, "stopPrice": stop_price}
    refused = await client.call("POST", "order", params)
    assert code(refused) == (400, -2010)
    assert refused.json()["msg"] == "Stop price would trigger immediately."
    assert not client.fake.core.open_orders("first")
    # A test of an order does not reach the engine.
    assert (await client.call("POST", "order/test", params)).json() == {}


@pytest.mark.parametrize(
    ("removed", "changes", "expected"),
    [
        ("stopPrice", {}, (-1102, BOTH_EMPTY)),
        ("", {"stopPrice": ""}, (-1102, BOTH_EMPTY)),
        ("price", {}, missing("price")),
        ("timeInForce", {}, missing("timeInForce")),
        ("quantity", {}, missing("quantity")),
        ("quantity", {"quoteOrderQty": "100"}, superfluous("quoteOrderQty")),
        ("price", {"type": "STOP_LOSS"}, superfluous("timeInForce")),
        ("timeInForce", {"type": "STOP_LOSS"}, superfluous("price")),
        ("", {"type": "LIMIT"}, superfluous("stopPrice")),
        ("timeInForce", {"type": "LIMIT_MAKER"}, superfluous("stopPrice")),
        ("", {"type": "STOP"}, (-1116, "Invalid orderType.")),
        ("", {"stopPrice": "5e4"}, (-1100, "Illegal characters found in parameter 'stopPrice'.")),
        ("", {"stopPrice": "59900.001"}, (-1013, "Filter failure: PRICE_FILTER")),
        ("", {"stopPrice": "0"}, (-1013, "Filter failure: PRICE_FILTER")),
        ("", {"side": "BUY", "stopPrice": "1000000.01"}, (-1013, "Filter failure: PRICE_FILTER")),
        ("", {"price": "11999.99"}, (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
        ("", {"price": "300000.01"}, (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
        ("", {"quantity": "0.00008"}, (-1013, "Filter failure: NOTIONAL")),
        ("", {"icebergQty": "0.0005"}, (-1013, "Iceberg orders are not supported for this symbol.")),
        ("stopPrice", {"trailingDelta": "100"}, (-1013, TRAILING)),
    ],
)  # fmt: skip
async def test_a_bad_stop_order_is_refused(
    client: BinanceClient, removed: str, changes: dict[str, str], expected: tuple[int, str]
) -> None:
    refused = await client.call("POST", "order", without(STOP, removed) | changes)
    assert (refused.status_code, refused.json()["code"], refused.json()["msg"]) == (400, *expected)
    assert not client.fake.core.open_orders("first")


async def test_the_limit_may_be_as_far_away_as_the_filter_says(client: BinanceClient) -> None:
    # The stop price itself is not held to the band.
    for number, price in enumerate(("12000.00", "300000.00")):
        params = STOP | {"price": price, "newClientOrderId": f"far{number}", "stopPrice": "10000.00"}
        assert (await client.call("POST", "order", params)).status_code == 200


async def test_the_exchange_tells_its_types_and_filters(client: BinanceClient) -> None:
    symbols = (await client.http.get("/api/v3/exchangeInfo")).json()["symbols"]
    assert symbols[0]["orderTypes"] == [
        "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
    ]  # fmt: skip
    filters = {one["filterType"]: one for one in symbols[0]["filters"]}
    band = filters["PERCENT_PRICE_BY_SIDE"]
    assert [band[f"{side}Multiplier{way}"] for side in ("bid", "ask") for way in ("Up", "Down")] == [
        "5", "0.2", "5", "0.2",
    ]  # fmt: skip
    assert filters["MAX_NUM_ALGO_ORDERS"] == {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5}
    for number in range(5):
        placed = await client.call("POST", "order", STOP | {"newClientOrderId": f"stop{number}"})
        assert placed.status_code == 200
    refused = await client.call("POST", "order", STOP)
    assert refused.json() == {"code": -1013, "msg": "Filter failure: MAX_NUM_ALGO_ORDERS"}
    plain = without(STOP, "stopPrice") | {"type": "LIMIT"}
    assert (await client.call("POST", "order", plain)).status_code == 200
