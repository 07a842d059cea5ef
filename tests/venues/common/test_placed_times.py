from __future__ import annotations

from floorwire.venues.common.placed_times import MOST_ORDERS, PlacedTimes


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
