"""Ranges that fill holes: joined where they touch, and stored as they are in memory."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.market_history import Hole
from floorwire.history.filled_ranges import FilledRanges, Range, unfilled

ranges = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


@given(ranges)
def test_ranges_are_joined_and_in_order(added: Sequence[Range]) -> None:
    filled = FilledRanges(())
    for from_us, to_us in added:
        filled.add(1, from_us, to_us)
    times = {time for from_us, to_us in added for time in range(from_us, to_us)}
    assert {time for time in range(41) if filled.has(1, time)} == times
    flat = [edge for one in filled.of(1) for edge in one]
    assert flat == sorted(set(flat))
    assert not filled.of(2)


@given(st.lists(ranges, max_size=4))
def test_what_is_stored_is_what_is_in_memory(batches: Sequence[Sequence[Range]]) -> None:
    filled, stored = FilledRanges(()), dict[tuple[int, int], int]()
    for batch in batches:
        for from_us, to_us in batch:
            filled.add(1, from_us, to_us)
        for key in filled.removed:
            stored.pop(key, None)
        stored |= filled.unsaved
        filled.saved()
        read = FilledRanges((level, from_us, to_us) for (level, from_us), to_us in sorted(stored.items()))
        assert read.of(1) == filled.of(1)


def test_a_copy_does_not_change() -> None:
    filled = FilledRanges([(1, 5, 9)])
    copy = filled.by_level()
    filled.add(1, 9, 12)
    assert copy == {1: ((5, 9),)}


@given(ranges, ranges)
def test_what_is_left_of_holes(made: Sequence[Range], added: Sequence[Range]) -> None:
    holes_of, filled = FilledRanges(()), FilledRanges(())
    for one, all_of in ((holes_of, made), (filled, added)):
        for from_us, to_us in all_of:
            one.add(1, from_us, to_us)
    holes = [Hole(from_us, to_us, "silent") for from_us, to_us in holes_of.of(1)]
    left = list(unfilled(holes, filled.of(1)))
    times = {time for hole in left for time in range(hole.from_us, hole.to_us or 0)}
    assert times == {time for time in range(41) if holes_of.has(1, time) and not filled.has(1, time)}


def test_a_hole_that_lasts_lasts() -> None:
    assert list(unfilled([Hole(0, None, "start")], [(2, 5)])) == [Hole(0, 2, "start"), Hole(5, None, "start")]
