"""Reading an account: open orders, executions since the cursor, balances, in this order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.remote_order_messages import Reconcile, VenueBalance
from floorwire.venues.binance.account_requests import MOST_SYMBOLS, AccountReading, ReadStep
from floorwire.venues.binance.order_requests import MOST_TRADES

BALANCES = json.dumps({"balances": [{"asset": "BTC", "free": "1.5", "locked": "0.5"}]}).encode()


def order(symbol: str, order_id: int, status: str = "NEW") -> dict[str, object]:
    return {
        "symbol": symbol,
        "orderId": order_id,
        "clientOrderId": f"c{order_id}",
        "status": status,
        "price": "1.0",
        "origQty": "2.0",
        "executedQty": "0.0",
        "type": "LIMIT",
        "updateTime": 5,
    }


def trade(symbol: str, trade_id: int) -> dict[str, object]:
    return {
        "symbol": symbol,
        "id": trade_id,
        "orderId": 1,
        "price": "1.0",
        "qty": "1.0",
        "commission": "0",
        "commissionAsset": "BNB",
        "isMaker": False,
    }


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def test_the_order_of_requests_and_the_cursor() -> None:
    reading = AccountReading(Reconcile(3, '{"BTCUSDT":100}'), ["ETHUSDT"])
    assert reading.call().method == "openOrders.status"
    reading.take(body([order("SOLUSDT", 9)]))
    asked = []
    while reading.step is ReadStep.TRADES:
        call = reading.call()
        asked.append(dict(call.params))
        native = str(call.params["symbol"])
        reading.take(body([trade(native, 107)] if native == "BTCUSDT" else []))
    assert asked == [
        {"symbol": "SOLUSDT", "limit": 1000},
        {"symbol": "ETHUSDT", "limit": 1000},
        {"symbol": "BTCUSDT", "limit": 1000, "fromId": 100},
    ]
    assert reading.call().method == "account.status"
    assert reading.call().params == {"omitZeroBalances": True}
    reading.take(BALANCES)
    answer = reading.answer()
    assert [seen.venue_order_id for seen in answer.open_orders] == ["9"]
    assert [executed.execution_id for executed in answer.executions] == ["BTCUSDT:107"]
    assert answer.balances == (VenueBalance("BTC", "2.0"),)
    assert json.loads(answer.cursor) == {"BTCUSDT": 108}
    assert answer.request == 3


def test_more_executions_than_fit_in_one_list() -> None:
    reading = AccountReading(Reconcile(1, '{"BTCUSDT":0}'), [])
    reading.take(body([]))
    reading.take(body([trade("BTCUSDT", number) for number in range(MOST_TRADES)]))
    assert reading.call().params["fromId"] == MOST_TRADES
    reading.take(body([trade("BTCUSDT", MOST_TRADES)]))
    assert reading.step is ReadStep.BALANCES


def test_the_latest_executions_are_enough_of_a_symbol_without_a_cursor() -> None:
    reading = AccountReading(Reconcile(1, ""), ["BTCUSDT"])
    reading.take(body([]))
    reading.take(body([trade("BTCUSDT", number) for number in range(MOST_TRADES)]))
    assert reading.step is ReadStep.BALANCES


def test_without_symbols_balances_are_next() -> None:
    reading = AccountReading(Reconcile(1, ""), [])
    reading.take(body([]))
    reading.take(BALANCES)
    assert reading.answer().cursor == ""


def test_an_order_that_is_not_open_is_no_answer() -> None:
    reading = AccountReading(Reconcile(1, ""), [])
    with pytest.raises(ValueError, match="has the status"):
        reading.take(body([order("BTCUSDT", 1, "FILLED")]))


def test_executions_of_another_symbol_are_no_answer() -> None:
    reading = AccountReading(Reconcile(1, ""), ["BTCUSDT"])
    reading.take(body([]))
    with pytest.raises(ValueError, match="another symbol"):
        reading.take(body([trade("ETHUSDT", 1)]))


def test_symbols_are_bounded_and_those_of_open_orders_come_first() -> None:
    reading = AccountReading(Reconcile(1, ""), [f"S{number}" for number in range(2 * MOST_SYMBOLS)])
    reading.take(body([order("BTCUSDT", 1)]))
    asked = []
    while reading.step is ReadStep.TRADES:
        asked.append(reading.call().params["symbol"])
        reading.take(body([]))
    assert len(asked) == MOST_SYMBOLS
    assert asked[0] == "BTCUSDT"


@given(st.text() | st.sampled_from(["{}", "[]", '{"A":-1}', '{"A":1e400}', '{"A":99999999999999999999}']))
def test_a_cursor_that_cannot_be_read_is_none(cursor: str) -> None:
    reading = AccountReading(Reconcile(1, cursor), [])
    assert reading.call().method == "openOrders.status"
