from __future__ import annotations

import msgspec
from msgspec.structs import replace

from floorwire.core.accounts import Entry, Guard, OrderAccepted, Seqs
from floorwire.core.orders import Order, Ticket
from floorwire.core.ports import Prices
from floorwire.engine.accounts import NO_GUARD
from floorwire.engine.house import House, Rules
from floorwire.engine.ledger import MOST_UNITS
from tests.engine.market import BTC, ETH


def _prices(_: str) -> Prices:
    return Prices(0, 0, 0, "live")


def test_a_snapshot_holds_sums_that_no_account_may_have() -> None:
    house = House(Rules(), _prices)
    most = str(MOST_UNITS // 10**8)
    for number in range(1, 10):
        house.deposit(f"account{number}", "USDT", most, number, 0)
    restored = House.restored(house.snapshot(), Rules(), _prices)
    assert restored.conserved()
    assert restored.balances("account9") == house.balances("account9")
    assert restored.state_hash() == house.state_hash()


def test_guards_are_kept_by_key_and_journalled_when_they_change() -> None:
    house = House(Rules(), _prices)
    nobody = house.state_hash()
    short, long = Guard(grace_us=0), Guard(grace_us=5, deadman_us=60_000_000)
    entries = house.set_guard("alice", "k1", long, 1)
    entries += house.set_guard("alice", "k2", Guard(cancels_us=9), 2)
    assert house.set_guard("alice", "k1", long, 3) == []
    assert house.set_guard("bob", "k3", NO_GUARD, 3) == []
    entries += house.set_guard("alice", "k1", short, 4)
    assert house.guards() == [("alice", "k1", short), ("alice", "k2", Guard(cancels_us=9))]
    assert [entry.seqs for entry in entries] == [Seqs()] * 3
    assert house.state_hash() != nobody
    for other in (_folded(entries), House.restored(house.snapshot(), Rules(), _prices)):
        assert other.guards() == house.guards()
        assert other.state_hash() == house.state_hash()


def test_a_guard_that_is_set_no_more_is_forgotten() -> None:
    house = House(Rules(), _prices)
    entries = house.set_guard("alice", "k1", Guard(deadman_us=1), 1)
    entries += house.set_guard("alice", "k1", NO_GUARD, 2)
    assert len(entries) == 2
    assert house.guards() == _folded(entries).guards() == []
    assert house.state_hash() == _folded(entries).state_hash()


def test_snapshots_from_before_guards_are_read() -> None:
    house = House(Rules(), _prices)
    house.deposit("alice", "USDT", "5", 1, 0)
    head, account = house.snapshot()
    state, parts = msgspec.msgpack.decode(account)
    older = msgspec.msgpack.encode((state[:-1], parts))
    assert House.restored([head, older], Rules(), _prices).state_hash() == house.state_hash()


def test_orders_are_counted_in_the_steps_of_their_time() -> None:
    house = House(Rules(), _prices)
    entries = house.deposit("alice", "USDT", "1000", 1, 0)
    finer, halted = replace(BTC, tick_size="0.05"), replace(BTC, tick_size="0.05", state="halted")
    orders: list[Order] = []
    for instrument in (BTC, finer, halted, BTC):
        entries += house.list_instruments([instrument, ETH], 0)
        for symbol in (BTC.symbol, ETH.symbol):
            ticket = Ticket("alice", f"c{len(orders)}", symbol, "buy", "limit", 5, None, 9)
            orders.append(Order(len(orders) + 1, ticket, "k1", 5, 9, "new", 1, 1))
            event = OrderAccepted("alice", orders[-1], (), 1)
            entries.append(Entry(event, house.apply(event)))
    for other in (house, _folded(entries), House.restored(house.snapshot(), Rules(), _prices)):
        assert [other.instrument_of(order).tick_size for order in orders[::2]] == [
            "0.5",
            "0.05",
            "0.05",
            "0.5",
        ]
        assert {other.instrument_of(order) for order in orders[1::2]} == {ETH}
        assert other.state_hash() == house.state_hash()


def _folded(entries: list[Entry]) -> House:
    """Return a house that was told the entries as a journal keeps them."""
    house = House(Rules(), _prices)
    for entry in entries:
        house.apply(msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=Entry).event)
    return house
