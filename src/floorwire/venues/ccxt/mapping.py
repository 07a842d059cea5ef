"""What ccxt's structures mean: instruments, trades, levels and days in ticks and lots.

Every function raises ValueError (InexactError, OffTickError) if a value cannot be mapped.
"""

from __future__ import annotations

import re

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import DayStats, Level, Trade
from floorwire.venues.ccxt.messages import DayRow, MarketRow, TradeRow
from floorwire.venues.common import event_mapping
from floorwire.venues.common.decimals import price_ticks, traded_lots

ASSET = re.compile(r"[A-Za-z0-9$._+*]{1,24}")
"""Assets whose names cannot be mistaken for a part of a symbol."""


def instrument(row: MarketRow, venue: str, prefix: str) -> Instrument:
    """Return the instrument of a market. Steps that are not known have eight decimals."""
    if not ASSET.fullmatch(row.base) or not ASSET.fullmatch(row.quote):
        raise ValueError(f"{row.native[:40]!r} is no symbol")
    steps = (row.price_step or event_mapping.EIGHT_DECIMALS, row.size_step or event_mapping.EIGHT_DECIMALS)
    return event_mapping.instrument(
        venue,
        prefix,
        (row.base, row.quote),
        steps,
        "halted" if row.is_active is False else "open",
        (row.min_amount or "0", row.min_cost or "0"),
    )


def trade(of: Instrument, row: TradeRow, trade_id: str, now_us: int) -> Trade:
    """Return a trade."""
    if row.side not in ("buy", "sell"):
        raise ValueError("a trade has no side")
    return Trade(
        symbol=of.symbol,
        trade_id=trade_id,
        price_ticks=price_ticks(of, row.price),
        size_lots=traded_lots(of, row.size),
        side="buy" if row.side == "buy" else "sell",
        ts_us=time_us(row.ts_ms, now_us),
    )


def day(of: Instrument, row: DayRow, now_us: int) -> DayStats | None:
    """Return the last 24 hours; None where the exchange leaves a part of them out."""
    if row.open is None or row.high is None or row.low is None or row.volume is None:
        return None
    return event_mapping.day(
        of, (row.open, row.high, row.low), row.volume, row.quote_volume, time_us(row.ts_ms, now_us)
    )


def changes(before: dict[int, int], now: dict[int, int]) -> tuple[Level, ...]:
    """Return the levels that differ; size 0 of those that are gone."""
    gone = tuple((ticks, 0) for ticks in before if ticks not in now)
    return gone + tuple(level for level in now.items() if before.get(level[0]) != level[1])


def time_us(ts_ms: int | None, now_us: int) -> int:
    """Return a time in microseconds; ours where the exchange sends none."""
    return now_us if ts_ms is None or ts_ms <= 0 else ts_ms * 1_000
