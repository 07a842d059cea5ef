"""The market's side of a backtest: what recordings say, and what a bot is told of it.

Nothing of this depends on what the bot does. So the runs of a sweep share it: it is made once, and each run
only calls its bot and fills its orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from floorwire.bot.backtest.bot_market import BotMarket
from floorwire.bot.backtest.bot_topics import Told
from floorwire.bot.bot import Bot
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    FeedStatus,
    Listing,
    MarketEvent,
    StreamsEnded,
    Trade,
)
from floorwire.core.ports import Activity, Venue, VenueOutput, Wake, Woke
from floorwire.core.venue_names import VenueNames
from floorwire.venues.paper import own_listing

LISTED_WITHIN_US: Final = 10_000_000
"""So long after the beginning the bot's symbols have to be listed at the latest."""
NEVER: Final = 1 << 62
WOKE: Final = Woke()
TO_ORDERS: Final = frozenset((Trade, BookChange, BookSnapshot, Listing, FeedStatus, StreamsEnded))
"""The events that matter to orders. Others are only told."""
Heard: TypeAlias = tuple[Sequence[str], int, str, bool]


class BacktestError(ValueError):
    """A backtest that cannot be run."""


class Batch(msgspec.Struct, frozen=True, gc=False):
    """What one venue said at one moment."""

    at_us: int
    venue: int
    """Its number."""
    events: Sequence[MarketEvent]
    """Those that matter to orders."""
    told: Sequence[Told]
    """The messages that the bot gets."""
    count: int
    """How many market events there were."""
    starts: bool = False
    """Whether the bot starts now: its symbols are listed. Then ``told`` are the states."""


def heard(bot: Bot) -> Heard:
    """Return what decides which messages bots of one class get: where it is equal, these are equal."""
    return tuple(bot.symbols), bot.depth, bot.interval, bot.closed_candles


class MarketPlayer:
    """Plays venues that need nothing but time: each in its own time, together in the order of time."""

    def __init__(self, venues: Sequence[tuple[str, Venue]], begin_us: int, bot: Bot) -> None:
        """``venues``: each with its id; the first is the default. ``bot``: who is told; it is not called."""
        self._ids = [name for name, _ in venues]
        self._venues = [venue for _, venue in venues]
        self._begin_us = begin_us
        self._market = BotMarket(bot, VenueNames(self._ids[0]), self._ids)
        self._symbols = bot.symbols
        self._wakes = [NEVER] * len(venues)

    def batches(self) -> Iterator[Batch]:
        """Yield the batches in the order of time. Raises BacktestError if a symbol is not listed in time."""
        now_us, has_started = self._begin_us, False
        for number, venue in enumerate(self._venues):
            yield self._batch(number, venue.start(now_us), now_us)
        while True:
            wake_us = min(self._wakes)
            if not has_started and wake_us > now_us:
                has_started = self._all_listed(is_late=wake_us > self._begin_us + LISTED_WITHIN_US)
                if has_started:
                    self._market.start(now_us)
                    yield Batch(now_us, 0, (), self._market.pop_told(), 0, starts=True)
            if wake_us == NEVER:
                return
            number = self._wakes.index(wake_us)
            now_us = max(now_us, wake_us)
            batch = self._batch(number, self._venues[number].receive(WOKE, now_us), now_us)
            if batch.count:
                yield batch

    def _all_listed(self, *, is_late: bool) -> bool:
        listed = self._market.symbols
        missing = [symbol for symbol in self._symbols if symbol not in listed]
        if missing and is_late:
            raise BacktestError(
                f"there is no symbol {', '.join(missing)}; there are {', '.join(listed) or 'none'}"
            )
        return not missing

    def _batch(self, number: int, outputs: Sequence[VenueOutput], now_us: int) -> Batch:
        self._wakes[number] = NEVER
        name, market = self._ids[number], self._market
        kept: list[MarketEvent] = []
        count = 0
        for output in outputs:
            kind = type(output)
            if kind is Wake:
                self._wakes[number] = output.at_us  # type: ignore[union-attr] # its type says so
            elif kind is not Activity:
                event: MarketEvent = output  # type: ignore[assignment] # all others
                if isinstance(event, Listing):
                    event = own_listing(event, name)
                count += 1
                market.apply(name, event, now_us)
                if kind in TO_ORDERS:
                    kept.append(event)
        return Batch(now_us, number, tuple(kept), market.pop_told(), count)
