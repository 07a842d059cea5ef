"""What Coinbase says, in our terms.

Every function here raises ValueError (InexactError, OffTickError) where what came cannot be said so.
"""

from __future__ import annotations

from datetime import datetime

from floorwire.core.instrument import Instrument, InstrumentState, Side
from floorwire.core.market_events import Candle, DayStats, Quote, Trade
from floorwire.core.units import Scale, trim
from floorwire.venues.coinbase import messages as shapes
from floorwire.venues.common.decimals import amount, floor_lots, floor_ticks, micros, price_ticks, traded_lots

VENUE = "coinbase"
FIVE_MINUTES_US = 300_000_000
TAKER: dict[str, Side] = {"buy": "sell", "sell": "buy"}
"""The taker's side of a match, whose side is the maker's."""
EIGHT_DECIMALS = "0.00000001"


def instrument(listed: shapes.Product, prefix: str) -> Instrument:
    """Return the instrument of a product."""
    base = listed.base_currency or listed.base_currency_id
    quote = listed.quote_currency or listed.quote_currency_id
    if not base or not quote or listed.product_type != "SPOT":
        raise ValueError(listed.product_type)
    tick, lot = listed.price_increment or listed.quote_increment, listed.base_increment
    Scale.of(tick), Scale.of(lot)
    return Instrument(
        symbol=f"{prefix}{base}-{quote}",
        base=base,
        quote=quote,
        venue=VENUE,
        tick_size=trim(tick),
        lot_size=trim(lot),
        min_notional=amount(listed.min_market_funds or listed.quote_min_size or "0"),
        state=_state(listed),
    )


def guessed(native: str, prefix: str) -> Instrument | None:
    """Return an instrument for a product without a list: eight decimals, the finest that Coinbase has."""
    base, _, quote = native.partition("-")
    if not base or not quote:
        return None
    return Instrument(f"{prefix}{base}-{quote}", base, quote, VENUE, EIGHT_DECIMALS, EIGHT_DECIMALS)


def match(said: shapes.Match, of: Instrument) -> Trade:
    """Return the trade."""
    return Trade(
        symbol=of.symbol,
        trade_id=str(said.trade_id),
        price_ticks=price_ticks(of, said.price),
        size_lots=traded_lots(of, said.size),
        side=TAKER[said.side],
        ts_us=micros(said.time),
    )


def side(said: shapes.Change, side: Side) -> list[tuple[str, str]]:
    """Return the (price, size) pairs of one side of the book."""
    return [(price, size) for of, price, size in said.changes if of == side]


def day(said: shapes.Ticker, of: Instrument, now_us: int) -> DayStats | None:
    """Return the last 24 hours, None where they are not told. Quote volume never is."""
    if not said.open_24h:
        return None
    return DayStats(
        symbol=of.symbol,
        open_ticks=floor_ticks(of, said.open_24h),
        high_ticks=floor_ticks(of, said.high_24h),
        low_ticks=floor_ticks(of, said.low_24h),
        volume_lots=floor_lots(of, said.volume_24h),
        turnover=None,
        ts_us=when(said.time, now_us),
    )


def quote(said: shapes.Ticker, of: Instrument, now_us: int) -> Quote | None:
    """Return best bid and ask, None where a price or a size is not told."""
    if not (said.best_bid and said.best_bid_size and said.best_ask and said.best_ask_size):
        return None
    return Quote(
        symbol=of.symbol,
        bid_ticks=_side_ticks(of, said.best_bid),
        bid_lots=floor_lots(of, said.best_bid_size),
        ask_ticks=_side_ticks(of, said.best_ask),
        ask_lots=floor_lots(of, said.best_ask_size),
        ts_us=when(said.time, now_us),
    )


def candle(said: shapes.Candle, of: Instrument) -> Candle:
    """Return the candle; how many trades it has is not told, and it is closed when its time is over."""
    start_us, ts_us = int(said.start) * 1_000_000, micros(said.time)
    return Candle(
        symbol=of.symbol,
        interval_us=FIVE_MINUTES_US,
        start_us=start_us,
        open_ticks=floor_ticks(of, said.open),
        high_ticks=floor_ticks(of, said.high),
        low_ticks=floor_ticks(of, said.low),
        close_ticks=floor_ticks(of, said.close),
        volume_lots=floor_lots(of, said.volume),
        trades=0,
        closed=ts_us >= start_us + FIVE_MINUTES_US,
        ts_us=ts_us,
    )


def when(at: datetime | None, now_us: int) -> int:
    """Return the venue's time, or now where it does not say."""
    return now_us if at is None else micros(at)


def _state(listed: shapes.Product) -> InstrumentState:
    if listed.status in ("delisted", "internal"):
        return "closed"
    nothing_trades = listed.trading_disabled or listed.cancel_only or listed.post_only or listed.auction_mode
    return "halted" if nothing_trades or listed.status != "online" else "open"


def _side_ticks(of: Instrument, text: str) -> int:
    return price_ticks(of, text) if text.strip("0.") else 0
