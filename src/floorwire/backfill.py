"""Backfill: asks venues for candles of their past, where market history has holes.

    a hole ends --> waiting --> fetching --> filled (what is left of the minute: at its end)
                       ^            |
                       '-- later <--'-- given up

What has to be fetched is what market history lacks, so nothing is kept here that a restart could lose. Each
venue has one request at a time, of one symbol after another, with what its rate limit has to spare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

import structlog

from floorwire.clock import Clock
from floorwire.core.candle_intervals import DAY_US, MINUTE_US
from floorwire.core.market_history import MOST_US, HistoryUnavailableError
from floorwire.core.past_candles import PastEnded, PastPage, PastWanted
from floorwire.history.candle_filling import SETTLED_US, Missing
from floorwire.ops.stats import BackfillFigures

POLL_S: Final = 0.5
"""How often it looks which holes have ended."""
MOST_WAITING: Final = 10_000
"""So many symbols of a venue may wait. Others are fetched when their next hole ends."""
STALLED_S: Final = 120.0
"""A venue that says nothing for this long was started again, or its exchange has banned this address."""
GIVEN_UP_US: Final = 1_800_000_000
"""So long after a venue gave up it is asked again."""
LATE_US: Final = 2_000_000
"""So much longer than necessary it waits for the end of a minute: the venue's clock may be behind."""
MINUTES: Final = "1m"

log = structlog.get_logger("floorwire.backfill")


class PastStore(Protocol):
    """Market history, as the backfill sees it."""

    def take_regained(self) -> Sequence[str]:
        """Return the symbols of which a hole has ended since the last call."""
        ...

    def fill(self, page: PastPage) -> None:
        """Take in candles of a venue's past."""
        ...

    async def missing(self, symbol: str, interval: str, first_us: int, back_us: int) -> Missing:
        """Return what a venue can fill of a symbol's candles. Raises HistoryUnavailableError."""
        ...


class PastFeed(Protocol):
    """The feed of a venue that tells candles of its past."""

    name: str

    def ask_past(self, wanted: PastWanted, answer: Callable[[PastPage | PastEnded], None]) -> bool:
        """Ask for candles; call ``answer`` with what comes. Return whether the venue runs."""
        ...


class Backfill:
    """The backfill of all venues. ``run`` owns its tasks."""

    def __init__(
        self, feeds: Iterable[tuple[PastFeed, Sequence[str]]], days: float, store: PastStore, clock: Clock
    ) -> None:
        """``feeds``: with the intervals that each tells. ``days``: of minutes."""
        self._store = store
        self._venues = {
            feed.name: VenueBackfill(feed, intervals, days, store, clock) for feed, intervals in feeds
        }

    async def run(self) -> None:
        """Run until cancelled, or until market history has failed."""
        async with asyncio.TaskGroup() as tasks:
            for venue in self._venues.values():
                tasks.create_task(venue.run())
            while self._venues:
                for symbol in self._store.take_regained():
                    venue_of = self._venues.get(symbol.partition(":")[0])
                    if venue_of is not None:
                        venue_of.add(symbol)
                await asyncio.sleep(POLL_S)

    def figures(self) -> Mapping[str, BackfillFigures]:
        """Return what is counted, by venue."""
        return {name: venue.figures() for name, venue in self._venues.items()}


