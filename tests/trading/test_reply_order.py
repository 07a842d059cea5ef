"""Lines: answers of one client wait for a slow one, nobody else's do."""

from __future__ import annotations

import pytest

from floorwire.core.authorization import GUEST
from floorwire.protocol.answers import Done
from floorwire.protocol.codec import JSON
from floorwire.protocol.desk_ports import Reply
from floorwire.trading import reply_order
from floorwire.trading.reply_order import ReplyOrder


class Listener:
    """A client that keeps what it hears."""

    codec = JSON
    principal = GUEST

    def __init__(self) -> None:
        self.heard: list[Reply] = []
        self.told: list[bytes] = []
        self.flushed = self.shuts = 0

    def answer(self, reply: Reply) -> None:
        self.heard.append(reply)

    def tell(self, frames: bytes) -> None:
        self.told.append(frames)

    def has_room(self, size: int) -> bool:
        return size < 5

    def flush(self) -> None:
        self.flushed += 1

    def shut(self) -> None:
        self.shuts += 1


def done(number: int) -> Reply:
    return Done(id=number)


def test_who_waits_for_nothing_is_answered_directly() -> None:
    order, client, other = ReplyOrder(), Listener(), Listener()
    assert order.target(client) is client
    order.reserve(other)
    assert order.target(client) is client


def test_later_answers_wait_whatever_the_order_in_which_they_are_given() -> None:
    order, client = ReplyOrder(), Listener()
    first = order.reserve(client)
    second, third, fourth = order.target(client), order.reserve(client), order.target(client)
    second.answer(done(2))
    fourth.answer(done(4))
    assert client.heard == []
    first.answer(done(1))
    assert client.heard == [done(1), done(2)]
    fifth = order.target(client)
    third.answer(done(3))
    assert client.heard == [done(number) for number in (1, 2, 3, 4)]
    fifth.answer(done(5))
    assert client.heard[-1] == done(5)
    assert order.target(client) is client


def test_a_place_is_its_client_in_all_but_the_answer() -> None:
    client = Listener()
    slot = ReplyOrder().reserve(client)
    assert (slot.codec, slot.principal) == (client.codec, client.principal)
    assert (slot.has_room(4), slot.has_room(5)) == (True, False)
    slot.tell(b"event")
    slot.flush()
    assert (client.told, client.flushed, client.shuts) == ([b"event"], 1, 0)
    slot.shut()
    assert client.shuts == 1


def test_who_lets_too_many_wait_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_order, "MAX_QUEUED_REPLIES", 3)
    order, client = ReplyOrder(), Listener()
    order.reserve(client)
    for _ in range(2):
        order.target(client)
    assert client.shuts == 0
    order.target(client)
    assert client.shuts == 1
