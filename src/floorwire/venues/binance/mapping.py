"""What Binance says, in our terms.

Every function here raises ValueError (InexactError, OffTickError) where what came cannot be said so.
"""

from __future__ import annotations

from floorwire.core.instrument import Instrument, InstrumentState
from floorwire.core.market_events import Candle, DayStats, Quote, Trade
from floorwire.core.units import MAX_DECIMALS, Scale, format_units, trim
from floorwire.venues.binance import messages as shapes
from floorwire.venues.common.decimals import (
    amount,
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
"""Every other status (HALT, BREAK, CANCEL_ONLY) is a halt."""

QUOTES = (
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


def instrument(listed: shapes.Symbol, prefix: str) -> Instrument:
    """Return the instrument that exchangeInfo lists; steps from its filters, else from its precisions."""
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


def guessed(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for a symbol without a list: eight decimals, as Binance prints everything."""
    for quote in QUOTES:
        base = native.removesuffix(quote)
        if base and base != native:
            return Instrument(f"{prefix}{base}-{quote}", base, quote, VENUE, EIGHT_DECIMALS, EIGHT_DECIMALS)
    return None


def trade(said: shapes.Trade | shapes.AggTrade, of: Instrument) -> Trade:
    """Return the trade. ``m``: the buyer was the maker, so the taker sold."""
    return Trade(
        symbol=of.symbol,
        trade_id=str(said.trade_id),
        price_ticks=price_ticks(of, said.price),
        size_lots=traded_lots(of, said.size),
        side="sell" if said.buyer_makes else "buy",
        ts_us=said.trade_ms * 1000,
    )


def quote(said: shapes.BookTicker, of: Instrument, now_us: int) -> Quote:
    """Return best bid and ask; Spot does not say when, so it is now."""
    return Quote(
        symbol=of.symbol,
        bid_ticks=_side_ticks(of, said.bid),
        bid_lots=floor_lots(of, said.bid_size),
        ask_ticks=_side_ticks(of, said.ask),
        ask_lots=floor_lots(of, said.ask_size),
        ts_us=now_us if said.event_ms is None else said.event_ms * 1000,
    )


def day(said: shapes.DayTicker, of: Instrument) -> DayStats:
    """Return the last 24 hours."""
    return DayStats(
        symbol=of.symbol,
        open_ticks=floor_ticks(of, said.open),
        high_ticks=floor_ticks(of, said.high),
        low_ticks=floor_ticks(of, said.low),
        volume_lots=floor_lots(of, said.volume),
        turnover=turnover(of, said.turnover),
        ts_us=said.event_ms * 1000,
    )


def candle(said: shapes.Kline, of: Instrument) -> Candle | None:
    """Return the candle; None where its interval has no fixed length, or does not start by UTC."""
    bar = said.bar
    interval_us = INTERVALS_US.get(bar.interval)
    if interval_us is None or bar.start_ms * 1000 % interval_us:
        return None
    return Candle(
        symbol=of.symbol,
        interval_us=interval_us,
        start_us=bar.start_ms * 1000,
        open_ticks=floor_ticks(of, bar.open),
        high_ticks=floor_ticks(of, bar.high),
        low_ticks=floor_ticks(of, bar.low),
        close_ticks=floor_ticks(of, bar.close),
        volume_lots=floor_lots(of, bar.volume),
        trades=bar.trades,
        closed=bar.closed,
        ts_us=said.event_ms * 1000,
    )


def _step(decimals: int) -> str:
    return format_units(1, min(decimals, MAX_DECIMALS))


def _is_step(text: str) -> bool:
    try:
        return Scale.of(text).step > 0
    except ValueError:  # "0.00000000" says that the rule is off
        return False


def _side_ticks(of: Instrument, text: str) -> int:
    return price_ticks(of, text) if text.strip("0.") else 0
