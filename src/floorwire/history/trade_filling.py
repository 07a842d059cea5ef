"""Fills holes of trades with those that the venue tells of its past.

A page has all trades of its time. Those that are not stored get rows between the ones that are, in the
venue's order. A page that lacks a trade which came live is not used: the venue is late, or numbers its past
in another way, and a trade would be stored twice.

Candles of a second are made anew from the trades. Longer ones that reach into a hole are the venue's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

from floorwire.core.candle_state import CandleState
from floorwire.core.market_history import StoredTrade
from floorwire.core.microseconds import SECOND_US
from floorwire.core.past_trades import PastTradesPage
from floorwire.history import trade_places
from floorwire.history.candle_block import Origin
from floorwire.history.candle_levels import LEVELS, MINUTES
from floorwire.history.history_file import UnitNumbers
from floorwire.history.missing_past import SETTLED_US, Missing, MissingRange
from floorwire.history.stored_trades import EARLY_US
from floorwire.history.symbol_history import SymbolHistory

LATE_US: Final = SECOND_US
"""So much before a hole is asked for too: the venue may have told its time before its last trades."""
SECONDS: Final = 0
"""The level of candles that have the holes of trades."""


def missing(known: SymbolHistory, first_us: int, clock_us: int) -> Missing:
    """Return what can be filled from ``first_us`` on, if the venue's time is ``clock_us``."""
    ranges: list[MissingRange] = []
    more_in_us = 0
    for hole in known.trade_holes(first_us, clock_us + SECOND_US):
        if hole.to_us is None:
            continue
        if hole.to_us > clock_us - SETTLED_US:
            more_in_us = hole.to_us + SETTLED_US - clock_us
        else:
            from_us = max(first_us, hole.from_us - LATE_US)
            ranges.append(MissingRange(from_us, hole.to_us, known.trade_id_after(hole.to_us)))
    return Missing(ranges[::-1], more_in_us)


def fill(known: SymbolHistory, page: PastTradesPage, units: UnitNumbers, pause: Callable[[], None]) -> bool:
    """Take in a page. The file has all trades. Return whether the page was used."""
    first_row = _second(page.from_us) - EARLY_US
    before_row = _second(page.to_us - 1) + SECOND_US + known.late_us + EARLY_US
    stored = known.stored.read(first_row, before_row - 1)
    pause()
    new = trade_places.placed(page, stored, before_row)
    if new is None:
        return False
    if new:
        known.stored.insert(new, units)
        pause()
        known.fetched(new)
        _count_seconds(known, stored, new)
        pause()
        _count_longer(known, new)
    _close_holes(known, page)
    known.changed()
    return True


def _count_seconds(known: SymbolHistory, stored: Sequence[StoredTrade], new: Sequence[StoredTrade]) -> None:
    """Make the candles of the seconds with new trades from all trades of theirs."""
    seconds = {_second(one.ts_us) for one in new}
    trades = [one for one in (*stored, *new) if _second(one.ts_us) in seconds]
    trades.sort(key=lambda one: (one.ts_us, one.row))
    begun: set[int] = set()
    for (second_us, units), part in groupby(trades, key=lambda one: (_second(one.ts_us), one.units)):
        figures = _figures(list(part))
        if second_us in begun:
            known.add(LEVELS[SECONDS], units, figures)
        else:
            known.put(LEVELS[SECONDS], units, figures, Origin.COUNTED)
            begun.add(second_us)


def _count_longer(known: SymbolHistory, new: Sequence[StoredTrade]) -> None:
    """Count trades in longer candles where these are counted from trades: not in a hole."""
    for one in new:
        if known.counts_minute_of(one.ts_us):
            for level in LEVELS[MINUTES:]:
                known.add(level, one.units, _figures([one]))


def _close_holes(known: SymbolHistory, page: PastTradesPage) -> None:
    """Close the holes of the page's time, but for seconds of trades that were refused."""
    refused = sorted({_second(ts_us) for ts_us in page.refused})
    for hole in known.trade_holes(page.from_us, page.to_us):
        from_us = max(hole.from_us, page.from_us)
        end_us = page.to_us if hole.to_us is None else min(hole.to_us, page.to_us)
        for second_us in refused:
            if second_us < end_us and second_us + SECOND_US > from_us:
                known.filled.add(SECONDS, from_us, second_us)
                from_us = second_us + SECOND_US
        known.filled.add(SECONDS, from_us, end_us)


def _figures(trades: Sequence[StoredTrade]) -> CandleState:
    """Return the candle of trades of one second, which are in order."""
    first, last = trades[0], trades[-1]
    prices = [one.price_ticks for one in trades]
    return CandleState(
        _second(first.ts_us),
        first.ts_us,
        last.ts_us,
        first.price_ticks,
        max(prices),
        min(prices),
        last.price_ticks,
        sum(one.size_lots for one in trades),
        len(trades),
    )


def _second(ts_us: int) -> int:
    return ts_us - ts_us % SECOND_US
