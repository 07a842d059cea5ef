"""A block: up to some hundred trades of one symbol that follow each other, packed as columns.

A row of a database for each trade costs several times the CPU time and the space (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from floorwire.core.market_events import Trade
from floorwire.core.market_history import StoredTrade, StoredUnits
from floorwire.history.packed_columns import differences, pack, sums, unpack

TRADES = 256
"""The most trades of one block."""


class _Columns(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """``late_us``: how much a row is above the trade's time. ``buys``: one byte for each trade."""

    rows: list[int]
    late_us: list[int]
    ids: list[int | str]
    prices: list[int]
    sizes: list[int]
    buys: list[bool]


def encode(rows: Sequence[int], trades: Sequence[Trade]) -> bytes:
    """Return the trades of these rows as bytes."""
    return pack(
        [
            differences(rows),
            [row - trade.ts_us for row, trade in zip(rows, trades, strict=True)],
            _encode_ids([trade.trade_id for trade in trades]),
            differences([trade.price_ticks for trade in trades]),
            [trade.size_lots for trade in trades],
            [trade.side == "buy" for trade in trades],
        ]
    )


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
        numbers = list(map(int, ids))
    except ValueError:
        return ids
    return differences(numbers) if list(map(str, numbers)) == ids else ids


def _decode_ids(ids: list[int | str]) -> Sequence[str]:
    """Return the ids. Either all of them are differences, or none is."""
    numbers = [number for number in ids if type(number) is int]
    return list(map(str, sums(numbers))) if numbers else [str(text) for text in ids]
