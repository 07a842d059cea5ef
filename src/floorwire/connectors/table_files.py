"""Which CSV files that Binance and Tardis publish a recording has, and their rows in order of time.

Binance's files have no header: their names say what they are (``BTCUSDT-trades-2024-08-08.csv``). Tardis's
have one. Either may be compressed by gzip or be in a zip file, as they are published.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from floorwire.connectors.recorded_line import (
    BROKEN,
    SkippedLineCounter,
    bounded_lines,
    open_recorded,
    text_lines,
)
from floorwire.venues.tables import rows
from floorwire.venues.tables.rows import TableKind

BINANCE_FILE = re.compile(
    r"(?P<symbol>[A-Z0-9_]+)-(?P<table>trades|aggTrades|bookTicker|[0-9]+(?:s|m|h|d|w|mo))"
    r"-[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?\.csv"
)
TARDIS_HEADER = ("exchange", "symbol", "timestamp", "local_timestamp")
TARDIS_TABLES: dict[tuple[str, ...], TableKind] = {
    ("id", "side", "price", "amount"): "tardis_trades",
    ("ask_amount", "ask_price", "bid_price", "bid_amount"): "quotes",
    ("is_snapshot", "side", "price", "amount"): "incremental_book",
}
BINANCE_TABLES: dict[str, TableKind] = {
    "trades": "trades",
    "aggTrades": "aggTrades",
    "bookTicker": "bookTicker",
}
MAX_GROUP = 100_000
"""So many rows of one moment are one message at most. A snapshot of a book has some thousands."""


class TableFile(NamedTuple):
    """A file that has one table."""

    path: Path
    table: TableKind
    exchange: str
    symbols: tuple[str, ...]
    """Binance's files have one. Tardis's may have several: they are in each row, and here none."""


class RowGroup(NamedTuple):
    """Rows that came together."""

    at_us: int
    symbol: str
    rows: list[str]


def table_file(path: Path) -> TableFile | None:
    """Return what table a file has; None if it has none. Raises OSError."""
    first = next((text for _, text in _lines(path, SkippedLineCounter())), "")
    header = tuple(first.split(","))
    if header[:4] == TARDIS_HEADER:
        table = TARDIS_TABLES.get(header[4:])
        if table is None and header[4:6] == ("asks[0].price", "asks[0].amount"):
            table = "book_snapshot"
        if table is None:
            return None
        second = next((text for number, text in _lines(path, SkippedLineCounter()) if number > 1), "")
        return TableFile(path, table, second.partition(",")[0] or "tardis", ())
    found = BINANCE_FILE.fullmatch(
        path.name.removesuffix(".gz").removesuffix(".zip").removesuffix(".csv") + ".csv"
    )
    if found is None:
        return None
    return TableFile(path, BINANCE_TABLES.get(found["table"], "klines"), "binance", (found["symbol"],))


def row_groups(file: TableFile, skipped: SkippedLineCounter) -> Iterator[RowGroup]:
    """Yield the rows of a file, those that came together as one. Times never go back. Raises OSError."""
    at_us = 0
    waiting: RowGroup | None = None
    last_key: tuple[int, str, str] | None = None
    for number, text in _lines(file.path, skipped):
        row = text.split(",")
        if number == 1 and not row[0].isdecimal() and not _is_row(file, row):
            continue  # the header
        try:
            came_us = rows.came_at(file.table, row)
        except (ValueError, IndexError):
            came_us = -1
        if came_us < 0 or not _has_columns(file.table, row):
            skipped.add("broken_line", file.path, number)
            continue
        at_us = max(at_us, came_us)
        symbol = file.symbols[0] if file.symbols else row[1]
        key = (came_us, symbol, row[4]) if file.table == "incremental_book" else None
        if waiting is not None and key is not None and key == last_key and len(waiting.rows) < MAX_GROUP:
            waiting.rows.append(text)
            continue
        if waiting is not None:
            yield waiting
        waiting, last_key = RowGroup(at_us, symbol, [text]), key
    if waiting is not None:
        yield waiting


def _is_row(file: TableFile, row: Sequence[str]) -> bool:
    return not file.symbols and row[0] != TARDIS_HEADER[0]


def _has_columns(table: TableKind, row: Sequence[str]) -> bool:
    if table == "book_snapshot":
        return len(row) > rows.TARDIS_COLUMNS and not len(row) % rows.TARDIS_COLUMNS
    return len(row) in rows.COLUMNS[table]


def _lines(path: Path, skipped: SkippedLineCounter) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers. Raises OSError."""
    for number, raw in _zipped_lines(path, skipped) if path.suffix == ".zip" else text_lines(path, skipped):
        text = raw.decode("utf-8", "replace").strip()
        if text:
            yield number, text


def _zipped_lines(path: Path, skipped: SkippedLineCounter) -> Iterator[tuple[int, bytes]]:
    try:
        with open_recorded(path) as opened, zipfile.ZipFile(opened) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if not names:
                return
            with archive.open(names[0]) as file:
                yield from bounded_lines(file, path, skipped)
    except (
        *BROKEN,
        NotImplementedError,
        RuntimeError,
    ):  # the last two: packed in a way that Python does not know
        skipped.add("broken_file", path, 1)
