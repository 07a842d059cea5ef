from __future__ import annotations

from floorwire.venues.common.pending_requests import NEVER_US, PendingRequests


def test_answer_finds_its_request_once() -> None:
    pending: PendingRequests[str] = PendingRequests(2, 10)
    first, second = pending.add("a", 0), pending.add("b", 0)
    assert [pending.is_full] == [True]
    assert pending.get(second) == "b"
    assert pending.take(second) == "b"
    assert pending.take(second) is None
    assert [pending.is_full] == [False]
    assert list(pending) == [(first, "a")]


def test_numbers_are_not_used_again() -> None:
    pending: PendingRequests[str] = PendingRequests(9, 10)
    first = pending.add("a", 0)
    pending.take(first)
    assert pending.add("b", 0) != first


def test_overdue_requests_are_forgotten() -> None:
    pending: PendingRequests[str] = PendingRequests(9, 10)
    assert pending.due_us() == NEVER_US
    pending.add("a", 0), pending.add("b", 5)
    assert pending.due_us() == 10
    assert list(pending.take_overdue(9)) == []
    assert list(pending.take_overdue(14)) == ["a"]
    assert pending.take_all() == ["b"]
    assert len(pending) == 0
