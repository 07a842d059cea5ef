"""HTTP routes of market history: trades and candles of the past, in pages.

A page is read in a thread (``core/market_history``), its rows are made in turns of the event loop. What is
before a cursor does not move while new data comes.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from msgspec import UNSET

from floorwire.channels.candles import DEFAULT_INTERVAL
from floorwire.core.market_history import MOST_ROWS, MOST_US
from floorwire.core.microseconds import MINUTE_US
from floorwire.history import market_tables as history_tables
from floorwire.protocol.cost_budget import PAGE_US
from floorwire.protocol.market_replies import CandleList, CandleRow, HoleRow, TradeList, TradeRow
from floorwire.protocol.requests import SAFE
from floorwire.web import market_tables, table_stream
from floorwire.web.auth_context import AUTH_SCHEME
from floorwire.web.market_read import Market, Symbol, history_errors
from floorwire.web.openapi_schemas import gives
from floorwire.web.request_fields import CHECK_QUERY, PlainInteger
from floorwire.web.table_stream import CSV_TYPE, PARQUET_TYPE

MAX_HOLES: Final = 100
"""The most holes of one page. What is beyond them is told by smaller pages."""
SETTLED_US: Final = MINUTE_US
"""What is older than the last known time by so much is taken to be closed: late trades have come."""
ROW_PATTERN: Final = r"^[1-9][0-9]{0,18}$"

router = APIRouter(prefix="/api/v1", tags=["market"], dependencies=[AUTH_SCHEME, CHECK_QUERY])

From: TypeAlias = Annotated[PlainInteger, Query(alias="from", ge=0, le=SAFE)]
To: TypeAlias = Annotated[PlainInteger, Query(alias="to", ge=0, le=SAFE)]
Limit: TypeAlias = Annotated[PlainInteger, Query(ge=1, le=MOST_ROWS)]


@router.get("/trades", responses=gives(TradeList, CSV_TYPE, PARQUET_TYPE))
async def list_trades(
    market: Market,
    symbol: Symbol,
    from_us: From = 0,
    to_us: To = SAFE,
    before: Annotated[str | None, Query(pattern=ROW_PATTERN)] = None,
    limit: Limit = 100,
) -> Response:
    """List trades, the latest first. ``to`` is not included. ``before``: the ``next`` of a page.

    As CSV or Parquet: all of them, whatever ``limit`` is.
    """
    end_row = MOST_US if before is None else min(int(before), MOST_US)
    if (kind := table_stream.wanted_type(market.headers)) is not None:
        parts = market_tables.trades(market, symbol, from_us, to_us, end_row)
        return await table_stream.respond(kind, "trades", history_tables.TRADES, parts)
    identity = market.choose("trades", symbol).topic.symbol
    assert identity is not None, "trades have a symbol"
    with history_errors():
        trades = await market.history.trades(
            identity, from_us=from_us, to_us=to_us, before_row=end_row, limit=limit
        )
        is_full = len(trades) == limit
        holes = await market.history.holes(
            identity, None, from_us=trades[-1].ts_us if is_full else from_us, to_us=to_us, limit=MAX_HOLES
        )
        extent = await market.history.extent(identity)
    market.charge(PAGE_US)
    reply = TradeList(
        symbol=market.hub.market.names.shown(identity),
        trades=await market.rows(trades, TradeRow.of),
        holes=list(map(HoleRow.of, holes)),
        filling=(bool(holes) and market.hub.is_filling(identity)) or UNSET,
        next=str(trades[-1].row) if is_full else UNSET,
    )
    # The exchange may fill a hole later.
    is_closed = not holes and (to_us <= extent.complete_us - SETTLED_US or end_row <= extent.last_row)
    return market.answer(reply, "closed" if is_closed else "open")


@router.get("/candles", responses=gives(CandleList, CSV_TYPE, PARQUET_TYPE))
async def list_candles(
    market: Market,
    symbol: Symbol,
    interval: Annotated[str, Query(max_length=8)] = DEFAULT_INTERVAL,
    from_us: From = 0,
    to_us: To = SAFE,
    limit: Limit = 500,
) -> Response:
    """List the latest candles that start in this time, the oldest of them first. ``to`` is not included.

    ``next`` of a page is the ``to`` of the one before it. As CSV or Parquet: all of them, the oldest first,
    whatever ``limit`` is.
    """
    if (kind := table_stream.wanted_type(market.headers)) is not None:
        parts = market_tables.candles(market, symbol, interval, from_us, to_us)
        return await table_stream.respond(kind, "candles", history_tables.CANDLES, parts)
    identity = market.choose("candles", symbol, interval=interval).topic.symbol
    assert identity is not None, "candles have a symbol"
    with history_errors():
        candles = await market.history.candles(identity, interval, from_us=from_us, to_us=to_us, limit=limit)
        is_full = len(candles) == limit
        holes = await market.history.holes(
            identity,
            interval,
            from_us=candles[-1].start_us if is_full else from_us,
            to_us=to_us,
            limit=MAX_HOLES,
        )
        extent = await market.history.extent(identity)
    market.charge(PAGE_US)
    reply = CandleList(
        symbol=market.hub.market.names.shown(identity),
        interval=interval,
        candles=await market.rows(reversed(candles), CandleRow.of),
        holes=list(map(HoleRow.of, holes)),
        filling=(bool(holes) and market.hub.is_filling(identity)) or UNSET,
        next=candles[-1].start_us if is_full else UNSET,
    )
    ends = [candle.end_us for candle in candles[:1]]
    # The exchange may fill a hole later.
    is_closed = not holes and max(to_us, *ends, 0) <= extent.complete_us - SETTLED_US
    return market.answer(reply, "closed" if is_closed else "open")
