"""The simulation: an exchange with everybody who trades on it, moved through time."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.execution_reports import Report
from floorwire.core.market_events import BookSnapshot, MarketEvent, Quote
from floorwire.core.order_commands import Command, Place
from floorwire.core.ports import Random
from floorwire.engine.exchange import Exchange
from floorwire.engine.execution_reporter import refused
from floorwire.engine.matching_events import Rejected
from floorwire.engine.participants.arrivals import Arrivals
from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.informed import Informed
from floorwire.engine.participants.limit_order_crowd import LimitOrderCrowd
from floorwire.engine.participants.market_access import MarketAccess
from floorwire.engine.participants.market_maker import MarketMaker
from floorwire.engine.participants.profile import Asset, Profile
from floorwire.engine.participants.scheduler import Scheduler
from floorwire.engine.participants.sim_ids import SimIds
from floorwire.engine.participants.takers import Takers
from floorwire.engine.participants.trend_follower import TrendFollower
from floorwire.engine.tape import MarketTape

NEVER = 1 << 62


class Simulation:
    """What happens depends on the randomness, the opening time and the profiles; not on how it is cut."""

    def __init__(
        self, profiles: Iterable[Profile], assets: Iterable[Asset], rng: Random, now_us: int
    ) -> None:
        profiles = tuple(profiles)
        self.exchange = Exchange(profile.symbol for profile in profiles)
        self._scheduler = Scheduler()
        self._fair_values = FairValues(assets, rng)
        self._rng = rng
        self._numbers = SimIds()
        self._shown: list[MarketEvent] = []
        self._told: list[Report] = []
        self._tapes: list[MarketTape] = []
        self._pits: dict[str, MarketAccess] = {}
        self._expiry_us = NEVER
        """No order expires before."""
        self._scheduler.enter(self._fair_values, now_us)
        for profile in profiles:
            self._open(profile, now_us)
        self._shown.clear()

    def _open(self, profile: Profile, now_us: int) -> None:
        """Let the participants of one market in, and let them fill its book."""
        # Trade ids go on rising where a simulation is opened anew: fewer than one trade a millisecond.
        tape = MarketTape(profile.symbol, self.exchange.markets[profile.symbol], now_us // 1000)
        self._tapes.append(tape)
        market_access = MarketAccess(
            profile, self.exchange, self._scheduler, self._rng, self._numbers, tape, self._shown, self._told
        )
        self._pits[profile.symbol] = market_access
        for rank in range(profile.makers):
            maker = MarketMaker(market_access, self._fair_values, rank)
            self._scheduler.enter(maker, maker.act(now_us))
        crowd = LimitOrderCrowd(market_access)
        crowd.open(now_us)
        for actor in (
            Arrivals(market_access, self._fair_values, crowd, Takers(market_access)),
            Informed(market_access, self._fair_values),
            TrendFollower(market_access),
        ):
            self._scheduler.enter(actor, now_us + int(self._rng.random() * profile.look_s * 1_000_000))

    def snapshots(self, now_us: int) -> list[BookSnapshot]:
        """Return every book."""
        return [tape.snapshot(now_us) for tape in self._tapes]

    def quotes(self, now_us: int) -> list[Quote]:
        """Return every market's best prices."""
        return [tape.quote(now_us) for tape in self._tapes]

    def next_us(self) -> int:
        """Return when something may happen next."""
        expiry_us = self._next_expiry()[0]
        return min(self._scheduler.next_us(), expiry_us)

    def _next_expiry(self) -> tuple[int, MarketAccess | None]:
        """Return when an order expires next, and where."""
        due: tuple[int, MarketAccess | None] = NEVER, None
        for market_access in self._pits.values():
            at_us = market_access.market.next_expiry_us()
            if at_us is not None and at_us < due[0]:
                due = at_us, market_access
        return due

    def run(self, until_us: int) -> list[MarketEvent]:
        """Return all that is shown up to and at this time, in order."""
        while self._scheduler.next_us() <= until_us:
            self._expire(self._scheduler.next_us())
            self._scheduler.run_next()
        self._expire(until_us)
        return self._flush()

    def execute(self, command: Command, now_us: int) -> list[MarketEvent]:
        """Execute an account's command in a market that there is; return what is shown of it."""
        if type(command) is Place and command.expires_us is not None:
            self._expiry_us = min(self._expiry_us, command.expires_us)
        answer = self._pits[command.symbol].submit(command, now_us)[0]
        if type(answer) is Rejected:
            self._told.append(refused(command, answer, now_us))
        return self._flush()

    def reports(self) -> list[Report]:
        """Return what happened to accounts' orders since the last call, in order."""
        told = self._told.copy()
        self._told.clear()
        return told

    def _flush(self) -> list[MarketEvent]:
        shown = self._shown.copy()
        self._shown.clear()
        return shown

    def _expire(self, until_us: int) -> None:
        while self._expiry_us <= until_us:
            self._expiry_us, market_access = self._next_expiry()
            if market_access is not None and self._expiry_us <= until_us:
                market_access.expire(self._expiry_us)

    def postpone(self, by_us: int) -> None:
        """Let time pass in which nothing happens."""
        self._scheduler.postpone(by_us)
