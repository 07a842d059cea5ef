"""Lists as whole tables over HTTP: CSV or Parquet, page after page, with a bounded part of them in memory.

Each page is a request to the desk like any other, so it has its limits and its turns. Where the desk says
that the account reads too much, the stream waits and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeAlias

from fastapi import Response
from fastapi.responses import StreamingResponse
from msgspec import UNSET
from starlette.datastructures import Headers

from floorwire.connectors import csv_file
from floorwire.connectors.parquet_file import ParquetMissingError, ParquetTable
from floorwire.connectors.table_columns import Columns, Row
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.replies import Error, FillList, LedgerList, OrderList
from floorwire.trading import account_export
from floorwire.trading.account_export import ExportedRow, Table

CSV_TYPE: Final = "text/csv"
PARQUET_TYPE: Final = "application/vnd.apache.parquet"
ROWS_A_TURN: Final = 100
"""Rows that are written in one turn of the event loop."""

Ask: TypeAlias = Callable[[str | None], Awaitable[Reply]]
"""Asks for the page before the id; None: for the first one."""


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


async def respond(kind: str, table: Table, first: Reply, ask: Ask) -> Response:
    """Return a whole table. ``first``: its first page. Raises Refusal where it cannot be made."""
    columns = account_export.columns(account_export.ROWS[table])
    try:
        writer: Writer = CsvTable(columns) if kind == CSV_TYPE else ParquetTable(columns)
    except ParquetMissingError as missing:
        raise Refusal(Code.BAD_REQUEST, str(missing), {"field": "accept"}) from None
    suffix = "csv" if kind == CSV_TYPE else "parquet"
    headers = {
        "content-disposition": f'attachment; filename="{table}.{suffix}"',
        "cache-control": "no-store",
        "vary": "Accept, Authorization, Origin",
    }
    return StreamingResponse(_parts(writer, first, ask), media_type=kind, headers=headers)


async def _parts(writer: Writer, page: Reply, ask: Ask) -> AsyncIterator[bytes]:
    while True:
        rows, before = _rows(page)
        for begin in range(0, len(rows), ROWS_A_TURN):
            part = writer.add([account_export.table_row(row) for row in rows[begin : begin + ROWS_A_TURN]])
            if part:
                yield part
            await asyncio.sleep(0)
        if before is None:
            break
        page = await _next(ask, before)
    yield writer.end()


async def _next(ask: Ask, before: str) -> Reply:
    """Return the next page. Waits where the account has read too much."""
    while True:
        page = await ask(before)
        if not isinstance(page, Error):
            return page
        if page.code != Code.RATE_LIMITED or page.retry_after_ms is UNSET:
            raise BrokenTableError(page.message)
        await asyncio.sleep(page.retry_after_ms / 1000)


def _rows(page: Reply) -> tuple[Sequence[ExportedRow], str | None]:
    """Return the rows of a page, and where the next begins."""
    rows: Sequence[ExportedRow]
    if isinstance(page, OrderList):
        rows = page.orders
    elif isinstance(page, FillList):
        rows = page.fills
    else:
        assert isinstance(page, LedgerList), "no other lists are asked for"
        rows = page.entries
    return rows, None if page.next is UNSET else page.next
