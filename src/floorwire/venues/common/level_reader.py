# cython: nonecheck=False
"""Reads what frames say of one instrument's prices and sizes: in ticks and lots.

A frame has up to hundreds of levels, so this is where its time goes. A plain decimal of up to 17 digits is
read here, in C where this module is compiled. All others go to ``decimals``, and the results are its results.
Prices and sizes come as texts, as what ``plain_decimal`` returns of them, or as they stand in a frame.
"""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.venues.common.decimals import OffTickError, floor_lots, price_ticks, traded_lots
from floorwire.venues.common.frame_scanner import FrameScanner
from floorwire.venues.common.plain_decimals import NOT_PLAIN, plain_decimal, plain_text
from floorwire.venues.common.price_levels import PriceAndSize, price_and_size

MAX_UNITS = 2**63 - 1
TEN_TO_THE: tuple[int, ...] = tuple(10**exponent for exponent in range(19))


class LevelReader:
    """Reads prices and sizes of one instrument, whose steps may change."""

    __slots__ = (
        "_instrument",
        "_lot",
        "_lot_decimals",
        "_price_factor",
        "_price_written",
        "_size_factor",
        "_size_written",
        "_tick",
        "_tick_decimals",
        "is_uniform",
        "off_tick",
        "price_unit",
        "size_unit",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.price_unit = self.size_unit = 0
        """What a tick and a lot are in the digits that were written last; 0 if that is no power of ten."""
        self.is_uniform = False
        """Whether the digits of all levels of the last ``scan`` are their ticks and lots times these."""
        self.off_tick = 0
        """How many levels the last ``scan`` left out, because they are between two ticks."""
        self._use(instrument)

    def read(self, instrument: Instrument, rows: Iterable[PriceAndSize]) -> tuple[tuple[Level, ...], int]:
        """Return written levels in ticks and lots, and how many were left out because they are between ticks.

        Of two at one price the later counts. Raises InexactError if one is no price or no size.
        """
        if instrument is not self._instrument:
            self._use(instrument)
        levels: list[Level] = []
        off_tick = 0
        for row in rows:
            price, size = price_and_size(row)
            ticks = self._ticks(plain_decimal(price))
            lots = self._lots(plain_decimal(size))
            if ticks == NOT_PLAIN or lots == NOT_PLAIN:
                off_tick += not self._add_other(price, size, levels)
            elif ticks:
                levels.append((ticks, lots))
            else:
                off_tick += 1
        return _each_once(levels), off_tick

    def scan(
        self,
        instrument: Instrument,
        frame: FrameScanner,
        at: int,
        rows: list[PriceAndSize | None] | None = None,
    ) -> tuple[Level, ...]:
        """Return the same of levels at a place of a frame, which were found to be plain decimals before.

        ``off_tick``: how many were left out. Append to ``rows`` what is written of each, if it is needed;
        None of size 0, which removes a level.
        """
        if instrument is not self._instrument:
            self._use(instrument)
        levels: list[Level] = []
        off_tick = 0
        last = 0
        is_uniform = rises = falls = True
        frame.at = at
        is_next = frame.next_level()
        while is_next:
            price, size = frame.price, frame.size
            if rows is not None:
                rows.append(frame.row() if size >> 5 else None)
            is_next = frame.next_level()
            if is_uniform and last:
                is_uniform = price & 31 == self._price_written and size & 31 == self._size_written
            ticks = self._ticks(price)
            lots = self._lots(size)
            if ticks == NOT_PLAIN or lots == NOT_PLAIN:
                off_tick += not self._add_other(plain_text(price), plain_text(size), levels)
                is_uniform = rises = falls = False
            elif ticks:
                is_uniform = is_uniform and lots * self.size_unit == size >> 5
                if not is_next and not levels:  # most changes have one level on a side
                    self.is_uniform, self.off_tick = is_uniform and self.price_unit > 0, off_tick
                    return ((ticks, lots),)
                levels.append((ticks, lots))
                rises = rises and ticks > last
                falls = falls and (ticks < last or not last)
                last = ticks
            else:
                off_tick += 1
        self.is_uniform = is_uniform and self.price_unit > 0
        self.off_tick = off_tick
        if rises or falls:  # as exchanges send them; so no price comes twice
            return tuple(levels)
        return tuple(dict(levels).items())

    def level(self, instrument: Instrument, price: str, size: str) -> Level:
        """Return one level. Raises OffTickError, and InexactError if one is no price or no size."""
        if instrument is not self._instrument:
            self._use(instrument)
        ticks = self._ticks(plain_decimal(price))
        lots = self._lots(plain_decimal(size))
        if ticks > 0 and lots >= 0:
            return ticks, lots
        return price_ticks(instrument, price), floor_lots(instrument, size)

    def plain_level(self, instrument: Instrument, price: int, size: int) -> Level:
        """Return the same of plain decimals."""
        if instrument is not self._instrument:
            self._use(instrument)
        ticks = self._ticks(price)
        lots = self._lots(size)
        if ticks > 0 and lots >= 0:
            return ticks, lots
        return self.level(instrument, plain_text(price), plain_text(size))

    def best(self, instrument: Instrument, price: str, size: str) -> Level:
        """Return one best level; 0 ticks of a side without levels, whose price is 0.

        Raises OffTickError, and InexactError if one is no price or no size.
        """
        if instrument is not self._instrument:
            self._use(instrument)
        ticks = self._ticks(plain_decimal(price))
        lots = self._lots(plain_decimal(size))
        if ticks > 0 and lots >= 0:
            return ticks, lots
        if price.strip("0."):
            return price_ticks(instrument, price), floor_lots(instrument, size)
        return 0, floor_lots(instrument, size)

    def plain_best(self, instrument: Instrument, price: int, size: int) -> Level:
        """Return the same of plain decimals."""
        if instrument is not self._instrument:
            self._use(instrument)
        ticks = self._ticks(price)
        lots = self._lots(size)
        if ticks > 0 and lots >= 0:
            return ticks, lots
        return self.best(instrument, plain_text(price), plain_text(size))

    def trade(self, instrument: Instrument, price: str, size: str) -> Level:
        """Return price and size of a trade.

        Raises OffTickError between two ticks and below one lot, InexactError if one is no price or no size.
        """
        if instrument is not self._instrument:
            self._use(instrument)
        ticks = self._ticks(plain_decimal(price))
        lots = self._lots(plain_decimal(size))
        if ticks > 0 and lots > 0:
            return ticks, lots
        return price_ticks(instrument, price), traded_lots(instrument, size)

    def plain_trade(self, instrument: Instrument, price: int, size: int) -> Level:
        """Return the same of plain decimals."""
        if instrument is not self._instrument:
            self._use(instrument)
        ticks = self._ticks(price)
        lots = self._lots(size)
        if ticks > 0 and lots > 0:
            return ticks, lots
        return self.trade(instrument, plain_text(price), plain_text(size))

    def _use(self, instrument: Instrument) -> None:
        self._instrument = instrument
        price, size = instrument.price, instrument.size
        self._tick_decimals, self._lot_decimals = price.decimals, size.decimals
        # A larger step fits in no 64 bits. With 0 nothing is read here.
        self._tick = price.step if price.step <= MAX_UNITS else 0
        self._lot = size.step if size.step <= MAX_UNITS else 0
        self._price_written = self._size_written = 0
        self._price_factor = TEN_TO_THE[price.decimals]
        self._size_factor = TEN_TO_THE[size.decimals]
        self.price_unit = int(self._tick == 1 and not price.decimals)
        self.size_unit = int(self._lot == 1 and not size.decimals)

    def _add_other(self, price: str, size: str, levels: list[Level]) -> bool:
        """Add a level that is not plain; return False if its price is between two ticks."""
        try:
            ticks = price_ticks(self._instrument, price)
        except OffTickError:
            floor_lots(self._instrument, size)  # raises InexactError if it is no size
            return False
        levels.append((ticks, floor_lots(self._instrument, size)))
        return True

    def _ticks(self, plain: int) -> int:
        """Return a plain price in ticks; 0 between two ticks; ``NOT_PLAIN`` if it is not plain, or is 0."""
        if plain == NOT_PLAIN or not self._tick:
            return NOT_PLAIN
        units, decimals = plain >> 5, plain & 31
        if decimals != self._price_written:  # an exchange writes the same number of decimals each time
            self._price_written = decimals
            self._price_factor = TEN_TO_THE[abs(self._tick_decimals - decimals)]
            self.price_unit = self._price_factor if self._tick == 1 and decimals >= self._tick_decimals else 0
        factor = self._price_factor
        if decimals <= self._tick_decimals:
            if units > MAX_UNITS // factor:
                return NOT_PLAIN
            units *= factor
        elif units % factor:
            return 0
        else:
            units //= factor
        if self._tick != 1:
            if units % self._tick:
                return 0
            units //= self._tick
        if not units:
            return NOT_PLAIN
        return units

    def _lots(self, plain: int) -> int:
        """Return a plain size in whole lots, floored; ``NOT_PLAIN`` if it is not plain."""
        if plain == NOT_PLAIN or not self._lot:
            return NOT_PLAIN
        units, decimals = plain >> 5, plain & 31
        if decimals != self._size_written:
            self._size_written = decimals
            self._size_factor = TEN_TO_THE[abs(self._lot_decimals - decimals)]
            self.size_unit = self._size_factor if self._lot == 1 and decimals >= self._lot_decimals else 0
        factor = self._size_factor
        if decimals <= self._lot_decimals:
            if units > MAX_UNITS // factor:
                return NOT_PLAIN
            units *= factor
        else:
            units //= factor
        return units if self._lot == 1 else units // self._lot


def _each_once(levels: list[Level]) -> tuple[Level, ...]:
    """Return the levels. Of two at one price the later counts."""
    last = 0
    rises = falls = True
    for level in levels:
        ticks = level[0]
        if last:
            rises = rises and ticks > last
            falls = falls and ticks < last
        last = ticks
    if rises or falls:  # as exchanges send them; so no price comes twice
        return tuple(levels)
    return tuple(dict(levels).items())
