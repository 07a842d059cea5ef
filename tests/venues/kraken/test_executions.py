"""What rows of Kraken's channel ``executions`` say; numbers are JSON numbers, as they were written."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
import pytest

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import Executed, OrderSeen
from floorwire.venues.kraken.executions import MOST_ORDERS, Executions
from floorwire.venues.kraken.order_messages import ExecutionRow
from tests.venues.kraken.order_session import ID, ORDER_ID, TRADE_ID, Row, row, seen

TRADE = {
    "order_id": ORDER_ID, "exec_id": TRADE_ID, "exec_type": "trade", "trade_id": 847415, "symbol": "BTC/USDT",
    "side": "buy", "last_qty": 0.004, "last_price": 29999.9, "liquidity_ind": "m", "cost": 119.9996,
    "order_type": "limit", "timestamp": "2026-01-01T00:00:00.123456Z", "order_status": "partially_filled",
    "cum_qty": 0.004, "cum_cost": 119.9996, "avg_price": 29999.9, "fee_usd_equiv": 0.2,
    "fees": [{"asset": "USDT", "qty": 0.19199936}],
}  # fmt: skip
EXECUTED = Executed(ID, ORDER_ID, TRADE_ID, "847415", "29999.9", "0.004", "maker", "0.19199936", "USDT")


def read(
    executions: Executions, message: Mapping[str, object] | str, *, is_snapshot: bool = False
) -> list[Executed | OrderSeen]:
    text = message if isinstance(message, str) else json.dumps(message)
    return executions.read(msgspec.json.decode(text, type=ExecutionRow), is_snapshot=is_snapshot)


def test_first_row_is_whole_and_later_ones_say_what_changed() -> None:
    executions = Executions()
    assert read(executions, row()) == [seen()]
    # recorded: an execution has neither client id nor limit, a cancel has next to nothing
    assert read(executions, TRADE) == [EXECUTED, seen(filled="0.004")]
    cancelled = {
        "order_id": ORDER_ID, "exec_type": "canceled", "order_status": "canceled", "reason": "User requested",
        "timestamp": "2026-01-01T00:00:01.000000Z",
    }  # fmt: skip
    assert read(executions, cancelled) == [seen(state="cancelled", filled="0.004", updated=1767225601_000000)]


def test_a_stop_order_is_open_from_its_first_row_on() -> None:
    """Kraken: it is ``pending_new`` until it is triggered."""
    executions = Executions()
    waiting = row(
        exec_type="pending_new", order_status="pending_new", order_type="stop-loss-limit",
        triggers={"price": 30010.0, "price_type": "static", "reference": "last", "status": "untriggered"},
    )  # fmt: skip
    assert read(executions, waiting) == [seen()]
    assert read(executions, {"order_id": ORDER_ID, "exec_type": "new", "order_status": "new"}) == [
        seen(updated=0)
    ]


def test_last_execution_says_partially_filled_and_the_end_comes_alone() -> None:
    executions = Executions()
    read(executions, row())
    last = {**TRADE, "last_qty": 0.01, "cum_qty": 0.01}
    assert read(executions, last)[1] == seen(filled="0.01")
    filled = {"order_id": ORDER_ID, "exec_type": "filled", "order_status": "filled", "cum_qty": 0.01}
    assert read(executions, filled) == [seen(state="filled", filled="0.01", updated=0)]


def test_numbers_keep_their_digits_and_lose_their_exponents() -> None:
    text = json.dumps(row()).replace('"order_qty": 0.01', '"order_qty": 1E-8').replace("30000.0", "30000.10")
    assert read(Executions(), text) == [seen(quantity="0.00000001", price="30000.10")]


def test_amended_row_has_the_new_limit() -> None:
    executions = Executions()
    read(executions, row())
    amended = {"order_id": ORDER_ID, "exec_type": "amended", "order_status": "new", "limit_price": 30001.5}
    assert read(executions, {**amended, "order_qty": 0.02}) == [
        seen(price="30001.5", quantity="0.02", updated=0)
    ]


@pytest.mark.parametrize(
    ("fields", "state", "code"),
    [
        ({"reason": "Post only order"}, "rejected", Code.POST_ONLY_WOULD_CROSS),
        ({"reason": "Post only order", "cum_qty": 0.001}, "cancelled", None),
        ({"time_in_force": "IOC"}, "cancelled", Code.NO_LIQUIDITY),
        ({"time_in_force": "FOK"}, "rejected", Code.FOK_UNFILLED),
        ({"exec_type": "expired", "order_status": "expired"}, "expired", None),
        ({"order_status": ""}, "cancelled", None),
    ],
)
def test_ends(fields: Row, state: str, code: Code | None) -> None:
    (found,) = read(Executions(), row(**{"exec_type": "canceled", "order_status": "canceled", **fields}))
    assert isinstance(found, OrderSeen)
    assert (found.state, found.code) == (state, code)


def test_executions_of_the_snapshot_are_of_the_past() -> None:
    executions = Executions()
    assert read(executions, row(), is_snapshot=True) == [seen()]
    old = {**TRADE, "cl_ord_id": ID}
    assert read(executions, old, is_snapshot=True) == [EXECUTED]
    assert read(executions, {**TRADE, "cum_qty": 0.006}) == [EXECUTED, seen(filled="0.006")]


def test_row_of_an_order_of_which_nothing_is_known_says_no_state() -> None:
    cancelled = {"order_id": ORDER_ID, "exec_type": "canceled", "order_status": "canceled"}
    assert read(Executions(), cancelled) == []
    assert read(Executions(), row(exec_type="status", order_status="")) == []
    assert read(Executions(), row(order_status="melted", exec_type="melted")) == []


def test_new_order_without_a_filled_quantity_has_none() -> None:
    message = row(exec_type="pending_new", order_status="pending_new")
    del message["cum_qty"]
    assert read(Executions(), message) == [seen()]


def test_market_orders_have_no_limit() -> None:
    (found,) = read(Executions(), row(order_type="market", limit_price=0))
    assert isinstance(found, OrderSeen)
    assert (found.price, found.quantity) == (None, None)


def test_maker_taker_and_rebate() -> None:
    trade = {**TRADE, "liquidity_ind": "t", "fees": [{"asset": "USDT", "qty": -0.1}]}
    (executed, _) = read(Executions(), trade)
    assert isinstance(executed, Executed)
    assert (executed.liquidity, executed.fee) == ("taker", "-0.1")


def test_sequence_is_one_more_each_time() -> None:
    executions = Executions()
    assert executions.follows(1)
    assert executions.follows(2)
    assert executions.follows(None)
    assert not executions.follows(4)


def test_orders_that_are_kept_are_bounded() -> None:
    executions = Executions()
    parsed = msgspec.json.decode(json.dumps(row()), type=ExecutionRow)
    for number in range(MOST_ORDERS + 5):
        parsed.order_id = str(number)
        executions.read(parsed, is_snapshot=False)
    cancelled = {"exec_type": "canceled", "order_status": "canceled"}
    assert len(read(executions, {"order_id": "5", **cancelled})) == 1
    assert read(executions, {"order_id": "4", **cancelled}) == []
