"""Coinbase: queries and reconciliation."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from floorwire.core.ports import Fetch
from floorwire.core.remote_order_messages import (
    Executed,
    OrderAnswer,
    QueryFailed,
    Reconcile,
    ReconcileAnswer,
    ReconcileFailed,
    VenueBalance,
)
from floorwire.venues.coinbase.account_requests import MOST_PAGES
from tests.venues.coinbase.order_session import (
    ACCOUNTS,
    FILLS,
    ID,
    ORDER,
    ORDER_ID,
    ORDERS,
    Row,
    connected,
    order,
    seen,
)
from tests.venues.order_driver import SECOND, of, path_of, place, query, reports

EXECUTED = Executed(ID, ORDER_ID, "entry-1", "trade-1", "29999.9", "0.004", "maker", "0.48", "USDT")


def params_of(fetch: Fetch) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(fetch.url).query))


def fill(number: int = 1, **fields: object) -> Row:
    whole: Row = {
        "entry_id": f"entry-{number}",
        "trade_id": f"trade-{number}",
        "order_id": ORDER_ID,
        "trade_time": "2026-01-01T00:00:01Z",
        "trade_type": "FILL",
        "price": "29999.9",
        "size": "0.004",
        "commission": "0.48",
        "product_id": "BTC-USDT",
        "sequence_timestamp": f"2026-01-01T00:00:{number:02}.123456Z",
        "liquidity_indicator": "MAKER",
        "size_in_quote": False,
        "side": "BUY",
    }
    return {**whole, **fields}


def test_query_by_the_id_of_coinbase_and_its_fills() -> None:
    driver = connected()
    (fetch,) = of(driver.command(query(7, ID, ORDER_ID)), Fetch)
    assert path_of(fetch) == ORDER
    (fetch,) = of(driver.answer(ORDER, {"order": order(filled_size="0.004")}), Fetch)
    assert (path_of(fetch), params_of(fetch)) == (FILLS, {"order_ids": ORDER_ID})
    assert reports(driver.answer(FILLS, {"fills": [fill()], "cursor": ""})) == [
        OrderAnswer(7, seen(filled="0.004"), (EXECUTED,))
    ]


def test_fills_are_paged_and_the_oldest_comes_first() -> None:
    driver = connected()
    driver.command(query(7, ID, ORDER_ID))
    driver.answer(ORDER, {"order": order("FILLED", filled_size="0.01")})
    (fetch,) = of(driver.answer(FILLS, {"fills": [fill(3), fill(2)], "cursor": "next"}), Fetch)
    assert params_of(fetch)["cursor"] == "next"
    (answer,) = reports(driver.answer(FILLS, {"fills": [fill(1)], "cursor": ""}))
    assert isinstance(answer, OrderAnswer)
    assert [one.trade_id for one in answer.executions] == ["trade-1", "trade-2", "trade-3"]


def test_size_in_quote_is_converted_and_corrections_are_left_out() -> None:
    driver = connected()
    driver.command(query(7, ID, ORDER_ID))
    driver.answer(ORDER, {"order": order("FILLED", filled_size="0.01")})
    rows = [fill(1, size="100", price="20000", size_in_quote=True), fill(2, trade_type="REVERSAL")]
    (answer,) = reports(driver.answer(FILLS, {"fills": rows}))
    assert isinstance(answer, OrderAnswer)
    assert [one.quantity for one in answer.executions] == ["0.005"]


def test_taker_and_rebate_and_currency_of_a_product_that_is_not_listed() -> None:
    driver = connected()
    driver.command(query(7, ID, ORDER_ID))
    driver.answer(ORDER, {"order": order("FILLED", filled_size="0.01")})
    row = fill(1, liquidity_indicator="TAKER", commission="-0.1", product_id="ETH-EUR")
    (answer,) = reports(driver.answer(FILLS, {"fills": [row]}))
    assert isinstance(answer, OrderAnswer)
    (executed,) = answer.executions
    assert (executed.liquidity, executed.fee, executed.fee_asset) == ("taker", "-0.1", "EUR")


def test_order_without_the_id_of_coinbase_is_looked_for_among_those_of_its_time() -> None:
    driver = connected(ahead_us=5 * SECOND)
    driver.command(place(ID))
    driver.wait(3)
    (fetch,) = of(driver.command(query(7, ID)), Fetch)
    assert path_of(fetch) == ORDERS
    assert params_of(fetch) == {"product_ids": "BTC-USDT", "start_date": "2025-12-31T23:59:05.000Z"}
    others = [order(client_order_id="another", order_id=str(number)) for number in range(2)]
    page = {"orders": others, "has_next": True, "cursor": "next", "sequence": "0"}
    (fetch,) = of(driver.answer(ORDERS, page), Fetch)
    assert params_of(fetch)["cursor"] == "next"
    last = {"orders": [order("PENDING")], "has_next": False, "cursor": ""}
    assert reports(driver.answer(ORDERS, last)) == [OrderAnswer(7, seen())]


def test_order_of_an_earlier_process_is_looked_for_in_a_week() -> None:
    driver = connected()
    (fetch,) = of(driver.command(query(7, ID)), Fetch)
    assert params_of(fetch)["start_date"] == "2025-12-25T00:00:00.000Z"
    assert reports(driver.answer(ORDERS, {"orders": [], "has_next": False})) == [OrderAnswer(7, None)]


def test_not_found() -> None:
    driver = connected()
    driver.command(query(7, ID, ORDER_ID))
    assert reports(driver.answer(ORDER, {"error": "NOT_FOUND"}, 404)) == [OrderAnswer(7, None)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"order": order("MELTED")}, 200),
        ({"order": order(client_order_id="another")}, 200),
        ({"order": order(filled_size="many")}, 200),
        ({}, 200),
        ("<html>", 520),
        ("", 429),
        ("", 0),
    ],
)
def test_query_without_a_usable_answer_fails(body: Row | str, status: int) -> None:
    driver = connected()
    driver.command(query(7, ID, ORDER_ID))
    assert reports(driver.answer(ORDER, body, status)) == [QueryFailed(7)]


def test_list_that_does_not_end_proves_nothing() -> None:
    driver = connected()
    driver.command(query(7, ID))
    for page in range(MOST_PAGES):
        driver.answer(ORDERS, {"orders": [], "has_next": True, "cursor": str(page)})
        driver.wait(0.3)
    assert QueryFailed(7) in reports(driver.out)


# --- reconciliation ----------------------------------------------------------------------------------


def wallet(currency: str, available: str, held: str | None = None) -> Row:
    return {
        "currency": currency,
        "available_balance": {"value": available, "currency": currency},
        "hold": None if held is None else {"value": held, "currency": currency},
    }


def test_reconcile_asks_for_orders_then_fills_then_balances() -> None:
    driver = connected()
    (fetch,) = of(driver.command(Reconcile(3, "2026-01-01T00:00:00.5Z")), Fetch)
    assert (path_of(fetch), params_of(fetch)) == (ORDERS, {"order_status": "OPEN"})
    (fetch,) = of(driver.answer(ORDERS, {"orders": [order()], "has_next": False}), Fetch)
    # orders on their way into the book are not among the open ones
    assert params_of(fetch) == {"start_date": "2025-12-31T23:00:00.000Z"}
    recent = [
        order(order_id="o2", client_order_id="c2", status="QUEUED"),
        order(order_id="o3", client_order_id="c3", status="FILLED", filled_size="0.004"),
        order(order_id="o4", client_order_id="c4", status="MELTED"),
    ]
    (fetch,) = of(driver.answer(ORDERS, {"orders": recent, "has_next": False}), Fetch)
    assert params_of(fetch) == {"start_sequence_timestamp": "2025-12-31T23:59:00.500Z"}
    driver.answer(FILLS, {"fills": [fill(9, order_id="o3"), fill(1)], "cursor": ""})
    wallets = [wallet("BTC", "1.25", "0.25"), wallet("USD", "0", "0.00"), wallet("BTC", "1")]
    (fetch,) = of(driver.answer(ACCOUNTS, {"accounts": wallets, "has_next": True, "cursor": "n"}), Fetch)
    assert params_of(fetch) == {"limit": "250", "cursor": "n"}
    (answer,) = reports(driver.answer(ACCOUNTS, {"accounts": [wallet("ETH", "3")], "has_next": False}))
    assert isinstance(answer, ReconcileAnswer)
    assert [(one.client_id, one.state) for one in answer.open_orders] == [
        (ID, "open"),
        ("c2", "open"),
        ("c3", "filled"),
    ]
    assert [one.execution_id for one in answer.executions] == ["entry-1", "entry-9"]
    assert answer.balances == (VenueBalance("BTC", "2.50"), VenueBalance("ETH", "3"))
    assert answer.cursor == "2026-01-01T00:00:09.123456Z"


def test_first_reconciliation_reads_a_day_and_keeps_no_cursor_without_fills() -> None:
    driver = connected()
    driver.command(Reconcile(3, ""))
    driver.answer(ORDERS, {"orders": []})
    (fetch,) = of(driver.answer(ORDERS, {"orders": []}), Fetch)
    assert params_of(fetch) == {"start_sequence_timestamp": "2025-12-31T00:00:00.000Z"}
    driver.answer(FILLS, {"fills": []})
    (answer,) = reports(driver.answer(ACCOUNTS, {"accounts": []}))
    assert answer == ReconcileAnswer(3, (), (), (), "")


@pytest.mark.parametrize("at", [ORDERS, FILLS, ACCOUNTS])
def test_reconcile_fails_as_a_whole(at: str) -> None:
    driver = connected()
    driver.command(Reconcile(3, ""))
    bodies: list[tuple[str, Row]] = [
        (ORDERS, {"orders": []}),
        (ORDERS, {"orders": []}),
        (FILLS, {"fills": []}),
        (ACCOUNTS, {"accounts": []}),
    ]
    for path, body in bodies:
        if path == at:
            assert reports(driver.answer(path, {"broken": 1})) == [ReconcileFailed(3)]
            return
        driver.answer(path, body)


def test_cursor_of_another_kind_fails() -> None:
    driver = connected()
    driver.command(Reconcile(3, "seven"))
    driver.answer(ORDERS, {"orders": []})
    assert reports(driver.answer(ORDERS, {"orders": []})) == [ReconcileFailed(3)]
