"""OKX: what the channel of orders shows, amends and cancels."""

from __future__ import annotations

import json

import pytest

from floorwire.core.codes import Code
from floorwire.core.ports import Fetch
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    CancelAnswer,
    Executed,
    OrderSeen,
    PlaceAnswer,
)
from tests.venues.okx.order_session import (
    EXECUTED,
    FILL,
    ID,
    connected,
    number_of,
    order_row,
    orders,
    rest,
    seen,
    verdict,
)
from tests.venues.order_driver import (
    amend,
    cancel,
    of,
    path_of,
    place,
    reports,
    sent,
)

# --- what the channel shows --------------------------------------------------------------------------


def test_order_in_the_channel_is_accepted_before_its_answer_comes() -> None:
    driver = connected()
    number = number_of(driver.command(place()))
    assert reports(driver.frame(orders(order_row()))) == [PlaceAnswer(ID, "accepted", "88"), seen()]
    assert reports(driver.frame(verdict(number))) == []


def test_execution_comes_before_the_state_that_counts_it() -> None:
    driver = connected()
    assert reports(driver.frame(orders(FILL))) == [EXECUTED, seen(filled="0.004")]


def test_frame_without_trade_id_is_no_execution() -> None:
    # recorded in 2023: `filled` comes alone, after the frame of the last execution
    row = order_row("filled", accFillSz="0.01", fillSz="0", fillFee="0")
    assert reports(connected().frame(orders(row))) == [seen(state="filled", filled="0.01")]


def test_rebate_and_maker() -> None:
    row = {**FILL, "fillFee": "0.0001", "fillFeeCcy": "USDT", "execType": "M"}
    (executed, _) = reports(connected().frame(orders(row)))
    assert isinstance(executed, Executed)
    assert (executed.fee, executed.fee_asset, executed.liquidity) == ("-0.0001", "USDT", "maker")


def test_execution_without_its_fee_is_left_to_a_query() -> None:
    row = {key: value for key, value in FILL.items() if key != "fillFee"}
    assert reports(connected().frame(orders(row))) == [seen(filled="0.004")]


def test_post_only_order_that_would_take_is_accepted_then_rejected() -> None:
    driver = connected()
    driver.command(place(post_only=True))
    row = order_row("canceled", ordType="post_only", cancelSource="31")
    assert reports(driver.frame(orders(row))) == [
        PlaceAnswer(ID, "accepted", "88"),
        seen(state="rejected", code=Code.POST_ONLY_WOULD_CROSS),
    ]


@pytest.mark.parametrize(
    ("fields", "state", "code"),
    [
        ({"state": "canceled"}, "cancelled", None),
        ({"state": "mmp_canceled"}, "cancelled", None),
        ({"state": "canceled", "ordType": "ioc"}, "cancelled", Code.NO_LIQUIDITY),
        ({"state": "canceled", "ordType": "fok"}, "rejected", Code.FOK_UNFILLED),
        ({"state": "canceled", "cancelSource": "31", "accFillSz": "0.001"}, "cancelled", None),
    ],
)
def test_ends(fields: dict[str, str], state: str, code: Code | None) -> None:
    (found,) = reports(connected().frame(orders(order_row(**fields))))
    assert isinstance(found, OrderSeen)
    assert (found.state, found.code) == (state, code)


def test_unknown_state_and_broken_rows_say_nothing_and_cost_no_other_row() -> None:
    rows = [order_row("melted"), {"instId": 3}, order_row(accFillSz="many"), order_row()]
    assert reports(connected().frame(orders(*rows))) == [seen()]


# --- amends and cancels ------------------------------------------------------------------------------


def test_amend_is_done_when_the_channel_says_so() -> None:
    driver = connected()
    outputs = driver.command(amend())
    (message,) = sent(outputs)
    number = str(message["id"])
    assert message["args"] == [
        {"instIdCode": 10458, "clOrdId": ID, "reqId": number, "newSz": "0.020", "newPx": "30001.0"}
    ]
    assert "expTime" in message
    assert reports(driver.frame(verdict(number, op="amend-order"))) == []  # taken, not done
    row = order_row(px="30001", sz="0.02", amendResult="0", reqId=number)
    assert reports(driver.frame(orders(row))) == [
        AmendAnswer(ID, "amended", updated=1767225600123),
        seen(price="30001", quantity="0.02"),
    ]


@pytest.mark.parametrize("result", ["-1", "1"])
def test_amend_that_fails_later(result: str) -> None:
    driver = connected()
    number = number_of(driver.command(amend()))
    driver.frame(verdict(number, op="amend-order"))
    row = order_row(amendResult=result, reqId=number, code="51008")
    assert reports(driver.frame(orders(row)))[0] == AmendAnswer(
        ID, "refused", Code.INSUFFICIENT_BALANCE, 1767225600123
    )


def test_result_of_another_amend_is_not_ours() -> None:
    driver = connected()
    number = number_of(driver.command(amend("other")))
    assert reports(driver.frame(orders(order_row(amendResult="0", reqId=number)))) == [seen()]


def test_amend_without_a_result_is_unknown() -> None:
    driver = connected()
    driver.frame(verdict(number_of(driver.command(amend())), op="amend-order"))
    driver.wait(9)
    driver.frame("pong")
    assert reports(driver.wait(1.1)) == [AmendAnswer(ID, "unknown")]


def test_refused_amend() -> None:
    driver = connected()
    number = number_of(driver.command(amend()))
    assert reports(driver.frame(verdict(number, "51510", op="amend-order"))) == [AmendAnswer(ID, "refused")]


def test_cancel_is_sent_and_taken() -> None:
    driver = connected()
    (message,) = sent(driver.command(cancel()))
    assert message == {
        "id": message["id"],
        "op": "cancel-order",
        "args": [{"instIdCode": 10458, "clOrdId": ID}],
    }
    number = str(message["id"])
    assert reports(driver.frame(verdict(number, op="cancel-order"))) == [CancelAnswer(ID, "taken")]


def test_cancel_that_met_the_rate_limit_is_sent_again() -> None:
    driver = connected()
    number = number_of(driver.command(cancel()))
    outputs = driver.frame(verdict(number, "50011", op="cancel-order"))
    assert not reports(outputs)
    assert not sent(outputs)
    again = number_of(driver.wait(2.1))
    assert again != number
    assert reports(driver.frame(verdict(again, op="cancel-order"))) == [CancelAnswer(ID, "taken")]


def test_cancel_goes_by_rest_while_the_link_is_down() -> None:
    driver = connected()
    driver.closed()
    (fetch,) = of(driver.command(cancel()), Fetch)
    assert (fetch.method, path_of(fetch)) == ("POST", "/api/v5/trade/cancel-order")
    assert json.loads(fetch.body) == {"instId": "BTC-USDT", "clOrdId": ID}
    answer = rest({"clOrdId": ID, "ordId": "88", "sCode": "0", "sMsg": ""})
    assert reports(driver.answer("/api/v5/trade/cancel-order", answer)) == [CancelAnswer(ID, "taken")]
    driver.command(cancel())
    assert reports(driver.answer("/api/v5/trade/cancel-order", "", 0)) == [CancelAnswer(ID, "unknown")]
