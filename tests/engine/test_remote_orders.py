"""Orders at a venue that loses answers, repeats, reorders and lags: at the end both sides agree."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.core.account_events import AccountEntry, OrderCancelling, OrderSubmitting
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument, Side
from floorwire.core.order_commands import Cancel, Place
from floorwire.core.orders import OPEN, Order, OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.remote_order_messages import (
    Executed,
    LinkUp,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryOrder,
    RemotePolicy,
)
from floorwire.engine.accounts import Accounts
from floorwire.engine.holds import held, holding
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.remote_account import RemoteDecision
from floorwire.engine.remote_orders import RemoteOrders
from floorwire.engine.trading_rules import TradingRules
from floorwire.engine.venue_order_ids import client_id, parsed
from tests.engine.remote_venue import RemoteVenue

EPOCH = "0a1b2c3d"
BTC = Instrument("rem:BTC-USDT", "rem:BTC", "rem:USDT", "rem", "0.5", "0.01")
OWN = msgspec.structs.replace(BTC, base="BTC", quote="USDT")
"""The instrument as the venue names it."""
POLICY = RemotePolicy(can_amend=True)
FINALLY_US = 3_600_000_000


class Gateway:
    """The accounts with one account at the venue, and a journal that is read again after a kill."""

    def __init__(self) -> None:
        self.now_us = 1_000_000
        self.journal: list[bytes] = []
        manager = OrderManager(TradingRules(), lambda _: Prices(0, 0, 0, "live"))
        self.accounts: Accounts = manager._accounts
        self.keep(manager.list_instruments([BTC], 0))
        self.remote = self._new()

    def _new(self) -> RemoteOrders:
        return RemoteOrders(self.accounts, "rem", "ann", POLICY, EPOCH, self.now_us)

    def keep(self, entries: list[AccountEntry]) -> None:
        self.journal += map(msgspec.msgpack.encode, entries)

    def done(self, decision: RemoteDecision) -> RemoteDecision:
        self.keep(decision.entries)
        return decision

    def kill(self, *, by_snapshot: bool = False) -> RemoteDecision:
        """Lose all that is not journalled."""
        before = self.accounts.state_hash()
        if by_snapshot:
            self.accounts = Accounts.restored(list(self.accounts.snapshot()))
        else:
            self.accounts = Accounts()
            for line in self.journal:
                self.accounts.apply(msgspec.msgpack.decode(line, type=AccountEntry).event)
        assert self.accounts.state_hash() == before
        self.remote = self._new()
        return self.done(self.remote.start(self.now_us, self.now_us))

    def intend(self, side: Side, lots: int, price_ticks: int) -> int:
        """Journal the intent of an order."""
        order_id = self.accounts.last_order_id + 1
        units = self.accounts.instrument_units[BTC.symbol]
        ticket = OrderTicket("ann", f"c{order_id}", BTC.symbol, side, "limit", lots, None, price_ticks)
        reserve = held(ticket, units, price_ticks, lots, 0, 0, 0)
        order = Order(
            order_id, ticket, "k", lots, price_ticks, "submitting", self.now_us, self.now_us, held=reserve
        )
        known = self.accounts.by_name.get("ann")
        balance = holding({} if known is None else known.balances, units, side, reserve)
        event = OrderSubmitting("ann", order, (balance,), self.now_us, client_id("text", EPOCH, order_id))
        self.keep([AccountEntry(event, self.accounts.apply(event))])
        return order_id

    def place(self, order_id: int) -> RemoteDecision:
        order = self.accounts.orders[order_id]
        command = Place(BTC.symbol, order_id, 1, order.ticket.side, order.lots, order.price_ticks)
        return self.done(self.remote.command(command, self.now_us, self.now_us))

    def cancel(self, order_id: int) -> RemoteDecision:
        order = self.accounts.orders[order_id]
        if not order.cancelling:
            event = OrderCancelling("ann", msgspec.structs.replace(order, cancelling=True), self.now_us)
            self.keep([AccountEntry(event, self.accounts.apply(event))])
        return self.done(self.remote.command(Cancel(BTC.symbol, order_id), self.now_us, self.now_us))

    def wait(self, us: int) -> RemoteDecision:
        self.now_us += us
        return self.done(self.remote.wake(self.now_us, self.now_us))

    def receive(self, *reports: object) -> list[object]:
        sent: list[object] = []
        for report in reports:
            sent += self.done(self.remote.receive(report, self.now_us, self.now_us)).commands  # type: ignore[arg-type]
        return sent

    def order(self, order_id: int) -> Order:
        return self.accounts.orders[order_id]


def execution(order_id: int, lots: str = "0.10", name: str = "e1") -> Executed:
    return Executed(
        client_id("text", EPOCH, order_id), "V1", name, "t1", "100.0", lots, "taker", "0.1", "BNB"
    )


def placed() -> tuple[Gateway, int]:
    gateway = Gateway()
    gateway.receive(LinkUp())
    order_id = gateway.intend("buy", 10, 200)
    (command,) = gateway.place(order_id).commands
    assert isinstance(command, PlaceOrder)
    return gateway, order_id


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_at_the_end_both_sides_agree(seed: int) -> None:
    rng, gateway = Random(seed), Gateway()
    venue = RemoteVenue(OWN, {"BTC": 100_000, "USDT": 10**8, "BNB": 10**6}, rng)
    gateway.receive(LinkUp())
    for _ in range(120):
        live = [one for one in gateway.accounts.orders.values() if one.state in OPEN]
        resting = [one for one in venue.orders.values() if one.state == "open"]
        chance = rng.randrange(12)
        if chance < 2:
            order_id = gateway.intend(
                rng.choice(["buy", "sell"]), rng.randrange(1, 9), rng.randrange(190, 210)
            )
            if rng.random() < 0.1:  # killed between intent and send
                venue.send(gateway.kill().commands)
                venue.send(gateway.done(gateway.remote.receive(LinkUp(), gateway.now_us, 0)).commands)
            else:
                venue.send(gateway.place(order_id).commands)
        elif chance == 2 and live:
            venue.send(gateway.cancel(rng.choice(live).order_id).commands)
        elif chance == 3 and resting:
            order = rng.choice(resting)
            venue.fill(order, rng.randrange(1, order.lots - order.filled + 1))
        elif chance == 4 and rng.random() < 0.3:
            venue.send(gateway.kill(by_snapshot=rng.random() < 0.5).commands)
            venue.send(gateway.done(gateway.remote.receive(LinkUp(), gateway.now_us, 0)).commands)
        elif chance == 5 and rng.random() < 0.3:
            for is_up in (False, True):
                venue.send(
                    gateway.done(gateway.remote.receive(venue.link(is_up=is_up), gateway.now_us, 0)).commands
                )
        elif chance < 8 and venue.arriving:
            venue.arrive(rng.randrange(len(venue.arriving)))
        elif chance < 10 and venue.reports:
            report = venue.report()
            if report is not None:
                venue.send(gateway.done(gateway.remote.receive(report, gateway.now_us, 0)).commands)
        else:
            venue.send(gateway.wait(rng.randrange(1, 3_000_000)).commands)
    settle(gateway, venue)
    check(gateway, venue)


def settle(gateway: Gateway, venue: RemoteVenue) -> None:
    """Let everything arrive that still comes, and the gateway ask what it wants to know."""
    venue.faults = False
    for _ in range(60):
        while venue.arriving or venue.reports:
            while venue.arriving:
                venue.arrive(0)
            while venue.reports:
                report = venue.report()
                assert report is not None
                venue.send(gateway.done(gateway.remote.receive(report, gateway.now_us, 0)).commands)
        venue.send(gateway.wait(3_000_000).commands)


def check(gateway: Gateway, venue: RemoteVenue) -> None:
    accounts = gateway.accounts
    assert not accounts.remote.quarantine, accounts.remote.quarantine
    assert len(venue.arrived) == len(set(venue.arrived)), "an order was sent twice"
    for order in accounts.orders.values():
        theirs = venue.orders.get(client_id("text", EPOCH, order.order_id))
        if theirs is None:
            assert order.state in ("rejected", "cancelled"), order
            assert order.filled_lots == 0
            continue
        states = {"open": ("new", "partially_filled"), "filled": ("filled",), "cancelled": ("cancelled",)}
        assert order.state in states[theirs.state], (order, theirs)
        assert order.filled_lots == theirs.filled
        booked = accounts.remote.index.orders[order.order_id].executions
        assert sorted(booked) == sorted(one.execution_id for one in theirs.executions)
    known = accounts.by_name["ann"]
    assert known.balances["rem:BTC"].total == venue.money["BTC"] * 10**6
    assert known.balances["rem:USDT"].total == venue.money["USDT"] * 5 * 10**5
    assert known.balances["rem:BNB"].total == venue.money["BNB"] * 10**5
    opened = [order for order in accounts.orders.values() if order.state in OPEN]
    for side, asset in (("buy", "rem:USDT"), ("sell", "rem:BTC")):
        assert known.balances[asset].held == sum(one.held for one in opened if one.ticket.side == side)
    assert all(accounts.ledger.sum(asset, accounts.holders()) == 0 for asset in known.balances)
    gateway.kill()


def test_not_found_is_believed_after_enough_misses_over_enough_time() -> None:
    gateway, order_id = placed()
    name = client_id("text", EPOCH, order_id)
    gateway.receive(PlaceAnswer(name, "unknown"))
    assert gateway.order(order_id).state == "unknown"
    misses = 0
    while gateway.order(order_id).state == "unknown":
        assert gateway.accounts.by_name["ann"].balances["rem:USDT"].held > 0
        queries = [one for one in gateway.wait(500_000).commands if isinstance(one, QueryOrder)]
        for query in queries:
            misses += 1
            gateway.receive(OrderAnswer(query.query, None))
    assert misses >= POLICY.misses
    assert gateway.now_us - 1_000_000 >= POLICY.lag_us
    assert (gateway.order(order_id).state, gateway.order(order_id).code) == (
        "rejected",
        Code.VENUE_UNAVAILABLE,
    )
    assert gateway.accounts.by_name["ann"].balances["rem:USDT"].held == 0


def test_queries_that_were_asked_before_the_venue_showed_the_order_prove_nothing() -> None:
    gateway, order_id = placed()
    name = client_id("text", EPOCH, order_id)
    gateway.receive(PlaceAnswer(name, "unknown"))
    asked: list[QueryOrder] = []
    for _ in range(200):  # their answers are late: each is given up, and asked again
        asked += [one for one in gateway.wait(POLICY.answer_us // 10).commands if isinstance(one, QueryOrder)]
    assert len(asked) > POLICY.misses
    gateway.receive(OrderSeen(name, "V1", "open", "0"))
    assert gateway.order(order_id).state == "new"
    for query in asked:
        gateway.receive(OrderAnswer(query.query, None))
    assert gateway.order(order_id).state == "new"
    assert not gateway.accounts.remote.quarantine
    (query,) = [one for one in gateway.wait(POLICY.query_us).commands if isinstance(one, QueryOrder)]
    gateway.receive(OrderAnswer(query.query, OrderSeen(name, "V1", "open", "0")))


def test_what_cannot_be_quarantines_one_order_until_it_is_released() -> None:
    gateway, order_id = placed()
    gateway.receive(execution(order_id), execution(order_id, name="e2"), execution(order_id))
    assert gateway.order(order_id).state == "filled"
    (one,) = gateway.accounts.remote.quarantine.values()
    assert (one.order_id, one.reason) == (order_id, "an execution of an order that is filled")
    gateway.kill(by_snapshot=True)
    assert list(gateway.accounts.remote.quarantine) == [one.number]
    gateway.done(gateway.remote.release(one.number, gateway.now_us, 0, is_over=False))
    assert not gateway.accounts.remote.quarantine
    gateway.kill()


def test_an_order_of_a_lost_history_is_quarantined_once_and_others_are_counted() -> None:
    gateway, _ = placed()
    lost = OrderSeen(client_id("hex", "ffffffff", 7), "V9", "open", "0")
    gateway.receive(lost, lost, msgspec.structs.replace(lost, client_id="web_123"))
    assert [one.order_id for one in gateway.accounts.remote.quarantine.values()] == [0]
    assert gateway.remote.counts == {"quarantined": 1, "foreign": 1}


def test_an_order_that_cannot_leave_is_rejected_and_a_second_command_sends_nothing() -> None:
    gateway, order_id = placed()
    assert gateway.place(order_id).commands == []
    gateway.receive(PlaceAnswer(client_id("text", EPOCH, order_id), "accepted", "V1"))
    assert gateway.place(order_id).commands == []
    offline = Gateway()
    other = offline.intend("buy", 1, 200)
    assert offline.place(other).commands == []
    assert offline.order(other).state == "rejected"


@pytest.mark.parametrize("form", ["text", "hex", "uuid"])
def test_ids_are_found_again(form: str) -> None:
    made = client_id(form, EPOCH, 10**17 - 1)  # type: ignore[arg-type]
    assert parsed(made) == (EPOCH, 10**17 - 1)
    assert len(made) == {"text": 27, "hex": 32, "uuid": 36}[form]
    assert parsed("x-" + made) is None
