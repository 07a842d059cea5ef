"""Orders that go back in turns come to the same end as in one go, whatever happens between two turns."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from floorwire.core.account_events import MassCancel
from floorwire.core.dates import Moment
from floorwire.core.instrument import Side
from floorwire.core.orders import Order, OrderTicket
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.ops.stats import DeskStats
from floorwire.trading.account_store import open_account_store
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.mass_cancels import MassCancels
from floorwire.trading.order_restore import OrderRestore
from floorwire.trading.private_fanout import PrivateFanout
from floorwire.trading.venue_router import VenueRouter
from tests.clocks import following
from tests.engine.market import BTC, ETH, RULES, Market, cancel_all, order_manager, place_again
from tests.trading.flaky import Disk

NOW_US = 1_000
SYMBOLS = (BTC.symbol, ETH.symbol)
Name = Literal["ann", "bob"]
NAMES: tuple[Name, ...] = ("ann", "bob")
PLACED = st.tuples(st.sampled_from(NAMES), st.sampled_from(SYMBOLS), st.booleans(), st.integers(0, 2))


def market_of_others() -> Market:
    """Return a market with others' orders, so that it has prices."""
    market = Market(BTC, ETH)
    for symbol in SYMBOLS:
        market.other("buy", 1, 100, symbol)
        market.other("sell", 1, 200, symbol)
    return market


class OneGo:
    """The same accounts, where all orders go back at once and each cancel is made at once."""

    def __init__(self, manager: OrderManager) -> None:
        self.market = market_of_others()
        self.manager = OrderManager.restored(manager.snapshot(), RULES, self.market.prices)
        self.execute(place_again(self.manager, SYMBOLS, NOW_US))

    def execute(self, decision: OrderDecision) -> None:
        """Carry the commands out."""
        for command in decision.commands:
            self.manager.settle(self.market.execute(command), NOW_US)


