"""Reads the levels of book messages of one instrument: prices in ticks, sizes in lots.

A message has tens of levels, most of them at prices that came before. So the ticks of a price are kept by its
text, and a size that is a plain decimal is read without a call. The results are those of
``decimals.levels``.
"""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.core.units import MAX_DECIMALS, MAX_DIGITS
from floorwire.venues.common.decimals import OffTickError, floor_lots, price_ticks

MAX_PRICES = 5_000
"""So many prices are kept. Then all are forgotten, and read again as they come."""

_TEN_TO_THE = tuple(10**exponent for exponent in range(MAX_DECIMALS + 1))


class LevelReader:
    """The prices of one instrument, in ticks, by the text that the exchange writes."""

    __slots__ = ("_instrument", "_ticks")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._ticks: dict[str, int] = {}
        """Price as text -> ticks; 0: it is between two ticks."""

    def read(self, instrument: Instrument, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[Level, ...], int]:
        """Return (price, size) pairs as levels, and how many were left out because they are between ticks.

        Of two pairs at one price the later counts. Raises InexactError if one is no price or no size.
        """
        known = self._known(instrument)
        decimals, lot = instrument.size.decimals, instrument.size.step
        sizes: dict[int, int] = {}
        off_tick = 0
        for price, size in pairs:
            ticks = known.get(price)
            if ticks is None:
                ticks = self._add(price)
            whole, dot, fraction = size.partition(".")
            digits, shift = whole + fraction, decimals - len(fraction)
            is_plain = digits.isdigit() and digits.isascii() and len(digits) <= MAX_DIGITS
            if is_plain and shift >= 0 and (fraction or not dot):
                lots = int(digits) * _TEN_TO_THE[shift] // lot
            else:
                lots = floor_lots(instrument, size)
            if ticks:
                sizes[ticks] = lots
            else:
                off_tick += 1
        return tuple(sizes.items()), off_tick

    def best(self, instrument: Instrument, price: str, size: str) -> Level:
        """Return one best level; 0 ticks of a side without levels, whose price is 0.

        Raises OffTickError, and InexactError if one is no price or no size.
        """
        ticks = self._known(instrument).get(price)
        if ticks is None:
            ticks = self._add(price) if price.strip("0.") else 0
        if not ticks and price.strip("0."):
            raise OffTickError(price, instrument)
        return ticks, self._lots(instrument, size)

    def _known(self, instrument: Instrument) -> dict[str, int]:
        if instrument is not self._instrument:
            self._instrument = instrument
            self._ticks.clear()
        return self._ticks

    @staticmethod
    def _lots(instrument: Instrument, size: str) -> int:
        whole, dot, fraction = size.partition(".")
        digits, shift = whole + fraction, instrument.size.decimals - len(fraction)
        is_plain = digits.isdigit() and digits.isascii() and len(digits) <= MAX_DIGITS
        if is_plain and shift >= 0 and (fraction or not dot):
            lots: int = int(digits) * _TEN_TO_THE[shift] // instrument.size.step
            return lots
        return floor_lots(instrument, size)

    def _add(self, price: str) -> int:
        try:
            ticks = price_ticks(self._instrument, price)
        except OffTickError:
            ticks = 0
        if len(self._ticks) >= MAX_PRICES:
            self._ticks.clear()
        self._ticks[price] = ticks
        return ticks
