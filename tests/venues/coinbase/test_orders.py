"""Coinbase: the private link, and orders."""

from __future__ import annotations

import json

import jwt
import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.ports import Close, Fetch, Open
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    CancelAnswer,
    LinkDown,
    LinkUp,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
)
from floorwire.venues.coinbase.orders import FrameNumbers
from tests.venues.coinbase.order_session import (
    CANCEL,
    EDIT,
    ID,
    ORDER,
    ORDER_ID,
    PLACE,
    PRODUCTS,
    TIME,
    Row,
    body_of,
    connected,
    heartbeat,
    new,
    order,
    prepared,
    seen,
    subscriptions,
    success,
    user,
    user_order,
)
from tests.venues.order_driver import (
    DATE,
    SECOND,
    OrderDriver,
    amend,
    cancel,
    of,
    path_of,
    place,
    reports,
    sent,
)

MARKET = place(ID, type="market", time_in_force="ioc", price=None)


def keep_alive(driver: OrderDriver, seconds: int, number: int = 2) -> None:
    """Let time pass with heartbeats."""
    for beat in range(seconds):
        driver.wait(1)
        driver.frame(heartbeat(number + beat))


# --- the link ----------------------------------------------------------------------------------------


def test_clock_and_products_come_first_then_the_private_link() -> None:
    driver = new()
    driver.answer(TIME, {"epochMillis": str(DATE // 1000)})
    outputs = driver.answer(PRODUCTS, {"products": []})
    assert of(outputs, Open) == [Open("private", "wss://advanced-trade-ws-user.coinbase.com")]
    messages = sent(driver.opened())
    assert [(one["type"], one["channel"]) for one in messages] == [
        ("subscribe", "heartbeats"),  # without it a quiet channel is closed
        ("subscribe", "user"),
    ]
    assert "uri" not in jwt.decode(str(messages[1]["jwt"]), options={"verify_signature": False})
    assert reports(driver.frame(subscriptions("heartbeats", number=0))) == []
    assert reports(driver.frame(subscriptions("heartbeats", "user", number=1))) == [LinkUp()]
    assert reports(driver.frame(subscriptions("heartbeats", "user", number=2))) == []


def test_tokens_have_the_time_of_the_venue() -> None:
    driver = prepared(ahead_us=-70 * SECOND)
    token = str(sent(driver.opened())[0]["jwt"])
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["nbf"] == DATE // SECOND - 70


def test_refused_subscription_closes_the_link_and_reads_the_clock_again() -> None:
    driver = prepared()
    driver.opened()
    outputs = driver.frame({"type": "error", "message": "authentication failure"})
    assert [one.reason for one in of(outputs, Close)] == ["refused: authentication failure"]
    driver.closed()
    outputs = driver.wait(9.9)
    assert [path_of(one) for one in of(outputs, Fetch)] == [TIME]
    assert not of(outputs, Open)
    assert of(driver.wait(0.2), Open)


def test_lost_frame_of_any_channel_connects_anew() -> None:
    driver = connected()
    driver.frame(heartbeat(2))
    assert reports(driver.frame(user([user_order()], number=2))) == []  # late: known already
    outputs = driver.frame(heartbeat(4))
    assert reports(outputs) == [LinkDown()]
    assert of(outputs, Close) == [Close("private", "sequence_gap")]


def test_link_without_heartbeats_is_silent() -> None:
    driver = connected()
    keep_alive(driver, 9)
    outputs = driver.wait(10)
    assert of(outputs, Close)[0].reason == "silent"
    assert reports(outputs) == [LinkDown()]


# --- placing -----------------------------------------------------------------------------------------


def test_order_is_a_signed_request() -> None:
    driver = connected()
    outputs = driver.command(place(ID, post_only=True))
    (fetch,) = of(outputs, Fetch)
    assert (fetch.method, path_of(fetch)) == ("POST", PLACE)
    assert json.loads(fetch.body) == {
        "client_order_id": ID,
        "product_id": "BTC-USDT",
        "side": "BUY",
        "order_configuration": {
            "limit_limit_gtc": {"base_size": "0.010", "limit_price": "30000.0", "post_only": True}
        },
    }
    token = dict(fetch.headers)["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["uri"] == "POST api.coinbase.com/api/v3/brokerage/orders"
    assert reports(driver.answer(PLACE, success())) == [PlaceAnswer(ID, "accepted", ORDER_ID)]


LIMIT: Row = {"base_size": "0.010", "limit_price": "30000.0"}


@pytest.mark.parametrize(
    ("command", "configuration"),
    [
        (place(ID, time_in_force="ioc", side="sell"), {"sor_limit_ioc": LIMIT}),
        (place(ID, time_in_force="fok"), {"limit_limit_fok": LIMIT}),
        (
            place(ID, time_in_force="gtd", expires_us=DATE),
            {"limit_limit_gtd": {**LIMIT, "post_only": False, "end_time": "2026-01-01T00:00:00.000Z"}},
        ),
        (MARKET, {"sor_limit_ioc": {**LIMIT, "limit_price": "31500.0"}}),
        (replace(MARKET, time_in_force="fok"), {"limit_limit_fok": {**LIMIT, "limit_price": "31500.0"}}),
        (
            replace(MARKET, quantity=None, quote_quantity="1000"),
            {"sor_limit_ioc": {"base_size": "0.03174603", "limit_price": "31500.0"}},
        ),
        (
            place(ID, type="stop_limit", stop_price="29999.0"),
            {
                "stop_limit_stop_limit_gtc": {
                    **LIMIT,
                    "stop_price": "29999.0",
                    "stop_direction": "STOP_DIRECTION_STOP_UP",
                }
            },
        ),
        (
            place(
                ID, side="sell", type="stop_limit", stop_price="30001.0", time_in_force="gtd", expires_us=DATE
            ),
            {
                "stop_limit_stop_limit_gtd": {
                    **LIMIT,
                    "stop_price": "30001.0",
                    "stop_direction": "STOP_DIRECTION_STOP_DOWN",
                    "end_time": "2026-01-01T00:00:00.000Z",
                }
            },
        ),
    ],
)
def test_order_types(command: PlaceOrder, configuration: Row) -> None:
    assert body_of(connected().command(command))["order_configuration"] == configuration


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (place(ID, type="stop", price=None, stop_price="1"), Code.VENUE_REJECTED),
        (place(ID, type="stop_limit", stop_price="1", time_in_force="ioc"), Code.VENUE_REJECTED),
        (place(ID, type="stop_limit", stop_price="1", post_only=True), Code.VENUE_REJECTED),
        (place(ID, type="stop_limit", stop_price="1", time_in_force="fok"), Code.VENUE_REJECTED),
        (replace(MARKET, quantity=None, quote_quantity="0.0001"), Code.MIN_NOTIONAL),
        (replace(MARKET, quantity=None, quote_quantity="x"), Code.VENUE_REJECTED),
        (replace(place(ID), symbol="NEW-USDT"), Code.UNKNOWN_SYMBOL),
        (replace(place(ID), symbol="OTHER-USDT"), Code.UNKNOWN_SYMBOL),
    ],
)
def test_order_that_cannot_be_sent_is_rejected_unsent(command: PlaceOrder, code: Code) -> None:
    outputs = connected().command(command)
    assert not of(outputs, Fetch)
    (answer,) = reports(outputs)
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", code)


def test_order_while_the_link_is_down_is_rejected_unsent() -> None:
    driver = connected()
    driver.closed()
    outputs = driver.command(place(ID))
    assert not of(outputs, Fetch)
    (answer,) = reports(outputs)
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_UNAVAILABLE)


@pytest.mark.parametrize(
    ("body", "status"), [("", 0), ("<html>", 502), ("<html>", 200), ({"success": False}, 200), ("[", 200)]
)
def test_answer_that_proves_nothing_is_unknown_and_nothing_is_sent_again(
    body: Row | str, status: int
) -> None:
    driver = connected()
    driver.command(place(ID))
    (answer,) = reports(driver.answer(PLACE, body, status))
    assert isinstance(answer, PlaceAnswer)
    assert answer.outcome == "unknown"
    keep_alive(driver, 40)
    assert PLACE not in [path_of(one) for one in driver.fetches()]


def test_no_answer_at_all_is_unknown_in_the_end() -> None:
    driver = connected()
    driver.command(place(ID))
    keep_alive(driver, 31)
    assert driver.reports() == [PlaceAnswer(ID, "unknown")]


def test_stream_answers_before_the_request_does() -> None:
    driver = connected()
    driver.command(place(ID))
    assert reports(driver.frame(user([user_order("PENDING")]))) == [
        PlaceAnswer(ID, "accepted", ORDER_ID),
        seen(quantity=None),
    ]
    assert reports(driver.answer(PLACE, success())) == []


def test_order_that_fails_on_the_stream_was_accepted_first() -> None:
    driver = connected()
    driver.command(place(ID, post_only=True))
    failed = user_order("FAILED", reject_reason="INVALID_LIMIT_PRICE_POST_ONLY", leaves_quantity="0")
    assert reports(driver.frame(user([failed]))) == [
        PlaceAnswer(ID, "accepted", ORDER_ID),
        seen(state="rejected", code=Code.POST_ONLY_WOULD_CROSS, quantity=None),
    ]
    assert reports(driver.answer(PLACE, success())) == []


def test_answers_of_rest_come_though_the_stream_is_down() -> None:
    driver = connected()
    driver.command(place(ID))
    assert reports(driver.closed()) == [LinkDown()]
    assert reports(driver.answer(PLACE, success())) == [PlaceAnswer(ID, "accepted", ORDER_ID)]


def test_rate_limit_rejects_orders_at_once() -> None:
    driver = connected()
    answers = [driver.command(place(f"p{number}")) for number in range(11)]
    assert [len(of(one, Fetch)) for one in answers] == [1] * 10 + [0]
    (answer,) = reports(answers[-1])
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)


