"""Candles of an exchange's past: what differs from one exchange to another, and the exact figures of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Final, NamedTuple, Protocol

from floorwire.core.candle_intervals import CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.core.market_history import StoredUnits
from floorwire.core.past_candles import PastCandle, PastPage
from floorwire.core.units import MAX_DECIMALS, InexactError, Scale, format_units

FINER_DECIMALS: Final = 4
"""So many decimals more than those of the present steps may be in past figures."""


class CandleRow(NamedTuple):
    """A row of an answer: prices and volume as the exchange wrote them."""

    start_us: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int = 0
    """0: the exchange does not say how many."""


class CandleHistory(Protocol):
    """What differs at one exchange."""

    weight: int
    """What a request costs of the rate limit."""
    most_rows: int
    """How many candles one answer has at most."""
    has_all_rows: bool
    """Whether intervals without a trade have rows too. Then what is before the first row is unknown."""
    is_latest_only: bool
    """Whether each answer has the latest candles, up to the open one, and there is no way to older ones."""
    intervals: Mapping[str, CandleInterval]
    """By the name of the interval that is asked for: that of the rows, which is as long or shorter."""

    def url(self, instrument: Instrument, native: str, interval: str, from_us: int, to_us: int) -> str:
        """Return the address of the candles that start in this time. ``interval``: that of the rows."""
        ...

    def rows(self, body: bytes) -> Sequence[CandleRow]:
        """Return the rows of an answer, in any order.

        Raises ValueError, RecursionError; TooManyRequestsError if that is what the exchange says.
        """
        ...


def told(rows: Sequence[CandleRow], history: CandleHistory, from_us: int, to_us: int, row_us: int) -> range:
    """Return the time of which an answer tells everything; empty if that is none of what was asked.

    ``rows``: the oldest first. ``row_us``: the length of one.
    """
    if not history.has_all_rows:
        return range(from_us, to_us)
    if not rows:
        return range(to_us, to_us)
    last = rows[-1].start_us
    first_us, last_us = max(from_us, rows[0].start_us), last if history.is_latest_only else last + row_us
    return range(first_us, max(first_us, min(to_us, last_us)))


def page(
    of: Instrument, interval: CandleInterval, rows: Sequence[CandleRow], from_us: int, to_us: int
) -> PastPage:
    """Return the candles of an interval that start in this time. Raises ValueError if a row is no candle.

    Figures are exact: where they are no whole ticks and lots, because the steps were finer then, the units of
    the page are finer. A row that needs more than ``FINER_DECIMALS`` for that is refused.
    """
    tick, lot = of.price, of.size
    price, size = _decimals(tick), _decimals(lot)
    figures: dict[int, list[_Figures]] = {}
    refused: dict[int, None] = {}
    for row in rows:
        if not from_us <= row.start_us < to_us:
            continue
        start_us = interval.start_of(row.start_us)
        read = _figures(row, price, size)
        if read is None:
            refused[start_us] = None
        elif read.volume:
            figures.setdefault(start_us, []).append(read)
    kept = {start_us: _merged(parts) for start_us, parts in figures.items() if start_us not in refused}
    price_unit = gcd(_steps(tick, price), *(figure for one in kept.values() for figure in one[:4]))
    size_unit = gcd(_steps(lot, size), *(one.volume for one in kept.values()))
    candles = [
        PastCandle(
            start_us,
            one.open // price_unit,
            one.high // price_unit,
            one.low // price_unit,
            one.close // price_unit,
            one.volume // size_unit,
            one.trades,
        )
        for start_us, one in sorted(kept.items())
    ]
    units = StoredUnits(_unit(price, price_unit), _unit(size, size_unit))
    return PastPage(of.symbol, interval.name, from_us, to_us, candles, sorted(refused), units)


class _Figures(NamedTuple):
    """Figures of a row in ten to the power of minus the decimals that are allowed."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int


def _decimals(step: Scale) -> Scale:
    return Scale(min(step.decimals + FINER_DECIMALS, MAX_DECIMALS), 1)


def _steps(step: Scale, finer: Scale) -> int:
    """Return how many units of the finer scale a step is."""
    return int(step.step * 10 ** (finer.decimals - step.decimals))


def _unit(finer: Scale, units: int) -> Scale:
    return Scale.of(format_units(units, finer.decimals))


def _figures(row: CandleRow, price: Scale, size: Scale) -> _Figures | None:
    """Return the figures; None if they are too fine. Raises ValueError if it is no candle."""
    texts = row.open, row.high, row.low, row.close, row.volume
    for text in texts:
        price.floor(text)  # raises InexactError if it is no decimal
    try:
        opened, high, low, close = map(price.parse, texts[:4])
        volume = size.parse(row.volume)
    except InexactError:
        return None
    if not 0 < low <= min(opened, close) <= max(opened, close) <= high or volume < 0 or row.trades < 0:
        raise ValueError(f"{row} is no candle")
    return _Figures(opened, high, low, close, volume, row.trades)


def _merged(parts: Sequence[_Figures]) -> _Figures:
    """Return the candle of these, which are in order of time."""
    return _Figures(
        parts[0].open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        parts[-1].close,
        sum(part.volume for part in parts),
        sum(part.trades for part in parts),
    )
