"""Fills holes with candles of the venue.

What was counted from trades without a hole stays. A candle that reaches into a hole is replaced by the
venue's, which has all trades of its time. Longer candles are then merged anew where the shorter ones have no
hole any more; so a hole of a minute needs no day of the venue.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from floorwire.core.candle_state import CandleState
from floorwire.core.market_history import Hole
from floorwire.core.past_candles import PastCandle, PastPage
from floorwire.history.candle_block import Origin
from floorwire.history.candle_levels import LEVELS, MINUTES, CandleLevel
from floorwire.history.merged_candle import MergedCandle
from floorwire.history.missing_past import SETTLED_US, Missing, MissingRange
from floorwire.history.symbol_history import SymbolHistory

BY_INTERVAL: Final = {level.interval.name: level for level in LEVELS[MINUTES:]}
NEAR: Final = 200
"""Holes are fetched together where at most so many candles are between them."""
MOST_CANDLES: Final = {"1m": 0, "15m": 2_000, "2h": 1_000, "1d": 1_000}
"""How far back they are fetched: 500 of each interval up to four hours. Of minutes the settings say it."""


def missing(known: SymbolHistory, interval: str, first_us: int, clock_us: int) -> Missing:
    """Return what can be filled from ``first_us`` on, if the venue's time is ``clock_us``."""
    level = BY_INTERVAL[interval]
    length_us = level.interval.length_us
    assert length_us is not None, "no venue is asked for months"
    settled_us = level.interval.start_of(clock_us - SETTLED_US)
    most = MOST_CANDLES[interval]
    first_us = level.interval.start_of(max(0, first_us, settled_us - most * length_us if most else 0))
    ranges: list[MissingRange] = []
    holes = known.candle_holes(level, first_us, clock_us)
    for hole in holes:
        from_us = level.interval.start_of(max(first_us, hole.from_us))
        to_us = min(settled_us, _end_of_last(level, settled_us if hole.to_us is None else hole.to_us))
        if from_us >= to_us:
            continue
        if ranges and from_us - ranges[-1].to_us <= NEAR * length_us:
            ranges[-1] = MissingRange(ranges[-1].from_us, max(to_us, ranges[-1].to_us))
        else:
            ranges.append(MissingRange(from_us, to_us))
    is_more = any(hole.to_us is not None and hole.to_us > settled_us for hole in holes)
    return Missing(ranges[::-1], settled_us + length_us + SETTLED_US - clock_us if is_more else 0)


def fill(known: SymbolHistory, page: PastPage, clock_us: int, pause: Callable[[], None]) -> None:
    """Take in a page of the venue's candles. ``clock_us``: the venue's time."""
    level = BY_INTERVAL[page.interval]
    holes = known.candle_holes(level, page.from_us, page.to_us)
    refused = {start_us: level.interval.end_of(start_us) for start_us in page.refused}
    for candle in page.candles:
        if _reaches_into(holes, candle.start_us, level.interval.end_of(candle.start_us)):
            known.put(level, page.units, _figures(level, candle), Origin.VENUE)
            pause()
    for hole in holes:
        from_us = max(hole.from_us, page.from_us)
        end_us = page.to_us if hole.to_us is None else min(hole.to_us, page.to_us)
        for start_us, after_us in refused.items():
            if start_us < end_us and after_us > from_us:
                known.filled.add(level.number, from_us, start_us)
                from_us = after_us
        known.filled.add(level.number, from_us, end_us)
    known.changed()
    _merge_longer(known, level, page.from_us, page.to_us, clock_us, pause)


def _merge_longer(
    known: SymbolHistory,
    level: CandleLevel,
    from_us: int,
    to_us: int,
    clock_us: int,
    pause: Callable[[], None],
) -> None:
    """Merge the candles of the next levels anew that reach into a hole, and whose parts do not any more."""
    for longer in LEVELS[level.number + 1 :]:
        oldest_us = known.first_candle(level)
        start_us, first_us, last_us = longer.interval.start_of(from_us), 0, 0
        while start_us < to_us:
            end_us = longer.interval.end_of(start_us)
            told_us = min(end_us, clock_us)
            holes = known.candle_holes(longer, start_us, told_us)
            # Older candles may have been deleted.
            is_kept = oldest_us is not None and oldest_us <= start_us
            is_kept = is_kept or known.filled.has(level.number, start_us)
            if holes and is_kept and not known.candle_holes(level, start_us, told_us):
                _merge(known, level, longer, start_us)
                for hole in holes:
                    until_us = told_us if hole.to_us is None else min(hole.to_us, told_us)
                    known.filled.add(longer.number, max(hole.from_us, start_us), until_us)
                first_us, last_us = first_us or start_us, end_us
            start_us = end_us
            pause()
        if not last_us:
            return
        level, from_us, to_us = longer, first_us, last_us


def _merge(known: SymbolHistory, level: CandleLevel, longer: CandleLevel, start_us: int) -> None:
    end_us = longer.interval.end_of(start_us)
    merged: MergedCandle | None = None
    block_us = level.block_start(start_us)
    while block_us < end_us:
        block = known.block(level, block_us)
        for bar in block.bars.values():
            if start_us <= bar.start_us < end_us:
                if merged is None:
                    merged = MergedCandle(start_us, block.stored_units, bar)
                else:
                    merged.add(block.stored_units, bar)
        block_us += level.span_us
    if merged is not None:
        known.put(longer, merged.units, merged.bar, merged.bar.origin)


def _reaches_into(holes: Sequence[Hole], start_us: int, end_us: int) -> bool:
    index = bisect_right(holes, start_us, key=lambda hole: hole.from_us)
    if index and ((to_us := holes[index - 1].to_us) is None or to_us > start_us):
        return True
    return index < len(holes) and holes[index].from_us < end_us


def _figures(level: CandleLevel, candle: PastCandle) -> CandleState:
    start_us = candle.start_us
    return CandleState(
        start_us,
        start_us,
        level.interval.end_of(start_us) - 1,
        candle.open_units,
        candle.high_units,
        candle.low_units,
        candle.close_units,
        candle.volume_units,
        candle.trades,
    )


def _end_of_last(level: CandleLevel, to_us: int) -> int:
    """Return the end of the last candle that begins before this time."""
    start_us = level.interval.start_of(to_us)
    return start_us if start_us == to_us else level.interval.end_of(start_us)
