"""Messages of Binance's documents and what they report."""

from __future__ import annotations

import json

import pytest

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import Executed, OrderSeen, VenueBalance
from floorwire.venues.binance import order_mapping
from floorwire.venues.binance.order_messages import (
    Balance,
    ExecutionReport,
    execution_report_decoder,
    order_decoder,
    trades_decoder,
)

# user-data-stream.md, "Order Update"
DOCUMENTED: dict[str, object] = {
    "e": "executionReport",
    "E": 1499405658658,
    "s": "ETHBTC",
    "c": "mUvoqJxFIILMdfAW5iGSOW",
    "S": "BUY",
    "o": "LIMIT",
    "f": "GTC",
    "q": "1.00000000",
    "p": "0.10264410",
    "P": "0.00000000",
    "F": "0.00000000",
    "g": -1,
    "C": "",
    "x": "NEW",
    "X": "NEW",
    "r": "NONE",
    "i": 4293153,
    "l": "0.00000000",
    "z": "0.00000000",
    "L": "0.00000000",
    "n": "0",
    "N": None,
    "T": 1499405658657,
    "t": -1,
    "v": 3,
    "I": 8641984,
    "w": True,
    "m": False,
    "M": False,
    "O": 1499405658657,
    "Z": "0.00000000",
    "Y": "0.00000000",
    "Q": "0.00000000",
    "W": 1499405658657,
    "V": "NONE",
}


def event(**changed: object) -> ExecutionReport:
    return execution_report_decoder.decode(json.dumps({**DOCUMENTED, **changed}))


def seen(**changed: object) -> OrderSeen:
    found = list(order_mapping.reports(event(**changed)))[-1]
    assert isinstance(found, OrderSeen)
    return found


def test_a_new_order() -> None:
    assert list(order_mapping.reports(event())) == [
        OrderSeen(
            "mUvoqJxFIILMdfAW5iGSOW",
            "4293153",
            "open",
            "0.00000000",
            1499405658657,
            "0.10264410",
            "1.00000000",
        )
    ]


def test_a_fill_is_reported_before_the_state_that_counts_it() -> None:
    fill = event(
        x="TRADE", X="FILLED", l="1.0", z="1.0", L="0.1", n="0.001", N="BNB", t=55, m=True, T=1499405658700
    )
    executed, order = order_mapping.reports(fill)
    assert executed == Executed(
        "mUvoqJxFIILMdfAW5iGSOW", "4293153", "ETHBTC:55", "55", "0.1", "1.0", "maker", "0.001", "BNB"
    )
    assert isinstance(order, OrderSeen)
    assert (order.state, order.filled, order.updated) == ("filled", "1.0", 1499405658700)


def test_a_fill_without_a_fee_names_no_asset() -> None:
    fill = event(x="TRADE", X="PARTIALLY_FILLED", l="0.5", z="0.5", L="0.1", n=None, N=None, t=56)
    executed = next(order_mapping.reports(fill))
    assert isinstance(executed, Executed)
    assert (executed.fee, executed.fee_asset, executed.liquidity) == ("0", "", "taker")


def test_trade_ids_are_of_a_symbol() -> None:
    assert order_mapping.execution_id("ETHBTC", 1) != order_mapping.execution_id("BTCUSDT", 1)


def test_a_cancelled_order_is_named_by_the_id_that_it_had() -> None:
    cancelled = seen(x="CANCELED", X="CANCELED", c="random", C="mUvoqJxFIILMdfAW5iGSOW")
    assert (cancelled.client_id, cancelled.state) == ("mUvoqJxFIILMdfAW5iGSOW", "cancelled")
    assert cancelled.code is None
    old = seen(x="NEW", C=None)
    assert old.client_id == "mUvoqJxFIILMdfAW5iGSOW"


def test_an_amended_order_has_its_new_quantity() -> None:
    amended = seen(x="REPLACED", X="NEW", q="0.60000000", C="mUvoqJxFIILMdfAW5iGSOW")
    assert (amended.state, amended.quantity) == ("open", "0.60000000")


