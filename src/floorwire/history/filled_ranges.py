"""Times in holes that candles of the venue fill, of one symbol: by level, since each has its own candles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from msgspec.structs import replace

from floorwire.core.market_history import MOST_US, Hole

Range: TypeAlias = tuple[int, int]
"""From a time up to before another one."""


class FilledRanges:
    """Holds them all, and those that are not stored yet. Ranges that touch each other are one."""

    def __init__(self, stored: Iterable[tuple[int, int, int]]) -> None:
        """``stored``: level, start and end of each."""
        self._by_level: dict[int, tuple[Range, ...]] = {}
        for level, from_us, to_us in stored:
            self._by_level[level] = (*self._by_level.get(level, ()), (from_us, to_us))
        self.unsaved: dict[tuple[int, int], int] = {}
        """By level and start: the end of those that are not stored."""
        self.removed: dict[tuple[int, int], None] = {}
        """Level and start of those that are stored and are part of another one now."""

    def of(self, level: int) -> Sequence[Range]:
        """Return those of a level, the earliest first."""
        return self._by_level.get(level, ())

    def has(self, level: int, ts_us: int) -> bool:
        """Return whether a time is in one of a level."""
        ranges = self.of(level)
        index = bisect_right(ranges, ts_us, key=_end)
        return index < len(ranges) and ranges[index][0] <= ts_us

    def by_level(self) -> Mapping[int, Sequence[Range]]:
        """Return all, as they are now."""
        return self._by_level.copy()

    def add(self, level: int, from_us: int, to_us: int) -> None:
        """Add a range. An empty one changes nothing."""
        if from_us >= to_us:
            return
        before: list[Range] = []
        after: list[Range] = []
        for one in self.of(level):
            if one[1] < from_us:
                before.append(one)
            elif one[0] > to_us:
                after.append(one)
            else:
                from_us, to_us = min(from_us, one[0]), max(to_us, one[1])
                self.unsaved.pop((level, one[0]), None)
                self.removed[level, one[0]] = None
        self._by_level[level] = (*before, (from_us, to_us), *after)
        self.unsaved[level, from_us] = to_us
        self.removed.pop((level, from_us), None)

    def saved(self) -> None:
        """Forget what is stored now."""
        self.unsaved.clear()
        self.removed.clear()


def unfilled(holes: Iterable[Hole], ranges: Sequence[Range]) -> Iterator[Hole]:
    """Yield what ranges leave of holes. Both are in order, and so is the result."""
    for hole in holes:
        from_us, end_us = hole.from_us, MOST_US if hole.to_us is None else hole.to_us
        for first_us, last_us in islice(ranges, bisect_right(ranges, from_us, key=_end), None):
            if first_us >= end_us:
                break
            if first_us > from_us:
                yield Hole(from_us, first_us, hole.reason)
            from_us = last_us
        if from_us < end_us:
            yield replace(hole, from_us=from_us)


def _end(one: Range) -> int:
    return one[1]
