"""A stream that tells nothing of accepted orders is noticed; a quiet one is not."""

from __future__ import annotations

from floorwire.venues.common.private_stream_watch import MOST_KEPT, PrivateStreamWatch


def test_a_stream_that_tells_of_the_order_is_fine_before_or_after_the_answer() -> None:
    watch = PrivateStreamWatch(10)
    watch.accepted(1, 0)
    assert not watch.is_overdue(9)
    watch.told(1)
    watch.told(2)
    watch.accepted(2, 5)
    assert not watch.is_overdue(1_000)


def test_a_stream_that_does_not_is_overdue_until_a_new_one_comes() -> None:
    watch = PrivateStreamWatch(10)
    watch.accepted(1, 0)
    watch.accepted(1, 8)
    assert watch.is_overdue(10)
    watch.clear()
    assert not watch.is_overdue(10)


def test_what_is_kept_is_bounded() -> None:
    watch = PrivateStreamWatch(10)
    for order in range(2 * MOST_KEPT):
        watch.told(order)
    watch.accepted(0, 0)
    assert watch.is_overdue(10)
    watch.clear()
    for order in range(-2 * MOST_KEPT, 0):
        watch.accepted(order, 0)
    for order in range(-2 * MOST_KEPT, 0):
        watch.told(order)
    assert not watch.is_overdue(10)
