"""Maps messages of Coinbase to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Quote, Trade
from floorwire.venues.coinbase import messages
from floorwire.venues.common import event_mapping
from floorwire.venues.common.decimals import floor_lots, floor_ticks, rfc3339_us
from floorwire.venues.common.level_reader import LevelReader

VENUE = "coinbase"
FIVE_MINUTES_US = 300_000_000
TAKER_SIDE: dict[str, Side] = {"buy": "sell", "sell": "buy"}
"""Coinbase: ``side`` of a match is the maker's side. This maps it to the taker's."""


def instrument(listed: messages.Product, prefix: str) -> Instrument:
    """Return the instrument of a spot product."""
    base = listed.base_currency or listed.base_currency_id
    quote = listed.quote_currency or listed.quote_currency_id
    if not base or not quote or listed.product_type != "SPOT":
        raise ValueError(listed.product_type)
    steps = listed.price_increment or listed.quote_increment, listed.base_increment
    least = listed.base_min_size or "0", listed.min_market_funds or listed.quote_min_size or "0"
    return event_mapping.instrument(VENUE, prefix, (base, quote), steps, _state(listed), least)


def unlisted_instrument(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for an unlisted product, with eight decimals, the most that Coinbase uses."""
    base, _, quote = native.partition("-")
    if not base or not quote:
        return None
    return event_mapping.unlisted_instrument(VENUE, prefix, (base, quote))


def match(message: messages.Match, of: Instrument, reader: LevelReader) -> Trade:
    """Return the trade."""
    ticks, lots = reader.trade(of, message.price, message.size)
    side = TAKER_SIDE[message.side]
    return Trade(of.symbol, str(message.trade_id), ticks, lots, side, rfc3339_us(message.time))


def side(message: messages.Change, side: Side) -> list[tuple[str, str]]:
    """Return the (price, size) pairs of one side of the book."""
    return [(price, size) for of, price, size in message.changes if of == side]


def day(message: messages.Ticker, of: Instrument, now_us: int) -> DayStats | None:
    """Return the last 24 hours; None if the ticker has none. Coinbase sends no quote volume."""
    if not message.open_24h:
        return None
    prices = message.open_24h, message.high_24h, message.low_24h
    return event_mapping.day(of, prices, message.volume_24h, None, event_us(message.time, now_us))


def quote(message: messages.Ticker, of: Instrument, reader: LevelReader, now_us: int) -> Quote | None:
    """Return best bid and ask; None if the ticker lacks a price or a size."""
    if not (message.best_bid and message.best_bid_size and message.best_ask and message.best_ask_size):
        return None
    bid_ticks, bid_lots = reader.best(of, message.best_bid, message.best_bid_size)
    ask_ticks, ask_lots = reader.best(of, message.best_ask, message.best_ask_size)
    return Quote(of.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, event_us(message.time, now_us))


def candle(message: messages.Candle, of: Instrument) -> Candle:
    """Return the candle. Coinbase does not send the number of trades, nor that a candle is closed."""
    start_us, ts_us = int(message.start) * 1_000_000, rfc3339_us(message.time)
    return Candle(
        symbol=of.symbol,
        interval_us=FIVE_MINUTES_US,
        start_us=start_us,
        open_ticks=floor_ticks(of, message.open),
        high_ticks=floor_ticks(of, message.high),
        low_ticks=floor_ticks(of, message.low),
        close_ticks=floor_ticks(of, message.close),
        volume_lots=floor_lots(of, message.volume),
        trades=0,
        closed=ts_us >= start_us + FIVE_MINUTES_US,
        ts_us=ts_us,
    )


def event_us(time: str | None, now_us: int) -> int:
    """Return the venue's time in microseconds, or now if the message has none."""
    return now_us if time is None else rfc3339_us(time)


def _state(listed: messages.Product) -> InstrumentState:
    if listed.status in ("delisted", "internal"):
        return "closed"
    nothing_trades = listed.trading_disabled or listed.cancel_only or listed.post_only or listed.auction_mode
    return "halted" if nothing_trades or listed.status != "online" else "open"
