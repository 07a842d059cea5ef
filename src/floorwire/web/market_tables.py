"""Trades and candles of the past as whole tables over HTTP.

Each page is charged to the budget of its key or address. Where half of that is spent, the stream waits and
goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from floorwire.connectors.table_columns import Row
from floorwire.core.market_history import MOST_ROWS, StoredCandle, StoredTrade
from floorwire.history import market_tables
from floorwire.protocol.cost_budget import PAGE_US, TABLE_ROW_US
from floorwire.web.market_read import MarketRead, history_errors
from floorwire.web.table_stream import ROWS_A_TURN

Stored = TypeVar("Stored", StoredTrade, StoredCandle)


async def trades(
    market: MarketRead, symbol: str, from_us: int, to_us: int, before_row: int
) -> AsyncIterator[Sequence[Row]]:
    """Yield rows of trades, the latest first, some for each turn of the event loop. Raises Refusal."""
    while True:
        identity, shown = _allowed(market, "trades", symbol)
        with history_errors():
            page = await market.history.trades(identity, from_us=from_us, to_us=to_us, before_row=before_row)
        async for rows in _rows(market, page, partial(market_tables.trade_row, shown)):
            yield rows
        if len(page) < MOST_ROWS:
            return
        before_row = page[-1].row
        await market.wait_budget()


async def candles(
    market: MarketRead, symbol: str, interval: str, from_us: int, to_us: int
) -> AsyncIterator[Sequence[Row]]:
    """Yield rows of candles, the oldest first, some for each turn of the event loop. Raises Refusal."""
    while True:
        identity, shown = _allowed(market, "candles", symbol, interval)
        with history_errors():
            page = await market.history.candles(
                identity, interval, from_us=from_us, to_us=to_us, newest_first=False
            )
        async for rows in _rows(market, page, partial(market_tables.candle_row, shown, interval)):
            yield rows
        if len(page) < MOST_ROWS:
            return
        from_us = page[-1].end_us
        await market.wait_budget()


def _allowed(market: MarketRead, channel: str, symbol: str, interval: str | None = None) -> tuple[str, str]:
    """Return the symbol's identity and its name. Raises Refusal, also where the key has ended meanwhile."""
    identity = market.choose(channel, symbol, interval=interval).topic.symbol
    assert identity is not None, "trades and candles have a symbol"
    return identity, market.hub.market.names.shown(identity)


async def _rows(
    market: MarketRead, page: Sequence[Stored], make: Callable[[Stored], Row]
) -> AsyncIterator[Sequence[Row]]:
    market.charge(PAGE_US + TABLE_ROW_US * len(page))
    for begin in range(0, len(page), ROWS_A_TURN):
        await market.wait_turn()
        yield list(map(make, page[begin : begin + ROWS_A_TURN]))
