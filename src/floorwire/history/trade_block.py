"""A block: up to some hundred trades of one symbol that follow each other, packed as columns.

A row of a database for each trade costs several times the CPU time and the space (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import sub

import msgspec

from floorwire.core.market_events import Trade
from floorwire.core.market_history import StoredTrade, StoredUnits
from floorwire.history import history_file
from floorwire.history.history_file import Connection
from floorwire.history.packed_columns import differences, pack, sums, unpack

TRADES = 512
"""The most trades of one block."""


class _Columns(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """``late_us``: how much a row is above the trade's time. ``buys``: one byte for each trade."""

    rows: list[int]
    late_us: list[int]
    ids: list[int | str]
    prices: list[int]
    sizes: list[int]
    buys: list[bool]


class TradeColumns(msgspec.Struct, frozen=True, gc=False):
    """The fields of trades that came one after the other: each is read once, for block and candles."""

    times_us: list[int]
    ids: list[str]
    prices: list[int]
    sizes: list[int]
    buys: list[bool]

    @classmethod
    def of(cls, trades: Sequence[Trade]) -> TradeColumns:
        """Return the columns of trades."""
        return cls(
            [trade.ts_us for trade in trades],
            [trade.trade_id for trade in trades],
            [trade.price_ticks for trade in trades],
            [trade.size_lots for trade in trades],
            [trade.side == "buy" for trade in trades],
        )


class TradeRun:
    """Trades in the same units that follow each other, as columns."""

    __slots__ = ("buys", "ids", "prices", "rows", "sizes", "times_us", "units")

    def __init__(self, units: StoredUnits) -> None:
        self.units = units
        self.rows: list[int] = []
        self.times_us: list[int] = []
        self.ids: list[str] = []
        self.prices: list[int] = []
        self.sizes: list[int] = []
        self.buys: list[bool] = []

    def add(self, rows: Sequence[int], trades: TradeColumns) -> None:
        """Add trades with their rows."""
        self.rows += rows
        self.times_us += trades.times_us
        self.ids += trades.ids
        self.prices += trades.prices
        self.sizes += trades.sizes
        self.buys += trades.buys

    def load(self, stored: Sequence[StoredTrade]) -> None:
        """Add trades that were read."""
        for one in stored:
            self.rows.append(one.row)
            self.times_us.append(one.ts_us)
            self.ids.append(one.trade_id)
            self.prices.append(one.price_ticks)
            self.sizes.append(one.size_lots)
            self.buys.append(one.side == "buy")

    def encode(self, first: int) -> bytes:
        """Return the block that begins with the trade of this index as bytes."""
        part = slice(first, first + TRADES)
        rows, times_us = self.rows[part], self.times_us[part]
        return pack(
            [
                differences(rows),
                [0] * len(rows) if rows == times_us else list(map(sub, rows, times_us)),
                _encode_ids(self.ids[part]),
                differences(self.prices[part]),
                self.sizes[part],
                self.buys[part],
            ]
        )

    def put(self, connection: Connection, number: int, units_id: int) -> None:
        """Store its blocks, as those of a symbol."""
        for first in range(0, len(self.rows), TRADES):
            last = min(first + TRADES, len(self.rows)) - 1
            data = self.encode(first)
            history_file.put_block(
                connection, number, history_file.TRADES, self.rows[first], self.rows[last], units_id, data
            )

    def drop_full_blocks(self) -> None:
        """Leave out the trades of full blocks."""
        count = len(self.rows) - len(self.rows) % TRADES
        if count:
            for column in (self.rows, self.times_us, self.ids, self.prices, self.sizes, self.buys):
                del column[:count]

    def stored(self) -> list[StoredTrade]:
        """Return the trades as they are read."""
        return [
            StoredTrade(row, ts_us, trade_id, price, size, "buy" if is_buy else "sell", self.units)
            for row, ts_us, trade_id, price, size, is_buy in zip(
                self.rows, self.times_us, self.ids, self.prices, self.sizes, self.buys, strict=True
            )
        ]


def decode(data: bytes, units: StoredUnits) -> list[StoredTrade]:
    """Return the trades of a block, in order. Raises msgspec.MsgspecError."""
    columns = unpack(data, _Columns)
    return [
        StoredTrade(row, row - late_us, trade_id, price, size, "buy" if is_buy else "sell", units)
        for row, late_us, trade_id, price, size, is_buy in zip(
            sums(columns.rows),
            columns.late_us,
            _decode_ids(columns.ids),
            sums(columns.prices),
            columns.sizes,
            columns.buys,
            strict=True,
        )
    ]


def _encode_ids(ids: list[str]) -> Sequence[int | str]:
    """Return ids that are plain numbers as differences, and others as they are."""
    try:
        numbers = msgspec.convert(ids, list[int], strict=False)  # in a third of the time that ``int`` takes
    except msgspec.ValidationError:
        return ids
    first, count = numbers[0], len(numbers)
    if numbers == list(range(first, first + count)):  # in most blocks
        return [first, *repeat(1, count - 1)] if _are_plain(ids, first, numbers[-1]) else ids
    return differences(numbers) if list(map(str, numbers)) == ids else ids


def _are_plain(ids: list[str], first: int, last: int) -> bool:
    """Return whether the texts of these numbers, which grow, are those that ``str`` makes.

    To make the texts of all takes longer. Other texts of digits alone begin with zeros, so they are longer.
    """
    digits = len(str(last))
    if first < 0 or len(str(first)) != digits:
        return list(map(str, range(first, last + 1))) == ids
    joined = "".join(ids)
    return len(joined) == digits * len(ids) and joined.isascii() and joined.isdigit()


def _decode_ids(ids: list[int | str]) -> Sequence[str]:
    """Return the ids. Either all of them are differences, or none is."""
    numbers = [number for number in ids if type(number) is int]
    return list(map(str, sums(numbers))) if numbers else [str(text) for text in ids]
