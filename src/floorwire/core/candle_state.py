"""The figures of a candle while trades are added to it, in ticks and lots (or common units)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from floorwire.core.common_units import UnitChange
from floorwire.core.market_events import Candle, Trade
from floorwire.core.microseconds import SECOND_US


class CandleState(msgspec.Struct):
    """The figures of one candle, open or closed."""

    start_us: int
    first_us: int
    last_us: int
    """The venue's time of the latest trade, or of the event that closed the candle."""
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    trades: int
    is_incomplete: bool = False
    """Whether trades of its interval may be missing."""

    @classmethod
    def from_trade(cls, trade: Trade) -> CandleState:
        """Return a candle of one second with this trade alone."""
        at_us, price = trade.ts_us, trade.price_ticks
        return cls(at_us - at_us % SECOND_US, at_us, at_us, price, price, price, price, trade.size_lots, 1)

    @classmethod
    def from_venue(cls, candle: Candle) -> CandleState:
        """Return the figures of a venue's candle."""
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
        """Convert the figures to other units."""
        self.open_ticks *= change.prices
        self.high_ticks *= change.prices
        self.low_ticks *= change.prices
        self.close_ticks *= change.prices
        self.volume_lots *= change.sizes

    def merge(self, other: CandleState) -> None:
        """Add the figures of later arrivals. By the venue's time they may be earlier."""
        if other.first_us < self.first_us:
            self.first_us, self.open_ticks = other.first_us, other.open_ticks
        if other.last_us >= self.last_us:
            self.last_us, self.close_ticks = other.last_us, other.close_ticks
        self.high_ticks = max(self.high_ticks, other.high_ticks)
        self.low_ticks = min(self.low_ticks, other.low_ticks)
        self.volume_lots += other.volume_lots
        self.trades += other.trades

    def include_prices_of(self, other: CandleState) -> None:
        """Extend high and low by another count of the same interval, and take its close if that is later."""
        if other.last_us > self.last_us:
            self.last_us, self.close_ticks = other.last_us, other.close_ticks
        self.high_ticks = max(self.high_ticks, other.high_ticks)
        self.low_ticks = min(self.low_ticks, other.low_ticks)

    def merged(self, other: CandleState) -> CandleState:
        """Return the figures of both together."""
        merged = replace(self)
        merged.merge(other)
        return merged

    def has_same_figures(self, other: CandleState) -> bool:
        """Return whether both show the same figures."""
        return self.figures() == other.figures()

    def figures(self) -> tuple[int, ...]:
        """Return the figures that subscribers see."""
        prices = (self.open_ticks, self.high_ticks, self.low_ticks, self.close_ticks)
        return (self.start_us, *prices, self.volume_lots, self.trades)
