"""Kraken: queries and reconciliation."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.ports import Fetch
from floorwire.core.remote_order_messages import (
    Executed,
    OrderAnswer,
    QueryFailed,
    Reconcile,
    ReconcileAnswer,
    ReconcileFailed,
)
from tests.venues.kraken.order_session import ID, ORDER_ID, TRADE_ID, Row, connected, rest, rested, seen
from tests.venues.order_driver import DATE, SECOND, of, path_of, place, query, reports

QUERY_ORDERS = "/0/private/QueryOrders"
QUERY_TRADES = "/0/private/QueryTrades"
OPEN_ORDERS = "/0/private/OpenOrders"
CLOSED_ORDERS = "/0/private/ClosedOrders"
TRADES = "/0/private/TradesHistory"
BALANCE = "/0/private/BalanceEx"
SEEN = seen(updated=0, quantity="0.01000000", filled="0.00000000")


def order(status: str = "open", **fields: object) -> Row:
    whole: Row = {
        "refid": None,
        "userref": 0,
        "cl_ord_id": ID,
        "status": status,
        "opentm": 1767225600.8648,
        "descr": {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "30000.0", "price2": "0"},
        "vol": "0.01000000",
        "vol_exec": "0.00000000",
        "fee": "0.00000",
        "oflags": "fciq",
    }
    return {**whole, **fields}


def trade(time: float = 1767225601.5, **fields: object) -> Row:
    whole: Row = {
        "ordertxid": ORDER_ID,
        "pair": "XBTUSDT",
        "time": time,
        "type": "buy",
        "price": "29999.9",
        "cost": "119.9996",
        "fee": "0.19199936",
        "vol": "0.00400000",
        "trade_id": 847415,
        "maker": True,
    }
    return {**whole, **fields}


EXECUTED = Executed(ID, ORDER_ID, TRADE_ID, "847415", "29999.9", "0.00400000", "maker", "0.19199936", "USDT")
FILLED = seen(updated=0, quantity="0.01000000", filled="0.00400000")


def form_of(fetch: Fetch) -> dict[str, str]:
    form = dict(parse_qsl(fetch.body.decode()))
    del form["nonce"]
    return form


def test_query_by_the_id_of_kraken() -> None:
    driver = rested()
    (fetch,) = of(driver.command(query(7, ID, ORDER_ID)), Fetch)
    assert path_of(fetch) == QUERY_ORDERS
    assert form_of(fetch) == {"txid": ORDER_ID, "trades": "true", "consolidate_taker": "false"}
    partly = order(vol_exec="0.00400000", trades=[TRADE_ID])
    (fetch,) = of(driver.answer(QUERY_ORDERS, rest({ORDER_ID: partly})), Fetch)
    assert form_of(fetch) == {"txid": TRADE_ID}
    assert reports(driver.answer(QUERY_TRADES, rest({TRADE_ID: trade()}))) == [
        OrderAnswer(7, FILLED, (EXECUTED,))
    ]


def test_query_by_our_id_looks_at_open_then_closed_orders() -> None:
    driver = rested()
    (fetch,) = of(driver.command(query(7, ID)), Fetch)
    assert (path_of(fetch), form_of(fetch)) == (OPEN_ORDERS, {"cl_ord_id": ID, "trades": "true"})
    other = order(cl_ord_id="another")
    (fetch,) = of(driver.answer(OPEN_ORDERS, rest({"open": {"O1": other}})), Fetch)
    assert path_of(fetch) == CLOSED_ORDERS
    closed = order("canceled", reason="User requested")
    assert reports(driver.answer(CLOSED_ORDERS, rest({"closed": {ORDER_ID: closed}, "count": 1}))) == [
        OrderAnswer(7, replace(SEEN, state="cancelled"))
    ]


def test_open_order_is_found_with_one_request() -> None:
    driver = rested()
    driver.command(query(7, ID))
    assert reports(driver.answer(OPEN_ORDERS, rest({"open": {ORDER_ID: order()}}))) == [OrderAnswer(7, SEEN)]


def test_not_found() -> None:
    driver = rested()
    driver.command(query(7, ID))
    driver.answer(OPEN_ORDERS, rest({"open": {}}))
    assert reports(driver.answer(CLOSED_ORDERS, rest({"closed": {}, "count": 0}))) == [OrderAnswer(7, None)]
    for body in (rest({}), rest(None, "EOrder:Unknown order")):
        driver.command(query(8, ID, ORDER_ID))
        assert reports(driver.answer(QUERY_ORDERS, body)) == [OrderAnswer(8, None)]


def test_not_found_is_believed_after_the_minute_that_rest_may_lag() -> None:
    policy = rested().adapter.policy
    assert policy.lag_us > 60 * SECOND
    assert policy.misses == 2
    assert policy.client_ids == "hex"


@pytest.mark.parametrize(
    ("fields", "state", "code"),
    [
        ({"status": "pending"}, "open", None),
        ({"status": "closed"}, "filled", None),
        ({"status": "expired"}, "expired", None),
        ({"status": "canceled", "reason": "Post only order"}, "rejected", Code.POST_ONLY_WOULD_CROSS),
    ],
)
def test_states(fields: Row, state: str, code: Code | None) -> None:
    driver = rested()
    driver.command(query(7, ID, ORDER_ID))
    (answer,) = reports(driver.answer(QUERY_ORDERS, rest({ORDER_ID: order() | fields})))
    assert isinstance(answer, OrderAnswer)
    assert answer.seen is not None
    assert (answer.seen.state, answer.seen.code) == (state, code)


def test_order_that_names_no_executions_gets_those_of_its_time() -> None:
    driver = rested()
    driver.command(query(7, ID, ORDER_ID))
    (fetch,) = of(driver.answer(QUERY_ORDERS, rest({ORDER_ID: order(vol_exec="0.00400000")})), Fetch)
    assert form_of(fetch) == {"start": "1767225599.8648", "ofs": "0", "consolidate_taker": "false"}
    history = {TRADE_ID: trade(), "TOTHER": trade(ordertxid="O2")}
    assert reports(driver.answer(TRADES, rest({"trades": history, "count": 2}))) == [
        OrderAnswer(7, FILLED, (EXECUTED,))
    ]


def test_executions_that_are_refused_by_name_come_from_the_history() -> None:
    driver = rested()
    driver.command(query(7, ID, ORDER_ID))
    driver.answer(QUERY_ORDERS, rest({ORDER_ID: order(vol_exec="0.00400000", trades=[TRADE_ID])}))
    driver.answer(QUERY_TRADES, rest(None, "EGeneral:Unknown method"))
    assert reports(driver.answer(TRADES, rest({"trades": {TRADE_ID: trade()}, "count": 1}))) == [
        OrderAnswer(7, FILLED, (EXECUTED,))
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (rest(None, "EService:Busy"), 200),
        (rest({ORDER_ID: order("melted")}), 200),
        (rest({ORDER_ID: order(cl_ord_id="another")}), 200),
        (rest({ORDER_ID: {"status": "open"}}), 200),
        (rest(None), 200),
        ("<html>", 520),
        ("", 0),
    ],
)
def test_query_without_a_usable_answer_fails(body: Row | str, status: int) -> None:
    driver = rested()
    driver.command(query(7, ID, ORDER_ID))
    assert reports(driver.answer(QUERY_ORDERS, body, status)) == [QueryFailed(7)]


def test_one_request_is_on_its_way_at_a_time_so_that_nonces_arrive_in_order() -> None:
    driver = rested()
    driver.command(query(7, ID, ORDER_ID))
    assert not of(driver.command(query(8, f"{ID[:-1]}1", ORDER_ID)), Fetch)
    assert not of(driver.command(place(ID, time_in_force="fok")), Fetch)
    (fetch,) = of(driver.answer(QUERY_ORDERS, rest({})), Fetch)
    assert path_of(fetch) == "/0/private/AddOrder"  # an order goes first
    (fetch,) = of(driver.answer("/0/private/AddOrder", rest({"txid": [ORDER_ID]})), Fetch)
    assert path_of(fetch) == QUERY_ORDERS


# --- reconciliation ----------------------------------------------------------------------------------


def test_reconcile_asks_for_orders_then_executions_then_balances() -> None:
    driver = connected()
    (fetch,) = of(driver.command(Reconcile(3, "1767225500.25")), Fetch)
    assert path_of(fetch) == OPEN_ORDERS
    foreign = order(cl_ord_id=None, descr={"ordertype": "market", "price": "0"})
    (fetch,) = of(driver.answer(OPEN_ORDERS, rest({"open": {ORDER_ID: order(), "O2": foreign}})), Fetch)
    # what REST shows late was before the cursor, and is read again
    assert form_of(fetch) == {"start": "1767225380.25", "ofs": "0", "consolidate_taker": "false"}
    trades = {"TNEW": trade(1767225609.75, pair="XDGUSD", ordertxid="O2"), TRADE_ID: trade()}
    driver.answer(TRADES, rest({"trades": trades, "count": 2}))
    money = {
        "XXBT": {"balance": "1.5", "hold_trade": "0.5"},
        "ZUSD": {"balance": "0.0000", "hold_trade": "0"},
        "XXDG": {"balance": "7", "hold_trade": "0"},
        "ETH": {"balance": "2"},
        "XBT.F": {"balance": "9"},
    }
    (answer,) = reports(driver.answer(BALANCE, rest(money)))
    assert isinstance(answer, ReconcileAnswer)
    assert answer.open_orders[0] == SEEN
    assert (answer.open_orders[1].client_id, answer.open_orders[1].price) == ("", None)
    assert [(one.execution_id, one.fee_asset) for one in answer.executions] == [
        (TRADE_ID, "USDT"),
        ("TNEW", "USD"),
    ]
    found = [(one.asset, one.total) for one in answer.balances]
    assert found == [
        ("BTC", "1.5"),
        ("DOGE", "7"),
        ("ETH", "2"),
    ]
    assert answer.cursor == "1767225609.75"


def test_first_reconciliation_reads_a_day() -> None:
    driver = connected()
    driver.command(Reconcile(3, ""))
    (fetch,) = of(driver.answer(OPEN_ORDERS, rest({"open": {}})), Fetch)
    assert form_of(fetch)["start"] == str(DATE // SECOND - 86_400)
    driver.answer(TRADES, rest({"trades": {}, "count": 0}))
    (answer,) = reports(driver.answer(BALANCE, rest({})))
    assert isinstance(answer, ReconcileAnswer)
    assert answer.cursor == ""


def test_executions_are_paged() -> None:
    driver = connected()
    driver.command(Reconcile(3, "5"))
    driver.answer(OPEN_ORDERS, rest({"open": {}}))
    first = {f"T{number}": trade() for number in range(50)}
    (fetch,) = of(driver.answer(TRADES, rest({"trades": first, "count": 51})), Fetch)
    assert form_of(fetch)["ofs"] == "50"
    driver.answer(TRADES, rest({"trades": {"T50": trade()}, "count": 51}))
    (answer,) = reports(driver.answer(BALANCE, rest({})))
    assert isinstance(answer, ReconcileAnswer)
    assert len(answer.executions) == 51


@pytest.mark.parametrize("at", [OPEN_ORDERS, TRADES, BALANCE])
def test_reconcile_fails_as_a_whole(at: str) -> None:
    driver = connected()
    driver.command(Reconcile(3, ""))
    answers = {OPEN_ORDERS: {"open": {}}, TRADES: {"trades": {}, "count": 0}, BALANCE: {}}
    for path, result in answers.items():
        if path == at:
            assert reports(driver.answer(path, rest([5]))) == [ReconcileFailed(3)]
            return
        driver.answer(path, rest(result))
