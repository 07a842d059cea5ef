"""Writing straight to many sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from floorwire.hub.peer import Subscriber
from floorwire.hub.straight import Straight, send, write_queued
from floorwire.hub.topic import Topic
from floorwire.protocol.codec import JSON, Codec
from floorwire.protocol.outbox import Outbox

FULL = b"x" * 1_000_000


class Plug:
    """A subscriber that only notes what is left to it."""

    def __init__(self, ours: socket.socket | None) -> None:
        self.codec: Codec = JSON
        self.outbox: Outbox[Topic] = Outbox(1_000)
        self.fd = -1 if ours is None else ours.fileno()
        self.pushed: list[bytes] = []
        self.flushed = 0

    def flush(self) -> None:
        self.flushed += 1

    def push(self, data: bytes) -> None:
        self.pushed.append(data)

    def close(self, code: object, reason: str) -> None:
        raise AssertionError


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Return connected sockets, ours first; ours never wait."""
    made = [socket.socketpair() for _ in range(6)]
    for ours, _ in made:
        ours.setblocking(False)
    yield made
    for pair in made:
        for end in pair:
            end.close()


def fill(ours: socket.socket) -> None:
    with suppress(BlockingIOError):
        while True:
            os.write(ours.fileno(), FULL)


def test_all_get_the_same_chunk(pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    assert send([ours.fileno() for ours, _ in pairs], None, b"tick") == [4] * 6
    assert [theirs.recv(100) for _, theirs in pairs] == [b"tick"] * 6


def test_who_is_full_or_gone_keeps_nobody_from_theirs(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    fill(pairs[0][0])
    fill(pairs[3][0])
    pairs[5][1].close()
    chunks = [f"chunk {place}".encode() for place in range(6)]
    assert send([ours.fileno() for ours, _ in pairs], chunks) == [0, 7, 7, 0, 7, 0]
    assert [pairs[place][1].recv(100) for place in (1, 2, 4)] == [b"chunk 1", b"chunk 2", b"chunk 4"]


def test_nobody_gets_nothing() -> None:
    assert send([], None, b"tick") == []


def test_a_straight_way_tells_who_did_not_take_it_whole(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    straight = Straight()
    plugs: list[Subscriber] = [Plug(ours) for ours, _ in pairs]
    for plug in plugs:
        straight.add(plug.fd, plug)
    straight.discard(plugs[1].fd)
    assert straight.write(b"tick") == []
    fill(pairs[2][0])
    assert straight.write(b"tock") == [(plugs[2], b"tock")]
    (partly, rest), *others = [told for told in straight.write(FULL) if told[0] is not plugs[2]]
    assert len(others) == 3
    assert 0 < len(rest) < len(FULL)
    assert partly in plugs
    assert len(straight) == 5
    pairs[1][1].setblocking(False)
    with pytest.raises(BlockingIOError):
        pairs[1][1].recv(1)


def test_queued_chunks_leave_in_one_write_each_and_the_rest_is_left_to_its_owner(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    fill(pairs[1][0])
    plugs = [Plug(ours) for ours, _ in pairs[:2]] + [Plug(None)]
    for plug in plugs:
        plug.outbox.queue += [b"one", b"two"]
    write_queued(plugs)
    assert pairs[0][1].recv(100) == b"onetwo"
    assert [plug.pushed for plug in plugs] == [[], [b"onetwo"], []]
    assert [plug.outbox.queue for plug in plugs] == [[], [], [b"one", b"two"]]
    assert plugs[2].flushed == 1
