"""Requests that wait: urgent ones first, in order, and not more than fit."""

from __future__ import annotations

from floorwire.venues.common.waiting_requests import MOST_WAITING, WaitingRequests


def test_urgent_requests_go_first_and_keep_their_order() -> None:
    waiting: WaitingRequests[str] = WaitingRequests()
    for name, is_urgent in (("a", False), ("b", True), ("c", True)):
        assert waiting.add(name, 0, is_urgent=is_urgent)
    taken = [waiting.take(0, lambda _: True) for _ in range(4)]
    assert taken == ["b", "c", "a", None]


def test_a_request_waits_for_its_time_and_for_the_budget() -> None:
    waiting: WaitingRequests[str] = WaitingRequests()
    waiting.add("urgent", 10, is_urgent=True)
    waiting.add("other", 0, is_urgent=False)
    assert waiting.take(5, lambda _: False) is None
    assert waiting.take(5, lambda _: True) == "other"
    assert waiting.take(10, lambda request: request != "urgent") is None
    assert waiting.take(10, lambda _: True) == "urgent"


def test_a_full_queue_refuses_one_more() -> None:
    waiting: WaitingRequests[int] = WaitingRequests()
    assert all(waiting.add(number, 0, is_urgent=False) for number in range(MOST_WAITING))
    assert not waiting.add(-1, 0, is_urgent=False)
    assert waiting.add(-1, 0, is_urgent=True)
    assert len(waiting) == MOST_WAITING + 1
