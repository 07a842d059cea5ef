"""The order adapter of Binance: sessions, orders, cancels, queries, and what each fault leaves known."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.credentials import Secret
from floorwire.core.ports import Close, Fetch, Open
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    CancelAnswer,
    Executed,
    LinkDown,
    LinkUp,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
    QueryFailed,
    Reconcile,
    ReconcileAnswer,
    ReconcileFailed,
    VenueBalance,
)
from floorwire.venues.binance.orders import BinanceOrders
from floorwire.venues.binance.signing import signed
from floorwire.venues.common.secret_signer import signer
from tests.venues.binance.order_session import (
    HOUR,
    Driver,
    amend,
    cancel,
    connected,
    place,
    query,
    report,
    row,
    stay_up,
)
from tests.venues.order_driver import NOW, SECOND, reports
from tests.venues.order_driver import of as every

# --- sessions ----------------------------------------------------------------------------------------


def test_clocks_are_compared_before_the_first_signed_request() -> None:
    driver = Driver(offset_s=7)
    assert every(driver.out, Open) == [Open("orders", "ws://venue.test/ws-api/v3")]
    driver.opened("orders")
    assert driver.requests() == [{"id": 1, "method": "time", "link": "orders"}]
    driver.tell_time()
    subscribe = driver.last("userDataStream.subscribe.signature")
    assert subscribe["params"]["timestamp"] == driver.venue_us // 1_000
    assert set(subscribe["params"]) == {"apiKey", "timestamp", "recvWindow", "signature"}
    assert reports(driver.out) == []
    driver.reply("userDataStream.subscribe.signature", {"subscriptionId": 0})
    assert reports(driver.out) == [LinkUp()]


def test_a_prepared_order_is_sent_when_it_may_be() -> None:
    driver, other = connected(), place("fw0a1b2c3d8")
    command = place()
    before = len(driver.out)
    driver.adapter.prepare(command, driver.now_us, driver.date_us)
    assert len(driver.out) == before
    driver.command(command)
    assert driver.last("order.place")["params"]["newClientOrderId"] == command.client_id
    driver.adapter.prepare(command, driver.now_us, driver.date_us)
    driver.command(other)
    assert driver.last("order.place")["params"]["newClientOrderId"] == other.client_id


def test_requests_are_signed_over_all_parameters() -> None:
    driver = connected()
    driver.command(place())
    params = driver.last("order.place")["params"]
    signature = params.pop("signature")
    assert signature == signed(params, signer(Secret("secret")))["signature"]
    assert params == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "100.0",
        "quantity": "0.5",
        "newClientOrderId": "fw0a1b2c3d7",
        "newOrderRespType": "FULL",
        "apiKey": "the-key",
        "recvWindow": 2_000,
        "timestamp": driver.venue_us // 1_000,
    }


def test_nothing_is_placed_while_the_session_is_down() -> None:
    driver = Driver()
    [answer] = reports(driver.command(place()))
    assert answer == PlaceAnswer(
        "fw0a1b2c3d7", "rejected", "", Code.VENUE_UNAVAILABLE, "the session with Binance is down"
    )
    driver.up()
    assert driver.requests("order.place") == []


def test_a_lost_session_is_opened_again_after_a_wait() -> None:
    driver = connected()
    assert reports(driver.closed("orders")) == [LinkDown()]
    assert not every(driver.wait(0.4), Open)
    assert every(driver.wait(10), Open) == [Open("orders", "ws://venue.test/ws-api/v3")]
    assert LinkUp() in reports(driver.up())


def test_a_subscription_that_ended_is_requested_again() -> None:
    driver = connected()
    ended = driver.event({"e": "eventStreamTerminated", "E": 1})
    assert reports(ended) == [LinkDown()]
    assert reports(driver.reply("userDataStream.subscribe.signature", {"subscriptionId": 1})) == [LinkUp()]


def test_a_subscription_that_is_there_already_is_fine() -> None:
    driver = Driver()
    driver.opened("orders")
    driver.tell_time()
    found = driver.refuse("userDataStream.subscribe.signature", 400, -2035, "already active")
    assert reports(found) == [LinkUp()]


@pytest.mark.parametrize("method", ["time", "userDataStream.subscribe.signature"])
def test_a_session_that_is_refused_is_closed_with_the_reason(method: str) -> None:
    driver = Driver()
    driver.opened("orders")
    if method != "time":
        driver.tell_time()
    [close] = every(driver.refuse(method, 401, -2015, "Invalid API-key."), Close)
    assert close.reason == "refused: -2015 Invalid API-key."


def test_a_key_that_died_closes_the_session() -> None:
    driver = connected()
    message = {"id": None, "status": 401, "error": {"code": -2015, "msg": "Invalid API-key."}}
    outputs = driver.message(message)
    assert every(outputs, Close) == [Close("orders", "refused: -2015 Invalid API-key.")]
    assert reports(outputs) == [LinkDown()]


def test_a_session_without_an_answer_to_time_is_closed() -> None:
    driver = connected()
    driver.tells_time = False
    outputs = driver.wait(45)
    assert [close.reason for close in every(outputs, Close)] == ["no answer to time"]
    assert reports(outputs) == [LinkDown()]


def test_the_clock_is_compared_again() -> None:
    driver = connected()
    driver.behind_us += 3_000_000
    driver.wait(31)
    driver.command(place())
    assert driver.last("order.place")["params"]["timestamp"] == driver.venue_us // 1_000


def test_a_session_is_replaced_before_its_day_is_over_and_nothing_is_lost() -> None:
    driver = connected()
    assert not every(stay_up(driver, 22 * HOUR), Open)
    driver.out, opened = [], list[Open]()
    while not opened:
        opened = every(stay_up(driver, 40), Open)
    assert [one.link for one in opened] == ["orders_2"]
    assert driver.now_us - NOW < 23 * HOUR * SECOND
    driver.command(place("fw0a1b2c3d8"))
    assert driver.last("order.place")["link"] == "orders"  # the new one is not ready
    driver.up("orders_2")
    driver.command(cancel("17"))
    assert driver.last("order.cancel")["link"] == "orders_2"
    assert not every(driver.wait(5), Close)  # an answer is to come on the old one
    driver.reply("order.place", row(clientOrderId="fw0a1b2c3d8"))
    driver.event(report(c="fw0a1b2c3d8"), "orders_2")
    assert every(driver.wait(1), Close) == [Close("orders", "another link takes its place")]
    driver.closed("orders")
    assert LinkDown() not in driver.out
    assert not every(driver.wait(20), Open)


def test_a_notice_of_a_shutdown_opens_another_session_at_once() -> None:
    driver = connected()
    assert [one.link for one in every(driver.event({"e": "serverShutdown", "E": 1}), Open)] == ["orders_2"]
    assert not every(driver.event({"e": "serverShutdown", "E": 2}), Open)
    assert reports(driver.closed("orders")) == [LinkDown()]  # it was too late
    assert reports(driver.up("orders_2")) == [LinkUp()]
    driver.command(place())
    assert driver.last("order.place")["link"] == "orders_2"


def test_a_stream_that_tells_nothing_of_an_accepted_order_is_opened_again() -> None:
    driver = connected()
    driver.command(place())
    driver.reply("order.place", row())
    outputs = driver.wait(11)
    assert [close.reason for close in every(outputs, Close)] == ["its events do not come"]
    assert reports(outputs) == [LinkDown()]


def test_a_stream_that_is_faster_than_the_answer_is_fine() -> None:
    driver = connected()
    driver.command(place())
    accepted = PlaceAnswer("fw0a1b2c3d7", "accepted", "17")
    assert reports(driver.event(report()))[0] == accepted
    assert accepted not in driver.reply("order.place", row())
    assert not every(driver.wait(20), Close)


def test_an_order_that_nobody_knows_of_is_accepted_when_the_stream_shows_it() -> None:
    driver = connected()
    driver.command(place())
    driver.closed("orders")
    driver.wait(10)
    driver.up()
    filled = report(x="TRADE", X="FILLED", l="0.5", z="0.5", L="99.9", n="0.0001", N="BNB", t=5)
    assert reports(driver.event(filled))[0] == PlaceAnswer("fw0a1b2c3d7", "accepted", "17")


# --- orders ------------------------------------------------------------------------------------------


def test_an_order_is_accepted() -> None:
    driver = connected()
    driver.command(place())
    assert reports(driver.reply("order.place", row())) == [
        PlaceAnswer("fw0a1b2c3d7", "accepted", "17"),
        OrderSeen("fw0a1b2c3d7", "17", "open", "0.00000000", 1_700_000_000_001, "100.00000000", "0.50000000"),
    ]


def test_an_answer_has_the_executions_that_the_stream_repeats() -> None:
    driver = connected()
    driver.command(place())
    fill = {"price": "99.9", "qty": "0.5", "commission": "0.0001", "commissionAsset": "BNB", "tradeId": 5}
    answered = reports(driver.reply("order.place", row("FILLED", "0.50000000", fills=[fill])))
    executed = Executed("fw0a1b2c3d7", "17", "BTCUSDT:5", "5", "99.9", "0.5", "taker", "0.0001", "BNB")
    assert answered[1] == executed
    told = driver.event(report(x="TRADE", X="FILLED", l="0.5", z="0.5", L="99.9", n="0.0001", N="BNB", t=5))
    assert reports(told)[0] == executed


def test_the_short_form_of_an_answer_is_enough() -> None:
    driver = connected()
    driver.command(place())
    short = {"symbol": "BTCUSDT", "orderId": 17, "orderListId": -1, "clientOrderId": "x", "transactTime": 1}
    assert reports(driver.reply("order.place", short)) == [PlaceAnswer("fw0a1b2c3d7", "accepted", "17")]


def test_a_refusal_says_why() -> None:
    driver = connected()
    driver.command(place())
    text = "Account has insufficient balance for requested action."
    assert reports(driver.refuse("order.place", 400, -2010, text)) == [
        PlaceAnswer("fw0a1b2c3d7", "rejected", "", Code.INSUFFICIENT_BALANCE, text)
    ]


def test_a_duplicate_proves_nothing() -> None:
    driver = connected()
    driver.command(place())
    [answer] = reports(driver.refuse("order.place", 400, -2010, "Duplicate order sent."))
    assert isinstance(answer, PlaceAnswer)
    assert answer.outcome == "unknown"


def test_an_order_without_an_answer_is_unknown_and_a_late_answer_counts() -> None:
    driver = connected()
    driver.command(place())
    outputs = [one for one in reports(driver.wait(12)) if isinstance(one, PlaceAnswer)]
    assert outputs == [PlaceAnswer("fw0a1b2c3d7", "unknown")]
    late = reports(driver.reply("order.place", row()))
    assert late[0] == PlaceAnswer("fw0a1b2c3d7", "accepted", "17")
    assert len(driver.requests("order.place")) == 1


def test_a_lost_session_leaves_its_orders_unknown() -> None:
    driver = connected()
    driver.command(place())
    assert reports(driver.closed("orders")) == [LinkDown(), PlaceAnswer("fw0a1b2c3d7", "unknown")]
    driver.wait(10)
    driver.up()
    driver.wait(5)
    assert len(driver.requests("order.place")) == 1


def test_an_answer_that_cannot_be_read_is_unknown() -> None:
    driver = connected()
    driver.command(place())
    assert reports(driver.reply("order.place", {"orderId": "seventeen"})) == [
        PlaceAnswer("fw0a1b2c3d7", "unknown")
    ]


def test_orders_that_binance_does_not_have_and_symbols_that_it_does_not_list() -> None:
    driver = connected()
    [answer] = reports(driver.command(place(time_in_force="gtd")))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_REJECTED)
    [answer] = reports(driver.command(place(symbol="NO-SUCH")))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.UNKNOWN_SYMBOL)
    assert driver.requests("order.place") == []


def test_the_fifty_first_order_of_ten_seconds_does_not_leave() -> None:
    driver = connected()
    for number in range(51):
        driver.command(place(f"fw0a1b2c3d{number}"))
    assert len(driver.requests("order.place")) == 50
    answer = driver.out[-1]
    assert isinstance(answer, PlaceAnswer)
    assert (answer.client_id, answer.outcome, answer.code) == ("fw0a1b2c3d50", "rejected", Code.RATE_LIMITED)


def test_a_ban_stops_orders_at_once_and_lets_cancels_wait() -> None:
    driver = connected()
    driver.command(place())
    until_ms = driver.venue_us // 1_000 + 20_000
    driver.refuse("order.place", 418, -1003, "IP banned", data={"serverTime": 1, "retryAfter": until_ms})
    [answer] = reports(driver.command(place("fw0a1b2c3d8")))
    assert isinstance(answer, PlaceAnswer)
    assert answer.code is Code.RATE_LIMITED
    driver.command(cancel("17"))
    driver.wait(19)
    assert driver.requests("order.cancel") == []
    driver.wait(2)
    assert len(driver.requests("order.cancel")) == 1


def test_the_numbers_of_an_answer_count() -> None:
    driver = connected()
    driver.command(place())
    request = driver.last("order.place")
    full = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 50}
    driver.message({"id": request["id"], "status": 200, "result": row(), "rateLimits": [full]})
    [answer] = reports(driver.command(place("fw0a1b2c3d8")))
    assert isinstance(answer, PlaceAnswer)
    assert answer.code is Code.RATE_LIMITED


# --- cancels, amends ---------------------------------------------------------------------------------


def test_a_cancel_is_taken_and_the_order_keeps_its_name() -> None:
    driver = connected()
    driver.command(cancel("17"))
    answered = row("CANCELED", "0.1", clientOrderId="random", origClientOrderId="fw0a1b2c3d7")
    taken, seen = reports(driver.reply("order.cancel", answered))
    assert taken == CancelAnswer("fw0a1b2c3d7", "taken")
    assert isinstance(seen, OrderSeen)
    assert (seen.client_id, seen.state, seen.filled) == ("fw0a1b2c3d7", "cancelled", "0.1")


@pytest.mark.parametrize(
    ("status", "code", "text", "outcome"),
    [
        (400, -2011, "Unknown order sent.", "over"),
        (400, -2011, "Order was not canceled due to cancel restrictions.", "refused"),
        (400, -1102, "Mandatory parameter", "refused"),
        (504, -1007, "Timeout", "unknown"),
        (400, -9999, "a code of next year", "unknown"),
    ],
)
def test_a_cancel_that_failed(status: int, code: int, text: str, outcome: str) -> None:
    driver = connected()
    driver.command(cancel("17"))
    [answer] = reports(driver.refuse("order.cancel", status, code, text))
    assert isinstance(answer, CancelAnswer)
    assert answer.outcome == outcome


def test_a_cancel_with_a_wrong_time_is_sent_again_with_another_one() -> None:
    driver = connected()
    driver.command(cancel("17"))
    first = driver.last("order.cancel")["params"]["timestamp"]
    driver.behind_us -= 4_000_000  # our clock made a step ahead
    assert reports(driver.refuse("order.cancel", 400, -1021, "Timestamp")) == []
    driver.wait(2)
    again = driver.last("order.cancel")["params"]["timestamp"]
    assert len(driver.requests("order.cancel")) == 2
    assert again != first
    assert abs(again - driver.venue_us // 1_000) <= 2_000


def test_an_order_with_a_wrong_time_is_rejected_and_not_sent_again() -> None:
    driver = connected()
    driver.command(place())
    [answer] = reports(driver.refuse("order.place", 400, -1021, "Timestamp"))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_UNAVAILABLE)
    driver.wait(5)
    assert len(driver.requests("order.place")) == 1
    assert len(driver.requests("time")) == 2


def test_cancels_go_by_rest_while_the_session_is_down() -> None:
    driver = connected()
    driver.closed("orders")
    [fetch] = every(driver.command(cancel("17")), Fetch)
    assert fetch.method == "DELETE"
    assert fetch.headers == (("X-MBX-APIKEY", "the-key"),)
    stamp = driver.venue_us // 1_000
    query_text = f"symbol=BTCUSDT&orderId=17&recvWindow=5000&timestamp={stamp}"
    signature = signer(Secret("secret")).sign(query_text.encode())
    assert fetch.url == f"http://venue.test/api/v3/order?{query_text}&signature={signature}"
    answered = driver.respond(fetch.request, row("CANCELED", clientOrderId="random"))
    assert reports(answered)[0] == CancelAnswer("fw0a1b2c3d7", "taken")


def test_a_failure_by_rest_means_the_same() -> None:
    driver = Driver()
    [fetch] = every(driver.command(cancel("17")), Fetch)
    found = driver.respond(fetch.request, {"code": -2011, "msg": "Unknown order sent."}, 400)
    assert reports(found) == [CancelAnswer("fw0a1b2c3d7", "over")]
    [fetch] = every(driver.command(cancel("17")), Fetch)
    assert reports(driver.respond(fetch.request, b"", 0)) == [CancelAnswer("fw0a1b2c3d7", "unknown")]
    [fetch] = every(driver.command(cancel("17")), Fetch)
    assert reports(driver.respond(fetch.request, b"<html>", 502)) == [CancelAnswer("fw0a1b2c3d7", "unknown")]
    [fetch] = every(driver.command(cancel("17")), Fetch)
    outputs = driver.respond(fetch.request, b"", 429, {"retry-after": "7"})
    assert reports(outputs) == []
    assert not every(driver.wait(6.5), Fetch)
    assert len(every(driver.wait(1), Fetch)) == 1


def test_an_amend_reduces_the_quantity_and_does_nothing_else() -> None:
    driver = connected()
    driver.command(place())
    driver.reply("order.place", row())
    driver.event(report())
    assert reports(driver.command(amend("0.25", "101.0", "17"))) == [
        AmendAnswer("fw0a1b2c3d7", "refused", Code.VENUE_REJECTED)
    ]
    driver.command(amend("0.25", "100.00", "17"))
    amended = {
        "transactTime": 1741923284382,
        "executionId": 16,
        "amendedOrder": {"orderId": 17, "status": "NEW"},
    }
    assert reports(driver.reply("order.amend.keepPriority", amended)) == [
        AmendAnswer("fw0a1b2c3d7", "amended", updated=1741923284382)
    ]


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [(400, -2038, "refused"), (400, -2013, "refused"), (504, -1007, "unknown"), (400, -9999, "unknown")],
)
def test_an_amend_that_failed(status: int, code: int, outcome: str) -> None:
    driver = connected()
    driver.command(place())
    driver.command(amend("0.25"))
    [answer] = reports(driver.refuse("order.amend.keepPriority", status, code))
    assert isinstance(answer, AmendAnswer)
    assert answer.outcome == outcome


def test_an_amend_of_an_order_that_nobody_has_seen_or_without_a_session_is_refused() -> None:
    driver = connected()
    [answer] = reports(driver.command(amend("0.25")))
    assert answer == AmendAnswer("fw0a1b2c3d7", "refused", Code.VENUE_REJECTED)
    driver.closed("orders")
    [answer] = reports(driver.command(amend("0.25")))
    assert answer == AmendAnswer("fw0a1b2c3d7", "refused", Code.VENUE_UNAVAILABLE)


# --- queries -----------------------------------------------------------------------------------------


def test_a_query_without_executions() -> None:
    driver = connected()
    driver.command(query(4))
    assert driver.last("order.status")["params"]["origClientOrderId"] == "fw0a1b2c3d7"
    [answer] = reports(driver.reply("order.status", row(updateTime=9)))
    assert isinstance(answer, OrderAnswer)
    assert answer.seen is not None
    assert (answer.query, answer.seen.state, answer.seen.updated, answer.executions) == (4, "open", 9, ())


def test_a_query_brings_the_executions_of_the_order() -> None:
    driver = connected()
    driver.command(query(4, "17"))
    # the id was changed by a cancel
    assert reports(driver.reply("order.status", row("CANCELED", "0.2", clientOrderId="random"))) == []
    params = driver.last("myTrades")["params"]
    assert (params["symbol"], params["orderId"]) == ("BTCUSDT", 17)
    trade = {"symbol": "BTCUSDT", "id": 5, "orderId": 17, "price": "99.9", "qty": "0.2", "commission": "0.1"}
    trade |= {"commissionAsset": "BNB", "isMaker": True}
    [answer] = reports(driver.reply("myTrades", [trade, {**trade, "id": 6, "orderId": 18}]))
    assert isinstance(answer, OrderAnswer)
    assert answer.seen is not None
    assert (answer.seen.client_id, answer.seen.state) == ("fw0a1b2c3d7", "cancelled")
    assert answer.executions == (
        Executed("fw0a1b2c3d7", "17", "BTCUSDT:5", "5", "99.9", "0.2", "maker", "0.1", "BNB"),
    )


def test_more_executions_than_one_list_has() -> None:
    driver = connected()
    driver.command(query(4, "17"))
    driver.reply("order.status", row("FILLED", "0.5"))
    trade = {"symbol": "BTCUSDT", "orderId": 17, "price": "1", "qty": "0.0005", "commission": "0"}
    trade |= {"commissionAsset": "BNB", "isMaker": True}
    assert reports(driver.reply("myTrades", [{**trade, "id": number} for number in range(1_000)])) == []
    assert driver.last("myTrades")["params"]["fromId"] == 1_000
    [answer] = reports(driver.reply("myTrades", [{**trade, "id": 1_000}]))
    assert isinstance(answer, OrderAnswer)
    assert len(answer.executions) == 1_001


def test_no_such_order_and_an_archived_one() -> None:
    driver = connected()
    driver.command(query(4))
    assert reports(driver.refuse("order.status", 400, -2013, "Order does not exist.")) == [
        OrderAnswer(4, None)
    ]
    driver.command(query(5, "17"))
    [answer] = reports(driver.refuse("order.status", 400, -2026, "archived"))
    assert isinstance(answer, OrderAnswer)
    assert answer.seen is not None
    assert (answer.seen.state, answer.seen.filled) == ("cancelled", "0")


@pytest.mark.parametrize(("status", "code"), [(504, -1007), (400, -1000), (400, -1102), (401, -2015)])
def test_a_query_that_failed_says_nothing_of_the_order(status: int, code: int) -> None:
    driver = connected()
    driver.command(query(4))
    assert reports(driver.refuse("order.status", status, code)) == [QueryFailed(4)]


def test_a_query_without_an_answer_or_about_an_unlisted_symbol() -> None:
    driver = connected()
    driver.command(query(4))
    assert QueryFailed(4) in reports(driver.wait(11))
    unlisted = Driver(natives={})
    assert reports(unlisted.command(query(5))) == [QueryFailed(5)]
    assert reports(unlisted.command(cancel())) == [CancelAnswer("fw0a1b2c3d7", "unknown")]


# --- reconciliation ----------------------------------------------------------------------------------


def test_a_reconciliation() -> None:
    driver = connected()
    driver.command(place())
    driver.reply("order.place", row())
    driver.event(report())
    driver.command(Reconcile(9, ""))
    driver.reply("openOrders.status", [row(updateTime=3)])
    assert driver.last("myTrades")["params"]["symbol"] == "BTCUSDT"
    driver.reply("myTrades", [])
    balances = {"balances": [{"asset": "USDT", "free": "1.0", "locked": "50.0"}]}
    [answer] = reports(driver.reply("account.status", balances))
    assert isinstance(answer, ReconcileAnswer)
    assert answer.request == 9
    assert [seen.client_id for seen in answer.open_orders] == ["fw0a1b2c3d7"]
    assert answer.balances == (VenueBalance("USDT", "51.0"),)


def test_orders_that_a_reconciliation_lists_can_be_amended() -> None:
    driver = connected()
    driver.command(Reconcile(9, ""))
    driver.reply("openOrders.status", [row(updateTime=3)])
    driver.reply("myTrades", [])
    driver.reply("account.status", {"balances": []})
    driver.command(amend("0.25", "100.0", "17"))
    assert driver.last("order.amend.keepPriority")["params"]["newQty"] == "0.25"


@pytest.mark.parametrize("at", ["openOrders.status", "account.status"])
def test_a_reconciliation_fails_as_a_whole(at: str) -> None:
    driver = connected()
    driver.command(Reconcile(9, ""))
    if at != "openOrders.status":
        driver.reply("openOrders.status", [])
    assert reports(driver.refuse(at, 504, -1007)) == [ReconcileFailed(9)]
    driver.command(Reconcile(10, ""))
    assert reports(driver.reply("openOrders.status", "nonsense")) == [ReconcileFailed(10)]


def test_a_new_reconciliation_takes_the_place_of_an_old_one() -> None:
    driver = connected()
    driver.command(Reconcile(9, ""))
    old = driver.last("openOrders.status")
    driver.command(Reconcile(10, ""))
    assert reports(driver.message({"id": old["id"], "status": 200, "result": []})) == []
    driver.reply("openOrders.status", [])
    [answer] = reports(driver.reply("account.status", {"balances": []}))
    assert isinstance(answer, ReconcileAnswer)
    assert answer.request == 10


# --- what does not fit -------------------------------------------------------------------------------


def test_events_of_other_kinds_and_orders_of_others_do_no_harm() -> None:
    driver = connected()
    assert (
        reports(driver.event({"e": "outboundAccountPosition", "B": [{"a": "BTC", "f": "1", "l": "0"}]})) == []
    )
    assert reports(driver.event({"e": "listStatus", "s": "ETHBTC"})) == []
    [seen] = reports(driver.event(report(s="DOGEUSDT", c="web_1234", i=99)))
    assert isinstance(seen, OrderSeen)
    assert seen.client_id == "web_1234"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "null",
        "[]",
        b"\xff\xfe",
        '{"event":{"e":"executionReport"}}',
        '{"event":5}',
        '{"id":99,"status":200}',
        '{"id":[],"status":200}',
        '{"id":1,"status":"x"}',
        "[" * 100_000,
    ],
)
def test_a_frame_that_cannot_be_used_is_counted(data: str | bytes) -> None:
    driver = connected()
    assert reports(driver.message(data)) == []
    assert isinstance(driver.adapter, BinanceOrders)
    assert sum(driver.adapter.skipped.values()) == 1


def test_frames_of_links_that_nobody_wanted() -> None:
    driver = Driver()
    assert driver.opened("other") == []
    assert driver.frame("other", "{}") == []
    assert driver.closed("other") == []
