"""The thread that stores market history, and what it stands on: the queue, the memory and the file.

    event loop -- put --> WaitingEvents -- take --> HistoryState (memory) -- write, once a second --> file

One lock is around memory and file. The event loop never takes it; the thread of the reads does.

If the file fails, history stops; nothing else does. Trades and candles are dropped then, and another memory
follows the feeds. The thread tries the file again, and goes on after a hole.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

import msgspec
import structlog

from floorwire.core.market_events import MarketEvent
from floorwire.core.os_errors import sentence
from floorwire.core.past_trades import PastTradesPage
from floorwire.history import history_file, memory_snapshot, retention
from floorwire.history.connections import Connections, check_room
from floorwire.history.history_file import HistoryFileError
from floorwire.history.history_state import HistoryState
from floorwire.history.retention import KINDS, Bound, Kind
from floorwire.history.retries import Retries
from floorwire.history.waiting_events import (
    NEVER_DROPPED,
    Batch,
    Dropped,
    Filling,
    ReadMark,
    WaitingEvents,
)
from floorwire.history.work_pauses import Pauses
from floorwire.storage import worker_threads

TICK_S: Final = 0.1
"""How often what waits is taken into memory."""
WRITE_S: Final = 1.0
"""How often it is written."""
CHECKPOINT_S: Final = 10.0
RETENTION_S: Final = 60.0
FAILURES: Final = (sqlite3.Error, OSError, HistoryFileError, msgspec.MsgspecError)

log = structlog.get_logger("floorwire.history")


class HistoryWriter:
    """The writer of one store. ``path`` None: in memory.

    ``on_demand``: the venues that stream trades only while they are wanted.
    """

    def __init__(
        self, path: Path | None, bounds: Mapping[Kind, Bound], max_waiting: int, on_demand: Collection[str]
    ) -> None:
        self.lock = Lock()
        self.error: str | None = "the server has not started"
        """Why nothing is stored or read; None: it is."""
        self.has_failed = False
        """Whether that is because the file failed."""
        self.trades = 0
        self.bytes: Mapping[str, int] = {}
        self.recv_us = 0
        """The date of the last events. Old rows are deleted by it."""
        self.waiting = WaitingEvents(max_waiting)
        self.connections: Connections
        self.state: HistoryState
        self.readers: Executor
        """The thread of the reads."""
        self._path = path
        self._bounds = bounds
        self._max_waiting = max_waiting
        self._on_demand = on_demand
        self._retries = Retries()
        self._left: list[Connections] = []
        """Connections that are not used any more, to be closed by the thread."""
        self._is_stopping = Event()
        self._pause = Pauses()
        self._thread: Thread | None = None

    def open(self) -> None:
        """Open the file, and start the threads. Blocks. Raises OSError where no thread can be started."""
        self.error, self.has_failed = None, False
        self._is_stopping.clear()
        self.waiting = WaitingEvents(self._max_waiting)
        self.connections = Connections.open(None)
        self.state = HistoryState(self.connections.writing, self._on_demand)
        try:
            self._use(Connections.open(self._path))
        except FAILURES as error:
            self._fail(error)
        self.readers = worker_threads.start("market-history-reader")
        thread = Thread(target=self._run, name="market-history", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, "no thread can be started for it: see ulimit -u") from error
        self._thread = thread

    def close(self) -> None:
        """Write what waits, and close the file. Blocks. If it is not open, nothing happens."""
        if self._thread is None:
            return
        self._is_stopping.set()
        self._thread.join()
        self._thread = None
        with self.lock:
            self.take()
        self.write()
        self._close_left()
        self.readers.shutdown()
        self.connections.close()
        self.error = "the server has ended"

    # --- in any thread but the event loop's, with the lock --------------------------------------------------

    def take(self, until: ReadMark | None = None) -> None:
        """Take into memory what waits, up to a mark."""
        try:
            while (until is None or not until.is_taken) and (entry := self.waiting.take()) is not None:
                if type(entry) is Batch:
                    self.state.apply(entry.venue, self._kept(entry.events))
                elif type(entry) is Filling and self.error is None:
                    if type(entry.page) is PastTradesPage:
                        self.state.fill_trades(entry.page, self._pause)
                    else:
                        self.state.fill(entry.page, self._pause)
                elif type(entry) is Dropped:
                    self.state.drop(entry.venue)
                elif type(entry) is ReadMark and self.error is None:
                    self.state.settle()
                    entry.snapshot = memory_snapshot.take(self.state, entry.request)
                    entry.is_taken = True
                self._pause()
            self.state.settle()
            self.trades = self.state.trades
        except FAILURES as error:
            self._fail(error)

    def guarded(self, work: Callable[[], None]) -> None:
        """Do it, if history has not stopped."""
        if self.error is None:
            try:
                work()
            except FAILURES as error:
                self._fail(error)

    def _kept(self, events: Sequence[MarketEvent]) -> Sequence[MarketEvent]:
        """Return the events of a batch that are applied: while nothing is stored, those of the feeds."""
        if self.error is None:
            return events
        return [event for event in events if type(event) in NEVER_DROPPED]

    def _fail(self, error: Exception) -> None:
        """Stop history: from now on nothing is stored or read, until the file can be written again."""
        if self.error is not None:
            return
        self.error = sentence(error)
        self.has_failed = True
        self._retries.failed(time.monotonic())
        log.error("market history stopped", file=str(self._path), reason=self.error)
        self._use(Connections.open(None))

    def _use(self, connections: Connections) -> None:
        """Go on with these connections; close them where that fails. Raises one of FAILURES."""
        try:
            state = HistoryState(connections.writing, self._on_demand)
            state.follow(self.state)
            state.write(self._pause)
        except BaseException:
            connections.close()
            raise
        self._left.append(self.connections)
        self.connections, self.state = connections, state

    # --- in the thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        write_s = checkpoint_s = retention_s = time.monotonic()
        while not self._is_stopping.wait(TICK_S):
            with self.lock:
                self.take()
            self._close_left()
            now_s = time.monotonic()
            if self.error is not None and self._retries.is_due(now_s):
                self._try_again()
            if now_s - write_s >= WRITE_S:
                write_s = now_s
                self.write()
            if now_s - retention_s >= RETENTION_S:
                retention_s = now_s
                with self.lock:
                    self.guarded(self._remove_old)
            if now_s - checkpoint_s >= CHECKPOINT_S:
                checkpoint_s = now_s
                self._checkpoint()

    def write(self) -> None:
        """Write what is in memory."""
        with self.lock:
            self.guarded(lambda: self.state.write(self._pause))

    def _remove_old(self) -> None:
        writing = self.connections.writing
        retention.remove_old(writing, self._bounds, self.recv_us, self._pause)
        self.bytes = {str(kind): history_file.bytes_of(writing, part) for kind, part in KINDS.items()}

    def _checkpoint(self) -> None:
        """Copy the log into the database, and sync both. Nobody waits for it."""
        checkpointing = self.connections.checkpointing
        if checkpointing is not None:
            try:
                checkpointing.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except FAILURES as error:
                with self.lock:
                    self._fail(error)

    def _try_again(self) -> None:
        """Go on if the file can be written."""
        try:
            if self._path is not None:
                check_room(self._path)
            connections = Connections.open(self._path)
            with self.lock:
                self._use(connections)
                self.error = None
        except FAILURES as error:
            self.error = sentence(error)
            self._retries.failed(time.monotonic())
            return
        self.has_failed = False
        log.info("market history goes on", file=str(self._path))

    def _close_left(self) -> None:
        """Close the connections that nothing uses any more. The reader's thread closes its own."""
        with self.lock:
            left, self._left = self._left, []
        for connections in left:
            self.readers.submit(connections.reading.close).result()
            connections.close()
