"""The simulation: an exchange with everybody who trades on it, moved through time."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.commands import Command, Place
from floorwire.core.market import BookSnapshot, MarketEvent, Quote
from floorwire.core.ports import Random
from floorwire.core.reports import Report
from floorwire.engine.events import Rejected
from floorwire.engine.exchange import Exchange
from floorwire.engine.participants.agenda import Agenda
from floorwire.engine.participants.arrivals import Arrivals
from floorwire.engine.participants.crowd import Crowd
from floorwire.engine.participants.informed import Informed
from floorwire.engine.participants.maker import Maker
from floorwire.engine.participants.numbers import Numbers
from floorwire.engine.participants.opinion import Opinion
from floorwire.engine.participants.pit import Pit
from floorwire.engine.participants.profile import Asset, Profile
from floorwire.engine.participants.taker import Takers
from floorwire.engine.participants.trend import TrendFollower
from floorwire.engine.reporter import refused
from floorwire.engine.tape import Tape

NEVER = 1 << 62


class Simulation:
    """What happens depends on the randomness, the opening time and the profiles; not on how it is cut."""

    def __init__(
        self, profiles: Iterable[Profile], assets: Iterable[Asset], rng: Random, now_us: int
    ) -> None:
        profiles = tuple(profiles)
        self.exchange = Exchange(profile.symbol for profile in profiles)
        self._agenda = Agenda()
        self._opinion = Opinion(assets, rng)
        self._rng = rng
        self._numbers = Numbers()
        self._shown: list[MarketEvent] = []
        self._told: list[Report] = []
        self._tapes: list[Tape] = []
        self._pits: dict[str, Pit] = {}
        self._expiry_us = NEVER
        """No order expires before."""
        self._ahead_us = 0
        """How far the market's time is ahead of the date: orders expire by the date."""
        self._ran_us = now_us
        self._agenda.enter(self._opinion, now_us)
        for profile in profiles:
            self._open(profile, now_us)
        self._shown.clear()

    def _open(self, profile: Profile, now_us: int) -> None:
        """Let the participants of one market in, and let them fill its book."""
        # Trade ids go on rising where a simulation is opened anew: fewer than one trade a millisecond.
        tape = Tape(profile.symbol, self.exchange.markets[profile.symbol], now_us // 1000)
        self._tapes.append(tape)
        pit = Pit(
            profile, self.exchange, self._agenda, self._rng, self._numbers, tape, self._shown, self._told
        )
        self._pits[profile.symbol] = pit
        for rank in range(profile.makers):
            maker = Maker(pit, self._opinion, rank)
            self._agenda.enter(maker, maker.act(now_us))
        crowd = Crowd(pit)
        crowd.open(now_us)
        for actor in (
            Arrivals(pit, self._opinion, crowd, Takers(pit)),
            Informed(pit, self._opinion),
            TrendFollower(pit),
        ):
            self._agenda.enter(actor, now_us + int(self._rng.random() * profile.look_s * 1_000_000))

    def snapshots(self, now_us: int) -> list[BookSnapshot]:
        """Return every book."""
        return [tape.snapshot(now_us) for tape in self._tapes]

    def quotes(self, now_us: int) -> list[Quote]:
        """Return every market's best prices."""
        return [tape.quote(now_us) for tape in self._tapes]

    def next_us(self) -> int:
        """Return when something may happen next."""
        expiry_us = self._next_expiry()[0]
        return min(self._agenda.next_us(), expiry_us)

    def _next_expiry(self) -> tuple[int, Pit | None]:
        """Return when an order expires next, and where."""
        due: tuple[int, Pit | None] = NEVER, None
        for pit in self._pits.values():
            expires_us = pit.market.next_expiry_us()
            if expires_us is not None and expires_us + self._ahead_us < due[0]:
                due = expires_us + self._ahead_us, pit
        return due

    def run(self, until_us: int) -> list[MarketEvent]:
        """Return all that is shown up to and at this time, in order."""
        while self._agenda.next_us() <= until_us:
            self._expire(self._agenda.next_us())
            self._agenda.run_next()
        self._expire(until_us)
        return self._flush()

    def execute(self, command: Command, now_us: int) -> list[MarketEvent]:
        """Execute an account's command in a market that there is; return what is shown of it."""
        if type(command) is Place and command.expires_us is not None:
            self._expiry_us = min(self._expiry_us, command.expires_us + self._ahead_us)
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
            self._expiry_us, pit = self._next_expiry()
            if pit is not None and self._expiry_us <= until_us:
                pit.expire(self._expiry_us - self._ahead_us, max(self._expiry_us, self._ran_us))
        self._ran_us = until_us

    def date(self, ahead_us: int) -> None:
        """Be so far ahead of the date from now on."""
        if ahead_us != self._ahead_us:
            self._ahead_us = ahead_us
            self._expiry_us = 0  # look again

    def postpone(self, by_us: int) -> None:
        """Let time pass in which nothing happens."""
        self._agenda.postpone(by_us)
