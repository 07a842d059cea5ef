"""The market-data store: a thread writes what was published, another one reads pages.

    event loop -- put --> WaitingEvents -- apply --> HistoryState (memory) -- write, once a second --> file
                                                            |                                           |
    event loop -- mark ------------------------> Snapshot --'--------------> page <---------------------'

The memory is behind one lock, which the event loop never takes. A mark stands in the queue between what was
published before a read and what comes later, so a page has exactly what came before.

If the file fails, history stops; nothing else does. Trades and candles are dropped then, and another memory
follows the feeds. The writer's thread tries the file again, and goes on after a hole.
"""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final, TypeVar

import msgspec
import structlog

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
from floorwire.history import candle_pages, history_file, hole_pages, past, retention, snapshot, trade_pages
from floorwire.history.candle_filling import Missing
from floorwire.history.candle_levels import BASES
from floorwire.history.candle_pages import CandleQuery
from floorwire.history.connections import Connections, check_room
from floorwire.history.history_file import Connection, HistoryFileError
from floorwire.history.history_state import HistoryState
from floorwire.history.pauses import Pauses
from floorwire.history.retention import KINDS, Bound, Kind
from floorwire.history.retries import Retries
from floorwire.history.snapshot import ReadRequest, Snapshot
from floorwire.history.trade_pages import TradeQuery
from floorwire.history.waiting_events import (
    NEVER_DROPPED,
    Batch,
    Dropped,
    Filling,
    ReadMark,
    WaitingEvents,
)
from floorwire.ops.stats import HistoryFigures
from floorwire.storage import worker_threads

T = TypeVar("T")

TICK_S: Final = 0.1
"""How often what waits is taken into memory."""
WRITE_S: Final = 1.0
"""How often it is written."""
CHECKPOINT_S: Final = 10.0
RETENTION_S: Final = 60.0
FAILURES: Final = (sqlite3.Error, OSError, HistoryFileError, msgspec.MsgspecError)

