"""Maps rows of published tables to market events.

Sources: github.com/binance/binance-public-data (README, "Trades", "AggTrades", "Klines", "Book Ticker");
docs.tardis.dev, "Downloadable CSV files". Each function raises ValueError if a row cannot be mapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from floorwire.core.instrument import Instrument, Side
from floorwire.core.market_events import Candle, Level, Quote, Trade
from floorwire.venues.common.decimals import floor_lots, floor_ticks, price_ticks, traded_lots

TableKind: TypeAlias = Literal[
    "trades",
    "aggTrades",
    "klines",
    "bookTicker",
    "tardis_trades",
    "quotes",
    "book_snapshot",
    "incremental_book",
]
"""The first four are Binance's, the others are Tardis's."""

Row: TypeAlias = Sequence[str]

COLUMNS: dict[TableKind, tuple[int, ...]] = {
    "trades": (6, 7),
    "aggTrades": (7, 8),
    "klines": (12,),
    "bookTicker": (7,),
    "tardis_trades": (8,),
    "quotes": (8,),
    "incremental_book": (8,),
}
"""How many columns a row has. Futures have one less than spot. ``book_snapshot``: four, and four a level."""
TIME_COLUMN: dict[TableKind, int] = {"trades": 4, "aggTrades": 5, "klines": 6, "bookTicker": 5}
"""Binance: the column with the time. Tardis: always the third and fourth."""
PRICE_COLUMNS: dict[TableKind, tuple[int, ...]] = {
    "trades": (1,),
    "aggTrades": (1,),
    "klines": (1, 2, 3, 4),
    "bookTicker": (1, 3),
    "tardis_trades": (6,),
    "quotes": (5, 6),
    "incremental_book": (6,),
}
SIZE_COLUMNS: dict[TableKind, tuple[int, ...]] = {
    "trades": (2,),
    "aggTrades": (2,),
    "klines": (5,),
    "bookTicker": (2, 4),
    "tardis_trades": (7,),
    "quotes": (4, 7),
    "incremental_book": (7,),
}
TARDIS_COLUMNS = 4
"""The columns before the levels of ``book_snapshot``, and how many one level has."""
TRUE = ("true", "True", "TRUE")


def is_true(text: str) -> bool:
    """Return whether a column is true."""
    return text in TRUE


def event_time(table: TableKind, row: Row) -> int:
    """Return when it happened, in microseconds. Raises ValueError, IndexError."""
    if table in TIME_COLUMN:
        return _micros(row[TIME_COLUMN[table]])
    return int(row[2])


def came_at(table: TableKind, row: Row) -> int:
    """Return when it came to whoever recorded it, in microseconds. Raises ValueError, IndexError."""
    if table in TIME_COLUMN:
        return _micros(row[TIME_COLUMN[table]])
    return int(row[3])


def prices_and_sizes(table: TableKind, row: Row) -> tuple[Sequence[str], Sequence[str]]:
    """Return the texts of all prices and sizes in a row, for their decimals."""
    if table == "book_snapshot":
        return row[TARDIS_COLUMNS::2], row[TARDIS_COLUMNS + 1 :: 2]
    return [row[i] for i in PRICE_COLUMNS[table]], [row[i] for i in SIZE_COLUMNS[table]]


def trade(table: TableKind, row: Row, of: Instrument) -> Trade:
    """Return the trade of a row of trades. An aggregated trade has the id of its last one."""
    ts_us = event_time(table, row)
    if table == "tardis_trades":
        return _trade(of, row[4], row[6], row[7], _taker(row[5]), ts_us)
    if table == "aggTrades":
        return _trade(of, row[4], row[1], row[2], _maker_is_buyer(row[6]), ts_us)
    return _trade(of, row[0], row[1], row[2], _maker_is_buyer(row[5]), ts_us)


def candle(row: Row, of: Instrument) -> Candle:
    """Return the closed candle of a row of klines."""
    start_us, end_us = _micros(row[0]), _micros(row[6])
    interval_us = end_us - start_us + (1 if len(row[6]) > 13 else 1_000)  # it ends before the next begins
    return Candle(
        symbol=of.symbol,
        interval_us=interval_us,
        start_us=start_us,
        open_ticks=floor_ticks(of, row[1]),
        high_ticks=floor_ticks(of, row[2]),
        low_ticks=floor_ticks(of, row[3]),
        close_ticks=floor_ticks(of, row[4]),
        volume_lots=floor_lots(of, row[5]),
        trades=int(row[8]),
        closed=True,
        ts_us=end_us,
    )


def quote(table: TableKind, row: Row, of: Instrument) -> Quote:
    """Return the best prices. An empty column: the side is empty."""
    ts_us = event_time(table, row)
    if table == "quotes":
        bid, ask = _level(row[6], row[7], of), _level(row[5], row[4], of)
    else:
        bid, ask = _level(row[1], row[2], of), _level(row[3], row[4], of)
    return Quote(of.symbol, *bid, *ask, ts_us)


def snapshot_levels(row: Row, of: Instrument) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Return bids and asks of a row of ``book_snapshot``: ask price, ask size, bid price, bid size, ..."""
    bids: list[Level] = []
    asks: list[Level] = []
    for at in range(TARDIS_COLUMNS, len(row), TARDIS_COLUMNS):
        if row[at]:
            asks.append(_level(row[at], row[at + 1], of))
        if row[at + 2]:
            bids.append(_level(row[at + 2], row[at + 3], of))
    return tuple(bids), tuple(asks)


def changed_level(row: Row, of: Instrument) -> tuple[Literal["bid", "ask"], Level]:
    """Return side and level of a row of ``incremental_book``. Size 0 removes it."""
    if row[5] not in ("bid", "ask"):
        raise ValueError(row[5])
    side: Literal["bid", "ask"] = "bid" if row[5] == "bid" else "ask"
    return side, (price_ticks(of, row[6]), floor_lots(of, row[7]))


def _trade(of: Instrument, trade_id: str, price: str, size: str, side: Side, ts_us: int) -> Trade:
    return Trade(of.symbol, trade_id, price_ticks(of, price), traded_lots(of, size), side, ts_us)


def _taker(text: str) -> Side:
    if text == "buy":
        return "buy"
    if text == "sell":
        return "sell"
    raise ValueError(text)


def _maker_is_buyer(text: str) -> Side:
    """Return the taker's side. Binance: ``isBuyerMaker``."""
    return "sell" if is_true(text) else "buy"


def _level(price: str, size: str, of: Instrument) -> Level:
    if not price or not price.strip("0."):
        return 0, 0
    return price_ticks(of, price), floor_lots(of, size)


def _micros(text: str) -> int:
    """Return a time in microseconds. Binance: milliseconds, for spot since 2025 microseconds."""
    number = int(text)
    return number * 1_000 if len(text) <= 13 else number
