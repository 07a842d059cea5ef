"""Reads market history for subscriptions that begin with it. It owns their tasks.

A subscription begins in the same step of the event loop as its read. So what the read gives was published
before the stream's first event, and all that comes later is an event: no hole, and nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

import msgspec
import structlog
from msgspec import UNSET

from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.codes import Code
from floorwire.core.market_history import (
    MOST_ROWS,
    MOST_US,
    HistoryUnavailableError,
    Hole,
    MarketHistory,
    StoredCandle,
    StoredTrade,
)
from floorwire.hub.turn_queue import TurnQueue
from floorwire.protocol.market_replies import CandleHistory, CandleRow, HoleRow, TradeHistory, TradeRow
from floorwire.protocol.topic_names import ClosedCandles, TopicName

HistoryMessage: TypeAlias = CandleHistory | TradeHistory

MAX_HOLES: Final = 100
ROWS_AT_ONCE: Final = 100
"""So many rows are made in one turn of the event loop."""
ROWS_US: Final = 500
"""What these take, at most."""

Stored = TypeVar("Stored", StoredCandle, StoredTrade)
RowT = TypeVar("RowT", CandleRow, TradeRow)

log = structlog.get_logger("floorwire.hub")


class HistoryRequest(msgspec.Struct, frozen=True):
    """What a subscription begins with: the latest ``count`` rows before its stream's event ``seq``."""

    topic: TopicName
    shown_symbol: str
    epoch: str
    seq: int
    count: int
    before_us: int | None
    """The start of the first candle of the stream; None: it has none yet."""
    sent_us: int


class HistoryReads:
    """Reads history, makes the message of it, and calls back. There is one read of a connection at a time."""

    def __init__(self, history: MarketHistory | None, turns: TurnQueue) -> None:
        """``history`` None: there is none."""
        self._history = history
        self._turns = turns
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self,
        owner: str,
        begin: Callable[[], HistoryRequest | None],
        done: Callable[[HistoryMessage | None], None],
    ) -> None:
        """Call ``begin`` soon, read what it asks for as of that moment, and call ``done`` with the message.

        ``done`` is called in any case. ``owner``: in whose turns the rows are made.
        """
        task = asyncio.get_running_loop().create_task(self._run(owner, begin, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all reads."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(
        self,
        owner: str,
        begin: Callable[[], HistoryRequest | None],
        done: Callable[[HistoryMessage | None], None],
    ) -> None:
        request = begin()
        # No await before the read has begun: nothing may be published in between.
        message = None if request is None else await self._read(owner, request)
        done(message)

    async def _read(self, owner: str, request: HistoryRequest) -> HistoryMessage:
        try:
            if request.topic.channel == "trades":
                return await self._trades(owner, request)
            return await self._candles(owner, request)
        except HistoryUnavailableError:
            return _message(request, [], [], Code.HISTORY_UNAVAILABLE)
        except Exception:  # The client would wait for ever.
            log.exception("market history could not be read", symbol=request.topic.symbol)
            return _message(request, [], [], Code.INTERNAL)

    async def _trades(self, owner: str, request: HistoryRequest) -> HistoryMessage:
        history, symbol = self._available(), _symbol(request)
        trades = await history.trades(symbol, limit=request.count)
        holes: Sequence[Hole] = ()
        if trades:
            holes = await history.holes(symbol, None, from_us=trades[-1].ts_us, limit=MAX_HOLES)
        return _message(request, await self._rows(owner, trades[::-1], TradeRow.of), holes)

    async def _candles(self, owner: str, request: HistoryRequest) -> HistoryMessage:
        history, symbol, interval = self._available(), _symbol(request), _interval(request.topic)
        before_us, count = request.before_us, request.count
        if before_us is None:  # one more: the open candle is not among them
            page = await history.candles(symbol, interval, limit=min(count + 1, MOST_ROWS))
            candles = [candle for candle in page if candle.is_closed][:count]
        else:
            candles = list(await history.candles(symbol, interval, to_us=before_us, limit=count))
        holes: Sequence[Hole] = ()
        if candles:
            from_us, to_us = candles[-1].start_us, MOST_US if before_us is None else before_us
            holes = await history.holes(symbol, interval, from_us=from_us, to_us=to_us, limit=MAX_HOLES)
        return _message(request, await self._rows(owner, candles[::-1], CandleRow.of), holes)

    def _available(self) -> MarketHistory:
        if self._history is None:
            raise HistoryUnavailableError("there is none")
        return self._history

    async def _rows(
        self, owner: str, stored: Sequence[Stored], make: Callable[[Stored], RowT]
    ) -> Sequence[RowT]:
        rows: list[RowT] = []
        for row in stored:
            if rows and len(rows) % ROWS_AT_ONCE == 0:
                await self._turns.wait(owner, ROWS_US)
            rows.append(make(row))
        return rows


def _symbol(request: HistoryRequest) -> str:
    assert request.topic.symbol is not None, "only channels with symbols have history"
    return request.topic.symbol


def _interval(topic: TopicName) -> str:
    interval = topic.option.interval if isinstance(topic.option, ClosedCandles) else topic.option
    assert isinstance(interval, str)
    assert interval in INTERVALS
    return interval


def _message(
    request: HistoryRequest,
    rows: Sequence[CandleRow] | Sequence[TradeRow],
    holes: Sequence[Hole],
    code: Code | None = None,
) -> HistoryMessage:
    told = [HoleRow.of(hole) for hole in holes]
    refused = UNSET if code is None else code.value
    if request.topic.channel == "trades":
        return TradeHistory(
            symbol=request.shown_symbol,
            epoch=request.epoch,
            seq=request.seq,
            trades=[row for row in rows if isinstance(row, TradeRow)],
            holes=told,
            code=refused,
            sent=request.sent_us,
        )
    return CandleHistory(
        symbol=request.shown_symbol,
        interval=_interval(request.topic),
        closed_only=isinstance(request.topic.option, ClosedCandles) or UNSET,
        epoch=request.epoch,
        seq=request.seq,
        candles=[row for row in rows if isinstance(row, CandleRow)],
        holes=told,
        code=refused,
        sent=request.sent_us,
    )
