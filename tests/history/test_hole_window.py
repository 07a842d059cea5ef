"""Holes that are read as a page needs them are those that are found among all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.market_history import MOST_US, Extent, Hole
from floorwire.core.microseconds import SECOND_US
from floorwire.history import history_file, hole_pages
from floorwire.history.candle_levels import BASES
from floorwire.history.filled_ranges import FilledRanges, Range, unfilled
from floorwire.history.hole_window import CANDLES, HoleWindow
from floorwire.history.memory_snapshot import Snapshot

LEVEL = BASES["1m"]
MINUTE_US = 60 * SECOND_US
FAR = 5 * CANDLES
"""Minutes: several windows."""
minutes = st.integers(0, FAR)
ranges = st.lists(st.tuples(minutes, st.integers(1, 40)), max_size=60)


def joined(lengths: Sequence[Range]) -> Sequence[Range]:
    """Ranges in microseconds that do not touch each other, of starts and lengths in minutes."""
    made = FilledRanges(())
    for start, length in lengths:
        made.add(LEVEL, start * MINUTE_US, (start + length) * MINUTE_US)
    return made.of(LEVEL)


def snapshot(unsaved: Sequence[Hole], filled: Sequence[Range]) -> Snapshot:
    holes = {hole.from_us: hole for hole in unsaved}
    return Snapshot(
        1, FAR * MINUTE_US, Extent(0, 0), 0, (), {}, {"trades": {}, "candles": holes}, (), {LEVEL: filled}
    )


def stored(holes: Sequence[Hole]) -> sqlite3.Connection:
    connection = history_file.open_to_write(None)
    for hole in holes:
        history_file.put_hole(connection, 1, "candles", hole)
    return connection


@given(
    made=ranges,
    filled=ranges,
    in_memory=st.sets(st.integers(0, 60)),
    lasts=st.booleans(),
    asked=st.lists(st.tuples(minutes, st.integers(1, FAR), st.integers(0, MINUTE_US)), max_size=40),
    order=st.sampled_from(["up", "down", "any"]),
)
def test_the_first_hole_after_a_time_is_that_among_all(
    made: Sequence[Range],
    filled: Sequence[Range],
    in_memory: set[int],
    lasts: bool,
    asked: list[tuple[int, int, int]],
    order: str,
) -> None:
    holes = [Hole(from_us, to_us, "silent") for from_us, to_us in joined(made)]
    if lasts:
        holes.append(Hole((FAR + 100) * MINUTE_US, None, "link_lost"))
    connection = stored([hole for index, hole in enumerate(holes) if index not in in_memory])
    unsaved = [hole for index, hole in enumerate(holes) if index in in_memory]
    known = snapshot(unsaved, joined(filled))
    left = list(unfilled(holes, joined(filled)))
    window = HoleWindow(connection, known, INTERVALS["1m"])
    if order != "any":
        asked.sort(reverse=order == "down")
    for minute, length, offset_us in asked:
        ts_us = minute * MINUTE_US + offset_us
        until_us = ts_us + length * MINUTE_US
        reaching = (hole.from_us for hole in left if hole.to_us is None or hole.to_us > ts_us)
        first_us = next(reaching, MOST_US)
        found_us = window.first_after(ts_us, until_us)
        if first_us <= ts_us:
            assert found_us <= ts_us
        else:
            assert found_us == (first_us if first_us < until_us else MOST_US)


@given(made=ranges, filled=ranges, in_memory=st.sets(st.integers(0, 60)), time=st.tuples(minutes, minutes))
def test_a_page_has_the_holes_of_its_time(
    made: Sequence[Range], filled: Sequence[Range], in_memory: set[int], time: Range
) -> None:
    holes = [Hole(from_us, to_us, "silent") for from_us, to_us in joined(made)]
    connection = stored([hole for index, hole in enumerate(holes) if index not in in_memory])
    known = snapshot([hole for index, hole in enumerate(holes) if index in in_memory], joined(filled))
    from_us, to_us = sorted(minute * MINUTE_US for minute in time)
    found = list(hole_pages.read(connection, known, "1m", from_us, to_us))
    left = unfilled(holes, joined(filled))
    assert found == [hole for hole in left if hole.from_us < to_us and (hole.to_us or MOST_US) > from_us]


def test_only_holes_of_its_time_are_read() -> None:
    holes = [Hole(n * 10 * MINUTE_US, (n * 10 + 1) * MINUTE_US, "silent") for n in range(20_000)]
    connection = history_file.open_to_write(None)
    connection.executemany(
        "INSERT INTO holes VALUES (1, 'candles', ?, ?, ?)",
        [(hole.from_us, hole.to_us, hole.reason) for hole in holes],
    )
    window = HoleWindow(connection, snapshot((), ()), INTERVALS["1m"])
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(count, 1)
    for minute in range(150_000, 149_000, -1):
        ts_us = minute * MINUTE_US
        assert (window.first_after(ts_us, ts_us + MINUTE_US) != MOST_US) == (minute % 10 == 0)
    assert steps < 20_000  # all would be several times as many
