"""Maps messages of OKX to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Level, Quote, Trade
from floorwire.core.units import Scale, trim
from floorwire.venues.common.decimals import (
    floor_lots,
    floor_ticks,
    price_ticks,
    traded_lots,
    turnover,
)
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.okx import messages

VENUE = "okx"
MILLISECOND_US = 1_000
MINUTE_US = 60_000_000
INTERVALS_US = {
    "1s": 1_000_000,
    "1m": MINUTE_US,
    "3m": 3 * MINUTE_US,
    "5m": 5 * MINUTE_US,
    "15m": 15 * MINUTE_US,
    "30m": 30 * MINUTE_US,
    "1H": 60 * MINUTE_US,
    "2H": 120 * MINUTE_US,
    "4H": 240 * MINUTE_US,
    "6Hutc": 360 * MINUTE_US,
    "12Hutc": 720 * MINUTE_US,
    "1Dutc": 1440 * MINUTE_US,
}
"""OKX: longer intervals without ``utc`` start by the time of Hong Kong. Weeks and months are left out."""
STATES: dict[str, InstrumentState] = {"live": "open", "expired": "closed"}
"""Every other state (suspend, preopen, test) means halted."""
SIDES: dict[str, Side] = {"buy": "buy", "sell": "sell"}
SPOT = "SPOT"
EIGHT_DECIMALS = "0.00000001"
_pair: Callable[[messages.Level], tuple[str, str]] = attrgetter("price", "size")


class BookLevels(NamedTuple):
    """The levels of a book message in ticks and lots, and how many were between two ticks."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    off_tick: int
    ts_us: int


def instrument(listed: messages.InstrumentRow, prefix: str) -> Instrument:
    """Return the instrument of a row of the list. OKX names no least amount of an order in it."""
    if listed.inst_type != SPOT or not listed.base_ccy or not listed.quote_ccy:
        raise ValueError(listed.inst_type)
    Scale.of(listed.tick_sz), Scale.of(listed.lot_sz)
    return Instrument(
        symbol=f"{prefix}{listed.base_ccy}-{listed.quote_ccy}",
        base=listed.base_ccy,
        quote=listed.quote_ccy,
        venue=VENUE,
        tick_size=trim(listed.tick_sz),
        lot_size=trim(listed.lot_sz),
        state=STATES.get(listed.state, "halted"),
    )


def unlisted_instrument(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for an unlisted spot symbol, with eight decimals."""
    base, _, quote = native.partition("-")
    if not base or not quote or "-" in quote:  # futures and swaps have a third part
        return None
    return Instrument(f"{prefix}{base}-{quote}", base, quote, VENUE, EIGHT_DECIMALS, EIGHT_DECIMALS)


def trade(message: messages.Trade, of: Instrument) -> Trade:
    """Return the trade. OKX: ``side`` is the taker's."""
    side = SIDES.get(message.side)
    if side is None:
        raise ValueError(message.side)
    return Trade(
        symbol=of.symbol,
        trade_id=str(message.trade_id),
        price_ticks=price_ticks(of, message.px),
        size_lots=traded_lots(of, message.sz),
        side=side,
        ts_us=message.ts * MILLISECOND_US,
    )


def book(message: messages.Book, of: Instrument, reader: LevelReader) -> BookLevels:
    """Return the levels of a book message."""
    bids, bids_off = reader.read(of, map(_pair, message.bids))
    asks, asks_off = reader.read(of, map(_pair, message.asks))
    return BookLevels(bids, asks, bids_off + asks_off, message.ts * MILLISECOND_US)


def quote(message: messages.Book, of: Instrument) -> Quote:
    """Return best bid and ask, of the channel bbo-tbt. An empty side has no level."""
    bid_ticks, bid_lots = _best(message.bids, of)
    ask_ticks, ask_lots = _best(message.asks, of)
    return Quote(of.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, message.ts * MILLISECOND_US)


def day(message: messages.Ticker, of: Instrument) -> DayStats:
    """Return the statistics of the last 24 hours."""
    return DayStats(
        symbol=of.symbol,
        open_ticks=floor_ticks(of, message.open24h),
        high_ticks=floor_ticks(of, message.high24h),
        low_ticks=floor_ticks(of, message.low24h),
        volume_lots=floor_lots(of, message.volume),
        turnover=turnover(of, message.turnover),
        ts_us=message.ts * MILLISECOND_US,
    )


def candle(row: messages.CandleRow, channel: str, of: Instrument, now_us: int) -> Candle | None:
    """Return the candle; None if its interval has no fixed length or does not start in UTC.

    OKX does not send the number of trades, which is 0, nor the time of a candle's message, which is
    ``now_us``.
    """
    interval_us = INTERVALS_US.get(channel.removeprefix("candle"))
    start_us = row.start * MILLISECOND_US
    if interval_us is None or start_us % interval_us:
        return None
    return Candle(
        symbol=of.symbol,
        interval_us=interval_us,
        start_us=start_us,
        open_ticks=floor_ticks(of, row.open),
        high_ticks=floor_ticks(of, row.high),
        low_ticks=floor_ticks(of, row.low),
        close_ticks=floor_ticks(of, row.close),
        volume_lots=floor_lots(of, row.volume),
        trades=0,
        closed=row.confirm == "1",
        ts_us=now_us,
    )


def _best(levels: list[messages.Level], of: Instrument) -> Level:
    if not levels:
        return 0, 0
    return price_ticks(of, levels[0].price), floor_lots(of, levels[0].size)
