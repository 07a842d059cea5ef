"""OKX: the private link, and orders on it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.ports import Close, Fetch, Open, Send
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    CancelAnswer,
    LinkDown,
    LinkUp,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
)
from tests.venues.okx.order_session import (
    EXECUTED,
    FILL,
    ID,
    INSTRUMENTS,
    LISTED,
    LOGGED_IN,
    SUBSCRIBED,
    TIME,
    argument_of,
    connected,
    new,
    number_of,
    order_row,
    orders,
    prepared,
    rest,
    verdict,
)
from tests.venues.order_driver import (
    DATE,
    SECOND,
    amend,
    cancel,
    of,
    path_of,
    place,
    reports,
    sent,
)

# --- the link ----------------------------------------------------------------------------------------


def test_clock_and_instruments_come_first_then_the_private_link() -> None:
    driver = new()
    assert [path_of(one) for one in of(driver.out, Fetch)] == [TIME]
    driver.answer(TIME, rest({"ts": str(DATE // 1000)}))
    outputs = driver.answer(INSTRUMENTS, rest(*LISTED))
    assert of(outputs, Open) == [Open("private", "wss://ws.okx.com:8443/ws/v5/private")]
    (login,) = sent(driver.opened())
    assert login["op"] == "login"
    assert sent(driver.frame(LOGGED_IN)) == [
        {"op": "subscribe", "args": [{"channel": "orders", "instType": "SPOT"}]}
    ]
    assert reports(driver.frame(SUBSCRIBED)) == [LinkUp()]


def test_clock_or_list_that_does_not_come_is_asked_for_again() -> None:
    driver = new()
    driver.answer(TIME, "", 0)
    driver.wait(6)
    driver.answer(TIME, rest({"ts": str(DATE // 1000)}))
    driver.answer(INSTRUMENTS, "<html>", 502)
    driver.wait(6)
    assert not of(driver.out, Open)
    driver.answer(TIME, rest({"ts": str(DATE // 1000)}))
    assert of(driver.answer(INSTRUMENTS, rest(*LISTED)), Open)


def test_login_is_signed_with_the_time_of_the_venue() -> None:
    driver = prepared(ahead_us=90 * SECOND)
    (login,) = sent(driver.opened())
    assert login["args"][0]["timestamp"] == str(DATE // SECOND + 90)  # type: ignore[index]


def test_refused_login_closes_the_link_and_is_tried_again_later() -> None:
    driver = prepared()
    driver.opened()
    outputs = driver.frame({"event": "error", "code": "60009", "msg": "Login failed.", "connId": "a"})
    assert of(outputs, Close)
    assert not reports(outputs)
    driver.closed()
    assert not of(driver.wait(9.9), Open)
    assert of(driver.wait(0.2), Open)


def test_refused_timestamp_reads_the_clock_again() -> None:
    driver = prepared()
    driver.opened()
    driver.frame({"event": "error", "code": "60006", "msg": "Timestamp request expired", "connId": "a"})
    driver.closed()
    driver.wait(2)
    driver.answer(TIME, rest({"ts": str((driver.date_us + 40 * SECOND) // 1000)}))
    driver.answer(INSTRUMENTS, rest(*LISTED))
    driver.wait(10)
    (login,) = sent(driver.opened())
    assert int(login["args"][0]["timestamp"]) - driver.date_us // SECOND == 40  # type: ignore[index]


def test_no_answer_to_the_login_closes_the_link() -> None:
    driver = prepared()
    driver.opened()
    assert [one.reason for one in of(driver.wait(21), Close)] == ["not_accepted"]


def test_subscription_that_was_taken_but_is_one_too_many_is_none() -> None:
    driver = connected()
    too_many = {"event": "channel-conn-count-error", "channel": "orders", "connCount": "31", "connId": "a"}
    outputs = driver.frame(too_many)
    assert reports(outputs) == [LinkDown()]
    assert of(outputs, Close)


def test_quiet_link_is_pinged_with_a_text_and_pong_is_no_json() -> None:
    driver = connected()
    assert of(driver.wait(15), Send) == [Send("private", "ping")]
    driver.frame("pong")
    assert not of(driver.wait(14.9), Send)
    assert of(driver.wait(0.2), Send) == [Send("private", "ping")]


def test_silent_link_is_closed_and_opened_again() -> None:
    driver = connected()
    outputs = driver.wait(25)
    assert of(outputs, Close)[0].reason == "silent"
    assert reports(outputs) == [LinkDown()]
    driver.closed()
    assert of(driver.wait(1), Open)


def test_link_down_is_reported_once() -> None:
    driver = connected()
    driver.wait(25)
    driver.closed()
    assert driver.reports() == [LinkDown()]


NOTICE = {"event": "notice", "code": "64008", "msg": "The connection will soon be closed", "connId": "a"}


def test_service_that_ends_is_left_when_another_link_is_up_and_nothing_is_pending() -> None:
    driver = connected()
    number = number_of(driver.command(place()))
    assert [one.link for one in of(driver.frame(NOTICE), Open)] == ["private_2"]
    assert [one.link for one in of(driver.command(cancel("b")), Send)] == ["private"]
    driver.opened("private_2")
    driver.frame(LOGGED_IN, "private_2")
    outputs = driver.frame(SUBSCRIBED, "private_2")
    assert not of(outputs, Close)  # answers are to come
    assert [one.link for one in of(driver.command(cancel("c")), Send)] == ["private_2"]
    driver.frame(verdict(number))
    assert not of(driver.frame(verdict(str(int(number) + 1), op="cancel-order")), Close)
    assert of(driver.wait(5), Close) == [Close("private", "another link takes its place")]
    driver.closed()
    found = driver.reports()
    assert found == [PlaceAnswer(ID, "accepted", "88"), CancelAnswer("b", "taken")]  # no LinkDown
    assert reports(driver.closed("private_2")) == [CancelAnswer("c", "unknown"), LinkDown()]


def test_no_report_is_lost_while_a_link_takes_the_place_of_another() -> None:
    driver = connected()
    driver.frame(NOTICE)
    driver.opened("private_2")
    assert of(reports(driver.frame(orders(order_row()))), OrderSeen)
    driver.frame(LOGGED_IN, "private_2")
    driver.frame(SUBSCRIBED, "private_2")
    assert EXECUTED in reports(driver.frame(orders(FILL)))  # it was on its way
    driver.wait(5)
    assert reports(driver.frame(orders(FILL))) == []  # the first one is being closed
    assert EXECUTED in reports(driver.frame(orders(FILL), "private_2"))


def test_service_that_ends_before_another_link_is_up_is_a_lost_link() -> None:
    driver = connected()
    driver.frame(NOTICE)
    assert reports(driver.closed()) == [LinkDown()]
    driver.opened("private_2")
    driver.frame(LOGGED_IN, "private_2")
    assert reports(driver.frame(SUBSCRIBED, "private_2")) == [LinkUp()]


def test_nothing_of_a_link_that_is_being_closed_counts() -> None:
    driver = connected()
    driver.wait(25)
    assert reports(driver.frame(orders(order_row()))) == []


# --- placing -----------------------------------------------------------------------------------------


def test_order_names_the_instrument_by_its_number_and_expires() -> None:
    driver = connected(ahead_us=2 * SECOND)
    (message,) = sent(driver.command(place()))
    assert message["op"] == "order"
    assert message["expTime"] == str((driver.date_us + 2 * SECOND) // 1000 + 5_000)
    assert message["args"] == [
        {
            "instIdCode": 10458,
            "tdMode": "cash",
            "side": "buy",
            "ordType": "limit",
            "px": "30000.0",
            "sz": "0.010",
            "clOrdId": ID,
        }
    ]


MARKET = place(type="market", time_in_force="ioc", price=None)


@pytest.mark.parametrize(
    ("command", "order_type", "price"),
    [
        (place(time_in_force="ioc"), "ioc", "30000.0"),
        (place(time_in_force="fok"), "fok", "30000.0"),
        (place(post_only=True), "post_only", "30000.0"),
        # a market buy of OKX would take its size for an amount of quote: none is ever sent
        (MARKET, "ioc", "31500.0"),
        (replace(MARKET, time_in_force="fok"), "fok", "31500.0"),
    ],
)
def test_order_types(command: PlaceOrder, order_type: str, price: str) -> None:
    argument = argument_of(connected().command(command))
    assert (argument["ordType"], argument["px"], argument["sz"]) == (order_type, price, "0.010")
    assert "tgtCcy" not in argument


def test_amount_to_spend_becomes_whole_lots_at_the_worst_price() -> None:
    spending = replace(MARKET, quantity=None, quote_quantity="1000")
    argument = argument_of(connected().command(spending))
    assert (argument["px"], argument["sz"]) == ("31500.0", "0.03174")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (place(type="stop", price=None, stop_price="1"), Code.VENUE_REJECTED),
        (place(type="stop_limit", stop_price="1"), Code.VENUE_REJECTED),
        (place(time_in_force="gtd", expires_us=DATE), Code.VENUE_REJECTED),
        (replace(MARKET, quantity=None, quote_quantity="0.1"), Code.MIN_NOTIONAL),
        (replace(MARKET, quantity=None, quote_quantity="x"), Code.VENUE_REJECTED),
    ],
)
def test_order_that_okx_does_not_have_is_rejected_unsent(command: PlaceOrder, code: Code) -> None:
    outputs = connected().command(command)
    assert not of(outputs, Send)
    (answer,) = reports(outputs)
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", code)


@pytest.mark.parametrize("symbol", ["ETH-USDT", "NEW-USDT"])
def test_instrument_without_a_number_is_not_traded(symbol: str) -> None:
    (answer,) = reports(connected().command(replace(place(), symbol=symbol)))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.UNKNOWN_SYMBOL)


def test_list_is_read_again_soon_if_an_instrument_is_not_in_it() -> None:
    driver = connected()
    driver.command(replace(place(), symbol="SOL-USDT"))
    for _ in range(3):
        driver.wait(10)
        driver.frame("pong")
    driver.answer(TIME, rest({"ts": str(driver.date_us // 1000)}))
    driver.answer(INSTRUMENTS, rest({"instId": "SOL-USDT", "instIdCode": 5, "lotSz": "1"}))
    assert argument_of(driver.command(replace(place(), symbol="SOL-USDT")))["instIdCode"] == 5


def test_acceptance() -> None:
    driver = connected()
    number = number_of(driver.command(place()))
    assert reports(driver.frame(verdict(number))) == [PlaceAnswer(ID, "accepted", "88")]
    assert reports(driver.frame(verdict(number))) == []  # a second time it answers nothing


def test_refusal_has_the_words_of_the_venue() -> None:
    driver = connected()
    number = number_of(driver.command(place()))
    refusal = verdict(number, "51008", "Insufficient USDT balance", order="")
    assert reports(driver.frame(refusal)) == [
        PlaceAnswer(ID, "rejected", code=Code.INSUFFICIENT_BALANCE, message="51008 Insufficient USDT balance")
    ]


def test_refusal_of_the_whole_request_has_no_rows() -> None:
    driver = connected()
    number = number_of(driver.command(place()))
    refusal = {"id": number, "op": "order", "code": "60013", "msg": "Invalid args", "data": []}
    assert reports(driver.frame(refusal)) == [
        PlaceAnswer(ID, "rejected", code=Code.VENUE_REJECTED, message="60013 Invalid args")
    ]


@pytest.mark.parametrize("code", ["50001", "50004", "50026", "51149", "51054", "51016", "12345"])
def test_answer_that_proves_nothing_is_unknown(code: str) -> None:
    driver = connected()
    number = number_of(driver.command(place()))
    (answer,) = reports(driver.frame(verdict(number, code, order="")))
    assert isinstance(answer, PlaceAnswer)
    assert answer.outcome == "unknown"


def test_no_answer_in_time_is_unknown_and_a_late_one_changes_nothing() -> None:
    driver = connected()
    number = number_of(driver.command(place()))
    driver.wait(9.9)
    driver.reports()
    assert reports(driver.wait(0.2)) == [PlaceAnswer(ID, "unknown")]
    assert reports(driver.frame(verdict(number))) == []


def test_lost_link_makes_all_that_is_pending_unknown() -> None:
    driver = connected()
    driver.command(place("a"))
    driver.command(cancel("b"))
    driver.command(amend("c"))
    assert reports(driver.closed()) == [
        PlaceAnswer("a", "unknown"),
        CancelAnswer("b", "unknown"),
        AmendAnswer("c", "unknown"),
        LinkDown(),
    ]


def test_order_while_the_link_is_down_is_rejected_unsent() -> None:
    driver = connected()
    driver.closed()
    outputs = driver.command(place())
    assert not of(outputs, Send)
    assert not of(outputs, Fetch)
    (answer,) = reports(outputs)
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_UNAVAILABLE)


def test_rate_limit_rejects_orders_at_once_and_lets_cancels_wait() -> None:
    driver = connected()
    orders_sent = [driver.command(place(f"p{n}")) for n in range(31)]
    assert [len(sent(one)) for one in orders_sent] == [1] * 30 + [0]
    (answer,) = reports(orders_sent[-1])
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)
    cancels = [driver.command(cancel(f"c{n}")) for n in range(32)]
    assert [len(sent(one)) for one in cancels] == [1] * 30 + [0, 0]
    assert not [one for outputs in cancels for one in reports(outputs)]
    late = [str(message["args"][0]["clOrdId"]) for message in sent(driver.wait(0.2))]  # type: ignore[index]
    assert late == ["c30", "c31"]


def test_at_most_sixty_orders_in_two_seconds() -> None:
    driver = connected()
    count = 0
    for _ in range(200):
        count += len(sent(driver.command(place())))
        driver.wait(0.01)
    assert 55 < count <= 60


def test_too_many_requests_stop_orders_for_two_seconds() -> None:
    driver = connected()
    number = number_of(driver.command(place()))
    (answer,) = reports(driver.frame(verdict(number, "50011", "Rate limit reached", order="")))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)
    assert not sent(driver.command(place("b")))
    driver.wait(2)
    assert sent(driver.command(place("c")))
