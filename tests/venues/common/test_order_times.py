from __future__ import annotations

from floorwire.core.ports import Wake
from floorwire.venues.common.order_times import MOST_ORDERS, PlacedTimes, WakeTimer


def test_a_wake_is_asked_for_once_until_it_comes_or_changes() -> None:
    timer = WakeTimer()
    assert list(timer.at(5)) == [Wake(5)]
    assert list(timer.at(5)) == []
    assert list(timer.at(4)) == [Wake(4)]
    timer.woke()
    assert list(timer.at(4)) == [Wake(4)]


def test_times_are_known_until_the_order_is_over() -> None:
    times = PlacedTimes()
    assert times.get("a") is None
    times.placed("a", 5)
    assert times.get("a") == 5
    times.ended("a")
    times.ended("b")
    assert [times.get("a")] == [None]


def test_the_oldest_is_forgotten() -> None:
    times = PlacedTimes()
    for number in range(MOST_ORDERS + 1):
        times.placed(str(number), 5)
    assert (times.get("0"), times.get("1")) == (None, 5)
