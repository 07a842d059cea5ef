"""The figures of a symbol's last 24 hours, counted from its trades."""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

import msgspec

from floorwire.core.common_units import UnitChange
from floorwire.core.market_events import Trade
from floorwire.core.microseconds import MINUTE_US

DAY_MINUTES = 1440


class Day(NamedTuple):
    """The figures of 24 hours. ``turnover`` is quote volume in ticks x lots; None: not known."""

    open_ticks: int
    high_ticks: int
    low_ticks: int
    volume_lots: int
    turnover: int | None

    def scaled(self, change: UnitChange) -> Day:
        """Return the figures converted to other units."""
        prices, sizes = change.prices, change.sizes
        return Day(
            self.open_ticks * prices,
            self.high_ticks * prices,
            self.low_ticks * prices,
            self.volume_lots * sizes,
            None if self.turnover is None else self.turnover * prices * sizes,
        )


class Minute(msgspec.Struct):
    """One minute's trades."""

    start_us: int
    first_us: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    volume_lots: int = 0
    turnover: int = 0

    def add(self, trade: Trade) -> None:
        """Add a trade. The earliest by venue time gives the opening price."""
        price, size = trade.price_ticks, trade.size_lots
        if trade.ts_us < self.first_us:
            self.first_us, self.open_ticks = trade.ts_us, price
        self.high_ticks = max(self.high_ticks, price)
        self.low_ticks = min(self.low_ticks, price)
        self.volume_lots += size
        self.turnover += price * size

    def scale(self, change: UnitChange) -> None:
        """Convert the figures to other units."""
        self.open_ticks *= change.prices
        self.high_ticks *= change.prices
        self.low_ticks *= change.prices
        self.volume_lots *= change.sizes
        self.turnover *= change.prices * change.sizes


class DayWindow:
    """The trades of the last 24 hours, minute by minute. The oldest minute counts until all of it is too old.

    So the window is between 24 hours and 24 hours and one minute long, and has at most 1441 minutes. The sums
    are integers: a trade is added once and its minute subtracted later, so they do not drift.
    """

    __slots__ = ("_high", "_low", "_minutes", "_oldest_us", "_turnover", "_volume")

    def __init__(self) -> None:
        self._minutes: list[Minute] = []  # only minutes with trades, the oldest first
        self._oldest_us = 0
        self._volume = 0
        self._turnover = 0
        self._high = 0
        self._low = 0

    def scale(self, change: UnitChange) -> None:
        """Convert the figures to other units."""
        for minute in self._minutes:
            minute.scale(change)
        self._high *= change.prices
        self._low *= change.prices
        self._volume *= change.sizes
        self._turnover *= change.prices * change.sizes

    def advance(self, now_us: int) -> bool:
        """Move the window on to ``now_us``, never back; return whether trades left it."""
        oldest_us = now_us - now_us % MINUTE_US - DAY_MINUTES * MINUTE_US
        if oldest_us <= self._oldest_us:
            return False
        self._oldest_us = oldest_us
        old = 0
        while old < len(self._minutes) and self._minutes[old].start_us < oldest_us:
            old += 1
        if old:
            self._drop(old)
        return old > 0

    def _drop(self, count: int) -> None:
        old, self._minutes = self._minutes[:count], self._minutes[count:]
        self._volume -= sum(minute.volume_lots for minute in old)
        self._turnover -= sum(minute.turnover for minute in old)
        if not self._minutes:
            return
        if max(minute.high_ticks for minute in old) == self._high:
            self._high = max(minute.high_ticks for minute in self._minutes)
        if min(minute.low_ticks for minute in old) == self._low:
            self._low = min(minute.low_ticks for minute in self._minutes)

    def add(self, trade: Trade) -> None:
        """Add a trade to the minute of its own time, however late. One older than the window is ignored."""
        start_us = trade.ts_us - trade.ts_us % MINUTE_US
        if start_us < self._oldest_us:
            return
        price = trade.price_ticks
        self._high = max(self._high, price) if self._minutes else price
        self._low = min(self._low, price) if self._minutes else price
        self._volume += trade.size_lots
        self._turnover += price * trade.size_lots
        self._minute(start_us, trade).add(trade)

    def _minute(self, start_us: int, trade: Trade) -> Minute:
        for minute in reversed(self._minutes):
            if minute.start_us == start_us:
                return minute
            if minute.start_us < start_us:
                break
        price = trade.price_ticks
        minute = Minute(start_us, trade.ts_us, price, price, price)
        insort(self._minutes, minute, key=lambda known: known.start_us)
        return minute

    def day(self) -> Day | None:
        """Return the figures; None if nothing was traded in the window."""
        if not self._minutes:
            return None
        return Day(self._minutes[0].open_ticks, self._high, self._low, self._volume, self._turnover)