def test_too_many_requests_stop_orders_for_two_seconds() -> None:
    driver = connected()
    driver.command(place(ID))
    (answer,) = reports(driver.answer(PLACE, "", 429))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)
    assert not of(driver.command(place("b")), Fetch)
    keep_alive(driver, 2)
    assert of(driver.command(place("c")), Fetch)


# --- what the stream shows ---------------------------------------------------------------------------


def test_states_are_cumulative_and_executions_are_left_to_queries() -> None:
    driver = connected()
    part = user_order(cumulative_quantity="0.004", leaves_quantity="0.006", number_of_fills="1")
    assert reports(driver.frame(user([part]))) == [seen(filled="0.004", quantity="0.010")]


def test_end_that_zeroes_what_is_left_says_no_quantity() -> None:
    driver = connected()
    end = user_order("CANCELLED", cumulative_quantity="0.004", leaves_quantity="0")
    assert reports(driver.frame(user([end]))) == [seen(state="cancelled", filled="0.004", quantity=None)]


@pytest.mark.parametrize(
    ("fields", "state", "code"),
    [
        ({"status": "QUEUED"}, "open", None),
        ({"status": "CANCEL_QUEUED"}, "open", None),
        ({"status": "EDIT_QUEUED"}, "open", None),
        ({"status": "FILLED", "cumulative_quantity": "0.01"}, "filled", None),
        ({"status": "EXPIRED"}, "expired", None),
        ({"status": "CANCELLED", "time_in_force": "IMMEDIATE_OR_CANCEL"}, "cancelled", Code.NO_LIQUIDITY),
        ({"status": "CANCELLED", "time_in_force": "FILL_OR_KILL"}, "rejected", Code.FOK_UNFILLED),
        ({"status": "FAILED"}, "rejected", Code.VENUE_REJECTED),
    ],
)
def test_states(fields: Row, state: str, code: Code | None) -> None:
    (found,) = reports(connected().frame(user([user_order() | fields])))
    assert isinstance(found, OrderSeen)
    assert (found.state, found.code) == (state, code)


