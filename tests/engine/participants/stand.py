"""One pit to stand in, and an exchange that can be halted."""

from __future__ import annotations

from math import log
from random import Random

from floorwire.core.codes import Code
from floorwire.core.commands import Amend, Command, Place
from floorwire.core.instrument import Side
from floorwire.core.market import MarketEvent
from floorwire.engine.events import Event, Rejected
from floorwire.engine.exchange import Exchange
from floorwire.engine.levels import Order
from floorwire.engine.participants.agenda import Agenda
from floorwire.engine.participants.numbers import Numbers
from floorwire.engine.participants.opinion import Opinion
from floorwire.engine.participants.pit import Pit
from floorwire.engine.participants.profile import Asset, Profile
from floorwire.engine.tape import Tape

S = "BTC-USDT"
PROFILE = Profile(
    symbol=S, price="1000", tick_size="0.5", lot_size="0.001", trade_size="0.1", arrivals=5, crowd=150
)
ACCOUNT = 1


class HaltedExchange(Exchange):
    """An exchange that remembers what it was sent and, while halted, takes nothing but cancels."""

    halted = False

    def __init__(self) -> None:
        super().__init__([S])
        self.sent: list[Command] = []

    def execute(self, command: Command) -> list[Event]:
        self.sent.append(command)
        if self.halted and isinstance(command, Place | Amend):
            return [Rejected(command.order_id, Code.MARKET_HALTED)]
        return super().execute(command)


class Stand:
    """A pit of its own, with an account that trades in it."""

    def __init__(self, profile: Profile = PROFILE, seed: int = 1) -> None:
        self.exchange = HaltedExchange()
        self.rng = Random(seed)
        self.agenda = Agenda()
        self.shown: list[MarketEvent] = []
        self.opinion = Opinion([Asset("BTC", 0.5, 1.0)], self.rng)
        tape = Tape(S, self.exchange.markets[S], 0)
        self.pit = Pit(profile, self.exchange, self.agenda, self.rng, Numbers(), tape, self.shown, [])
        self.market = self.pit.market
        self._last_id = 0

    def buy(self, lots: int, price_ticks: int | None) -> int:
        """Send an account's order; return its id."""
        return self._place("buy", lots, price_ticks)

    def sell(self, lots: int, price_ticks: int | None) -> int:
        """Send an account's order; return its id."""
        return self._place("sell", lots, price_ticks)

    def worth(self, ratio: float) -> None:
        """Let the informed think that it is worth so many times the opening price."""
        self.opinion._beliefs["BTC"].log_value = log(ratio)

    def side_of(self, owner: int) -> dict[Side, list[Order]]:
        """Return an owner's resting orders, best first."""
        market = self.market
        return {
            "buy": [order for order in market.bids if order.owner == owner],
            "sell": [order for order in market.asks if order.owner == owner],
        }

    def _place(self, side: Side, lots: int, price_ticks: int | None) -> int:
        self._last_id += 1
        self.pit.submit(Place(S, self._last_id, ACCOUNT, side, lots, price_ticks), 0)
        return self._last_id
