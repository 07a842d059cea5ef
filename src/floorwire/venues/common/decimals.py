"""Decimals as exchanges print them, in an instrument's ticks and lots.

Sizes finer than a lot are floored: what is shown can be traded. A price finer than a tick names no level of
ours: it is left out, never rounded onto a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.core.units import MAX_DECIMALS, InexactError, Scale, trim

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class BadTimeError(ValueError):
    """A time before 1970."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"{at.isoformat()} is before 1970")
        self.at = at


class OffTickError(ValueError):
    """A price finer than the instrument's tick, or a trade of less than a lot: the list of steps is old."""

    def __init__(self, text: str, instrument: Instrument) -> None:
        super().__init__(f"{text} is finer than {instrument.symbol} has steps for")
        self.text = text
        self.symbol = instrument.symbol


def micros(at: datetime) -> int:
    """Return the time in microseconds since the epoch, UTC. Raises BadTimeError."""
    us = (at - EPOCH) // MICROSECOND
    if us < 0:
        raise BadTimeError(at)
    return us


def price_ticks(instrument: Instrument, text: str) -> int:
    """Return a price in ticks. Raises OffTickError where it is finer, InexactError where it is no price."""
    try:
        ticks = instrument.price.parse(text)
    except InexactError:
        instrument.price.floor(text)  # raises where it is not even a decimal
        raise OffTickError(text, instrument) from None
    if ticks <= 0:
        raise InexactError(text, "a positive price")
    return ticks


def floor_ticks(instrument: Instrument, text: str) -> int:
    """Return a past price in ticks, floored: the tick may have been finer then. Raises InexactError."""
    return _floored(instrument.price, text)


def floor_lots(instrument: Instrument, text: str) -> int:
    """Return a size in whole lots. Raises InexactError where it is no size."""
    return _floored(instrument.size, text)


def traded_lots(instrument: Instrument, text: str) -> int:
    """Return a trade's size in whole lots. Raises OffTickError where that is none, InexactError as above."""
    lots = floor_lots(instrument, text)
    if not lots:
        raise OffTickError(text, instrument)
    return lots


def turnover(instrument: Instrument, text: str) -> int | None:
    """Return quote volume in ticks x lots, floored; None where those are too fine to tell it in."""
    decimals = instrument.price.decimals + instrument.size.decimals
    if decimals > MAX_DECIMALS:
        return None
    return _floored(Scale(decimals, instrument.price.step * instrument.size.step), text)


def amount(text: str) -> str:
    """Return a decimal without trailing zeros. Raises InexactError where it is none, or less than 0."""
    _floored(Scale(MAX_DECIMALS, 1), text)
    return trim(text)


def levels(instrument: Instrument, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[Level, ...], int]:
    """Return (price, size) pairs as levels, the later of two at one price, and how many were off the ticks.

    Raises InexactError where one is no price or no size.
    """
    sizes: dict[int, int] = {}
    off_tick = 0
    for price, size in pairs:
        try:
            sizes[price_ticks(instrument, price)] = floor_lots(instrument, size)
        except OffTickError:
            off_tick += 1
    return tuple(sizes.items()), off_tick


def _floored(scale: Scale, text: str) -> int:
    steps = scale.floor(text)
    if steps < 0:
        raise InexactError(text, "zero or more")
    return steps