def test_unknown_status_and_broken_rows_say_nothing_and_cost_no_other_row() -> None:
    rows = [user_order("MELTED"), {"order_id": 5}, user_order(cumulative_quantity="many"), user_order()]
    assert reports(connected().frame(user(rows))) == [seen()]


def test_order_without_a_limit_in_the_frame() -> None:
    bare = user_order()
    del bare["limit_price"]
    assert reports(connected().frame(user([bare]))) == [seen(price=None)]


# --- amends and cancels ------------------------------------------------------------------------------


def test_edit_sends_both_and_is_looked_at_before_it_is_believed() -> None:
    driver = connected()
    assert body_of(driver.command(amend(ID, ORDER_ID))) == {
        "order_id": ORDER_ID,
        "price": "30001.0",
        "size": "0.020",
    }
    outputs = driver.answer(EDIT, {"success": True, "errors": []})
    assert not reports(outputs)
    limit = {"base_size": "0.02", "limit_price": "30001"}
    edited = order(order_configuration={"limit_limit_gtc": limit})
    assert reports(driver.answer(ORDER, {"order": edited})) == [AmendAnswer(ID, "amended")]


def test_edit_that_is_queued_is_unknown() -> None:
    driver = connected()
    driver.command(amend(ID, ORDER_ID))
    driver.answer(EDIT, {"success": True})
    assert reports(driver.answer(ORDER, {"order": order("EDIT_QUEUED")})) == [AmendAnswer(ID, "unknown")]


