"""Requests on their way: each ends once, by an answer, a lost link or the time."""

from __future__ import annotations

from floorwire.venues.binance.order_requests import Call, cancel, look, server_time
from floorwire.venues.binance.pending_calls import PendingCalls
from tests.venues import order_driver


def call(name: str) -> Call:
    return server_time(name, 0)


A, B, C, TOLD = map(call, ("a", "b", "c", "told already"))


def test_an_answer_ends_a_request_once() -> None:
    pending = PendingCalls()
    first = pending.add(A, "link", 0, 10)
    second = pending.add(B, "link", 0, 10)
    assert first != second
    assert pending.answered(first) == A
    assert pending.answered(first) is None
    assert pending.answered(99) is None
    assert len(pending) == 1


def test_time_ends_a_request_once() -> None:
    pending = PendingCalls()
    number = pending.add(A, "link", 0, 10)
    assert pending.expired(9) == []
    assert pending.expired(10) == [A]
    assert pending.expired(20) == []
    assert pending.answered(number) is None


def test_a_late_answer_is_taken_where_that_was_requested() -> None:
    pending = PendingCalls()
    number = pending.add(A, "link", 0, 10, 5)
    assert not pending.is_late(number)
    assert pending.is_waiting("link")
    assert pending.expired(10) == [A]
    assert pending.expired(11) == []
    assert pending.is_late(number)
    assert not pending.is_waiting("link")
    assert pending.answered(number) == A
    again = pending.add(B, "link", 0, 10, 5)
    assert pending.expired(10) == [B]
    assert pending.expired(15) == []
    assert pending.answered(again) is None


def test_a_lost_link_ends_its_requests_only() -> None:
    pending = PendingCalls()
    pending.add(A, "link", 0, 10)
    pending.add(TOLD, "link", 0, 5, 100)
    other = pending.add(C, "other", 0, 10)
    assert pending.expired(5) == [TOLD]
    assert pending.lost("link") == [A]
    assert pending.lost("link") == []
    assert pending.answered(other) == C


def test_cancels_and_clocks_are_no_reads() -> None:
    pending = PendingCalls()
    pending.add(A, "link", 0, 10)
    pending.add(cancel(order_driver.cancel(), "BTCUSDT"), "link", 0, 10)
    assert pending.reads() == 0
    pending.add(look(order_driver.query(), "BTCUSDT"), "link", 0, 10)
    assert (pending.reads(), len(pending)) == (1, 3)
