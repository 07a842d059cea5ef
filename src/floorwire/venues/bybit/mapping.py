"""Maps messages of Bybit to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Trade
from floorwire.core.microseconds import MILLISECOND_US, MINUTE_US
from floorwire.venues.bybit import messages
from floorwire.venues.common import event_mapping
from floorwire.venues.common.event_mapping import BookLevels, Ohlc
from floorwire.venues.common.level_reader import LevelReader

VENUE = "bybit"
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


def instrument(listed: messages.InstrumentRow, prefix: str) -> Instrument:
    """Return the instrument of a row of the list."""
    return event_mapping.instrument(
        VENUE,
        prefix,
        (listed.base_coin, listed.quote_coin),
        (listed.price_filter.tick_size, listed.lot_size_filter.base_precision),
        STATES.get(listed.status, "halted"),
        ("0", listed.lot_size_filter.min_order_amt or "0"),
    )


def unlisted_instrument(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for an unlisted symbol, with eight decimals."""
    for quote in QUOTE_COINS:
        base = native.removesuffix(quote)
        if base and base != native:
            return event_mapping.unlisted_instrument(VENUE, prefix, (base, quote))
    return None


def trade(message: messages.Trade, of: Instrument, reader: LevelReader) -> Trade:
    """Return the trade. Bybit: ``S`` is the taker's side."""
    side = SIDES.get(message.side)
    if side is None:
        raise ValueError(message.side)
    ticks, lots = reader.trade(of, message.price, message.size)
    return Trade(of.symbol, message.trade_id, ticks, lots, side, message.time * MILLISECOND_US)


def book(frame: messages.BookFrame, of: Instrument, reader: LevelReader) -> BookLevels:
    """Return the levels of a book message."""
    return event_mapping.book(reader, of, frame.book.bids, frame.book.asks, frame.time * MILLISECOND_US)


def day(frame: messages.TickerFrame, of: Instrument) -> DayStats:
    """Return the statistics of the last 24 hours."""
    ticker, ts_us = frame.ticker, frame.time * MILLISECOND_US
    prices = ticker.prev_price24h, ticker.high_price24h, ticker.low_price24h
    return event_mapping.day(of, prices, ticker.volume24h, ticker.turnover24h, ts_us)


def candle(kline: messages.Kline, frame: messages.KlineFrame, of: Instrument) -> Candle | None:
    """Return the candle; None if its interval has no fixed length. Bybit sends no number of trades."""
    return event_mapping.candle(
        of,
        INTERVALS_US.get(frame.interval),
        kline.start * MILLISECOND_US,
        Ohlc(kline.open, kline.high, kline.low, kline.close),
        kline.volume,
        closed=kline.confirm,
        ts_us=frame.time * MILLISECOND_US,
    )
