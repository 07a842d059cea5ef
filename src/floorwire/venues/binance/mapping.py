"""Maps messages of Binance to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Quote, Trade
from floorwire.core.microseconds import MINUTE_US
from floorwire.core.units import MAX_DECIMALS, Scale, format_units
from floorwire.venues.binance import messages
from floorwire.venues.binance.scanned_messages import ScannedDepth, ScannedQuote, ScannedTrade
from floorwire.venues.common import event_mapping
from floorwire.venues.common.decimals import epoch_us
from floorwire.venues.common.diff_book import BookDiff
from floorwire.venues.common.event_mapping import Ohlc
from floorwire.venues.common.level_reader import LevelReader

VENUE = "binance"
INTERVALS_US = {
    "1s": 1_000_000,
    "1m": MINUTE_US,
    "3m": 3 * MINUTE_US,
    "5m": 5 * MINUTE_US,
    "15m": 15 * MINUTE_US,
    "30m": 30 * MINUTE_US,
    "1h": 60 * MINUTE_US,
    "2h": 120 * MINUTE_US,
    "4h": 240 * MINUTE_US,
    "6h": 360 * MINUTE_US,
    "8h": 480 * MINUTE_US,
    "12h": 720 * MINUTE_US,
    "1d": 1440 * MINUTE_US,
}
STATES: dict[str, InstrumentState] = {"TRADING": "open", "END_OF_DAY": "closed"}
"""Every other status (HALT, BREAK, CANCEL_ONLY) means halted."""

QUOTE_ASSETS = (
    "FDUSD",
    "USDT",
    "USDC",
    "BUSD",
    "TUSD",
    "DAI",
    "BTC",
    "ETH",
    "BNB",
    "EUR",
    "GBP",
    "TRY",
    "BRL",
    "AUD",
)


def instrument(listed: messages.Symbol, prefix: str) -> Instrument:
    """Return the instrument of a symbol in exchangeInfo. Its filters have the steps, else its precisions."""
    tick, lot = _step(listed.quote_precision), _step(listed.base_asset_precision)
    quantity = notional = "0"
    for rule in listed.filters:
        match rule.filter_type:
            case "PRICE_FILTER" if _is_step(rule.tick_size):
                tick = rule.tick_size
            case "LOT_SIZE" if _is_step(rule.step_size):
                lot, quantity = rule.step_size, rule.min_qty
            case "MIN_NOTIONAL" | "NOTIONAL":
                notional = rule.min_notional
    assets, state = (listed.base_asset, listed.quote_asset), STATES.get(listed.status, "halted")
    return event_mapping.instrument(VENUE, prefix, assets, (tick, lot), state, (quantity, notional))


def unlisted_instrument(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for an unlisted symbol, with eight decimals as Binance prints all numbers."""
    for quote in QUOTE_ASSETS:
        base = native.removesuffix(quote)
        if base and base != native:
            return event_mapping.unlisted_instrument(VENUE, prefix, (base, quote))
    return None


def trade(message: messages.Trade | messages.AggTrade, of: Instrument, reader: LevelReader) -> Trade:
    """Return the trade. Binance: if ``m`` is true the buyer is the maker, so the taker sold."""
    ticks, lots = reader.trade(of, message.price, message.size)
    side: Side = "sell" if message.buyer_makes else "buy"
    return Trade(of.symbol, str(message.trade_id), ticks, lots, side, epoch_us(message.trade_time))


def quote(message: messages.BookTicker, of: Instrument, reader: LevelReader, now_us: int) -> Quote:
    """Return best bid and ask. Spot sends no time with them, so their time is now."""
    ts_us = now_us if message.event_time is None else epoch_us(message.event_time)
    bid_ticks, bid_lots = reader.best(of, message.bid, message.bid_size)
    ask_ticks, ask_lots = reader.best(of, message.ask, message.ask_size)
    return Quote(of.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, ts_us)


def scanned_trade(message: ScannedTrade, of: Instrument, reader: LevelReader) -> Trade:
    """Return the trade."""
    ticks, lots = reader.plain_trade(of, message.price, message.size)
    side: Side = "sell" if message.buyer_makes else "buy"
    return Trade(of.symbol, str(message.trade_id), ticks, lots, side, epoch_us(message.trade_time))


def scanned_quote(message: ScannedQuote, of: Instrument, reader: LevelReader, now_us: int) -> Quote:
    """Return best bid and ask."""
    bid_ticks, bid_lots = reader.plain_best(of, message.bid, message.bid_size)
    ask_ticks, ask_lots = reader.plain_best(of, message.ask, message.ask_size)
    return Quote(of.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, now_us)


def diff(message: messages.DepthUpdate, of: Instrument, reader: LevelReader) -> tuple[BookDiff, int]:
    """Return a difference of the book, and how many levels were left out because they are between ticks."""
    bids, bids_off = reader.read(of, message.bids)
    asks, asks_off = reader.read(of, message.asks)
    found = BookDiff(message.first, message.last, bids, asks, epoch_us(message.event_time))
    return found, bids_off + asks_off


def scanned_diff(message: ScannedDepth, of: Instrument, reader: LevelReader) -> tuple[BookDiff, int]:
    """Return the same of a frame."""
    bids = reader.scan(of, message.frame, message.bids_at)
    bids_off = reader.off_tick
    asks = reader.scan(of, message.frame, message.asks_at)
    asks_off = reader.off_tick
    found = BookDiff(message.first, message.last, bids, asks, epoch_us(message.event_time))
    return found, bids_off + asks_off


def day(message: messages.DayTicker, of: Instrument) -> DayStats:
    """Return the statistics of the last 24 hours."""
    prices = message.open, message.high, message.low
    return event_mapping.day(of, prices, message.volume, message.turnover, epoch_us(message.event_time))


def candle(message: messages.KlineEvent, of: Instrument) -> Candle | None:
    """Return the candle; None if its interval has no fixed length (months) or does not start in UTC."""
    kline = message.kline
    return event_mapping.candle(
        of,
        INTERVALS_US.get(kline.interval),
        epoch_us(kline.start_time),
        Ohlc(kline.open, kline.high, kline.low, kline.close),
        kline.volume,
        closed=kline.closed,
        ts_us=epoch_us(message.event_time),
        trades=kline.trades,
    )


def _step(decimals: int) -> str:
    return format_units(1, min(decimals, MAX_DECIMALS))


def _is_step(text: str) -> bool:
    try:
        return Scale.of(text).step > 0
    except ValueError:  # Binance: "0.00000000" means that the rule is off
        return False
