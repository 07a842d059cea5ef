"""Terms: an instrument's rules in the integers that orders are checked, held and paid with."""

from __future__ import annotations

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.units import Scale

MILLION = 1_000_000
FRACTION = Scale(6, 1)
"""Fractions (fees, collars, bands) are whole millionths."""


class InstrumentUnits(msgspec.Struct, frozen=True):
    """One instrument's."""

    instrument: Instrument
    symbol: str
    base: str
    quote: str
    base_decimals: int
    quote_decimals: int
    base_units: int
    """Units of the base asset in one lot."""
    quote_units: int
    """Units of the quote asset in one tick x lot."""
    turnover: Scale
    """Amounts of the quote currency in ticks x lots."""
    min_turnover: int
    band_ppm: int | None

    @classmethod
    def of(cls, instrument: Instrument, base_decimals: int, quote_decimals: int) -> InstrumentUnits:
        """Return the instrument's, where its assets' units have these decimals. Raises InexactError."""
        price, size = instrument.price, instrument.size
        turnover = Scale(price.decimals + size.decimals, price.step * size.step)
        band = instrument.price_band
        return cls(
            instrument=instrument,
            symbol=instrument.symbol,
            base=instrument.base,
            quote=instrument.quote,
            base_decimals=base_decimals,
            quote_decimals=quote_decimals,
            base_units=_units(size, base_decimals),
            quote_units=_units(turnover, quote_decimals),
            turnover=turnover,
            min_turnover=ceil(turnover, instrument.min_notional),
            band_ppm=None if band is None else FRACTION.parse(band),
        )


def _units(scale: Scale, decimals: int) -> int:
    """Return the units of these decimals in one step; 0 where the step is finer (a closed instrument)."""
    units: int = scale.step * 10**decimals // 10**scale.decimals
    return units


def ceil(scale: Scale, text: str) -> int:
    """Return how many steps it takes to reach the decimal text."""
    return -scale.floor("-" + text)
