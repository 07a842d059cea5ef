"""What simulated participants use to see one market and to trade in it."""

from __future__ import annotations

from typing import Protocol

from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Side
from floorwire.core.market_events import MarketEvent
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.core.ports import Random
from floorwire.engine.execution_reporter import ExecutionReporter
from floorwire.engine.matching_events import Accepted, MatchingEvent, Rejected, TradeMatched
from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.profile import Profile
from floorwire.engine.participants.scheduler import Scheduler
from floorwire.engine.participants.sizes import Sizes
from floorwire.engine.public_events import PublicEvents
from floorwire.engine.simulated_exchange import SimulatedExchange


class SimIds:
    """Ids of simulated orders and owners. They count down from -1, because accounts' ids count up from 1."""

    def __init__(self) -> None:
        self._last_order_id = 0
        self._last_owner = 0

    def next_order_id(self) -> int:
        """Return an order id that was never used."""
        self._last_order_id -= 1
        return self._last_order_id

    def next_owner(self) -> int:
        """Return an owner that was never used."""
        self._last_owner -= 1
        return self._last_owner


class FillListener(Protocol):
    """A participant that is called at each fill of its resting orders."""

    def on_fill(self, match: TradeMatched) -> None:
        """Account for a fill. Must not send a command: the events of another are being delivered."""
        ...


class TradeListener(Protocol):
    """A participant that is called after each command that traded."""

    def on_trade(self, price_ticks: int, now_us: int) -> None:
        """Learn the last price at which a command traded. Must not send a command."""
        ...


class MarketAccess:
    """Sends the participants' commands to one market, and delivers the results to them and the public."""

    def __init__(
        self,
        profile: Profile,
        exchange: SimulatedExchange,
        scheduler: Scheduler,
        rng: Random,
        sim_ids: SimIds,
        public_events: PublicEvents,
        market_events: list[MarketEvent],
        reports: list[Report],
    ) -> None:
        """Append what the market shows to ``market_events``, and what happens to orders to ``reports``."""
        self.profile = profile
        self.scheduler = scheduler
        self.rng = rng
        self.sim_ids = sim_ids
        self.public_events = public_events
        self.opening_ticks = profile.instrument("").price.floor(profile.price)
        self.sizes = Sizes(profile, rng)
        self.last_ticks = self.opening_ticks
        """The price of the last trade, or the opening price before the first."""
        self.fill_listeners: dict[int, FillListener] = {}
        """By owner."""
        self.trade_listeners: list[TradeListener] = []
        self.market = exchange.markets[profile.symbol]
        self._exchange = exchange
        self._market_events = market_events
        self._reports = reports
        self._reporter = ExecutionReporter(public_events.first_trade)

    # --- prices -------------------------------------------------------------------------------------

    def best_prices(self) -> tuple[int, int]:
        """Return best bid and best ask in ticks.

        An empty side counts as one tick from the other side, or from the last price where both are empty.
        """
        bid, ask = self.market.bids.keys, self.market.asks.keys
        if bid and ask:
            return bid[-1], -ask[-1]
        if bid:
            return bid[-1], bid[-1] + 1
        if ask:
            return -ask[-1] - 1, -ask[-1]
        return self.last_ticks - 1, self.last_ticks + 1

    def fair_ticks(self, fair_values: FairValues) -> float:
        """Return the fair price in ticks."""
        return self.opening_ticks * fair_values.ratio(self.profile.base, self.profile.quote)

    # --- orders -------------------------------------------------------------------------------------

    def place_post_only(self, owner: int, side: Side, lots: int, price_ticks: int, now_us: int) -> int:
        """Place a post-only order; return its id, or 0 where the exchange refused it."""
        order_id = self.sim_ids.next_order_id()
        place = Place(self.profile.symbol, order_id, owner, side, lots, price_ticks, "gtc", True)
        accepted = type(self.submit(place, now_us)[0]) is Accepted
        return order_id if accepted else 0

    def take_liquidity(
        self,
        owner: int,
        side: Side,
        lots: int,
        price_ticks: int | None,
        now_us: int,
        time_in_force: TimeInForce = "ioc",
    ) -> int:
        """Trade at once at the price or better, None: at any price. Return how many lots were traded."""
        order_id = self.sim_ids.next_order_id()
        place = Place(self.profile.symbol, order_id, owner, side, lots, price_ticks, time_in_force)
        events = self.submit(place, now_us)
        return sum(event.lots for event in events if type(event) is TradeMatched)

    def amend_price(self, order_id: int, price_ticks: int, now_us: int) -> bool:
        """Move a resting order to another price; return whether the exchange accepted it."""
        amend = Amend(self.profile.symbol, order_id, price_ticks)
        return type(self.submit(amend, now_us)[0]) is not Rejected

    def cancel(self, order_id: int, now_us: int) -> None:
        """Cancel an order. Does nothing where it no longer rests."""
        self.submit(Cancel(self.profile.symbol, order_id), now_us)

    def submit(self, command: Command, now_us: int) -> list[MatchingEvent]:
        """Execute a participant's or an account's command in this market, and deliver its events."""
        events = self._exchange.execute(command)
        self._deliver(events, now_us)
        return events

    def expire(self, wall_us: int, now_us: int) -> None:
        """End the orders that were good until this date, and deliver the events.

        It is ``now_us`` in the market's time.
        """
        self._deliver(self.market.expire(wall_us), now_us)

    def _deliver(self, events: list[MatchingEvent], now_us: int) -> None:
        self._reports += self._reporter.report(events, now_us)
        self._market_events += self.public_events.market_events(events, now_us)
        traded = False
        for event in events:
            if type(event) is TradeMatched:
                traded = True
                self.last_ticks = event.price_ticks
                listener = self.fill_listeners.get(event.maker_owner)
                if listener is not None:
                    listener.on_fill(event)
        if traded:
            for trade_listener in self.trade_listeners:
                trade_listener.on_trade(self.last_ticks, now_us)
