"""Positions over several instruments of one asset: each change is an event, and no unit is bought twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from floorwire.core.account_events import AccountEntry, OrderFilled, Position, PositionsChanged, Seqs
from floorwire.core.instrument import Instrument, Side
from floorwire.core.orders import OrderTicket
from floorwire.core.refusal import Refusal
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.position import after_balance
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import BTC, CROSS, ETH, RULES, Market

EUR = Instrument("ETH-EUR", "ETH", "EUR", "test", "0.05", "0.1", "1")
NOW = 1_000_000
FREE = TradingRules(limits=RULES.limits)


class TradingWorld:
    """Ann trades ETH against USDT, BTC and EUR, and BTC against USDT."""

    def __init__(self, rules: TradingRules = FREE) -> None:
        self.instruments = {one.symbol: one for one in (BTC, ETH, CROSS, EUR)}
        self.market = Market(*self.instruments.values())
        self.order_manager = OrderManager(rules, self.market.prices)
        self.entries: list[AccountEntry] = []
        self.keep(self.order_manager.list_instruments(self.instruments.values(), NOW))
        self.done = 0

    def keep(self, entries: Iterable[AccountEntry]) -> None:
        self.entries += entries

    def deposit(self, asset: str, amount: str) -> None:
        self.done += 1
        self.keep(self.order_manager.deposit("ann", asset, amount, self.done, NOW))

    def trade(self, symbol: str, side: Side, lots: int, ticks: int) -> None:
        """Let ann take so many lots at the price from somebody else. Raises Refusal."""
        other: Side = "sell" if side == "buy" else "buy"
        self.market.other(other, lots, ticks, symbol)
        self.done += 1
        ticket = OrderTicket("ann", str(self.done), symbol, side, "limit", lots, None, ticks, None, "ioc")
        try:
            decision = self.order_manager.place(ticket, moment(NOW))
        except Refusal:
            self.market.other(side, lots, ticks, symbol, ioc=True)
            raise
        self.keep(decision.entries)
        for command in decision.commands:
            self.keep(self.order_manager.settle(self.market.execute(command), NOW))

    def position(self, symbol: str) -> Position:
        return {one.symbol: one for one in self.order_manager.positions("ann")}[symbol]

    def channel(self) -> dict[str, Position]:
        """Return what a client that has read the positions channel from its first event on has."""
        had: dict[str, Position] = {}
        for entry in self.entries:
            if isinstance(entry.event, OrderFilled):
                had[entry.event.position.symbol] = entry.event.position
            elif isinstance(entry.event, PositionsChanged):
                had |= {position.symbol: position for position in entry.event.positions}
        return had


def test_what_is_sold_in_another_instrument_leaves_the_position() -> None:
    world = TradingWorld()
    world.deposit("USDT", "10000")
    world.trade(ETH.symbol, "buy", 10, 40_000)  # 1 ETH for 2,000
    world.trade(CROSS.symbol, "sell", 10, 3_000)
    gone = world.channel()[ETH.symbol]
    assert (gone.quantity, gone.bought, gone.cost, gone.realised) == (0, 0, 0, 0)
    assert world.position(ETH.symbol) == gone
    world.trade(ETH.symbol, "buy", 10, 20_000)  # 1 ETH for 1,000, and sold for as much: nothing is realised
    world.trade(ETH.symbol, "sell", 10, 20_000)
    assert world.position(ETH.symbol).realised == 0
    assert world.position(CROSS.symbol).quantity == 0


def test_a_deposit_and_a_payment_change_the_position_of_their_asset() -> None:
    world = TradingWorld()
    world.deposit("USDT", "1000")
    world.trade(BTC.symbol, "buy", 100, 200)  # 1 BTC for 100
    world.deposit("BTC", "2")
    assert world.channel()[BTC.symbol].quantity == 3 * 10**8
    world.trade(CROSS.symbol, "buy", 10, 250_000)  # 1 ETH for 2.5 BTC: both that were deposited leave first
    paid = world.channel()[BTC.symbol]
    assert (paid.quantity, paid.bought, paid.cost) == (50_000_000, 50_000_000, 50 * 10**8)
    assert world.position(BTC.symbol) == paid


def test_a_journal_that_lacks_these_events_is_put_right_when_it_is_opened() -> None:
    world = TradingWorld()
    world.deposit("USDT", "10000")
    world.trade(ETH.symbol, "buy", 10, 40_000)
    world.trade(CROSS.symbol, "sell", 10, 3_000)
    old = OrderManager(FREE, world.market.prices)
    for entry in world.entries:
        if not isinstance(entry.event, PositionsChanged):
            old.apply(entry.event)
    before = old.seqs("ann").positions
    (entry,) = old.correct_positions(NOW)
    assert isinstance(entry.event, PositionsChanged)
    assert entry.seqs.positions == before + 1
    assert old.positions("ann") == world.order_manager.positions("ann")
    assert old.correct_positions(NOW) == []
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=AccountEntry) == entry
    back = OrderManager.restored(old.snapshot(), FREE, world.market.prices)
    assert back.correct_positions(NOW) == []


def test_what_leaves_several_instruments_leaves_in_proportion_at_its_cost() -> None:
    positions = [Position("A", 10, 4, 7, 5, 8, 8), Position("B", 10, 6, 60, 0, 8, 8)]
    assert after_balance(positions, 10) == []
    assert after_balance(positions, 5) == [
        Position("A", 5, 2, 4, 5, 8, 8),
        Position("B", 5, 3, 30, 0, 8, 8),
    ]
    assert after_balance(positions, 11) == [
        Position("A", 11, 4, 7, 5, 8, 8),
        Position("B", 11, 6, 60, 0, 8, 8),
    ]


@dataclass
class Bought:
    """What is left of what was bought in one instrument, and what its sales made."""

    units: int = 0
    cost: int = 0
    realised: int = 0


class Reckoning:
    """Positions worked out from fills and deposits alone, by the written rule (docs/orders.md)."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.instruments = {one.symbol: one for one in instruments}
        self.has: dict[str, int] = defaultdict(int)
        self.bought: dict[str, Bought] = {}

    def leave(self, asset: str, units: int) -> None:
        """Let units go, of what was bought nowhere first."""
        self.has[asset] -= units
        here = [
            self.bought[symbol]
            for symbol in sorted(self.bought)
            if self.instruments[symbol].base == asset and self.bought[symbol].units
        ]
        missing = sum(one.units for one in here) - self.has[asset]
        for at, one in enumerate(here):
            if missing <= 0:
                return
            among = sum(later.units for later in here[at:])
            gone, rest = divmod(missing * one.units, among)
            gone += rest > 0
            kept, rest = divmod(one.cost * (one.units - gone), one.units)
            one.units, one.cost, missing = one.units - gone, kept + (rest > 0), missing - gone

    def fill(self, symbol: str, side: Side, base: int, quote: int, fee: int) -> None:
        instrument = self.instruments[symbol]
        own = self.bought.setdefault(symbol, Bought())
        if side == "buy":
            self.has[instrument.base] += base
            own.units, own.cost = own.units + base, own.cost + quote
            self.leave(instrument.quote, quote + fee)
            return
        sold = min(base, own.units)
        if sold:
            cost, rest = divmod(own.cost * sold, own.units)
            cost += rest > 0
            own.realised += quote * sold // base - cost
            own.units, own.cost = own.units - sold, own.cost - cost
        self.leave(instrument.base, base)
        self.has[instrument.quote] += quote
        self.leave(instrument.quote, fee)


