"""A simulated market without participants, on an exchange that can be halted."""

from __future__ import annotations

from math import log
from random import Random

from floorwire.core.codes import Code
from floorwire.core.instrument import Side
from floorwire.core.market_events import MarketEvent
from floorwire.core.order_commands import Amend, Command, Place
from floorwire.engine.book_side import RestingOrder
from floorwire.engine.matching_events import MatchingEvent, Rejected
from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.market_access import MarketAccess, SimIds
from floorwire.engine.participants.profile import Asset, Profile
from floorwire.engine.participants.scheduler import Scheduler
from floorwire.engine.public_events import PublicEvents
from floorwire.engine.simulated_exchange import SimulatedExchange

S = "BTC-USDT"
PROFILE = Profile(
    symbol=S, price="1000", tick_size="0.5", lot_size="0.001", trade_size="0.1", arrivals=5, crowd=150
)
ACCOUNT = 1


class HaltedExchange(SimulatedExchange):
    """An exchange that keeps the commands it was sent. While halted it accepts only cancels."""

    halted = False

    def __init__(self) -> None:
        super().__init__([S])
        self.sent: list[Command] = []

    def execute(self, command: Command) -> list[MatchingEvent]:
        self.sent.append(command)
        if self.halted and isinstance(command, Place | Amend):
            return [Rejected(command.order_id, Code.MARKET_HALTED)]
        return super().execute(command)


class SimMarket:
    """One market, and an account that trades in it."""

    def __init__(self, profile: Profile = PROFILE, seed: int = 1) -> None:
        self.exchange = HaltedExchange()
        self.rng = Random(seed)
        self.scheduler = Scheduler()
        self.market_events: list[MarketEvent] = []
        self.fair_values = FairValues([Asset("BTC", 0.5, 1.0)], self.rng)
        public_events = PublicEvents(S, self.exchange.markets[S], 0)
        self.market_access = MarketAccess(
            profile, self.exchange, self.scheduler, self.rng, SimIds(), public_events, self.market_events, []
        )
        self.market = self.market_access.market
        self._last_id = 0

    def buy(self, lots: int, price_ticks: int | None) -> int:
        """Send an account's order; return its id."""
        return self._submit("buy", lots, price_ticks)

    def sell(self, lots: int, price_ticks: int | None) -> int:
        """Send an account's order; return its id."""
        return self._submit("sell", lots, price_ticks)

    def set_fair_value(self, ratio: float) -> None:
        """Set the fair value to so many times the opening price."""
        self.fair_values._values["BTC"].log_value = log(ratio)

    def orders_of(self, owner: int) -> dict[Side, list[RestingOrder]]:
        """Return an owner's resting orders, best first."""
        market = self.market
        return {
            "buy": [order for order in market.bids if order.owner == owner],
            "sell": [order for order in market.asks if order.owner == owner],
        }

    def _submit(self, side: Side, lots: int, price_ticks: int | None) -> int:
        self._last_id += 1
        self.market_access.submit(Place(S, self._last_id, ACCOUNT, side, lots, price_ticks), 0)
        return self._last_id
