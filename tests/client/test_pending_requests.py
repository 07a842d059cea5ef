"""Requests get their own reply, over all connections; who waits for one is always told something."""

from __future__ import annotations

import asyncio

import pytest

from floorwire.client.errors import ClientClosedError, ClientError, RequestRefusedError
from floorwire.client.pending_requests import BACKLOG_AT_A_TIME, MAX_PENDING, PendingRequests, Reply
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.replies import Error, Pong
from floorwire.protocol.requests import Ping
from tests.client.memory_transport import settled


class Way:
    """A connection: what was sent on it, and what its callers were told."""

    def __init__(self) -> None:
        self.sent: list[int | str | object] = []
        self.told: list[Reply | ClientError | str] = []
        self.requests = PendingRequests(self.send, lambda: 5.0)

    def send(self, request: AnyRequest) -> None:
        self.sent.append(request.id)

    def ask(self) -> None:
        self.requests.ask(Ping(), self.told.append, self.told.append, lambda: self.told.append("cut"))

    def open(self) -> None:
        self.requests.opened(lambda: None)


def pong(number: int) -> Pong:
    return Pong(id=number, ts=number)


def test_each_reply_goes_to_who_asked() -> None:
    way = Way()
    way.open()
    way.ask()
    way.ask()
    assert way.sent == [1, 2]
    assert way.requests.oldest_s() == 5.0
    way.requests.answered(2, pong(2))
    way.requests.answered(1, pong(1))
    way.requests.answered(1, pong(1))
    way.requests.answered(77, pong(77))
    assert way.told == [pong(2), pong(1)]
    assert way.requests.oldest_s() is None


def test_what_has_no_reply_is_sent_once_more_with_its_number_after_what_begins_a_connection() -> None:
    way = Way()
    way.ask()
    assert way.sent == []
    way.open()
    way.requests.cut()
    assert way.told == ["cut"]
    assert way.requests.oldest_s() is None
    way.requests.opened(lambda: way.requests.tell(Ping()))
    assert way.sent == [1, 2, 1]
    way.requests.answered(1, pong(1))
    assert way.told == ["cut", pong(1)]


def test_what_nobody_waits_for_is_not_sent_again() -> None:
    way = Way()
    way.open()
    way.requests.tell(Ping())
    way.requests.cut()
    way.open()
    assert way.sent == [1]


def test_after_a_cut_they_are_sent_some_at_a_time_and_in_order() -> None:
    way = Way()
    for _ in range(BACKLOG_AT_A_TIME + 2):
        way.ask()
    way.open()
    assert way.sent == list(range(1, BACKLOG_AT_A_TIME + 1))
    way.ask()
    way.requests.answered(3, pong(3))
    way.requests.answered(1, pong(1))
    way.requests.answered(2, pong(2))
    assert way.sent[BACKLOG_AT_A_TIME:] == [
        BACKLOG_AT_A_TIME + 1,
        BACKLOG_AT_A_TIME + 2,
        BACKLOG_AT_A_TIME + 3,
    ]


def test_too_many_are_refused() -> None:
    way = Way()
    for _ in range(MAX_PENDING + 1):
        way.ask()
    (error,) = way.told
    assert isinstance(error, ClientError)
    way.requests.tell(Ping())
    assert len(way.told) == 1


def test_at_the_end_everybody_is_told_and_nothing_is_sent_any_more() -> None:
    way, error = Way(), ClientClosedError("closed")
    way.open()
    way.ask()
    way.requests.end(error)
    way.ask()
    assert way.told == [error, error]
    assert way.sent == [1]


async def test_a_refusal_is_raised_where_the_reply_is_awaited() -> None:
    way = Way()
    way.open()
    refusal = Error(id=1, code="bad_request", message="no", retry=False)
    waiting = asyncio.create_task(way.requests.reply(Ping()))
    await settled()
    way.requests.answered(1, refusal)
    with pytest.raises(RequestRefusedError, match="no"):
        await waiting
    asked = asyncio.create_task(way.requests.reply(Ping()))
    await settled()
    way.requests.answered(2, pong(2))
    assert await asked == pong(2)
