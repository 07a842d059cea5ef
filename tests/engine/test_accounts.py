from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from floorwire.core.account_events import AccountEntry, Guard, OrderAccepted, Seqs
from floorwire.core.execution_reports import Ended
from floorwire.core.orders import Order, OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine.account import NO_GUARD
from floorwire.engine.accounts import Accounts
from floorwire.engine.ledger import MOST_UNITS
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import BTC, ETH, Market
from tests.engine.market import order_manager as manager_of


def _prices(_: str) -> Prices:
    return Prices(0, 0, 0, "live")


def test_a_snapshot_holds_sums_that_no_account_may_have() -> None:
    order_manager = OrderManager(TradingRules(), _prices)
    most = str(MOST_UNITS // 10**8)
    for number in range(1, 10):
        order_manager.deposit(f"account{number}", "USDT", most, number, 0)
    restored = OrderManager.restored(order_manager.snapshot(), TradingRules(), _prices)
    assert restored.conserved()
    assert restored.balances("account9") == order_manager.balances("account9")
    assert restored.state_hash() == order_manager.state_hash()


def test_guards_are_kept_by_key_and_journalled_when_they_change() -> None:
    order_manager = OrderManager(TradingRules(), _prices)
    nobody = order_manager.state_hash()
    short, long = Guard(grace_us=0), Guard(grace_us=5, deadman_us=60_000_000)
    entries = order_manager.set_guard("alice", "k1", long, 1)
    entries += order_manager.set_guard("alice", "k2", Guard(cancels_us=9), 2)
    assert order_manager.set_guard("alice", "k1", long, 3) == []
    assert order_manager.set_guard("bob", "k3", NO_GUARD, 3) == []
    entries += order_manager.set_guard("alice", "k1", short, 4)
    assert order_manager.guards() == [("alice", "k1", short), ("alice", "k2", Guard(cancels_us=9))]
    assert [entry.seqs for entry in entries] == [Seqs()] * 3
    assert order_manager.state_hash() != nobody
    for other in (_folded(entries), OrderManager.restored(order_manager.snapshot(), TradingRules(), _prices)):
        assert other.guards() == order_manager.guards()
        assert other.state_hash() == order_manager.state_hash()


def test_a_guard_that_is_set_no_more_is_forgotten() -> None:
    order_manager = OrderManager(TradingRules(), _prices)
    entries = order_manager.set_guard("alice", "k1", Guard(deadman_us=1), 1)
    entries += order_manager.set_guard("alice", "k1", NO_GUARD, 2)
    assert len(entries) == 2
    assert order_manager.guards() == _folded(entries).guards() == []
    assert order_manager.state_hash() == _folded(entries).state_hash()


def test_snapshots_from_before_guards_are_read() -> None:
    order_manager = OrderManager(TradingRules(), _prices)
    order_manager.deposit("alice", "USDT", "5", 1, 0)
    head, account = order_manager.snapshot()
    state, parts = msgspec.msgpack.decode(account)
    older = msgspec.msgpack.encode((state[:-1], parts))
    assert (
        OrderManager.restored([head, older], TradingRules(), _prices).state_hash()
        == order_manager.state_hash()
    )


def test_orders_are_counted_in_the_steps_of_their_time() -> None:
    order_manager = OrderManager(TradingRules(), _prices)
    entries = order_manager.deposit("alice", "USDT", "1000", 1, 0)
    finer, halted = replace(BTC, tick_size="0.05"), replace(BTC, tick_size="0.05", state="halted")
    orders: list[Order] = []
    for instrument in (BTC, finer, halted, BTC):
        entries += order_manager.list_instruments([instrument, ETH], 0)
        for symbol in (BTC.symbol, ETH.symbol):
            ticket = OrderTicket("alice", f"c{len(orders)}", symbol, "buy", "limit", 5, None, 9)
            orders.append(Order(len(orders) + 1, ticket, "k1", 5, 9, "new", 1, 1))
            event = OrderAccepted("alice", orders[-1], (), 1)
            entries.append(AccountEntry(event, order_manager.apply(event)))
    for other in (
        order_manager,
        _folded(entries),
        OrderManager.restored(order_manager.snapshot(), TradingRules(), _prices),
    ):
        assert [other.instrument_of(order).tick_size for order in orders[::2]] == [
            "0.5",
            "0.05",
            "0.05",
            "0.5",
        ]
        assert {other.instrument_of(order) for order in orders[1::2]} == {ETH}
        assert other.state_hash() == order_manager.state_hash()


def _folded(entries: list[AccountEntry]) -> OrderManager:
    """Return an order manager that was told the entries as a journal keeps them."""
    order_manager = OrderManager(TradingRules(), _prices)
    for entry in entries:
        order_manager.apply(msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=AccountEntry).event)
    return order_manager


def _place(manager: OrderManager, number: int, key: str) -> int:
    ticket = OrderTicket("ann", str(number), BTC.symbol, "buy", "limit", 10, None, 190, None, "gtc")
    order = manager.place(ticket, moment(1_000), key=key).order
    assert order is not None
    return order.order_id


def _trading() -> OrderManager:
    market = Market(BTC)
    manager = manager_of(market, BTC)
    manager.deposit("ann", "USDT", "1000000", 1, 0)
    market.other("sell", 1_000, 201)
    return manager


@given(st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 5)), max_size=20))
def test_each_key_is_counted_with_its_open_orders(steps: list[tuple[str, int | None]]) -> None:
    """Places an order of the key, and may cancel one of the open ones."""
    manager, open_ids = _trading(), list[int]()
    for number, (key, pick) in enumerate(steps):
        open_ids.append(_place(manager, number, key))
        if pick is not None:
            order_id = open_ids.pop(pick % len(open_ids))
            manager.settle([Ended(order_id, 10, "cancelled", None, 1_000)], 1_000)
    restored = Accounts.restored(manager.snapshot())
    for account in (manager._accounts.by_name["ann"], restored.by_name["ann"]):
        assert account.open_by_key == Counter(order.key for order in account.open.values())


def test_the_limit_of_a_key_counts_its_own_open_orders() -> None:
    manager = _trading()
    manager.set_limits("ann", Limits(max_open_orders=1), 1_000, key="a")
    first = _place(manager, 1, "a")
    _place(manager, 2, "b")
    with pytest.raises(Refusal, match="the key may have 1 open orders"):
        _place(manager, 3, "a")
    manager.settle([Ended(first, 10, "cancelled", None, 1_000)], 1_000)
    _place(manager, 4, "a")
