"""Maps messages of Kraken to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import msgspec

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Level, Quote, Trade
from floorwire.core.units import Scale, trim
from floorwire.venues.common.decimals import (
    amount,
    floor_lots,
    floor_ticks,
    price_ticks,
    rfc3339_us,
    traded_lots,
)
from floorwire.venues.kraken import messages
from floorwire.venues.kraken.messages import number
from floorwire.venues.kraken.renamed import current_coin

VENUE = "kraken"
MINUTE_US = 60_000_000
WEEK_MINUTES = 7 * 1440
"""Candles of weeks and of 15 days do not begin at multiples of their length. They are left out."""
STATES: dict[str, InstrumentState] = {"online": "open", "delisted": "closed"}
"""Every other status means halted."""
SIDES: dict[str, Side] = {"buy": "buy", "sell": "sell"}
EIGHT_DECIMALS = "0.00000001"


def listed(row: bytes, prefix: str) -> tuple[str, Instrument]:
    """Return Kraken's name and the instrument of a pair, from REST or from the channel ``instrument``."""
    if b'"wsname"' in row:
        asset_pair = msgspec.json.decode(row, type=messages.AssetPair)
        base, _, quote = asset_pair.wsname.partition("/")
        lot = format(Decimal(1).scaleb(-asset_pair.lot_decimals), "f")
        names = current_coin(base), current_coin(quote)
        tick = asset_pair.tick_size or format(Decimal(1).scaleb(-asset_pair.pair_decimals), "f")
        return "/".join(names), _instrument(names, tick, lot, asset_pair.costmin, asset_pair.status, prefix)
    pair = msgspec.json.decode(row, type=messages.Pair)
    steps = number(pair.price_increment), number(pair.qty_increment)
    return pair.symbol, _instrument(
        (pair.base, pair.quote), *steps, number(pair.cost_min), pair.status, prefix
    )


def unlisted_instrument(text: str, prefix: str) -> tuple[str, Instrument] | None:
    """Return Kraken's name and an instrument for an unlisted symbol, with eight decimals."""
    base, _, quote = text.upper().replace("-", "/").partition("/")
    if not base or not quote or "/" in quote:
        return None
    symbol = f"{prefix}{base}-{quote}"
    return f"{base}/{quote}", Instrument(symbol, base, quote, VENUE, EIGHT_DECIMALS, EIGHT_DECIMALS)


def trade(message: messages.Trade, of: Instrument) -> Trade:
    """Return the trade. Kraken: ``side`` is the taker's."""
    side = SIDES.get(message.side)
    if side is None:
        raise ValueError(message.side)
    return Trade(
        symbol=of.symbol,
        trade_id=str(message.trade_id),
        price_ticks=price_ticks(of, number(message.price)),
        size_lots=traded_lots(of, number(message.qty)),
        side=side,
        ts_us=rfc3339_us(message.timestamp),
    )


def quote(ticker: messages.Ticker, of: Instrument, ts_us: int) -> Quote:
    """Return the best prices."""
    bid, ask = _best(ticker.bid, ticker.bid_qty, of), _best(ticker.ask, ticker.ask_qty, of)
    return Quote(of.symbol, *bid, *ask, ts_us)


def day(ticker: messages.Ticker, of: Instrument, ts_us: int) -> DayStats:
    """Return the statistics of the last 24 hours. Kraken sends no turnover."""
    try:
        opened = Decimal(number(ticker.last)) - Decimal(number(ticker.change))
    except InvalidOperation:
        raise ValueError(ticker.symbol) from None
    return DayStats(
        symbol=of.symbol,
        open_ticks=floor_ticks(of, format(opened, "f")),
        high_ticks=floor_ticks(of, number(ticker.high)),
        low_ticks=floor_ticks(of, number(ticker.low)),
        volume_lots=floor_lots(of, number(ticker.volume)),
        turnover=None,
        ts_us=ts_us,
    )


def candle(ohlc: messages.Ohlc, of: Instrument, ts_us: int) -> Candle | None:
    """Return the candle, not closed; None if its interval is a week or longer."""
    interval_us, start_us = ohlc.interval * MINUTE_US, rfc3339_us(ohlc.interval_begin)
    if ohlc.interval >= WEEK_MINUTES or start_us % interval_us:
        return None
    return Candle(
        symbol=of.symbol,
        interval_us=interval_us,
        start_us=start_us,
        open_ticks=floor_ticks(of, number(ohlc.open)),
        high_ticks=floor_ticks(of, number(ohlc.high)),
        low_ticks=floor_ticks(of, number(ohlc.low)),
        close_ticks=floor_ticks(of, number(ohlc.close)),
        volume_lots=floor_lots(of, number(ohlc.volume)),
        trades=ohlc.trades,
        closed=False,
        ts_us=ts_us,
    )


def _instrument(
    names: tuple[str, str], tick: str, lot: str, min_notional: str, status: str, prefix: str
) -> Instrument:
    base, quote = names
    if not base or not quote:
        raise ValueError("/".join(names))
    Scale.of(tick), Scale.of(lot)
    return Instrument(
        symbol=f"{prefix}{base}-{quote}",
        base=base,
        quote=quote,
        venue=VENUE,
        tick_size=trim(tick),
        lot_size=trim(lot),
        min_notional=amount(min_notional),
        state=STATES.get(status, "halted"),
    )


def _best(price: msgspec.Raw, qty: msgspec.Raw, of: Instrument) -> Level:
    text = number(price)
    if not text.strip("0."):
        return 0, 0
    return price_ticks(of, text), floor_lots(of, number(qty))
