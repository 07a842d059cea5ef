"""Maps messages of OKX to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Level, Quote, Trade
from floorwire.core.microseconds import MILLISECOND_US, MINUTE_US
from floorwire.venues.common import event_mapping
from floorwire.venues.common.event_mapping import Ohlc
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.common.price_levels import WrittenLevel
from floorwire.venues.okx import messages
from floorwire.venues.okx.scanned_messages import ScannedQuote, ScannedTicker, ScannedTrade

VENUE = "okx"
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


def instrument(listed: messages.InstrumentRow, prefix: str) -> Instrument:
    """Return the instrument of a row of the list. OKX names no least value of an order in it."""
    if listed.inst_type != SPOT:
        raise ValueError(listed.inst_type)
    assets, steps = (listed.base_ccy, listed.quote_ccy), (listed.tick_sz, listed.lot_sz)
    state, least = STATES.get(listed.state, "halted"), (listed.min_sz or "0", "0")
    return event_mapping.instrument(VENUE, prefix, assets, steps, state, least)


def unlisted_instrument(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for an unlisted spot symbol, with eight decimals."""
    base, _, quote = native.partition("-")
    if not base or not quote or "-" in quote:  # futures and swaps have a third part
        return None
    return event_mapping.unlisted_instrument(VENUE, prefix, (base, quote))


def trade(message: messages.Trade, of: Instrument, reader: LevelReader) -> Trade:
    """Return the trade. OKX: ``side`` is the taker's."""
    side = SIDES.get(message.side)
    if side is None:
        raise ValueError(message.side)
    ticks, lots = reader.trade(of, message.px, message.sz)
    return Trade(of.symbol, str(message.trade_id), ticks, lots, side, message.ts * MILLISECOND_US)


def quote(message: messages.Book, of: Instrument, reader: LevelReader) -> Quote:
    """Return best bid and ask, of the channel bbo-tbt. An empty side has no level."""
    bid_ticks, bid_lots = _best(message.bids, of, reader)
    ask_ticks, ask_lots = _best(message.asks, of, reader)
    return Quote(of.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, message.ts * MILLISECOND_US)


def scanned_trade(message: ScannedTrade, of: Instrument, reader: LevelReader) -> Trade:
    """Return the trade of a frame."""
    ticks, lots = reader.plain_trade(of, message.price, message.size)
    side: Side = "sell" if message.is_sale else "buy"
    return Trade(of.symbol, str(message.trade_id), ticks, lots, side, message.ts * MILLISECOND_US)


def scanned_quote(message: ScannedQuote, of: Instrument, reader: LevelReader) -> Quote:
    """Return best bid and ask of a frame."""
    bid_ticks, bid_lots = reader.plain_level(of, message.bid, message.bid_size)
    ask_ticks, ask_lots = reader.plain_level(of, message.ask, message.ask_size)
    return Quote(of.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, message.ts * MILLISECOND_US)


def scanned_day(message: ScannedTicker, of: Instrument) -> DayStats:
    """Return the statistics of the last 24 hours in a frame."""
    return event_mapping.plain_day(
        of,
        (message.opened, message.high, message.low),
        message.volume,
        message.turnover,
        message.ts * MILLISECOND_US,
    )


def day(message: messages.Ticker, of: Instrument) -> DayStats:
    """Return the statistics of the last 24 hours."""
    prices = message.open24h, message.high24h, message.low24h
    return event_mapping.day(of, prices, message.volume, message.turnover, message.ts * MILLISECOND_US)


def candle(row: messages.CandleRow, channel: str, of: Instrument, now_us: int) -> Candle | None:
    """Return the candle; None if its interval has no fixed length or does not start in UTC.

    OKX does not send the number of trades, nor the time of a candle's message, which is ``now_us``.
    """
    interval_us = INTERVALS_US.get(channel.removeprefix("candle"))
    prices, is_closed = Ohlc(row.open, row.high, row.low, row.close), row.confirm == "1"
    start_us = row.start * MILLISECOND_US
    return event_mapping.candle(of, interval_us, start_us, prices, row.volume, closed=is_closed, ts_us=now_us)


def _best(levels: list[WrittenLevel], of: Instrument, reader: LevelReader) -> Level:
    return reader.level(of, levels[0].price, levels[0].size) if levels else (0, 0)
