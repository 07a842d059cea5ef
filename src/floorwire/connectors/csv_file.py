"""Writes rows of a table as CSV: RFC 4180, in UTF-8, with the names of the columns first."""

from __future__ import annotations

import csv
import errno
import os
from collections.abc import Iterable
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Final

from floorwire.connectors.table_columns import Cell, Columns, Row

ROWS_AT_ONCE: Final = 1_000
"""So many rows are in memory."""


def header(columns: Columns) -> str:
    """Return the first line."""
    return _text([list(columns)])


def lines(columns: Columns, rows: Iterable[Row]) -> str:
    """Return a line for each row. An empty cell is nothing, a boolean ``true`` or ``false``."""
    return _text([_cell(row.get(name)) for name in columns] for row in rows)


def write(path: Path, rows: Iterable[Row], columns: Columns) -> int:
    """Write the rows; return how many. The file is there only when it is whole.

    Raises OSError; FileExistsError where something else than an earlier such table is there.
    """
    _check_replaceable(path, header(columns))
    unfinished = path.with_name(f".{path.name}.unfinished")
    left, written = iter(rows), 0
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            file.write(header(columns))
            while part := list(islice(left, ROWS_AT_ONCE)):
                file.write(lines(columns, part))
                written += len(part)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return written


def _text(rows: Iterable[list[Cell]]) -> str:
    made = StringIO()
    csv.writer(made, lineterminator="\r\n").writerows(rows)
    return made.getvalue()


def _cell(value: Cell) -> Cell:
    return str(value).lower() if isinstance(value, bool) else value


def _check_replaceable(path: Path, first_line: str) -> None:
    """Refuse to replace what is no such table: a device, a recording, a key."""
    if path.is_dir() or not path.exists():
        return
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(len(first_line))
        if start in (first_line.encode(), b""):
            return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
