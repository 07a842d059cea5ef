"""Plays rows of published tables as market events. One frame has the rows of one moment of one table.

A frame is the name of the table, the symbol, and a row a line. All tables of a symbol are one market. A
symbol is live from its first row on; if there is a table with its book, from the first whole book on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Feed,
    Level,
    Listing,
    MissingTrade,
    VenueTime,
)
from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Activity, Frame, Open, Opened, VenueInput, VenueOutput, Wake, Woke
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.venue_book import CrossedBookError, VenueBook
from floorwire.venues.tables import rows
from floorwire.venues.tables.rows import Row, TableKind

LINK = "tables"
BOOK_TABLES = ("book_snapshot", "incremental_book")


class TableSymbol:
    """One symbol of the tables."""

    __slots__ = ("book", "has_book", "shown")

    def __init__(self, instrument: Instrument, *, has_book: bool) -> None:
        self.book = VenueBook(instrument)
        self.has_book = has_book
        """Whether one of the tables has its book."""
        self.shown: tuple[dict[int, int], dict[int, int]] = ({}, {})
        """The bids and asks of the last row of ``book_snapshot``, by price."""


class TableVenue:
    """The adapter, a pure state machine. ``skipped`` counts what it left out, by reason."""

    def __init__(
        self, name: str, instruments: Mapping[str, Instrument], tables: Sequence[tuple[TableKind, str]]
    ) -> None:
        """``instruments``: by the name in the tables. ``tables``: each table, and the symbol it is of."""
        self.name = name
        self.skipped: Counter[str] = Counter()
        self._symbols = {
            native: TableSymbol(of, has_book=any((table, native) in tables for table in BOOK_TABLES))
            for native, of in instruments.items()
        }
        self._statuses = FeedStatuses()
        self._heard: dict[str, None] = {}
        """The symbols that something came of since the last second."""
        self._time_us = 0
        """The latest time in the tables."""

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """List the instruments and open the link."""
        instruments = tuple(symbol.book.instrument for symbol in self._symbols.values())
        out: list[VenueOutput] = [*self._statuses.set_all("connecting", "start", now_us)]
        out.append(Listing(instruments, now_us))
        for instrument in instruments:
            out += self._statuses.add(instrument.symbol, now_us)
        return [*out, Open(LINK, ""), _next_second(now_us)]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        match happened:
            case Frame(_, data):
                text = data if isinstance(data, str) else data.decode("utf-8", "replace")
                return list(self._frame(text.split("\n"), now_us))
            case Woke():
                return [*self._tick(), _next_second(now_us)]
            case Opened():
                return []
        return []

    def _tick(self) -> Iterator[VenueOutput]:
        if self._heard:
            yield Activity((LINK,), tuple(self._heard))
            self._heard.clear()
        if self._time_us:
            yield VenueTime(self._time_us, is_reckoned=True)

    def _frame(self, lines: Sequence[str], now_us: int) -> Iterator[VenueOutput]:
        name, _, native = lines[0].partition(" ")
        symbol = self._symbols.get(native)
        table = next((one for one in get_args(TableKind) if one == name), None)
        if symbol is None or table is None:
            self.skipped["unknown_symbol"] += 1
            return
        self._heard[symbol.book.instrument.symbol] = None
        found = [line.split(",") for line in lines[1:]]
        try:
            if table == "incremental_book":
                yield from self._changes(found, symbol, now_us)
            else:
                for row in found:
                    yield from self._row(table, row, symbol, now_us)
        except CrossedBookError:
            self.skipped["crossed_book"] += 1
            symbol.book.clear()
            yield from self._set(symbol, "stale", "bad_message", now_us)
        except (ValueError, IndexError):
            self.skipped["bad_message"] += 1
            if table == "incremental_book" and symbol.book.is_synced:
                symbol.book.clear()
                yield from self._set(symbol, "stale", "bad_message", now_us)

    def _row(self, table: TableKind, row: Row, symbol: TableSymbol, now_us: int) -> Iterator[VenueOutput]:
        of, ts_us = symbol.book.instrument, rows.event_time(table, row)
        self._time_us = max(self._time_us, ts_us)
        match table:
            case "trades" | "aggTrades" | "tardis_trades":
                try:
                    yield rows.trade(table, row, of)
                except ValueError:
                    yield MissingTrade(of.symbol, ts_us)
                    raise
            case "klines":
                yield rows.candle(row, of)
            case "bookTicker" | "quotes":
                yield rows.quote(table, row, of)
            case "book_snapshot":
                yield self._snapshot(row, symbol, ts_us)
        if not symbol.has_book or symbol.book.is_synced:
            yield from self._set(symbol, "live", "synced", now_us)

    def _snapshot(self, row: Row, symbol: TableSymbol, ts_us: int) -> BookSnapshot | BookChange:
        """Return the first row as a book, and each later one as the change from the row before."""
        bids, asks = rows.snapshot_levels(row, symbol.book.instrument)
        before, symbol.shown = symbol.shown, (dict(bids), dict(asks))
        if not symbol.book.is_synced:
            return symbol.book.apply_snapshot(bids, asks, ts_us)
        changes = [_change(old, new) for old, new in zip(before, symbol.shown, strict=True)]
        return symbol.book.apply_change(changes[0], changes[1], ts_us)

    def _changes(self, found: Sequence[Row], symbol: TableSymbol, now_us: int) -> Iterator[VenueOutput]:
        """Yield the book or the change of the rows of one moment. Tardis: a snapshot replaces the book."""
        of, ts_us = symbol.book.instrument, rows.event_time("incremental_book", found[0])
        self._time_us = max(self._time_us, ts_us)
        is_snapshot = rows.is_true(found[0][4])
        sides: dict[str, dict[int, int]] = {"bid": {}, "ask": {}}
        for row in found:
            side, (ticks, lots) = rows.changed_level(row, of)
            sides[side][ticks] = lots
        bids, asks = tuple(sides["bid"].items()), tuple(sides["ask"].items())
        if is_snapshot:
            bids, asks = _present(bids), _present(asks)
            yield symbol.book.apply_snapshot(bids, asks, ts_us)
            yield from self._set(symbol, "live", "synced", now_us)
        elif symbol.book.is_synced:
            yield symbol.book.apply_change(bids, asks, ts_us)
        else:
            self.skipped["no_snapshot"] += 1

    def _set(self, symbol: TableSymbol, feed: Feed, reason: str, now_us: int) -> Iterator[VenueOutput]:
        yield from self._statuses.set_symbol(symbol.book.instrument.symbol, feed, reason, now_us)


def _change(old: Mapping[int, int], new: Mapping[int, int]) -> tuple[Level, ...]:
    changed = {ticks: lots for ticks, lots in new.items() if old.get(ticks) != lots}
    return tuple((changed | {ticks: 0 for ticks in old if ticks not in new}).items())


def _present(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    return tuple(level for level in levels if level[1])


def _next_second(now_us: int) -> Wake:
    return Wake((now_us // SECOND_US + 1) * SECOND_US)