class VenueBackfill:
    """The backfill of one venue."""

    def __init__(
        self, feed: PastFeed, intervals: Sequence[str], days: float, store: PastStore, clock: Clock
    ) -> None:
        self._feed = feed
        self._intervals = intervals
        self._back_us = round(days * DAY_US)
        self._store = store
        self._clock = clock
        self._waiting: dict[str, None] = {}
        """The symbols to look at, in order."""
        self._later: dict[str, int] = {}
        """By symbol: when it is looked at again, in monotonic time."""
        self._oldest_us: dict[tuple[str, str], int] = {}
        """By symbol and interval: from when on the venue has candles, where that is known."""
        self._pages = self._candles = self._given_up = 0
        """Counted since the start."""

    def add(self, symbol: str) -> None:
        """A hole of a symbol has ended."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting[symbol] = None

    def figures(self) -> BackfillFigures:
        """Return what is counted."""
        waiting = len(self._waiting.keys() | self._later.keys())
        return BackfillFigures(self._pages, self._candles, self._given_up, waiting)

    async def run(self) -> None:
        """Look at one symbol after another, until cancelled or until market history has failed."""
        try:
            while True:
                self._take_due()
                if self._waiting:
                    symbol = next(iter(self._waiting))
                    del self._waiting[symbol]
                    self._later.pop(symbol, None)
                    await self._fill(symbol)
                else:
                    await asyncio.sleep(POLL_S)
        except HistoryUnavailableError as error:
            log.warning("no backfill: market history failed", venue=self._feed.name, reason=str(error))

    def _take_due(self) -> None:
        now_us = self._clock.monotonic_us()
        for symbol in [symbol for symbol, due_us in self._later.items() if due_us <= now_us]:
            del self._later[symbol]
            self.add(symbol)

    async def _fill(self, symbol: str) -> None:
        """Fetch what a symbol lacks. What was fetched stays, whatever happens after it."""
        candles, is_more_soon = 0, False
        for interval in self._intervals:
            first_us = self._oldest_us.get((symbol, interval), 0)
            back_us = self._back_us if interval == MINUTES else MOST_US
            missing = await self._store.missing(symbol, interval, first_us, back_us)
            is_more_soon |= missing.is_more_soon and interval == MINUTES
            for from_us, to_us in missing.ranges:
                request = PastRequest(PastWanted(symbol, interval, from_us, to_us), self._store)
                fault = await self._fetch(request)
                candles += request.candles
                self._candles += request.candles
                self._pages += request.pages
                if fault:
                    self._give_up(symbol, interval, fault)
                    return
                if request.oldest_us > from_us:
                    self._oldest_us[symbol, interval] = request.oldest_us
        if candles:
            log.info("candles of the past", venue=self._feed.name, symbol=symbol, candles=candles)
        if is_more_soon:
            wall_us = self._clock.wall_us()
            rest_us = MINUTE_US - wall_us % MINUTE_US
            self._later[symbol] = self._clock.monotonic_us() + rest_us + SETTLED_US + LATE_US

    def _give_up(self, symbol: str, interval: str, fault: str) -> None:
        self._given_up += 1
        log.warning(
            "candles of the past given up",
            venue=self._feed.name,
            symbol=symbol,
            interval=interval,
            reason=fault,
            again_in_s=GIVEN_UP_US // 1_000_000,
        )
        self._later[symbol] = self._clock.monotonic_us() + GIVEN_UP_US

    async def _fetch(self, request: PastRequest) -> str:
        """Ask for candles, and wait until the venue has told them. Return why it gave up; "": it did not."""
        if not self._feed.ask_past(request.wanted, request.answer):
            return "the venue does not run"
        while not request.has_ended:
            request.heard.clear()
            try:
                async with asyncio.timeout(STALLED_S):
                    await request.heard.wait()
            except TimeoutError:
                return "the venue says nothing"
        return request.fault


class PastRequest:
    """One request, and what came of it."""

    def __init__(self, wanted: PastWanted, store: PastStore) -> None:
        self.wanted = wanted
        self.heard = asyncio.Event()
        """Set when something came."""
        self.has_ended = False
        self.fault = ""
        self.pages = self.candles = 0
        self.oldest_us = wanted.to_us
        """From when on the venue told something."""
        self._store = store

    def answer(self, output: PastPage | PastEnded) -> None:
        """Take in what the venue says."""
        if isinstance(output, PastPage):
            self._store.fill(output)
            self.pages += 1
            self.candles += len(output.candles)
            self.oldest_us = min(self.oldest_us, output.from_us)
        else:
            self.has_ended, self.fault = True, output.fault
        self.heard.set()