def test_refused_edit() -> None:
    driver = connected()
    driver.command(amend(ID, ORDER_ID))
    refused = {"success": False, "errors": [{"edit_failure_reason": "ORDER_NOT_FOUND"}]}
    assert reports(driver.answer(EDIT, refused)) == [AmendAnswer(ID, "refused")]
    (answer,) = reports(driver.command(amend(ID)))  # nobody knows the id of Coinbase
    assert answer == AmendAnswer(ID, "refused", Code.VENUE_UNAVAILABLE)


def result(order_id: str, success: bool = True, reason: str = "UNKNOWN_CANCEL_FAILURE_REASON") -> Row:
    return {"success": success, "failure_reason": reason, "order_id": order_id}


def test_cancel() -> None:
    driver = connected()
    assert body_of(driver.command(cancel(ID, ORDER_ID))) == {"order_ids": [ORDER_ID]}
    assert reports(driver.answer(CANCEL, {"results": [result(ORDER_ID)]})) == [CancelAnswer(ID, "taken")]
    driver.command(cancel(ID, ORDER_ID))
    over = result(ORDER_ID, False, "UNKNOWN_CANCEL_ORDER")
    assert reports(driver.answer(CANCEL, {"results": [over]})) == [CancelAnswer(ID, "over")]
    driver.command(cancel(ID, ORDER_ID))
    assert reports(driver.answer(CANCEL, {"results": []})) == [CancelAnswer(ID, "unknown")]
    driver.command(cancel(ID, ORDER_ID))
    assert reports(driver.answer(CANCEL, "", 503)) == [CancelAnswer(ID, "unknown")]
    driver.command(cancel(ID, ORDER_ID))
    assert reports(driver.answer(CANCEL, {"error": "PERMISSION_DENIED"}, 403)) == [
        CancelAnswer(ID, "refused")
    ]
    assert reports(driver.command(cancel(ID))) == [CancelAnswer(ID, "unknown")]


def test_cancels_that_wait_go_together() -> None:
    driver = connected()
    for number in range(10):
        driver.command(place(f"p{number}"))
    for number in range(150):
        assert not of(driver.command(cancel(f"c{number}", f"o{number}")), Fetch)
    driver.out = []
    keep_alive(driver, 1)
    sizes = [len(json.loads(one.body)["order_ids"]) for one in driver.fetches()]
    assert sizes == [100, 50]


def test_cancel_that_met_the_rate_limit_is_sent_again() -> None:
    driver = connected()
    driver.command(cancel(ID, ORDER_ID))
    outputs = driver.answer(CANCEL, "", 429)
    assert not reports(outputs)
    assert not of(outputs, Fetch)
    keep_alive(driver, 3)
    assert [path_of(one) for one in driver.fetches()] == [CANCEL]


def test_numbers_of_frames_count_up_by_one() -> None:
    numbers = FrameNumbers()
    assert [numbers.take(number) for number in (0, 1, 1, 0, 2, None, 3, 5)] == [
        "next",
        "next",
        "late",
        "late",
        "next",
        "next",
        "next",
        "gap",
    ]


def test_the_first_number_may_be_any() -> None:
    assert FrameNumbers().take(7) == "next"
