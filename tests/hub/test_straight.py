"""Writing straight to many sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeAlias

import pytest

from floorwire.hub import straight
from floorwire.hub.straight import Turn, each, same, send_each, send_same

FULL = b"x" * 1_000_000

Rests: TypeAlias = "list[tuple[int, bytes]]"
Pairs: TypeAlias = "list[tuple[socket.socket, socket.socket]]"
Same: TypeAlias = "Callable[[dict[int, list[bytes]], bytes], Rests]"
Each: TypeAlias = "Callable[[list[int], list[bytes]], Rests]"
Way: TypeAlias = "tuple[Same, Each]"


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


@pytest.fixture(params=["as compiled", "in Python"])
def way(request: pytest.FixtureRequest) -> Way:
    """Return both loops: in C where it could be compiled, and in Python."""
    return (send_same, send_each) if request.param == "as compiled" else (same, each)


def fill(ours: socket.socket) -> None:
    with suppress(BlockingIOError):
        while True:
            os.write(ours.fileno(), FULL)


def queues_of(pairs: Pairs) -> dict[int, list[bytes]]:
    return {ours.fileno(): [] for ours, _ in pairs}


def test_all_get_the_same_chunk(pairs: Pairs, way: Way) -> None:
    assert way[0](queues_of(pairs), b"tick") == []
    assert [theirs.recv(100) for _, theirs in pairs] == [b"tick"] * 6


def test_who_is_full_or_gone_keeps_nobody_from_theirs(pairs: Pairs, way: Way) -> None:
    fill(pairs[0][0])
    fill(pairs[3][0])
    pairs[5][1].close()
    fds = list(queues_of(pairs))
    chunks = [f"chunk {place}".encode() for place in range(6)]
    assert way[1](fds, chunks) == [(fds[0], b"chunk 0"), (fds[3], b"chunk 3"), (fds[5], b"chunk 5")]
    assert [pairs[place][1].recv(100) for place in (1, 2, 4)] == [b"chunk 1", b"chunk 2", b"chunk 4"]
    assert way[0](queues_of(pairs), b"tick") == [(fds[0], b"tick"), (fds[3], b"tick"), (fds[5], b"tick")]
    assert [pairs[place][1].recv(100) for place in (1, 2, 4)] == [b"tick"] * 3


def test_what_did_not_fit_is_given_back(pairs: Pairs, way: Way) -> None:
    for rests in (way[0](queues_of(pairs[:3]), FULL), way[1](list(queues_of(pairs[3:])), [FULL] * 3)):
        assert len(rests) == 3
        assert all(0 < len(rest) < len(FULL) and FULL.endswith(rest) for _, rest in rests)


def test_nobody_gets_nothing(way: Way) -> None:
    assert way[0]({}, b"tick") == []
    assert way[1]([], []) == []
    assert Turn().write() == []


def test_a_descriptor_that_is_no_socket_is_left_to_others() -> None:
    with open(os.devnull) as nothing:
        fd = nothing.fileno()
        assert send_same({fd: []}, b"tick") == [(fd, b"tick")]


@pytest.mark.skipif(straight.send_each is each, reason="sendloop.c was not compiled: no C compiler")
def test_the_compiled_loop_refuses_what_does_not_fit_together() -> None:
    with pytest.raises(ValueError, match="as many chunks"):
        send_each([1, 2], [b"one"])
    with pytest.raises(TypeError):
        send_each([1], ["text"])  # type: ignore[list-item]
    with pytest.raises(OverflowError):
        send_same({1 << 80: []}, b"tick")


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
