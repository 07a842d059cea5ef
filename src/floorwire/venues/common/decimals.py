"""Converts decimals and times that exchanges send into ticks, lots and microseconds.

Sizes are floored to whole lots, so that what is shown can be traded. A price between two ticks is left out:
if it were rounded, it would be added to the wrong level.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from floorwire.core.instrument import Instrument
from floorwire.core.units import MAX_DECIMALS, InexactError, Scale, trim
from floorwire.venues.common.plain_decimals import plain_decimal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MAX_TICKS = 2**63 - 1
"""Books compare prices as numbers of 64 bits."""
TEN_TO_THE: tuple[int, ...] = tuple(10**exponent for exponent in range(2 * MAX_DECIMALS))
MICROSECONDS_FROM = 100_000_000_000_000
"""Smaller numbers are milliseconds (up to the year 5138), larger ones microseconds (from 1973 on)."""


class BadTimeError(ValueError):
    """A time before 1970."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"{at.isoformat()} is before 1970")
        self.at = at


class OffTickError(ValueError):
    """A price between two ticks, or a trade of less than one lot. The known list of instruments is old."""

    def __init__(self, text: str, instrument: Instrument) -> None:
        super().__init__(f"{text} is finer than the steps of {instrument.symbol}")
        self.text = text
        self.symbol = instrument.symbol


def rfc3339_us(text: str) -> int:
    """Return an RFC 3339 time in microseconds since the epoch, UTC.

    Nanoseconds are cut off: rounding could move a trade into the next minute. Raises BadTimeError before
    1970, ValueError if the text is no time.
    """
    at = datetime.fromisoformat(text)  # cuts off all but six digits of a second
    if at.tzinfo is None:
        raise ValueError(f"{text} does not say how far it is from UTC")
    us = (at - EPOCH) // MICROSECOND
    if us < 0:
        raise BadTimeError(at)
    return us


def epoch_us(number: int) -> int:
    """Return a time since the epoch, in milliseconds or microseconds, in microseconds.

    Binance sends either, depending on its option ``timeUnit``.
    """
    return number if number >= MICROSECONDS_FROM else number * 1000


def price_ticks(instrument: Instrument, text: str) -> int:
    """Return a price in ticks. Raises OffTickError between two ticks, InexactError if it is no price."""
    try:
        ticks = instrument.price.parse(text)
    except InexactError:
        instrument.price.floor(text)  # raises InexactError if it is no decimal
        raise OffTickError(text, instrument) from None
    if ticks <= 0:
        raise InexactError(text, "a positive price")
    if ticks > MAX_TICKS:
        raise InexactError(text, "ticks of 64 bits")
    return ticks


def floor_ticks(instrument: Instrument, text: str) -> int:
    """Return a past price in ticks, floored: the tick may have been smaller then. Raises InexactError."""
    return _floored(instrument.price, text)


def floor_lots(instrument: Instrument, text: str) -> int:
    """Return a size in whole lots, floored. Raises InexactError if it is no size."""
    return _floored(instrument.size, text)


def plain_floor_ticks(instrument: Instrument, plain: int) -> int:
    """Return the same of what ``plain_decimal`` returns of a price."""
    return _floored_plain(instrument.price.decimals, instrument.price.step, plain)


def traded_lots(instrument: Instrument, text: str) -> int:
    """Return a trade's size in whole lots. Raises OffTickError if that is 0, InexactError if no size."""
    lots = floor_lots(instrument, text)
    if not lots:
        raise OffTickError(text, instrument)
    return lots


def turnover(instrument: Instrument, text: str) -> int | None:
    """Return quote volume in ticks x lots, floored; None if those have over ``MAX_DECIMALS`` decimals."""
    decimals = instrument.price.decimals + instrument.size.decimals
    if decimals > MAX_DECIMALS:
        return None
    step, plain = instrument.price.step * instrument.size.step, plain_decimal(text)
    return _floored_plain(decimals, step, plain) if plain >= 0 else _floored(Scale(decimals, step), text)


def amount(text: str) -> str:
    """Return a decimal without trailing zeros. Raises InexactError if it is no decimal or less than 0."""
    _floored(Scale(MAX_DECIMALS, 1), text)
    return trim(text)


def _floored(scale: Scale, text: str) -> int:
    plain = plain_decimal(text)
    if plain >= 0:
        return _floored_plain(scale.decimals, scale.step, plain)
    steps = scale.floor(text)
    if steps < 0:
        raise InexactError(text, "zero or more")
    return steps


def _floored_plain(decimals: int, step: int, plain: int) -> int:
    units, shift = plain >> 5, decimals - (plain & 31)
    return (units * TEN_TO_THE[shift] if shift >= 0 else units // TEN_TO_THE[-shift]) // step