log = structlog.get_logger("floorwire.history")


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
        self._path = path
        self._bounds = bounds
        self._on_demand = on_demand
        self._max_waiting = max_waiting
        self._waiting = WaitingEvents(max_waiting)
        self._lock = Lock()
        self._error: str | None = "the server has not started"
        """Why nothing is stored or read; None: it is."""
        self._is_open = False
        self._retries = Retries()
        self._left: list[Connections] = []
        """Connections that are not used any more, to be closed by the writer's thread."""
        self._is_stopping = Event()
        self._trades = 0
        self._has_failed = False
        self._bytes: Mapping[str, int] = {}
        self._recv_us = 0
        """The date of the last events. Old rows are deleted by it."""
        self._pause = Pauses()
        self._thread: Thread | None = None

    def open(self) -> None:
        """Open the file, and start the threads. Blocks. Raises OSError where no thread can be started."""
        self._error, self._is_open, self._has_failed = None, True, False
        self._is_stopping.clear()
        self._waiting = WaitingEvents(self._max_waiting)
        self._connections = Connections.open(None)
        self._state = HistoryState(self._connections.writing, self._on_demand)
        try:
            self._use(Connections.open(self._path))
        except FAILURES as error:
            self._fail(error)
        self._readers = worker_threads.start("market-history-reader")
        thread = Thread(target=self._run, name="market-history", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, "no thread can be started for it: see ulimit -u") from error
        self._thread = thread

    # --- on the event loop --------------------------------------------------------------------------------

    def publish(self, venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        """Take in a venue's events, in order. A consumer of the bus."""
        if self._is_open:
            self._recv_us = recv_us
            self._waiting.put(venue, events)

    def figures(self) -> HistoryFigures:
        """Return what is counted."""
        waiting = self._waiting
        return HistoryFigures(self._trades, len(waiting), waiting.dropped, self._has_failed, self._bytes)

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
            lambda file, known: hole_pages.read(file, known, interval, from_us, to_us)[:limit],
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
        if self._error is not None:
            raise HistoryUnavailableError(self._error)
        mark = ReadMark(request)
        self._waiting.mark(mark)
        return await asyncio.get_running_loop().run_in_executor(
            self._readers, self._read, mark, read, nothing
        )

    # --- candles of a venue's past --------------------------------------------------------------------------

    def take_regained(self) -> Sequence[str]:
        """Return the symbols of which a hole has ended since the last call."""
        if self._error is not None:
            return ()
        regained, found = self._state.regained, []
        while regained:
            found.append(regained.popleft())
        return found

    def fill(self, page: PastPage) -> None:
        """Take in candles of a venue's past: they fill holes."""
        if self._error is None:
            self._waiting.fill(page)

    async def missing(self, symbol: str, interval: str, first_us: int, back_us: int) -> Missing:
        """Return what a venue can fill of a symbol's candles, after all pages that came before.

        ``first_us``, ``back_us``: not before this time, nor longer ago. Raises HistoryUnavailableError.
        """
        mark = ReadMark(ReadRequest(symbol))
        self._waiting.mark(mark)
        return await asyncio.get_running_loop().run_in_executor(
            self._readers, self._missing, mark, symbol, interval, first_us, back_us
        )

    def _missing(self, mark: ReadMark, symbol: str, interval: str, first_us: int, back_us: int) -> Missing:
        with self._lock:
            if not mark.is_taken:
                self._take(mark)
            if self._error is not None:
                raise HistoryUnavailableError(self._error)
            return self._state.missing(symbol, interval, first_us, back_us)

    # --- before the venues start ----------------------------------------------------------------------------

    def last_prices(self, venue: str) -> dict[str, str]:
        """Return the last price of each symbol of a venue that has one. Blocks."""
        with self._lock:
            if self._error is not None:
                return {}
            return past.last_prices(self._connections.writing, venue)

    def put_past(
        self, instrument: Instrument, candles: past.CandlesByInterval, complete_until_us: int
    ) -> None:
        """Store candles of the time before a symbol was first listed, made for it. Blocks.

        ``complete_until_us``: from the first candle up to here no candle is missing.
        """
        with self._lock:
            self._guarded(lambda: self._state.put_past(instrument, candles, complete_until_us))

    # --- in the reader's thread -----------------------------------------------------------------------------

    def _read(self, mark: ReadMark, read: Callable[[Connection, Snapshot], T], nothing: T) -> T:
        with self._lock:
            if not mark.is_taken:
                self._take(mark)
            if self._error is not None:
                raise HistoryUnavailableError(self._error)
            if mark.snapshot is None:
                return nothing
            reading = self._connections.reading
            if self._path is None:  # one connection for all
                return read(reading, mark.snapshot)
        try:
            reading.execute("BEGIN")
            try:
                return read(reading, mark.snapshot)
            finally:
                reading.execute("ROLLBACK")
        except FAILURES as error:
            raise HistoryUnavailableError(sentence(error)) from error

    # --- in either thread, with the lock --------------------------------------------------------------------

    def _take(self, until: ReadMark | None = None) -> None:
        """Take into memory what waits, up to a mark."""
        try:
            while (until is None or not until.is_taken) and (entry := self._waiting.take()) is not None:
                if type(entry) is Batch:
                    self._state.apply(entry.venue, self._kept(entry.events))
                elif type(entry) is Filling and self._error is None:
                    self._state.fill(entry.page, self._pause)
                elif type(entry) is Dropped:
                    self._state.drop(entry.venue)
                elif type(entry) is ReadMark and self._error is None:
                    self._state.settle()
                    entry.snapshot = snapshot.take(self._state, entry.request)
                    entry.is_taken = True
                self._pause()
            self._state.settle()
            self._trades = self._state.trades
        except FAILURES as error:
            self._fail(error)

    def _kept(self, events: Sequence[MarketEvent]) -> Sequence[MarketEvent]:
        """Return the events of a batch that are applied: while nothing is stored, those of the feeds."""
        if self._error is None:
            return events
        return [event for event in events if type(event) in NEVER_DROPPED]

    def _fail(self, error: Exception) -> None:
        """Stop history: from now on nothing is stored or read, until the file can be written again."""
        if self._error is not None:
            return
        self._error = sentence(error)
        self._has_failed = True
        self._retries.failed(time.monotonic())
        log.error("market history stopped", file=str(self._path), reason=self._error)
        self._use(Connections.open(None))

    def _use(self, connections: Connections) -> None:
        """Go on with these connections; close them where that fails. Raises one of FAILURES."""
        try:
            state = HistoryState(connections.writing, self._on_demand)
            state.follow(self._state)
            state.write(self._pause)
        except BaseException:
            connections.close()
            raise
        self._left.append(self._connections)
        self._connections, self._state = connections, state

    # --- in the writer's thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        write_s = checkpoint_s = retention_s = time.monotonic()
        while not self._is_stopping.wait(TICK_S):
            with self._lock:
                self._take()
            self._close_left()
            now_s = time.monotonic()
            if self._error is not None and self._retries.is_due(now_s):
                self._try_again()
            if now_s - write_s >= WRITE_S:
                write_s = now_s
                self._write()
            if now_s - retention_s >= RETENTION_S:
                retention_s = now_s
                with self._lock:
                    self._guarded(self._remove_old)
            if now_s - checkpoint_s >= CHECKPOINT_S:
                checkpoint_s = now_s
                self._checkpoint()

    def _write(self) -> None:
        with self._lock:
            self._guarded(lambda: self._state.write(self._pause))

    def _remove_old(self) -> None:
        writing = self._connections.writing
        retention.remove_old(writing, self._bounds, self._recv_us, self._pause)
        self._bytes = {str(kind): history_file.bytes_of(writing, part) for kind, part in KINDS.items()}

    def _checkpoint(self) -> None:
        """Copy the log into the database, and sync both. Nobody waits for it."""
        checkpointing = self._connections.checkpointing
        if checkpointing is not None:
            try:
                checkpointing.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except FAILURES as error:
                with self._lock:
                    self._fail(error)

    def _try_again(self) -> None:
        """Go on if the file can be written."""
        try:
            if self._path is not None:
                check_room(self._path)
            connections = Connections.open(self._path)
            with self._lock:
                self._use(connections)
                self._error = None
        except FAILURES as error:
            self._error = sentence(error)
            self._retries.failed(time.monotonic())
            return
        self._has_failed = False
        log.info("market history goes on", file=str(self._path))

    def _close_left(self) -> None:
        """Close the connections that nothing uses any more. The reader's thread closes its own."""
        with self._lock:
            left, self._left = self._left, []
        for connections in left:
            self._readers.submit(connections.reading.close).result()
            connections.close()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do it with the lock, if history has not stopped."""
        if self._error is None:
            try:
                work()
            except FAILURES as error:
                self._fail(error)

    # --- the end -------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Write what waits, and close the file. Blocks. If it is not open, nothing happens."""
        if self._thread is None:
            return
        self._is_open = False
        self._is_stopping.set()
        self._thread.join()
        self._thread = None
        with self._lock:
            self._take()
        self._write()
        self._close_left()
        self._readers.shutdown()
        self._connections.close()
        self._error = "the server has ended"
