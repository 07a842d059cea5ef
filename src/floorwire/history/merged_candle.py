"""A candle while stored ones are added to it, exactly, also where their units differ."""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.core.common_units import CommonUnits
from floorwire.core.market_history import StoredUnits
from floorwire.history.candle_block import Bar


class MergedCandle:
    """The candle that starts at a time, of stored ones in any order."""

    __slots__ = ("bar", "start_us", "units")

    def __init__(self, start_us: int, units: StoredUnits, bar: Bar) -> None:
        self.start_us = start_us
        self.units = units
        self.bar = replace(bar, start_us=start_us)

    def add(self, units: StoredUnits, bar: Bar) -> None:
        """Add a stored candle."""
        if units != self.units:
            mine, change = CommonUnits(self.units.price, self.units.size).extended_to_steps(
                units.price, units.size
            )
            self.bar.scale(change)
            self.units = StoredUnits(mine.price, mine.size)
            _, change = CommonUnits(units.price, units.size).extended_to_steps(mine.price, mine.size)
            bar = replace(bar)
            bar.scale(change)
        self.bar.merge(bar)
        self.bar.origin = max(self.bar.origin, bar.origin)
