"""Backfill: asks venues for candles and trades of their past, where market history has holes.

    a hole ends --> waiting --> fetching --> filled (what is left of the minute: at its end)
                       ^            |
                       '-- later <--'-- given up

What has to be fetched is what market history lacks, so nothing is kept here that a restart could lose. Each
venue has one request at a time, of one symbol after another, with what its rate limit has to spare. Trades
come after the candles of all symbols, and give way to them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from floorwire.clock import Clock
from floorwire.core.market_history import MOST_US, HistoryUnavailableError
from floorwire.core.past_candles import PastPage, PastWanted
from floorwire.core.past_trades import PastOutput, PastTradesPage
from floorwire.history.missing_past import Missing, MissingRange
from floorwire.ops.stats import BackfillFigures
from floorwire.symbol_queue import SymbolQueue

POLL_S: Final = 0.5
"""How often it looks which holes have ended."""
MOST_WAITING: Final = 10_000
"""So many symbols of a venue may wait. Others are fetched when their next hole ends."""
STALLED_S: Final = 120.0
"""A venue that says nothing for this long was started again, or its exchange has banned this address."""
GIVEN_UP_US: Final = 1_800_000_000
"""So long after a venue gave up it is asked again."""
TRADES_AGAIN_US: Final = 60_000_000
"""The same for trades, which are asked for only so far back: twice as long each time, up to the above."""
LATE_US: Final = 2_000_000
"""So much longer than necessary it waits: the venue's clock may be behind."""
SOON_US: Final = 120_000_000
"""What is looked at again within this time is about to be filled."""
MINUTES: Final = "1m"

log = structlog.get_logger("floorwire.backfill")


class PastStore(Protocol):
    """Market history, as the backfill sees it."""

    def take_regained(self) -> Sequence[str]:
        """Return the symbols of which a hole has ended since the last call."""
        ...

    def fill(self, page: PastPage | PastTradesPage) -> None:
        """Take in candles or trades of a venue's past."""
        ...

    async def missing(self, symbol: str, interval: str | None, first_us: int, back_us: int) -> Missing:
        """Return what a venue can fill of a symbol's candles (None: trades).

        Raises HistoryUnavailableError.
        """
        ...


class PastFeed(Protocol):
    """The feed of a venue that tells its past."""

    name: str

    def ask_past(self, wanted: PastWanted, answer: Callable[[PastOutput], None]) -> bool:
        """Ask for candles or trades; call ``answer`` with what comes. Return whether the venue runs."""
        ...


class PastOf(NamedTuple):
    """What is asked of a venue's past."""

    intervals: Sequence[str]
    """Of candles."""
    minutes_us: int
    """How far back minutes are asked for."""
    trades_us: int
    """The same of trades; 0: none are."""


class Backfill:
    """The backfill of all venues. ``run`` owns its tasks."""

    def __init__(self, feeds: Iterable[tuple[PastFeed, PastOf]], store: PastStore, clock: Clock) -> None:
        self._store = store
        self._venues = {feed.name: VenueBackfill(feed, past, store, clock) for feed, past in feeds}

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

    def is_filling(self, symbol: str) -> bool:
        """Return whether holes of a symbol are being filled, or will be in a moment."""
        venue = self._venues.get(symbol.partition(":")[0])
        return venue is not None and venue.is_filling(symbol)


