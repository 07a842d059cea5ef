"""A candle in the making, from trades or from a venue, in integers."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from floorwire.core.common_units import UnitChange
from floorwire.core.market_events import Candle, Trade

SECOND_US = 1_000_000


class CandleState(msgspec.Struct):
    """A candle in the making."""

    start_us: int
    first_us: int
    last_us: int
    """Venue time of the latest trade, or of what closed the candle."""
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    trades: int
    is_incomplete: bool = False
    """Whether not all of its interval was heard."""

    @classmethod
    def from_trade(cls, trade: Trade) -> CandleState:
        """Return the candle of the trade's second with this trade alone."""
        at_us, price = trade.ts_us, trade.price_ticks
        return cls(at_us - at_us % SECOND_US, at_us, at_us, price, price, price, price, trade.size_lots, 1)

    @classmethod
    def from_venue(cls, candle: Candle) -> CandleState:
        """Return the venue's candle."""
        return cls(
            candle.start_us,
            candle.start_us,
            candle.ts_us,
            candle.open_ticks,
            candle.high_ticks,
            candle.low_ticks,
            candle.close_ticks,
            candle.volume_lots,
            candle.trades,
        )

    @classmethod
    def flat(cls, start_us: int, price_ticks: int) -> CandleState:
        """Return the candle of an interval without trades."""
        price = price_ticks
        return cls(start_us, start_us, start_us, price, price, price, price, 0, 0)

    def scale(self, change: UnitChange) -> None:
        """Bring the figures into other units."""
        self.open_ticks *= change.prices
        self.high_ticks *= change.prices
        self.low_ticks *= change.prices
        self.close_ticks *= change.prices
        self.volume_lots *= change.sizes

    def merge(self, other: CandleState) -> None:
        """Add what came after in order of arrival; by venue time it may be earlier."""
        if other.first_us < self.first_us:
            self.first_us, self.open_ticks = other.first_us, other.open_ticks
        if other.last_us >= self.last_us:
            self.last_us, self.close_ticks = other.last_us, other.close_ticks
        self.high_ticks = max(self.high_ticks, other.high_ticks)
        self.low_ticks = min(self.low_ticks, other.low_ticks)
        self.volume_lots += other.volume_lots
        self.trades += other.trades

    def include_prices_of(self, other: CandleState) -> None:
        """Take in the prices of another count of the same interval, and its last where that is later."""
        if other.last_us > self.last_us:
            self.last_us, self.close_ticks = other.last_us, other.close_ticks
        self.high_ticks = max(self.high_ticks, other.high_ticks)
        self.low_ticks = min(self.low_ticks, other.low_ticks)

    def merged(self, other: CandleState) -> CandleState:
        """Return a new candle of both."""
        bar = replace(self)
        bar.merge(other)
        return bar

    def has_same_figures(self, other: CandleState) -> bool:
        """Return whether both show the same figures."""
        return self.figures() == other.figures()

    def figures(self) -> tuple[int, ...]:
        """Return what subscribers see of it."""
        prices = (self.open_ticks, self.high_ticks, self.low_ticks, self.close_ticks)
        return (self.start_us, *prices, self.volume_lots, self.trades)
