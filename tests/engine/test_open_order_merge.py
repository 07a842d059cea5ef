"""The pass over open orders finds what a filter finds, the oldest first, in steps of any size."""

from __future__ import annotations

import pytest

from floorwire.core.dates import Moment
from floorwire.core.orders import OrderTicket
from floorwire.engine.order_manager import OrderManager
from tests.engine.market import BTC, ETH, Market, at_no_venue, cancel_all, order_manager

NAMES = ("ann", "bob", "ann", "cid", "bob", "bob", "ann", "ann", "cid", "bob")
BOTH = frozenset({BTC.symbol, ETH.symbol})


@pytest.fixture
def manager() -> OrderManager:
    """Return accounts with orders by turns, in both symbols."""
    market = Market(BTC, ETH)
    market.other("sell", 10_000, 2_000)
    market.other("sell", 10_000, 20_000, ETH.symbol)
    made = order_manager(market, BTC, ETH)
    for number, name in enumerate(("ann", "bob", "cid", "dan"), 1):
        made.deposit(name, "USDT", "100000000", number, 0)
    for number, name in enumerate(NAMES):
        symbol = ETH.symbol if number % 3 == 0 else BTC.symbol
        price = 19_000 if symbol == ETH.symbol else 1_900
        ticket = OrderTicket(name, f"n{number}", symbol, "buy", "limit", 10, price_ticks=price)
        made.place(ticket, Moment(number, number, number))
    return made


@pytest.mark.parametrize("step", [1, 2, 3, 100])
@pytest.mark.parametrize("symbols", [frozenset[str](), frozenset({ETH.symbol}), BOTH])
def test_all_are_found_the_oldest_first(manager: OrderManager, step: int, symbols: frozenset[str]) -> None:
    merge, found = manager.open_order_merge(symbols), list[int]()
    while not merge.is_collected:
        merge.collect(step)
    while not merge.is_done:
        found += [order.order_id for order in merge.pop(step)]
    every = [order for name in ("ann", "bob", "cid") for order in manager.open_orders(name)]
    assert found == sorted(order.order_id for order in every if order.ticket.symbol in symbols)


def test_what_closes_meanwhile_and_symbols_that_are_removed_are_left_out(manager: OrderManager) -> None:
    symbols = set(BOTH)
    merge = manager.open_order_merge(symbols)
    merge.collect(1_000)
    assert [order.order_id for order in merge.pop(2)] == [1, 2]
    at_no_venue(manager, cancel_all(manager, account="ann"), 0)
    symbols.remove(ETH.symbol)
    assert [order.order_id for order in merge.pop(100)] == [5, 6, 9]
    assert merge.is_done


def test_one_step_collects_one_account_beyond_its_share_at_most(manager: OrderManager) -> None:
    merge, steps = manager.open_order_merge(BOTH), 0
    while not merge.is_collected:
        merge.collect(1)
        steps += 1
    assert steps == 4
