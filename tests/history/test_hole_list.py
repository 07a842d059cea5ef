"""Holes: one open at most, and none overlaps another."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.market_history import Hole
from floorwire.history import history_file
from floorwire.history.hole_list import HoleList, read


def test_a_hole_opens_once_and_ends() -> None:
    holes = HoleList(None)
    holes.open(10, "silent")
    holes.open(12, "link_lost")
    assert holes.is_open
    holes.close(20)
    holes.close(25)
    assert holes.unsaved == {10: Hole(10, 20, "silent")}


def test_holes_that_touch_are_one() -> None:
    holes = HoleList(Hole(10, 20, "silent"))
    holes.open(20, "restart")
    holes.close(30)
    holes.add(25, 31, "missing_trade")
    assert holes.unsaved == {10: Hole(10, 31, "silent")}


def test_one_that_comes_late_ends_before_the_latest() -> None:
    holes = HoleList(Hole(10, 20, "silent"))
    holes.add(8, 15, "missing_trade")
    assert holes.latest == Hole(10, 20, "silent")
    assert holes.unsaved == {8: Hole(8, 10, "missing_trade")}


def test_one_that_comes_late_does_not_shorten_one_that_starts_with_it() -> None:
    connection = history_file.open_to_write(None)
    history_file.put_hole(connection, 1, "trades", Hole(10, 30, "link_lost"))
    holes = HoleList(Hole(50, 60, "silent"))
    holes.add(10, 12, "missing_trade")
    assert list(read(connection, 1, "trades", holes.unsaved, 0, 100)) == [Hole(10, 30, "link_lost")]
    history_file.put_hole(connection, 1, "trades", holes.unsaved[10])
    assert list(read(connection, 1, "trades", {}, 0, 100)) == [Hole(10, 30, "link_lost")]
    assert list(read(connection, 1, "trades", {}, 30, 100)) == []

    holes.add(10, 40, "missing_trade")
    holes.add(10, 11, "missing_trade")
    assert holes.unsaved == {10: Hole(10, 40, "missing_trade")}


@given(st.lists(st.tuples(st.sampled_from(["open", "close", "add"]), st.integers(0, 5), st.integers(1, 5))))
def test_the_latest_holes_do_not_overlap(steps: list[tuple[str, int, int]]) -> None:
    holes, now = HoleList(None), 100
    for step, passed, length in steps:
        now += passed
        if step == "open":
            holes.open(now, "silent")
        elif step == "close":
            holes.close(now)
        else:
            holes.add(now, now + length, "missing_trade")
        found = sorted(holes.unsaved.values(), key=lambda hole: hole.from_us)
        for one, later in pairwise(found):
            assert one.to_us is not None
            assert one.to_us < later.from_us
