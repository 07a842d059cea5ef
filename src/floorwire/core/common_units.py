"""Units that divide both the old and the new steps of an instrument, so that a change of steps loses nothing.

The tick or the lot may change during a candle or a day. Their figures are kept in common units: old figures
are only multiplied by whole numbers, which is exact. They are floored to whole ticks and lots only when they
are shown.
"""

from __future__ import annotations

from math import gcd

import msgspec
from msgspec.structs import replace

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Candle, Trade
from floorwire.core.units import Scale


class UnitChange(msgspec.Struct, frozen=True):
    """The factors that convert old figures to new units."""

    prices: int
    sizes: int


class CommonUnits(msgspec.Struct, frozen=True):
    """The units of prices and of sizes, and how many units a tick and a lot have."""

    price: Scale
    size: Scale
    per_tick: int = 1
    per_lot: int = 1

    @classmethod
    def of(cls, instrument: Instrument) -> CommonUnits:
        """Return units that are the instrument's own tick and lot."""
        return cls(instrument.price, instrument.size)

    @property
    def is_finer(self) -> bool:
        """Whether a unit is smaller than a tick or a lot."""
        return self.per_tick != 1 or self.per_lot != 1

    def extended_to(self, instrument: Instrument) -> tuple[CommonUnits, UnitChange]:
        """Return the units that divide the instrument's steps too, and the factors for old figures."""
        return self.extended_to_steps(instrument.price, instrument.size)

    def extended_to_steps(self, tick: Scale, lot: Scale) -> tuple[CommonUnits, UnitChange]:
        """Return the units that divide these steps too, and the factors for old figures."""
        price, prices, per_tick = _common(self.price, tick)
        size, sizes, per_lot = _common(self.size, lot)
        return CommonUnits(price, size, per_tick, per_lot), UnitChange(prices, sizes)

    def trade(self, trade: Trade) -> Trade:
        """Return a trade, given in present ticks and lots, in units."""
        return replace(
            trade,
            price_ticks=trade.price_ticks * self.per_tick,
            size_lots=trade.size_lots * self.per_lot,
        )

    def candle(self, candle: Candle) -> Candle:
        """Return a venue's candle, given in present ticks and lots, in units."""
        return replace(
            candle,
            open_ticks=candle.open_ticks * self.per_tick,
            high_ticks=candle.high_ticks * self.per_tick,
            low_ticks=candle.low_ticks * self.per_tick,
            close_ticks=candle.close_ticks * self.per_tick,
            volume_lots=candle.volume_lots * self.per_lot,
        )

    def ticks(self, units: int) -> int:
        """Return a price in whole ticks, floored."""
        return units // self.per_tick

    def lots(self, units: int) -> int:
        """Return a size in whole lots, floored."""
        return units // self.per_lot

    def ticks_times_lots(self, units: int) -> int:
        """Return quote volume in whole ticks times lots, floored."""
        return units // (self.per_tick * self.per_lot)


def convert_steps(steps: int, before: Scale, now: Scale) -> tuple[int, bool]:
    """Return steps of ``before`` in whole steps of ``now``, floored, and whether that is exact."""
    _, multiply, per_step = _common(before, now)
    whole, rest = divmod(steps * multiply, per_step)
    return whole, not rest


def _common(before: Scale, now: Scale) -> tuple[Scale, int, int]:
    """Return the greatest unit that divides both steps, and how many units each has."""
    decimals = max(before.decimals, now.decimals)
    old = before.step * 10 ** (decimals - before.decimals)
    new = now.step * 10 ** (decimals - now.decimals)
    unit = gcd(old, new)
    return Scale(decimals, unit), old // unit, new // unit
