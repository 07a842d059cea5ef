"""Pages of candles: merged from those of a stored level, with flat ones where nothing was traded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.market_history import MOST_ROWS, StoredCandle, StoredUnits
from floorwire.history import candle_block, history_file
from floorwire.history.candle_block import Bar, Origin
from floorwire.history.candle_levels import BASES, LEVELS, CandleLevel
from floorwire.history.history_file import Connection
from floorwire.history.hole_window import HoleWindow
from floorwire.history.memory_snapshot import Snapshot
from floorwire.history.merged_candle import MergedCandle
from floorwire.history.work_pauses import Pauses


class CandleQuery(msgspec.Struct, frozen=True):
    """Which candles a page has. ``to_us`` is not included."""

    interval: str
    from_us: int
    to_us: int
    limit: int
    newest_first: bool


class CandlePage:
    """Makes one page."""

    def __init__(self, connection: Connection, snapshot: Snapshot, query: CandleQuery) -> None:
        self._connection = connection
        self._snapshot = snapshot
        self._query = query
        self._limit = min(query.limit, MOST_ROWS)
        self._interval: CandleInterval = INTERVALS[query.interval]
        self._level: CandleLevel = LEVELS[BASES[query.interval]]
        self._pause = Pauses()
        self._holes = HoleWindow(connection, snapshot, self._interval)
        stored_us = history_file.first_block_start(connection, snapshot.number, self._level.number)
        self._oldest_us = None if stored_us is None else min([stored_us, *snapshot.bars])

    def read(self) -> list[StoredCandle]:
        """Return the page."""
        query = self._query
        if query.from_us >= query.to_us or self._limit <= 0:
            return []
        candles = self._newest_first() if query.newest_first else self._oldest_first()
        page: list[StoredCandle] = []
        for candle in candles:
            page.append(candle)
            if len(page) == self._limit:
                break
        return page

    def _newest_first(self) -> Iterator[StoredCandle]:
        """Yield the candles, the latest first."""
        next_us = self._after_last()
        for merged in self._merged(self._down(next_us)):
            for start_us in reversed(self._flat_starts(merged, next_us)):
                if start_us < self._query.from_us:
                    return
                yield self._flat(merged, start_us)
            if merged.start_us < self._query.from_us:
                return
            yield self._traded(merged)
            next_us = merged.start_us

    def _oldest_first(self) -> Iterator[StoredCandle]:
        """Yield the candles, the earliest first."""
        end_us = self._after_last()
        before = next(self._merged(self._down(self._query.from_us)), None)
        last = before
        for merged in self._merged(self._up(self._query.from_us)):
            if merged.start_us >= end_us:
                break
            yield from self._flats_between(last, merged.start_us)
            if merged.start_us >= self._query.from_us:
                yield self._traded(merged)
            last = merged
        yield from self._flats_between(last, end_us)

    def _flats_between(self, last: MergedCandle | None, until_us: int) -> Iterator[StoredCandle]:
        if last is not None:
            for start_us in self._flat_starts(last, until_us):
                if start_us >= self._query.from_us:
                    yield self._flat(last, start_us)

    def _after_last(self) -> int:
        """Return the end of the last candle that the page may have: at most of one that has begun."""
        end_us = self._interval.end_of(self._interval.start_of(self._snapshot.clock_us))
        bars = [bar.start_us for _, block in self._snapshot.bars.values() for bar in block]
        if bars:
            end_us = max(end_us, self._interval.end_of(self._interval.start_of(max(bars))))
        return min(end_us, self._first_at_least(self._query.to_us))

    def _first_at_least(self, ts_us: int) -> int:
        """Return the earliest start that is not before this time."""
        if ts_us > self._snapshot.clock_us + LEVELS[-1].span_us:  # beyond all candles
            return ts_us
        start_us = self._interval.start_of(ts_us)
        return start_us if start_us == ts_us else self._interval.end_of(start_us)

    # --- stored candles ---------------------------------------------------------------------------------

    def _merged(self, bars: Iterator[tuple[StoredUnits, Bar]]) -> Iterator[MergedCandle]:
        """Yield the candles of the interval, in the order of the stored ones."""
        merged: MergedCandle | None = None
        start_us = end_us = 0
        for units, bar in bars:
            if merged is None or not start_us <= bar.start_us < end_us:
                if merged is not None:
                    yield merged
                start_us = self._interval.start_of(bar.start_us)
                end_us = self._interval.end_of(start_us)
                merged = MergedCandle(start_us, units, bar)
            else:
                merged.add(units, bar)
        if merged is not None:
            yield merged

    def _down(self, end_us: int) -> Iterator[tuple[StoredUnits, Bar]]:
        """Yield the stored candles that start before this time, the latest first."""
        in_memory = sorted((us for us in self._snapshot.bars if us < end_us), reverse=True)
        stored = history_file.blocks_before(
            self._connection, self._snapshot.number, self._level.number, end_us
        )
        for block in stored:
            while in_memory and in_memory[0] >= block.first:
                yield from self._down_block(*self._snapshot.bars[in_memory.pop(0)], end_us)
            if block.first in self._snapshot.bars:
                continue
            yield from self._down_block(block.units, candle_block.decode(block.first, block.data), end_us)
            self._pause()
        for block_us in in_memory:
            yield from self._down_block(*self._snapshot.bars[block_us], end_us)

    @staticmethod
    def _down_block(
        units: StoredUnits, bars: Sequence[Bar], end_us: int
    ) -> Iterator[tuple[StoredUnits, Bar]]:
        for bar in reversed(bars):
            if bar.start_us < end_us:
                yield units, bar

    def _up(self, from_us: int) -> Iterator[tuple[StoredUnits, Bar]]:
        """Yield the stored candles of the interval that has this time, and all later ones."""
        from_us = self._interval.start_of(from_us)
        in_memory = sorted(us for us in self._snapshot.bars if us + self._level.span_us > from_us)
        stored = history_file.blocks_after(
            self._connection, self._snapshot.number, self._level.number, from_us
        )
        for block in stored:
            while in_memory and in_memory[0] <= block.first:
                yield from self._up_block(*self._snapshot.bars[in_memory.pop(0)], from_us)
            if block.first in self._snapshot.bars:
                continue
            yield from self._up_block(block.units, candle_block.decode(block.first, block.data), from_us)
            self._pause()
        for block_us in in_memory:
            yield from self._up_block(*self._snapshot.bars[block_us], from_us)

    @staticmethod
    def _up_block(units: StoredUnits, bars: Sequence[Bar], from_us: int) -> Iterator[tuple[StoredUnits, Bar]]:
        for bar in bars:
            if bar.start_us >= from_us:
                yield units, bar

    # --- candles of the page ------------------------------------------------------------------------------

    def _traded(self, merged: MergedCandle) -> StoredCandle:
        bar, end_us = merged.bar, self._interval.end_of(merged.start_us)
        # Older stored candles of its time may have been deleted.
        is_cut = self._oldest_us is not None and merged.start_us < self._oldest_us
        return StoredCandle(
            merged.start_us,
            end_us,
            bar.last_us,
            bar.open_ticks,
            bar.high_ticks,
            bar.low_ticks,
            bar.close_ticks,
            bar.volume_lots,
            bar.trades,
            end_us <= self._snapshot.clock_us,
            is_cut or self._has_hole(merged.start_us, end_us),
            bar.origin == Origin.SIMULATED,
            merged.units,
        )

    def _flat(self, last: MergedCandle, start_us: int) -> StoredCandle:
        price, end_us = last.bar.close_ticks, self._interval.end_of(start_us)
        return StoredCandle(
            start_us, end_us, start_us, price, price, price, price, 0, 0, True, False, False, last.units
        )

    def _flat_starts(self, last: MergedCandle, until_us: int) -> Sequence[int]:
        """Return the starts of closed candles without trades after ``last``, up to a hole."""
        interval, start_us = self._interval, self._interval.end_of(last.start_us)
        end_us = min(until_us, self._snapshot.clock_us)
        if start_us >= end_us:
            return ()
        end_us = min(end_us, self._holes.first_after(last.bar.last_us, end_us))
        end_us = interval.start_of(end_us)
        if start_us >= end_us:
            return ()
        if self._query.newest_first:
            return interval.last_starts(start_us, end_us, self._limit)
        first_us = max(start_us, self._first_at_least(self._query.from_us))
        if interval.length_us is not None:
            return range(
                first_us, min(end_us, first_us + self._limit * interval.length_us), interval.length_us
            )
        return interval.last_starts(first_us, end_us, 1 << 20)

    def _has_hole(self, start_us: int, end_us: int) -> bool:
        return self._holes.first_after(start_us, min(end_us, self._snapshot.clock_us + 1)) < end_us
