"""Maps messages of Kraken to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import msgspec

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Level, Quote, Trade
from floorwire.core.microseconds import MINUTE_US
from floorwire.venues.common import event_mapping
from floorwire.venues.common.decimals import rfc3339_us
from floorwire.venues.common.event_mapping import Ohlc
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.kraken import messages
from floorwire.venues.kraken.messages import number
from floorwire.venues.kraken.pair_names import current_coin
from floorwire.venues.kraken.scanned_messages import ScannedTicker, ScannedTrade

VENUE = "kraken"
WEEK_MINUTES = 7 * 1440
"""Candles of weeks and of 15 days do not begin at multiples of their length. They are left out."""
STATES: dict[str, InstrumentState] = {"online": "open", "delisted": "closed"}
"""Every other status means halted."""
SIDES: dict[str, Side] = {"buy": "buy", "sell": "sell"}


def listed(row: bytes, prefix: str) -> tuple[str, Instrument]:
    """Return Kraken's name and the instrument of a pair, from REST or from the channel ``instrument``."""
    if b'"wsname"' in row:
        asset_pair = msgspec.json.decode(row, type=messages.AssetPair)
        base, _, quote = asset_pair.wsname.partition("/")
        lot = format(Decimal(1).scaleb(-asset_pair.lot_decimals), "f")
        names = current_coin(base), current_coin(quote)
        tick = asset_pair.tick_size or format(Decimal(1).scaleb(-asset_pair.pair_decimals), "f")
        state = STATES.get(asset_pair.status, "halted")
        least = asset_pair.ordermin, asset_pair.costmin
        instrument = event_mapping.instrument(VENUE, prefix, names, (tick, lot), state, least)
        return "/".join(names), instrument
    pair = msgspec.json.decode(row, type=messages.Pair)
    steps = number(pair.price_increment), number(pair.qty_increment)
    assets, state = (pair.base, pair.quote), STATES.get(pair.status, "halted")
    least = number(pair.qty_min), number(pair.cost_min)
    return pair.symbol, event_mapping.instrument(VENUE, prefix, assets, steps, state, least)


def unlisted_instrument(text: str, prefix: str) -> tuple[str, Instrument] | None:
    """Return Kraken's name and an instrument for an unlisted symbol, with eight decimals."""
    base, _, quote = text.upper().replace("-", "/").partition("/")
    if not base or not quote or "/" in quote:
        return None
    return f"{base}/{quote}", event_mapping.unlisted_instrument(VENUE, prefix, (base, quote))


def trade(message: messages.Trade, trade_id: int, of: Instrument, reader: LevelReader) -> Trade:
    """Return the trade. Kraken: ``side`` is the taker's."""
    side = SIDES.get(message.side)
    if side is None:
        raise ValueError(message.side)
    ticks, lots = reader.trade(of, number(message.price), number(message.qty))
    return Trade(of.symbol, str(trade_id), ticks, lots, side, rfc3339_us(message.timestamp))


def quote(ticker: messages.Ticker, of: Instrument, reader: LevelReader, ts_us: int) -> Quote:
    """Return the best prices."""
    bid_ticks, bid_lots = _best(ticker.bid, ticker.bid_qty, of, reader)
    ask_ticks, ask_lots = _best(ticker.ask, ticker.ask_qty, of, reader)
    return Quote(of.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, ts_us)


def scanned_trade(message: ScannedTrade, trade_id: int, of: Instrument, reader: LevelReader) -> Trade:
    """Return the trade of a frame."""
    ticks, lots = reader.plain_trade(of, message.price, message.size)
    side: Side = "sell" if message.is_sale else "buy"
    return Trade(of.symbol, str(trade_id), ticks, lots, side, message.ts_us)


def scanned_quote(ticker: ScannedTicker, of: Instrument, reader: LevelReader, ts_us: int) -> Quote:
    """Return the best prices of a frame. A price of 0: the side is empty."""
    bid_ticks = bid_lots = ask_ticks = ask_lots = 0
    if ticker.bid >> 5:
        bid_ticks, bid_lots = reader.plain_level(of, ticker.bid, ticker.bid_size)
    if ticker.ask >> 5:
        ask_ticks, ask_lots = reader.plain_level(of, ticker.ask, ticker.ask_size)
    return Quote(of.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, ts_us)


def scanned_day(ticker: ScannedTicker, of: Instrument, ts_us: int) -> DayStats:
    """Return the last 24 hours of a frame."""
    return event_mapping.plain_day(of, (ticker.opened, ticker.high, ticker.low), ticker.volume, None, ts_us)


def day(ticker: messages.Ticker, of: Instrument, ts_us: int) -> DayStats:
    """Return the statistics of the last 24 hours. Kraken sends no turnover."""
    try:
        opened = Decimal(number(ticker.last)) - Decimal(number(ticker.change))
    except InvalidOperation:
        raise ValueError(ticker.symbol) from None
    prices = format(opened, "f"), number(ticker.high), number(ticker.low)
    return event_mapping.day(of, prices, number(ticker.volume), None, ts_us)


def candle(ohlc: messages.Ohlc, of: Instrument, ts_us: int) -> Candle | None:
    """Return the candle, not closed; None if its interval is a week or longer."""
    interval_us = ohlc.interval * MINUTE_US if ohlc.interval < WEEK_MINUTES else None
    return event_mapping.candle(
        of,
        interval_us,
        rfc3339_us(ohlc.interval_begin),
        Ohlc(number(ohlc.open), number(ohlc.high), number(ohlc.low), number(ohlc.close)),
        number(ohlc.volume),
        closed=False,
        ts_us=ts_us,
        trades=ohlc.trades,
    )


def _best(price: msgspec.Raw, qty: msgspec.Raw, of: Instrument, reader: LevelReader) -> Level:
    text = number(price)
    return reader.level(of, text, number(qty)) if text.strip("0.") else (0, 0)
