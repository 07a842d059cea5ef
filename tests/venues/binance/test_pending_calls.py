"""Requests on their way: each ends once, by an answer, a lost link or the time."""

from __future__ import annotations

from floorwire.venues.common.pending_requests import NEVER_US, PendingRequests


def test_an_answer_ends_a_request_once() -> None:
    pending: PendingRequests[str] = PendingRequests()
    first = pending.add("a", "link", 0, 10)
    second = pending.add("b", "link", 0, 10)
    assert first != second
    assert pending.answered(first) == "a"
    assert pending.answered(first) is None
    assert pending.answered(99) is None
    assert len(pending) == 1
    assert pending.count(lambda request: request == "b") == 1


def test_time_ends_a_request_once() -> None:
    pending: PendingRequests[str] = PendingRequests()
    number = pending.add("a", "link", 0, 10)
    assert pending.due_us() == 10
    assert pending.expired(9) == []
    assert pending.expired(10) == ["a"]
    assert pending.expired(20) == []
    assert pending.answered(number) is None
    assert pending.due_us() == NEVER_US


def test_a_late_answer_is_taken_where_that_was_requested() -> None:
    pending: PendingRequests[str] = PendingRequests()
    number = pending.add("a", "link", 0, 10, 5)
    assert not pending.is_late(number)
    assert pending.is_waiting("link")
    assert pending.expired(10) == ["a"]
    assert pending.expired(11) == []
    assert pending.is_late(number)
    assert not pending.is_waiting("link")
    assert pending.answered(number) == "a"
    again = pending.add("b", "link", 0, 10, 5)
    assert pending.expired(10) == ["b"]
    assert pending.expired(15) == []
    assert pending.answered(again) is None


def test_a_lost_link_ends_its_requests_only() -> None:
    pending: PendingRequests[str] = PendingRequests()
    pending.add("a", "link", 0, 10)
    pending.add("told already", "link", 0, 5, 100)
    other = pending.add("c", "other", 0, 10)
    assert pending.expired(5) == ["told already"]
    assert pending.lost("link") == ["a"]
    assert pending.lost("link") == []
    assert pending.answered(other) == "c"
