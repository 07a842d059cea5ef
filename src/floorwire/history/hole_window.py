"""The holes about the times that a page of candles comes to, read as they are needed.

A symbol may have thousands of holes. A page reads those of its own time: up to 256 candles at once, since
each read costs as much as some holes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from floorwire.core.candle_intervals import CandleInterval
from floorwire.core.market_history import MOST_US
from floorwire.core.microseconds import DAY_US
from floorwire.history import hole_pages
from floorwire.history.filled_ranges import Range
from floorwire.history.history_file import Connection
from floorwire.history.memory_snapshot import Snapshot

CANDLES: Final = 256
MONTH_US: Final = 30 * DAY_US


class HoleWindow:
    """The holes in the candles of one interval, in a time that grows."""

    def __init__(self, connection: Connection, snapshot: Snapshot, interval: CandleInterval) -> None:
        self._connection = connection
        self._snapshot = snapshot
        self._interval = interval.name
        self._span_us = CANDLES * (interval.length_us or MONTH_US)
        self._from_us = self._to_us = 0
        """The time of which the holes are known."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        """Of the holes in that time, in order. One that reaches beyond it is cut there."""

    def first_after(self, ts_us: int, until_us: int) -> int:
        """Return the start of the first hole that reaches beyond a time and begins before another one.

        One that has begun before ``ts_us`` may be told to begin later, up to then. ``MOST_US``: none does.
        """
        self._include(ts_us, min(until_us, ts_us + self._span_us))
        index = bisect_right(self._ends, ts_us)
        if index < len(self._starts):
            return self._starts[index] if self._starts[index] < until_us else MOST_US
        if until_us <= self._to_us:
            return MOST_US
        hole = next(self._read(self._to_us, until_us), None)
        return MOST_US if hole is None else hole[0]

    def _include(self, from_us: int, to_us: int) -> None:
        """Let the time of which the holes are known have this one."""
        to_us = max(to_us, from_us + 1)
        if to_us < self._from_us or from_us > self._to_us or self._from_us == self._to_us:
            self._from_us, self._to_us = from_us - self._span_us, to_us + self._span_us
            holes = list(self._read(self._from_us, self._to_us))
            self._starts, self._ends = [hole[0] for hole in holes], [hole[1] for hole in holes]
            return
        if from_us < self._from_us:
            before_us, self._from_us = self._from_us, from_us - self._span_us
            holes = list(self._read(self._from_us, before_us))
            self._starts[:0] = [hole[0] for hole in holes]
            self._ends[:0] = [hole[1] for hole in holes]
        if to_us > self._to_us:
            after_us, self._to_us = self._to_us, to_us + self._span_us
            holes = list(self._read(after_us, self._to_us))
            self._starts += [hole[0] for hole in holes]
            self._ends += [hole[1] for hole in holes]

    def _read(self, from_us: int, to_us: int) -> Iterator[Range]:
        """Yield the parts of holes in this time, in order."""
        for hole in hole_pages.read(self._connection, self._snapshot, self._interval, from_us, to_us):
            end_us = to_us if hole.to_us is None else min(hole.to_us, to_us)
            yield max(hole.from_us, from_us), end_us
