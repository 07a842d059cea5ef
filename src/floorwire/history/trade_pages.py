"""Pages of trades: from the file and from memory, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from floorwire.core.market_history import MOST_ROWS, StoredTrade
from floorwire.history import history_file, trade_block
from floorwire.history.history_file import TRADES, Block, Connection
from floorwire.history.memory_snapshot import Snapshot
from floorwire.history.stored_trades import EARLY_US
from floorwire.history.work_pauses import Pauses


class TradeQuery(msgspec.Struct, frozen=True):
    """Which trades a page has. ``to_us`` and both rows are not included."""

    from_us: int
    to_us: int
    after_row: int
    before_row: int
    limit: int
    newest_first: bool


def read(connection: Connection, snapshot: Snapshot, query: TradeQuery) -> list[StoredTrade]:
    """Return a page of trades."""
    # A row is at most ``EARLY_US`` less than the time of its trade, and at most ``late_us`` more.
    after_row = max(query.after_row, query.from_us - 1 - EARLY_US)
    before_row = min(query.before_row, snapshot.extent.last_row + 1, query.to_us + snapshot.late_us)
    limit = min(query.limit, MOST_ROWS)
    page: list[StoredTrade] = []
    for trades in _batches(connection, snapshot, after_row, before_row, newest_first=query.newest_first):
        for trade in reversed(trades) if query.newest_first else trades:
            if not after_row < trade.row < before_row or not query.from_us <= trade.ts_us < query.to_us:
                continue
            page.append(trade)
            if len(page) == limit:
                return page
    return page


def _batches(
    connection: Connection, snapshot: Snapshot, after_row: int, before_row: int, *, newest_first: bool
) -> Iterator[Sequence[StoredTrade]]:
    """Yield trades in batches: those of the file that may be in the page, and those in memory."""
    end_row = snapshot.trades[0].row if snapshot.trades else before_row
    if newest_first:
        yield snapshot.trades
        yield from _decoded(_down(connection, snapshot, after_row, min(before_row, end_row)), end_row)
    else:
        yield from _decoded(_up(connection, snapshot, after_row, min(before_row, end_row)), end_row)
        yield snapshot.trades


def _down(connection: Connection, snapshot: Snapshot, after_row: int, end_row: int) -> Iterator[Block]:
    for block in history_file.blocks_before(connection, snapshot.number, TRADES, end_row):
        if block.last <= after_row:
            return
        yield block


def _up(connection: Connection, snapshot: Snapshot, after_row: int, end_row: int) -> Iterator[Block]:
    for block in history_file.blocks_after(connection, snapshot.number, TRADES, after_row + 1):
        if block.first >= end_row:
            return
        yield block


def _decoded(blocks: Iterator[Block], end_row: int) -> Iterator[Sequence[StoredTrade]]:
    """Yield the trades of blocks, but for those in memory: the file may have them by now, after others."""
    pause = Pauses()
    for block in blocks:
        trades = trade_block.decode(block.data, block.units)
        yield trades if block.last < end_row else [one for one in trades if one.row < end_row]
        pause()
