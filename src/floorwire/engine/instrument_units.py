"""Instrument units: an instrument's rules in whole numbers. Orders are checked, held and paid in these."""

from __future__ import annotations

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.units import Scale

MILLION = 1_000_000
FRACTION = Scale(6, 1)
"""Fees, collars and bands are fractions, counted in whole millionths (ppm)."""


class InstrumentUnits(msgspec.Struct, frozen=True):
    """The rules of one instrument, and the size of its steps in units of its two assets."""

    instrument: Instrument
    symbol: str
    base: str
    quote: str
    base_decimals: int
    quote_decimals: int
    base_units: int
    """Units of the base asset in one lot."""
    quote_units: int
    """Units of the quote asset in one tick times one lot."""
    turnover: Scale
    """Scale of turnover: an amount of the quote asset, counted in ticks times lots."""
    min_turnover: int
    """Smallest turnover of an order (min notional)."""
    min_lots: int
    """Smallest quantity of an order (min quantity), at least one lot."""
    band_ppm: int | None
    """Price band: how far a limit may be from the last price. None where there is no band."""

    @classmethod
    def of(cls, instrument: Instrument, base_decimals: int, quote_decimals: int) -> InstrumentUnits:
        """Return an instrument's units. Its assets' units have these decimals. Raises InexactError."""
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
            min_lots=max(1, ceil(size, instrument.min_quantity)),
            band_ppm=None if band is None else FRACTION.parse(band),
        )


def _units(scale: Scale, decimals: int) -> int:
    """Return how many asset units one step is; 0 for a closed instrument with a step finer than a unit."""
    units: int = scale.step * 10**decimals // 10**scale.decimals
    return units


def ceil(scale: Scale, text: str) -> int:
    """Return the decimal text in steps, rounded up."""
    return -scale.floor("-" + text)