class RestoreMachine(RuleBasedStateMachine):
    """A desk's parts over a journal in memory, one order a turn; and beside it, all in one go."""

    @initialize(placed=st.lists(PLACED, max_size=12))
    def begin(self, placed: list[tuple[Name, str, bool, int]]) -> None:
        """Make accounts with open orders, whose market is gone."""
        self.patch = pytest.MonkeyPatch()
        for name in ("order_restore.PLACES_A_TURN", "order_restore.STEP", "order_restore.COLLECTED_A_STEP"):
            self.patch.setattr(f"floorwire.trading.{name}", 1)
        self.patch.setattr("floorwire.trading.mass_cancels.CANCELS_A_TURN", 1)
        self.patch.setattr("floorwire.trading.mass_cancels.EXAMINED_A_TURN", 2)
        self.patch.setattr("floorwire.trading.mass_cancels.STEP", 1)
        self.runner = asyncio.Runner()
        self.disk = Disk()
        self.clock = following(lambda: NOW_US)
        self.is_equal = True
        market = market_of_others()
        self.first = order_manager(market, BTC, ETH)
        money = [(name, asset) for name in NAMES for asset in ("USDT", "BTC", "ETH")]
        for number, (name, asset) in enumerate(money, 1):
            self.first.deposit(name, asset, "1000000", number, 0)
        for number, (name, symbol, is_buy, away) in enumerate(placed):
            side: Side = "buy" if is_buy else "sell"
            price = 110 - away if is_buy else 190 + away
            ticket = OrderTicket(name, f"n{number}", symbol, side, "limit", 10, price_ticks=price)
            self.first.place(ticket, Moment(NOW_US + number * 1_000_000, NOW_US, NOW_US), key="k")
        self.runner.run(self._start(self.first))

    async def _start(self, manager: OrderManager) -> None:
        """Start over these accounts, in a market that has none of their orders."""
        self.market = market_of_others()
        self.router = VenueRouter()
        self.router.set_venues({"test": self})
        self.router.list_instruments([BTC, ETH])
        store = open_account_store(Disk().open, RULES, self.router.prices)
        store.order_manager = OrderManager.restored(manager.snapshot(), RULES, self.router.prices)
        self.manager = store.order_manager
        fanout = PrivateFanout(self.manager.instrument_of, self.clock)
        self.committer = Committer(store, fanout, 1_000, self._fail, DeskStats())
        self.executor = DecisionExecutor(self.router, self.clock)
        self.mass_cancels = MassCancels(self.executor, self.clock)
        self.order_restore = OrderRestore(self.executor, self.router, self.mass_cancels, self.clock)
        self.one_go = OneGo(manager)
        self.order_restore.hold(self.committer, SYMBOLS)
        self.mass_cancels.resume(self.committer)
        self.order_restore.restore(self.committer, SYMBOLS)

    @staticmethod
    def _fail(error: Exception) -> None:
        raise AssertionError("nothing fails here") from error

    def execute(self, command):  # type: ignore[no-untyped-def] # VenueExecutor: the market of this start
        """Execute in the present market."""
        return self.market.execute(command)

    def prices(self, symbol: str):  # type: ignore[no-untyped-def] # as above
        """Return the present market's prices."""
        return self.market.prices(symbol)

    @property
    def is_settled(self) -> bool:
        """Whether all went back, and all mass cancels have ended."""
        return not self.router._sent_up_to and not self.manager.unfinished_mass_cancels()

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    # --- what happens between two turns ---------------------------------------------------------------

    @rule(count=st.integers(1, 12))
    def turn(self, count: int) -> None:
        """Let the loop do some turns."""
        self.runner.run(self._turns(count))

    @rule(name=st.sampled_from(NAMES), pick=st.integers(0, 20))
    def cancel(self, name: Name, pick: int) -> None:
        """Cancel one open order."""
        orders = self.manager.open_orders(name)
        if not orders:
            return
        order = orders[pick % len(orders)]

        async def cancel() -> None:
            self.executor.execute(self.committer, self.manager.cancel(order), NOW_US)

        self.runner.run(cancel())
        assert not self.manager.find(name, order.order_id).is_open
        known = self.one_go.manager.find(name, order.order_id)
        if known.is_open:
            self.one_go.execute(self.one_go.manager.cancel(known))

    @rule(account=st.sampled_from((None, *NAMES)), symbol=st.sampled_from((None, *SYMBOLS)))
    def cancel_many(self, account: str | None, symbol: str | None) -> None:
        """Begin a mass cancel."""

        async def start() -> None:
            self.mass_cancels.start(self.committer, MassCancel(account, symbol), lambda _: None)

        self.runner.run(start())
        self.one_go.execute(cancel_all(self.one_go.manager, account=account, symbol=symbol))

    @rule(symbol=st.sampled_from(SYMBOLS), is_buy=st.booleans(), lots=st.integers(1, 25))
    def others_take(self, symbol: str, is_buy: bool, lots: int) -> None:
        """Somebody trades. In one go, others may have been filled than those that are back already."""
        was_settled = self.is_settled
        side: Side = "buy" if is_buy else "sell"
        price = 195 if is_buy else 105

        async def take() -> None:
            reports = self.market.other(side, lots, price, symbol, ioc=True)
            self.committer.add_entries(self.manager.settle(reports, NOW_US))

        self.runner.run(take())
        self.one_go.manager.settle(self.one_go.market.other(side, lots, price, symbol, ioc=True), NOW_US)
        self.is_equal &= was_settled

    @rule()
    def venue_starts_again(self) -> None:
        """The venue begins anew, without any order of ours."""

        async def restore() -> None:
            self.market = market_of_others()
            self.order_restore.restore(self.committer, SYMBOLS)

        mass_cancels = self.manager.unfinished_mass_cancels()
        self.is_equal &= not mass_cancels
        self.one_go = OneGo(self.manager)
        self.runner.run(restore())

    @rule()
    def kill(self) -> None:
        """The process ends at once; the next one has what the journal has."""
        left = self.manager
        for order_id in [order.order_id for name in NAMES for order in left.open_orders(name)]:
            assert left.find(_owner(left, order_id), order_id).is_open
        self.runner.close()
        self.runner = asyncio.Runner()
        self.runner.run(self._start(left))
        for started in left.unfinished_mass_cancels():
            of = started.mass_cancel
            self.one_go.execute(cancel_all(self.one_go.manager, account=of.account, symbol=of.symbol))
        self.is_equal = True

    # --- what holds --------------------------------------------------------------------------------------

    @invariant()
    def the_market_has_open_orders_only_and_in_their_order(self) -> None:
        """No order is there that is closed, and none twice; at one price the oldest is the first."""
        for symbol in SYMBOLS:
            market = self.market.exchange.markets[symbol]
            for order_id, resting in market.orders.items():
                if order_id > 0:
                    order = self.manager.find(_owner(self.manager, order_id), order_id)
                    assert order.left_lots == resting.open_lots
        assert self.manager.conserved()

    def teardown(self) -> None:
        """In the end all open orders are in the market, and all is as in one go."""
        if not hasattr(self, "runner"):
            return
        for _ in range(500):
            self.runner.run(self._turns(2))
            if self.is_settled:
                break
        assert self.is_settled, "it comes to an end"
        for symbol in SYMBOLS:
            market = self.market.exchange.markets[symbol]
            there = {order_id for order_id in market.orders if order_id > 0}
            assert there == {
                order.order_id
                for name in NAMES
                for order in self.manager.open_orders(name)
                if order.ticket.symbol == symbol
            }
        if self.is_equal:
            self._check_equal()
        self.runner.close()
        self.patch.undo()

    def _check_equal(self) -> None:
        other = self.one_go.manager
        for name in NAMES:
            assert self.manager.open_orders(name) == other.open_orders(name)
            assert self.manager.balances(name) == other.balances(name)
            assert self.manager.positions(name) == other.positions(name)
        for symbol in SYMBOLS:
            mine, theirs = (one.exchange.markets[symbol] for one in (self.market, self.one_go.market))
            assert _resting(mine.bids) == _resting(theirs.bids)
            assert _resting(mine.asks) == _resting(theirs.asks)


def _owner(manager: OrderManager, order_id: int) -> str:
    order: Order = manager._accounts.orders[order_id]
    return order.ticket.account


def _resting(side) -> list[tuple[int, int]]:  # type: ignore[no-untyped-def] # BookSide or what it yields
    return [(order.order_id, order.open_lots) for order in side]


TestRestore = RestoreMachine.TestCase
TestRestore.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
