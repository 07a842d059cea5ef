"""When a file is tried again: later each time, and soon again where it worked for long."""

from __future__ import annotations

from floorwire.history.retries import Retries


def test_it_is_tried_later_each_time_up_to_a_minute() -> None:
    retries, now_s, waits = Retries(), 1_000.0, []
    for _ in range(8):
        retries.failed(now_s)
        wait_s = next(wait_s for wait_s in range(1, 100) if retries.is_due(now_s + wait_s))
        assert not retries.is_due(now_s + wait_s - 0.5)
        waits.append(wait_s)
        now_s += wait_s
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_file_that_worked_for_a_minute_is_tried_soon() -> None:
    retries = Retries()
    for now_s in (0.0, 1.0, 3.0):  # due at 7
        retries.failed(now_s)
    retries.failed(66.9)
    assert not retries.is_due(70.0)
    retries.failed(74.9 + 60)
    assert retries.is_due(75.9 + 60)
