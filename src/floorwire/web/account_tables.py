"""The account's orders, fills and ledger as whole tables over HTTP.

Each page is a request to the desk like any other, so it has its limits and its turns. Where the desk says
that the account reads too much, the stream waits and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec import UNSET

from floorwire.connectors.table_columns import Row
from floorwire.core.codes import Code
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.replies import Error, FillList, LedgerList, OrderList
from floorwire.trading import account_export
from floorwire.trading.account_export import ExportedRow
from floorwire.web.table_stream import ROWS_A_TURN, BrokenTableError

Ask: TypeAlias = Callable[[str | None], Awaitable[Reply]]
"""Asks for the page before the id; None: for the first one."""


async def parts(page: Reply, ask: Ask) -> AsyncIterator[Sequence[Row]]:
    """Yield the rows of a list, some for each turn of the event loop. ``page``: its first one."""
    while True:
        rows, before = _rows(page)
        for begin in range(0, len(rows), ROWS_A_TURN):
            yield [account_export.table_row(row) for row in rows[begin : begin + ROWS_A_TURN]]
        if before is None:
            return
        page = await _next(ask, before)


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
