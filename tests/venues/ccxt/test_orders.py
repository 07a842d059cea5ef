"""The order adapter of ccxt's exchanges: calls, proofs, lists that are not whole."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
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
    PlaceOrder,
    QueryFailed,
    Reconcile,
    ReconcileAnswer,
    ReconcileFailed,
    VenueBalance,
)
from floorwire.venues.ccxt import account_requests, order_terms
from floorwire.venues.ccxt.order_terms import ClientIds, OrderTerms
from floorwire.venues.ccxt.orders import order_adapter
from tests.venues.order_driver import (
    DATE,
    FixedRandom,
    Names,
    OrderDriver,
    amend,
    cancel,
    of,
    place,
    query,
    settings,
)
from tests.venues.order_driver import reports as reports_of

NATIVE = "BTC/USDT"
ID = "fw0000000a1"
TERMS = OrderTerms(
    "kucoin", ClientIds(), ("fetchClosedOrders",), frozenset(("IOC", "PO")), (NATIVE,), 100_000
)
MS = DATE // 1_000
ROW: dict[str, object] = {
    "id": "v1",
    "client_id": ID,
    "symbol": NATIVE,
    "status": "open",
    "filled": "0.0",
    "amount": "0.01",
    "price": "30000.0",
    "ts_ms": MS,
    "updated_ms": MS + 5,
}
TRADE: dict[str, object] = {
    "id": "t1",
    "order": "v1",
    "symbol": NATIVE,
    "price": "30000.0",
    "amount": "0.004",
    "is_maker": True,
    "fee": "1e-06",
    "fee_asset": "BTC",
    "ts_ms": MS,
}
SEEN = OrderSeen(ID, "v1", "open", "0.0", MS + 5, "30000.0", "0.01")


def connected(terms: OrderTerms = TERMS) -> OrderDriver:
    driver = OrderDriver(order_adapter(terms, settings(), Names({"BTC-USDT": NATIVE}), FixedRandom()))
    driver.wait(2)
    assert of(driver.out, Open)
    driver.opened()
    driver.frame({"type": "signed_in"})
    assert driver.reports() == [LinkUp()]
    return driver


def call(driver: OrderDriver) -> dict[str, object]:
    """Return the latest call."""
    found: dict[str, object] = json.loads(driver.fetches()[-1].body)
    return found


def failed(*kinds: str) -> str:
    return json.dumps({"kinds": [*kinds], "message": "no"})


def refused(driver: OrderDriver, command: PlaceOrder) -> PlaceAnswer:
    (answer,) = reports_of(driver.command(command))
    assert isinstance(answer, PlaceAnswer)
    assert not driver.fetches(), "nothing is sent"
    return answer


def test_a_limit_order_is_one_call_with_our_id() -> None:
    driver = connected()
    driver.command(place())
    assert call(driver) == {
        "method": "createOrder",
        "symbol": NATIVE,
        "side": "buy",
        "amount": "0.010",
        "price": "30000.0",
        "params": {"clientOrderId": ID},
    }
    assert driver.fetches()[-1].url == "ccxt://kucoin/createOrder"
    assert reports_of(driver.answer("/createOrder", {"id": "v1"})) == [PlaceAnswer(ID, "accepted", "v1")]


@pytest.mark.parametrize(
    ("command", "params"),
    [
        (place(time_in_force="ioc"), {"timeInForce": "IOC"}),
        (place(type="market", time_in_force="ioc", price=None), {"timeInForce": "IOC"}),
        (place(post_only=True), {"postOnly": True}),
    ],
)
def test_how_long_it_rests(command: PlaceOrder, params: dict[str, object]) -> None:
    driver = connected()
    driver.command(command)
    assert call(driver)["params"] == {"clientOrderId": ID, **params}
    assert call(driver)["price"] == (command.price or command.worst_price)


@pytest.mark.parametrize(
    "command",
    [
        place(time_in_force="fok"),  # the terms have none
        place(time_in_force="gtd", expires_us=DATE),
        place(type="stop_limit", stop_price="29000.0"),
        place(type="market", quantity=None, quote_quantity="100", price=None),
        place(quantity="0.12345678901234567890"),
        place(quantity="x"),
    ],
)
def test_what_ccxt_would_not_send_as_it_is_is_rejected_before(command: PlaceOrder) -> None:
    answer = refused(connected(), command)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_REJECTED)


def test_an_instrument_that_is_not_traded_is_rejected_before() -> None:
    driver = connected(replace(TERMS, symbols=("ETH/USDT",)))
    assert refused(driver, place()).code is Code.UNKNOWN_SYMBOL


@pytest.mark.parametrize(
    ("kinds", "outcome", "code"),
    [
        (("InsufficientFunds", "ExchangeError"), "rejected", Code.INSUFFICIENT_BALANCE),
        (("OrderImmediatelyFillable", "InvalidOrder"), "rejected", Code.POST_ONLY_WOULD_CROSS),
        (("InvalidOrder", "ExchangeError"), "rejected", Code.VENUE_REJECTED),
        (("PermissionDenied", "AuthenticationError", "ExchangeError"), "rejected", Code.VENUE_REJECTED),
        (("DuplicateOrderId", "InvalidOrder", "ExchangeError"), "unknown", None),
        (("OrderNotFound", "InvalidOrder", "ExchangeError"), "unknown", None),
        (("ExchangeError",), "unknown", None),
        (("RequestTimeout", "NetworkError", "OperationFailed"), "unknown", None),
        (("RateLimitExceeded", "NetworkError", "OperationFailed"), "unknown", None),
        ((), "unknown", None),
    ],
)
def test_what_an_error_proves(kinds: tuple[str, ...], outcome: str, code: Code | None) -> None:
    driver = connected()
    driver.command(place())
    (answer,) = reports_of(driver.answer("/createOrder", failed(*kinds), 400))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code if code else None) == (outcome, code)


@pytest.mark.parametrize("body", ["", "[]", '{"id": ""}', "nothing"])
@pytest.mark.parametrize("status", [0, 200])
def test_an_answer_that_says_nothing_leaves_the_order_unknown(body: str, status: int) -> None:
    driver = connected()
    driver.command(place())
    assert reports_of(driver.answer("/createOrder", body, status)) == [PlaceAnswer(ID, "unknown")]


def test_a_place_is_sent_once_and_unknown_after_its_time() -> None:
    driver = connected()
    driver.command(place())
    driver.wait(40)
    assert [one for one in driver.reports() if isinstance(one, PlaceAnswer)] == [PlaceAnswer(ID, "unknown")]
    assert not driver.fetches()


AMENDS = replace(TERMS, amends=True)
AS_ASKED = {**ROW, "price": "30001.0", "amount": "0.02"}


def amended() -> OrderDriver:
    driver = connected(AMENDS)
    assert driver.adapter.policy.can_amend
    driver.command(amend(venue_order_id="v1"))
    assert call(driver) == {
        "method": "editOrder", "id": "v1", "symbol": NATIVE, "amount": "0.020", "price": "30001.0",
    }  # fmt: skip
    return driver


def test_an_amend_is_one_call_and_a_look_at_the_order() -> None:
    driver = amended()
    assert reports_of(driver.answer("/editOrder", {"id": "v1"})) == []
    assert reports_of(driver.answer("/fetchOrder", AS_ASKED)) == [AmendAnswer(ID, "amended", updated=MS + 5)]


def test_an_amend_that_does_not_show_yet_is_unknown() -> None:
    driver = amended()
    driver.answer("/editOrder", {"id": "v1"})
    assert reports_of(driver.answer("/fetchOrder", ROW)) == [AmendAnswer(ID, "unknown")]


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({"kinds": ["InsufficientFunds"]}, 400, AmendAnswer(ID, "refused", Code.INSUFFICIENT_BALANCE)),
        ({"kinds": ["OrderNotFound", "InvalidOrder"]}, 400, AmendAnswer(ID, "refused")),
        ({"kinds": ["NetworkError"]}, 400, AmendAnswer(ID, "unknown")),
        ({}, 0, AmendAnswer(ID, "unknown")),
    ],
)
def test_what_an_error_says_of_an_amend(body: dict[str, object], status: int, answer: AmendAnswer) -> None:
    assert reports_of(amended().answer("/editOrder", body, status)) == [answer]


def test_amends_are_refused_where_ccxt_would_replace_the_order() -> None:
    driver = connected()
    assert not driver.adapter.policy.can_amend
    assert reports_of(driver.command(amend())) == [AmendAnswer(ID, "refused", Code.VENUE_REJECTED)]


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        ({"id": "v1"}, 200, "taken"),
        ({"kinds": ["OrderNotFound", "InvalidOrder"]}, 400, "over"),
        ({"kinds": ["PermissionDenied", "AuthenticationError"]}, 400, "refused"),
        ({"kinds": ["ExchangeNotAvailable", "NetworkError"]}, 400, "unknown"),
        ({}, 0, "unknown"),
    ],
)
def test_cancels(body: dict[str, object], status: int, outcome: str) -> None:
    driver = connected()
    driver.command(cancel(venue_order_id="v1"))
    assert call(driver) == {"method": "cancelOrder", "id": "v1", "symbol": NATIVE}
    (answer,) = reports_of(driver.answer("/cancelOrder", json.dumps(body), status))
    assert isinstance(answer, CancelAnswer)
    assert answer.outcome == outcome


def test_a_cancel_that_met_the_rate_limit_is_sent_again() -> None:
    driver = connected()
    driver.command(cancel(venue_order_id="v1"))
    assert not reports_of(driver.answer("/cancelOrder", failed("RateLimitExceeded"), 400))
    assert of(driver.wait(3), Fetch)
    assert reports_of(driver.answer("/cancelOrder", {"id": "v1"})) == [CancelAnswer(ID, "taken")]


def test_a_cancel_without_the_id_of_the_exchange_is_not_sent() -> None:
    assert reports_of(connected().command(cancel())) == [CancelAnswer(ID, "unknown")]


# --- queries -----------------------------------------------------------------------------------------


def test_an_order_is_asked_for_by_the_id_of_the_exchange() -> None:
    driver = connected()
    driver.command(query(venue_order_id="v1"))
    driver.answer("/fetchOrder", {**ROW, "status": "closed", "filled": "0.004"})
    out = driver.answer("/fetchMyTrades", [TRADE, {**TRADE, "order": "other"}])
    fill = Executed("", "v1", "BTC/USDT v1 t1", "t1", "30000.0", "0.004", "maker", "0.000001", "BTC")
    (answer,) = reports_of(out)
    assert answer == OrderAnswer(7, replace(SEEN, state="cancelled", filled="0.004"), (fill,))


def test_an_order_is_looked_for_among_open_ones_and_then_among_those_that_ended() -> None:
    driver = connected()
    driver.command(place())
    driver.command(query())
    driver.answer("/fetchOpenOrders", [{**ROW, "client_id": "other"}])
    assert call(driver)["since_ms"] == MS + 2_000 - account_requests.OVERLAP_MS
    out = driver.answer("/fetchClosedOrders", [{**ROW, "status": "canceled"}])
    assert reports_of(out) == [OrderAnswer(7, replace(SEEN, state="cancelled"))]


def test_a_prefix_of_ccxt_is_no_part_of_our_id() -> None:
    driver = connected(replace(TERMS, ids=ClientIds(prefix="t-")))
    driver.command(place())
    driver.command(query())
    out = driver.answer("/fetchOpenOrders", [{**ROW, "client_id": f"t-{ID}"}])
    assert reports_of(out) == [OrderAnswer(7, SEEN)]


def test_an_order_in_no_list_is_not_found() -> None:
    driver = connected()
    driver.command(place())
    driver.command(query())
    driver.answer("/fetchOpenOrders", [])
    assert reports_of(driver.answer("/fetchClosedOrders", [])) == [OrderAnswer(7, None)]


def test_a_list_that_may_lack_orders_proves_nothing() -> None:
    driver = connected()
    driver.command(place())
    driver.command(query())
    driver.answer("/fetchOpenOrders", [])
    others = [{**ROW, "id": str(number), "client_id": "other"} for number in range(account_requests.PAGE)]
    assert not reports_of(driver.answer("/fetchClosedOrders", others))
    driver.wait(1)
    assert reports_of(driver.answer("/fetchClosedOrders", others)) == [QueryFailed(7)]


def test_a_full_page_of_open_orders_proves_nothing() -> None:
    driver = connected()
    driver.command(place())
    driver.command(query())
    others = [{**ROW, "id": str(number), "client_id": "other"} for number in range(account_requests.PAGE)]
    assert reports_of(driver.answer("/fetchOpenOrders", others)) == [QueryFailed(7)]


def test_a_full_page_is_followed_by_the_next_one() -> None:
    driver = connected()
    driver.command(place())
    driver.command(query())
    driver.answer("/fetchOpenOrders", [])
    others = [{**ROW, "id": str(number), "client_id": "other"} for number in range(account_requests.PAGE)]
    driver.answer("/fetchClosedOrders", others)
    driver.wait(1)
    assert call(driver)["since_ms"] == MS
    out = driver.answer("/fetchClosedOrders", [{**ROW, "status": "expired"}])
    assert reports_of(out) == [OrderAnswer(7, replace(SEEN, state="expired"))]


def test_an_order_of_an_earlier_process_is_looked_for_once_the_account_was_read() -> None:
    driver = connected()
    assert reports_of(driver.command(query())) == [QueryFailed(7)]
    driver.command(Reconcile(1, str(MS - 1_000_000)))
    driver.command(query())
    driver.answer("/fetchOpenOrders", [])  # of the reconciliation
    driver.answer("/fetchOpenOrders", [])
    assert call(driver)["since_ms"] == MS - 1_000_000 - account_requests.SEARCH_MS


# --- the account -------------------------------------------------------------------------------------


def test_the_account_is_open_orders_then_executions_then_balances() -> None:
    driver = connected()
    driver.command(Reconcile(3, ""))
    driver.answer("/fetchOpenOrders", [ROW])
    assert call(driver)["since_ms"] == MS + 2_000 - account_requests.FIRST_MS - account_requests.OVERLAP_MS
    driver.answer("/fetchMyTrades", [TRADE])
    out = driver.answer("/fetchBalance", {"BTC": "1e-05", "USDT": "0.0"})
    (answer,) = reports_of(out)
    assert isinstance(answer, ReconcileAnswer)
    assert answer.open_orders == (SEEN,)
    assert [one.execution_id for one in answer.executions] == ["BTC/USDT v1 t1"]
    assert answer.balances == (VenueBalance("BTC", "0.00001"),)
    assert answer.cursor == str(MS + 2_000 - account_requests.SETTLED_MS)


@pytest.mark.parametrize("broken", [{"status": None}, {"filled": None}, {"status": "odd"}])
def test_an_open_order_without_a_state_fails_the_reconciliation(broken: dict[str, object]) -> None:
    driver = connected()
    driver.command(Reconcile(3, ""))
    assert reports_of(driver.answer("/fetchOpenOrders", [{**ROW, **broken}])) == [ReconcileFailed(3)]


@pytest.mark.parametrize("missing", ["id", "order"])
def test_an_execution_without_an_id_fails_the_reconciliation(missing: str) -> None:
    driver = connected()
    driver.command(Reconcile(3, ""))
    driver.answer("/fetchOpenOrders", [])
    out = driver.answer("/fetchMyTrades", [{**TRADE, missing: ""}])
    assert reports_of(out) == [ReconcileFailed(3)]


def test_the_stream_shows_orders() -> None:
    driver = connected()
    driver.command(place())
    out = driver.frame({"type": "orders", "orders": [ROW, {**ROW, "filled": None}]})
    assert reports_of(out) == [PlaceAnswer(ID, "accepted", "v1"), SEEN]


def test_a_lost_link_is_told_and_opened_again() -> None:
    driver = connected()
    assert reports_of(driver.closed()) == [LinkDown()]
    assert of(driver.wait(5), Open)
    assert not of(driver.out, Close)


# --- terms -------------------------------------------------------------------------------------------

HAS = dict.fromkeys((*order_terms.REQUIRED, "fetchClosedOrders"), True)


@pytest.mark.parametrize(
    ("name", "has", "said"),
    [
        ("kucoin", {**HAS, "fetchMyTrades": "emulated"}, "ccxt has no fetchMyTrades of it"),
        ("kucoin", {**HAS, "fetchClosedOrders": False}, "ccxt has no fetchOrders or fetchClosedOrders of it"),
        ("bitfinex", HAS, "it is not known how it takes ids of orders"),
    ],
)
def test_an_exchange_that_lacks_what_is_needed_is_refused(
    name: str, has: dict[str, object], said: str
) -> None:
    assert said in (order_terms.lacking(name, has) or "")


def test_where_ended_orders_are_found() -> None:
    assert order_terms.lacking("kucoin", HAS) is None
    assert order_terms.lists(HAS) == ("fetchClosedOrders",)
    assert order_terms.lists({**HAS, "fetchOrders": True}) == ("fetchOrders",)
    assert order_terms.lists({**HAS, "fetchCanceledOrders": True}) == order_terms.ENDED
