"""The market-data store: what was published is written by one thread, and read in pages by another one.

    event loop -- publish --> HistoryWriter (history_writer.py): memory and file
    event loop -- mark -----> Snapshot of the memory --> page <-- file

A mark stands in the queue between what was published before a read and what comes later, so a page has
exactly what came before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MarketEvent
from floorwire.core.market_history import (
    MOST_ROWS,
    MOST_US,
    Extent,
    HistoryUnavailableError,
    Hole,
    InstrumentSince,
    StoredCandle,
    StoredTrade,
)
from floorwire.core.os_errors import sentence
from floorwire.core.past_candles import PastPage
from floorwire.core.past_trades import PastTradesPage
from floorwire.history import candle_pages, history_file, hole_pages, simulated_past, trade_pages
from floorwire.history.candle_levels import BASES
from floorwire.history.candle_pages import CandleQuery
from floorwire.history.history_file import Connection
from floorwire.history.history_writer import FAILURES, HistoryWriter
from floorwire.history.memory_snapshot import ReadRequest, Snapshot
from floorwire.history.missing_past import Missing
from floorwire.history.retention import Bound, Kind
from floorwire.history.trade_pages import TradeQuery
from floorwire.history.waiting_events import ReadMark
from floorwire.ops.stats import HistoryFigures

T = TypeVar("T")


class MarketStore:
    """The store of some venues. It fits ``MarketHistory``.

    ``path`` None: in memory. ``on_demand``: the venues that stream trades only while they are wanted.
    """

    def __init__(
        self,
        path: Path | None,
        bounds: Mapping[Kind, Bound],
        max_waiting: int,
        on_demand: Collection[str] = (),
    ) -> None:
        self.writer = HistoryWriter(path, bounds, max_waiting, on_demand)
        self._has_one_connection = path is None
        self._is_open = False

    def open(self) -> None:
        """Open the file, and start the threads. Blocks. Raises OSError where no thread can be started."""
        self.writer.open()
        self._is_open = True

    def close(self) -> None:
        """Write what waits, and close the file. Blocks. If it is not open, nothing happens."""
        self._is_open = False
        self.writer.close()

    # --- on the event loop --------------------------------------------------------------------------------

    def publish(self, venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        """Take in a venue's events, in order. A consumer of the bus."""
        if self._is_open:
            writer = self.writer
            writer.recv_us = recv_us
            writer.waiting.put(venue, events)

    def figures(self) -> HistoryFigures:
        """Return what is counted."""
        writer, waiting = self.writer, self.writer.waiting
        return HistoryFigures(writer.trades, len(waiting), waiting.dropped, writer.has_failed, writer.bytes)

    async def trades(
        self,
        symbol: str,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        after_row: int = 0,
        before_row: int = MOST_US,
        limit: int = MOST_ROWS,
        newest_first: bool = True,
    ) -> Sequence[StoredTrade]:
        """Return a page of trades. Raises HistoryUnavailableError."""
        query = TradeQuery(from_us, to_us, after_row, before_row, limit, newest_first)
        request = ReadRequest(symbol, trades=True)
        return await self._page(request, lambda file, known: trade_pages.read(file, known, query), ())

    async def candles(
        self,
        symbol: str,
        interval: str,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        limit: int = MOST_ROWS,
        newest_first: bool = True,
    ) -> Sequence[StoredCandle]:
        """Return a page of candles. Raises HistoryUnavailableError."""
        query = CandleQuery(interval, from_us, to_us, limit, newest_first)
        request = ReadRequest(symbol, level=BASES[interval])
        return await self._page(
            request, lambda file, known: candle_pages.CandlePage(file, known, query).read(), ()
        )

    async def holes(
        self,
        symbol: str,
        interval: str | None,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        limit: int = MOST_ROWS,
    ) -> Sequence[Hole]:
        """Return a page of holes. Raises HistoryUnavailableError."""
        limit = min(limit, MOST_ROWS)
        return await self._page(
            ReadRequest(symbol),
            lambda file, known: list(islice(hole_pages.read(file, known, interval, from_us, to_us), limit)),
            (),
        )

    async def extent(self, symbol: str) -> Extent:
        """Return how far the history reaches. Raises HistoryUnavailableError."""
        return await self._page(ReadRequest(symbol), lambda _, known: known.extent, Extent(0, 0))

    async def instruments(self, symbol: str) -> Sequence[InstrumentSince]:
        """Return the instrument as it was. Raises HistoryUnavailableError."""
        return await self._page(
            ReadRequest(symbol),
            lambda file, known: [*history_file.instruments(file, known.number), *known.instruments],
            (),
        )

    async def _page(self, request: ReadRequest, read: Callable[[Connection, Snapshot], T], nothing: T) -> T:
        if self.writer.error is not None:
            raise HistoryUnavailableError(self.writer.error)
        mark = ReadMark(request)
        self.writer.waiting.mark(mark)
        return await asyncio.get_running_loop().run_in_executor(
            self.writer.readers, self._read, mark, read, nothing
        )

    # --- candles of a venue's past --------------------------------------------------------------------------

    def take_regained(self) -> Sequence[str]:
        """Return the symbols of which a hole has ended since the last call."""
        if self.writer.error is not None:
            return ()
        regained, found = self.writer.state.regained, []
        while regained:
            found.append(regained.popleft())
        return found

    def fill(self, page: PastPage | PastTradesPage) -> None:
        """Take in candles or trades of a venue's past: they fill holes."""
        if self.writer.error is None:
            self.writer.waiting.fill(page)

    async def missing(self, symbol: str, interval: str | None, first_us: int, back_us: int) -> Missing:
        """Return what a venue can fill of a symbol's candles (None: trades), after all pages before.

        ``first_us``, ``back_us``: not before this time, nor longer ago. Raises HistoryUnavailableError.
        """
        mark = ReadMark(ReadRequest(symbol))
        self.writer.waiting.mark(mark)
        return await asyncio.get_running_loop().run_in_executor(
            self.writer.readers, self._missing, mark, symbol, interval, first_us, back_us
        )

    def _missing(
        self, mark: ReadMark, symbol: str, interval: str | None, first_us: int, back_us: int
    ) -> Missing:
        with self.writer.lock:
            if not mark.is_taken:
                self.writer.take(mark)
            if self.writer.error is not None:
                raise HistoryUnavailableError(self.writer.error)
            return self.writer.state.missing(symbol, interval, first_us, back_us)

    # --- before the venues start ----------------------------------------------------------------------------

    def last_prices(self, venue: str) -> dict[str, str]:
        """Return the last price of each symbol of a venue that has one. Blocks."""
        with self.writer.lock:
            if self.writer.error is not None:
                return {}
            return simulated_past.last_prices(self.writer.connections.writing, venue)

    def put_past(
        self, instrument: Instrument, candles: simulated_past.CandlesByInterval, complete_until_us: int
    ) -> None:
        """Store candles of the time before a symbol was first listed, made for it. Blocks.

        ``complete_until_us``: from the first candle up to here no candle is missing.
        """
        with self.writer.lock:
            self.writer.guarded(lambda: self.writer.state.put_past(instrument, candles, complete_until_us))

    # --- in the reader's thread -----------------------------------------------------------------------------

    def _read(self, mark: ReadMark, read: Callable[[Connection, Snapshot], T], nothing: T) -> T:
        with self.writer.lock:
            if not mark.is_taken:
                self.writer.take(mark)
            if self.writer.error is not None:
                raise HistoryUnavailableError(self.writer.error)
            if mark.snapshot is None:
                return nothing
            reading = self.writer.connections.reading
            if self._has_one_connection:
                return read(reading, mark.snapshot)
        try:
            reading.execute("BEGIN")
            try:
                return read(reading, mark.snapshot)
            finally:
                reading.execute("ROLLBACK")
        except FAILURES as error:
            raise HistoryUnavailableError(sentence(error)) from error
