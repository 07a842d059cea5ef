"""A mass cancel finds the same orders in steps of any size, and outlives a restart with its accounts."""

from __future__ import annotations

import itertools

import pytest

from floorwire.core.account_events import AccountEntry, MassCancel, MassCancelEnded, OrderEnded
from floorwire.core.codes import Code
from floorwire.core.orders import Order, OrderTicket
from floorwire.engine.order_manager import OrderManager
from tests.clocks import moment
from tests.engine.market import (
    BTC,
    ETH,
    RULES,
    Market,
    at_no_venue,
    cancel_all,
    mass_cancelled,
    order_manager,
)

NOW = 1_000
AT = moment(NOW)


@pytest.fixture
def market() -> Market:
    return Market(BTC, ETH)


@pytest.fixture
def manager(market: Market) -> OrderManager:
    """Accounts with orders of two keys in two symbols."""
    made = order_manager(market, BTC, ETH)
    market.other("sell", 1_000, 2_100, ETH.symbol)
    market.other("sell", 1_000, 201)
    for number, name in enumerate(("ann", "bob", "cid"), 1):
        made.deposit(name, "USDT", "100000", number, 0)
    for number, (name, key, symbol) in enumerate(
        itertools.product(("ann", "bob"), ("a", "b"), (BTC.symbol, ETH.symbol)), 1
    ):
        place(made, name, key, symbol, f"n{number}")
    return made


def place(manager: OrderManager, name: str, key: str, symbol: str, client_order_id: str) -> Order:
    price = 190 if symbol == BTC.symbol else 2_000
    ticket = OrderTicket(name, client_order_id, symbol, "buy", "limit", 10, None, price, None, "gtc")
    decision = manager.place(ticket, AT, key=key)
    assert decision.order is not None
    return decision.order


def found(manager: OrderManager, mass_cancel: MassCancel, step: int) -> list[int]:
    scan = manager.scan(manager.mass_cancel(mass_cancel, NOW))
    order_ids: list[int] = []
    while not scan.is_done:
        part = scan.find(step)
        assert len(part) <= step
        order_ids += part
    return order_ids


@pytest.mark.parametrize("step", [1, 2, 3, 100])
@pytest.mark.parametrize("account", [None, "ann", "bob", "cid", "nobody"])
@pytest.mark.parametrize("symbol", [None, BTC.symbol, "NO-SUCH"])
@pytest.mark.parametrize("key", [None, "a", "c"])
def test_any_step_finds_what_a_filter_finds(
    manager: OrderManager, step: int, account: str | None, symbol: str | None, key: str | None
) -> None:
    every = [order for name in ("ann", "bob", "cid") for order in manager.open_orders(name)]
    wanted = [
        order.order_id
        for order in every
        if account in (None, order.ticket.account)
        and symbol in (None, order.ticket.symbol)
        and key in (None, order.key)
    ]
    assert found(manager, MassCancel(account, symbol, key), step) == wanted


@pytest.mark.parametrize(
    ("symbols", "wanted"),
    [
        (None, 8),
        ((ETH.symbol,), 4),
        ((ETH.symbol.rpartition(":")[2],), 4),
        ((BTC.symbol, ETH.symbol), 8),
        (("okx:NO-SUCH",), 0),
        ((), 0),
    ],
)
def test_only_the_symbols_of_the_key(
    manager: OrderManager, symbols: tuple[str, ...] | None, wanted: int
) -> None:
    assert len(found(manager, MassCancel(symbols=symbols), 3)) == wanted


def test_orders_that_come_or_close_meanwhile_are_left_alone(manager: OrderManager, market: Market) -> None:
    scan = manager.scan(manager.mass_cancel(MassCancel(), NOW))
    assert scan.find(2) == [1]  # an account costs one step
    late = place(manager, "bob", "a", BTC.symbol, "late")
    entries = at_no_venue(manager, cancel_all(manager, account="bob", key="a", code=Code.DEADMAN), NOW)
    assert {entry.event.order.order_id for entry in entries if isinstance(entry.event, OrderEnded)} == {
        5,
        6,
        late.order_id,
    }
    rest: list[int] = []
    while not scan.is_done:
        rest += scan.find(2)
    assert rest == [2, 3, 4, 7, 8]
    assert [command.order_id for command in manager.cancels([1, 5, 8, 99], None)] == [1, 8]


@pytest.mark.parametrize("way", ["snapshot", "events"])
def test_what_was_left_is_cancelled_after_a_restart(manager: OrderManager, market: Market, way: str) -> None:
    before = manager.snapshot()
    first = manager.mass_cancel(MassCancel("ann", key="a", code=Code.DEADMAN), NOW)
    entries: list[AccountEntry] = [manager.start_mass_cancel(first)]
    second = manager.mass_cancel(MassCancel(symbol=ETH.symbol, code=Code.MARKET_HALTED), NOW)
    assert second.number != first.number
    entries.append(manager.start_mass_cancel(second))
    kept = place(manager, "bob", "b", ETH.symbol, "later")
    if way == "snapshot":
        back = OrderManager.restored(manager.snapshot(), RULES, market.prices)
        assert back.state_hash() == manager.state_hash()
    else:
        back = OrderManager.restored(before, RULES, market.prices)
        for entry in entries:
            back.apply(entry.event)
    assert back.unfinished_mass_cancels() == [first, second]
    done: list[AccountEntry] = []
    for started in back.unfinished_mass_cancels():
        done += at_no_venue(back, mass_cancelled(back, started), NOW)
        done.append(back.end_mass_cancel(started.number, NOW))
    ended = {
        entry.event.order.order_id: entry.event.order.code
        for entry in done
        if isinstance(entry.event, OrderEnded)
    }
    assert ended == {
        1: Code.DEADMAN,
        2: Code.DEADMAN,
        4: Code.MARKET_HALTED,
        6: Code.MARKET_HALTED,
        8: Code.MARKET_HALTED,
    }
    assert [entry.event.number for entry in done if isinstance(entry.event, MassCancelEnded)] == [
        first.number,
        second.number,
    ]
    open_ids = [order.order_id for order in back.open_orders("bob")]
    assert open_ids == ([5, 7, kept.order_id] if way == "snapshot" else [5, 7])
    assert back.unfinished_mass_cancels() == []
    assert back.conserved()
