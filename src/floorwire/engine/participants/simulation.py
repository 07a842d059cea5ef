"""The simulation: an exchange and all who trade on it, moved through simulated time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from floorwire.core.execution_reports import Report
from floorwire.core.market_events import BookSnapshot, MarketEvent, Quote
from floorwire.core.order_commands import Command, Place
from floorwire.core.ports import Random
from floorwire.engine.execution_reporter import refused
from floorwire.engine.matching_events import Rejected
from floorwire.engine.participants.arrivals import Arrivals
from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.informed import InformedTrader
from floorwire.engine.participants.limit_order_crowd import LimitOrderCrowd
from floorwire.engine.participants.market_access import MarketAccess, SimIds
from floorwire.engine.participants.market_maker import MarketMaker
from floorwire.engine.participants.profile import Asset, Profile
from floorwire.engine.participants.scheduler import Scheduler
from floorwire.engine.participants.takers import Takers
from floorwire.engine.participants.trend_follower import TrendFollower
from floorwire.engine.public_events import PublicEvents
from floorwire.engine.simulated_exchange import SimulatedExchange

NEVER = 1 << 62


class Simulation:
    """The same randomness, opening time, profiles and commands give the same market.

    It makes no difference in how many calls of ``run`` the time passes.
    """

    def __init__(
        self,
        profiles: Iterable[Profile],
        assets: Iterable[Asset],
        rng: Random,
        now_us: int,
        log_values: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """``log_values``: those of ``FairValues``."""
        profiles = tuple(profiles)
        self.exchange = SimulatedExchange(profile.symbol for profile in profiles)
        self._scheduler = Scheduler()
        self._fair_values = FairValues(assets, rng, log_values)
        self._rng = rng
        self._sim_ids = SimIds()
        self._market_events: list[MarketEvent] = []
        self._reports: list[Report] = []
        self._public_events: list[PublicEvents] = []
        self._markets: dict[str, MarketAccess] = {}
        self._expiry_us = NEVER
        """No order expires before this time. It may be too early: a cancelled order does not move it."""
        self._ahead_us = 0
        """How far the market's time is ahead of the date: orders expire by the date."""
        self._ran_us = now_us
        self._scheduler.schedule(self._fair_values, now_us)
        for profile in profiles:
            self._open(profile, now_us)
        self._market_events.clear()

    def _open(self, profile: Profile, now_us: int) -> None:
        """Make the participants of one market, and let them fill its book."""
        # The first trade id comes from the clock, so that ids go on rising after a restart: a market has
        # less than one trade a millisecond.
        public_events = PublicEvents(profile.symbol, self.exchange.markets[profile.symbol], now_us // 1000)
        self._public_events.append(public_events)
        market_access = MarketAccess(
            profile,
            self.exchange,
            self._scheduler,
            self._rng,
            self._sim_ids,
            public_events,
            self._market_events,
            self._reports,
        )
        market_access.last_ticks = max(1, int(market_access.fair_ticks(self._fair_values)))
        self._markets[profile.symbol] = market_access
        for rank in range(profile.makers):
            maker = MarketMaker(market_access, self._fair_values, rank)
            self._scheduler.schedule(maker, maker.act(now_us))
        crowd = LimitOrderCrowd(market_access)
        crowd.fill_book(now_us)
        for actor in (
            Arrivals(market_access, self._fair_values, crowd, Takers(market_access)),
            InformedTrader(market_access, self._fair_values),
            TrendFollower(market_access),
        ):
            self._scheduler.schedule(actor, now_us + int(self._rng.random() * profile.look_s * 1_000_000))

    def snapshots(self, now_us: int) -> list[BookSnapshot]:
        """Return the book of every market."""
        return [public_events.snapshot(now_us) for public_events in self._public_events]

    def quotes(self, now_us: int) -> list[Quote]:
        """Return the best prices of every market."""
        return [public_events.quote(now_us) for public_events in self._public_events]

    def next_us(self) -> int:
        """Return when something may happen next, in microseconds."""
        expiry_us = self._next_expiry()[0]
        return min(self._scheduler.next_us(), expiry_us)

    def _next_expiry(self) -> tuple[int, MarketAccess | None]:
        """Return when an order expires next, and where; NEVER and None where no order has an expiry."""
        due: tuple[int, MarketAccess | None] = NEVER, None
        for market_access in self._markets.values():
            expires_us = market_access.market.next_expiry_us()
            if expires_us is not None and expires_us + self._ahead_us < due[0]:
                due = expires_us + self._ahead_us, market_access
        return due

    def run(self, until_us: int) -> list[MarketEvent]:
        """Move time on to ``until_us``, itself included; return the market events, in order."""
        scheduler = self._scheduler
        due_us = scheduler.next_us()
        if due_us > until_us and self._expiry_us > until_us:  # so it is before most of the accounts' orders
            self._ran_us = until_us
            return []
        while due_us <= until_us:
            self._expire(due_us)
            scheduler.run_next()
            due_us = scheduler.next_us()
        self._expire(until_us)
        return self._pop_market_events()

    def execute(self, command: Command, now_us: int) -> list[MarketEvent]:
        """Execute an account's command in one of the markets; return the market events that it made."""
        if type(command) is Place and command.expires_us is not None:
            self._expiry_us = min(self._expiry_us, command.expires_us + self._ahead_us)
        answer = self._markets[command.symbol].submit(command, now_us)[0]
        if type(answer) is Rejected:
            self._reports.append(refused(command, answer, now_us))
        return self._pop_market_events()

    def reports(self) -> list[Report]:
        """Return what happened to orders since the last call, in order."""
        reports = self._reports.copy()
        self._reports.clear()
        return reports

    def _pop_market_events(self) -> list[MarketEvent]:
        market_events = self._market_events.copy()
        self._market_events.clear()
        return market_events

    def _expire(self, until_us: int) -> None:
        while self._expiry_us <= until_us:
            self._expiry_us, market_access = self._next_expiry()
            if market_access is not None and self._expiry_us <= until_us:
                market_access.expire(self._expiry_us - self._ahead_us, max(self._expiry_us, self._ran_us))
        self._ran_us = until_us

    def date(self, ahead_us: int) -> None:
        """Be so far ahead of the date from now on."""
        if ahead_us != self._ahead_us:
            self._ahead_us = ahead_us
            self._expiry_us = 0  # look again

    def postpone(self, by_us: int) -> None:
        """Let ``by_us`` microseconds pass in which no participant acts."""
        self._scheduler.postpone(by_us)
