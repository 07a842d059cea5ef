"""Maps messages of Bybit to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from typing import NamedTuple

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Level, Trade
from floorwire.core.units import Scale, trim
from floorwire.venues.bybit import messages
from floorwire.venues.common.decimals import (
    amount,
    floor_lots,
    floor_ticks,
    price_ticks,
    traded_lots,
    turnover,
)
from floorwire.venues.common.level_reader import LevelReader

VENUE = "bybit"
MILLISECOND_US = 1_000
MINUTE_US = 60_000_000
INTERVALS_US = {
    "1": MINUTE_US,
    "3": 3 * MINUTE_US,
    "5": 5 * MINUTE_US,
    "15": 15 * MINUTE_US,
    "30": 30 * MINUTE_US,
    "60": 60 * MINUTE_US,
    "120": 120 * MINUTE_US,
    "240": 240 * MINUTE_US,
    "360": 360 * MINUTE_US,
    "720": 720 * MINUTE_US,
    "D": 1440 * MINUTE_US,
}
"""Weeks and months are left out."""
STATES: dict[str, InstrumentState] = {"Trading": "open", "Closed": "closed"}
"""Every other status means halted."""
SIDES: dict[str, Side] = {"Buy": "buy", "Sell": "sell"}
QUOTE_COINS = ("USDT", "USDC", "USDE", "USD1", "EUR", "BRL", "PLN", "TRY", "BTC", "ETH", "DAI", "MNT", "SOL")
EIGHT_DECIMALS = "0.00000001"


class BookLevels(NamedTuple):
    """The levels of a book message in ticks and lots, and how many were between two ticks."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    off_tick: int
    ts_us: int


def instrument(listed: messages.InstrumentRow, prefix: str) -> Instrument:
    """Return the instrument of a row of the list."""
    tick, lot = listed.price_filter.tick_size, listed.lot_size_filter.base_precision
    if not listed.base_coin or not listed.quote_coin:
        raise ValueError(listed.symbol)
    Scale.of(tick), Scale.of(lot)
    return Instrument(
        symbol=f"{prefix}{listed.base_coin}-{listed.quote_coin}",
        base=listed.base_coin,
        quote=listed.quote_coin,
        venue=VENUE,
        tick_size=trim(tick),
        lot_size=trim(lot),
        min_notional=amount(listed.lot_size_filter.min_order_amt or "0"),
        state=STATES.get(listed.status, "halted"),
    )


def unlisted_instrument(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for an unlisted symbol, with eight decimals."""
    for quote in QUOTE_COINS:
        base = native.removesuffix(quote)
        if base and base != native:
            return Instrument(f"{prefix}{base}-{quote}", base, quote, VENUE, EIGHT_DECIMALS, EIGHT_DECIMALS)
    return None


def trade(message: messages.Trade, of: Instrument) -> Trade:
    """Return the trade. Bybit: ``S`` is the taker's side."""
    side = SIDES.get(message.side)
    if side is None:
        raise ValueError(message.side)
    return Trade(
        symbol=of.symbol,
        trade_id=message.trade_id,
        price_ticks=price_ticks(of, message.price),
        size_lots=traded_lots(of, message.size),
        side=side,
        ts_us=message.time * MILLISECOND_US,
    )


def book(frame: messages.BookFrame, of: Instrument, reader: LevelReader) -> BookLevels:
    """Return the levels of a book message."""
    bids, bids_off = reader.read(of, frame.book.bids)
    asks, asks_off = reader.read(of, frame.book.asks)
    return BookLevels(bids, asks, bids_off + asks_off, frame.time * MILLISECOND_US)


def day(frame: messages.TickerFrame, of: Instrument) -> DayStats:
    """Return the statistics of the last 24 hours."""
    ticker = frame.ticker
    return DayStats(
        symbol=of.symbol,
        open_ticks=floor_ticks(of, ticker.prev_price24h),
        high_ticks=floor_ticks(of, ticker.high_price24h),
        low_ticks=floor_ticks(of, ticker.low_price24h),
        volume_lots=floor_lots(of, ticker.volume24h),
        turnover=turnover(of, ticker.turnover24h),
        ts_us=frame.time * MILLISECOND_US,
    )


def candle(kline: messages.Kline, frame: messages.KlineFrame, of: Instrument) -> Candle | None:
    """Return the candle; None if its interval has no fixed length. Bybit sends no number of trades: 0."""
    interval_us = INTERVALS_US.get(frame.interval)
    start_us = kline.start * MILLISECOND_US
    if interval_us is None or start_us % interval_us:
        return None
    return Candle(
        symbol=of.symbol,
        interval_us=interval_us,
        start_us=start_us,
        open_ticks=floor_ticks(of, kline.open),
        high_ticks=floor_ticks(of, kline.high),
        low_ticks=floor_ticks(of, kline.low),
        close_ticks=floor_ticks(of, kline.close),
        volume_lots=floor_lots(of, kline.volume),
        trades=0,
        closed=kline.confirm,
        ts_us=frame.time * MILLISECOND_US,
    )
