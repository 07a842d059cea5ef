"""Bybit: what it has of an order, and reconciliation."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import (
    OrderAnswer,
    QueryFailed,
    Reconcile,
    ReconcileAnswer,
    ReconcileFailed,
    VenueBalance,
)
from floorwire.venues.bybit import account_requests
from floorwire.venues.bybit.order_messages import CoinRow
from tests.venues.bybit.order_session import (
    BALANCE,
    EXECUTED,
    EXECUTIONS,
    HISTORY,
    ID,
    ORDER_ID,
    REALTIME,
    Row,
    connected,
    execution_row,
    order_row,
    rest,
    rows,
    seen,
)
from tests.venues.order_driver import OrderDriver, query, reports


def asked(driver: OrderDriver) -> dict[str, str]:
    """Return the parameters of the last request."""
    return {name: values[0] for name, values in parse_qs(urlsplit(driver.fetches()[-1].url).query).items()}


def ended(status: str, **fields: str) -> tuple[str, Code | None]:
    driver = connected()
    driver.command(query())
    (answer,) = reports(driver.answer(REALTIME, rows(order_row(status, **fields))))
    assert isinstance(answer, OrderAnswer)
    assert answer.seen is not None
    return answer.seen.state, answer.seen.code


def test_an_order_without_executions() -> None:
    driver = connected()
    driver.command(query())
    assert asked(driver) == {"category": "spot", "orderLinkId": ID}
    assert reports(driver.answer(REALTIME, rows(order_row()))) == [OrderAnswer(7, seen())]


def test_an_order_with_executions_the_oldest_first() -> None:
    driver = connected()
    driver.command(query())
    driver.answer(REALTIME, rows(order_row("Filled", cumExecQty="0.010")))
    later = execution_row("later", execTime="1767225600999")
    (answer,) = reports(driver.answer(EXECUTIONS, rows(later, execution_row())))
    assert isinstance(answer, OrderAnswer)
    assert answer.seen == seen(state="filled", filled="0.010")
    assert answer.executions[0] == EXECUTED
    assert answer.executions[1].execution_id == "later"


def test_an_order_that_is_only_in_the_history() -> None:
    driver = connected()
    driver.command(query())
    driver.answer(REALTIME, rows())
    assert reports(driver.answer(HISTORY, rows(order_row("Cancelled")))) == [
        OrderAnswer(7, seen(state="cancelled"))
    ]


def test_no_such_order_needs_three_lists_without_it() -> None:
    driver = connected()
    driver.command(query())
    driver.answer(REALTIME, rows())
    driver.answer(HISTORY, rows())
    assert reports(driver.answer(EXECUTIONS, rows())) == [OrderAnswer(7, None)]


def test_executions_of_an_order_that_is_not_listed_are_no_proof() -> None:
    driver = connected()
    driver.command(query())
    driver.answer(REALTIME, rows())
    driver.answer(HISTORY, rows())
    assert reports(driver.answer(EXECUTIONS, rows(execution_row()))) == [QueryFailed(7)]


def test_rows_of_another_order_are_not_it() -> None:
    driver = connected()
    driver.command(query())
    driver.answer(REALTIME, rows(order_row(orderLinkId="other")))
    driver.answer(HISTORY, rows())
    assert reports(driver.answer(EXECUTIONS, rows())) == [OrderAnswer(7, None)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (rest(code=10016), 200),
        (rest(code=170213), 200),
        (rows(order_row()), 500),
        ("", 0),
        ("x", 200),
        ({}, 200),
    ],
)
def test_a_read_that_failed_says_nothing(body: Row | str, status: int) -> None:
    driver = connected()
    driver.command(query())
    assert reports(driver.answer(REALTIME, body, status)) == [QueryFailed(7)]


def test_how_orders_end() -> None:
    assert ended("Rejected") == ("rejected", Code.VENUE_REJECTED)
    assert ended("Cancelled", rejectReason="EC_PostOnlyWillTakeLiquidity") == (
        "rejected",
        Code.POST_ONLY_WOULD_CROSS,
    )
    assert ended("Cancelled", timeInForce="FOK") == ("rejected", Code.FOK_UNFILLED)
    assert ended("Cancelled", timeInForce="IOC") == ("cancelled", Code.NO_LIQUIDITY)
    assert ended("Cancelled", cancelType="CancelBySmp") == ("cancelled", Code.SELF_TRADE)
    assert ended("Deactivated") == ("cancelled", None)
    assert ended("Untriggered") == ("open", None)
    assert ended("New", orderType="Market", qty="200") == ("open", None)


def test_a_partly_filled_order_that_was_cancelled_is_only_of_spot() -> None:
    driver = connected()
    driver.command(query())
    row = order_row("PartiallyFilledCanceled", cumExecQty="0.004", timeInForce="FOK")
    driver.answer(REALTIME, rows(row))
    (answer,) = reports(driver.answer(EXECUTIONS, rows(execution_row())))
    assert isinstance(answer, OrderAnswer)
    assert answer.seen == seen(state="cancelled", filled="0.004")


def test_reconciliation() -> None:
    driver = connected()
    driver.command(Reconcile(5, "1767225500000"))
    assert asked(driver) == {"category": "spot", "openOnly": "0", "limit": "50"}
    driver.answer(REALTIME, rows(order_row(), order_row("Filled", orderId="closed in the meantime")))
    assert asked(driver)["startTime"] == "1767225440000"  # a minute of overlap
    driver.answer(EXECUTIONS, rows(execution_row()))
    coins = [
        {"coin": "BTC", "walletBalance": "1.50", "locked": "0.5", "spotBorrow": "0"},
        {"coin": "USDT", "walletBalance": "10", "locked": "12", "spotBorrow": "4"},
        {"coin": "DOGE", "walletBalance": "1", "spotBorrow": "4"},
        {"coin": "ETH", "walletBalance": ""},
    ]
    balances = rest({"list": [{"accountType": "UNIFIED", "coin": coins}]})
    assert reports(driver.answer(BALANCE, balances)) == [
        ReconcileAnswer(
            5,
            (seen(),),
            (EXECUTED,),
            (VenueBalance("BTC", "1.50"), VenueBalance("USDT", "6")),
            "1767225600122",
        )
    ]


def test_the_first_reconciliation_begins_a_little_before_now() -> None:
    driver = connected()
    driver.command(Reconcile(5, ""))
    driver.answer(REALTIME, rows())
    assert int(asked(driver)["startTime"]) == driver.date_us // 1000 - 660_000
    driver.answer(EXECUTIONS, rows())
    (answer,) = reports(driver.answer(BALANCE, rest({"list": []})))
    assert isinstance(answer, ReconcileAnswer)
    assert answer.cursor == str(driver.date_us // 1000 - 600_000)


def test_a_long_absence_is_read_week_by_week() -> None:
    driver = connected()
    week_ms = 7 * 86_400_000
    now_ms = driver.date_us // 1000
    driver.command(Reconcile(5, str(now_ms - 2 * week_ms)))
    driver.answer(REALTIME, rows())
    starts = []
    for _ in range(3):
        starts.append(int(asked(driver)["startTime"]))
        assert int(asked(driver)["endTime"]) - starts[-1] == week_ms
        driver.answer(EXECUTIONS, rows())
    assert starts == [now_ms - 60_000 - weeks * week_ms for weeks in (2, 1, 0)]
    assert BALANCE in driver.fetches()[-1].url


def test_pages_go_on_from_the_cursor_as_it_is() -> None:
    driver = connected()
    driver.command(Reconcile(5, ""))
    page = [order_row(orderId=str(number)) for number in range(50)]
    driver.answer(REALTIME, rows(*page, cursor="page_token%3D39380%26"))
    assert driver.fetches()[-1].url.endswith("&cursor=page_token%3D39380%26")
    driver.answer(REALTIME, rows(order_row(orderId="last")))
    driver.answer(EXECUTIONS, rows())
    (answer,) = reports(driver.answer(BALANCE, rest({"list": []})))
    assert isinstance(answer, ReconcileAnswer)
    assert len(answer.open_orders) == 51


@pytest.mark.parametrize("at", [REALTIME, EXECUTIONS, BALANCE])
def test_a_reconciliation_fails_as_a_whole(at: str) -> None:
    driver = connected()
    driver.command(Reconcile(5, ""))
    for path in (REALTIME, EXECUTIONS, BALANCE):
        body = rest(code=10006) if path == at else rows()
        told = reports(driver.answer(path, body))
        if path == at:
            assert told == [ReconcileFailed(5)]
            return


def test_a_cursor_that_is_no_number_fails() -> None:
    driver = connected()
    driver.command(Reconcile(5, "x"))
    assert reports(driver.answer(REALTIME, rows())) == [ReconcileFailed(5)]


def test_a_wrong_balance_is_an_error() -> None:
    with pytest.raises(ValueError, match="is no amount"):
        account_requests.balance(CoinRow("BTC", "much"))


def test_the_order_id_is_not_asked_for() -> None:
    driver = connected()
    driver.command(query(venue_order_id=ORDER_ID))
    assert "orderId" not in asked(driver)