class VenueBackfill:
    """The backfill of one venue."""

    def __init__(self, feed: PastFeed, past: PastOf, store: PastStore, clock: Clock) -> None:
        self._feed = feed
        self._past = past
        self._store = store
        self._clock = clock
        self._candles = SymbolQueue(MOST_WAITING)
        self._trades = SymbolQueue(MOST_WAITING)
        self._now: str | None = None
        """The symbol that is looked at."""
        self._oldest_us: dict[tuple[str, str | None], int] = {}
        """By symbol and interval: from when on the venue has candles (None: trades), where that is known."""
        self._trades_failed: dict[str, int] = {}
        """By symbol: how often its trades were not told, in a row."""
        self._pages = self._candle_rows = self._trade_rows = self._given_up = 0
        """Counted since the start."""

    def add(self, symbol: str) -> None:
        """A hole of a symbol has ended."""
        if self._past.intervals:
            self._candles.add(symbol)
        if self._past.trades_us:
            self._trades.add(symbol)

    def figures(self) -> BackfillFigures:
        """Return what is counted."""
        waiting = max(len(self._candles), len(self._trades))
        return BackfillFigures(self._pages, self._candle_rows, self._trade_rows, self._given_up, waiting)

    def is_filling(self, symbol: str) -> bool:
        """Return whether a symbol is looked at now or in a moment."""
        until_us = self._clock.monotonic_us() + SOON_US
        return (
            symbol == self._now or self._candles.has(symbol, until_us) or self._trades.has(symbol, until_us)
        )

    async def run(self) -> None:
        """Look at one symbol after another, until cancelled or until market history has failed."""
        try:
            while True:
                now_us = self._clock.monotonic_us()
                if (symbol := self._candles.take(now_us)) is not None:
                    self._now = symbol
                    await self._fill_candles(symbol)
                elif (symbol := self._trades.take(now_us)) is not None:
                    self._now = symbol
                    await self._fill_trades(symbol)
                else:
                    self._now = None
                    await asyncio.sleep(POLL_S)
        except HistoryUnavailableError as error:
            log.warning("no backfill: market history failed", venue=self._feed.name, reason=str(error))

    async def _fill_candles(self, symbol: str) -> None:
        """Fetch what a symbol lacks. What was fetched stays, whatever happens after it."""
        candles, more_in_us = 0, 0
        for interval in self._past.intervals:
            back_us = self._past.minutes_us if interval == MINUTES else MOST_US
            missing = await self._missing(symbol, interval, back_us)
            if interval == MINUTES:
                more_in_us = missing.more_in_us
            for part in missing.ranges:
                request = await self._fetch(symbol, interval, part)
                candles += request.rows
                self._candle_rows += request.rows
                if request.fault:
                    self._candles.add_later(symbol, self._clock.monotonic_us() + GIVEN_UP_US)
                    self._give_up(symbol, interval, request.fault, GIVEN_UP_US)
                    return
        if candles:
            log.info("candles of the past", venue=self._feed.name, symbol=symbol, candles=candles)
        if more_in_us:
            self._candles.add_later(symbol, self._clock.monotonic_us() + more_in_us + LATE_US)

    async def _fill_trades(self, symbol: str) -> None:
        """Fetch the trades that a symbol lacks. What was fetched stays."""
        trades, fault = 0, ""
        missing = await self._missing(symbol, None, self._past.trades_us)
        for part in missing.ranges:
            request = await self._fetch(symbol, None, part, gives_way=True)
            trades += request.rows
            self._trade_rows += request.rows
            fault = request.fault
            if fault or not request.has_ended:
                break
        else:
            left = (await self._missing(symbol, None, self._past.trades_us)).ranges
            if any(
                one.from_us < part.to_us and one.to_us > part.from_us
                for one in left
                for part in missing.ranges
            ):
                fault = "its trades do not join those that came live"
        now_us = self._clock.monotonic_us()
        if fault:
            failed = self._trades_failed[symbol] = self._trades_failed.get(symbol, 0) + 1
            again_in_us = min(GIVEN_UP_US, TRADES_AGAIN_US << min(failed - 1, 8))
            self._trades.add_later(symbol, now_us + again_in_us)
            self._give_up(symbol, None, fault, again_in_us)
            return
        if trades:
            log.info("trades of the past", venue=self._feed.name, symbol=symbol, trades=trades)
        if self._candles.is_due(now_us):  # the rest, after these candles
            self._trades.add(symbol)
            return
        self._trades_failed.pop(symbol, None)
        if missing.more_in_us:
            self._trades.add_later(symbol, now_us + missing.more_in_us + LATE_US)

    async def _missing(self, symbol: str, interval: str | None, back_us: int) -> Missing:
        return await self._store.missing(
            symbol, interval, self._oldest_us.get((symbol, interval), 0), back_us
        )

    def _give_up(self, symbol: str, interval: str | None, fault: str, again_in_us: int) -> None:
        self._given_up += 1
        log.warning(
            "candles of the past given up" if interval else "trades of the past given up",
            venue=self._feed.name,
            symbol=symbol,
            interval=interval,
            reason=fault,
            again_in_s=again_in_us // 1_000_000,
        )

    async def _fetch(
        self, symbol: str, interval: str | None, part: MissingRange, *, gives_way: bool = False
    ) -> PastRequest:
        """Ask for a time, and wait until the venue has told it. ``fault`` says why it gave up.

        ``gives_way``: it is left where candles wait. Then it has not ended.
        """
        request = PastRequest(
            PastWanted(symbol, interval, part.from_us, part.to_us, part.before_id), self._store
        )
        if not self._feed.ask_past(request.wanted, request.answer):
            request.fault = "the venue does not run"
            return request
        while not request.has_ended:
            request.heard.clear()
            try:
                async with asyncio.timeout(STALLED_S):
                    await request.heard.wait()
            except TimeoutError:
                request.fault = "the venue says nothing"
                break
            if gives_way and self._candles.is_due(self._clock.monotonic_us()):
                break
        self._pages += request.pages
        if request.has_ended and not request.fault and request.oldest_us > part.from_us:
            self._oldest_us[symbol, interval] = request.oldest_us
        return request


class PastRequest:
    """One request, and what came of it."""

    def __init__(self, wanted: PastWanted, store: PastStore) -> None:
        self.wanted = wanted
        self.heard = asyncio.Event()
        """Set when something came."""
        self.has_ended = False
        self.fault = ""
        """Why the venue gave up; "": it did not."""
        self.pages = self.rows = 0
        self.oldest_us = wanted.to_us
        """From when on the venue told something."""
        self._store = store

    def answer(self, output: PastOutput) -> None:
        """Take in what the venue says."""
        if isinstance(output, PastPage | PastTradesPage):
            self._store.fill(output)
            self.pages += 1
            self.rows += len(output.candles if isinstance(output, PastPage) else output.trades)
            self.oldest_us = min(self.oldest_us, output.from_us)
        else:
            self.has_ended, self.fault = True, output.fault
        self.heard.set()
