"""Where trades that were fetched stand among those that are stored. Pure.

A row orders the trades of a symbol, and never changes. What was lost came between two trades that are
stored, so it gets a row between theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeAlias

from floorwire.core.market_events import Trade
from floorwire.core.market_history import StoredTrade
from floorwire.core.past_trades import PastTradesPage
from floorwire.history.stored_trades import EARLY_US

Index: TypeAlias = int
"""Of a trade in its page."""


def placed(
    page: PastTradesPage, stored: Sequence[StoredTrade], before_row: int
) -> Sequence[StoredTrade] | None:
    """Return the trades of a page that are not stored, with their rows, in order.

    ``stored``: all trades about the time of the page, in order; rows up to ``before_row`` are free besides
    theirs. None: the page cannot be used. It lacks a trade that is stored, or there is no room.
    """
    known = _known(page, stored)
    if known is None:
        return None
    stands = [_stands(one, page, known) for one in stored]
    covered = {part for parts in known.values() for part in parts}
    groups: dict[int, list[Trade]] = {}
    slot = 0
    for index, trade in enumerate(page.trades):
        if index not in covered:
            while slot < len(stands) and stands[slot] < index:
                slot += 1
            groups.setdefault(slot, []).append(trade)
    found: list[StoredTrade] = []
    for slot, trades in groups.items():
        after_row = stored[slot - 1].row if slot else 0
        end_row = stored[slot].row if slot < len(stored) else before_row
        rows = _rows([trade.ts_us for trade in trades], after_row, end_row)
        if rows is None:
            return None
        found += [
            StoredTrade(
                row,
                trade.ts_us,
                trade.trade_id,
                trade.price_ticks,
                trade.size_lots,
                trade.side,
                page.units,
            )
            for row, trade in zip(rows, trades, strict=True)
        ]
    return found


def _known(page: PastTradesPage, stored: Sequence[StoredTrade]) -> dict[str, range] | None:
    """Return which trades of the page are stored, by the id under which they are; None: one is not in it."""
    index_of = {trade.trade_id: index for index, trade in enumerate(page.trades)}
    known: dict[str, range] = {}
    for one in stored:
        index = index_of.get(one.trade_id)
        if index is not None:
            parts = _parts(page, index, one) if page.are_parts else range(index, index + 1)
            if parts is None:
                return None
            known[one.trade_id] = parts
        elif page.from_us <= one.ts_us < page.to_us:
            return None
    return known


def _parts(page: PastTradesPage, last: Index, whole: StoredTrade) -> range | None:
    """Return the trades that a live one is the sum of; None: there are none."""
    if whole.units != page.units:
        return None
    left, first = whole.size_lots, last + 1
    while left > 0 and first > 0:
        part = page.trades[first - 1]
        if (part.price_ticks, part.side) != (whole.price_ticks, whole.side):
            return None
        first -= 1
        left -= part.size_lots
    return range(first, last + 1) if not left else None


def _stands(one: StoredTrade, page: PastTradesPage, known: dict[str, range]) -> int:
    """Return the index of a stored trade in the page; before or after all where it is not in it."""
    if one.trade_id in known:
        return known[one.trade_id].stop - 1
    return -1 if one.ts_us < page.from_us else len(page.trades)


def _rows(times_us: Sequence[int], after_row: int, before_row: int) -> Sequence[int] | None:
    """Return rows between two others, as near to the times as there is room; None: there is too little."""
    rows = list(accumulate(times_us, _next_row, initial=after_row))[1:]
    most = before_row - 1
    for index in reversed(range(len(rows))):
        if rows[index] <= most:
            break
        rows[index] = most
        most -= 1
    is_early = any(ts_us - row > EARLY_US for row, ts_us in zip(rows, times_us, strict=True))
    return None if rows[0] <= after_row or is_early else rows


def _next_row(last_row: int, ts_us: int) -> int:
    return max(ts_us, last_row + 1)
