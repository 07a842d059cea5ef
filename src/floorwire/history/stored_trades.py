"""The trades of one symbol that are in the file: read by their rows, and with others put between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from typing import Final

from floorwire.core.market_history import StoredTrade
from floorwire.history import history_file, trade_block
from floorwire.history.history_file import TRADES, Block, Connection, UnitNumbers
from floorwire.history.trade_block import TradeRun

EARLY_US: Final = 1_000
"""A row is at most so much below the time of its trade: many trades may come before one of the same time."""


class StoredTrades:
    """Those of one symbol."""

    __slots__ = ("_connection", "_number")

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._number = number

    def read(self, first_row: int, last_row: int) -> list[StoredTrade]:
        """Return the trades with these rows, both included, in order."""
        return [
            one
            for block in self._blocks(first_row, last_row)
            for one in trade_block.decode(block.data, block.units)
            if first_row <= one.row <= last_row
        ]

    def id_after(self, ts_us: int) -> str:
        """Return the id of the first trade of this time or later; "": there is none."""
        for block in history_file.blocks_after(self._connection, self._number, TRADES, ts_us - EARLY_US):
            for one in trade_block.decode(block.data, block.units):
                if one.ts_us >= ts_us:
                    return one.trade_id
        return ""

    def insert(self, trades: Sequence[StoredTrade], units: UnitNumbers) -> None:
        """Put trades in, in order. Nothing stored has one of their rows."""
        blocks = list(self._blocks(trades[0].row, trades[-1].row))
        stored = (one for block in blocks for one in trade_block.decode(block.data, block.units))
        together = list(merge(stored, trades, key=lambda one: one.row))
        for block in blocks:
            history_file.remove_block(self._connection, self._number, TRADES, block.first)
        for unit, part in groupby(together, key=lambda one: one.units):
            run = TradeRun(unit)
            run.load(list(part))
            run.put(self._connection, self._number, units.number(unit))

    def _blocks(self, first_row: int, last_row: int) -> Iterator[Block]:
        for block in history_file.blocks_after(self._connection, self._number, TRADES, first_row):
            if block.first > last_row:
                return
            if block.last >= first_row:
                yield block
