"""Replies of one client wait for a slow one; replies of other clients do not."""

from __future__ import annotations

import pytest

from floorwire.core.authorization import ANONYMOUS_MARKET
from floorwire.protocol.codec import JSON
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.replies import Done
from floorwire.trading import reply_order
from floorwire.trading.reply_order import ReplyOrder


class RecordingClient:
    """A client that records what it gets."""

    codec = JSON
    principal = ANONYMOUS_MARKET

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.events: list[bytes] = []
        self.flushed = self.closed_as_slow = 0

    def answer(self, reply: Reply) -> None:
        self.replies.append(reply)

    def queue_events(self, frames: bytes) -> None:
        self.events.append(frames)

    def has_room(self, size: int) -> bool:
        return size < 5

    def flush(self) -> None:
        self.flushed += 1

    def close_slow(self) -> None:
        self.closed_as_slow += 1


def done(number: int) -> Reply:
    return Done(id=number)


def test_a_client_without_a_slow_reply_is_answered_directly() -> None:
    order, client, other = ReplyOrder(), RecordingClient(), RecordingClient()
    assert order.target(client) is client
    order.reserve(other)
    assert order.target(client) is client


def test_later_replies_wait_in_whatever_order_they_are_ready() -> None:
    order, client = ReplyOrder(), RecordingClient()
    first = order.reserve(client)
    second, third, fourth = order.target(client), order.reserve(client), order.target(client)
    second.answer(done(2))
    fourth.answer(done(4))
    assert client.replies == []
    first.answer(done(1))
    assert client.replies == [done(1), done(2)]
    fifth = order.target(client)
    third.answer(done(3))
    assert client.replies == [done(number) for number in (1, 2, 3, 4)]
    fifth.answer(done(5))
    assert client.replies[-1] == done(5)
    assert order.target(client) is client


def test_a_slot_acts_as_its_client_except_for_the_reply() -> None:
    client = RecordingClient()
    slot = ReplyOrder().reserve(client)
    assert (slot.codec, slot.principal) == (client.codec, client.principal)
    assert (slot.has_room(4), slot.has_room(5)) == (True, False)
    slot.queue_events(b"event")
    slot.flush()
    assert (client.events, client.flushed, client.closed_as_slow) == ([b"event"], 1, 0)
    slot.close_slow()
    assert client.closed_as_slow == 1


def test_a_client_with_too_many_waiting_replies_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_order, "MAX_QUEUED_REPLIES", 3)
    order, client = ReplyOrder(), RecordingClient()
    order.reserve(client)
    for _ in range(2):
        order.target(client)
    assert client.closed_as_slow == 0
    order.target(client)
    assert client.closed_as_slow == 1
