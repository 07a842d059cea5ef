"""The candles of one interval: counted from the trades, and those of the venue.

``candles`` has the rules.
"""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.core.candle_intervals import CandleInterval
from floorwire.core.candle_state import CandleState
from floorwire.core.common_units import UnitChange
from floorwire.core.market_events import Candle
from floorwire.core.microseconds import SECOND_US

MAX_FLAT = 60
"""The most flat candles that one event gives. A longer silence leaves a hole before them."""
VENUE_LATE_US = 5 * SECOND_US
"""How long after its end a venue may leave a candle open."""


class IntervalCandles:
    """The candles of one interval: the current one (without what runs) and the last closed one.

    The trades of the running second and minute are added when these are over.

    Trades are counted also while the venue sends its own candles: those may end, and then ours are shown.
    ``complete_from_us`` is the venue's time from which on no trade is missing.
    """

    __slots__ = (
        "_ended",
        "_has_missed",
        "_has_traded",
        "_missing_us",
        "_price_is_current",
        "_venue",
        "closed",
        "counted",
        "end_us",
        "interval",
        "of_venue",
        "start_us",
    )

    def __init__(self, interval: CandleInterval) -> None:
        self.interval = interval
        self.counted: CandleState | None = None
        """The current candle, counted from the trades."""
        self.closed: CandleState | None = None
        self.start_us = 0
        """When the current interval started."""
        self.end_us = 0
        """When it is over."""
        self.of_venue = False
        self._venue: CandleState | None = None
        """The venue's candle that is still open."""
        self._ended: list[CandleState] = []
        """Counted candles that ended before the venue closed its own, the oldest first."""
        self._price_is_current = True
        """Whether no trade is missing since the last closed candle. Then its price is used for flat ones."""
        self._has_missed = False
        """Whether trades may be missing since the last price."""
        self._has_traded = False
        self._missing_us = -1
        """The venue's time of the last missing trade."""

    @property
    def shown(self) -> CandleState | None:
        """The open candle: the venue's, or ours without what runs."""
        return self._venue if self.of_venue else self.counted

    def is_current(self, trade_us: int) -> bool:
        """Return whether a trade of this time belongs to the current interval or a later one."""
        return trade_us >= self.start_us

    def scale(self, change: UnitChange) -> None:
        """Convert the figures of all kept candles to other units."""
        for candle in (self.counted, self.closed, self._venue, *self._ended):
            if candle is not None:
                candle.scale(change)

    def add(self, part: CandleState, complete_from_us: float) -> None:
        """Add the trades of a second or a minute. If it is before the current interval, they are too late."""
        if not self.is_current(part.start_us):
            return
        self._has_traded = True
        last_second_us = part.last_us - part.last_us % SECOND_US
        self._has_missed = self._has_missed and last_second_us < complete_from_us
        if self.counted is not None:
            self.counted.merge(part)
        else:
            self.counted = self.opened(part, complete_from_us)

    def opened(self, part: CandleState, complete_from_us: float) -> CandleState:
        """Return the candle of the current interval that has these trades alone."""
        return replace(part, start_us=self.start_us, is_incomplete=self.start_us < complete_from_us)

    def mark_incomplete(self) -> None:
        """Mark the open candles incomplete, because the feed is not current and trades will be missing."""
        for candle in (self.counted, self._venue):
            if candle is not None:
                candle.is_incomplete = True
        self._price_is_current, self._has_missed = False, True

    def miss_trade(self, ts_us: int) -> bool:
        """Take note of a missing trade. Return whether that changes the shown candle.

        Ours lacks it from now on. The venue's has it, or will have it.
        """
        if not self.is_current(ts_us):
            return False
        self._missing_us = max(self._missing_us, ts_us)
        self._price_is_current, self._has_missed = False, True
        if self.counted is None or self.counted.is_incomplete:
            return False
        self.counted.is_incomplete = True
        return not self.of_venue

    def start_interval(self, now_us: int) -> list[CandleState]:
        """Start the interval of ``now_us``; return the candles that this closes."""
        self.start_us = self.interval.start_of(now_us)
        self.end_us = self.interval.end_of(self.start_us)
        self._end_counted()
        return [] if self.of_venue else self._close_until(self.start_us, now_us)

    def is_overdue(self, now_us: int) -> bool:
        """Return whether the venue is late to close its open candle, or the one after the last closed."""
        end_of = self.interval.end_of
        if self._venue is not None:
            start_us = self._venue.start_us
        else:
            start_us = 0 if self.closed is None else end_of(self.closed.start_us)
        return now_us >= end_of(start_us) + VENUE_LATE_US

    def drop_venue(self, now_us: int) -> list[CandleState]:
        """Use candles from the trades again, because the venue's ended; return those that this closes."""
        closed = []
        if self._venue is not None:
            closed.append(self._close(self._best_known(self._venue), now_us))
        self.of_venue, self._venue = False, None
        return closed + self._close_until(self.start_us, now_us)

    def apply_venue_candle(self, candle: Candle, complete_from_us: float) -> list[CandleState]:
        """Apply a candle of the venue, unless it is too old; return the candles that this closes."""
        if self._is_too_old(candle.start_us):
            return []
        closed = []
        if self.counted is not None and self.counted.start_us < candle.start_us:
            self._end_counted()
        self.of_venue = True
        if self._venue is not None and self._venue.start_us < candle.start_us:
            closed.append(self._close(self._best_known(self._venue, next_began=True), candle.ts_us))
            self._venue = None
        closed += self._close_until(candle.start_us, candle.ts_us)
        self._has_missed = self._has_missed and candle.ts_us < complete_from_us
        figures = CandleState.from_venue(candle)
        if candle.closed:
            self._venue = None
            closed.append(self._close(figures, candle.ts_us))
        elif self._venue is None or self._venue.is_incomplete or not figures.has_same_figures(self._venue):
            self._venue = figures
        else:
            self._venue.last_us = figures.last_us
        return closed

    def _end_counted(self) -> None:
        """End the current counted candle. Keep it to be closed, unless the venue closed that interval."""
        over, self.counted = self.counted, None
        if over is not None and (self.closed is None or over.start_us > self.closed.start_us):
            self._ended.append(over)

    def _best_known(self, venue: CandleState, *, next_began: bool = False) -> CandleState:
        """Return the best known candle of an interval that the venue left open: the venue's, or ours.

        ``next_began``: whether the venue has begun the next.
        """
        ours = next((candle for candle in self._ended if candle.start_us == venue.start_us), None)
        # Without a trade after its last update the venue's candle is complete, if the venue sends trades.
        has_all = next_began or self._has_traded if ours is None else ours.last_us <= venue.last_us
        lacks_trade = venue.last_us < self._missing_us < self.interval.end_of(venue.start_us)
        if has_all and not lacks_trade and not venue.is_incomplete:
            return venue
        if ours is not None and not ours.is_incomplete:
            return ours
        venue.is_incomplete = True
        if ours is not None:
            venue.include_prices_of(ours)
        if not next_began and not self._has_traded:
            self._has_missed = True  # without trades it is unknown whether the price moved
        return venue

    def _close(self, candle: CandleState, now_us: int) -> CandleState:
        """Close the candle: it does not change any more."""
        candle.last_us = now_us
        self.closed, self._price_is_current = candle, not self._has_missed
        self._ended = [later for later in self._ended if later.start_us > candle.start_us]
        return candle

    def _close_until(self, until_us: int, now_us: int) -> list[CandleState]:
        """Close counted candles that ended before ``until_us``, with flat ones between them."""
        closed = []
        for candle in [candle for candle in self._ended if candle.start_us < until_us]:
            closed += self._close_flat(candle.start_us, now_us)
            closed.append(self._close(candle, now_us))
        return closed + self._close_flat(until_us, now_us)

    def _close_flat(self, until_us: int, now_us: int) -> list[CandleState]:
        """Close flat candles up to ``until_us``; none if trades may be missing."""
        if self.closed is None or not self._price_is_current:
            return []
        price_ticks = self.closed.close_ticks
        first_us = self.interval.end_of(self.closed.start_us)
        starts_us = self.interval.last_starts(first_us, until_us, MAX_FLAT)
        return [self._close(CandleState.flat(start_us, price_ticks), now_us) for start_us in starts_us]

    def _is_too_old(self, start_us: int) -> bool:
        closed, candle = self.closed, self.shown
        return (closed is not None and start_us <= closed.start_us) or (
            candle is not None and start_us < candle.start_us
        )
