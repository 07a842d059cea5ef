"""OKX: queries and reconciliation."""

from __future__ import annotations

import pytest

from floorwire.core.ports import Fetch
from floorwire.core.remote_order_messages import (
    OrderAnswer,
    QueryFailed,
    Reconcile,
    ReconcileAnswer,
    ReconcileFailed,
    VenueBalance,
)
from tests.venues.okx.order_session import (
    BALANCE,
    EXECUTED,
    FILLS,
    ID,
    OLD_FILLS,
    ORDER,
    PENDING,
    TIME,
    balances,
    connected,
    fill_row,
    order_row,
    rest,
    seen,
)
from tests.venues.order_driver import (
    NOW,
    of,
    path_of,
    query,
    reports,
)

# --- queries -----------------------------------------------------------------------------------------


def test_query_of_an_order_without_fills_is_one_request() -> None:
    driver = connected()
    (fetch,) = of(driver.command(query()), Fetch)
    assert fetch.url == f"https://www.okx.com{ORDER}?instId=BTC-USDT&clOrdId={ID}"
    assert reports(driver.answer(ORDER, rest(order_row()))) == [OrderAnswer(7, seen())]


def test_query_brings_the_same_executions_as_the_channel() -> None:
    driver = connected()
    driver.command(query())
    (fetch,) = of(driver.answer(ORDER, rest(order_row("partially_filled", accFillSz="0.004"))), Fetch)
    assert fetch.url.endswith(f"{FILLS}?instType=SPOT&instId=BTC-USDT&ordId=88&limit=100")
    assert reports(driver.answer(FILLS, rest(fill_row(5)))) == [
        OrderAnswer(7, seen(filled="0.004"), (EXECUTED,))
    ]


def test_fills_of_more_than_three_days_ago_are_read_from_the_history() -> None:
    driver = connected()
    driver.command(query())
    driver.answer(ORDER, rest(order_row("filled", accFillSz="0.004")))
    driver.answer(FILLS, rest())
    assert reports(driver.answer(OLD_FILLS, rest(fill_row(5)))) == [
        OrderAnswer(7, seen(state="filled", filled="0.004"), (EXECUTED,))
    ]


def test_not_found_is_the_code_that_says_so() -> None:
    driver = connected()
    driver.command(query())
    not_found = rest(code="51603", msg="Order does not exist")
    assert reports(driver.answer(ORDER, not_found)) == [OrderAnswer(7, None)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (rest(code="50001", msg="Service temporarily unavailable"), 503),
        (rest(code="50026"), 200),
        (rest(), 200),  # HTTP 200, code 0, and no order: says nothing
        ("<html>", 502),
        ("", 0),
        (rest(order_row(clOrdId="another")), 200),
        (rest(order_row("melted")), 200),
    ],
)
def test_query_without_a_usable_answer_fails(body: dict[str, object] | str, status: int) -> None:
    driver = connected()
    driver.command(query())
    assert reports(driver.answer(ORDER, body, status)) == [QueryFailed(7)]


def test_query_that_is_never_answered_fails() -> None:
    driver = connected()
    driver.command(query())
    for _ in range(3):
        driver.wait(8.4)
        driver.frame("pong")
    assert driver.reports() == [QueryFailed(7)]


def test_bad_clock_is_read_again() -> None:
    driver = connected()
    driver.command(query())
    driver.answer(ORDER, rest(code="50102", msg="Timestamp request expired"), 401)
    assert TIME in [path_of(one) for one in of(driver.wait(2), Fetch)]


def test_reads_wait_for_the_rate_limit() -> None:
    driver = connected()
    asked = [driver.command(query(n, f"q{n}")) for n in range(40)]
    assert sum(len(of(one, Fetch)) for one in asked) == 30
    assert len(of(driver.wait(1), Fetch)) == 10


# --- reconciliation ----------------------------------------------------------------------------------


def test_reconciliation_does_not_wait_for_the_orders_that_are_asked_for() -> None:
    driver = connected()
    for number in range(driver.adapter.policy.queries):
        assert of(driver.command(query(number, f"fw0000000a{number}")), Fetch)
    for number, path in ((1, PENDING), (1, FILLS), (1, BALANCE), (2, PENDING), (2, FILLS), (2, BALANCE)):
        if path == PENDING:
            driver.command(Reconcile(number, ""))
        outputs = driver.answer(path, balances() if path == BALANCE else rest())
    assert isinstance(reports(outputs)[0], ReconcileAnswer)
    assert driver.now_us == NOW


def test_reconcile_asks_for_orders_then_fills_then_balances() -> None:
    driver = connected()
    (fetch,) = of(driver.command(Reconcile(3, "4")), Fetch)
    assert fetch.url.endswith(f"{PENDING}?instType=SPOT&limit=100")
    (fetch,) = of(driver.answer(PENDING, rest(order_row())), Fetch)
    assert fetch.url.endswith(f"{FILLS}?instType=SPOT&limit=100&before=4")
    driver.answer(FILLS, rest(fill_row(6, "436"), fill_row(5)))
    money = balances(
        {"ccy": "BTC", "cashBal": "1.5"}, {"ccy": "USDT", "cashBal": "0"}, {"ccy": "X", "cashBal": ""}
    )
    (answer,) = reports(driver.answer(BALANCE, money))
    assert isinstance(answer, ReconcileAnswer)
    assert answer.open_orders == (seen(),)
    assert [one.trade_id for one in answer.executions] == ["435", "436"]  # the oldest first
    assert answer.balances == (VenueBalance("BTC", "1.5"),)
    assert answer.cursor == "6"


def test_reconcile_pages_open_orders_and_fills() -> None:
    driver = connected()
    driver.command(Reconcile(3, "150"))
    page = [order_row(ordId=str(1000 - n), clOrdId=f"o{n}") for n in range(100)]
    (fetch,) = of(driver.answer(PENDING, rest(*page)), Fetch)
    assert fetch.url.endswith("&after=901")
    driver.answer(PENDING, rest(order_row()))
    newest = [fill_row(400 - n, str(400 - n)) for n in range(100)]
    (fetch,) = of(driver.answer(FILLS, rest(*newest)), Fetch)
    assert fetch.url.endswith("&before=150&after=301")
    # a page that reaches what was read before is the last, even where `before` was not heeded
    driver.answer(FILLS, rest(*[fill_row(200 - n, str(200 - n)) for n in range(100)]))
    (answer,) = reports(driver.answer(BALANCE, balances()))
    assert isinstance(answer, ReconcileAnswer)
    assert len(answer.open_orders) == 101
    assert [int(one.trade_id) for one in answer.executions] == [*range(151, 201), *range(301, 401)]
    assert answer.cursor == "400"


def test_reconcile_without_fills_keeps_the_cursor() -> None:
    driver = connected()
    driver.command(Reconcile(3, "150"))
    driver.answer(PENDING, rest())
    driver.answer(FILLS, rest())
    (answer,) = reports(driver.answer(BALANCE, balances()))
    assert isinstance(answer, ReconcileAnswer)
    assert answer.cursor == "150"


@pytest.mark.parametrize("at", [PENDING, FILLS, BALANCE])
def test_reconcile_fails_as_a_whole(at: str) -> None:
    driver = connected()
    driver.command(Reconcile(3, ""))
    for path, body in ((PENDING, rest()), (FILLS, rest()), (BALANCE, balances())):
        if path == at:
            assert reports(driver.answer(path, rest({"broken": 1}))) == [ReconcileFailed(3)]
            return
        driver.answer(path, body)
