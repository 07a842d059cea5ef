"""Writing straight to many sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeAlias

import pytest

from floorwire.hub.straight import Turn, send_each, send_same

FULL = b"x" * 1_000_000

Pairs: TypeAlias = "list[tuple[socket.socket, socket.socket]]"


@pytest.fixture
def pairs() -> Iterator[Pairs]:
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


def test_all_get_the_same_chunk(pairs: Pairs) -> None:
    assert send_same([ours.fileno() for ours, _ in pairs], b"tick") == []
    assert [theirs.recv(100) for _, theirs in pairs] == [b"tick"] * 6


def test_who_is_full_or_gone_keeps_nobody_from_theirs(pairs: Pairs) -> None:
    fill(pairs[0][0])
    fill(pairs[3][0])
    pairs[5][1].close()
    fds = [ours.fileno() for ours, _ in pairs]
    chunks = [f"chunk {place}".encode() for place in range(6)]
    assert send_each(fds, chunks) == [(fds[0], b"chunk 0"), (fds[3], b"chunk 3"), (fds[5], b"chunk 5")]
    assert [pairs[place][1].recv(100) for place in (1, 2, 4)] == [b"chunk 1", b"chunk 2", b"chunk 4"]
    assert send_same(fds, b"tick") == [(fds[0], b"tick"), (fds[3], b"tick"), (fds[5], b"tick")]
    assert [pairs[place][1].recv(100) for place in (1, 2, 4)] == [b"tick"] * 3


def test_what_did_not_fit_is_given_back(pairs: Pairs) -> None:
    fds = [ours.fileno() for ours, _ in pairs]
    rests = dict(send_same(fds, FULL))
    assert rests.keys() == set(fds)
    assert all(0 < len(rest) < len(FULL) for rest in rests.values())


def test_nobody_gets_nothing() -> None:
    assert send_same([], b"tick") == []
    assert send_each([], []) == []
    assert Turn().write() == []


def test_a_turn_writes_once_to_each_what_it_gathered_in_order(pairs: Pairs) -> None:
    fill(pairs[1][0])
    queues: list[list[bytes]] = [[], [], [b"said before"]]
    first, second, reading = (ours.fileno() for ours, _ in pairs[:3])
    turn = Turn()
    turn.gather({first: queues[0], second: queues[1]}, b"one")
    turn.gather({first: queues[0], reading: queues[2]}, b"two")
    assert turn.write() == [(second, b"one")]
    assert pairs[0][1].recv(100) == b"onetwo"
    assert queues == [[], [], [b"said before", b"two"]]
