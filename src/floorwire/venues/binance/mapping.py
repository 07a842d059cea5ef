"""Maps messages of Binance to market events and instruments.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

from floorwire.core.instrument import Instrument, InstrumentState
from floorwire.core.market_events import Candle, DayStats, Quote, Trade
from floorwire.core.units import MAX_DECIMALS, Scale, format_units, trim
from floorwire.venues.binance import messages
from floorwire.venues.common.decimals import (
    amount,
    epoch_us,
    floor_lots,
    floor_ticks,
    price_ticks,
    traded_lots,
    turnover,
)

VENUE = "binance"
MINUTE_US = 60_000_000
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
EIGHT_DECIMALS = "0.00000001"


def instrument(listed: messages.Symbol, prefix: str) -> Instrument:
    """Return the instrument of a symbol in exchangeInfo. Its filters have the steps, else its precisions."""
    tick, lot, notional = _step(listed.quote_precision), _step(listed.base_asset_precision), "0"
    for rule in listed.filters:
        match rule.filter_type:
            case "PRICE_FILTER" if _is_step(rule.tick_size):
                tick = rule.tick_size
            case "LOT_SIZE" if _is_step(rule.step_size):
                lot = rule.step_size
            case "MIN_NOTIONAL" | "NOTIONAL":
                notional = rule.min_notional
    return Instrument(
        symbol=f"{prefix}{listed.base_asset}-{listed.quote_asset}",
        base=listed.base_asset,
        quote=listed.quote_asset,
        venue=VENUE,
        tick_size=trim(tick),
        lot_size=trim(lot),
        min_notional=amount(notional),
        state=STATES.get(listed.status, "halted"),
    )


def unlisted_instrument(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for an unlisted symbol, with eight decimals as Binance prints all numbers."""
    for quote in QUOTE_ASSETS:
        base = native.removesuffix(quote)
        if base and base != native:
            return Instrument(f"{prefix}{base}-{quote}", base, quote, VENUE, EIGHT_DECIMALS, EIGHT_DECIMALS)
    return None


def trade(message: messages.Trade | messages.AggTrade, of: Instrument) -> Trade:
    """Return the trade. Binance: if ``m`` is true the buyer is the maker, so the taker sold."""
    return Trade(
        symbol=of.symbol,
        trade_id=str(message.trade_id),
        price_ticks=price_ticks(of, message.price),
        size_lots=traded_lots(of, message.size),
        side="sell" if message.buyer_makes else "buy",
        ts_us=epoch_us(message.trade_time),
    )


def quote(message: messages.BookTicker, of: Instrument, now_us: int) -> Quote:
    """Return best bid and ask. Spot sends no time with them, so their time is now."""
    return Quote(
        symbol=of.symbol,
        bid_ticks=_ticks_or_zero(of, message.bid),
        bid_lots=floor_lots(of, message.bid_size),
        ask_ticks=_ticks_or_zero(of, message.ask),
        ask_lots=floor_lots(of, message.ask_size),
        ts_us=now_us if message.event_time is None else epoch_us(message.event_time),
    )


def day(message: messages.DayTicker, of: Instrument) -> DayStats:
    """Return the statistics of the last 24 hours."""
    return DayStats(
        symbol=of.symbol,
        open_ticks=floor_ticks(of, message.open),
        high_ticks=floor_ticks(of, message.high),
        low_ticks=floor_ticks(of, message.low),
        volume_lots=floor_lots(of, message.volume),
        turnover=turnover(of, message.turnover),
        ts_us=epoch_us(message.event_time),
    )


def candle(message: messages.KlineEvent, of: Instrument) -> Candle | None:
    """Return the candle; None if its interval has no fixed length (months) or does not start in UTC."""
    kline = message.kline
    interval_us = INTERVALS_US.get(kline.interval)
    start_us = epoch_us(kline.start_time)
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
        trades=kline.trades,
        closed=kline.closed,
        ts_us=epoch_us(message.event_time),
    )


def _step(decimals: int) -> str:
    return format_units(1, min(decimals, MAX_DECIMALS))


def _is_step(text: str) -> bool:
    try:
        return Scale.of(text).step > 0
    except ValueError:  # Binance: "0.00000000" means that the rule is off
        return False


def _ticks_or_zero(of: Instrument, text: str) -> int:
    return price_ticks(of, text) if text.strip("0.") else 0
