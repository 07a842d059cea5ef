"""Bybit: sign-in, orders on both ways, cancels, amends, and what each fault leaves known."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.order_ports import SwitchChanged
from floorwire.core.ports import Close, Fetch, Open, Send
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    CancelAnswer,
    LinkDown,
    LinkUp,
    OrderSeen,
    PlaceAnswer,
)
from tests.venues.bybit.order_session import (
    AUTH,
    EXECUTED,
    ID,
    ORDER_ID,
    SEEN,
    SUBSCRIBED,
    TIME,
    TRADE_AUTH,
    argument_of,
    connected,
    execution_row,
    executions,
    new,
    on_trade_link,
    order_row,
    orders,
    prepared,
    rest,
    seen,
    subscribed,
    verdict,
)
from tests.venues.order_driver import SECOND, OrderDriver, amend, cancel, of, place, reports, sent

CREATE = "/v5/order/create"
CANCEL = "/v5/order/cancel"
ACCEPTED = PlaceAnswer(ID, "accepted", ORDER_ID)
UNKNOWN = PlaceAnswer(ID, "unknown")


# --- links -------------------------------------------------------------------------------------------


def test_links_open_when_the_clock_is_known_and_sign_in_with_a_time_ahead() -> None:
    driver = new()
    assert of(driver.out, Open) == []
    driver.answer(TIME, rest({}, time=(driver.date_us + 7 * SECOND) // 1000))
    assert of(driver.out, Open) == [
        Open("private", "ws://venue.test/v5/private"),
        Open("trade", "ws://venue.test/v5/trade"),
    ]
    (message,) = sent(driver.opened())
    assert message["op"] == "auth"
    arguments = message["args"]
    assert isinstance(arguments, list)
    key, expires_ms, signature = arguments
    assert key == "the-key"
    assert 0 < expires_ms - (driver.date_us + 7 * SECOND) // 1000 <= 10_000
    assert len(signature) == 64
    assert sent(driver.frame(AUTH)) == [{"op": "subscribe", "args": ["order.spot", "execution.spot"]}]
    assert reports(driver.frame(SUBSCRIBED)) == [LinkUp()]


def test_a_time_that_does_not_come_is_asked_for_again() -> None:
    driver = new()
    driver.answer(TIME, "", 0)
    driver.wait(6)
    assert len(driver.fetches()) == 1
    assert of(driver.out, Open) == []


@pytest.mark.parametrize("refused", [{**AUTH, "success": False}, {**AUTH, "success": None}])
def test_a_refused_sign_in_is_tried_again_after_a_wait(refused: dict[str, object]) -> None:
    driver = prepared()
    driver.opened()
    (close,) = of(driver.frame({**refused, "ret_msg": "Params Error"}), Close)
    assert close.reason == "refused: Params Error"
    driver.closed()
    assert not of(driver.wait(9), Open)
    assert [one.link for one in of(driver.wait(60), Open)][:1] == ["private"]


def test_a_subscription_that_is_refused_is_no_link() -> None:
    driver = prepared()
    driver.opened()
    driver.frame(AUTH)
    outputs = driver.frame({**SUBSCRIBED, "success": False, "ret_msg": "Invalid topic"})
    assert reports(outputs) == []
    assert len(of(outputs, Close)) == 1


def test_a_lost_private_link_is_told_and_opened_again() -> None:
    driver = connected()
    assert reports(driver.closed()) == [LinkDown()]
    assert [one.link for one in of(driver.wait(2), Open)] == ["private"]
    (answer,) = reports(driver.command(place()))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_UNAVAILABLE)


def test_links_are_pinged_and_silent_ones_closed() -> None:
    driver = connected()
    outputs = driver.wait(16)
    assert [(one.link, one.text) for one in of(outputs, Send)] == [
        ("private", '{"op":"ping"}'),
        ("trade", '{"op":"ping"}'),
    ]
    driver.frame({"op": "pong", "args": ["1767225616000"], "req_id": "", "conn_id": "x"})
    closes = of(driver.wait(11), Close)
    assert [(one.link, one.reason) for one in closes] == [("trade", "silent")]


def test_demo_trading_has_no_trade_link() -> None:
    driver = prepared(ws="wss://stream-demo.bybit.com")
    assert [one.url for one in of(driver.out, Open)] == ["wss://stream-demo.bybit.com/v5/private"]


def test_a_stream_that_tells_nothing_of_an_accepted_order_is_opened_again() -> None:
    driver = connected()
    request = on_trade_link(driver.command(place()))["reqId"]
    driver.frame(verdict(request), "trade")
    outputs = driver.wait(11)
    assert [(one.link, one.reason) for one in of(outputs, Close)] == [("private", "its events do not come")]
    assert LinkDown() in outputs


def test_an_order_that_is_accepted_while_the_private_link_is_down_gives_up_no_new_one() -> None:
    driver = connected()
    request = on_trade_link(driver.command(place()))["reqId"]
    driver.closed()
    driver.frame(verdict(request), "trade")
    driver.wait(2)
    driver.opened()
    driver.wait(9)  # it takes some time to answer, and the stream tells nothing of the order
    driver.frame(AUTH)
    assert LinkUp() in driver.frame(SUBSCRIBED)


# --- orders ------------------------------------------------------------------------------------------


def test_an_order_on_the_trade_link() -> None:
    driver = connected(ahead_us=7 * SECOND)
    message = on_trade_link(driver.command(place()))
    assert message["op"] == "order.create"
    assert message["header"] == {
        "X-BAPI-TIMESTAMP": str((driver.date_us + 7 * SECOND) // 1000),
        "X-BAPI-RECV-WINDOW": "2000",
    }
    assert message["args"] == [
        {
            "category": "spot",
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderLinkId": ID,
            "isLeverage": 0,
            "orderFilter": "Order",
            "orderType": "Limit",
            "qty": "0.010",
            "price": "30000.0",
            "timeInForce": "GTC",
        }
    ]
    assert reports(driver.frame(verdict(message["reqId"]), "trade")) == [ACCEPTED]
    assert reports(driver.frame(orders(order_row()))) == [SEEN]


def test_ids_of_requests_do_not_come_again_after_a_restart() -> None:
    first = connected()
    one = on_trade_link(first.command(place()))["reqId"]
    other = on_trade_link(first.command(cancel()))["reqId"]
    assert one != other
    assert str(one).startswith(str(first.date_us)[:6])
    assert len(str(one)) <= 36


def test_a_stream_that_is_faster_than_the_answer() -> None:
    driver = connected()
    request = on_trade_link(driver.command(place()))["reqId"]
    assert reports(driver.frame(executions(execution_row()))) == [ACCEPTED, EXECUTED]
    assert reports(driver.frame(verdict(request), "trade")) == []


def test_a_post_only_order_that_would_take_is_accepted_first() -> None:
    driver = connected()
    request = on_trade_link(driver.command(place(post_only=True)))["reqId"]
    driver.frame(verdict(request), "trade")
    for status in ("Rejected", "Cancelled"):
        (told,) = reports(
            driver.frame(orders(order_row(status, rejectReason="EC_PostOnlyWillTakeLiquidity")))
        )
        assert isinstance(told, OrderSeen)
        assert (told.state, told.code) == ("rejected", Code.POST_ONLY_WOULD_CROSS)


def test_an_order_by_rest_while_the_trade_link_is_down() -> None:
    driver = subscribed()
    (fetch,) = of(driver.command(place()), Fetch)
    assert (fetch.method, fetch.url) == ("POST", "http://venue.test/v5/order/create")
    assert json.loads(fetch.body)["orderLinkId"] == ID
    assert dict(fetch.headers)["X-BAPI-RECV-WINDOW"] == "2000"
    assert reports(driver.answer(CREATE, rest({"orderId": ORDER_ID, "orderLinkId": ID}))) == [ACCEPTED]


def test_an_answer_by_rest_that_comes_after_the_end_of_the_order_says_nothing() -> None:
    driver = subscribed()
    driver.command(place())
    driver.frame(orders(order_row("Rejected")))
    assert reports(driver.answer(CREATE, rest({"orderId": ORDER_ID}))) == []


@pytest.mark.parametrize(("body", "status"), [("", 0), ("{}", 200), ("<html>", 502), ("", 403), ("", 500)])
def test_what_rest_does_not_answer_is_unknown(body: str, status: int) -> None:
    driver = subscribed()
    driver.command(place())
    assert reports(driver.answer(CREATE, body, status)) == [UNKNOWN]


def test_a_refusal_says_why() -> None:
    driver = connected()
    request = on_trade_link(driver.command(place()))["reqId"]
    told = reports(driver.frame(verdict(request, 170131, "Balance insufficient"), "trade"))
    text = "170131 Balance insufficient"
    assert told == [PlaceAnswer(ID, "rejected", "", Code.INSUFFICIENT_BALANCE, text)]


@pytest.mark.parametrize(
    "code", [10000, 10016, 170001, 170007, 170146, 170149, 170234, 170141, 110072, 99999]
)
def test_codes_that_prove_nothing(code: int) -> None:
    driver = connected()
    request = on_trade_link(driver.command(place()))["reqId"]
    (told,) = reports(driver.frame(verdict(request, code, "?"), "trade"))
    assert isinstance(told, PlaceAnswer)
    assert told.outcome == "unknown"


def test_a_lost_trade_link_leaves_its_orders_unknown_and_sends_nothing_again() -> None:
    driver = connected()
    driver.command(place())
    assert reports(driver.closed("trade")) == [UNKNOWN]
    outputs = driver.wait(30)
    assert not [fetch for fetch in of(outputs, Fetch) if CREATE in fetch.url]
    assert "order.create" not in "".join(send.text for send in of(outputs, Send))


def test_no_answer_in_time_is_unknown() -> None:
    driver = connected()
    driver.command(place())
    driver.frame({"op": "pong"})
    assert UNKNOWN in driver.wait(11)


def test_the_rate_limit() -> None:
    driver = connected()
    answers = [reports(driver.command(place(f"fw0000000a{number}"))) for number in range(11)]
    assert answers[:10] == [[]] * 10
    (answer,) = answers[10]
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)
    assert reports(driver.wait(0.2)) == []
    assert reports(driver.command(place("fw0000000a99"))) == []


def test_too_many_requests_stop_all_for_a_second() -> None:
    driver = connected()
    request = on_trade_link(driver.command(place()))["reqId"]
    (answer,) = reports(driver.frame(verdict(request, 10006, "Too many visits."), "trade"))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)
    assert len(reports(driver.command(place("fw0000000a2")))) == 1
    driver.wait(1.1)
    assert reports(driver.command(place("fw0000000a3"))) == []


def test_a_service_that_restarts_gets_no_new_orders_and_may_still_answer() -> None:
    driver = connected()
    first = on_trade_link(driver.command(place()))["reqId"]
    second = on_trade_link(driver.command(place("fw0000000a2")))["reqId"]
    outputs = driver.frame(verdict(second, 10019, "restarting"), "trade")
    assert not of(outputs, Close)
    assert of(outputs, Open) == [Open("trade_2", "ws://venue.test/v5/trade")]
    assert len(of(driver.command(place("fw0000000a3")), Fetch)) == 1
    outputs = driver.frame(verdict(first), "trade")
    assert reports(outputs) == [ACCEPTED]
    assert [one.reason for one in of(outputs, Close)] == ["another link takes its place"]
    driver.closed("trade")
    driver.opened("trade_2")
    driver.frame(TRADE_AUTH, "trade_2")
    (send,) = of(driver.command(place("fw0000000a4")), Send)
    assert send.link == "trade_2"


def test_orders_that_bybit_does_not_have() -> None:
    driver = connected()
    for command in (
        place(time_in_force="gtd"),
        place(type="stop", stop_price="1.0"),
        replace(place(), symbol="NO-SUCH"),
    ):
        (answer,) = reports(driver.command(command))
        assert isinstance(answer, PlaceAnswer)
        assert answer.outcome == "rejected"
    assert of(driver.out, Send) == []


# --- cancels, amends ---------------------------------------------------------------------------------


def test_a_cancel() -> None:
    driver = connected()
    message = on_trade_link(driver.command(cancel()))
    assert message["op"] == "order.cancel"
    assert message["args"] == [{"category": "spot", "symbol": "BTCUSDT", "orderLinkId": ID}]
    assert reports(driver.frame(verdict(message["reqId"], op="order.cancel"), "trade")) == [
        CancelAnswer(ID, "taken")
    ]
    ended = orders(order_row("Cancelled", cancelType="CancelByUser", rejectReason="EC_PerCancelRequest"))
    assert reports(driver.frame(ended)) == [seen(state="cancelled")]


def test_a_cancel_that_races_a_fill_ends_filled_twice() -> None:
    driver = connected()
    filled = order_row("Filled", cumExecQty="0.010")
    refused = {**filled, "cancelType": "CancelByUser", "rejectReason": "EC_OrigClOrdIDDoesNotExist"}
    told = reports(driver.frame(orders(filled, refused)))
    assert told == [seen(state="filled", filled="0.010")] * 2


@pytest.mark.parametrize(
    ("code", "outcome"), [(170213, "over"), (110001, "over"), (170142, "over"), (10016, "unknown")]
)
def test_a_cancel_that_failed(code: int, outcome: str) -> None:
    driver = connected()
    request = on_trade_link(driver.command(cancel()))["reqId"]
    (answer,) = reports(driver.frame(verdict(request, code, "?"), "trade"))
    assert isinstance(answer, CancelAnswer)
    assert answer.outcome == outcome


def test_a_cancel_that_bybit_asks_to_send_again_is_sent_three_times() -> None:
    driver = connected()
    request = on_trade_link(driver.command(cancel()))["reqId"]
    for _ in range(2):
        assert reports(driver.frame(verdict(request, 170191, "Can not cancel order"), "trade")) == []
        request = on_trade_link(driver.wait(0.6))["reqId"]
    told = reports(driver.frame(verdict(request, 170191, "Can not cancel order"), "trade"))
    assert told == [CancelAnswer(ID, "refused")]


def test_a_cancel_with_a_wrong_time_is_sent_again_with_another_one() -> None:
    driver = connected()
    request = on_trade_link(driver.command(cancel()))["reqId"]
    assert reports(driver.frame(verdict(request, 10002, "The request time exceeds"), "trade")) == []
    outputs = driver.wait(2)
    assert [TIME in fetch.url for fetch in of(outputs, Fetch)] == [True]
    assert len(of(outputs, Send)) == 1


def test_cancels_wait_for_the_rate_limit() -> None:
    driver = connected()
    for number in range(15):
        assert reports(driver.command(cancel(f"fw0000000a{number}"))) == []
    assert len(of(driver.out, Send)) == 10
    driver.wait(1)
    assert len(of(driver.out, Send)) == 15


def test_cancels_go_by_rest_while_both_links_are_down() -> None:
    driver = prepared()
    driver.command(cancel())
    assert reports(driver.answer(CANCEL, rest({"orderId": ORDER_ID}))) == [CancelAnswer(ID, "taken")]


def test_an_amend_is_done_when_the_stream_shows_it() -> None:
    driver = connected()
    driver.frame(orders(order_row()))
    outputs = driver.command(amend())
    assert argument_of(outputs) == {
        "category": "spot",
        "symbol": "BTCUSDT",
        "orderLinkId": ID,
        "qty": "0.020",
        "price": "30001.0",
    }
    request = on_trade_link(outputs)["reqId"]
    assert reports(driver.frame(verdict(request, op="order.amend"), "trade")) == []
    told = reports(driver.frame(orders(order_row(price="30001", qty="0.02", updatedTime="1767225600200"))))
    assert told[0] == AmendAnswer(ID, "amended", updated=1767225600200)
    assert told[1] == seen(price="30001", quantity="0.02", updated=1767225600200)


def test_an_amend_sends_what_changes_and_one_that_changes_nothing_is_refused() -> None:
    driver = connected()
    driver.frame(orders(order_row()))
    only_price = replace(amend(), quantity="0.01")
    assert "qty" not in argument_of(driver.command(only_price))
    only_quantity = replace(amend(), price="30000")
    assert "price" not in argument_of(driver.command(only_quantity))
    nothing = replace(amend(), price="30000", quantity="0.01")
    assert reports(driver.command(nothing)) == [AmendAnswer(ID, "refused", Code.VENUE_REJECTED)]


@pytest.mark.parametrize(("code", "outcome"), [(170134, "refused"), (170213, "refused"), (170310, "unknown")])
def test_an_amend_that_failed(code: int, outcome: str) -> None:
    driver = connected()
    request = on_trade_link(driver.command(amend()))["reqId"]
    (answer,) = reports(driver.frame(verdict(request, code, "?", "order.amend"), "trade"))
    assert isinstance(answer, AmendAnswer)
    assert answer.outcome == outcome


# --- what does not fit -------------------------------------------------------------------------------


def test_orders_of_others_and_of_other_categories() -> None:
    driver = connected()
    (told,) = reports(driver.frame(orders(order_row(orderLinkId=""))))
    assert isinstance(told, OrderSeen)
    assert told.client_id == ""
    assert reports(driver.frame(orders(order_row(category="linear")))) == []
    assert reports(driver.frame(executions(execution_row(category="linear")))) == []
    assert reports(driver.frame(executions(execution_row(execType="Settle")))) == []
    assert reports(driver.frame({"topic": "wallet", "data": [{"coin": []}]})) == []


def test_a_row_that_cannot_be_read_costs_no_other() -> None:
    driver = connected()
    broken = [order_row(cumExecQty="many"), {"orderId": 5}, order_row("NextYear"), order_row()]
    assert reports(driver.frame(orders(*broken))) == [SEEN]
    fees = [execution_row(execFee="much"), execution_row()]
    assert reports(driver.frame(executions(*fees))) == [EXECUTED]


def test_a_fee_without_an_asset_is_of_what_was_received() -> None:
    driver = connected()
    told = reports(
        driver.frame(
            executions(
                execution_row(feeCurrency=""),
                execution_row(feeCurrency="", side="Sell"),
                execution_row(feeCurrency="", execFee="-0.1", isMaker=True),
            )
        )
    )
    assert [one.fee_asset for one in told if hasattr(one, "fee_asset")] == ["BTC", "USDT", "USDT"]


@pytest.mark.parametrize(
    "data", ["", "null", "[]", "[" * 5_000, '{"topic":"order","data":5}', '{"reqId":"x-1"}']
)
@pytest.mark.parametrize("link", ["private", "trade", "other"])
def test_a_frame_that_cannot_be_used_costs_a_frame(data: str, link: str) -> None:
    driver = connected()
    assert reports(driver.frame(data, link)) == []
    assert not of(driver.out, Close)


def test_trade_auth_that_was_refused() -> None:
    driver = subscribed()
    driver.opened("trade")
    outputs = driver.frame({**TRADE_AUTH, "retCode": 10004, "retMsg": "Error sign"}, "trade")
    assert [one.reason for one in of(outputs, Close)] == ["refused: 10004 Error sign"]
    driver.closed("trade")
    assert len(of(driver.command(place()), Fetch)) == 1  # by REST


# --- cancel on disconnect ----------------------------------------------------------------------------

DCP = {"success": True, "ret_msg": "", "op": "subscribe", "req_id": "dcp"}
INFO = "/v5/account/query-dcp-info"
SET = "/v5/order/disconnected-cancel-all"


def info(window: str, status: str = "ON") -> dict[str, object]:
    return rest({"dcpInfos": [{"product": "SPOT", "dcpStatus": status, "timeWindow": window}]})


def dcp_asked() -> OrderDriver:
    driver = new(cancel_all_after_s=60)
    driver.answer(TIME, rest({"timeSecond": "1"}, time=driver.date_us // 1000))
    return driver


def test_cancel_on_disconnect_is_set_where_it_has_another_time() -> None:
    driver = dcp_asked()
    driver.answer(INFO, info("10"))
    (fetch,) = [one for one in driver.fetches() if SET in one.url]
    assert json.loads(fetch.body) == {"product": "SPOT", "timeWindow": 60}
    assert SwitchChanged(True, "") in driver.answer(SET, rest())
    driver = dcp_asked()
    assert SwitchChanged(True, "") in driver.answer(INFO, info("60"))
    assert not [one for one in driver.fetches() if SET in one.url]


@pytest.mark.parametrize("answer", [rest({"dcpInfos": []}), info("60", "OFF")])
def test_an_account_without_cancel_on_disconnect_is_said(answer: dict[str, object]) -> None:
    told = of(dcp_asked().answer(INFO, answer), SwitchChanged)
    assert [(one.is_set, "has not enabled DCP" in one.message) for one in told] == [(False, True)]


def test_the_topic_is_subscribed_alone_and_its_refusal_does_not_end_the_link() -> None:
    driver = dcp_asked()
    driver.opened()
    assert sent(driver.frame(AUTH)) == [
        {"req_id": "dcp", "op": "subscribe", "args": ["dcp.spot"]},
        {"op": "subscribe", "args": ["order.spot", "execution.spot"]},
    ]
    refused = driver.frame(DCP | {"success": False, "ret_msg": "Invalid topic"})
    assert not of(refused, Close)
    assert reports(driver.frame(SUBSCRIBED)) == [LinkUp()]
    told = of(driver.answer(INFO, info("60")), SwitchChanged)
    assert told == [SwitchChanged(False, "Bybit refused the topic: Invalid topic")]
