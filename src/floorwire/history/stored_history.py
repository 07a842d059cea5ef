"""Reads the file of market history of a data folder, while a server writes it or while none runs.

It gives what was written when it was opened. A page is read in a transaction of its own, so a slow reader
does not make the file grow.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from floorwire.core.market_history import (
    MOST_ROWS,
    MOST_US,
    Extent,
    Hole,
    HoleKind,
    StoredCandle,
    StoredTrade,
)
from floorwire.core.os_errors import reason
from floorwire.core.venue_names import bare
from floorwire.history import history_file, trade_pages
from floorwire.history.candle_pages import CandlePage, CandleQuery
from floorwire.history.filled_ranges import FilledRanges
from floorwire.history.history_file import FILE, Connection, HistoryFileError, StoredSymbol
from floorwire.history.memory_snapshot import Snapshot
from floorwire.history.symbol_history import HOLE_KINDS
from floorwire.history.trade_pages import TradeQuery

T = TypeVar("T")
Query = TypeVar("Query", TradeQuery, CandleQuery)

NO_HOLES: Final[dict[HoleKind, dict[int, Hole]]] = {kind: {} for kind in HOLE_KINDS}


class StoredHistory:
    """The history in a data folder. Raises HistoryFileError, also in each read."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        with self._errors():
            self._connection = history_file.open_to_read(self._path)
            self._symbols, self._clocks = self._in_transaction(
                lambda file: (history_file.symbols(file), history_file.clocks(file))
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def symbols(self, name: str | None) -> Sequence[StoredSymbol]:
        """Return the symbols of this name: an identity, or one without its venue; None: all.

        Raises HistoryFileError where there is none.
        """
        found = [row for row in self._symbols if name in (None, row.symbol, bare(row.symbol))]
        if name is not None and not found:
            known = [known for row in self._symbols for known in (bare(row.symbol), row.symbol)]
            close = get_close_matches(name, known, n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise HistoryFileError(f"{self._path}: there is no history of {name}{meant}")
        return found

    def trades(self, symbol: StoredSymbol, from_us: int = 0, to_us: int = MOST_US) -> Iterator[StoredTrade]:
        """Yield trades in the order in which they came. ``to_us`` is not included."""
        snapshot, after_row = self._snapshot(symbol), 0
        while page := self._page(
            lambda file, query: trade_pages.read(file, snapshot, query),
            TradeQuery(from_us, to_us, after_row, MOST_US, MOST_ROWS, newest_first=False),
        ):
            yield from page
            after_row = page[-1].row

    def candles(
        self, symbol: StoredSymbol, interval: str, from_us: int = 0, to_us: int = MOST_US
    ) -> Iterator[StoredCandle]:
        """Yield the candles that start in this time, the oldest first, up to the one that is open."""
        snapshot = self._snapshot(symbol)
        while page := self._page(
            lambda file, query: CandlePage(file, snapshot, query).read(),
            CandleQuery(interval, from_us, to_us, MOST_ROWS, newest_first=False),
        ):
            yield from page
            from_us = page[-1].end_us

    def _snapshot(self, symbol: StoredSymbol) -> Snapshot:
        """Return how far the file reached when it was opened. Nothing is in memory."""
        clock_us = self._clocks.get(symbol.venue, 0)
        extent = Extent(clock_us, symbol.last_row)
        with self._errors():
            filled = FilledRanges(
                self._in_transaction(lambda file: [*history_file.filled(file, symbol.number)])
            )
        return Snapshot(
            symbol.number, clock_us, extent, symbol.late_us, (), {}, NO_HOLES, (), filled.by_level()
        )

    def _page(self, read: Callable[[Connection, Query], Sequence[T]], query: Query) -> Sequence[T]:
        with self._errors():
            return self._in_transaction(lambda file: read(file, query))

    def _in_transaction(self, read: Callable[[Connection], T]) -> T:
        self._connection.execute("BEGIN")
        try:
            return read(self._connection)
        finally:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise HistoryFileError(f"{self._path}: {reason(error)}") from None
