"""The pit: one market, and what everybody who stands around it may see and do."""

from __future__ import annotations

from typing import Protocol

from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Side
from floorwire.core.market_events import MarketEvent
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.core.ports import Random
from floorwire.engine.exchange import Exchange
from floorwire.engine.execution_reporter import ExecutionReporter
from floorwire.engine.matching_events import Accepted, Event, Rejected, TradeMatched
from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.profile import Profile
from floorwire.engine.participants.scheduler import Scheduler
from floorwire.engine.participants.sim_ids import SimIds
from floorwire.engine.participants.sizes import Sizes
from floorwire.engine.tape import MarketTape


class OrderOwner(Protocol):
    """A participant that wants to know what its resting orders became."""

    def filled(self, match: TradeMatched) -> None:
        """Note a fill of an own resting order. Sends no command: another's is still being told of."""
        ...


class TapeReader(Protocol):
    """A participant that reads the tape."""

    def saw(self, price_ticks: int, now_us: int) -> None:
        """Note that a command traded, last at this price. Sends no command."""
        ...


class MarketAccess:
    """Sends commands to the market and tells participants and the tape what came of them."""

    def __init__(
        self,
        profile: Profile,
        exchange: Exchange,
        scheduler: Scheduler,
        rng: Random,
        numbers: SimIds,
        tape: MarketTape,
        shown: list[MarketEvent],
        told: list[Report],
    ) -> None:
        self.profile = profile
        self.scheduler = scheduler
        self.rng = rng
        self.numbers = numbers
        self.tape = tape
        self.opening_ticks = profile.instrument("").price.floor(profile.price)
        self.sizes = Sizes(profile, rng)
        self.last_ticks = self.opening_ticks
        self.owners: dict[int, OrderOwner] = {}
        self.watchers: list[TapeReader] = []
        self.market = exchange.markets[profile.symbol]
        self._exchange = exchange
        self._shown = shown
        self._told = told
        self._reporter = ExecutionReporter(tape.first_trade)

    # --- to see -------------------------------------------------------------------------------------

    def touch(self) -> tuple[int, int]:
        """Return best bid and ask in ticks; next to the other side or the last price where one is empty."""
        bid, ask = self.market.bids.keys, self.market.asks.keys
        if bid and ask:
            return bid[-1], -ask[-1]
        if bid:
            return bid[-1], bid[-1] + 1
        if ask:
            return -ask[-1] - 1, -ask[-1]
        return self.last_ticks - 1, self.last_ticks + 1

    def value(self, fair_values: FairValues) -> float:
        """Return what the opinion holds for the right price, in ticks."""
        return self.opening_ticks * fair_values.value(self.profile.base, self.profile.quote)

    # --- to do --------------------------------------------------------------------------------------

    def rest(self, owner: int, side: Side, lots: int, price_ticks: int, now_us: int) -> int:
        """Leave a post-only order; return its id, 0 where the exchange refused it."""
        order_id = self.numbers.order()
        place = Place(self.profile.symbol, order_id, owner, side, lots, price_ticks, "gtc", True)
        accepted = type(self.submit(place, now_us)[0]) is Accepted
        return order_id if accepted else 0

    def take(
        self,
        owner: int,
        side: Side,
        lots: int,
        price_ticks: int | None,
        now_us: int,
        time_in_force: TimeInForce = "ioc",
    ) -> int:
        """Take at once what there is at the price or better; return how many lots that was."""
        order_id = self.numbers.order()
        place = Place(self.profile.symbol, order_id, owner, side, lots, price_ticks, time_in_force)
        events = self.submit(place, now_us)
        return sum(event.lots for event in events if type(event) is TradeMatched)

    def move(self, order_id: int, price_ticks: int, now_us: int) -> bool:
        """Move a resting order to another price; return whether it could."""
        amend = Amend(self.profile.symbol, order_id, price_ticks)
        return type(self.submit(amend, now_us)[0]) is not Rejected

    def pull(self, order_id: int, now_us: int) -> None:
        """Take a resting order back, where it still rests."""
        self.submit(Cancel(self.profile.symbol, order_id), now_us)

    def submit(self, command: Command, now_us: int) -> list[Event]:
        """Execute anybody's command for this market, and let everybody know."""
        events = self._exchange.execute(command)
        self._tell(events, now_us)
        return events

    def expire(self, now_us: int) -> None:
        """Let the orders go that were good until now."""
        self._tell(self.market.expire(now_us), now_us)

    def _tell(self, events: list[Event], now_us: int) -> None:
        self._told += self._reporter.report(events, now_us)
        self._shown += self.tape.record(events, now_us)
        traded = False
        for event in events:
            if type(event) is TradeMatched:
                traded = True
                self.last_ticks = event.price_ticks
                owner = self.owners.get(event.maker_owner)
                if owner is not None:
                    owner.filled(event)
        if traded:
            for watcher in self.watchers:
                watcher.saw(self.last_ticks, now_us)
