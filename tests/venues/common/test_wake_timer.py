from __future__ import annotations

from floorwire.core.ports import Wake
from floorwire.venues.common.wake_timer import WakeTimer


def test_a_wake_is_asked_for_once_until_it_comes_or_changes() -> None:
    timer = WakeTimer()
    assert list(timer.at(5)) == [Wake(5)]
    assert list(timer.at(5)) == []
    assert list(timer.at(4)) == [Wake(4)]
    timer.woke()
    assert list(timer.at(4)) == [Wake(4)]