@pytest.mark.parametrize(
    ("reason", "force", "code"),
    [
        ("UNFILLED_IOC_QUANTITY_EXPIRED", "IOC", Code.NO_LIQUIDITY),
        ("INSUFFICIENT_LIQUIDITY", "GTC", Code.NO_LIQUIDITY),
        ("UNFILLED_FOK_ORDER_EXPIRED", "FOK", Code.FOK_UNFILLED),
        ("EXECUTION_RULE_PRICE_RANGE_EXCEEDED", "IOC", Code.PRICE_BAND),
        ("EXCHANGE_CANCELED", "GTC", Code.VENUE_REJECTED),
        (None, "IOC", Code.NO_LIQUIDITY),
        (None, "FOK", Code.FOK_UNFILLED),
        (None, "GTC", Code.VENUE_REJECTED),
    ],
)
def test_expired_is_a_normal_end_with_a_reason(reason: str | None, force: str, code: Code) -> None:
    changed = {} if reason is None else {"eR": reason}
    ended = seen(x="EXPIRED", X="EXPIRED", f=force, **changed)
    state = "rejected" if code is Code.FOK_UNFILLED else "cancelled"
    assert (ended.state, ended.code) == (state, code)
    assert seen(x="EXPIRED", X="EXPIRED", f=force, z="0.1", **changed).state == "cancelled"


def test_self_trade_prevention() -> None:
    ended = seen(x="TRADE_PREVENTION", X="EXPIRED_IN_MATCH")
    assert (ended.state, ended.code) == ("cancelled", Code.SELF_TRADE)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("INSUFFICIENT_BALANCES", Code.INSUFFICIENT_BALANCE),
        ("WOULD_MATCH_IMMEDIATELY", Code.POST_ONLY_WOULD_CROSS),
        ("NONE", Code.VENUE_REJECTED),
    ],
)
def test_rejected(reason: str, code: Code) -> None:
    rejected = seen(x="REJECTED", X="REJECTED", r=reason)
    assert (rejected.state, rejected.code) == ("rejected", code)


def test_a_state_that_nobody_knows_reports_no_state() -> None:
    assert list(order_mapping.reports(event(X="NEXT_YEAR"))) == []
    row = order_decoder.decode(b'{"symbol":"A","orderId":1,"clientOrderId":"x","status":"NEXT_YEAR"}')
    assert order_mapping.order_seen(row) is None


def test_what_is_no_limit_of_ours_is_not_told() -> None:
    market = seen(o="MARKET", p="0.00000000")
    assert (market.price, market.quantity) == (None, None)


def test_the_documented_list_of_executions() -> None:
    [trade] = trades_decoder.decode(
        b'[{"symbol":"BTCUSDT","id":1650422481,"orderId":12569099453,"orderListId":-1,"price":"23416.10000000",'
        b'"qty":"0.00635000","quoteQty":"148.69223500","commission":"0.00000000","commissionAsset":"BNB",'
        b'"time":1660801715793,"isBuyer":false,"isMaker":true,"isBestMatch":true}]'
    )
    assert order_mapping.executed(trade) == Executed(
        "",
        "12569099453",
        "BTCUSDT:1650422481",
        "1650422481",
        "23416.10000000",
        "0.00635000",
        "maker",
        "0.00000000",
        "BNB",
    )


def test_balances_are_added_exactly() -> None:
    added = order_mapping.balance(Balance("BTC", "1.3447112", "0.08600000"))
    assert added == VenueBalance("BTC", "1.43071120")
    long = "0." + "0" * 17 + "1"
    assert order_mapping.balance(Balance("X", "123456789012345678901234567890", long)).total == (
        "123456789012345678901234567890." + "0" * 17 + "1"
    )


@pytest.mark.parametrize("free", ["", "abc", "NaN", "Infinity", "1e999999", "--1"])
def test_no_amount(free: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        order_mapping.balance(Balance("BTC", free, "1"))


def test_amounts_are_compared_by_value() -> None:
    assert order_mapping.is_same("100.0", "100.00000000")
    assert not order_mapping.is_same("100.0", "100.1")
    assert not order_mapping.is_same("abc", "abc")
