"""Lists as whole tables over HTTP: CSV or Parquet, page after page, with a bounded part of them in memory.

Who reads the pages sees to limits and turns (``account_tables``, ``market_tables``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol, TypeAlias

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import Headers

from floorwire.connectors import csv_file
from floorwire.connectors.parquet_file import ParquetMissingError, ParquetTable
from floorwire.connectors.table_columns import Columns, Row
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal

CSV_TYPE: Final = "text/csv"
PARQUET_TYPE: Final = "application/vnd.apache.parquet"
ROWS_A_TURN: Final = 100
"""Rows that are written in one turn of the event loop."""

Parts: TypeAlias = AsyncIterator[Sequence[Row]]
"""The rows, at most ``ROWS_A_TURN`` at a time."""


class Writer(Protocol):
    """Makes a file in parts."""

    def add(self, rows: Sequence[Row]) -> bytes:
        """Add rows; return the bytes that are ready."""
        ...

    def end(self) -> bytes:
        """Return the rest of the file."""
        ...


class CsvTable:
    """A CSV file that is made in parts."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._first = csv_file.header(columns).encode()

    def add(self, rows: Sequence[Row]) -> bytes:
        """Return a line for each row; before the first ones the names of the columns."""
        first, self._first = self._first, b""
        return first + csv_file.lines(self._columns, rows).encode()

    def end(self) -> bytes:
        """Return the names of the columns where there was no row."""
        return self.add(())


class BrokenTableError(Exception):
    """A later page cannot be read. The answer ends in the middle, so that nobody takes it for whole."""


def wanted_type(headers: Headers) -> str | None:
    """Return which kind of table the client asks for by name; None: it takes the protocol's messages."""
    named = {part.split(";")[0].strip().lower() for part in ",".join(headers.getlist("accept")).split(",")}
    return next((kind for kind in (CSV_TYPE, PARQUET_TYPE) if kind in named), None)


async def respond(kind: str, name: str, columns: Columns, parts: Parts) -> Response:
    """Return a whole table, a file of this name. Raises Refusal where it cannot be made or begun."""
    try:
        writer: Writer = CsvTable(columns) if kind == CSV_TYPE else ParquetTable(columns)
    except ParquetMissingError as missing:
        raise Refusal(Code.BAD_REQUEST, str(missing), {"field": "accept"}) from None
    first = await anext(parts, None)  # CPython 3.11 raises SystemError where the default is an empty tuple.
    suffix = "csv" if kind == CSV_TYPE else "parquet"
    headers = {
        "content-disposition": f'attachment; filename="{name}.{suffix}"',
        "cache-control": "no-store",
        "vary": "Accept, Authorization, Origin",
    }
    return StreamingResponse(_written(writer, first, parts), media_type=kind, headers=headers)


async def _written(writer: Writer, first: Sequence[Row] | None, parts: Parts) -> AsyncIterator[bytes]:
    rows = first
    while rows is not None:
        if part := writer.add(rows):
            yield part
        await asyncio.sleep(0)
        try:
            rows = await anext(parts, None)
        except Refusal as refusal:
            raise BrokenTableError(refusal.message) from None
    yield writer.end()
