"""A block of candles: those of one symbol and level in a fixed span of time, packed as columns."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import msgspec

from floorwire.core.candle_state import CandleState
from floorwire.core.common_units import CommonUnits
from floorwire.core.market_history import StoredUnits
from floorwire.history.packed_columns import pack, unpack


class Origin(IntEnum):
    """What the figures of a candle come from. Of a merged candle: the highest of its parts."""

    COUNTED = 0
    VENUE = 1
    SIMULATED = 2


class Bar(CandleState):
    """A stored candle of one level. Its incompleteness is not stored: it follows from the holes."""

    origin: Origin = Origin.COUNTED


class CandleBlock:
    """The candles of one span, by start. ``units``: of their figures, and how many a present step has."""

    __slots__ = ("bars", "is_changed", "units")

    def __init__(self, units: CommonUnits) -> None:
        self.units = units
        self.bars: dict[int, Bar] = {}
        self.is_changed = True
        """Whether it has to be written."""

    @property
    def stored_units(self) -> StoredUnits:
        """What one unit is."""
        return StoredUnits(self.units.price, self.units.size)

    def add(self, start_us: int, figures: CandleState, origin: Origin) -> None:
        """Add figures of later arrivals, in the present ticks and lots, to the candle that starts then."""
        added = _scaled(figures, start_us, self.units, origin)
        known = self.bars.get(start_us)
        if known is None:
            self.bars[start_us] = added
        else:
            known.merge(added)
            known.origin = max(known.origin, origin)
        self.is_changed = True

    def put(self, start_us: int, figures: CandleState, origin: Origin) -> None:
        """Put a candle in the place of what is there."""
        self.bars[start_us] = _scaled(figures, start_us, self.units, origin)
        self.is_changed = True

    def extend_units(self, units: StoredUnits) -> None:
        """Convert it to units that divide these too, which are the present ticks and lots."""
        self.units, change = self.units.extended_to_steps(units.price, units.size)
        if change.prices != 1 or change.sizes != 1:
            for bar in self.bars.values():
                bar.scale(change)
            self.is_changed = True


class _Columns(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Starts are since the block's, times since the candle's. Prices are distances from the open one."""

    starts: list[int]
    firsts: list[int]
    lasts: list[int]
    opens: list[int]
    highs: list[int]
    lows: list[int]
    closes: list[int]
    volumes: list[int]
    trades: list[int]
    origins: list[int]


def encode(block_us: int, bars: Iterable[Bar]) -> bytes:
    """Return the candles of the block that starts then as bytes."""
    ordered = sorted(bars, key=lambda bar: bar.start_us)
    return pack(
        [
            [bar.start_us - block_us for bar in ordered],
            [bar.first_us - bar.start_us for bar in ordered],
            [bar.last_us - bar.start_us for bar in ordered],
            [bar.open_ticks for bar in ordered],
            [bar.high_ticks - bar.open_ticks for bar in ordered],
            [bar.open_ticks - bar.low_ticks for bar in ordered],
            [bar.close_ticks - bar.open_ticks for bar in ordered],
            [bar.volume_lots for bar in ordered],
            [bar.trades for bar in ordered],
            [int(bar.origin) for bar in ordered],
        ]
    )


def decode(block_us: int, data: bytes) -> list[Bar]:
    """Return the candles of a block, the oldest first. Raises msgspec.MsgspecError."""
    columns = unpack(data, _Columns)
    bars = []
    for start, first, last, price, high, low, close, volume, trades, origin in zip(
        columns.starts,
        columns.firsts,
        columns.lasts,
        columns.opens,
        columns.highs,
        columns.lows,
        columns.closes,
        columns.volumes,
        columns.trades,
        columns.origins,
        strict=True,
    ):
        at_us = block_us + start
        bars.append(
            Bar(
                at_us,
                at_us + first,
                at_us + last,
                price,
                price + high,
                price - low,
                price + close,
                volume,
                trades,
                origin=_ORIGINS[origin],
            )
        )
    return bars


_ORIGINS = tuple(Origin)


def _scaled(figures: CandleState, start_us: int, units: CommonUnits, origin: Origin) -> Bar:
    per_tick, per_lot = units.per_tick, units.per_lot
    return Bar(
        start_us,
        figures.first_us,
        figures.last_us,
        figures.open_ticks * per_tick,
        figures.high_ticks * per_tick,
        figures.low_ticks * per_tick,
        figures.close_ticks * per_tick,
        figures.volume_lots * per_lot,
        figures.trades,
        origin=origin,
    )