class Positions(RuleBasedStateMachine):
    """Deposits, and trades in all four instruments, at prices that move."""

    @initialize()
    def open(self) -> None:
        self.world = TradingWorld(TradingRules(limits=RULES.limits, maker_ppm=1_111, taker_ppm=3_333))
        self.reckoning = Reckoning(self.world.instruments.values())
        self.seen = 0
        for asset, amount in (("USDT", 20_000), ("EUR", 20_000), ("BTC", 1)):
            self.deposit(asset, amount)

    @rule(asset=st.sampled_from(("BTC", "ETH", "USDT", "EUR")), amount=st.integers(1, 3))
    def deposit(self, asset: str, amount: int) -> None:
        self.world.deposit(asset, str(amount))
        self.reckoning.has[asset] += amount * 10**8

    @rule(
        symbol=st.sampled_from((BTC.symbol, ETH.symbol, CROSS.symbol, EUR.symbol)),
        side=st.sampled_from(("buy", "sell", "sell")),
        lots=st.integers(1, 40),
        away=st.integers(-9, 9),
    )
    def trade(self, symbol: str, side: Side, lots: int, away: int) -> None:
        middle = {BTC.symbol: 80_000, ETH.symbol: 40_000, CROSS.symbol: 5_000, EUR.symbol: 36_000}[symbol]
        try:
            self.world.trade(symbol, side, lots, middle + away * middle // 100)
        except Refusal:
            return

    @rule()
    def restart(self) -> None:
        world = self.world
        world.order_manager = OrderManager.restored(
            world.order_manager.snapshot(), TradingRules(RULES.limits, 1_111, 3_333), world.market.prices
        )
        assert world.order_manager.correct_positions(NOW) == []

    @invariant()
    def positions_and_their_channel_are_what_fills_and_deposits_make(self) -> None:
        for entry in self.world.entries[self.seen :]:
            if isinstance(fill := entry.event, OrderFilled):
                instrument = self.reckoning.instruments[fill.order.ticket.symbol]
                lot = 10 ** (8 - instrument.size.decimals)
                tick = instrument.price.step * 10 ** (
                    8 - instrument.price.decimals - instrument.size.decimals
                )
                quote = fill.price_ticks * fill.lots * tick
                self.reckoning.fill(instrument.symbol, fill.side, fill.lots * lot, quote, fill.fee)
        self.seen = len(self.world.entries)
        expected = {
            symbol: (
                self.reckoning.has[self.reckoning.instruments[symbol].base],
                one.units,
                one.cost,
                one.realised,
            )
            for symbol, one in self.reckoning.bought.items()
        }
        for told in (
            self.world.channel(),
            {one.symbol: one for one in self.world.order_manager.positions("ann")},
        ):
            assert expected == {
                symbol: (one.quantity, one.bought, one.cost, one.realised) for symbol, one in told.items()
            }
        for symbol, one in self.reckoning.bought.items():
            assert one.units or not one.cost, symbol

    @invariant()
    def each_message_has_the_next_seq(self) -> None:
        last = Seqs()
        for entry in self.world.entries:
            if entry.event.account == "ann":
                on = isinstance(entry.event, OrderFilled | PositionsChanged)
                assert entry.seqs.positions == last.positions + on
                last = entry.seqs


TestPositions = Positions.TestCase
TestPositions.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
