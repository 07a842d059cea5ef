from __future__ import annotations

import msgspec
from msgspec.structs import replace

from floorwire.core.account_events import AccountEntry, Guard, OrderAccepted, Seqs
from floorwire.core.orders import Order, OrderTicket
from floorwire.core.ports import Prices
from floorwire.engine.account import NO_GUARD
from floorwire.engine.ledger import MOST_UNITS
from floorwire.engine.order_manager import OrderManager, TradingRules
from tests.engine.market import BTC, ETH


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
    """Return a house that was told the entries as a journal keeps them."""
    order_manager = OrderManager(TradingRules(), _prices)
    for entry in entries:
        order_manager.apply(msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=AccountEntry).event)
    return order_manager
