"""Kraken: the private link, and orders on it."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.order_ports import KrakenTier
from floorwire.core.ports import Close, Fetch, Open, Send
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    CancelAnswer,
    LinkDown,
    LinkUp,
    PlaceAnswer,
    PlaceOrder,
)
from floorwire.venues.kraken import limits
from tests.venues.kraken.order_session import (
    ID,
    LISTED,
    ORDER_ID,
    PAIRS,
    SUBSCRIBED,
    TIME,
    TOKEN,
    connected,
    done,
    new,
    prepared,
    refused,
    request_of,
    rest,
    row,
    rows,
    seen,
)
from tests.venues.order_driver import DATE, SECOND, amend, cancel, of, path_of, place, reports, sent

MARKET = place(ID, type="market", time_in_force="ioc", price=None)
FOK = place(ID, time_in_force="fok")
TRIGGER = {"reference": "last", "price": 29999.0, "price_type": "static"}
ADD_ORDER = "/0/private/AddOrder"
CANCEL_ORDER = "/0/private/CancelOrder"


# --- the link ----------------------------------------------------------------------------------------


def test_clock_pairs_and_token_come_first_then_the_private_link() -> None:
    driver = new()
    driver.answer(TIME, rest({"unixtime": DATE // SECOND}))
    outputs = driver.answer(PAIRS, rest(LISTED))
    assert [path_of(one) for one in of(outputs, Fetch)] == [TOKEN]
    outputs = driver.answer(TOKEN, rest({"token": "the-token", "expires": 900}))
    assert of(outputs, Open) == [Open("private", "wss://ws-auth.kraken.com/v2")]
    (subscribe,) = sent(driver.opened())
    assert subscribe["params"] == {
        "channel": "executions",
        "snap_orders": True,
        "snap_trades": True,
        "order_status": True,
        "token": "the-token",
    }
    assert reports(driver.frame(SUBSCRIBED)) == [LinkUp()]


def test_snapshot_may_come_before_the_answer_to_the_subscription() -> None:
    driver = prepared()
    driver.answer(TOKEN, rest({"token": "t"}))
    driver.opened()
    assert reports(driver.frame(rows([row()], "snapshot", 1))) == [seen()]
    assert reports(driver.frame(SUBSCRIBED)) == [LinkUp()]


def test_each_connection_gets_a_new_token() -> None:
    driver = connected()
    driver.closed()
    outputs = driver.wait(0.6)
    assert [path_of(one) for one in of(outputs, Fetch)] == [TOKEN]
    assert not of(outputs, Open)
    assert of(driver.answer(TOKEN, rest({"token": "second"})), Open)
    (subscribe,) = sent(driver.opened())
    assert subscribe["params"]["token"] == "second"  # type: ignore[index]


def test_refused_token_is_asked_for_again_later() -> None:
    driver = prepared()
    driver.answer(TOKEN, rest(None, "EGeneral:Permission denied"))
    assert not driver.fetches()
    driver.wait(9.9)
    assert not driver.fetches()
    driver.wait(0.2)
    assert [path_of(one) for one in driver.fetches()] == [TOKEN]


@pytest.mark.parametrize(("body", "status"), [("", 0), ("<html>", 520), ("[1]", 200)])
def test_token_that_does_not_come_is_asked_for_again(body: str, status: int) -> None:
    driver = prepared()
    driver.answer(TOKEN, body, status)
    driver.wait(11)
    assert [path_of(one) for one in driver.fetches()] == [TOKEN]


def test_refused_subscription_closes_the_link() -> None:
    driver = prepared()
    driver.answer(TOKEN, rest({"token": "t"}))
    driver.opened()
    outputs = driver.frame(refused(0, "ESession:Invalid session", "subscribe"))
    assert of(outputs, Close)
    assert not reports(outputs)


def test_lost_frame_of_the_channel_connects_anew() -> None:
    driver = connected()
    assert reports(driver.frame(rows([row()], sequence=2))) == [seen()]
    outputs = driver.frame(rows([row()], sequence=4))
    assert reports(outputs) == [LinkDown()]
    assert of(outputs, Close) == [Close("private", "sequence_gap")]


def test_quiet_link_is_pinged_then_closed() -> None:
    driver = connected()
    assert of(driver.wait(3), Send) == [Send("private", '{"method":"ping"}')]
    driver.frame({"method": "pong", "time_in": "", "time_out": ""})
    driver.wait(9)
    driver.frame({"channel": "heartbeat"})
    outputs = driver.wait(10)
    assert of(outputs, Close)[0].reason == "silent"
    assert reports(outputs) == [LinkDown()]


def test_connection_id_above_64_bits_is_no_fault() -> None:
    assert (
        reports(connected().frame('{"channel":"status","data":[{"connection_id":18446744073709551616}]}'))
        == []
    )


# --- placing -----------------------------------------------------------------------------------------


def test_order_has_exact_numbers_a_deadline_and_the_token() -> None:
    driver = connected(ahead_s=3)
    outputs = driver.command(place(ID))
    assert '"order_qty":0.010,' in of(outputs, Send)[0].text
    assert '"limit_price":30000.0,' in of(outputs, Send)[0].text
    _, params = request_of(outputs)
    assert params == {
        "order_type": "limit",
        "side": "buy",
        "order_qty": 0.01,
        "symbol": "BTC/USDT",
        "limit_price": 30000.0,
        "time_in_force": "gtc",
        "cl_ord_id": ID,
        "deadline": "2026-01-01T00:00:08.500Z",  # by the clock of Kraken, which cuts off half a second
        "token": "the-token",
    }


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (place(ID, post_only=True), {"post_only": True, "time_in_force": "gtc"}),
        (place(ID, time_in_force="ioc"), {"time_in_force": "ioc"}),
        (
            place(ID, time_in_force="gtd", expires_us=DATE + 60 * SECOND),
            {"time_in_force": "gtd", "expire_time": "2026-01-01T00:01:00.000Z"},
        ),
        (MARKET, {"order_type": "limit", "time_in_force": "ioc", "limit_price": 31500.0}),
        (replace(MARKET, quantity=None, quote_quantity="1000"), {"order_qty": 0.03174603}),
        (
            place(ID, type="stop_limit", stop_price="29999.0"),
            {
                "order_type": "stop-loss-limit",
                "triggers": TRIGGER,
                "limit_price": 30000.0,
                "time_in_force": "gtc",
            },
        ),
        (
            place(ID, type="stop", time_in_force="ioc", price=None, stop_price="29999.0"),
            {
                "order_type": "stop-loss-limit",
                "triggers": TRIGGER,
                "limit_price": 31500.0,
                "time_in_force": "ioc",
            },
        ),
    ],
)
def test_order_types(command: PlaceOrder, expected: dict[str, object]) -> None:
    _, params = request_of(connected().command(command))
    assert {name: params.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (place(ID, type="stop", price=None, stop_price="1", time_in_force="fok"), Code.VENUE_REJECTED),
        (place(ID, type="stop_limit", stop_price="1", time_in_force="fok"), Code.VENUE_REJECTED),
        (place(ID, type="stop_limit", stop_price="1", post_only=True), Code.VENUE_REJECTED),
        (replace(MARKET, quantity=None, quote_quantity="0.0001"), Code.MIN_NOTIONAL),
        (replace(MARKET, quantity="x"), Code.VENUE_REJECTED),
        (replace(place(ID), symbol="NEW-USDT"), Code.UNKNOWN_SYMBOL),
    ],
)
def test_order_that_cannot_be_sent_is_rejected_unsent(command: PlaceOrder, code: Code) -> None:
    outputs = connected().command(command)
    assert not of(outputs, Send)
    assert not of(outputs, Fetch)
    (answer,) = reports(outputs)
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", code)


def test_acceptance_and_refusal() -> None:
    driver = connected()
    number, _ = request_of(driver.command(place(ID)))
    assert reports(driver.frame(done(number))) == [PlaceAnswer(ID, "accepted", ORDER_ID)]
    assert reports(driver.frame(done(number))) == []
    number, _ = request_of(driver.command(place(ID)))
    assert reports(driver.frame(refused(number, "EOrder:Insufficient funds"))) == [
        PlaceAnswer(ID, "rejected", code=Code.INSUFFICIENT_BALANCE, message="EOrder:Insufficient funds")
    ]


def test_order_in_the_channel_is_accepted_before_its_answer_comes() -> None:
    driver = connected()
    number, _ = request_of(driver.command(place(ID)))
    pending = row(exec_type="pending_new", order_status="pending_new")
    assert reports(driver.frame(rows([pending]))) == [PlaceAnswer(ID, "accepted", ORDER_ID), seen()]
    assert reports(driver.frame(done(number))) == []


def test_post_only_order_that_would_take_may_be_accepted_then_cancelled() -> None:
    driver = connected()
    driver.command(place(ID, post_only=True))
    rejected = row(exec_type="canceled", order_status="canceled", reason="Post only order")
    assert reports(driver.frame(rows([rejected]))) == [
        PlaceAnswer(ID, "accepted", ORDER_ID),
        seen(state="rejected", code=Code.POST_ONLY_WOULD_CROSS),
    ]


def test_frame_may_mix_orders_and_executions_and_a_bad_row_costs_itself() -> None:
    trade = row(
        exec_type="trade", order_status="partially_filled", exec_id="T1", last_qty=0.004, cum_qty=0.004,
        last_price=1, fees=[],
    )  # fmt: skip
    bad = row(order_qty="many")
    driver = connected()
    found = reports(driver.frame(rows([row(), bad, {"no": "order"}, trade])))
    assert [type(one).__name__ for one in found] == ["OrderSeen", "Executed", "OrderSeen"]


@pytest.mark.parametrize("error", ["EService:Busy", "EGeneral:Internal error", "EService:Timeout", "", "New"])
def test_answer_that_proves_nothing_is_unknown(error: str) -> None:
    driver = connected()
    number, _ = request_of(driver.command(place(ID)))
    assert reports(driver.frame(refused(number, error))) == [PlaceAnswer(ID, "unknown", message=error)]


def test_lost_link_and_time_make_what_is_pending_unknown() -> None:
    driver = connected()
    driver.command(place("a"))
    for _ in range(5):
        driver.wait(2)
        driver.frame({"channel": "heartbeat"})
    driver.command(cancel("b"))
    driver.command(amend("c"))
    assert driver.reports() == [PlaceAnswer("a", "unknown")]
    assert reports(driver.closed()) == [
        CancelAnswer("b", "unknown"),
        AmendAnswer("c", "unknown"),
        LinkDown(),
    ]
    (answer,) = reports(driver.command(place("d")))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_UNAVAILABLE)


# --- fill or kill: by REST alone ---------------------------------------------------------------------


def test_fill_or_kill_goes_by_rest() -> None:
    driver = connected()
    outputs = driver.command(FOK)
    assert not of(outputs, Send)
    (fetch,) = of(outputs, Fetch)
    form = dict(parse_qsl(fetch.body.decode()))
    del form["nonce"]
    assert form == {
        "pair": "XBTUSDT",
        "type": "buy",
        "ordertype": "limit",
        "price": "30000.0",
        "volume": "0.010",
        "timeinforce": "FOK",
        "cl_ord_id": ID,
        "deadline": "2026-01-01T00:00:05.500Z",
    }
    placed = {"descr": {"order": "buy 0.01 XBTUSDT @ limit 30000.0"}, "txid": [ORDER_ID]}
    assert reports(driver.answer(ADD_ORDER, rest(placed))) == [PlaceAnswer(ID, "accepted", ORDER_ID)]


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        (rest(None, "EOrder:Insufficient funds"), 200, "rejected"),
        (rest({"txid": [ORDER_ID]}, "WGeneral:Danger"), 200, "accepted"),  # W is a warning
        (rest(None, "EService:Unavailable"), 200, "unknown"),
        (rest({"txid": []}), 200, "unknown"),
        (rest(None), 200, "unknown"),
        ("<html>cloudflare</html>", 520, "unknown"),
        ("<html>", 200, "unknown"),
        ("", 0, "unknown"),
    ],
)
def test_answers_of_rest(body: dict[str, object] | str, status: int, outcome: str) -> None:
    driver = connected()
    driver.command(FOK)
    (answer,) = reports(driver.answer(ADD_ORDER, body, status))
    assert isinstance(answer, PlaceAnswer)
    assert answer.outcome == outcome


# --- amends and cancels ------------------------------------------------------------------------------


def test_amend() -> None:
    driver = connected()
    outputs = driver.command(amend(ID, ORDER_ID))
    assert '"order_qty":0.020,' in of(outputs, Send)[0].text
    number, params = request_of(outputs)
    assert params == {
        "order_id": ORDER_ID,
        "order_qty": 0.02,
        "limit_price": 30001.0,
        "deadline": "2026-01-01T00:00:05.500Z",
        "token": "the-token",
    }
    assert reports(driver.frame(done(number, "amend_order"))) == [AmendAnswer(ID, "amended")]
    number, _ = request_of(driver.command(amend(ID)))
    assert reports(driver.frame(refused(number, "EOrder:Insufficient funds"))) == [
        AmendAnswer(ID, "refused", Code.INSUFFICIENT_BALANCE)
    ]


def test_cancel_names_the_order_by_kraken_or_by_us() -> None:
    driver = connected()
    number, params = request_of(driver.command(cancel(ID, ORDER_ID)))
    assert params == {"order_id": [ORDER_ID], "token": "the-token"}
    assert reports(driver.frame(done(number, "cancel_order"))) == [CancelAnswer(ID, "taken")]
    number, params = request_of(driver.command(cancel(ID)))
    assert params == {"cl_ord_id": [ID], "token": "the-token"}
    assert reports(driver.frame(refused(number, "EOrder:Unknown order"))) == [CancelAnswer(ID, "over")]


def test_cancel_goes_by_rest_while_the_link_is_down() -> None:
    driver = connected()
    driver.closed()
    (fetch,) = of(driver.command(cancel(ID, ORDER_ID)), Fetch)
    assert fetch.body.decode().endswith(f"&txid={ORDER_ID}")
    assert reports(driver.answer(CANCEL_ORDER, rest({"count": 1}))) == [CancelAnswer(ID, "taken")]
    driver.command(cancel(ID))
    assert reports(driver.answer(CANCEL_ORDER, rest(None, "EOrder:Unknown order"))) == [
        CancelAnswer(ID, "over")
    ]
    driver.command(cancel(ID))
    assert reports(driver.answer(CANCEL_ORDER, "", 0)) == [CancelAnswer(ID, "unknown")]


# --- limits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tier", "most"), [("starter", 58), ("intermediate", 122), ("pro", 176)])
def test_orders_above_the_count_are_rejected_and_cancels_are_sent(tier: KrakenTier, most: int) -> None:
    driver = connected(tier=tier)
    answers = [driver.command(place(str(number))) for number in range(most + 1)]
    assert [len(sent(one)) for one in answers] == [1] * most + [0]
    (answer,) = reports(answers[-1])
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)
    assert sent(driver.command(cancel("0")))


@pytest.mark.parametrize(
    ("tier", "most", "decay", "reads", "reads_decay"),
    [("starter", 60, 1, 15, 0.33), ("intermediate", 125, 2.34, 20, 0.5), ("pro", 180, 3.75, 20, 1)],
)
def test_a_tier_allows_less_than_kraken_counts(
    tier: KrakenTier, most: int, decay: float, reads: int, reads_decay: float
) -> None:
    rules = limits.TIERS[tier]
    assert rules.orders.capacity <= most
    assert 1_000_000 / rules.orders.interval_us <= decay
    assert rules.reads.capacity < reads
    assert 1_000_000 / rules.reads.interval_us <= reads_decay


def test_cancels_of_young_orders_leave_less_for_orders() -> None:
    driver = connected()
    driver.command(place("a"))
    for _ in range(8):  # 64 of Kraken's count
        assert sent(driver.command(cancel("a")))
    assert not sent(driver.command(place("b")))
    driver.wait(2.9)
    driver.frame({"channel": "heartbeat"})
    driver.wait(6)
    assert sent(driver.command(place("c")))


def test_cancel_that_met_the_rate_limit_is_sent_again() -> None:
    driver = connected()
    number, _ = request_of(driver.command(cancel(ID)))
    assert not reports(driver.frame(refused(number, "EOrder:Rate limit exceeded")))
    assert not sent(driver.command(place("b")))
    driver.reports()
    driver.wait(2)
    driver.frame({"channel": "heartbeat"})
    again = [one for one in sent(driver.wait(3)) if one["method"] == "cancel_order"]
    assert len(again) == 1


def test_lockout_stops_all_for_minutes() -> None:
    driver = connected()
    number, _ = request_of(driver.command(place(ID)))
    (answer,) = reports(driver.frame(refused(number, "EGeneral:Temporary lockout")))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_UNAVAILABLE)
    assert not sent(driver.command(place("b")))
    assert not sent(driver.command(cancel("c")))
    for _ in range(30):
        driver.wait(4)
        driver.frame({"channel": "heartbeat"})
    assert [one["method"] for one in sent(driver.out) if one["method"] != "ping"][-1] == "cancel_order"
    assert sent(driver.command(place("d")))
