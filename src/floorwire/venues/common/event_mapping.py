"""Makes instruments, candles, days and levels from the texts that exchanges write, in the same way for all.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from floorwire.core.instrument import Instrument, InstrumentState
from floorwire.core.market_events import Candle, DayStats, Level
from floorwire.core.units import Scale, trim
from floorwire.venues.common.decimals import amount, floor_lots, floor_ticks, plain_floor_ticks, turnover
from floorwire.venues.common.level_reader import LevelReader

EIGHT_DECIMALS = "0.00000001"


class BookLevels(msgspec.Struct, frozen=True):
    """The levels of a book message in ticks and lots, and how many were between two ticks."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    off_tick: int
    ts_us: int


class Ohlc(NamedTuple):
    """The prices of a candle as texts."""

    open: str
    high: str
    low: str
    close: str


def instrument(
    venue: str,
    prefix: str,
    assets: tuple[str, str],
    steps: tuple[str, str],
    state: InstrumentState,
    least: tuple[str, str] = ("0", "0"),
) -> Instrument:
    """Return an instrument.

    ``assets``: base and quote; ``steps``: of prices and of sizes; ``least``: the smallest quantity and the
    smallest value of an order, ``0`` where the exchange names none.
    """
    (base, quote), (tick, lot), (min_quantity, min_notional) = assets, steps, least
    if not base or not quote:
        raise ValueError(f"{base}-{quote} is no symbol")
    Scale.of(tick), Scale.of(lot)
    return Instrument(
        symbol=f"{prefix}{base}-{quote}",
        base=base,
        quote=quote,
        venue=venue,
        tick_size=trim(tick),
        lot_size=trim(lot),
        min_notional=amount(min_notional),
        state=state,
        min_quantity=amount(min_quantity),
    )


def unlisted_instrument(venue: str, prefix: str, assets: tuple[str, str]) -> Instrument:
    """Return an instrument that no list has, with steps of eight decimals, the most that exchanges write."""
    base, quote = assets
    return Instrument(f"{prefix}{base}-{quote}", base, quote, venue, EIGHT_DECIMALS, EIGHT_DECIMALS)


def book(
    reader: LevelReader,
    of: Instrument,
    bids: Iterable[tuple[str, str]],
    asks: Iterable[tuple[str, str]],
    ts_us: int,
) -> BookLevels:
    """Return the levels of a book message."""
    bid_levels, bids_off = reader.read(of, bids)
    ask_levels, asks_off = reader.read(of, asks)
    return BookLevels(bid_levels, ask_levels, bids_off + asks_off, ts_us)


def day(
    of: Instrument, prices: tuple[str, str, str], volume: str, quote_volume: str | None, ts_us: int
) -> DayStats:
    """Return the last 24 hours. ``prices``: first, highest and lowest; ``quote_volume`` None: not sent."""
    open_price, high, low = prices
    return DayStats(
        symbol=of.symbol,
        open_ticks=floor_ticks(of, open_price),
        high_ticks=floor_ticks(of, high),
        low_ticks=floor_ticks(of, low),
        volume_lots=floor_lots(of, volume),
        turnover=None if quote_volume is None else turnover(of, quote_volume),
        ts_us=ts_us,
    )


def plain_day(
    of: Instrument, prices: tuple[int, int, int], volume: str, quote_volume: str | None, ts_us: int
) -> DayStats:
    """Return the same of what ``plain_decimal`` returns of the prices."""
    open_price, high, low = prices
    return DayStats(
        of.symbol,
        plain_floor_ticks(of, open_price),
        plain_floor_ticks(of, high),
        plain_floor_ticks(of, low),
        floor_lots(of, volume),
        None if quote_volume is None else turnover(of, quote_volume),
        ts_us,
    )


def candle(
    of: Instrument,
    interval_us: int | None,
    start_us: int,
    prices: Ohlc,
    volume: str,
    *,
    closed: bool,
    ts_us: int,
    trades: int = 0,
) -> Candle | None:
    """Return a candle; None if its interval has no fixed length or does not start in UTC.

    ``trades``: how many, 0 where the exchange does not say.
    """
    if interval_us is None or start_us % interval_us:
        return None
    return Candle(
        symbol=of.symbol,
        interval_us=interval_us,
        start_us=start_us,
        open_ticks=floor_ticks(of, prices.open),
        high_ticks=floor_ticks(of, prices.high),
        low_ticks=floor_ticks(of, prices.low),
        close_ticks=floor_ticks(of, prices.close),
        volume_lots=floor_lots(of, volume),
        trades=trades,
        closed=closed,
        ts_us=ts_us,
    )
